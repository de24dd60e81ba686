import Hummingbird
import OvationCore
import OvationWire

/// `DELETE /audience/sections/{section}/events/{event}/versions/{version}`: discards a draft.
struct DiscardVersion: EndpointHandler {
    let directory: Directory

    func respond(to call: Call) async throws -> Response {
        _ = try await directory.editVersion(of: call) { version, _, _ in .version(.discarded(version)) }
        return call.removed
    }
}

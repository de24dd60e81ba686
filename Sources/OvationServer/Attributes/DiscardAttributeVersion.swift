import Hummingbird
import OvationCore
import OvationWire

/// `DELETE /audience/sections/{section}/attributes/{attribute}/versions/{version}`: discards a draft.
struct DiscardAttributeVersion: EndpointHandler {
    let directory: Directory

    func respond(to call: Call) async throws -> Response {
        _ = try await directory.editAttributeVersion(of: call) { version, _, _ in
            .attributeVersion(.discarded(version))
        }
        return call.removed
    }
}

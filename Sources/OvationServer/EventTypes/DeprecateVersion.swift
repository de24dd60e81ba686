import Hummingbird
import OvationCore
import OvationWire

/// `POST /audience/sections/{section}/events/{event}/versions/{version}/deprecate`: the current version stops being
/// one, and no other takes its place. Clients that look for the current version stop posting; the id still works.
struct DeprecateVersion: EndpointHandler {
    let directory: Directory

    func respond(to call: Call) async throws -> Response {
        let (discriminator, snapshot) = try await directory.editVersion(of: call) { version, _, _ in
            .version(.deprecated(version, at: call.receivedAt))
        }
        return .json(snapshot.catalogue.eventType(discriminator)?.json(.withDrafts) ?? .null)
    }
}

import Hummingbird
import OvationCore
import OvationWire

/// `POST /audience/sections/{section}/events/{event}/versions/{version}/deprecate`: the version is no longer current,
/// and no other takes its place. Clients that look for the current version stop posting; the id still works.
struct DeprecateVersion: EndpointHandler {
    let directory: Directory

    func respond(to call: Call) async throws -> Response {
        let (discriminator, snapshot) = try await directory.editVersion(of: call) { version, _, _ in
            .versionDeprecated(version, at: call.receivedAt)
        }
        return .json(snapshot.catalogue.eventType(discriminator)?.json(.withDrafts) ?? .null)
    }
}

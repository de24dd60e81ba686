import Hummingbird
import OvationCore
import OvationWire

/// `POST /audience/sections/{section}/events/{event}/versions/{version}/deprecate`: the current version stops being
/// one, and no other takes its place. Clients that look for the current version stop posting; the id still works.
struct DeprecateVersion: BodyEndpoint {
    let directory: Directory

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.FullEventType> {
        let (discriminator, snapshot) = try await directory.editVersion(of: call) { version, _, _ in
            .version(.deprecated(version, at: call.receivedAt))
        }
        return call.changed(try snapshot.fullEventType(discriminator))
    }
}

import Hummingbird
import OvationCore
import OvationWire

/// `POST /audience/sections/{section}/attributes/{attribute}/versions/{version}/deprecate`: the current version stops
/// being one, and no other takes its place.
struct DeprecateAttributeVersion: BodyEndpoint {
    let directory: Directory

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.FullAttribute> {
        let (attribute, snapshot) = try await directory.editAttributeVersion(of: call) { version, _, _ in
            .attributeVersion(.deprecated(version, at: call.receivedAt))
        }
        return call.changed(try snapshot.fullAttribute(attribute.discriminator, in: attribute.section, for: call))
    }
}

import Hummingbird
import OvationCore
import OvationWire

/// `POST /audience/sections/{section}/attributes/{attribute}/versions` with `{type, render_hint?, version_id?,
/// valid_from?, draft?}`
struct AddAttributeVersion: BodyEndpoint, InputEndpoint {
    typealias Input = Bodies.AttributeVersionRequest

    let directory: Directory
    let limits: Limits

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.FullAttribute> {
        let section = try call.caller().section(call.path.section()).discriminator
        let discriminator = try call.path.attribute()
        let version = try await input(of: call).definition()
        let snapshot = try await directory.edit(EditContext(call)) { catalogue in
            let attribute = SectionKey(discriminator, in: section)
            return [.attributeVersion(.added(catalogue.addingVersion(version, to: attribute, at: call.receivedAt)))]
        }
        let changed = try snapshot.fullAttribute(discriminator, in: section, for: call)
        return call.changed(changed, status: .created)
    }
}

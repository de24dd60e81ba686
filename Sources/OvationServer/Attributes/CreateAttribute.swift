import Hummingbird
import OvationCore
import OvationWire

/// `POST /audience/sections/{section}/attributes` with `{name, type, render_hint?, description?, keyspace_permissions?,
/// discriminator?, version_id?, valid_from?, draft?}`
struct CreateAttribute: BodyEndpoint, InputEndpoint {
    typealias Input = Bodies.AttributeRequest

    let directory: Directory
    let limits: Limits

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.FullAttribute> {
        let section = try call.caller().section(call.path.section())
        let body = try await input(of: call)
        var random = SystemRandomNumberGenerator()
        let discriminator = body.discriminator ?? .made(fromName: body.name, using: &random)
        var definition = body.definition(in: section.discriminator)
        definition.discriminator = discriminator
        let version = try body.firstVersion()
        let snapshot = try await directory.edit(EditContext(call)) { [definition] catalogue in
            [.attribute(catalogue.creatingAttribute(definition, version, at: call.receivedAt, using: &random))]
        }
        let made = try snapshot.fullAttribute(discriminator, in: section.discriminator, for: call)
        return call.changed(made, status: .created)
    }
}

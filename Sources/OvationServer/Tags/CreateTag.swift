import Hummingbird
import OvationCore
import OvationWire

/// `POST /audience/sections/{section}/tags` with `{name, description?, discriminator?, is_hidden?,
/// keyspace_permissions?, version_id?, valid_from?}`
struct CreateTag: BodyEndpoint, InputEndpoint {
    typealias Input = Bodies.TagRequest

    let directory: Directory
    let limits: Limits

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.FullTag> {
        let section = try call.caller().section(call.path.section())
        let body = try await input(of: call)
        var random = SystemRandomNumberGenerator()
        let discriminator = body.discriminator ?? .made(fromName: body.name, using: &random)
        var definition = body.definition(in: section.discriminator)
        definition.discriminator = discriminator
        let snapshot = try await directory.edit(EditContext(call)) { [definition] catalogue in
            [.tag(catalogue.creatingTag(definition, at: call.receivedAt, using: &random))]
        }
        let made = try snapshot.fullTag(discriminator, in: section.discriminator, for: call)
        return call.changed(made, status: .created)
    }
}

import Hummingbird
import OvationCore
import OvationWire

/// `POST /audience/sections/{section}/events` with `{name, category, fields, description?, keyspace_permissions?,
/// discriminator?, version_id?, valid_from?, draft?}`
struct CreateEventType: BodyEndpoint, InputEndpoint {
    typealias Input = Bodies.EventTypeRequest

    let directory: Directory
    let limits: Limits

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.FullEventType> {
        let section = try call.caller().section(call.path.section())
        let body = try await input(of: call)
        var random = SystemRandomNumberGenerator()
        let discriminator =
            body.discriminator ?? .made(fromName: body.name, category: body.category, using: &random)
        var definition = body.definition(in: section.discriminator)
        definition.discriminator = discriminator
        let version = try body.version.definition() ?? VersionDefinition(id: nil, fields: [])
        let snapshot = try await directory.edit(EditContext(call)) { [definition] catalogue in
            [
                .eventType(.created(catalogue.creatingEventType(definition, using: &random))),
                .version(.added(catalogue.addingVersion(version, to: discriminator, at: call.receivedAt))),
            ]
        }
        return call.changed(try snapshot.fullEventType(discriminator), status: .created)
    }
}

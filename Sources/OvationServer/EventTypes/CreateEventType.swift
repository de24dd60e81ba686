import Hummingbird
import OvationCore
import OvationWire

/// `POST /audience/sections/{section}/events` with `{name, category, fields, description?, keyspace_permissions?,
/// discriminator?, version_id?, valid_from?, draft?}`
struct CreateEventType: EndpointHandler {
    let directory: Directory
    let limits: Limits

    func respond(to call: Call) async throws -> Response {
        let caller = try call.caller()
        let section = try caller.section(call.path.section())
        let json = try await call.json(within: limits)
        let body = try EventTypeRequest(json)
        let reader = try ObjectReader(json)
        let definition = EventTypeDefinition(
            section: section.discriminator, discriminator: body.discriminator,
            name: try reader.required("name", body.name), description: body.description ?? "",
            category: try reader.required("category", body.category), permissions: body.permissions ?? [:])
        let version = body.version ?? VersionDefinition(id: nil, fields: [])
        var made: Discriminator<EventType>?
        let snapshot = try await directory.edit(EditContext(call)) { catalogue in
            var random = SystemRandomNumberGenerator()
            let head = catalogue.creatingEventType(definition, using: &random)
            made = head.discriminator
            return [
                .eventType(.created(head)),
                .version(
                    .added(catalogue.addingVersion(version, to: head.discriminator, at: call.receivedAt))),
            ]
        }
        return .json(made.flatMap(snapshot.catalogue.eventType)?.json(.withDrafts) ?? .null, status: .created)
    }
}

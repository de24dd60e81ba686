import Hummingbird
import OvationCore
import OvationWire

/// `PATCH /audience/sections/{section}/events/{event}` with any of `{name, description, keyspace_permissions, retention, fields}`.
/// Only `fields` makes a new version, and only when they differ.
struct ChangeEventType: BodyEndpoint, InputEndpoint {
    typealias Input = Bodies.EventTypeChange

    let directory: Directory
    let limits: Limits

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.FullEventType> {
        let section = try call.caller().section(call.path.section())
        let discriminator = try call.path.eventType()
        let body = try await input(of: call)
        let version = try body.version.definition()
        guard body.discriminator == nil || body.discriminator == discriminator else {
            throw Problem(.conflict, "A discriminator is fixed for good.")
        }
        let snapshot = try await directory.edit(EditContext(call)) { catalogue throws(Problem) in
            guard let eventType = catalogue.eventType(discriminator), eventType.section == section.discriminator,
                eventType.removedAt == nil
            else { throw Problem.noEventType(discriminator) }
            var changes: [CatalogueChange] = []
            var head = eventType.head
            if let category = body.category { head.category = category }
            if let name = body.name { head.name = name }
            if let description = body.description { head.description = description }
            if let permissions = body.keyspacePermissions?.byKeyspace {
                head.permissions = permissions.filter { $0.value != .none }
            }
            if let retention = body.retention { head.retention = retention.value }
            if head != eventType.head { changes.append(.eventType(.changed(head))) }
            if let version {
                let added = catalogue.addingVersion(version, to: discriminator, at: call.receivedAt)
                // A version that is asked for by a new id is made even when its fields are the same.
                let isNamed = version.id != nil && version.id != eventType.currentVersion?.id
                if version.isDraft || isNamed || eventType.currentVersion?.schema.hasFields(added.fields) != true {
                    changes.append(.version(.added(added)))
                }
            }
            return changes
        }
        return call.changed(try snapshot.fullEventType(discriminator))
    }
}

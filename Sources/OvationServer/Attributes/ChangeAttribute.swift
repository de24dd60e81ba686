import Hummingbird
import OvationCore
import OvationWire

/// `PATCH /audience/sections/{section}/attributes/{attribute}` with any of `{name, description, keyspace_permissions,
/// type, render_hint}`. Only another type, or another hint, makes a new version.
struct ChangeAttribute: BodyEndpoint, InputEndpoint {
    typealias Input = Bodies.AttributeChange

    let directory: Directory
    let limits: Limits

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.FullAttribute> {
        let section = try call.caller().section(call.path.section()).discriminator
        let discriminator = try call.path.attribute()
        let body = try await input(of: call)
        let version = try body.newVersion()
        guard body.discriminator == nil || body.discriminator == discriminator else {
            throw Problem(.conflict, "A discriminator is fixed for good.")
        }
        let snapshot = try await directory.edit(EditContext(call)) { catalogue throws(Problem) in
            let attribute = try catalogue.listedAttribute(discriminator, in: section)
            var changes: [CatalogueChange] = []
            var head = attribute.head
            if let name = body.name { head.name = name }
            if let description = body.description { head.description = description }
            if let permissions = body.keyspacePermissions?.byKeyspace {
                head.permissions = permissions.filter { $0.value != .all }
            }
            if head != attribute.head { changes.append(.attribute(.changed(head))) }
            if let version {
                let added = catalogue.addingVersion(version, to: head.key, at: call.receivedAt)
                // A version that is asked for by a new id is made even when its type is the same.
                let isNamed = version.id != nil && version.id != attribute.currentVersion?.id
                if version.isDraft || isNamed || attribute.currentVersion?.content != version.content {
                    changes.append(.attributeVersion(.added(added)))
                }
            }
            return changes
        }
        return call.changed(try snapshot.fullAttribute(discriminator, in: section, for: call))
    }
}

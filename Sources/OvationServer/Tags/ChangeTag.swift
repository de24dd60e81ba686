import Hummingbird
import OvationCore
import OvationWire

/// `PATCH /audience/sections/{section}/tags/{tag}` with any of `{name, description, is_hidden, keyspace_permissions}`
struct ChangeTag: BodyEndpoint, InputEndpoint {
    typealias Input = Bodies.TagChange

    let directory: Directory
    let limits: Limits

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.FullTag> {
        let section = try call.caller().section(call.path.section()).discriminator
        let discriminator = try call.path.tag()
        let body = try await input(of: call)
        guard body.discriminator == nil || body.discriminator == discriminator else {
            throw Problem(.conflict, "A discriminator is fixed for good.")
        }
        let snapshot = try await directory.edit(EditContext(call)) { catalogue throws(Problem) in
            let tag = try catalogue.listedTag(discriminator, in: section)
            var head = tag.head
            if let name = body.name { head.name = name }
            if let description = body.description { head.description = description }
            if let isHidden = body.isHidden { head.isHidden = isHidden }
            if let permissions = body.keyspacePermissions?.byKeyspace {
                head.permissions = permissions.filter { $0.value != .all }
            }
            return head == tag.head ? [] : [.tag(.changed(head))]
        }
        return call.changed(try snapshot.fullTag(discriminator, in: section, for: call))
    }
}

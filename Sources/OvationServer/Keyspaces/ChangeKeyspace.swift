import Hummingbird
import OvationCore
import OvationWire

/// `PATCH /audience/keyspaces/{keyspace}` with `{name?, manage_subscriptions?, mapped_attribute?}`. The key format is fixed: it decides
/// which keys are the same.
struct ChangeKeyspace: BodyEndpoint, InputEndpoint {
    typealias Input = Bodies.KeyspaceChange

    let directory: Directory
    let limits: Limits

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Keyspace> {
        let discriminator = try call.caller().keyspace(call.path.keyspace()).discriminator
        let body = try await input(of: call)
        guard body.discriminator == nil || body.discriminator == discriminator else {
            throw Problem(.conflict, "A discriminator is fixed for good.")
        }
        let snapshot = try await directory.edit(EditContext(call)) { catalogue throws(Problem) in
            guard let keyspace = catalogue.keyspace(discriminator) else { throw Problem.noKeyspace(discriminator) }
            guard body.keyFormat == nil || body.keyFormat == keyspace.keyFormat else {
                throw Problem(.conflict, "The key format of a keyspace is fixed for good.")
            }
            let name = body.name ?? keyspace.name
            let manages = body.managesSubscriptions ?? keyspace.managesSubscriptions
            var mapping = keyspace.mapping
            // A client may send back what a keyspace of the account shows, and its mapping is not in the log.
            if let given = body.mappedAttribute, given.attribute != keyspace.mappedAttribute {
                mapping = given.attribute
            }
            guard
                name != keyspace.name || manages != keyspace.managesSubscriptions || mapping != keyspace.mapping
            else { return [] }
            return [
                .keyspace(
                    .changed(
                        discriminator, name: name, managesSubscriptions: manages, mapping: mapping))
            ]
        }
        return call.changed(Bodies.Keyspace(try snapshot.keyspace(discriminator)))
    }
}

import Hummingbird
import OvationCore
import OvationWire

/// `PATCH /audience/keyspaces/{keyspace}` with `{name?, manage_subscriptions?}`. The key format is fixed: it decides
/// which keys are the same.
struct ChangeKeyspace: EndpointHandler {
    let directory: Directory
    let limits: Limits

    func respond(to call: Call) async throws -> Response {
        let caller = try call.caller()
        let discriminator = try caller.keyspace(call.path.keyspace()).discriminator
        let body = try KeyspaceRequest(await call.json(within: limits))
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
            guard name != keyspace.name || manages != keyspace.managesSubscriptions else { return [] }
            return [.keyspace(.changed(discriminator, name: name, managesSubscriptions: manages))]
        }
        return .json(snapshot.catalogue.keyspace(discriminator)?.json ?? .null)
    }
}

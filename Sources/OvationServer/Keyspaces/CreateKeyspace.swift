import Hummingbird
import OvationCore
import OvationWire

/// `POST /audience/keyspaces` with `{name, discriminator?, manage_subscriptions?, key_format?}`
struct CreateKeyspace: EndpointHandler {
    let directory: Directory
    let limits: Limits

    func respond(to call: Call) async throws -> Response {
        let json = try await call.json(within: limits)
        let body = try KeyspaceRequest(json)
        let name = try ObjectReader(json).required("name", body.name)
        var made: Keyspace?
        try await directory.edit(EditContext(call)) { catalogue in
            var random = SystemRandomNumberGenerator()
            let keyspace = catalogue.creatingKeyspace(
                named: name, discriminator: body.discriminator,
                managesSubscriptions: body.managesSubscriptions ?? false, keyFormat: body.keyFormat ?? .text,
                using: &random)
            made = keyspace
            return [.keyspace(.created(keyspace))]
        }
        return .json(made?.json ?? .null, status: .created)
    }
}

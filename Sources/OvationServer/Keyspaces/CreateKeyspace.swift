import Hummingbird
import OvationCore
import OvationWire

/// `POST /audience/keyspaces` with `{name, discriminator?, manage_subscriptions?, key_format?, mapped_attribute?}`
struct CreateKeyspace: BodyEndpoint, InputEndpoint {
    typealias Input = Bodies.KeyspaceRequest

    let directory: Directory
    let limits: Limits

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Keyspace> {
        let body = try await input(of: call)
        var random = SystemRandomNumberGenerator()
        let discriminator = body.discriminator ?? .made(fromName: body.name, using: &random)
        let snapshot = try await directory.edit(EditContext(call)) { catalogue in
            [
                .keyspace(
                    .created(
                        catalogue.creatingKeyspace(
                            named: body.name, discriminator: discriminator,
                            managesSubscriptions: body.managesSubscriptions ?? false,
                            keyFormat: body.keyFormat ?? .text, mapping: body.mappedAttribute?.attribute,
                            using: &random)))
            ]
        }
        return call.changed(Bodies.Keyspace(try snapshot.keyspace(discriminator)), status: .created)
    }
}

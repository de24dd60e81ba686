import Hummingbird
import OvationCore
import OvationWire

/// `POST /audience/channels` with `{name, keyspace_discriminator, discriminator?}`
struct CreateChannel: BodyEndpoint, InputEndpoint {
    typealias Input = Bodies.ChannelRequest

    let directory: Directory
    let limits: Limits

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Channel> {
        let body = try await input(of: call)
        let keyspace = try body.keyspace()
        var random = SystemRandomNumberGenerator()
        let discriminator = body.discriminator ?? .made(fromName: body.name, using: &random)
        let snapshot = try await directory.edit(EditContext(call)) { catalogue in
            [
                .channel(
                    .created(
                        catalogue.creatingChannel(
                            named: body.name, discriminator: discriminator, keyspace: keyspace, using: &random)))
            ]
        }
        return call.changed(try snapshot.channelBody(discriminator, for: call), status: .created)
    }
}

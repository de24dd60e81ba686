import Hummingbird
import OvationCore
import OvationWire

/// `PATCH /audience/channels/{channel}` with `{name?}`
struct ChangeChannel: BodyEndpoint, InputEndpoint {
    typealias Input = Bodies.ChannelChange

    let directory: Directory
    let limits: Limits

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Channel> {
        let discriminator = try call.path.channel()
        let body = try await input(of: call)
        guard body.discriminator == nil || body.discriminator == discriminator else {
            throw Problem(.conflict, "A discriminator is fixed for good.")
        }
        let snapshot = try await directory.edit(EditContext(call)) { catalogue throws(Problem) in
            let channel = try catalogue.listedChannel(discriminator)
            guard body.keyspaceDiscriminator == nil || body.keyspaceDiscriminator == channel.keyspace else {
                throw Problem(.conflict, "The keyspace of a channel is fixed for good.")
            }
            guard let name = body.name, name != channel.name else { return [] }
            return [.channel(.changed(discriminator, name: name))]
        }
        return call.changed(try snapshot.channelBody(discriminator, for: call))
    }
}

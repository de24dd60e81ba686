import Hummingbird
import OvationCore
import OvationWire

/// `POST /v2/audience/sections/{section}/topics` with `{name, folder_discriminator, description?, channel_discriminator?,
/// discriminator?}`
struct CreateTopic: BodyEndpoint, InputEndpoint {
    typealias Input = Bodies.TopicRequest

    let directory: Directory
    let limits: Limits

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Topic> {
        let section = try call.caller().section(call.path.section()).discriminator
        let body = try await input(of: call)
        var random = SystemRandomNumberGenerator()
        let discriminator = body.discriminator ?? .made(fromName: body.name, using: &random)
        var definition = try body.definition(in: section)
        definition.discriminator = discriminator
        let snapshot = try await directory.edit(EditContext(call)) { [definition] catalogue in
            [.topic(catalogue.creatingTopic(definition, using: &random))]
        }
        let made = try snapshot.catalogue.listedTopic(discriminator, in: section)
        return call.changed(Bodies.Topic(made), status: .created)
    }
}

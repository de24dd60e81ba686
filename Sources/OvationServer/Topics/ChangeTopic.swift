import Hummingbird
import OvationCore
import OvationWire

/// `PATCH /v2/audience/sections/{section}/topics/{topic}` with any of `{name, description, folder_discriminator}`
struct ChangeTopic: BodyEndpoint, InputEndpoint {
    typealias Input = Bodies.TopicChange

    let directory: Directory
    let limits: Limits

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Topic> {
        let section = try call.caller().section(call.path.section()).discriminator
        let discriminator = try call.path.topic()
        let body = try await input(of: call)
        guard body.discriminator == nil || body.discriminator == discriminator else {
            throw Problem(.conflict, "A discriminator is fixed for good.")
        }
        let snapshot = try await directory.edit(EditContext(call)) { catalogue throws(Problem) in
            let topic = try catalogue.listedTopic(discriminator, in: section)
            var head = topic.head
            if let name = body.name { head.name = name }
            if let description = body.description { head.description = description }
            if let folder = body.folderDiscriminator { head.folder = folder }
            if let channel = body.channelDiscriminator { head.channel = channel }
            return head == topic.head ? [] : [.topic(.changed(head))]
        }
        return call.changed(Bodies.Topic(try snapshot.catalogue.listedTopic(discriminator, in: section)))
    }
}

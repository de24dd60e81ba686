import OvationCore

extension Catalogue {
    /// A channel that was not removed.
    func listedChannel(_ discriminator: Discriminator<OvationCore.Channel>) throws(Problem) -> OvationCore.Channel {
        guard let channel = channel(discriminator), channel.removedAt == nil else {
            throw Problem.noChannel(discriminator)
        }
        return channel
    }

    /// A folder that was not removed.
    func listedFolder(
        _ discriminator: Discriminator<Folder>, in section: Discriminator<Section>
    ) throws(Problem) -> Folder {
        guard let folder = folder(discriminator, in: section), folder.removedAt == nil else {
            throw Problem.noFolder(discriminator, in: section)
        }
        return folder
    }

    /// A topic that was not removed.
    func listedTopic(
        _ discriminator: Discriminator<Topic>, in section: Discriminator<Section>
    ) throws(Problem) -> Topic {
        guard let topic = topic(discriminator, in: section), topic.removedAt == nil else {
            throw Problem.noTopic(discriminator, in: section)
        }
        return topic
    }
}

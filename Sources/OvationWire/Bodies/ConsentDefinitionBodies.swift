public import OvationCore

// Channels, folders and topics as bodies.

extension Bodies.Channel {
    /// - Parameter keyspaces: that the API key may use.
    public init(_ channel: OvationCore.Channel, keyspaces: [OvationCore.Keyspace]) {
        discriminator = channel.discriminator.text
        name = channel.name
        keyspaceDiscriminator = keyspaces.first { $0.discriminator == channel.keyspace }?.discriminator.text
    }
}

extension Bodies.Folder {
    public init(_ folder: OvationCore.Folder) {
        discriminator = folder.discriminator.text
        name = folder.name
        description = folder.summary
    }
}

extension Bodies.Folders {
    public init(_ folders: [OvationCore.Folder]) { items = folders.map { Bodies.Folder($0) } }
}

extension Bodies.ConsentLists {
    public init(_ folders: [OvationCore.Folder]) {
        items = folders.map { folder in
            var item = Bodies.ConsentList()
            (item.discriminator, item.name) = (folder.discriminator.text, folder.name)
            return item
        }
    }
}

extension Bodies.ConsentListTopics {
    public init(_ topics: [OvationCore.Topic]) {
        items = topics.map { topic in
            var item = Bodies.ConsentListTopic()
            (item.discriminator, item.name) = (topic.discriminator.text, topic.name)
            item.channelDiscriminator = topic.channel?.text
            return item
        }
    }
}

extension Bodies.Topic {
    public init(_ topic: OvationCore.Topic) {
        discriminator = topic.discriminator.text
        name = topic.name
        description = topic.summary
        folderDiscriminator = topic.folder.text
        channelDiscriminator = topic.channel?.text
    }
}

extension Bodies.Topics {
    public init(_ topics: [OvationCore.Topic]) { items = topics.map { Bodies.Topic($0) } }
}

// MARK: - What a request asks for

extension Bodies.ChannelRequest {
    /// - Throws: `validation_failed` where the text can be no discriminator, and so names nothing.
    public func keyspace() throws(Problem) -> Discriminator<OvationCore.Keyspace> {
        guard let keyspace = try? Discriminator<OvationCore.Keyspace>(keyspaceDiscriminator) else {
            throw Problem.unknown(
                "/keyspace_discriminator", .keyspaceNotFound, "There is no keyspace \(keyspaceDiscriminator.quoted).")
        }
        return keyspace
    }
}

extension Bodies.TopicRequest {
    /// - Throws: `validation_failed` where the text of the folder can be no discriminator, and so names nothing.
    public func definition(in section: Discriminator<OvationCore.Section>) throws(Problem) -> TopicDefinition {
        guard let folder = try? Discriminator<OvationCore.Folder>(folderDiscriminator) else {
            throw Problem.unknown(
                "/folder_discriminator", .folderNotFound,
                "The section '\(section)' has no folder \(folderDiscriminator.quoted).")
        }
        return TopicDefinition(
            section: section, folder: folder, discriminator: discriminator, name: name, description: description ?? "",
            channel: channelDiscriminator)
    }
}

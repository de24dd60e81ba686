import OvationCore

// Channels, folders and topics of a data model, in both directions.

extension OvationCore.Model.Channel {
    init(_ body: Bodies.ModelChannel) {
        self.init(discriminator: body.discriminator, name: body.name, keyspace: body.keyspaceDiscriminator)
    }
}

extension OvationCore.Model.Folder {
    init(_ body: Bodies.ModelFolder) {
        self.init(
            discriminator: body.discriminator, name: body.name, description: body.description ?? "",
            topics: (body.topics ?? []).map { OvationCore.Model.Topic($0) })
    }
}

extension OvationCore.Model.Topic {
    fileprivate init(_ body: Bodies.ModelTopic) {
        self.init(
            discriminator: body.discriminator, name: body.name, description: body.description ?? "",
            channel: body.channelDiscriminator)
    }
}

// MARK: - Writing

extension Bodies.ModelChannel {
    init(_ channel: OvationCore.Model.Channel) {
        discriminator = channel.discriminator
        name = channel.name
        keyspaceDiscriminator = channel.keyspace
    }
}

extension Bodies.ModelFolder {
    init(_ folder: OvationCore.Model.Folder) {
        discriminator = folder.discriminator
        name = folder.name
        description = folder.description
        topics = folder.topics.isEmpty ? nil : folder.topics.map { Bodies.ModelTopic($0) }
    }
}

extension Bodies.ModelTopic {
    fileprivate init(_ topic: OvationCore.Model.Topic) {
        discriminator = topic.discriminator
        name = topic.name
        description = topic.description
        channelDiscriminator = topic.channel
    }
}

// What an admin may ask for of channels, folders and topics, turned into log entries; see Catalogue+edit.swift.

/// Everything a new topic needs.
public struct TopicDefinition: Sendable, Equatable {
    public var section: Discriminator<Section>
    public var folder: Discriminator<Folder>
    /// nil: made from the name.
    public var discriminator: Discriminator<Topic>?
    public var name: String
    public var description: String
    /// nil: consents to it can be for any channel.
    public var channel: Discriminator<Channel>?

    public init(
        section: Discriminator<Section>, folder: Discriminator<Folder>, discriminator: Discriminator<Topic>?,
        name: String, description: String = "", channel: Discriminator<Channel>? = nil
    ) {
        self.section = section
        self.folder = folder
        self.discriminator = discriminator
        self.name = name
        self.description = description
        self.channel = channel
    }
}

extension Catalogue {
    public func creatingChannel(
        named name: String, discriminator: Discriminator<Channel>?, keyspace: Discriminator<Keyspace>,
        using random: inout some RandomNumberGenerator
    ) -> Channel {
        Channel(
            number: max(channelTable.nextNumber, Channel.customNumbers),
            discriminator: discriminator ?? .made(fromName: name, using: &random), name: name, keyspace: keyspace)
    }

    public func creatingFolder(
        named name: String, description: String = "", discriminator: Discriminator<Folder>?,
        in section: Discriminator<Section>, using random: inout some RandomNumberGenerator
    ) -> FolderHead {
        FolderHead(
            discriminator: discriminator ?? .made(fromName: name, using: &random), section: section, name: name,
            description: description)
    }

    public func creatingTopic(
        _ definition: TopicDefinition, using random: inout some RandomNumberGenerator
    ) -> TopicChange {
        let head = TopicHead(
            discriminator: definition.discriminator ?? .made(fromName: definition.name, using: &random),
            section: definition.section, folder: definition.folder, channel: definition.channel,
            name: definition.name, description: definition.description)
        return .created(head, number: topicTable.nextNumber)
    }
}

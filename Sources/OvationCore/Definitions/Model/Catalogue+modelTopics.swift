// Channels, folders and topics, in models and in plans; see Catalogue+model.swift.

extension Catalogue {
    /// nil where it is as each account has it.
    func modelChannel(_ channel: Channel) -> Model.Channel? {
        guard !BuiltIn.channels.contains(channel) else { return nil }
        return Model.Channel(discriminator: channel.discriminator, name: channel.name, keyspace: channel.keyspace)
    }

    func modelFolder(_ folder: Folder) -> Model.Folder {
        let topics = listedTopics(in: folder.section).filter { $0.folder == folder.discriminator }
        return Model.Folder(
            discriminator: folder.discriminator, name: folder.name, description: folder.summary,
            topics: topics.map { topic in
                Model.Topic(
                    discriminator: topic.discriminator, name: topic.name, description: topic.summary,
                    channel: topic.channel)
            })
    }
}

extension ModelPlanner {
    mutating func plan(_ channel: Model.Channel, using random: inout some RandomNumberGenerator) throws(Problem) {
        let existing = try find(
            channel.discriminator, catalogue.channel, orNamed: channel.name,
            among: catalogue.listedChannels.filter { $0.name == channel.name })
        guard let existing else {
            guard let keyspace = channel.keyspace else {
                throw Problem(
                    .validationFailed, "The channel \(channel.name.quoted) is new and has no keyspace; give it one.")
            }
            let made = catalogue.creatingChannel(
                named: channel.name, discriminator: channel.discriminator, keyspace: keyspace, using: &random)
            return try add(
                .channel(.created(made)), .create, "channel \(made.discriminator)",
                ["name: \(made.name)", "keyspace_discriminator: \(keyspace)"])
        }
        guard existing.removedAt == nil else { throw removed(existing.discriminator.text) }
        guard channel.keyspace == nil || channel.keyspace == existing.keyspace else {
            throw Problem(
                .conflict,
                "The channel '\(existing.discriminator)' has the keyspace '\(existing.keyspace)', which is fixed for "
                    + "good.")
        }
        guard existing.name != channel.name else { return }
        try add(
            .channel(.changed(existing.discriminator, name: channel.name)), .change,
            "channel \(existing.discriminator)", ["name: \(existing.name) → \(channel.name)"])
    }

    mutating func plan(
        _ folder: Model.Folder, in section: Discriminator<Section>, using random: inout some RandomNumberGenerator
    ) throws(Problem) {
        let existing = try find(
            folder.discriminator, { catalogue.folder($0, in: section) }, orNamed: folder.name,
            among: catalogue.listedFolders(in: section).filter { $0.name == folder.name })
        let head = catalogue.creatingFolder(
            named: folder.name, description: folder.description,
            discriminator: existing?.discriminator ?? folder.discriminator, in: section, using: &random)
        if let existing {
            guard existing.removedAt == nil else { throw removed(existing.discriminator.text) }
            if existing.head != head {
                try add(
                    .folder(.changed(head)), .change, "folder \(head.discriminator)",
                    existing.head.words.differences(to: head.words))
            }
        } else {
            try add(.folder(.created(head)), .create, "folder \(head.discriminator)", ["name: \(head.name)"])
        }
        for topic in folder.topics { try plan(topic, in: head.key, using: &random) }
    }

    /// By its name a topic is looked for in its folder alone, since folders may have topics of one name. So one without a
    /// discriminator is never moved.
    private mutating func plan(
        _ topic: Model.Topic, in folder: SectionKey<Folder>, using random: inout some RandomNumberGenerator
    ) throws(Problem) {
        let section = folder.section
        let existing = try find(
            topic.discriminator, { catalogue.topic($0, in: section) }, orNamed: topic.name,
            among: catalogue.listedTopics(in: section).filter {
                $0.folder == folder.discriminator && $0.name == topic.name
            })
        guard let existing else {
            let change = catalogue.creatingTopic(
                TopicDefinition(
                    section: section, folder: folder.discriminator, discriminator: topic.discriminator,
                    name: topic.name, description: topic.description, channel: topic.channel), using: &random)
            return try add(
                .topic(change), .create, "topic \(change.topic.discriminator)",
                ["name: \(topic.name)", "folder_discriminator: \(folder.discriminator)"]
                    + (topic.channel.map { ["channel_discriminator: \($0)"] } ?? []))
        }
        guard existing.removedAt == nil else { throw removed(existing.discriminator.text) }
        guard topic.channel == nil || topic.channel == existing.channel else {
            throw Problem(
                .conflict,
                "The topic '\(existing.discriminator)' is of \(existing.channel.map { "the channel '\($0)'" } ?? "any channel"), "
                    + "which is fixed for good.")
        }
        var head = existing.head
        (head.folder, head.name, head.description) = (folder.discriminator, topic.name, topic.description)
        guard existing.head != head else { return }
        let isMoved = existing.folder != head.folder
        try add(
            .topic(.changed(head)), .change, "topic \(head.discriminator)",
            existing.head.words.differences(to: head.words)
                + (isMoved ? ["folder_discriminator: \(existing.folder) → \(head.folder)"] : []),
            breaks: isMoved ? ["clients that name its consent list do not find it there"] : [])
    }
}

extension FolderHead {
    var words: DefinitionWords {
        DefinitionWords(name: name, description: description, permissions: [:], unlisted: .all)
    }
}

extension TopicHead {
    var words: DefinitionWords {
        DefinitionWords(name: name, description: description, permissions: [:], unlisted: .all)
    }
}

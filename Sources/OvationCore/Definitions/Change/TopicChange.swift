public enum TopicChange: Sendable, Equatable {
    case created(TopicHead, number: Int64)
    /// Another folder in it moves the topic.
    case changed(TopicHead)
    case removed(Discriminator<Topic>, in: Discriminator<Section>, at: Timestamp)

    public var topic: SectionKey<Topic> {
        switch self {
        case .created(let head, _), .changed(let head): head.key
        case .removed(let discriminator, let section, _): SectionKey(discriminator, in: section)
        }
    }
}

/// What of a topic can be said.
public struct TopicHead: Sendable, Codable, Equatable {
    public var discriminator: Discriminator<Topic>
    public var section: Discriminator<Section>
    public var folder: Discriminator<Folder>
    public var channel: Discriminator<Channel>?
    public var name: String
    public var description: String

    public var key: SectionKey<Topic> { SectionKey(discriminator, in: section) }
}

extension Topic {
    public var head: TopicHead {
        TopicHead(
            discriminator: discriminator, section: section, folder: folder, channel: channel, name: name,
            description: summary)
    }
}

extension TopicChange: DefinitionChange {
    enum Kind: String, CaseIterable, Codable {
        case created = "topic.created"
        case changed = "topic.changed"
        case removed = "topic.removed"
    }

    var kind: Kind {
        switch self {
        case .created: .created
        case .changed: .changed
        case .removed: .removed
        }
    }

    var subject: String { topic.discriminator.text }

    var name: String? {
        switch self {
        case .created(let head, _), .changed(let head): head.name
        case .removed: nil
        }
    }

    func apply(to catalogue: inout Catalogue) throws(Problem) {
        switch self {
        case .created(let head, let number): try catalogue.add(head, number)
        case .changed(let head): try catalogue.set(head)
        case .removed(_, _, let at):
            let place = try catalogue.topicTable.livePlace(of: topic)
            try catalogue.topicTable.change(at: place) { $0.removedAt = at }
        }
    }
}

extension Catalogue {
    fileprivate mutating func add(_ head: TopicHead, _ number: Int64) throws(Problem) {
        guard sectionTable.place(of: head.section) != nil else { throw Problem.noSection(head.section) }
        guard (1...Topic.numberMax).contains(number), topicTable[number: number] == nil else {
            throw Problem(.conflict, "The number \(number) cannot be given to '\(head.discriminator)'.")
        }
        try topicTable.requireUnused(head.discriminator)
        try check(head)
        if let channel = head.channel, (try? channelTable.livePlace(of: channel)) == nil {
            throw Problem.unknown("/channel_discriminator", .channelNotFound, "There is no channel '\(channel)'.")
        }
        try topicTable.add(Topic(head, number: number))
    }

    fileprivate mutating func set(_ head: TopicHead) throws(Problem) {
        let place = try topicTable.livePlace(of: head.key)
        guard topicTable.all[place].channel == head.channel else {
            throw Problem(.conflict, "The channel of '\(head.discriminator)' is fixed for good.")
        }
        try check(head)
        try topicTable.change(at: place) { topic in
            (topic.folder, topic.name, topic.summary) = (head.folder, head.name, head.description)
        }
    }

    private func check(_ head: TopicHead) throws(Problem) {
        _ = try DefinitionRules.name(head.name)
        _ = try DefinitionRules.description(head.description)
        guard (try? folderTable.livePlace(of: SectionKey(head.folder, in: head.section))) != nil else {
            throw Problem.unknown(
                "/folder_discriminator", .folderNotFound,
                "The section '\(head.section)' has no folder '\(head.folder)'.")
        }
    }
}

// MARK: - The stored form

extension TopicChange: Codable {
    private enum Key: String, CodingKey { case kind, topic, number, section, at }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(kind, forKey: .kind)
        switch self {
        case .created(let head, let number):
            try container.encode(head, forKey: .topic)
            try container.encode(number, forKey: .number)
        case .changed(let head): try container.encode(head, forKey: .topic)
        case .removed(let discriminator, let section, let at):
            try container.encode(discriminator, forKey: .topic)
            try container.encode(section, forKey: .section)
            try container.encode(at, forKey: .at)
        }
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        switch try container.decode(Kind.self, forKey: .kind) {
        case .created:
            self = .created(
                try container.decode(TopicHead.self, forKey: .topic),
                number: try container.decode(Int64.self, forKey: .number))
        case .changed: self = .changed(try container.decode(TopicHead.self, forKey: .topic))
        case .removed:
            self = .removed(
                try container.decode(Discriminator<Topic>.self, forKey: .topic),
                in: try container.decode(Discriminator<Section>.self, forKey: .section),
                at: try container.decode(Timestamp.self, forKey: .at))
        }
    }
}

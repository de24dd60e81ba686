public enum ChannelChange: Sendable, Equatable {
    case created(Channel)
    case changed(Discriminator<Channel>, name: String)
    case removed(Discriminator<Channel>, at: Timestamp)

    public var channel: Discriminator<Channel> {
        switch self {
        case .created(let channel): channel.discriminator
        case .changed(let discriminator, _), .removed(let discriminator, _): discriminator
        }
    }
}

extension ChannelChange: DefinitionChange {
    enum Kind: String, CaseIterable, Codable {
        case created = "channel.created"
        case changed = "channel.changed"
        case removed = "channel.removed"
    }

    var kind: Kind {
        switch self {
        case .created: .created
        case .changed: .changed
        case .removed: .removed
        }
    }

    var subject: String { channel.text }

    var name: String? {
        switch self {
        case .created(let channel): channel.name
        case .changed(_, let name): name
        case .removed: nil
        }
    }

    func apply(to catalogue: inout Catalogue) throws(Problem) {
        switch self {
        case .created(let channel): try catalogue.add(channel)
        case .changed(let discriminator, let name):
            let name = try DefinitionRules.name(name)
            let place = try catalogue.channelTable.livePlace(of: discriminator)
            try catalogue.channelTable.change(at: place) { $0.name = name }
        case .removed(let discriminator, let at):
            let place = try catalogue.channelTable.livePlace(of: discriminator)
            try catalogue.requireRemovable(catalogue.channelTable.all[place])
            try catalogue.channelTable.change(at: place) { $0.removedAt = at }
        }
    }
}

extension Catalogue {
    fileprivate mutating func add(_ channel: Channel) throws(Problem) {
        guard keyspaceTable.place(of: channel.keyspace) != nil else {
            throw Problem.unknown(
                "/keyspace_discriminator", .keyspaceNotFound, "There is no keyspace '\(channel.keyspace)'.")
        }
        guard (Channel.customNumbers...Channel.numberMax).contains(channel.number),
            channelTable[number: channel.number] == nil
        else { throw Problem(.conflict, "The number \(channel.number) cannot be given to '\(channel.discriminator)'.") }
        _ = try DefinitionRules.name(channel.name)
        try channelTable.add(channel)
    }

    fileprivate func requireRemovable(_ channel: Channel) throws(Problem) {
        guard !channel.isBuiltIn else {
            throw Problem(.conflict, "'\(channel.discriminator)' comes with the account and cannot be removed.")
        }
        guard let topic = topics.first(where: { $0.channel == channel.discriminator && $0.removedAt == nil }) else {
            return
        }
        throw Problem(
            .conflict,
            "The topic '\(topic.discriminator)' is of the channel '\(channel.discriminator)'; remove such topics first."
        )
    }
}

extension Problem {
    /// A member of a definition names another definition that is not there.
    public static func unknown(_ pointer: String, _ code: Code, _ detail: String) -> Problem {
        Problem(
            .validationFailed, detail, errors: [ItemError(index: nil, pointer: pointer, code: code, detail: detail)])
    }
}

// MARK: - The stored form

extension ChannelChange: Codable {
    private enum Key: String, CodingKey { case kind, channel, name, at }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(kind, forKey: .kind)
        switch self {
        case .created(let channel): try container.encode(channel, forKey: .channel)
        case .changed(let discriminator, let name):
            try container.encode(discriminator, forKey: .channel)
            try container.encode(name, forKey: .name)
        case .removed(let discriminator, let at):
            try container.encode(discriminator, forKey: .channel)
            try container.encode(at, forKey: .at)
        }
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        switch try container.decode(Kind.self, forKey: .kind) {
        case .created: self = .created(try container.decode(Channel.self, forKey: .channel))
        case .changed:
            self = .changed(
                try container.decode(Discriminator<Channel>.self, forKey: .channel),
                name: try container.decode(String.self, forKey: .name))
        case .removed:
            self = .removed(
                try container.decode(Discriminator<Channel>.self, forKey: .channel),
                at: try container.decode(Timestamp.self, forKey: .at))
        }
    }
}

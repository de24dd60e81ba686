/// One change of an account's definitions, or one act worth remembering: what the log is made of.
public enum CatalogueChange: Sendable, Equatable {
    case sectionCreated(Section)
    case sectionRenamed(Discriminator<Section>, name: String)
    case keyspaceCreated(Keyspace)
    case keyspaceChanged(Discriminator<Keyspace>, name: String, managesSubscriptions: Bool)
    case eventTypeCreated(EventTypeHead)
    case eventTypeChanged(EventTypeHead)
    case eventTypeRemoved(Discriminator<EventType>, at: Timestamp)
    case versionAdded(VersionAdded)
    case versionPublished(EventVersion.ID, at: Timestamp)
    /// A deprecated version becomes the current one again.
    case versionRepublished(EventVersion.ID, at: Timestamp)
    case versionDiscarded(EventVersion.ID)
    case versionDeprecated(EventVersion.ID, at: Timestamp)
    case noted(Note)
}

extension CatalogueChange {
    /// Whether it tells of an act and changes no definition.
    public var isNote: Bool {
        if case .noted = self { true } else { false }
    }
}

/// An event type without its versions.
public struct EventTypeHead: Sendable, Codable, Equatable {
    public var discriminator: Discriminator<EventType>
    public var section: Discriminator<Section>
    public var category: EventCategory
    public var name: String
    public var description: String
    /// Keyed by keyspace discriminator; only those that allow something.
    public var permissions: [String: Permission]
}

public struct VersionAdded: Sendable, Codable, Equatable {
    public var eventType: Discriminator<EventType>
    public var id: EventVersion.ID
    public var fields: [Field]
    public var state: EventVersion.State
    public var validFrom: Timestamp
    public var deprecatedAt: Timestamp?
}

/// An act that changes no definition and still belongs into the audit trail. Never holds a secret, a profile key or
/// the content of an event.
public struct Note: Sendable, Codable, Equatable {
    public enum Act: String, Codable, Sendable, CaseIterable {
        case apiKeyCreated = "api_key.created"
        case apiKeyRevoked = "api_key.revoked"
        case apiKeyRotated = "api_key.rotated"
        case signingKeyRotated = "signing_key.rotated"
        case eventsDeleted = "events.deleted"
    }

    public var act: Act
    /// What it was done to: a client id, a key id, a section.
    public var subject: String
    /// Further facts, in words.
    public var detail: String

    public init(act: Act, subject: String, detail: String) {
        self.act = act
        self.subject = subject
        self.detail = detail
    }
}

/// One entry of the append-only log of an account.
public struct LogEntry: Sendable, Equatable {
    /// 1, 2, 3, … within the account, without gaps.
    public let sequence: Int64
    public let at: Timestamp
    /// Client id of the API key that asked, or `server`.
    public let actor: String
    public let change: CatalogueChange

    public init(sequence: Int64, at: Timestamp, actor: String, change: CatalogueChange) {
        self.sequence = sequence
        self.at = at
        self.actor = actor
        self.change = change
    }
}

// MARK: - The kept form

extension CatalogueChange: Codable {
    private enum Key: String, CodingKey {
        case kind, section, keyspace, eventType, version, name, managesSubscriptions, at, note
    }

    /// Stable words of the stored log; never renamed.
    public var kind: String {
        switch self {
        case .sectionCreated: "section.created"
        case .sectionRenamed: "section.renamed"
        case .keyspaceCreated: "keyspace.created"
        case .keyspaceChanged: "keyspace.changed"
        case .eventTypeCreated: "event_type.created"
        case .eventTypeChanged: "event_type.changed"
        case .eventTypeRemoved: "event_type.removed"
        case .versionAdded: "version.added"
        case .versionPublished: "version.published"
        case .versionRepublished: "version.republished"
        case .versionDiscarded: "version.discarded"
        case .versionDeprecated: "version.deprecated"
        case .noted(let note): note.act.rawValue
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(kind, forKey: .kind)
        switch self {
        case .sectionCreated(let section): try container.encode(section, forKey: .section)
        case .sectionRenamed(let section, let name):
            try container.encode(section, forKey: .section)
            try container.encode(name, forKey: .name)
        case .keyspaceCreated(let keyspace): try container.encode(keyspace, forKey: .keyspace)
        case .keyspaceChanged(let keyspace, let name, let managesSubscriptions):
            try container.encode(keyspace, forKey: .keyspace)
            try container.encode(name, forKey: .name)
            try container.encode(managesSubscriptions, forKey: .managesSubscriptions)
        case .eventTypeCreated(let head), .eventTypeChanged(let head): try container.encode(head, forKey: .eventType)
        case .eventTypeRemoved(let eventType, let at):
            try container.encode(eventType, forKey: .eventType)
            try container.encode(at, forKey: .at)
        case .versionAdded(let version): try container.encode(version, forKey: .version)
        case .versionPublished(let id, let at), .versionRepublished(let id, let at),
            .versionDeprecated(let id, let at):
            try container.encode(id, forKey: .version)
            try container.encode(at, forKey: .at)
        case .versionDiscarded(let id): try container.encode(id, forKey: .version)
        case .noted(let note): try container.encode(note, forKey: .note)
        }
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let kind = try container.decode(String.self, forKey: .kind)
        switch kind {
        case "section.created": self = .sectionCreated(try container.decode(Section.self, forKey: .section))
        case "section.renamed":
            self = .sectionRenamed(
                try container.decode(Discriminator<Section>.self, forKey: .section),
                name: try container.decode(String.self, forKey: .name))
        case "keyspace.created": self = .keyspaceCreated(try container.decode(Keyspace.self, forKey: .keyspace))
        case "keyspace.changed":
            self = .keyspaceChanged(
                try container.decode(Discriminator<Keyspace>.self, forKey: .keyspace),
                name: try container.decode(String.self, forKey: .name),
                managesSubscriptions: try container.decode(Bool.self, forKey: .managesSubscriptions))
        case "event_type.created":
            self = .eventTypeCreated(try container.decode(EventTypeHead.self, forKey: .eventType))
        case "event_type.changed":
            self = .eventTypeChanged(try container.decode(EventTypeHead.self, forKey: .eventType))
        case "event_type.removed":
            self = .eventTypeRemoved(
                try container.decode(Discriminator<EventType>.self, forKey: .eventType),
                at: try container.decode(Timestamp.self, forKey: .at))
        case "version.added": self = .versionAdded(try container.decode(VersionAdded.self, forKey: .version))
        case "version.published":
            self = .versionPublished(
                try container.decode(EventVersion.ID.self, forKey: .version),
                at: try container.decode(Timestamp.self, forKey: .at))
        case "version.republished":
            self = .versionRepublished(
                try container.decode(EventVersion.ID.self, forKey: .version),
                at: try container.decode(Timestamp.self, forKey: .at))
        case "version.deprecated":
            self = .versionDeprecated(
                try container.decode(EventVersion.ID.self, forKey: .version),
                at: try container.decode(Timestamp.self, forKey: .at))
        case "version.discarded":
            self = .versionDiscarded(try container.decode(EventVersion.ID.self, forKey: .version))
        default:
            guard Note.Act(rawValue: kind) != nil else {
                throw DecodingError.dataCorruptedError(
                    forKey: .kind, in: container,
                    debugDescription: "log entry of kind '\(kind)': made by a newer Ovation?")
            }
            self = .noted(try container.decode(Note.self, forKey: .note))
        }
    }
}

/// What kind of thing a custom event tells of. Part of the discriminator, and so fixed for good.
public enum EventCategory: String, Codable, Sendable, CaseIterable {
    case transaction
    case conversion
    case signal
}

/// What may be done with events of a type through one keyspace.
public struct Permission: Hashable, Codable, Sendable {
    public var read: Bool
    public var write: Bool

    public init(read: Bool, write: Bool) {
        self.read = read
        self.write = write
    }

    public static let none = Permission(read: false, write: false)
}

/// A named kind of event in a section.
public struct EventType: Sendable, Equatable {
    public let discriminator: Discriminator<EventType>
    public let section: Discriminator<Section>
    public let category: EventCategory
    public internal(set) var name: String
    public internal(set) var summary: String
    /// Keyspaces without an entry may neither read nor write.
    public internal(set) var permissions: [Discriminator<Keyspace>: Permission]
    /// In the order in which they were current; drafts after them.
    public internal(set) var versions: [EventVersion]
    public internal(set) var removedAt: Timestamp?

    public func permission(in keyspace: Discriminator<Keyspace>) -> Permission {
        permissions[keyspace] ?? .none
    }

    public var currentVersion: EventVersion? {
        versions.last { $0.state == .published && $0.deprecatedAt == nil }
    }

    /// As lists show them: the current version first, then the deprecated, the last to be current before the others.
    /// Drafts are left out, because a client takes the first version without `deprecated_at` for the current one.
    public var listedVersions: [EventVersion] {
        var published = versions.reversed().filter { $0.state == .published }
        // One that was published again may have begun before its successor, and before history that came later.
        if let current = published.firstIndex(where: { $0.deprecatedAt == nil }) {
            published.insert(published.remove(at: current), at: 0)
        }
        return published
    }
}

/// The fields of an event type from one moment on. Never changes once published; old events keep theirs.
public struct EventVersion: Sendable, Equatable {
    /// Unique over the account. A string of digits on the wire.
    public typealias ID = Int64

    public enum State: String, Codable, Sendable {
        /// Not listed; takes events only from admin keys.
        case draft
        case published
        /// A draft that was thrown away; takes no events.
        case discarded
    }

    public let id: ID
    public internal(set) var state: State
    public let schema: EventSchema
    public internal(set) var validFrom: Timestamp
    /// When another version took over, or none did; nil while current.
    public internal(set) var deprecatedAt: Timestamp?
}

// MARK: - Fields

public enum FieldType: String, Codable, Sendable, CaseIterable {
    case string
    case integer
    case double
    case boolean
}

public struct Field: Hashable, Codable, Sendable {
    public let name: String
    public let type: FieldType
    /// Whether an event without this field is refused.
    public let required: Bool

    public init(name: String, type: FieldType, required: Bool = false) {
        self.name = name
        self.type = type
        self.required = required
    }
}

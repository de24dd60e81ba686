/// What kind of thing a custom event tells of. Part of the discriminator, and so fixed for good.
public enum EventCategory: String, Codable, Sendable, CaseIterable {
    case transaction
    case conversion
    case signal
}

/// What may be done through one keyspace with events of a type, with an attribute, or with a tag.
public struct Permission: Hashable, Codable, Sendable {
    public var read: Bool
    public var write: Bool

    public init(read: Bool, write: Bool) {
        self.read = read
        self.write = write
    }

    public static let none = Permission(read: false, write: false)
    public static let all = Permission(read: true, write: true)
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
    /// How long its events are kept; nil: for good.
    public internal(set) var retention: Retention?
    public internal(set) var versions = VersionHistory<EventSchema>()
    public internal(set) var removedAt: Timestamp?

    public func permission(in keyspace: Discriminator<Keyspace>) -> Permission {
        permissions[keyspace] ?? .none
    }

    public var currentVersion: EventVersion? { versions.current }

    /// As lists show them: see ``VersionHistory/listed``.
    public var listedVersions: [EventVersion] { versions.listed }
}

extension EventType: VersionedDefinition {
    static let plural = "event types"
    static let countMax = Limits.eventTypesMax
    static let versionsPlural = "versions of one event type"
    static let versionCountMax = Limits.versionsPerEventTypeMax

    static func notFound(_ discriminator: Discriminator<EventType>) -> Problem { .noEventType(discriminator) }
}

/// The fields of an event type from one moment on.
public typealias EventVersion = DefinitionVersion<EventSchema>

extension DefinitionVersion where Content == EventSchema {
    public var schema: EventSchema { content }
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

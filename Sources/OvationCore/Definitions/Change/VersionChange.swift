/// A change of the versions of an event type.
public enum VersionChange: Sendable, Equatable {
    case added(VersionAdded)
    case published(EventVersion.ID, at: Timestamp)
    /// A deprecated version becomes the current one again.
    case republished(EventVersion.ID, at: Timestamp)
    case discarded(EventVersion.ID)
    case deprecated(EventVersion.ID, at: Timestamp)

    public var id: EventVersion.ID {
        switch self {
        case .added(let added): added.id
        case .published(let id, _), .republished(let id, _), .discarded(let id), .deprecated(let id, _): id
        }
    }
}

public struct VersionAdded: Sendable, Codable, Equatable {
    public var eventType: Discriminator<EventType>
    public var id: EventVersion.ID
    public var fields: [Field]
    public var state: EventVersion.State
    public var validFrom: Timestamp
    public var deprecatedAt: Timestamp?
}

extension VersionChange: DefinitionChange {
    enum Kind: String, CaseIterable, Codable {
        case added = "version.added"
        case published = "version.published"
        case republished = "version.republished"
        case discarded = "version.discarded"
        case deprecated = "version.deprecated"
    }

    var kind: Kind {
        switch self {
        case .added: .added
        case .published: .published
        case .republished: .republished
        case .discarded: .discarded
        case .deprecated: .deprecated
        }
    }

    var subject: String { String(id) }

    func apply(to catalogue: inout Catalogue) throws(Problem) {
        switch self {
        case .added(let added): try catalogue.add(added)
        case .published(let id, let at):
            try catalogue.eventTypeTable.changeVersion(id) { versions, place throws(Problem) in
                try versions.publish(at: place, from: at)
            }
        case .republished(let id, let at):
            try catalogue.eventTypeTable.changeVersion(id) { versions, place throws(Problem) in
                try versions.republish(at: place, from: at)
            }
        case .discarded(let id):
            try catalogue.eventTypeTable.changeVersion(id) { versions, place throws(Problem) in
                try versions.discard(at: place)
            }
        case .deprecated(let id, let at):
            try catalogue.eventTypeTable.changeVersion(id) { versions, place throws(Problem) in
                try versions.deprecate(at: place, from: at)
            }
        }
    }

    func beginning(in catalogue: Catalogue) -> (at: Timestamp, eventType: Discriminator<EventType>?)? {
        switch self {
        case .added(let added): (added.validFrom, added.eventType)
        case .published(let id, let at), .republished(let id, let at):
            (at, catalogue.version(id)?.eventType.discriminator)
        case .discarded, .deprecated: nil
        }
    }
}

extension Catalogue {
    fileprivate mutating func add(_ added: VersionAdded) throws(Problem) {
        let place = try eventTypeTable.livePlace(of: added.eventType)
        try requireFree(added.id)
        try eventTypeTable.changeVersions(at: place) { versions throws(Problem) in
            try versions.requireRoom(for: EventType.versionsPlural, countMax: EventType.versionCountMax)
            try versions.add(
                EventVersion(
                    id: added.id, state: added.state, content: try EventSchema(fields: added.fields),
                    validFrom: added.validFrom, deprecatedAt: added.deprecatedAt))
        }
        highestVersionID = max(highestVersionID, added.id)
    }

    /// - Throws: `invalid_version_id`, or `already_exists` when any kind of definition has a version with this id.
    private func requireFree(_ id: VersionID) throws(Problem) {
        guard id > 0, id <= Limits.versionIDMax else {
            throw Problem(
                .invalidVersionID, "A version id is a number from 1 to \(Limits.versionIDMax), not \(id).")
        }
        guard !hasVersion(id) else {
            throw Problem(.alreadyExists, "The account already has a version with the id \(id).")
        }
    }
}

// MARK: - The stored form

extension VersionChange: Codable {
    private enum Key: String, CodingKey { case kind, version, at }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(kind, forKey: .kind)
        switch self {
        case .added(let added): try container.encode(added, forKey: .version)
        case .published(let id, let at), .republished(let id, let at), .deprecated(let id, let at):
            try container.encode(id, forKey: .version)
            try container.encode(at, forKey: .at)
        case .discarded(let id): try container.encode(id, forKey: .version)
        }
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let kind = try container.decode(Kind.self, forKey: .kind)
        guard kind != .added else {
            self = .added(try container.decode(VersionAdded.self, forKey: .version))
            return
        }
        let id = try container.decode(EventVersion.ID.self, forKey: .version)
        func at() throws -> Timestamp { try container.decode(Timestamp.self, forKey: .at) }
        switch kind {
        case .published: self = .published(id, at: try at())
        case .republished: self = .republished(id, at: try at())
        case .deprecated: self = .deprecated(id, at: try at())
        case .added, .discarded: self = .discarded(id)
        }
    }
}

/// Every definition of one account at one moment: sections, keyspaces, event types and their versions.
///
/// A value folded from the catalogue log and swapped whole, so that checking a request never touches the store and
/// never sees half a change. See DESIGN.md beside this file.
public struct Catalogue: Sendable {
    public let account: Account
    /// Sequence number of the newest log entry that is folded in; 0 when empty.
    public private(set) var sequence: Int64 = 0
    /// Sequence number of the newest entry that changed a definition; notes of other acts leave it alone.
    public private(set) var definitionSequence: Int64 = 0
    public internal(set) var sections: [Section] = []
    public internal(set) var keyspaces: [Keyspace] = []
    public internal(set) var eventTypes: [EventType] = []

    var sectionIndex: [Discriminator<Section>: Int] = [:]
    var keyspaceIndex: [Discriminator<Keyspace>: Int] = [:]
    var eventTypeIndex: [Discriminator<EventType>: Int] = [:]
    var versionIndex: [EventVersion.ID: VersionPlace] = [:]
    var highestVersionID: EventVersion.ID = 1_000_000

    struct VersionPlace: Sendable {
        let eventType: Int
        let version: Int
    }

    public init(account: Account) {
        self.account = account
    }

    /// Folds the entries that change definitions, oldest first.
    /// - Parameter lastSequence: number of the newest entry of the log, which can be a note.
    public init(account: Account, definitions: some Sequence<LogEntry>, lastSequence: Int64) throws(Problem) {
        self.init(account: account)
        for entry in definitions { try apply(entry) }
        sequence = max(sequence, lastSequence)
    }

    /// - Throws: a problem when the change contradicts what is there: the check that stands behind every edit.
    public mutating func apply(_ entry: LogEntry) throws(Problem) {
        try apply(entry.change)
        sequence = entry.sequence
        if !entry.change.isNote { definitionSequence = entry.sequence }
    }
}

// MARK: - Looking up

extension Catalogue {
    public func section(_ discriminator: Discriminator<Section>) -> Section? {
        sectionIndex[discriminator].map { sections[$0] }
    }

    public func keyspace(_ discriminator: Discriminator<Keyspace>) -> Keyspace? {
        keyspaceIndex[discriminator].map { keyspaces[$0] }
    }

    public func eventType(_ discriminator: Discriminator<EventType>) -> EventType? {
        eventTypeIndex[discriminator].map { eventTypes[$0] }
    }

    public func version(_ id: EventVersion.ID) -> (eventType: EventType, version: EventVersion)? {
        guard let place = versionIndex[id] else { return nil }
        let eventType = eventTypes[place.eventType]
        return (eventType, eventType.versions[place.version])
    }

    /// The event types of a section that lists show, in the order they were made.
    public func listedEventTypes(in section: Discriminator<Section>) -> [EventType] {
        eventTypes.filter { $0.section == section && $0.removedAt == nil }
    }
}

// MARK: - What integrations know of it

extension Catalogue {
    /// Without drafts, without what was discarded, and without event types that have nothing else. What was removed stays:
    /// its events can be read.
    public var published: Catalogue {
        let hidesSome = eventTypes.contains { type in
            type.versions.isEmpty || type.versions.contains { $0.state != .published }
        }
        guard hidesSome else { return self }
        var published = self
        published.eventTypes = eventTypes.compactMap { type in
            var type = type
            type.versions = type.versions.filter { $0.state == .published }
            return type.versions.isEmpty ? nil : type
        }
        published.eventTypeIndex = [:]
        published.versionIndex = [:]
        for (place, type) in published.eventTypes.enumerated() {
            published.eventTypeIndex[type.discriminator] = place
            for (index, version) in type.versions.enumerated() {
                published.versionIndex[version.id] = VersionPlace(eventType: place, version: index)
            }
        }
        return published
    }

    /// Whether there is more than ``published`` has.
    public func hasUnpublished(in section: Discriminator<Section>) -> Bool {
        eventTypes.contains { type in
            type.section == section && type.versions.contains { $0.state != .published }
        }
    }
}

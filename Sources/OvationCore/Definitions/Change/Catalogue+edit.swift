// What an admin may ask for, turned into log entries. Nothing here changes a catalogue: an edit reads one and answers
// with changes, which the store writes and the fold then applies.

/// Everything a new event type needs.
public struct EventTypeDefinition: Sendable, Equatable {
    public var section: Discriminator<Section>
    /// nil: made from name and category.
    public var discriminator: Discriminator<EventType>?
    public var name: String
    public var description: String
    public var category: EventCategory
    public var permissions: [String: Permission]
    /// nil: its events are kept for good.
    public var retention: Retention?

    public init(
        section: Discriminator<Section>, discriminator: Discriminator<EventType>?, name: String, description: String,
        category: EventCategory, permissions: [String: Permission], retention: Retention? = nil
    ) {
        self.retention = retention
        self.section = section
        self.discriminator = discriminator
        self.name = name
        self.description = description
        self.category = category
        self.permissions = permissions
    }
}

/// Everything a new version needs.
public struct VersionDefinition: Sendable, Equatable {
    /// nil: the next free one.
    public var id: EventVersion.ID?
    public var fields: [Field]
    public var isDraft: Bool
    /// nil: now.
    public var validFrom: Timestamp?
    public var deprecatedAt: Timestamp?

    public init(
        id: EventVersion.ID?, fields: [Field], isDraft: Bool = false, validFrom: Timestamp? = nil,
        deprecatedAt: Timestamp? = nil
    ) {
        self.id = id
        self.fields = fields
        self.isDraft = isDraft
        self.validFrom = validFrom
        self.deprecatedAt = deprecatedAt
    }
}

extension Catalogue {
    /// The first entries of a new account.
    public static let founding: [CatalogueChange] =
        BuiltIn.sections.map { .section(.created($0)) } + BuiltIn.keyspaces.map { .keyspace(.created($0)) }

    public func creatingSection(
        named name: String, discriminator: Discriminator<Section>?, using random: inout some RandomNumberGenerator
    ) -> Section {
        Section(
            number: sectionTable.nextNumber,
            discriminator: discriminator ?? .made(fromName: name, using: &random), name: name)
    }

    public func creatingKeyspace(
        named name: String, discriminator: Discriminator<Keyspace>?, managesSubscriptions: Bool,
        keyFormat: KeyFormat, mapping: Discriminator<Attribute>? = nil,
        using random: inout some RandomNumberGenerator
    ) -> Keyspace {
        Keyspace(
            number: keyspaceTable.nextNumber,
            discriminator: discriminator ?? .made(fromName: name, using: &random), name: name,
            managesSubscriptions: managesSubscriptions, keyFormat: keyFormat, mapping: mapping)
    }

    public func creatingEventType(
        _ definition: EventTypeDefinition, using random: inout some RandomNumberGenerator
    ) -> EventTypeHead {
        EventTypeHead(
            discriminator: definition.discriminator
                ?? .made(fromName: definition.name, category: definition.category, using: &random),
            section: definition.section, category: definition.category, name: definition.name,
            description: definition.description, permissions: definition.permissions, retention: definition.retention)
    }

    /// The built-in field is added where the author left it out.
    public func addingVersion(
        _ definition: VersionDefinition, to eventType: Discriminator<EventType>, at now: Timestamp
    ) -> VersionAdded {
        var fields = definition.fields
        if !fields.contains(where: { $0.name == BuiltIn.sourceField.name }) { fields.append(BuiltIn.sourceField) }
        return VersionAdded(
            eventType: eventType, id: definition.id ?? nextVersionID, fields: fields,
            state: definition.isDraft ? .draft : .published,
            validFrom: definition.validFrom ?? earliestBeginning(of: eventType, at: now),
            deprecatedAt: definition.deprecatedAt)
    }

    /// Makes a version the current one: a draft for the first time, a deprecated one again.
    public func publishing(_ id: EventVersion.ID, of eventType: Discriminator<EventType>, at now: Timestamp)
        -> CatalogueChange
    {
        let at = earliestBeginning(of: eventType, at: now)
        return version(id)?.version.state == .published
            ? .version(.republished(id, at: at)) : .version(.published(id, at: at))
    }

    /// Now; or when the current version began, where that is later because a clock was set back or another request
    /// came first.
    public func earliestBeginning(of eventType: Discriminator<EventType>, at now: Timestamp) -> Timestamp {
        max(now, self.eventType(eventType)?.currentVersion?.validFrom ?? now)
    }

    /// A name is one line: forms and lists would change it otherwise. Asked of edits alone, since a log may hold names
    /// from before this was asked.
    private static func refuseControls(in change: CatalogueChange) throws(Problem) {
        guard change.name?.hasControlCharacters == true else { return }
        throw Problem(.invalidName, "A name has no line breaks, tabs or other control characters.")
    }

    private func validFromBeyond(_ now: Timestamp, in change: CatalogueChange) -> Timestamp? {
        guard let beginning = change.beginning(in: self) else { return nil }
        return beginning.at > max(now, beginning.current ?? now) ? beginning.at : nil
    }

    /// One more than the highest so far, from a base that looks like the vendor's seven digits.
    public var nextVersionID: EventVersion.ID {
        guard highestVersionID == Limits.versionIDMax else { return highestVersionID + 1 }
        // Somebody gave the last one by hand: there are gaps below.
        return (1_000_001...Limits.versionIDMax).first { !hasVersion($0) } ?? highestVersionID
    }

    /// The catalogue after changes, none of which is stored yet: the check before the commit.
    public func applying(
        _ changes: [CatalogueChange], at now: Timestamp, by actor: String
    ) throws(Problem) -> (catalogue: Catalogue, entries: [LogEntry]) {
        var copy = self
        var entries: [LogEntry] = []
        for change in changes {
            try Catalogue.refuseControls(in: change)
            if let validFrom = copy.validFromBeyond(now, in: change) {
                throw Problem(.conflict, "A version cannot be valid from the future: \(validFrom).")
            }
            let entry = LogEntry(sequence: copy.sequence + 1, at: now, actor: actor, change: change)
            try copy.apply(entry)
            entries.append(entry)
        }
        return (copy, entries)
    }
}

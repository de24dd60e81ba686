/// Every definition of one account at one moment: sections, keyspaces, event types and their versions, and so on.
///
/// A value folded from the catalogue log and swapped whole, so that checking a request never touches the store and
/// never sees half a change. See DESIGN.md beside this file.
public struct Catalogue: Sendable {
    public let account: Account
    /// Sequence number of the newest log entry that is known; 0 when empty. The next change follows it.
    public private(set) var sequence: Int64 = 0
    /// Sequence number of the newest change of a definition. It differs from ``sequence`` only where an older version of
    /// Ovation has written notes of acts to the log.
    public private(set) var definitionSequence: Int64 = 0

    var sectionTable = DefinitionTable<Section>()
    var keyspaceTable = DefinitionTable<Keyspace>()
    var eventTypeTable = DefinitionTable<EventType>()
    var attributeTable = DefinitionTable<Attribute>()
    var tagTable = DefinitionTable<Tag>()
    var channelTable = DefinitionTable(BuiltIn.channels)
    var folderTable = DefinitionTable<Folder>()
    var topicTable = DefinitionTable<Topic>()
    var highestVersionID: VersionID = 1_000_000

    public init(account: Account) {
        self.account = account
    }

    /// Folds the entries of the log, oldest first.
    /// - Parameter lastSequence: number of the newest entry of the log.
    public init(account: Account, definitions: some Sequence<LogEntry>, lastSequence: Int64) throws(Problem) {
        self.init(account: account)
        for entry in definitions { try apply(entry) }
        sequence = max(sequence, lastSequence)
    }

    /// - Throws: a problem when the change contradicts what is there: the check that stands behind every edit.
    public mutating func apply(_ entry: LogEntry) throws(Problem) {
        try apply(entry.change)
        sequence = entry.sequence
        definitionSequence = entry.sequence
    }
}

// MARK: - Looking up

extension Catalogue {
    /// In the order in which they were made, as each list here.
    public var sections: [Section] { sectionTable.all }
    public var keyspaces: [Keyspace] { keyspaceTable.all }
    public var eventTypes: [EventType] { eventTypeTable.all }

    public func section(_ discriminator: Discriminator<Section>) -> Section? { sectionTable[discriminator] }

    /// The section that rows have this number of.
    public func section(number: Int64) -> Section? { sectionTable[number: number] }

    public func keyspace(_ discriminator: Discriminator<Keyspace>) -> Keyspace? { keyspaceTable[discriminator] }

    /// The keyspace that rows have this number of.
    public func keyspace(number: Int64) -> Keyspace? { keyspaceTable[number: number] }

    public func eventType(_ discriminator: Discriminator<EventType>) -> EventType? { eventTypeTable[discriminator] }

    public func version(_ id: EventVersion.ID) -> (eventType: EventType, version: EventVersion)? {
        guard let (eventType, version) = eventTypeTable.version(id) else { return nil }
        return (eventType, version)
    }

    /// The event types of a section that lists show, in the order they were made.
    public func listedEventTypes(in section: Discriminator<Section>) -> [EventType] {
        eventTypes.filter { $0.section == section && $0.removedAt == nil }
    }

    /// Whether any kind of definition has a version with this id.
    func hasVersion(_ id: VersionID) -> Bool {
        eventTypeTable.placeByVersion[id] != nil || attributeTable.placeByVersion[id] != nil
            || tagTable.placeByVersion[id] != nil
    }
}

// MARK: - What a profile can hold

extension Catalogue {
    public var attributes: [Attribute] { attributeTable.all }
    public var tags: [Tag] { tagTable.all }

    public func attribute(_ discriminator: Discriminator<Attribute>, in section: Discriminator<Section>) -> Attribute? {
        attributeTable[SectionKey(discriminator, in: section)]
    }

    /// The attribute that rows have this number of.
    public func attribute(number: Int64) -> Attribute? { attributeTable[number: number] }

    public func attributeVersion(_ id: VersionID) -> (attribute: Attribute, version: AttributeVersion)? {
        guard let (attribute, version) = attributeTable.version(id) else { return nil }
        return (attribute, version)
    }

    public func tag(_ discriminator: Discriminator<Tag>, in section: Discriminator<Section>) -> Tag? {
        tagTable[SectionKey(discriminator, in: section)]
    }

    /// The tag that rows have this number of.
    public func tag(number: Int64) -> Tag? { tagTable[number: number] }

    public func tag(version id: VersionID) -> Tag? { tagTable.version(id)?.0 }

    /// The attributes of a section that lists show: the default ones first, then in the order they were made.
    public func listedAttributes(in section: Discriminator<Section>) -> [Attribute] {
        attributes.filter { $0.section == section && $0.removedAt == nil }
    }

    /// The tags of a section that were not removed; hidden ones too.
    public func listedTags(in section: Discriminator<Section>) -> [Tag] {
        tags.filter { $0.section == section && $0.removedAt == nil }
    }

    /// The attribute that has the key of this keyspace as its value; nil: the section has none.
    public func mappedAttribute(of keyspace: Keyspace, in section: Discriminator<Section>) -> Attribute? {
        guard let attribute = keyspace.mappedAttribute.flatMap({ self.attribute($0, in: section) }),
            attribute.removedAt == nil
        else { return nil }
        return attribute
    }

    /// The keyspaces whose keys an attribute has as its value.
    public func keyspaces(mappedTo attribute: Discriminator<Attribute>) -> [Keyspace] {
        keyspaces.filter { $0.mappedAttribute == attribute }
    }
}

// MARK: - What people consent to

extension Catalogue {
    /// The built-in ones first; removed ones too, as in each list here that is not called listed.
    public var channels: [Channel] { channelTable.all }
    public var folders: [Folder] { folderTable.all }
    public var topics: [Topic] { topicTable.all }

    /// A removed one too, as from each look-up here.
    public func channel(_ discriminator: Discriminator<Channel>) -> Channel? { channelTable[discriminator] }

    /// The channel that rows have this number of.
    public func channel(number: Int64) -> Channel? { channelTable[number: number] }

    public func folder(_ discriminator: Discriminator<Folder>, in section: Discriminator<Section>) -> Folder? {
        folderTable[SectionKey(discriminator, in: section)]
    }

    public func topic(_ discriminator: Discriminator<Topic>, in section: Discriminator<Section>) -> Topic? {
        topicTable[SectionKey(discriminator, in: section)]
    }

    /// The topic that rows have this number of.
    public func topic(number: Int64) -> Topic? { topicTable[number: number] }

    /// The channels that were not removed.
    public var listedChannels: [Channel] { channels.filter { $0.removedAt == nil } }

    /// The folders of a section that were not removed.
    public func listedFolders(in section: Discriminator<Section>) -> [Folder] {
        folders.filter { $0.section == section && $0.removedAt == nil }
    }

    /// The topics of a section that were not removed, in the order they were made, whatever their folders.
    public func listedTopics(in section: Discriminator<Section>) -> [Topic] {
        topics.filter { $0.section == section && $0.removedAt == nil }
    }
}

// MARK: - What integrations know of it

extension Catalogue {
    /// Without drafts, without what was discarded, and without event types that have nothing else. What was removed stays:
    /// its events can be read.
    public var published: Catalogue {
        var published = self
        published.eventTypeTable = eventTypeTable.published
        published.attributeTable = attributeTable.published
        published.tagTable = tagTable.published
        return published
    }

    /// Whether there is more than ``published`` has.
    public func hasUnpublished(in section: Discriminator<Section>) -> Bool {
        eventTypes.contains { type in
            type.section == section && type.versions.contains { $0.state != .published }
        }
            || attributeTable.all.contains { attribute in
                attribute.section == section && attribute.versions.contains { $0.state != .published }
            }
    }
}

public import OvationCore

extension Bodies.Profile {
    /// Without its members.
    public init(_ profile: OvationCore.Profile, in catalogue: Catalogue) {
        profileID = profile.id.hex
        keys = profile.keys.map { Bodies.ProfileKey($0, in: catalogue) }
        createdAt = profile.createdAt
    }

    /// - Parameter joinings: when each member was joined, by the position of the change.
    public init(_ profile: OvationCore.Profile, joined joinings: [Int64: Timestamp], in catalogue: Catalogue) {
        self.init(profile, in: catalogue)
        parts = [Bodies.ProfileMember](profile, joined: joinings, in: catalogue)
    }
}

extension Bodies.ProfileKey {
    public init(_ key: OvationCore.Profile.Key, in catalogue: Catalogue) {
        self.init()
        keyspaceDiscriminator = catalogue.keyspace(number: key.keyspace)?.discriminator.text ?? ""
        self.key = key.text
    }
}

extension [Bodies.ProfileMember] {
    /// - Parameter joinings: when each member was joined, by the position of the change.
    public init(_ profile: OvationCore.Profile, joined joinings: [Int64: Timestamp], in catalogue: Catalogue) {
        self = profile.members.map { member in
            var shown = Bodies.ProfileMember()
            shown.key = member.key.map { Bodies.ProfileKey($0, in: catalogue) }
            shown.createdAt = member.createdAt
            shown.mergedAt = member.joining.map { joinings[$0.position] ?? member.createdAt }
            shown.canonical = member.joining == nil
            return shown
        }
    }
}

extension Bodies.ProfileWithCounts {
    /// - Parameters:
    ///   - data: what the profile holds in sections that the caller may see, and in section 0.
    ///   - joinings: when each member was joined, by the position of the change.
    ///   - readable: which of it the caller may read.
    ///   - isVisible: whether the caller may know of events of a type.
    public init(
        _ data: ProfileData, joined joinings: [Int64: Timestamp], _ readable: ReadableFields, _ counts: ProfileCounts,
        in catalogue: Catalogue, where isVisible: (OvationCore.EventType) -> Bool
    ) {
        profile = Bodies.Profile(data.profile, joined: joinings, in: catalogue)
        var totals: [Discriminator<OvationCore.EventType>: (events: Int64, newest: Timestamp)] = [:]
        var isWhole = true
        for count in counts.counts {
            guard let eventType = catalogue.version(count.version)?.eventType, isVisible(eventType) else {
                isWhole = false
                continue
            }
            let total = totals[eventType.discriminator] ?? (0, count.newest)
            totals[eventType.discriminator] = (total.events + count.events, max(total.newest, count.newest))
        }
        // Of all events: it would tell of those that the caller may not see.
        lastSeenAt = isWhole ? counts.lastSeenAt : nil
        eventCount = totals.values.reduce(0) { $0 + $1.events }
        sections = catalogue.sections.compactMap { section in
            let types = catalogue.eventTypes.filter { $0.section == section.discriminator }
            let events = types.compactMap { type in
                totals[type.discriminator].map { Bodies.EventTypeCounts(type, $0.events, newest: $0.newest) }
            }
            let held = data.sections.first { $0.section == section.number }?.fields ?? []
            let attributes = Bodies.HeldAttributes(held, readable).items
            let tags = [Bodies.HeldTag](held, readable)
            let shown = held.contains { readable.consent($0.field) != nil }
            let consents = shown ? Bodies.Consents(data, section: section.number, in: catalogue).items : []
            let isEmpty = events.isEmpty && attributes.isEmpty && tags.isEmpty && consents.isEmpty
            return isEmpty ? nil : Bodies.SectionCounts(section, events, attributes, tags, consents)
        }
    }
}

extension Bodies.SectionCounts {
    fileprivate init(
        _ section: OvationCore.Section, _ events: [Bodies.EventTypeCounts], _ attributes: [Bodies.HeldAttribute],
        _ tags: [Bodies.HeldTag], _ consents: [Bodies.Consent]
    ) {
        self.consents = consents
        sectionDiscriminator = section.discriminator.text
        eventCount = events.reduce(0) { $0 + $1.eventCount }
        self.events = events
        self.attributes = attributes
        self.tags = tags
    }
}

extension Bodies.EventTypeCounts {
    fileprivate init(_ type: OvationCore.EventType, _ events: Int64, newest: Timestamp) {
        discriminator = type.discriminator.text
        eventCount = events
        newestEventTime = newest
    }
}

extension Bodies.ProfileMatch {
    public init(
        _ match: Bodies.Match, _ profile: OvationCore.Profile, by foundBy: Bodies.FoundBy, in catalogue: Catalogue
    ) {
        self.match = match
        self.foundBy = foundBy
        self.profile = Bodies.Profile(profile, in: catalogue)
    }
}

extension Bodies.FoundBy {
    public init(_ key: OvationCore.Profile.Key, in catalogue: Catalogue) {
        self.init()
        keyspaceDiscriminator = catalogue.keyspace(number: key.keyspace)?.discriminator.text ?? ""
        value = key.text
    }

    /// - Parameter keyspace: that the attribute is mapped to.
    public init(_ value: String, of attribute: OvationCore.Attribute, in keyspace: OvationCore.Keyspace) {
        self.init()
        keyspaceDiscriminator = keyspace.discriminator.text
        self.value = value
        attributeDiscriminator = attribute.discriminator.text
        sectionDiscriminator = attribute.section.text
    }
}

/// `GET /console/sections/{section}/event-types`: the data model of a section.
public struct EventTypesPage: ConsolePage {
    public static let template = "event_types"
    public var title: String { "Event types" }

    public struct Row: Sendable, Equatable {
        public let name: String
        public let discriminator: String
        public let category: String
        /// Nil while there are only drafts.
        public let currentVersion: String?
        public let versions: Int
        public let drafts: Int
        public let eventsStored: Int
        public let lastSeen: Moment?
        /// Keyspaces that may do something.
        public let permissions: [KeyspaceAccess]
        public let removed: Bool
        let eventsText: String
        let versionsText: String
        let draftsText: String?

        public init(
            name: String, discriminator: String, category: String, currentVersion: String?, versions: Int,
            drafts: Int, eventsStored: Int, lastSeen: Moment?, permissions: [KeyspaceAccess], removed: Bool = false
        ) {
            self.name = name
            self.discriminator = discriminator
            self.category = category
            self.currentVersion = currentVersion
            self.versions = versions
            self.drafts = drafts
            self.eventsStored = eventsStored
            self.lastSeen = lastSeen
            self.permissions = permissions
            self.removed = removed
            eventsText = eventsStored.grouped
            versionsText = versions.counting("version")
            draftsText = drafts > 0 ? drafts.counting("draft") : nil
        }
    }

    public let section: Named
    public let rows: [Row]
    /// How many removed ones the section has, shown or not.
    public let removedCount: Int
    public let showsRemoved: Bool
    let base: String
    let tabs: [Link]
    /// The text of the link that shows or hides removed ones; nil where there are none.
    let toggle: Link?

    public init(section: Named, rows: [Row], removedCount: Int, showsRemoved: Bool) {
        self.section = section
        self.rows = rows
        self.removedCount = removedCount
        self.showsRemoved = showsRemoved
        base = EventTypePage.base(section)
        tabs = DataModel.tabs(section, current: "event-types")
        toggle =
            if removedCount == 0 {
                nil
            } else if showsRemoved {
                Link(text: "Hide removed event types", href: base)
            } else {
                Link(text: "Show \(removedCount.counting("removed event type"))", href: base + "?removed=1")
            }
    }
}

/// A field as a version has it.
public struct FieldFacts: Sendable, Equatable {
    public let name: String
    public let type: String
    public let required: Bool

    public init(name: String, type: String, required: Bool = false) {
        self.name = name
        self.type = type
        self.required = required
    }
}

/// `GET …/event-types/{event}`
public struct EventTypePage: ConsolePage {
    public static let template = "event_type"
    public var title: String { name }

    public struct Version: Sendable, Equatable {
        public enum State: String, Sendable { case current, deprecated, draft, discarded }

        public let id: String
        public let state: State
        /// Nil for a draft.
        public let validFrom: Moment?
        public let deprecatedAt: Moment?
        public let fields: [FieldFacts]
        public let eventsStored: Int
        public let lastSeen: Moment?
        let eventsText: String
        let isCurrent: Bool
        let isDraft: Bool
        let isDeprecated: Bool

        public init(
            id: String, state: State, validFrom: Moment?, deprecatedAt: Moment?, fields: [FieldFacts],
            eventsStored: Int, lastSeen: Moment?
        ) {
            self.id = id
            self.state = state
            self.validFrom = validFrom
            self.deprecatedAt = deprecatedAt
            self.fields = fields
            self.eventsStored = eventsStored
            self.lastSeen = lastSeen
            eventsText = eventsStored.grouped
            isCurrent = state == .current
            isDraft = state == .draft
            isDeprecated = state == .deprecated
        }
    }

    public let section: Named
    public let discriminator: String
    public let name: String
    public let category: String
    /// The description.
    public let summary: String
    /// How long its events are kept.
    public let retention: String
    /// When it was removed; then nothing can be changed any more.
    public let removedAt: Moment?
    /// The current version first, then drafts, then the deprecated from new to old.
    public let versions: [Version]
    public let permissions: [KeyspaceAccess]
    /// The event type as the API lists it, indented.
    public let json: String
    /// The curl command that posts an event of this type; nil while it has no current version.
    public let command: String?
    public let history: [HistoryEntry]
    let hasSummary: Bool
    /// The list that this event type stands in.
    let base: String
    let href: String
    /// Whether any version can be published, discarded or deprecated.
    let hasActions: Bool

    public init(
        section: Named, discriminator: String, name: String, category: String, summary: String,
        retention: String = "for good", removedAt: Moment?, versions: [Version], permissions: [KeyspaceAccess],
        json: String, command: String?, history: [HistoryEntry]
    ) {
        self.section = section
        self.discriminator = discriminator
        self.name = name
        self.category = category
        self.summary = summary
        self.retention = retention
        self.removedAt = removedAt
        self.versions = versions
        self.permissions = permissions
        self.json = json
        self.command = command
        self.history = history
        hasSummary = !summary.isEmpty
        base = Self.base(section)
        href = "\(base)/\(discriminator)"
        hasActions = removedAt == nil && versions.contains { $0.state != .discarded }
    }

    /// Discriminators need no escaping in a path.
    static func base(_ section: Named) -> String { "/console/sections/\(section.discriminator)/event-types" }
}

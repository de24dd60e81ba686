/// The lists of a section's data model, as links on each of them.
enum DataModel {
    static func tabs(_ section: Named, current: String) -> [Link] {
        [
            ("Event types", "event-types"), ("Attributes", "attributes"), ("Tags", "tags"), ("Folders", "folders"),
            ("Topics", "topics"),
        ].map { text, part in Link(text: text, href: base(section, part), selected: part == current) }
    }

    /// Discriminators need no escaping in a path.
    static func base(_ section: Named, _ part: String) -> String {
        "/console/sections/\(section.discriminator)/\(part)"
    }
}

/// Which rows of a long list a page shows.
public struct ListWindow: Sendable, Equatable {
    /// What was searched for; empty: everything.
    public let text: String
    /// Of the rows that fit.
    public let total: Int
    /// Where the next rows are; nil: these are the last.
    public let nextHref: String?
    /// Where the list begins; nil: here.
    public let firstHref: String?
    /// The query of this page, so that a form in a row leads back to it.
    public let query: String
    /// Whether removed ones are shown too; a search keeps that.
    public let showsRemoved: Bool
    let words: String
    let isSearch: Bool

    /// - Parameter shown: the rows of this page, by their place from 0.
    public init(
        text: String, total: Int, shown: Range<Int>, nextHref: String?, firstHref: String?, query: String = "",
        showsRemoved: Bool = false
    ) {
        self.text = text
        self.total = total
        self.nextHref = nextHref
        self.firstHref = firstHref
        self.query = query
        self.showsRemoved = showsRemoved
        isSearch = !text.isEmpty
        words =
            if !shown.isEmpty {
                "\((shown.lowerBound + 1).grouped) to \(shown.upperBound.grouped) of \(total.grouped)"
            } else if isSearch {
                "None fits."
            } else {
                "There is none yet."
            }
    }
}

/// `GET /console/sections/{section}/attributes`
public struct AttributesPage: ConsolePage {
    public static let template = "attributes"
    public var title: String { "Attributes" }

    public struct Row: Sendable, Equatable {
        public let name: String
        public let discriminator: String
        /// In words; nil while there are only drafts.
        public let type: String?
        public let currentVersion: String?
        public let isDefault: Bool
        /// Names of the keyspaces whose keys it has as its value.
        public let mappedKeyspaces: [String]
        /// Keyspaces that may not do everything.
        public let limited: [KeyspaceAccess]
        public let removed: Bool
        let versionsText: String
        let draftsText: String?
        let mappedText: String?

        public init(
            name: String, discriminator: String, type: String?, currentVersion: String?, versions: Int, drafts: Int,
            isDefault: Bool, mappedKeyspaces: [String], limited: [KeyspaceAccess], removed: Bool = false
        ) {
            self.name = name
            self.discriminator = discriminator
            self.type = type
            self.currentVersion = currentVersion
            self.isDefault = isDefault
            self.mappedKeyspaces = mappedKeyspaces
            self.limited = limited
            self.removed = removed
            versionsText = versions.counting("version")
            draftsText = drafts > 0 ? drafts.counting("draft") : nil
            mappedText = mappedKeyspaces.isEmpty ? nil : "key of " + mappedKeyspaces.joined(separator: ", ")
        }
    }

    public let section: Named
    public let rows: [Row]
    public let window: ListWindow
    let base: String
    let tabs: [Link]
    let toggle: Link?

    public init(section: Named, rows: [Row], window: ListWindow, removedCount: Int, showsRemoved: Bool) {
        self.section = section
        self.rows = rows
        self.window = window
        base = DataModel.base(section, "attributes")
        tabs = DataModel.tabs(section, current: "attributes")
        toggle =
            if removedCount == 0 {
                nil
            } else if showsRemoved {
                Link(text: "Hide removed attributes", href: base)
            } else {
                Link(text: "Show \(removedCount.counting("removed attribute"))", href: base + "?removed=1")
            }
    }
}

/// `GET …/attributes/{attribute}`
public struct AttributePage: ConsolePage {
    public static let template = "attribute"
    public var title: String { name }

    public struct Version: Sendable, Equatable {
        public let id: String
        public let state: EventTypePage.Version.State
        /// In words.
        public let type: String
        /// Nil for a draft.
        public let validFrom: Moment?
        public let deprecatedAt: Moment?
        let isCurrent: Bool
        let isDraft: Bool
        let isDeprecated: Bool

        public init(
            id: String, state: EventTypePage.Version.State, type: String, validFrom: Moment?, deprecatedAt: Moment?
        ) {
            self.id = id
            self.state = state
            self.type = type
            self.validFrom = validFrom
            self.deprecatedAt = deprecatedAt
            isCurrent = state == .current
            isDraft = state == .draft
            isDeprecated = state == .deprecated
        }
    }

    public let section: Named
    public let discriminator: String
    public let name: String
    /// The description.
    public let summary: String
    public let isDefault: Bool
    public let mappedKeyspaces: [String]
    public let removedAt: Moment?
    /// The current version first, then drafts, then the deprecated from new to old.
    public let versions: [Version]
    /// Of every keyspace.
    public let permissions: [KeyspaceAccess]
    /// As the API lists it, indented.
    public let json: String
    public let history: [HistoryEntry]
    let hasSummary: Bool
    let mappedText: String
    let base: String
    let href: String
    let hasActions: Bool
    let canBeRemoved: Bool

    public init(
        section: Named, discriminator: String, name: String, summary: String, isDefault: Bool,
        mappedKeyspaces: [String], removedAt: Moment?, versions: [Version], permissions: [KeyspaceAccess], json: String,
        history: [HistoryEntry]
    ) {
        self.section = section
        self.discriminator = discriminator
        self.name = name
        self.summary = summary
        self.isDefault = isDefault
        self.mappedKeyspaces = mappedKeyspaces
        self.removedAt = removedAt
        self.versions = versions
        self.permissions = permissions
        self.json = json
        self.history = history
        hasSummary = !summary.isEmpty
        mappedText = mappedKeyspaces.isEmpty ? "none" : mappedKeyspaces.joined(separator: ", ")
        base = DataModel.base(section, "attributes")
        href = "\(base)/\(discriminator)"
        hasActions = removedAt == nil && versions.contains { $0.state != .discarded }
        canBeRemoved = removedAt == nil && !isDefault
    }
}

/// `GET /console/profiles?key=&keyspace=`
public struct ProfilesPage: ConsolePage {
    public static let template = "profiles"
    public var title: String { "Profiles" }

    public struct Match: Sendable, Equatable {
        public let key: String
        public let keyspace: String
        /// False where the key or value only begins with what was asked for.
        public let isExact: Bool
        /// nil: it is not known.
        public let foundBy: FoundBy?
        public let href: String

        public init(key: String, keyspace: String, isExact: Bool, foundBy: FoundBy?, href: String) {
            self.key = key
            self.keyspace = keyspace
            self.isExact = isExact
            self.foundBy = foundBy
            self.href = href
        }
    }

    /// The key that was found, or the value of an attribute.
    public struct FoundBy: Sendable, Equatable {
        /// Of the keyspace; or of the attribute, with that of its section.
        public let name: String
        public let isAttribute: Bool
        public let value: String
        /// Whether the profile has another value that counts.
        public let isHidden: Bool

        public init(name: String, isAttribute: Bool, value: String, isHidden: Bool) {
            self.name = name
            self.isAttribute = isAttribute
            self.value = value
            self.isHidden = isHidden
        }
    }

    /// As it was typed; empty while nothing was asked.
    public let key: String
    /// Keyspaces; the page adds `Any keyspace` before them.
    public let keyspaces: [Choice]
    /// Nil while nothing was asked.
    public let matches: [Match]?
    /// Whether there may be more than is shown.
    public let isIncomplete: Bool
    /// Why the search could not be done.
    public let error: String?
    /// How many were found.
    let words: String?

    public init(
        key: String, keyspaces: [Choice], matches: [Match]?, isIncomplete: Bool = false, error: String? = nil
    ) {
        self.key = key
        self.keyspaces = keyspaces
        self.matches = matches
        self.isIncomplete = isIncomplete
        self.error = error
        words = matches.map { $0.isEmpty ? "No profile found" : $0.count.counting("profile") + " found" }
    }
}

/// `GET /console/profiles/{id}?section=&type=&from=&to=&cursor=`
public struct ProfilePage: ConsolePage {
    public static let template = "profile"
    public var title: String { heading }

    public struct Key: Sendable, Equatable {
        public let keyspace: String
        public let key: String

        public init(keyspace: String, key: String) {
            self.keyspace = keyspace
            self.key = key
        }
    }

    public struct Value: Sendable, Equatable {
        public let field: String
        public let type: String
        public let value: String

        public init(field: String, type: String, value: String) {
            self.field = field
            self.type = type
            self.value = value
        }
    }

    public struct Event: Sendable, Equatable {
        public let id: String
        public let eventType: String
        public let eventTypeHref: String
        public let versionID: String
        public let time: Moment
        public let received: Moment
        public let values: [Value]
        /// The data, indented.
        public let json: String
        /// Where to confirm its removal; nil where that is not allowed.
        public let deleteHref: String?

        public init(
            id: String, eventType: String, eventTypeHref: String, versionID: String, time: Moment, received: Moment,
            values: [Value], json: String, deleteHref: String?
        ) {
            self.id = id
            self.eventType = eventType
            self.eventTypeHref = eventTypeHref
            self.versionID = versionID
            self.time = time
            self.received = received
            self.values = values
            self.json = json
            self.deleteHref = deleteHref
        }
    }

    /// What stands on the timeline: an event, or a change of the profile.
    public struct Item: Sendable, Equatable {
        let event: Event?
        let change: Change?

        public init(_ event: Event) { (self.event, change) = (event, nil) }
        public init(_ change: Change) { (event, self.change) = (nil, change) }
    }

    public struct Change: Sendable, Equatable {
        public let id: String
        let at: Moment
        let by: String
        let heading: String
        let fields: [ProfileChangesPage.Field]

        public init(id: String, _ change: ProfileChangesPage.Change) {
            self.id = id
            (at, by, heading, fields) = (change.at, change.by, change.heading, change.fields)
        }
    }

    public let id: String
    /// First and last name; nil: it has none.
    public let name: String?
    public let keys: [Key]
    public let created: Moment
    /// Of a profile that was merged from several; else none.
    public let members: [ProfileMemberRow]
    /// Where another profile is named, to merge the two.
    public let mergeHref: String
    public let held: ProfileHeld
    /// One per section, the shown one selected.
    public let sections: [Link]
    /// Discriminator of the section shown.
    public let section: String
    /// Where the summary comes from: `…/summary` with the same query.
    public let summaryHref: String
    /// Every event type of the section; none selected means all.
    public let types: [Choice]
    /// `2026-11-23`, or empty.
    public let from: String
    public let to: String
    /// The newest first.
    public let items: [Item]
    /// Nil on the last page.
    public let olderHref: String?
    /// Whether the first event shown is not the newest there is: a page after the first.
    public let isLaterPage: Bool
    /// The profile without filters.
    public let clearHref: String
    public let errors: [FormError]
    let heading: String
    let errorLines: [ErrorLine]
    let fromError: String?
    let toError: String?
    let isFiltered: Bool
    /// How many event types are chosen.
    let typesText: String

    public init(
        id: String, name: String?, keys: [Key], created: Moment, members: [ProfileMemberRow], mergeHref: String,
        held: ProfileHeld, sections: [Link], section: String, summaryHref: String, types: [Choice], from: String,
        to: String, items: [Item], olderHref: String?,
        isLaterPage: Bool = false,
        clearHref: String, errors: [FormError] = []
    ) {
        self.id = id
        self.name = name
        self.keys = keys
        self.created = created
        self.members = members
        self.mergeHref = mergeHref
        self.held = held
        self.sections = sections
        self.section = section
        self.summaryHref = summaryHref
        self.types = types
        self.from = from
        self.to = to
        self.items = items
        self.olderHref = olderHref
        self.isLaterPage = isLaterPage
        self.clearHref = clearHref
        self.errors = errors
        heading = name ?? "Profile \(keys.first?.key ?? id)"
        errorLines = errors.lines(inOrderOf: ["from", "to"])
        fromError = errors.message(for: "from")
        toError = errors.message(for: "to")
        let chosen = types.count(where: \.selected)
        isFiltered = chosen > 0 || !from.isEmpty || !to.isEmpty
        typesText = chosen == 0 ? "All event types" : chosen.counting("event type")
    }
}

/// `GET …/summary`: what takes a moment to count.
public struct ProfileSummary: ConsoleFragment {
    public static let template = "profile_summary"

    public struct Day: Sendable, Equatable {
        /// `2026-11-23`
        public let date: String
        public let count: Int
        /// The timeline of that day.
        public let href: String

        public init(date: String, count: Int, href: String) {
            self.date = date
            self.count = count
            self.href = href
        }
    }

    public let total: Int
    public let lastSeen: Moment?
    public let eventTypes: [EventTypeCount]
    /// Consecutive days in UTC, the oldest first; at most 371 are drawn.
    public let days: [Day]
    let totalText: String
    let bars: [BarRow]
    let strip: DayStrip

    public init(total: Int, lastSeen: Moment?, eventTypes: [EventTypeCount], days: [Day]) {
        self.total = total
        self.lastSeen = lastSeen
        self.eventTypes = eventTypes
        self.days = days
        totalText = total.counting("event")
        bars = BarRow.rows(eventTypes)
        strip = DayStrip(days)
    }
}

/// The same as a page of its own, for a browser without script.
public struct ProfileSummaryPage: ConsolePage {
    public static let template = "profile_summary_page"
    public var title: String { "Summary of \(key)" }

    public let key: String
    public let summary: ProfileSummary
    /// The page of the profile.
    public let back: String

    public init(key: String, summary: ProfileSummary, back: String) {
        self.key = key
        self.summary = summary
        self.back = back
    }
}

/// `GET /console/rejections?section=&state=&code=&q=&before=`: refused posts that are kept.
public struct RejectionsPage: ConsolePage {
    public static let template = "rejections"
    public var title: String { "Rejections" }

    public struct Row: Sendable, Equatable {
        public let id: String
        public let at: Moment
        public let isReplayed: Bool
        public let keyspace: String
        /// The profile key.
        public let key: String
        public let code: String
        public let detail: String
        /// Number of events; nil where the body could not be read.
        public let events: Int?
        /// Name of the API key that posted.
        public let client: String
        /// The page of the rejection.
        public let href: String
        let eventsText: String

        public init(
            id: String, at: Moment, isReplayed: Bool, keyspace: String, key: String, code: String, detail: String,
            events: Int?, client: String, href: String
        ) {
            self.id = id
            self.at = at
            self.isReplayed = isReplayed
            self.keyspace = keyspace
            self.key = key
            self.code = code
            self.detail = detail
            self.events = events
            self.client = client
            self.href = href
            eventsText = events?.grouped ?? "–"
        }
    }

    /// Whether refused posts are kept at all.
    public let isOn: Bool
    /// As a sentence: how many are kept at most, and how long.
    public let retention: String
    /// Sections; the page adds `All sections`.
    public let sections: [Choice]
    /// Problem codes that occur; the page adds `All codes`.
    public let codes: [Choice]
    /// `open`, `replayed`, or empty for both.
    public let state: String
    /// What is searched for.
    public let query: String
    /// Whether any filter is set: tells the two empty states apart.
    public let isFiltered: Bool
    public let rows: [Row]
    public let olderHref: String?
    let states: [Choice]

    public init(
        isOn: Bool, retention: String, sections: [Choice], codes: [Choice], state: String,
        query: String, isFiltered: Bool, rows: [Row], olderHref: String?
    ) {
        self.isOn = isOn
        self.retention = retention
        self.sections = sections
        self.codes = codes
        self.state = state
        self.query = query
        self.isFiltered = isFiltered
        self.rows = rows
        self.olderHref = olderHref
        states = [("open", "Open"), ("replayed", "Replayed")].map {
            Choice(value: $0.0, label: $0.1, selected: $0.0 == state)
        }
    }
}

/// `GET /console/sections/{section}/rejections/{id}`, posted to `{id}/replay`; after a failed replay, the same page
/// with its input.
public struct RejectionPage: ConsolePage {
    public static let template = "rejection"
    public var title: String { "Rejection \(id)" }

    public struct Replayed: Sendable, Equatable {
        public let at: Moment
        public let profileHref: String?

        public init(at: Moment, profileHref: String?) {
            self.at = at
            self.profileHref = profileHref
        }
    }

    public let id: String
    public let at: Moment
    public let section: Named
    public let keyspace: Named
    /// The profile key as it came, or as it was changed in the form.
    public let profileKey: String
    public let client: String
    public let clientID: String
    public let requestID: String?
    public let events: Int?
    public let code: String
    public let detail: String
    /// What was wrong when it was refused.
    public let errors: [BodyError]
    /// The body, indented if it is JSON, or as it was changed in the form.
    public let body: String
    /// Whether more of the body arrived than is kept; then it cannot be replayed.
    public let isCutOff: Bool
    /// The outcome of the last check of this input.
    public let check: RejectionCheck?
    public let replayed: Replayed?
    let href: String
    let eventsText: String
    let canReplay: Bool

    public init(
        id: String, at: Moment, section: Named, keyspace: Named, profileKey: String, client: String,
        clientID: String, requestID: String?, events: Int?, code: String, detail: String, errors: [BodyError],
        body: String, isCutOff: Bool = false, check: RejectionCheck? = nil, replayed: Replayed? = nil
    ) {
        self.id = id
        self.at = at
        self.section = section
        self.keyspace = keyspace
        self.profileKey = profileKey
        self.client = client
        self.clientID = clientID
        self.requestID = requestID
        self.events = events
        self.code = code
        self.detail = detail
        self.errors = errors
        self.body = body
        self.isCutOff = isCutOff
        self.check = check
        self.replayed = replayed
        href = "/console/sections/\(section.discriminator)/rejections/\(id)"
        eventsText = events?.grouped ?? "unknown"
        canReplay = replayed == nil && !isCutOff
    }
}

/// Answer to `POST …/validate`: whether the body would be accepted now.
public struct RejectionCheck: ConsoleFragment, Equatable {
    public static let template = "rejection_check"

    public let isOK: Bool
    /// A sentence: `3 events would be accepted.`, or the problem's detail.
    public let message: String
    public let errors: [BodyError]

    public init(isOK: Bool, message: String, errors: [BodyError] = []) {
        self.isOK = isOK
        self.message = message
        self.errors = errors
    }
}

/// `GET /console/rejections?view=list&section=&state=&code=&item_code=&event_type=&q=&before=`: refused posts that are kept.
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
        /// Of the first error, or of the answer.
        public let code: String
        /// Where the first error is; nil: the body as a whole.
        public let place: String?
        /// How many errors there are besides; nil: none.
        public let more: String?
        /// Number of events; nil where the body could not be read.
        public let events: Int?
        /// Name of the API key that posted.
        public let client: String
        /// The page of the rejection.
        public let href: String
        let eventsText: String

        public init(
            id: String, at: Moment, isReplayed: Bool, keyspace: String, key: String, code: String, place: String?,
            errors: Int, events: Int?, client: String, href: String
        ) {
            self.id = id
            self.at = at
            self.isReplayed = isReplayed
            self.keyspace = keyspace
            self.key = key
            self.code = code
            self.place = place
            more = errors > 1 ? "and " + (errors - 1).counting("more error") : nil
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
    public let filter: RejectionFilterForm
    public let rows: [Row]
    public let olderHref: String?

    public init(isOn: Bool, retention: String, filter: RejectionFilterForm, rows: [Row], olderHref: String?) {
        self.isOn = isOn
        self.retention = retention
        self.filter = filter
        self.rows = rows
        self.olderHref = olderHref
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
        /// Those that are still there; nil where it is not known which they are.
        public let events: [Event]?
        /// Of the events as they are stored, indented.
        public let json: String
        let note: String?
        let hasEvents: Bool

        public struct Event: Sendable, Equatable {
            public let id: String
            public let eventType: String
            public let at: Moment
            /// Where it stands in the timeline.
            public let href: String?

            public init(id: String, eventType: String, at: Moment, href: String?) {
                self.id = id
                self.eventType = eventType
                self.at = at
                self.href = href
            }
        }

        /// - Parameter count: events that were stored then.
        public init(at: Moment, profileHref: String?, events: [Event]?, count: Int, json: String) {
            self.at = at
            self.profileHref = profileHref
            self.events = events
            self.json = json
            hasEvents = events?.isEmpty == false
            let missing = count - (events?.count ?? 0)
            note =
                events == nil
                ? "The ids of these events were not kept."
                : missing > 0
                    ? missing.counting("event that was stored is", "events that were stored are")
                        + " not shown: deleted since, or too many for this page." : nil
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

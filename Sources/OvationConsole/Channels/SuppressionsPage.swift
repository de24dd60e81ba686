/// `GET /console/channels/{channel}/suppressions`: a page of the suppressed addresses of a channel, and a form by which one address
/// is looked up, suppressed, or suppressed no more
public struct SuppressionsPage: ConsolePage {
    public static let template = "suppressions"
    public var title: String { "Suppressions of \(channel)" }

    public struct Row: Sendable, Equatable {
        public let hash: String
        public let since: Moment
        /// Name of the API key.
        public let by: String
        public let source: String
        public let reason: String
        /// The beginning of the hash, enough to tell two apart.
        let shortHash: String

        public init(hash: String, since: Moment, by: String, source: String, reason: String) {
            self.hash = hash
            self.since = since
            self.by = by
            self.source = source
            self.reason = reason
            shortHash = String(hash.prefix(12))
        }
    }

    public struct Change: Sendable, Equatable {
        public let at: Moment
        /// Name of the API key.
        public let by: String
        public let isSuppressed: Bool
        public let source: String
        public let reason: String

        public init(at: Moment, by: String, isSuppressed: Bool, source: String, reason: String) {
            self.at = at
            self.by = by
            self.isSuppressed = isSuppressed
            self.source = source
            self.reason = reason
        }
    }

    /// What became of the address that was looked up.
    public struct Found: Sendable, Equatable {
        public let isSuppressed: Bool
        /// The newest first.
        public let changes: [Change]

        public init(isSuppressed: Bool, changes: [Change]) {
            self.isSuppressed = isSuppressed
            self.changes = changes
        }
    }

    /// Its name.
    public let channel: String
    public let action: String
    public let rows: [Row]
    /// Nil on the last page.
    public let nextHref: String?
    public let isLaterPage: Bool
    /// As it was typed.
    public let address: String
    /// As it was typed.
    public let reason: String
    /// nil: no address was looked up.
    public let found: Found?
    public let errors: [FormError]
    let errorLines: [ErrorLine]
    let addressError: String?
    let reasonError: String?
    /// Whether there may be rows on other pages: a page can be empty and have a next one.
    let isNone: Bool

    public init(
        channel: String, action: String, rows: [Row], nextHref: String?, isLaterPage: Bool, address: String = "",
        reason: String = "", found: Found? = nil, errors: [FormError] = []
    ) {
        self.channel = channel
        self.action = action
        self.rows = rows
        self.nextHref = nextHref
        self.isLaterPage = isLaterPage
        self.address = address
        self.reason = reason
        self.found = found
        self.errors = errors
        errorLines = errors.lines()
        addressError = errors.message(for: "address")
        reasonError = errors.message(for: "reason")
        isNone = rows.isEmpty && nextHref == nil && !isLaterPage
    }
}

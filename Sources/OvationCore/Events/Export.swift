/// Which events of a section are read in the order of their arrival, and how many at once.
public struct ExportRange: Sendable {
    public var account: Int64
    public var section: Int64
    /// Events that came after this one; 0 begins with the first.
    public var after: Int64
    /// Up to this one; nil is the newest there is.
    public var through: Int64?
    /// Only these versions; nil means all.
    public var versions: Set<EventVersion.ID>?
    /// From this moment on.
    public var from: Timestamp?
    /// Up to, not including.
    public var to: Timestamp?
    /// Events in a page.
    public var limit: Int
    /// Bytes of event data after which a page ends early.
    public var bytesMax: Int

    public init(
        account: Int64, section: Int64, after: Int64 = 0, through: Int64? = nil,
        versions: Set<EventVersion.ID>? = nil, from: Timestamp? = nil, to: Timestamp? = nil, limit: Int,
        bytesMax: Int
    ) {
        self.account = account
        self.section = section
        self.after = after
        self.through = through
        self.versions = versions
        self.from = from
        self.to = to
        self.limit = limit
        self.bytesMax = bytesMax
    }
}

/// Events in the order of their arrival, with the keys of their profiles. Flat, as ``EventChunk`` is.
///
/// A page can be empty and have a next one: the store looks at a bounded number of events for each.
public struct ExportPage: Sendable {
    public let rows: [Row]
    /// Those of the rows, each once.
    public let profiles: [Profile]
    /// The keys of the profiles in UTF-8.
    public let keys: [UInt8]
    /// The `data` of all events as compact JSON, one after the other.
    public let data: [UInt8]
    /// The event after which the next page begins; nil on the last.
    public let next: Int64?
    /// The newest event of the store when the page was read.
    public let newest: Int64

    public struct Row: Sendable, Equatable {
        public let id: Int64
        public let eventTime: Timestamp
        public let receivedAt: Timestamp
        public let version: EventVersion.ID
        /// Index into ``ExportPage/profiles``.
        public let profile: Int
        /// Where its JSON ends in ``ExportPage/data``; it begins where the one before ends.
        public let dataEnd: Int

        public init(
            id: Int64, eventTime: Timestamp, receivedAt: Timestamp, version: EventVersion.ID, profile: Int,
            dataEnd: Int
        ) {
            self.id = id
            self.eventTime = eventTime
            self.receivedAt = receivedAt
            self.version = version
            self.profile = profile
            self.dataEnd = dataEnd
        }
    }

    public struct Profile: Sendable, Equatable {
        /// Number of the keyspace in the account.
        public let keyspace: Int64
        /// Where its key stands in ``ExportPage/keys``.
        public let key: Range<Int>

        public init(keyspace: Int64, key: Range<Int>) {
            self.keyspace = keyspace
            self.key = key
        }
    }

    public init(
        rows: [Row], profiles: [Profile], keys: [UInt8], data: [UInt8], next: Int64?, newest: Int64
    ) {
        self.rows = rows
        self.profiles = profiles
        self.keys = keys
        self.data = data
        self.next = next
        self.newest = newest
    }
}

/// Events of many profiles that are stored at once: a part of a bulk upload, checked and ready to store.
///
/// It is flat, so that ten thousand events are four buffers and not ten thousand small ones.
public struct EventChunk: Sendable {
    public let account: Int64
    /// Number of the section in the account.
    public let section: Int64
    public let receivedAt: Timestamp
    /// Each once, by founding id: neighbours in the store are written one after the other.
    public let profiles: [Profile]
    /// The keys of the profiles in UTF-8, in their normal form.
    public let keys: [UInt8]
    /// Profile by profile, and those of one profile in the order in which they came.
    public let rows: [Row]
    /// The `data` of the events as compact JSON, in any order.
    public let data: [UInt8]
    public let idempotency: Idempotency?
    /// Lines that came with these and were refused; they are counted with what is stored.
    public let refused: Int

    public struct Profile: Sendable, Equatable {
        /// Number of the keyspace in the account.
        public let keyspace: Int64
        /// Where its key stands in ``EventChunk/keys``.
        public let key: Range<Int>
        public let foundingID: ProfileID
        /// Where its events end in ``EventChunk/rows``; they begin where those of the profile before end.
        public let rowsEnd: Int

        public init(keyspace: Int64, key: Range<Int>, foundingID: ProfileID, rowsEnd: Int) {
            self.keyspace = keyspace
            self.key = key
            self.foundingID = foundingID
            self.rowsEnd = rowsEnd
        }
    }

    public struct Row: Sendable, Equatable {
        public let eventTime: Timestamp
        public let version: EventVersion.ID
        /// Where its JSON stands in ``EventChunk/data``.
        public let data: Range<Int>

        public init(eventTime: Timestamp, version: EventVersion.ID, data: Range<Int>) {
            self.eventTime = eventTime
            self.version = version
            self.data = data
        }
    }

    public init(
        account: Int64, section: Int64, receivedAt: Timestamp, profiles: [Profile], keys: [UInt8], rows: [Row],
        data: [UInt8], idempotency: Idempotency?, refused: Int = 0
    ) {
        self.account = account
        self.section = section
        self.receivedAt = receivedAt
        self.profiles = profiles
        self.keys = keys
        self.rows = rows
        self.data = data
        self.idempotency = idempotency
        self.refused = refused
    }

    /// What it takes of memory, near enough.
    public var bytes: Int {
        data.count + keys.count + rows.count * MemoryLayout<Row>.stride
            + profiles.count * MemoryLayout<Profile>.stride + (idempotency?.answer.count ?? 0)
    }
}

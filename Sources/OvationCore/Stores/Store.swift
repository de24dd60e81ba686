/// Where an account's definitions, profiles and events are kept. SQLite and PostgreSQL are to the server the same.
///
/// Each verb is one transaction: when it returns, what it wrote is on disk and every later read sees it; when it
/// throws, nothing of it happened, but for `outcomeUnknown`.
///
/// It is made of one protocol for each kind of thing that is kept. Who uses a store asks for the one that it needs.
public protocol Store: DefinitionStore, EventStore, ProfileStore, RejectionStore, ActivityStore, JobStore,
    StoreHealth
{}

/// How many events went, and the entry of the audit trail that says so; no entry where nothing went.
public struct Deletion: Sendable, Equatable {
    public let count: Int
    public let entry: AuditEntry?

    public init(count: Int, entry: AuditEntry?) {
        self.count = count
        self.entry = entry
    }
}

/// Which entries of an audit trail, and in which order.
public struct LogRange: Sendable {
    public enum Order: Sendable {
        /// Those after a number.
        case oldestFirst(after: Int64)
        /// Those before a number.
        case newestFirst(before: Int64)
    }

    public var account: Int64
    public var order: Order
    public var limit: Int
    /// Leave out acts.
    public var isDefinitionsOnly: Bool

    public init(account: Int64, order: Order, limit: Int, isDefinitionsOnly: Bool = false) {
        self.account = account
        self.order = order
        self.limit = limit
        self.isDefinitionsOnly = isDefinitionsOnly
    }
}

/// Two numbers of an account that go up with each change: one of its definitions, one of its keys. Another process that
/// finds one of them different reads everything anew; acts move neither.
public struct AccountSequences: Sendable, Equatable {
    /// The sequence of the newest entry of the log of definitions; 0 when it is empty.
    public var definitions: Int64
    /// How often API keys and signing keys have changed.
    public var keys: Int64

    public init(definitions: Int64 = 0, keys: Int64 = 0) {
        self.definitions = definitions
        self.keys = keys
    }
}

/// What the server folds into memory at start.
public struct StoreContents: Sendable {
    public var accounts: [Account]
    /// The log of each account's definitions, oldest first, by account number.
    public var definitions: [Int64: [LogEntry]]
    public var lastSequences: [Int64: AccountSequences]
    public var apiKeys: [APIKey]
    public var signingKeys: [SigningKey]
    /// Random bytes made with the store: key of the HMAC over client secrets.
    public var serverSecret: [UInt8]

    public init(
        accounts: [Account], definitions: [Int64: [LogEntry]], lastSequences: [Int64: AccountSequences],
        apiKeys: [APIKey], signingKeys: [SigningKey], serverSecret: [UInt8]
    ) {
        self.accounts = accounts
        self.definitions = definitions
        self.lastSequences = lastSequences
        self.apiKeys = apiKeys
        self.signingKeys = signingKeys
        self.serverSecret = serverSecret
    }
}

/// One administrative transaction.
public struct AccountChange: Sendable {
    /// Made when it does not exist.
    public var account: Account
    /// Changes of definitions. Their sequence numbers follow the newest entry of the account's log.
    public var entries: [LogEntry]
    /// What was done besides. In the audit trail they come after the changes of definitions.
    public var acts: [ActEntry]
    /// Inserted, or replaced where the client id exists.
    public var apiKeys: [APIKey]
    /// Inserted, or replaced where the id exists.
    public var signingKeys: [SigningKey]
    /// How often the account's keys had changed when the caller read them: the keys are written only while that is so.
    /// nil: they are written whatever others did meanwhile.
    public var keysBefore: Int64?
    /// When API keys were last used, by client id. Nothing else of them is touched, whatever another process made of
    /// them meanwhile, and what is later there stays.
    public var keyUses: [String: Timestamp]
    /// The mapped attributes after the change. What the account's profiles hold of those that were not mapped before is found
    /// from then on, however long that takes. nil: they are as before.
    public var mapped: MappedAttributes?

    /// Whether API keys or signing keys change; the times of their last use do not count.
    public var changesKeys: Bool { !apiKeys.isEmpty || !signingKeys.isEmpty }

    public init(
        account: Account, entries: [LogEntry], acts: [ActEntry] = [], apiKeys: [APIKey] = [],
        signingKeys: [SigningKey] = [], keysBefore: Int64? = nil, keyUses: [String: Timestamp] = [:],
        mapped: MappedAttributes? = nil
    ) {
        self.mapped = mapped
        self.acts = acts
        self.keysBefore = keysBefore
        self.keyUses = keyUses
        self.account = account
        self.entries = entries
        self.apiKeys = apiKeys
        self.signingKeys = signingKeys
    }
}

/// Counters since the start of the process, and sizes now.
public struct StoreStatistics: Sendable, Equatable {
    public var commits: Int64 = 0
    public var requestsCommitted: Int64 = 0
    public var eventsStored: Int64 = 0
    public var commitSeconds: Double = 0
    /// Commits by how long they took: counts per bound of ``commitBuckets``, and those beyond the last.
    public var commitCounts = [Int64](repeating: 0, count: StoreStatistics.commitBuckets.count + 1)
    public var requestsWaiting: Int64 = 0
    public var bytesOnDisk: Int64 = 0

    /// Upper bounds, in seconds.
    public static let commitBuckets = [
        0.00025, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1, 2, 4,
    ]

    public init() {}

    /// A group was committed.
    package mutating func noteCommit(requests: Int, events: Int64, seconds: Double) {
        commits += 1
        requestsCommitted += Int64(requests)
        eventsStored += events
        commitSeconds += seconds
        let buckets = StoreStatistics.commitBuckets
        commitCounts[buckets.firstIndex { seconds <= $0 } ?? buckets.count] += 1
    }
}

/// Why the store could not do what was asked: about this process and its disk, never about the request.
public struct StoreFailure: Error, Sendable, Equatable {
    public enum Code: String, Sendable {
        /// A queue is full; nothing was done.
        case busy
        /// The server is stopping; nothing was done.
        case closed
        /// Definitions or keys changed since the caller read them; nothing was done.
        case sequenceTaken
        /// The disk is full or the file may not grow; nothing was done.
        case full
        /// The engine refused or failed; nothing was done.
        case unavailable
        /// The connection broke between commit and answer.
        case outcomeUnknown
        /// The file is not ours, or is of a newer version.
        case unusable
        /// Another process has the store open.
        case inUse
        /// What is stored is not what was written: nothing of it was given out.
        case damaged
    }

    public let code: Code
    /// For the log and for the operator at start; never for a caller.
    public let message: String
    /// What of the caller's is damaged, such as "event 17"; nil where that cannot be told.
    public var subject: String?

    public init(_ code: Code, _ message: String, subject: String? = nil) {
        self.code = code
        self.message = message
        self.subject = subject
    }

    public static func == (left: StoreFailure, right: StoreFailure) -> Bool { left.code == right.code }
}

extension StoreFailure: CustomStringConvertible {
    public var description: String { "\(code.rawValue): \(message)" }
}

/// Where an account's definitions, profiles and events are kept. SQLite and PostgreSQL are to the server the same.
///
/// Each verb is one transaction: when it returns, what it wrote is on disk and every later read sees it; when it
/// throws, nothing of it happened, but for `outcomeUnknown`.
public protocol Store: Sendable {
    /// Everything the server keeps in memory: read once at start.
    func load() async throws(StoreFailure) -> StoreContents

    /// Writes definitions, API keys and signing keys, all or nothing.
    /// - Throws: `sequenceTaken` when somebody else wrote to the account's log since the caller read it.
    func commit(_ change: AccountChange) async throws(StoreFailure)

    /// The account's log after an entry, oldest first.
    func log(account: Int64, after sequence: Int64, limit: Int) async throws(StoreFailure) -> [LogEntry]

    /// Stores a batch, and makes its profile when there is none. Returns after the commit is on disk.
    func append(_ batch: EventBatch) async throws(StoreFailure) -> AppendOutcome

    /// What became of an earlier request with this key: nil when there was none that still counts.
    func outcome(account: Int64, of idempotency: Idempotency, at now: Timestamp) async throws(StoreFailure)
        -> AppendOutcome?

    /// Newest first. nil: there is no such profile.
    func events(
        _ filter: EventFilter, after position: EventPosition?, limit: Int
    ) async throws(StoreFailure) -> EventPage?

    /// Removes events, and writes the entry to the log in the same transaction. nil: there is no such profile.
    /// - Parameter id: only this event; the filter must hold for it too.
    func deleteEvents(
        _ filter: EventFilter, id: Int64?, recordedAs note: @escaping @Sendable (Int) -> Note, at now: Timestamp,
        by actor: String
    ) async throws(StoreFailure) -> Deletion?

    /// Writes and reads back, to tell whether the store can be used.
    func check() async throws(StoreFailure)

    /// Figures for people and for monitoring.
    func statistics() -> StoreStatistics
}

/// How many events went, and the log entry that says so; no entry where nothing went.
public struct Deletion: Sendable, Equatable {
    public let count: Int
    public let entry: LogEntry?

    public init(count: Int, entry: LogEntry?) {
        self.count = count
        self.entry = entry
    }
}

/// What the server folds into memory at start.
public struct StoreContents: Sendable {
    public var accounts: [Account]
    /// The entries of each account that change definitions, oldest first, by account number.
    public var definitions: [Int64: [LogEntry]]
    /// Number of each account's newest entry, notes included.
    public var lastSequences: [Int64: Int64]
    public var apiKeys: [APIKey]
    public var signingKeys: [SigningKey]
    /// Random bytes made with the store: key of the HMAC over client secrets.
    public var serverSecret: [UInt8]

    public init(
        accounts: [Account], definitions: [Int64: [LogEntry]], lastSequences: [Int64: Int64], apiKeys: [APIKey],
        signingKeys: [SigningKey], serverSecret: [UInt8]
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
    /// Their sequence numbers follow the account's newest entry.
    public var entries: [LogEntry]
    /// Inserted, or replaced where the client id exists.
    public var apiKeys: [APIKey]
    /// Inserted, or replaced where the id exists.
    public var signingKeys: [SigningKey]

    public init(
        account: Account, entries: [LogEntry], apiKeys: [APIKey] = [], signingKeys: [SigningKey] = []
    ) {
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
    public var requestsWaiting: Int64 = 0
    public var bytesOnDisk: Int64 = 0

    public init() {}
}

/// Why the store could not do what was asked: about this process and its disk, never about the request.
public struct StoreFailure: Error, Sendable, Equatable {
    public enum Code: String, Sendable {
        /// A queue is full; nothing was done.
        case busy
        /// The server is stopping; nothing was done.
        case closed
        /// The log went on since the caller read it; nothing was done.
        case sequenceTaken
        /// The disk is full or the file may not grow; nothing was done.
        case full
        /// The engine refused or failed; nothing was done.
        case unavailable
        /// The connection broke between commit and answer.
        case outcomeUnknown
        /// The file is not ours, or is of a newer version.
        case unusable
    }

    public let code: Code
    /// For the log and for the operator at start; never for a caller.
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public static func == (left: StoreFailure, right: StoreFailure) -> Bool { left.code == right.code }
}

extension StoreFailure: CustomStringConvertible {
    public var description: String { "\(code.rawValue): \(message)" }
}

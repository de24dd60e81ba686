/// Where an account's definitions, profiles and events are kept. SQLite and PostgreSQL are to the server the same.
///
/// Each verb is one transaction: when it returns, what it wrote is on disk and every later read sees it; when it
/// throws, nothing of it happened, but for `outcomeUnknown`.
public protocol Store: Sendable {
    /// Everything the server keeps in memory: read once at start.
    func load() async throws(StoreFailure) -> StoreContents

    /// Whether other processes may write to it at the same time.
    var isShared: Bool { get }

    /// How far each account's definitions and keys have come: a server that keeps in memory what ``load()`` gave asks
    /// whether it is still so.
    func lastSequences() async throws(StoreFailure) -> [Int64: AccountSequences]

    /// An element each time that another process may have changed definitions or keys, as soon as the store hears of it.
    /// It may hear late or never, so whoever must know asks for ``lastSequences()`` from time to time as well.
    var changes: AsyncStream<Void> { get }

    /// Writes definitions, acts, API keys and signing keys, all or nothing.
    /// - Throws: `sequenceTaken` when another process changed the account's definitions or keys since the caller read them.
    func commit(_ change: AccountChange) async throws(StoreFailure)

    /// A part of the account's audit trail: changes of definitions and acts in one order.
    func log(_ range: LogRange) async throws(StoreFailure) -> [AuditEntry]

    /// Stores a batch, and makes its profile when there is none. Returns after the commit is on disk.
    func append(_ batch: EventBatch) async throws(StoreFailure) -> AppendOutcome

    /// Stores a part of a bulk upload, and makes the profiles that are not there. Returns after the commit is on disk.
    /// Without events it only remembers its idempotency key, and counts its refused lines.
    func append(_ chunk: EventChunk) async throws(StoreFailure) -> AppendOutcome

    /// What became of an earlier request with this key: nil when there was none that still counts.
    func outcome(account: Int64, of idempotency: Idempotency, at now: Timestamp) async throws(StoreFailure)
        -> AppendOutcome?

    /// Newest first. nil: there is no such profile.
    func events(
        _ filter: EventFilter, after position: EventPosition?, limit: Int
    ) async throws(StoreFailure) -> EventPage?

    /// Events of all profiles, in the order of their arrival.
    func events(of range: ExportRange) async throws(StoreFailure) -> ExportPage

    /// Removes events, and writes the act to the audit trail in the same transaction. nil: there is no such profile.
    /// - Parameter id: only this event; the filter must hold for it too.
    func deleteEvents(
        _ filter: EventFilter, id: Int64?, recordedAs act: @escaping @Sendable (Int) -> Act, at now: Timestamp,
        by actor: String
    ) async throws(StoreFailure) -> Deletion?

    /// nil: there is no such profile.
    func profile(_ reference: ProfileReference) async throws(StoreFailure) -> Profile?

    /// Profiles by the beginning of a key.
    func profiles(_ search: ProfileSearch) async throws(StoreFailure) -> ProfileMatches

    /// Events by section and version. nil: there is no such profile.
    func counts(of profile: ProfileAddress) async throws(StoreFailure) -> ProfileCounts?

    /// Events by day of their time, oldest first, days without events left out. nil: there is no such profile.
    func days(_ filter: EventFilter) async throws(StoreFailure) -> [EventDay]?

    /// How much is stored of each version that was ever posted to.
    func usage(account: Int64) async throws(StoreFailure) -> [VersionUsage]

    /// What became of events in some minutes, by their numbers since 1970. All that is acknowledged is in it: what is
    /// stored, kept or found repeated is counted in the same commit.
    func activity(account: Int64, in minutes: ClosedRange<Int64>) async throws(StoreFailure) -> Activity

    /// Counts events of which nothing else is written, in the group commit of the posts that wait.
    func count(_ events: CountedEvents) async throws(StoreFailure)

    /// Keeps a refused post and counts it, in the group commit of the posts that wait, and forgets what is past its time
    /// or number.
    /// - Parameter versions: how many of its events are of which version of the section, as far as that can be told.
    func keep(_ post: RefusedPost, versions: [EventVersion.ID: Int]) async throws(StoreFailure) -> Rejection.ID

    /// Newest first.
    /// - Parameters:
    ///   - id: only those that came before this one.
    ///   - bodyBytesMax: bodies are cut after so many bytes.
    func rejections(
        _ filter: RejectionFilter, before id: Rejection.ID?, limit: Int, bodyBytesMax: Int
    ) async throws(StoreFailure) -> [Rejection]

    /// Those of a range, oldest first.
    func rejections(
        _ range: RejectionRange, limit: Int, bodyBytesMax: Int
    ) async throws(StoreFailure) -> [Rejection]

    /// How many a range has.
    func countRejections(_ range: RejectionRange) async throws(StoreFailure) -> Int

    /// Open rejections by their cause.
    func rejectionCauses(_ filter: RejectionCauseFilter, limit: Int) async throws(StoreFailure) -> RejectionCauses

    /// How many are open and were received since a moment.
    func countOpenRejections(account: Int64, from: Timestamp) async throws(StoreFailure) -> Int

    /// With its whole body. nil: there is none, or it was forgotten.
    func rejection(_ id: Rejection.ID, account: Int64) async throws(StoreFailure) -> Rejection?

    /// false: there is none.
    func dismissRejection(_ id: Rejection.ID, account: Int64) async throws(StoreFailure) -> Bool

    /// Those of them that are open, in one transaction.
    /// - Returns: how many that were.
    func dismissRejections(_ ids: [Rejection.ID], account: Int64) async throws(StoreFailure) -> Int

    /// Writes and reads back, to tell whether the store can be used.
    func check() async throws(StoreFailure)

    /// Figures for people and for monitoring.
    func statistics() -> StoreStatistics
}

extension Store {
    /// Keeps a refused post of whose events no version is known.
    public func keep(_ post: RefusedPost) async throws(StoreFailure) -> Rejection.ID {
        try await keep(post, versions: [:])
    }

    /// Nobody else changes anything.
    public var changes: AsyncStream<Void> { AsyncStream { $0.finish() } }
}

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

    /// Whether API keys or signing keys change; the times of their last use do not count.
    public var changesKeys: Bool { !apiKeys.isEmpty || !signingKeys.isEmpty }

    public init(
        account: Account, entries: [LogEntry], acts: [ActEntry] = [], apiKeys: [APIKey] = [],
        signingKeys: [SigningKey] = [], keysBefore: Int64? = nil, keyUses: [String: Timestamp] = [:]
    ) {
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

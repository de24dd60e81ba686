import Foundation
public import Logging
public import OvationCore
import OvationRows
import Synchronization

/// Definitions, profiles and events in a database of PostgreSQL, which other servers of Ovation may share. See
/// DESIGN.md of this target.
public final class PostgresStore: Store {
    private let writer: PostgresWriter
    private let reader: PostgresReader
    private let listener: ChangeListener
    private let outage = Outage()
    private let limits: Limits
    private let size = SizeOnDisk()
    /// Whether Citus spreads the tables.
    private let isSpread: Bool
    private let forgetting: SharedForgetting

    /// Connects, brings the tables up to date, and forgets refused posts that are past their time or number. Blocks.
    /// - Parameters:
    ///   - connection: any connection string of libpq.
    ///   - now: nil is the time of the machine.
    /// - Throws: `unusable` or `unavailable`, with a sentence for the operator.
    public init(
        connection text: String, limits: Limits, logger: Logger, now: Timestamp? = nil
    ) throws(StoreFailure) {
        let target = try ConnectionTarget(text)
        self.limits = limits
        let (shards, forgetting) = try PostgresStore.prepare(target, limits, logger, now ?? .now)
        isSpread = shards != nil
        self.forgetting = SharedForgetting(forgetting)
        writer = PostgresWriter(
            target, shards: shards, limits: limits, forgetting: self.forgetting, outage: outage, logger: logger)
        reader = PostgresReader(target, limits: limits, outage: outage, logger: logger)
        listener = ChangeListener(target, limits: limits, logger: logger)
        outage.start()
    }

    /// A connection string without its secrets, for people to read.
    public static func describe(connection text: String) -> String {
        (try? ConnectionTarget(text))?.description ?? "postgres"
    }

    /// - Throws: `unusable` where a connection string cannot be read.
    public static func verify(connection text: String) throws(StoreFailure) {
        _ = try ConnectionTarget(text)
    }

    /// Commits the waiting writes and closes the connections. Later calls throw `closed`. Blocks.
    public func close() {
        listener.close()
        reader.close()
        writer.close()
        outage.stop()
    }

    /// How long a start waits for a database that is also starting.
    private static let startPatience = Duration.seconds(10)

    private static func prepare(
        _ target: ConnectionTarget, _ limits: Limits, _ logger: Logger, _ now: Timestamp
    ) throws(StoreFailure) -> (ShardMap?, Forgetting) {
        do {
            let connection = try connect(target, limits, logger)
            try verifyIsNotCopied(connection)
            try Migrator.migrate(connection, logger: logger)
            if let refusal = try PostgresRows.refusalToServe(connection) { throw refusal }
            let commit = try connection.run(Session.synchronousCommit).text(0, 0)
            guard !["off", "local", "remote_write"].contains(commit) else {
                throw StoreFailure(.unusable, "synchronous_commit is '\(commit)' and cannot be set to 'on'")
            }
            var forgetting = Forgetting(noted: try ClockNote.read(connection), limits: limits)
            try RejectionRows.forget(connection, at: forgetting.time(now), limits: limits)
            try ActivityRows.begin(connection, at: now)
            try RejectionRows.fill(connection)
            try PostgresDistribution.spreadIfEmpty(connection, logger: logger)
            return (try ShardMap.read(connection), forgetting)
        } catch {
            let failure =
                (error as? PostgresFailure).map { StoreFailure($0) } ?? error as? StoreFailure
                ?? StoreFailure(.unusable, "\(error)")
            throw StoreFailure(failure.code, "\(target) cannot be used as a store: \(failure.message)")
        }
    }

    /// The lock ends with the connection; each lane has one of its own.
    private static func verifyIsNotCopied(_ connection: PostgresConnection) throws {
        do {
            try connection.run([Command(Locks.serve)])
        } catch  where error.state == "55P03" {
            throw StoreFailure(.unusable, "it is being copied; start the server when 'ovation store copy' has ended")
        }
    }

    /// Tries again while no server listens there or PostgreSQL is starting up; it reports any other problem at once.
    private static func connect(
        _ target: ConnectionTarget, _ limits: Limits, _ logger: Logger
    ) throws(PostgresFailure) -> PostgresConnection {
        let end = ContinuousClock.now.advanced(by: startPatience)
        var notice = SparseNotice()
        while true {
            do throws(PostgresFailure) {
                return try Session.open(target, for: .writing, patience: limits.databaseAnswerMax)
            } catch {
                // libpq gives no code for a connection that was not made.
                let isStarting = ["Connection refused", "starting up", "No such file"].contains(
                    where: error.message.contains)
                guard isStarting, ContinuousClock.now < end else { throw error }
                if notice.isDue("\(error)", at: .now) {
                    logger.info("waiting for the database", metadata: ["why": "\(error)"])
                }
                Thread.sleep(forTimeInterval: 0.5)
            }
        }
    }
}

// MARK: - Events

extension PostgresStore {
    public func append(_ batch: EventBatch) async throws(StoreFailure) -> AppendOutcome {
        try await writer.append(batch).get()
    }

    public func append(_ chunk: EventChunk) async throws(StoreFailure) -> AppendOutcome {
        try await writer.append(chunk).get()
    }

    public func events(of range: ExportRange) async throws(StoreFailure) -> ExportPage {
        try await reader.read { [isSpread] in try ExportRows.page($0, range, isSpread: isSpread) }
    }

    public func outcome(
        account: Int64, of idempotency: Idempotency, at now: Timestamp
    ) async throws(StoreFailure) -> AppendOutcome? {
        let oldest = forgetting.time(now).advanced(by: .zero - limits.idempotencyLifetime).milliseconds
        return try await reader.read { connection in
            for key in [idempotency.key, idempotency.formerKey].compactMap({ $0 }) {
                let row = try connection.run(ReadSQL.findKey) {
                    $0.add(account)
                    $0.add(key)
                    $0.add(oldest)
                }
                guard row.count == 1 else { continue }
                if row.bytes(0, 0) == idempotency.fingerprint { return .duplicate(answer: row.bytes(0, 1)) }
                if key == idempotency.key { return .conflict }
            }
            return nil
        }
    }

    public func events(
        _ filter: EventFilter, after position: EventPosition?, limit: Int
    ) async throws(StoreFailure) -> EventPage? {
        try await reader.read { try EventRows.page($0, filter, after: position, limit: limit) }
    }

    public func deleteEvents(
        _ filter: EventFilter, id: Int64?, recordedAs note: @escaping @Sendable (Int) -> Note, at now: Timestamp,
        by actor: String
    ) async throws(StoreFailure) -> Deletion? {
        let attempt = EventRemoval.Attempt()
        return try await write(for: filter.profile.foundingID.value) { connection, slot, isRepeat in
            if isRepeat, let done = try attempt.ifCommitted(connection, account: filter.profile.account) { return done }
            return try EventRemoval.delete(connection, filter, id: id, slot: slot, attempt) { sequence, count in
                LogEntry(sequence: sequence, at: now, actor: actor, change: .noted(note(count)))
            }
        }
    }
}

// MARK: - Profiles

extension PostgresStore {
    public func profile(_ reference: ProfileReference) async throws(StoreFailure) -> Profile? {
        try await reader.read { connection in
            switch reference {
            case .address(let address): try ProfileRows.find(connection, address)
            case .id(let id, let account): try ProfileRows.find(connection, id: id.value, account: account)
            }
        }
    }

    public func profiles(_ search: ProfileSearch) async throws(StoreFailure) -> ProfileMatches {
        try await reader.read { try ProfileRows.search($0, search) }
    }

    public func counts(of profile: ProfileAddress) async throws(StoreFailure) -> ProfileCounts? {
        try await reader.read { try ProfileRows.counts($0, of: profile) }
    }

    public func days(_ filter: EventFilter) async throws(StoreFailure) -> [EventDay]? {
        try await reader.read { try ProfileRows.days($0, filter) }
    }

    public func usage(account: Int64) async throws(StoreFailure) -> [VersionUsage] {
        try await reader.read { try ProfileRows.usage($0, account: account) }
    }
}

// MARK: - Activity

extension PostgresStore {
    public func activity(account: Int64, in minutes: ClosedRange<Int64>) async throws(StoreFailure) -> Activity {
        try await reader.read { try ActivityRows.read($0, account: account, in: minutes) }
    }

    public func count(_ events: CountedEvents) async throws(StoreFailure) {
        try await writer.count(events).get()
    }
}

// MARK: - Refused posts

extension PostgresStore {
    public func keep(
        _ post: RefusedPost, versions: [EventVersion.ID: Int]
    ) async throws(StoreFailure) -> Rejection.ID {
        try await writer.keep(try PackedRejection(post, versions: versions)).get()
    }

    public func rejections(
        _ filter: RejectionFilter, before id: Rejection.ID?, limit: Int, bodyBytesMax: Int
    ) async throws(StoreFailure) -> [Rejection] {
        try await reader.read { connection in
            try RejectionRows.list(connection, filter, before: id, limit: limit, bodyBytesMax: bodyBytesMax)
        }
    }

    public func rejections(
        _ range: RejectionRange, limit: Int, bodyBytesMax: Int
    ) async throws(StoreFailure) -> [Rejection] {
        try await reader.read { try RejectionRows.list($0, range, limit: limit, bodyBytesMax: bodyBytesMax) }
    }

    public func countRejections(_ range: RejectionRange) async throws(StoreFailure) -> Int {
        try await reader.read { try RejectionRows.count($0, range) }
    }

    public func rejectionCauses(
        _ filter: RejectionCauseFilter, limit: Int
    ) async throws(StoreFailure) -> RejectionCauses {
        try await reader.read { try RejectionRows.causes($0, filter, limit: limit) }
    }

    public func countOpenRejections(account: Int64, from: Timestamp) async throws(StoreFailure) -> Int {
        try await reader.read { try RejectionRows.countOpen($0, account: account, from: from) }
    }

    public func dismissRejections(_ ids: [Rejection.ID], account: Int64) async throws(StoreFailure) -> Int {
        try await write(for: account) { connection, _, isRepeat in
            let gone = try connection.run([
                Command(.begin),
                Command(WriteSQL.dismissRejections) {
                    $0.add(account)
                    $0.add(ids)
                }, Command(.commit),
            ])[1]
            // Nothing is left to count of the rows that an earlier try may have removed.
            return isRepeat ? ids.count : gone.count
        }
    }

    public func rejection(_ id: Rejection.ID, account: Int64) async throws(StoreFailure) -> Rejection? {
        try await reader.read { try RejectionRows.find($0, id, account: account) }
    }

    public func dismissRejection(_ id: Rejection.ID, account: Int64) async throws(StoreFailure) -> Bool {
        try await write(for: account) { connection, _, isRepeat in
            let gone = try connection.run([
                Command(.begin),
                Command(WriteSQL.dismissRejection) {
                    $0.add(account)
                    $0.add(id)
                }, Command(.commit),
            ])[1]
            // Nothing is left to find of the rows that an earlier try may have removed.
            return gone.count > 0 || isRepeat
        }
    }
}

// MARK: - Definitions

extension PostgresStore {
    public var isShared: Bool { true }

    /// Listens as long as a caller reads the stream.
    public var changes: AsyncStream<Void> { listener.changes() }

    public func lastSequences() async throws(StoreFailure) -> [Int64: Int64] {
        try await reader.read { connection in
            let rows = try connection.run([Command(AccountSQL.lastSequences)])[0]
            return AccountRows.sequences(rows)
        }
    }

    public func load() async throws(StoreFailure) -> StoreContents {
        try await reader.read { try AccountRows.load($0) }
    }

    public func commit(_ change: AccountChange) async throws(StoreFailure) {
        try await write(for: change.account.number) { connection, _, isRepeat in
            try AccountRows.commit(connection, change, isRepeat: isRepeat)
        }
    }

    public func log(_ range: LogRange) async throws(StoreFailure) -> [LogEntry] {
        try await reader.read { try AccountRows.log($0, range) }
    }
}

// MARK: - The store itself

extension PostgresStore {
    public func check() async throws(StoreFailure) {
        let mark = (0..<8).map { _ in UInt8.random(in: 0...255) }
        try await write(for: 0) { connection, _, _ in
            _ = try connection.run([
                Command(.begin), Command(WriteSQL.touch) { $0.add(mark) }, Command(.commit),
            ])
        }
        let bytes = try await reader.read { [isSpread] connection in
            let size = isSpread ? CitusSQL.size : ReadSQL.size
            let results = try connection.run([Command(ReadSQL.checkedAt), Command(size)])
            guard results[0].count == 1 else { throw StoreFailure(.unavailable, "the row just written cannot be read") }
            return results[1].int64(0, 0)
        }
        size.set(bytes)
    }

    /// The size is that of the last ``check()``.
    public func statistics() -> StoreStatistics {
        var statistics = writer.statistics
        statistics.bytesOnDisk = size.value
        return statistics
    }

    /// One transaction on the lane of a profile or an account that gives something back.
    func write<Value: Sendable>(
        for number: Int64,
        _ work: @escaping @Sendable (PostgresConnection, _ slot: Int64, _ isRepeat: Bool) throws -> Value
    ) async throws(StoreFailure) -> Value {
        let box = ResultBox<Value>()
        try await writer.perform(for: number) { box.set(try work($0, $1, $2)) }.get()
        guard let value = box.value else { throw StoreFailure(.unavailable, "a change gave no result") }
        return value
    }
}

/// Carries one value from a lane's thread to the task that waits for it.
final class ResultBox<Value: Sendable>: Sendable {
    private let stored = Mutex<Value?>(nil)

    var value: Value? { stored.withLock { $0 } }

    func set(_ newValue: Value) {
        stored.withLock { $0 = newValue }
    }
}

/// The number of bytes when it was last asked for.
private final class SizeOnDisk: Sendable {
    private let bytes = Atomic<Int64>(0)

    var value: Int64 { bytes.load(ordering: .relaxed) }

    func set(_ newValue: Int64) { bytes.store(newValue, ordering: .relaxed) }
}

extension Timestamp {
    /// By the clock of this machine.
    fileprivate static var now: Timestamp {
        Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
    }
}

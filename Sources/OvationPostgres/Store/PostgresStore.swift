import Foundation
public import Logging
public import OvationCore
import OvationRows
import Synchronization

/// Definitions, profiles and events in a database of PostgreSQL, which other servers of Ovation may share. See DESIGN.md
/// of this target. What it does for each kind of thing stands in the folder of that kind.
public final class PostgresStore: Store {
    let writer: PostgresWriter
    let reader: PostgresReader
    let listener: ChangeListener
    let remover: ErasureRemover
    private let outage = Outage()
    let limits: Limits
    private let size = SizeOnDisk()
    /// Whether Citus spreads the tables.
    let isSpread: Bool
    let forgetting: SharedForgetting

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
        let reader = PostgresReader(target, shards: shards, limits: limits, outage: outage, logger: logger)
        self.reader = reader
        writer = PostgresWriter(
            target, shards: shards, limits: limits, forgetting: self.forgetting, outage: outage, logger: logger
        ) { reader.note($0) }
        listener = ChangeListener(target, limits: limits, logger: logger)
        remover = ErasureRemover(target, limits: limits, logger: logger)
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
        remover.close()
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
            try AuditRows.takeOver(connection)
            try PostgresDistribution.spreadIfEmpty(connection, logger: logger)
            try PostgresDistribution.keepNew(connection)
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
                let isStarting = error.troubles.contains { [.nobodyListens, .startingOrStopping].contains($0) }
                guard isStarting, ContinuousClock.now < end else { throw error }
                if notice.isDue("\(error)", at: .now) {
                    logger.info("waiting for the database", metadata: ["why": "\(error)"])
                }
                Thread.sleep(forTimeInterval: 0.5)
            }
        }
    }
}

// MARK: - Health

extension PostgresStore: StoreHealth {
    @discardableResult
    public func check() async throws(StoreFailure) -> [String] {
        let mark = (0..<8).map { _ in UInt8.random(in: 0...255) }
        try await write(at: .account(0)) { connection, _, _ in
            _ = try connection.run([
                Command(.begin), Command(WriteSQL.touch) { $0.add(mark) }, Command(.commit),
            ])
        }
        let bytes = try await reader.read(.coordinator) { connection in
            let results = try connection.run([Command(ReadSQL.checkedAt), Command(ReadSQL.size)])
            guard results[0].count == 1 else { throw StoreFailure(.unavailable, "the row just written cannot be read") }
            return results[1].int64(0, 0)
        }
        size.set(bytes)
        let missing = reader.missingNodes
        guard !missing.isAll else {
            throw PostgresWriter.away("no node answers: \(missing.names.joined(separator: ", "))")
        }
        return missing.names
    }

    /// The size is that of the last ``check()``; on a node of Citus, of when the node last answered.
    public func statistics() -> StoreStatistics {
        var statistics = writer.statistics
        statistics.bytesOnDisk = size.value + reader.bytesOnNodes
        return statistics
    }
}

// MARK: - For all kinds of things

extension PostgresStore {
    /// One transaction on the lane of that place that gives something back.
    func write<Value: Sendable>(
        at place: WritePlace,
        _ work: @escaping @Sendable (PostgresConnection, _ slot: Int64, _ isRepeat: Bool) throws -> Value
    ) async throws(StoreFailure) -> Value {
        let box = ResultBox<Value>()
        try await writer.perform(at: place) { box.set(try work($0, $1, $2)) }.get()
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
    static var now: Timestamp {
        Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
    }
}

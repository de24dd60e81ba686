import Dispatch
import Foundation
import GRDB
import OvationCore
import Synchronization

/// Reads on separate threads, so that a slow query never blocks a thread that handles requests.
///
/// Each thread keeps a connection of the pool from start to end, as the writer does: taking one from the pool and
/// giving it back for each read costs as much as reading a page of events.
final class SQLiteReader: Sendable {
    /// The purpose of a set of threads.
    struct Role: Sendable {
        let name: String
        let threads: Int
        /// PRAGMA cache_size of each connection; a negative number is kibibytes.
        let cacheSize: Int
        /// How many times ``Limits/diskAnswerMax`` one read may take while others wait for it.
        let patience: Int

        /// Reads of a few rows. The cache has room for the inner nodes of all trees of some twenty million events, so
        /// that a row somewhere in the file is one page from the system and not two.
        static let rows = Role(name: "reader", threads: 2, cacheSize: -14_336, patience: 1)
        /// Reads that may look at everything: searches, counts, exports. They use a page once.
        static let scans = Role(name: "scanner", threads: 2, cacheSize: -2048, patience: 6)

        static let all = [rows, scans]
    }

    /// Gets a failure in place of a connection when the store is closing, or when there is no connection.
    private typealias Work = @Sendable (Result<Transaction, StoreFailure>) -> Void

    private struct State {
        var work: [Work] = []
        var isClosed = false
        /// Since when each thread has been at its read.
        var since: [Int: ContinuousClock.Instant] = [:]
    }

    /// A connection, and the statements that every read needs.
    private final class Transaction {
        let database: Database
        private let begin: PreparedStatement
        private let end: PreparedStatement

        init(_ database: Database) throws {
            self.database = database
            begin = try PreparedStatement(database, "BEGIN DEFERRED TRANSACTION")
            end = try PreparedStatement(database, "COMMIT TRANSACTION")
        }

        func run<Value>(_ query: (Database) throws -> Value) throws -> Value {
            try begin.run()
            // It wrote nothing, so this cannot fail; and if it did, the next transaction could not begin either.
            defer { try? end.run() }
            return try query(database)
        }
    }

    private let state = Mutex(State())
    private let wake = DispatchSemaphore(value: 0)
    private let finished = DispatchGroup()
    private let pool: DatabasePool
    private let queueMax: Int
    private let diskAnswerMax: Duration

    private let role: Role

    /// - Throws: the reason why a thread cannot work.
    init(_ role: Role, pool: DatabasePool, limits: Limits) throws {
        self.role = role
        self.pool = pool
        queueMax = limits.readerQueueMax
        diskAnswerMax = limits.diskAnswerMax * role.patience
        for number in 1...role.threads {
            finished.enter()
            let started = Started()
            let thread = Thread { [self] in
                run(number, started)
                finished.leave()
            }
            thread.name = "ovation-\(role.name)-\(number)"
            thread.start()
            do {
                try started.wait()
            } catch {
                close()
                throw error
            }
        }
    }

    /// Sees every commit that was acknowledged before the call.
    func read<Value: Sendable>(
        _ query: @escaping @Sendable (Database) throws -> Value
    ) async throws(StoreFailure) -> Value {
        try await read(after: {}) { database, _ in try query(database) }
    }

    /// - Parameter prepare: runs before the snapshot of the query begins.
    func read<Prepared, Value: Sendable>(
        after prepare: @escaping @Sendable () -> Prepared,
        _ query: @escaping @Sendable (Database, Prepared) throws -> Value
    ) async throws(StoreFailure) -> Value {
        let result: Result<Value, StoreFailure> = await withUnsafeContinuation { reply in
            read(after: prepare, query) { reply.resume(returning: $0) }
        }
        return try result.get()
    }

    /// The same, for somebody who does not wait.
    /// - Parameter reply: called once, on the thread of the read.
    func read<Prepared, Value: Sendable>(
        after prepare: @escaping @Sendable () -> Prepared,
        _ query: @escaping @Sendable (Database, Prepared) throws -> Value,
        reply: @escaping @Sendable (Result<Value, StoreFailure>) -> Void
    ) {
        enqueue { transaction in
            reply(
                transaction.flatMap { transaction in
                    let prepared = prepare()
                    return Result { try transaction.run { try query($0, prepared) } }.mapError { StoreFailure($0) }
                })
        }
    }

    /// Ends when the reads under way have ended; waiting reads are refused. Blocks.
    func close() {
        let waiting = state.withLock { state in
            state.isClosed = true
            defer { state.work = [] }
            return state.work
        }
        for work in waiting { work(.failure(SQLiteReader.closing)) }
        for _ in 0..<role.threads { wake.signal() }
        finished.wait()
    }

    private static let closing = StoreFailure(.closed, "the store is closing")

    private func enqueue(_ work: @escaping Work) {
        let failure = state.withLock { state -> StoreFailure? in
            guard !state.isClosed else { return SQLiteReader.closing }
            if let failure = hanging(state) { return failure }
            guard state.work.count < queueMax else { return StoreFailure(.busy, "\(queueMax) reads are waiting") }
            state.work.append(work)
            return nil
        }
        if let failure { work(.failure(failure)) } else { wake.signal() }
    }

    /// nil: a thread is free, or will soon be.
    private func hanging(_ state: State) -> StoreFailure? {
        let now = ContinuousClock.now
        guard state.since.count == role.threads, state.since.values.allSatisfy({ now - $0 >= diskAnswerMax }) else {
            return nil
        }
        return StoreFailure(.unavailable, "the disk has not answered for \(diskAnswerMax.components.seconds) s")
    }

    /// No read waits behind reads that the disk does not answer.
    func refuseWhereTheDiskHangs() {
        let (failure, waiting) = state.withLock { state -> (StoreFailure?, [Work]) in
            guard let failure = hanging(state) else { return (nil, []) }
            defer { state.work = [] }
            return (failure, state.work)
        }
        guard let failure else { return }
        for work in waiting { work(.failure(failure)) }
    }

    private func run(_ number: Int, _ started: Started) {
        do {
            // One long access, without a transaction of the pool's: each read begins its own.
            try pool.unsafeRead { database in
                try database.execute(sql: "PRAGMA cache_size = \(role.cacheSize)")
                let transaction = try Transaction(database)
                started.succeed()
                while let work = next(number) {
                    work(.success(transaction))
                    state.withLock { $0.since[number] = nil }
                }
            }
        } catch {
            started.fail(error)
        }
    }

    /// nil: the store is closing.
    private func next(_ number: Int) -> Work? {
        while true {
            wake.wait()
            let (work, isClosed) = state.withLock { state in
                let work = state.work.isEmpty ? nil : state.work.removeFirst()
                if work != nil { state.since[number] = .now }
                return (work, state.isClosed)
            }
            if let work { return work }
            if isClosed { return nil }
        }
    }
}

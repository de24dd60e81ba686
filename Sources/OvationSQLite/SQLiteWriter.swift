import Dispatch
import Foundation
import GRDB
import GRDBSQLite
import Logging
import OvationCore
import Synchronization

/// The only writer of the file: one thread of our own and one connection.
///
/// **Group commit.** Posts that wait share one transaction and one sync. While a commit is under way the next group
/// gathers, so the group grows with the load and a lone post waits for nobody.
///
/// 1. A post is answered after the commit of its group, never before.
/// 2. A group fails or succeeds as a whole: posts were checked before, so what fails here is the disk or the file.
/// 3. The queue is bounded; a post that finds it full is refused at once.
/// 4. A client that goes away changes nothing: its post is the writer's from the moment it is queued.
final class SQLiteWriter: Sendable {
    typealias AppendResult = Result<AppendOutcome, StoreFailure>
    typealias Work = @Sendable (Database, EventAppender) throws -> Void

    private struct Append {
        let batch: EventBatch
        let reply: UnsafeContinuation<AppendResult, Never>
    }

    private struct Change {
        let work: Work
        let reply: UnsafeContinuation<Result<Void, StoreFailure>, Never>
    }

    private struct State {
        var appends: [Append] = []
        var appendBytes = 0
        var changes: [Change] = []
        var isClosed = false
        var isWriterAsleep = true
        var statistics = StoreStatistics()
    }

    private let state = Mutex(State())
    private let wake = DispatchSemaphore(value: 0)
    private let finished = DispatchSemaphore(value: 0)
    private let pool: DatabasePool
    private let limits: Limits
    private let logger: Logger

    init(pool: DatabasePool, limits: Limits, logger: Logger) {
        self.pool = pool
        self.limits = limits
        self.logger = logger
        let thread = Thread { [self] in
            run()
            finished.signal()
        }
        thread.name = "ovation-writer"
        thread.start()
    }

    var statistics: StoreStatistics {
        state.withLock { state in
            var statistics = state.statistics
            statistics.requestsWaiting = Int64(state.appends.count)
            return statistics
        }
    }

    /// Waits for the commit of the group that the batch joins.
    func append(_ batch: EventBatch) async -> AppendResult {
        await withUnsafeContinuation { reply in
            enqueue(orReply: reply) { state in
                guard state.appends.count < limits.writerQueueMax,
                    state.appendBytes + batch.data.count <= limits.writerQueueBytesMax
                else {
                    return StoreFailure(.busy, "\(state.appends.count) posts are waiting for a commit")
                }
                state.appends.append(Append(batch: batch, reply: reply))
                state.appendBytes += batch.data.count
                return nil
            }
        }
    }

    /// Runs in a transaction of its own.
    func perform(_ work: @escaping Work) async -> Result<Void, StoreFailure> {
        await withUnsafeContinuation { reply in
            enqueue(orReply: reply) { state in
                guard state.changes.count < limits.writerQueueMax else {
                    return StoreFailure(.busy, "\(state.changes.count) changes are waiting for a commit")
                }
                state.changes.append(Change(work: work, reply: reply))
                return nil
            }
        }
    }

    /// Commits what waits, refuses what comes, and returns when the thread has ended. Blocks.
    func close() {
        let wasClosed = state.withLock { state in
            let wasClosed = state.isClosed
            state.isClosed = true
            return wasClosed
        }
        guard !wasClosed else { return }
        wake.signal()
        finished.wait()
    }

    private func enqueue<Success>(
        orReply reply: UnsafeContinuation<Result<Success, StoreFailure>, Never>,
        _ add: (inout State) -> StoreFailure?
    ) {
        let (failure, mustWake) = state.withLock { state -> (StoreFailure?, Bool) in
            if state.isClosed { return (StoreFailure(.closed, "the store is closing"), false) }
            if let failure = add(&state) { return (failure, false) }
            let wasAsleep = state.isWriterAsleep
            state.isWriterAsleep = false
            return (nil, wasAsleep)
        }
        if let failure { reply.resume(returning: .failure(failure)) }
        if mustWake { wake.signal() }
    }
}

// MARK: - The thread

extension SQLiteWriter {
    private enum Next {
        case work(appends: [Append], changes: [Change])
        case sleep
        case end
    }

    private func run() {
        do {
            // One long visit: the connection belongs to this thread until the end.
            try pool.writeWithoutTransaction { database in
                let appender = try EventAppender(database, idempotencyLifetime: limits.idempotencyLifetime)
                while true {
                    switch next() {
                    case .work(let appends, let changes):
                        for change in changes { perform(change, database, appender) }
                        if !appends.isEmpty { commit(appends, database, appender) }
                    case .sleep: wake.wait()
                    case .end:
                        // All of it in one file, so that a copy of that file is a copy of the store.
                        _ = try? Row.fetchOne(database, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
                        return
                    }
                }
            }
        } catch {
            logger.critical("the writer could not start", metadata: ["error": "\(error)"])
            refuseEverything(StoreFailure(.unavailable, "\(error)"))
        }
    }

    /// Takes what waits, up to the size of one group.
    private func next() -> Next {
        state.withLock { state in
            guard !state.appends.isEmpty || !state.changes.isEmpty else {
                if state.isClosed { return .end }
                state.isWriterAsleep = true
                return .sleep
            }
            var events = 0
            let count =
                state.appends.firstIndex { append in
                    defer { events += append.batch.events.count }
                    return events > 0 && events + append.batch.events.count > limits.groupEventsMax
                } ?? state.appends.count
            let appends = Array(state.appends[..<count])
            state.appends.removeFirst(count)
            state.appendBytes -= appends.reduce(0) { $0 + $1.batch.data.count }
            let changes = state.changes
            state.changes = []
            return .work(appends: appends, changes: changes)
        }
    }

    private func commit(_ appends: [Append], _ database: Database, _ appender: EventAppender) {
        let start = ContinuousClock.now
        let lastEventID = appender.lastEventID
        var outcomes: [AppendOutcome] = []
        outcomes.reserveCapacity(appends.count)
        do {
            try database.inTransaction(.immediate) {
                for append in appends { outcomes.append(try appender.append(append.batch)) }
                return .commit
            }
        } catch {
            appender.restoreLastEventID(lastEventID)
            let failure = StoreFailure(error)
            logger.error(
                "a group of posts was not stored", metadata: ["error": "\(failure)", "posts": "\(appends.count)"])
            for append in appends { append.reply.resume(returning: .failure(failure)) }
            return
        }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        state.withLock { state in
            state.statistics.commits += 1
            state.statistics.requestsCommitted += Int64(appends.count)
            state.statistics.eventsStored += appender.lastEventID - lastEventID
            state.statistics.commitSeconds += seconds
        }
        for (append, outcome) in zip(appends, outcomes) { append.reply.resume(returning: .success(outcome)) }
    }

    private func perform(_ change: Change, _ database: Database, _ appender: EventAppender) {
        do {
            try database.inTransaction(.immediate) {
                try change.work(database, appender)
                return .commit
            }
            change.reply.resume(returning: .success(()))
        } catch {
            change.reply.resume(returning: .failure(StoreFailure(error)))
        }
    }

    private func refuseEverything(_ failure: StoreFailure) {
        let (appends, changes) = state.withLock { state in
            state.isClosed = true
            defer { (state.appends, state.changes) = ([], []) }
            return (state.appends, state.changes)
        }
        for append in appends { append.reply.resume(returning: .failure(failure)) }
        for change in changes { change.reply.resume(returning: .failure(failure)) }
    }
}

extension StoreFailure {
    /// What SQLite's codes mean for the caller.
    init(_ error: any Error) {
        switch error {
        case let failure as StoreFailure: self = failure
        case let error as DatabaseError:
            let message = "\(error.extendedResultCode): \(error.message ?? "")"
            switch error.resultCode {
            case .SQLITE_FULL: self.init(.full, message)
            case .SQLITE_NOTADB, .SQLITE_CORRUPT: self.init(.unusable, message)
            default: self.init(.unavailable, message)
            }
        default: self.init(.unavailable, "\(error)")
        }
    }
}

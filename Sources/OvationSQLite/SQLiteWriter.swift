import Dispatch
import Foundation
import GRDB
import GRDBSQLite
import Logging
import OvationCore
import OvationRows
import Synchronization

/// The only writer of the file: one thread of our own and one connection.
///
/// **Group commit.** Posts that wait share one transaction and one sync. While a commit is under way the next group
/// gathers, so the group grows with the load and a lone post waits for nobody.
///
/// 1. A post is answered after the commit of its group, never before.
/// 2. A group fails or succeeds as a whole: posts were checked before, so what fails here is the disk or the file.
///    Posts that were refused are kept in the same groups, so a flood of them shares syncs too.
/// 3. The queue is bounded; a post that finds it full is refused at once.
/// 4. A client that goes away changes nothing: its post is the writer's from the moment it is queued.
final class SQLiteWriter: Sendable {
    typealias Reply<Value> = QueuedPost.Reply<Value>
    typealias Work = @Sendable (Database, EventAppender) throws -> Void

    /// What became of a post: it waits for the commit.
    private enum Answer {
        case appended(AppendOutcome, Reply<AppendOutcome>)
        case kept(Rejection.ID, Reply<Rejection.ID>)

        func send() {
            switch self {
            case .appended(let outcome, let reply): reply.resume(returning: .success(outcome))
            case .kept(let id, let reply): reply.resume(returning: .success(id))
            }
        }
    }

    private struct Change {
        let work: Work
        var reply: Reply<Void>?
    }

    /// How long nobody posts before work that can wait is done.
    private static let quiet = DispatchTimeInterval.milliseconds(30)
    /// Between two bits of such work, for reads to have the cores and the disk as well.
    private static let pause = DispatchTimeInterval.milliseconds(3)

    private struct State {
        var posts: [QueuedPost] = []
        var postBytes = 0
        var changes: [Change] = []
        var isClosed = false
        var isWriterAsleep = true
        var statistics = StoreStatistics()
    }

    private let state = Mutex(State())
    private let wake = DispatchSemaphore(value: 0)
    private let finished = DispatchSemaphore(value: 0)
    private let pool: DatabasePool
    private let recent: Recent
    private let limits: Limits
    private let logger: Logger

    init(pool: DatabasePool, recent: Recent, limits: Limits, logger: Logger) {
        self.pool = pool
        self.recent = recent
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
            statistics.requestsWaiting = Int64(state.posts.count)
            return statistics
        }
    }

    /// Waits for the commit of the group that the batch joins.
    func append(_ batch: EventBatch) async -> Result<AppendOutcome, StoreFailure> {
        await withUnsafeContinuation { reply in enqueue(.append(batch, reply), orReply: reply) }
    }

    /// Waits for the commit of the group that the chunk joins.
    func append(_ chunk: EventChunk) async -> Result<AppendOutcome, StoreFailure> {
        await withUnsafeContinuation { reply in enqueue(.appendChunk(chunk, reply), orReply: reply) }
    }

    /// Waits for the commit of the group that the rejection joins.
    func keep(_ rejection: PackedRejection) async -> Result<Rejection.ID, StoreFailure> {
        await withUnsafeContinuation { reply in enqueue(.keep(rejection, reply), orReply: reply) }
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

    private func enqueue<Value>(_ post: QueuedPost, orReply reply: Reply<Value>) {
        let bytes = post.bytes
        // Refused posts get a part of the queue: a flood of them must not take the room of those to store.
        let share = post.isRefused ? 4 : 1
        enqueue(orReply: reply) { state in
            guard state.posts.count < limits.writerQueueMax / share,
                state.postBytes + bytes <= limits.writerQueueBytesMax / share
            else { return StoreFailure(.busy, "\(state.posts.count) posts are waiting for a commit") }
            state.posts.append(post)
            state.postBytes += bytes
            return nil
        }
    }

    private func enqueue<Value>(orReply reply: Reply<Value>, _ add: (inout State) -> StoreFailure?) {
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
        case work(posts: [QueuedPost], changes: [Change])
        case sleep
        case end
    }

    private func run() {
        do {
            // One long visit: the connection belongs to this thread until the end.
            try pool.writeWithoutTransaction { database in
                let appender = try EventAppender(database, recent: recent, limits: limits)
                let log = WriteAheadLog(database)
                var wait = SQLiteWriter.quiet
                while true {
                    switch next() {
                    case .work(let posts, let changes):
                        wait = SQLiteWriter.quiet
                        for change in changes { perform(change, database, appender) }
                        if !posts.isEmpty { commit(posts, database, appender) }
                        log.checkpointIfLong()
                    case .sleep:
                        guard !appender.isIdle else {
                            wake.wait()
                            continue
                        }
                        // Only when it has been quiet: a post that comes during such work waits for it.
                        guard wake.wait(timeout: .now() + wait) == .timedOut else { continue }
                        wait = SQLiteWriter.pause
                        perform(Change(work: { _, appender in try appender.workIdly() }), database, appender)
                        log.checkpointIfLong()
                    case .end:
                        perform(Change(work: { _, appender in try appender.finish() }), database, appender)
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
            guard !state.posts.isEmpty || !state.changes.isEmpty else {
                if state.isClosed { return .end }
                state.isWriterAsleep = true
                return .sleep
            }
            var events = 0
            let count =
                state.posts.firstIndex { post in
                    defer { events += post.events }
                    return events > 0 && events + post.events > limits.groupEventsMax
                } ?? state.posts.count
            let posts = Array(state.posts[..<count])
            state.posts.removeFirst(count)
            state.postBytes -= posts.reduce(0) { $0 + $1.bytes }
            let changes = state.changes
            state.changes = []
            return .work(posts: posts, changes: changes)
        }
    }

    private func commit(_ posts: [QueuedPost], _ database: Database, _ appender: EventAppender) {
        let start = ContinuousClock.now
        let lastEventID = appender.lastEventID
        var answers: [Answer] = []
        answers.reserveCapacity(posts.count)
        do {
            try database.inTransaction(.immediate) {
                for post in posts {
                    switch post {
                    case .append(let batch, let reply): answers.append(.appended(try appender.append(batch), reply))
                    case .appendChunk(let chunk, let reply):
                        answers.append(.appended(try appender.append(chunk), reply))
                    case .keep(let rejection, let reply): answers.append(.kept(try appender.keep(rejection), reply))
                    }
                }
                try appender.finishGroup()
                return .commit
            }
        } catch {
            appender.undoGroup(toEventID: lastEventID)
            let failure = StoreFailure(error, on: database)
            logger.error(
                "a group of posts was not stored", metadata: ["error": "\(failure)", "posts": "\(posts.count)"])
            for post in posts { post.fail(failure) }
            return
        }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let events = appender.lastEventID - lastEventID
        appender.didCommit()
        state.withLock { state in
            state.statistics.noteCommit(requests: posts.count, events: events, seconds: seconds)
        }
        for answer in answers { answer.send() }
    }

    private func perform(_ change: Change, _ database: Database, _ appender: EventAppender) {
        do {
            try database.inTransaction(.immediate) {
                try change.work(database, appender)
                return .commit
            }
            appender.didCommit()
            change.reply?.resume(returning: .success(()))
        } catch {
            appender.undoChange()
            guard let reply = change.reply else {
                logger.error("work between posts failed", metadata: ["error": "\(StoreFailure(error))"])
                return
            }
            reply.resume(returning: .failure(StoreFailure(error, on: database)))
        }
    }

    private func refuseEverything(_ failure: StoreFailure) {
        let (posts, changes) = state.withLock { state in
            state.isClosed = true
            defer { (state.posts, state.changes) = ([], []) }
            return (state.posts, state.changes)
        }
        for post in posts { post.fail(failure) }
        for change in changes { change.reply?.resume(returning: .failure(failure)) }
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

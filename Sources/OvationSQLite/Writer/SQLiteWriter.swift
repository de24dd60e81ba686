import Dispatch
import Foundation
import GRDB
import GRDBSQLite
import Logging
import OvationCore
import OvationRows
import Synchronization

/// The only writer of the file: one thread and one connection.
///
/// **Group commit.** Waiting posts share one transaction and one sync. While a commit is under way the next group
/// gathers, so the group grows with the load and a single post waits for no other.
///
/// 1. A post is answered after the commit of its group, never before.
/// 2. A group fails or succeeds as a whole: posts were checked before, so a failure here is one of the disk or the
///    file. Refused posts are kept in the same groups, so a flood of them shares syncs too.
/// 3. The queue is bounded; a post that finds it full is refused at once.
/// 4. A client that goes away changes nothing: its post belongs to the writer from the moment it is queued.
final class SQLiteWriter: Sendable {
    typealias Reply<Value> = QueuedWrite.Reply<Value>
    typealias Work = @Sendable (Database, EventAppender) throws -> Void

    private struct Change {
        let work: Work
        var reply: Reply<Void>?
    }

    /// How long no post comes before work that can wait is done.
    private static let quiet = DispatchTimeInterval.milliseconds(30)
    /// The pause between two steps of such work, in which reads have the cores and the disk.
    private static let pause = Duration.milliseconds(3)
    /// The longest pause between two steps after one failed.
    private static let pauseMax = Duration.seconds(10)
    /// The request to the disk that is under way, and the posts that wait for it.
    private struct UnderWay {
        var posts: [QueuedWrite] = []
        var change: Reply<Void>?
        /// nil while no request that could hang is under way.
        var since: ContinuousClock.Instant?
    }

    private struct State {
        var underWay = UnderWay()
        var posts: [QueuedWrite] = []
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
    private let stateFile: StateFile
    private let file: StoreWatch
    private let limits: Limits
    private let logger: Logger

    /// - Throws: the reason why the thread cannot work. Once made, the writer runs until it is closed.
    init(
        pool: DatabasePool, recent: Recent, state stateFile: StateFile, file: StoreWatch, limits: Limits, logger: Logger
    ) throws {
        self.pool = pool
        self.recent = recent
        self.stateFile = stateFile
        self.file = file
        self.limits = limits
        self.logger = logger
        let started = Started()
        let thread = Thread { [self] in
            run(started)
            finished.signal()
        }
        thread.name = "ovation-writer"
        thread.start()
        try started.wait()
    }

    var statistics: StoreStatistics {
        state.withLock { state in
            var statistics = state.statistics
            statistics.requestsWaiting = Int64(state.posts.count)
            return statistics
        }
    }

    /// Waits for the commit of the group that the write joins.
    func write<Value>(_ make: (Reply<Value>) -> QueuedWrite) async -> Result<Value, StoreFailure> {
        await withUnsafeContinuation { reply in enqueue(make(reply)) }
    }

    /// Returns at once; who waits for the write is told after the commit of the group that it joins.
    func enqueue(_ post: QueuedWrite) {
        let bytes = post.bytes
        // Refused posts get a part of the queue: a flood of them must not take the room of posts to store.
        let share = post.isToStore ? 1 : 4
        let failure = enqueue { state in
            guard state.posts.count < limits.writerQueueMax / share,
                state.postBytes + bytes <= limits.writerQueueBytesMax / share
            else { return StoreFailure(.busy, "\(state.posts.count) posts are waiting for a commit") }
            state.posts.append(post)
            state.postBytes += bytes
            return nil
        }
        if let failure { [post].fail(failure) }
    }

    /// Runs in a separate transaction.
    func perform(_ work: @escaping Work) async -> Result<Void, StoreFailure> {
        await withUnsafeContinuation { reply in
            let failure = enqueue { state in
                guard state.changes.count < limits.writerQueueMax else {
                    return StoreFailure(.busy, "\(state.changes.count) changes are waiting for a commit")
                }
                state.changes.append(Change(work: work, reply: reply))
                return nil
            }
            if let failure { reply.resume(returning: .failure(failure)) }
        }
    }

    /// Commits the waiting posts, refuses new ones, and returns when the thread has ended. Blocks.
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

    /// - Returns: why nothing was added.
    private func enqueue(_ add: (inout State) -> StoreFailure?) -> StoreFailure? {
        let (failure, mustWake) = state.withLock { state -> (StoreFailure?, Bool) in
            if state.isClosed { return (StoreFailure(.closed, "the store is closing"), false) }
            if let failure = hanging(state) { return (failure, false) }
            if let failure = add(&state) { return (failure, false) }
            let wasAsleep = state.isWriterAsleep
            state.isWriterAsleep = false
            return (nil, wasAsleep)
        }
        if mustWake { wake.signal() }
        return failure
    }
}

// MARK: - A disk that does not answer

extension SQLiteWriter {
    /// nil: the disk answers, or has not been asked for long.
    private func hanging(_ state: State) -> StoreFailure? {
        guard let since = state.underWay.since, ContinuousClock.now - since >= limits.diskAnswerMax else { return nil }
        return StoreFailure(
            .unavailable, "the disk has not answered for \((ContinuousClock.now - since).components.seconds) s")
    }

    /// No post waits longer than ``Limits/diskAnswerMax`` for a disk. The request under way may still succeed; posts
    /// that wait for their turn will not be stored.
    func answerWhereTheDiskHangs() {
        let (failure, underWay, posts, changes) = state.withLock {
            state -> (StoreFailure?, UnderWay, [QueuedWrite], [Change]) in
            guard let failure = hanging(state) else { return (nil, UnderWay(), [], []) }
            defer {
                (state.underWay.posts, state.underWay.change) = ([], nil)
                (state.posts, state.postBytes, state.changes) = ([], 0, [])
            }
            return (failure, state.underWay, state.posts, state.changes)
        }
        guard let failure else { return }
        let count = underWay.posts.count + posts.count + changes.count
        if count > 0 {
            logger.error(
                "the disk does not answer; waiting requests are refused",
                metadata: ["reason": "\(failure.message)", "waiting": "\(count)"])
        }
        let unknown = StoreFailure(.outcomeUnknown, failure.message)
        underWay.posts.fail(unknown)
        underWay.change?.resume(returning: .failure(unknown))
        posts.fail(failure)
        for change in changes { change.reply?.resume(returning: .failure(failure)) }
    }

    private func diskIsAsked() {
        state.withLock { $0.underWay.since = .now }
    }

    private func diskAnswered() {
        state.withLock { $0.underWay.since = nil }
    }

    /// The posts that still wait for the request under way: none, if the disk took too long.
    private func takeUnderWay() -> UnderWay {
        state.withLock { state in
            defer { state.underWay = UnderWay() }
            return state.underWay
        }
    }
}

// MARK: - The thread

extension SQLiteWriter {
    private enum Next {
        case work(posts: [QueuedWrite], changes: [Change])
        case sleep
        case end
    }

    /// The objects that the thread has while it runs.
    private struct Tools {
        let database: Database
        let appender: EventAppender
        let log: WriteAheadLog
        let transaction: WriteTransaction
        /// The pause between two steps of work that can wait.
        var pause = SQLiteWriter.pause
        /// The disk failed to write or to sync: the part of the log in the system's memory may not be on the disk.
        var isLogDoubtful = false
        var groupNotice = SparseNotice()
        var idleNotice = SparseNotice()
        var logNotice = SparseNotice()
        var stateNotice = SparseNotice()
    }

    private func run(_ started: Started) {
        do {
            // One long access: the connection belongs to this thread until the end.
            try pool.writeWithoutTransaction { database in
                var tools = Tools(
                    database: database,
                    appender: try EventAppender(database, recent: recent, limits: limits, logger: logger),
                    log: WriteAheadLog(database), transaction: try WriteTransaction(database))
                started.succeed()
                work(&tools)
            }
        } catch {
            started.fail(error)
        }
    }

    private func work(_ tools: inout Tools) {
        var isQuiet = false
        while true {
            switch next() {
            case .work(let posts, let changes):
                isQuiet = false
                for change in changes { perform(change, &tools) }
                if !posts.isEmpty { commit(posts, &tools) }
                copyLog(&tools)
            case .sleep:
                guard !tools.appender.isIdle else {
                    wake.wait()
                    continue
                }
                // Only after a quiet time: a post that comes during such work waits for it.
                let wait = isQuiet ? DispatchTimeInterval(tools.pause) : SQLiteWriter.quiet
                guard wake.wait(timeout: .now() + wait) == .timedOut else { continue }
                isQuiet = true
                workIdly(&tools)
                copyLog(&tools)
            case .end:
                perform(Change(work: { _, appender in try appender.finish() }), &tools)
                // Everything goes into one file, so that a copy of that file is a copy of the store.
                do {
                    try stateFile.endLog()
                    try WriteAheadLog.empty(tools.database)
                } catch {
                    logger.warning(
                        "the log stays beside the store until the next start",
                        metadata: ["reason": "\(StoreFailure(error).message)"])
                }
                return
            }
        }
    }

    /// Work that can wait is retried after intervals that double, and logged when it begins to fail.
    private func workIdly(_ tools: inout Tools) {
        // This work also reads pages that no request has needed for a long time.
        diskIsAsked()
        do {
            _ = try transaction(&tools) { _, appender in try appender.workIdly() }
            tools.pause = SQLiteWriter.pause
            if tools.idleNotice.end() { logger.notice("work between posts runs again") }
        } catch {
            tools.pause = min(tools.pause * 2, SQLiteWriter.pauseMax)
            let failure = StoreFailure(error, on: tools.database)
            if tools.idleNotice.isDue(failure.code.rawValue, at: .now) {
                logger.error("work between posts failed; it is tried again", metadata: ["error": "\(failure)"])
            }
        }
    }

    /// If it fails, no post fails: the pages are in the log, and the next attempt comes soon.
    private func copyLog(_ tools: inout Tools) {
        diskIsAsked()
        defer { diskAnswered() }
        do {
            try tools.log.checkpointIfLong()
            if tools.logNotice.end() { logger.notice("the log is copied into the file again") }
        } catch {
            let failure = StoreFailure(error)
            if tools.logNotice.isDue(failure.code.rawValue, at: .now) {
                logger.error("the log cannot be copied into the file", metadata: ["error": "\(failure)"])
            }
        }
    }

    /// Takes the waiting posts, up to the size of one group.
    private func next() -> Next {
        state.withLock { state in
            guard !state.posts.isEmpty || !state.changes.isEmpty else {
                if state.isClosed { return .end }
                state.isWriterAsleep = true
                return .sleep
            }
            // One at a time: waiting posts can be answered while the disk works on this one.
            if !state.changes.isEmpty { return .work(posts: [], changes: [state.changes.removeFirst()]) }
            var size = 0
            let count =
                state.posts.firstIndex { post in
                    defer { size += post.size }
                    return size > 0 && size + post.size > limits.groupEventsMax
                } ?? state.posts.count
            let posts = Array(state.posts[..<count])
            state.posts.removeFirst(count)
            state.postBytes -= posts.reduce(0) { $0 + $1.bytes }
            return .work(posts: posts, changes: [])
        }
    }

    private func commit(_ posts: [QueuedWrite], _ tools: inout Tools) {
        let start = ContinuousClock.now
        let appender = tools.appender
        let lastEventID = appender.lastEventID
        var answers: [QueuedWrite.Outcome] = []
        answers.reserveCapacity(posts.count)
        state.withLock { $0.underWay = UnderWay(posts: posts, since: start) }
        let doubt: StoreFailure?
        do {
            doubt = try transaction(&tools) { _, appender in
                for post in posts { answers.append(try appender.write(post)) }
                try appender.finishGroup()
            }
        } catch {
            appender.undoGroup(toEventID: lastEventID)
            let isAnswered = takeUnderWay().posts.isEmpty
            fail(posts, StoreFailure(error, on: tools.database), isAnswered: isAnswered, &tools)
            return
        }
        if tools.groupNotice.end() { logger.notice("posts are stored again") }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let events = zip(posts, answers).reduce(0) { $0 + ($1.1.isStored ? $1.0.positions : 0) }
        let isWaitedFor = state.withLock { state in
            state.statistics.noteCommit(requests: posts.count, events: Int64(events), seconds: seconds)
            defer { state.underWay = UnderWay() }
            return !state.underWay.posts.isEmpty
        }
        guard isWaitedFor else { return }
        posts.answer { index, _ in doubt.map { .failure($0) } ?? .success(answers[index]) }
    }

    /// A group fails as a whole; but if a page is damaged, only the posts that need the page fail.
    private func fail(_ posts: [QueuedWrite], _ failure: StoreFailure, isAnswered: Bool, _ tools: inout Tools) {
        guard !isAnswered else { return }
        // Background work met the damaged page, and is left out from now on.
        if failure.code == .damaged, tools.appender.takeNewlyStopped() { return commit(posts, &tools) }
        if failure.code == .damaged, posts.count > 1 {
            let later = posts[(posts.count / 2)...]
            state.withLock { state in
                state.posts.insert(contentsOf: later, at: 0)
                state.postBytes += later.reduce(0) { $0 + $1.bytes }
            }
            return commit(Array(posts.dropLast(later.count)), &tools)
        }
        if tools.groupNotice.isDue(failure.code.rawValue, at: .now) {
            logger.error(
                "a group of posts was not stored", metadata: ["error": "\(failure)", "posts": "\(posts.count)"])
        }
        posts.fail(failure)
    }

    private func perform(_ change: Change, _ tools: inout Tools) {
        state.withLock { $0.underWay = UnderWay(change: change.reply) }
        let result: Result<Void, StoreFailure>
        do {
            let doubt = try transaction(&tools, change.work)
            result = doubt.map { .failure($0) } ?? .success(())
        } catch {
            result = .failure(StoreFailure(error, on: tools.database))
        }
        let waiting = takeUnderWay().change
        if case .failure(let failure) = result, change.reply == nil {
            logger.error("work at the end failed", metadata: ["error": "\(failure)"])
        }
        waiting?.resume(returning: result)
    }

    /// Runs everything that this thread writes, between two checks whether the file is still the same.
    /// - Returns: why the committed data are of no use; nil if they are.
    /// - Throws: when nothing was committed.
    private func transaction(
        _ tools: inout Tools, _ work: (Database, EventAppender) throws -> Void
    ) throws -> StoreFailure? {
        let (database, appender) = (tools.database, tools.appender)
        do {
            try file.verify()
            if tools.isLogDoubtful {
                diskIsAsked()
                // Each time the log is emptied its salts change, whether a commit follows or not.
                try stateFile.endLog()
                try WriteAheadLog.empty(database)
                tools.isLogDoubtful = false
            }
            try tools.transaction.run {
                try work(database, appender)
                // A large change may take its time until here; from here on the disk's time counts.
                diskIsAsked()
            }
        } catch {
            diskAnswered()
            if let error = error as? DatabaseError, error.resultCode == .SQLITE_IOERR { tools.isLogDoubtful = true }
            appender.undoChange()
            throw error
        }
        // Committed changes are in memory too, whatever the answer.
        appender.didCommit()
        defer { diskAnswered() }
        do throws(StoreFailure) {
            try stateFile.noteCommit(appender.progress)
            if tools.stateNotice.end() { logger.notice("the state beside the store is written again") }
        } catch {
            // The state is true, though not complete. The next commit tries again.
            if tools.stateNotice.isDue(error.code.rawValue, at: .now) {
                logger.error("the state beside the store cannot be written", metadata: ["error": "\(error)"])
            }
        }
        do throws(StoreFailure) {
            try file.verify()
            return nil
        } catch {
            return error
        }
    }
}

extension DispatchTimeInterval {
    fileprivate init(_ duration: Duration) {
        self = .nanoseconds(Int(duration / .nanoseconds(1)))
    }
}

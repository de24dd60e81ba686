import Foundation
import Logging
import OvationCore
import OvationRows

/// The thread of a lane: one connection, one group after the other. Everything here blocks.
final class Lane {
    let number: Int
    let writer: PostgresWriter
    private let target: ConnectionTarget
    let limits: Limits
    let memory: LaneMemory
    /// To the coordinator, where Citus spreads the tables.
    var connection: PostgresConnection?
    /// To the node that the lane is for.
    let way: NodeWay
    /// The slot of usage; no other lane has it during the life of the connection.
    private(set) var slot: Int64 = 0
    /// The number of the connection, or of the last one: tells whether it still lives.
    private var sign: Int64 = 0
    /// Whether Citus spreads the tables.
    private(set) var isSpread = false

    /// How often a transaction is tried again after it lost to another one.
    static let tries = 8

    /// - Parameter count: of all lanes.
    init(number: Int, of count: Int, writer: PostgresWriter, target: ConnectionTarget, limits: Limits) {
        self.number = number
        self.writer = writer
        self.target = target
        self.limits = limits
        way = NodeWay(target, limits: limits)
        memory = LaneMemory(limits: limits, lanes: count, forgetting: writer.forgetting)
    }

    func run() {
        while true {
            switch writer.next(for: number, isOnNode: isSpread && way.mayBeOpen) {
            case .connect:
                do throws(PostgresFailure) {
                    try connect()
                } catch {
                    drop(because: error)
                }
            case .group(let posts): commit(posts)
            case .change(let change): perform(change)
            case .sleep(let until): writer.sleep(number, until: until)
            case .end: return way.close()
            }
        }
    }

    // MARK: The connection

    private func connect() throws(PostgresFailure) {
        close()
        let connection = try Session.open(target, for: .writing, patience: limits.databaseAnswerMax)
        let sign = Int64.random(in: 0...Int64(Int32.max))
        let results = try connection.run([
            Command(Locks.takeSlot), Command(Locks.beAlive) { $0.add(sign) }, Command(Locks.tryServe),
            Command(ChangeSQL.stateNumber), Command(AccountSQL.serverSecret),
        ])
        guard results[0].count == 1 else {
            throw PostgresFailure(connection: "10,000 writers are connected to this database")
        }
        guard results[2].bool(0, 0) else {
            throw PostgresFailure(connection: "the store is being copied; it can be written to when that has ended")
        }
        (self.slot, self.sign) = (results[0].int64(0, 0), sign)
        // The server that had the slot before has ended, and this one sees its commits.
        memory.running = try ActivityRows.runningMinutes(connection, slot: slot)
        let shards = try ShardMap.read(connection)
        isSpread = shards != nil
        writer.note(shards)
        if isSpread { try NodeSQL.raiseNumbersAfterStart(connection) }
        if let node = writer.node(of: number) { try node.verifyAnswers(connection) }
        self.connection = connection
        memory.forgetProfiles(stateNumber: results[3].int64(0, 0), serverSecret: results[4].bytes(0, 0))
        writer.didConnect(number)
    }

    private func drop(because failure: PostgresFailure) {
        close()
        writer.didFail(number, failure, node: failure.isNodeAway ? writer.node(of: number) : nil)
    }

    /// A connection is closed here, and not by its last owner: while it is open, its session holds the lock that a look-up
    /// waits for.
    func close() {
        connection?.close()
        connection = nil
        way.close()
    }

    /// The existing connection, or a new one; it tries to connect until the deadline.
    private func connected(
        until deadline: ContinuousClock.Instant?
    ) throws(PostgresFailure) -> PostgresConnection {
        var tries = 0
        while true {
            if let connection { return connection }
            do throws(PostgresFailure) {
                try connect()
            } catch {
                drop(because: error)
                let wait = ConnectionPool<Never>.backOff(after: min(tries + 1, 4), spread: 0.5)
                guard let deadline, ContinuousClock.now.advanced(by: wait) < deadline else { throw error }
                Thread.sleep(forTimeInterval: wait / .seconds(1))
                tries += 1
            }
        }
    }

    /// Ends what a failure left behind: a transaction, or the connection itself.
    private func cleanUp(after failure: PostgresFailure) {
        // A lane of a node that is away has nothing to do until it answers.
        let isUseless = failure.isConnectionLost || failure.isNodeAway && writer.node(of: number) != nil
        guard !isUseless else { return drop(because: failure) }
        do throws(PostgresFailure) {
            try connection?.rollBackIfNeeded()
        } catch {
            drop(because: error)
        }
    }
}

// MARK: - Groups

extension Lane {
    private func commit(_ posts: [QueuedWrite]) {
        if commitOnNode(posts) { return }
        let start = ContinuousClock.now
        var budget = RetryBudget(patience: limits.databasePatience)
        var doubtful: (group: GroupTransaction, sign: Int64)?
        while true {
            do throws(PostgresFailure) {
                let connection = try connected(until: budget.deadline)
                if let (group, sign) = doubtful {
                    try end(session: sign, on: connection)
                    if try group.isStored(on: connection) {
                        try prove(on: connection)
                        return answer(group, since: start)
                    }
                }
                doubtful = nil
                if writer.mustReadShards() { writer.note(try ShardMap.read(connection)) }
                let group = GroupTransaction(posts, on: connection, slot: slot, isSpread: isSpread, memory, limits)
                do throws(PostgresFailure) {
                    try group.run()
                } catch {
                    if error.isInDoubt { doubtful = (group, sign) }
                    throw error
                }
                answer(group, since: start)
                forgetKeys(of: group, on: connection)
                return forgetActivity(of: group)
            } catch {
                cleanUp(after: error)
                if let pause = budget.pause(after: error, triesMax: Lane.tries) {
                    Thread.sleep(forTimeInterval: pause / .seconds(1))
                    continue
                }
                return give(up: posts, because: error, isInDoubt: doubtful != nil)
            }
        }
    }

    /// Ends the session with the doubtful commit and waits until it is over. From then on every session sees its
    /// committed work, and it commits nothing any more.
    private func end(session sign: Int64, on connection: PostgresConnection) throws(PostgresFailure) {
        try connection.run([
            Command(Locks.endSession) { $0.add(sign) }, Command(Locks.awaitEnd) { $0.add(sign) },
        ])
        if isSpread { _ = try connection.run(CitusSQL.settle) }
    }

    /// A visible event need not be on the synchronous standby: its commit may have been cancelled while it waited for
    /// that. The log is sent in order, so a later commit that did wait proves the earlier one.
    private func prove(on connection: PostgresConnection) throws(PostgresFailure) {
        try connection.run([
            Command(.begin), Command(WriteSQL.touch) { $0.add([UInt8(number & 0xFF)]) }, Command(.commit),
        ])
    }

    func answer(_ group: GroupTransaction, since start: ContinuousClock.Instant) {
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        writer.noteCommit(requests: group.posts.count, events: group.eventCount, seconds: seconds)
        var rejections = group.rejectionIDs.makeIterator()
        group.posts.answer { index, post in
            switch post {
            case .append, .appendChunk: return .success(.appended(group.outcomes[index] ?? .stored))
            case .change: return .success(.changed(group.changeOutcomes[index] ?? .unchanged))
            case .keep:
                guard let id = rejections.next() else {
                    return .failure(StoreFailure(.unavailable, "a rejection got no id"))
                }
                return .success(.kept(id))
            case .count: return .success(.counted)
            }
        }
    }

    func give(up posts: [QueuedWrite], because failure: PostgresFailure, isInDoubt: Bool) {
        // One value cannot be stored; the other posts can. The group is halved until that post is alone.
        if failure.isAboutData, !isInDoubt, posts.count > 1 {
            commit(Array(posts[..<(posts.count / 2)]))
            return commit(Array(posts[(posts.count / 2)...]))
        }
        // Whether a profile has several members is known only under the lock.
        if failure.isOfCompany, posts.count > 1 {
            let others = posts.filter { !$0.touchesState }
            if !others.isEmpty { commit(others) }
            for post in posts where post.touchesState { commit([post]) }
            return
        }
        // A change that could not have in time what it locks is no reason to refuse what shares its group.
        if failure.isLockTimeout {
            for locks in [\QueuedWrite.touchesState, \.isChange] {
                let (held, others) = (posts.filter { $0[keyPath: locks] }, posts.filter { !$0[keyPath: locks] })
                guard !held.isEmpty, !others.isEmpty else { continue }
                commit(others)
                return give(up: held, because: failure, isInDoubt: isInDoubt)
            }
        }
        let failure =
            isInDoubt
            ? StoreFailure(.outcomeUnknown, "the connection broke during a commit: \(failure)") : StoreFailure(failure)
        writer.noteNotStored(posts.count, failure)
        posts.fail(failure)
    }

    /// Each new key removes two old ones, so that the table cannot outgrow its lifetime and no clean-up ever blocks.
    /// After the commit and not in it, because it takes locks in any order; the next group finds the keys that it
    /// leaves.
    private func forgetKeys(of group: GroupTransaction, on connection: PostgresConnection) {
        let keyed = group.posts.filter { $0.idempotency != nil }
        guard let newest = keyed.map(\.receivedAt).max() else { return }
        let oldest = memory.forgetting.time(newest).advanced(by: .zero - limits.idempotencyLifetime)
        do throws(PostgresFailure) {
            _ = try connection.run(WriteSQL.forgetKeys) {
                $0.add(oldest.milliseconds)
                $0.add(Int64(2 * keyed.count))
            }
        } catch {
            // The group is stored, whatever the result of this.
            cleanUp(after: error)
        }
    }
}

// MARK: - Old counts

extension Lane {
    /// With the first group of a minute that wrote such counts, and until none are left. After the commit, like old
    /// keys.
    private func forgetActivity(of group: GroupTransaction) {
        guard group.hasActivity, let connection, let newest = group.posts.map(\.receivedAt).max() else { return }
        let oldest = Activity.minute(of: memory.forgetting.time(newest)) - Int64(Limits.activityMinutesKept)
        guard oldest > memory.forgotten else { return }
        do throws(PostgresFailure) {
            let gone = try connection.run(WriteSQL.forgetActivity) {
                $0.add(oldest)
                $0.add(Int64(Limits.activityForgottenMax))
            }
            if gone.count < Limits.activityForgottenMax { memory.forgotten = oldest }
        } catch {
            // The group is stored, whatever the result of this.
            cleanUp(after: error)
        }
    }
}

// MARK: - Changes

extension Lane {
    private func perform(_ change: PostgresWriter.Change) {
        var budget = RetryBudget(patience: limits.databasePatience)
        /// The session of the commit with the unknown outcome.
        var doubtful: Int64?
        var isRepeat: Bool { doubtful != nil }
        while true {
            do {
                let connection = try connected(until: budget.deadline)
                if let doubtful { try end(session: doubtful, on: connection) }
                try change.work(connection, slot, isRepeat)
                // The look-up found the commit, but it is not confirmed.
                if isRepeat { try prove(on: connection) }
                return change.reply.resume(returning: .success(()))
            } catch let failure as PostgresFailure {
                if failure.isInDoubt { doubtful = sign }
                cleanUp(after: failure)
                if let pause = budget.pause(after: failure, triesMax: Lane.tries) {
                    Thread.sleep(forTimeInterval: pause / .seconds(1))
                    continue
                }
                let answer =
                    isRepeat
                    ? StoreFailure(.outcomeUnknown, "the connection broke during a commit: \(failure)")
                    : StoreFailure(failure)
                return change.reply.resume(returning: .failure(answer))
            } catch {
                cleanUp(after: PostgresFailure(state: "", message: ""))
                let failure = error as? StoreFailure ?? StoreFailure(.unavailable, "\(error)")
                return change.reply.resume(returning: .failure(failure))
            }
        }
    }
}

/// How often and how long something is tried.
struct RetryBudget {
    private let patience: Duration
    private var tries = 0
    /// Starts with the first loss of the connection, or of a node.
    private(set) var deadline: ContinuousClock.Instant?

    init(patience: Duration) {
        self.patience = patience
    }

    /// How long to wait before the next try; nil: there is none.
    mutating func pause(after failure: PostgresFailure, triesMax: Int) -> Duration? {
        defer { tries += 1 }
        guard failure.isConnectionLost || failure.isNodeAway else {
            guard failure.isWorthRepeating, tries + 1 < triesMax else { return nil }
            // Two transactions that ended each other should not meet again at once.
            return .milliseconds(Int.random(in: 0...(10 << min(tries, 4))))
        }
        let end = deadline ?? ContinuousClock.now.advanced(by: patience)
        deadline = end
        // At once the first time: a restart closes connections, and new ones then work.
        let pause = tries == 0 ? Duration.zero : .milliseconds(10 << min(tries, 4))
        return ContinuousClock.now.advanced(by: pause) < end ? pause : nil
    }
}

import Dispatch
import Foundation
import Logging
import OvationCore
import Synchronization

/// One query for somebody who waits for it.
struct Read: Sendable {
    /// Answers the caller, unless the connection broke, or the pool is the wrong one: then it can run again.
    let run: @Sendable (PostgresConnection) -> PostgresFailure?
    let fail: @Sendable (StoreFailure) -> Void
}

/// Threads that read, each with a connection, and what waits for them. A pool can be for one node of Citus. Then it asks
/// the node once in ``Limits/nodesPoll`` while it has nothing else to do, so that a node that is away is known before
/// somebody wants something of it.
final class ReadPool: Sendable {
    typealias Pass = @Sendable (_ read: Read, _ profiles: [Int64]) -> Void

    private enum Step {
        case connect
        case read(Read)
        case sleep(until: ContinuousClock.Instant?)
        case end
    }

    private let pool: Mutex<ConnectionPool<Read>>
    private let wakes: [DispatchSemaphore]
    private let finished = DispatchGroup()
    private let target: ConnectionTarget
    private let limits: Limits
    private let logger: Logger
    private let outage: Outage
    private let place: LanePlace
    /// The shards as they are now.
    private let shards: @Sendable () -> ShardMap?
    /// Takes what turns out to need other nodes. nil: there are none.
    private let pass: Pass?
    private let size = Atomic<Int64>(0)

    init(
        _ target: ConnectionTarget, for place: LanePlace, threads: Int, limits: Limits, outage: Outage, logger: Logger,
        shards: @escaping @Sendable () -> ShardMap?, pass: Pass? = nil
    ) {
        (self.target, self.limits, self.place, self.shards, self.pass) = (target, limits, place, shards, pass)
        self.outage = outage
        self.logger = logger
        pool = Mutex(
            ConnectionPool(slots: threads, waitingMax: limits.readerQueueMax, patience: limits.databasePatience))
        wakes = (0..<threads).map { _ in DispatchSemaphore(value: 0) }
        for number in 0..<threads {
            finished.enter()
            let thread = Thread { [self] in
                run(number)
                finished.leave()
            }
            thread.name = "ovation-reader-\(number + 1)"
            thread.start()
        }
        outage.add(
            giveUpExpired: { [self] in giveUpExpired() }, hurry: { [self] in hurry() },
            suspect: { [self] node, why in if place == .node(node) { suspect(why) } })
    }

    func enqueue(_ read: Read) {
        let (refusal, slot) = pool.withLock { pool in (pool.offer(read, at: .now), pool.wakeOne()) }
        if let slot { wakes[slot].signal() }
        switch refusal {
        case nil: break
        case .busy?: read.fail(StoreFailure(.busy, "\(limits.readerQueueMax) reads are waiting"))
        case .closed?: read.fail(ReadPool.closing)
        case .away(let why)?: read.fail(PostgresWriter.away(why))
        }
    }

    /// Why new reads are refused. nil: they are not.
    var refusal: String? { pool.withLock { $0.refusal(at: .now) } }

    /// Whether its connections, or its node, are away.
    var isAway: Bool { pool.withLock(\.isAway) }

    /// Bytes of the database on its node, when it was last asked.
    var bytesOnDisk: Int64 { size.load(ordering: .relaxed) }

    /// Ends when the reads under way have ended; waiting reads are refused. Blocks.
    func close() {
        let waiting = pool.withLock { pool in
            pool.close()
            return pool.takeAll()
        }
        for read in waiting { read.fail(ReadPool.closing) }
        for wake in wakes { wake.signal() }
        finished.wait()
    }

    /// Answers requests that have waited too long. Returns whether the database is away.
    private func giveUpExpired() -> Bool {
        let (expired, why) = pool.withLock { pool in (pool.takeExpired(at: .now), pool.reason) }
        for read in expired { read.fail(PostgresWriter.away(why ?? "")) }
        return why != nil
    }

    static let closing = StoreFailure(.closed, "the store is closing")

    private var node: ShardMap.Node? {
        guard case .node(let number) = place else { return nil }
        return shards()?.node(number)
    }
}

// MARK: - The threads

extension ReadPool {
    private func run(_ slot: Int) {
        var connection: PostgresConnection?
        while true {
            switch next(slot) {
            case .connect:
                connection?.close()
                connection = connect(slot)
            case .read(let read): perform(read, slot, &connection)
            case .sleep(let until): sleep(slot, until: until, &connection)
            case .end: return
            }
        }
    }

    private func next(_ slot: Int) -> Step {
        pool.withLock { pool in
            switch pool.next(for: slot, at: .now) {
            case .connect: return .connect
            case .sleep(let until): return .sleep(until: until)
            case .end: return .end
            case .work:
                guard let read = pool.takeFirst() else { return .sleep(until: .now) }
                return .read(read)
            }
        }
    }

    private func perform(_ read: Read, _ slot: Int, _ connection: inout PostgresConnection?) {
        var budget = RetryBudget(patience: limits.databasePatience)
        var tries = 0
        while true {
            guard let current = connection ?? connect(slot) else {
                // The connection may come back until the deadline.
                let wait = ConnectionPool<Never>.backOff(after: min(tries + 1, 4), spread: 0.5)
                tries += 1
                guard let deadline = budget.deadline, ContinuousClock.now.advanced(by: wait) < deadline else {
                    return read.fail(PostgresWriter.away(pool.withLock { $0.reason } ?? ""))
                }
                Thread.sleep(forTimeInterval: wait / .seconds(1))
                continue
            }
            connection = current
            let failure = read.run(current)
            cleanUp(after: failure, slot, &connection)
            guard let failure else { return }
            if failure.isOfOtherNodes, let pass { return pass(read, failure.profiles) }
            // Reads of other nodes must not wait for one.
            let isWorthWaiting = !failure.isNodeAway || node != nil
            guard isWorthWaiting, let pause = budget.pause(after: failure, triesMax: 3) else {
                return read.fail(StoreFailure(failure))
            }
            Thread.sleep(forTimeInterval: pause / .seconds(1))
        }
    }

    private func cleanUp(after failure: PostgresFailure?, _ slot: Int, _ connection: inout PostgresConnection?) {
        if let failure, failure.isConnectionLost || failure.isNodeAway && node != nil {
            return drop(&connection, slot, failure)
        }
        do throws(PostgresFailure) {
            try connection?.rollBackIfNeeded()
        } catch {
            drop(&connection, slot, error)
        }
    }

    private func connect(_ slot: Int) -> PostgresConnection? {
        do throws(PostgresFailure) {
            let connection = try Session.open(target, for: .reading, patience: limits.databaseAnswerMax)
            if let node {
                try node.verifyAnswers(connection)
                connection.isOfNode = { [shards] id in shards().map { $0.node(of: id) == node.number } ?? true }
            }
            let wasAway = pool.withLock { $0.didConnect(slot) }
            guard wasAway else { return connection }
            if isFirst { logger.notice("the database can be read again") }
            outage.ended()
            return connection
        } catch {
            didFail(slot, error)
            return nil
        }
    }

    /// Of all pools, one tells of the database as a whole.
    private var isFirst: Bool { place == .any || place == .coordinator }

    private func hurry() {
        for slot in pool.withLock({ $0.hurry(at: .now) }) { wakes[slot].signal() }
    }

    private func suspect(_ why: String) {
        for slot in pool.withLock({ $0.suspect(why: why, at: .now) }) { wakes[slot].signal() }
    }

    private func drop(_ connection: inout PostgresConnection?, _ slot: Int, _ failure: PostgresFailure) {
        connection?.close()
        connection = nil
        didFail(slot, failure)
    }

    private func didFail(_ slot: Int, _ failure: PostgresFailure) {
        let isNew = pool.withLock { pool in
            pool.didFail(slot, why: failure.advised, at: .now, spread: .random(in: 0...1))
        }
        if isNew {
            if isFirst { logger.warning("the database cannot be read", metadata: ["why": "\(failure.advised)"]) }
            outage.began()
        }
        if failure.isNodeAway, let node { outage.lost(node: node.number, why: failure.advised) }
    }

    private func sleep(_ slot: Int, until: ContinuousClock.Instant?, _ connection: inout PostgresConnection?) {
        guard let until else {
            guard node != nil, slot == 0 else { return wakes[slot].wait() }
            let isWoken = wakes[slot].wait(timeout: .now() + .milliseconds(Limits.nodesPoll.inMilliseconds)) == .success
            return isWoken ? () : askNode(slot, &connection)
        }
        let left = max((until - .now) / .milliseconds(1), 0)
        _ = wakes[slot].wait(timeout: .now() + .milliseconds(Int(left.rounded(.up))))
    }

    /// Whether the node still answers.
    private func askNode(_ slot: Int, _ connection: inout PostgresConnection?) {
        guard let current = connection, let node else { return }
        do throws(PostgresFailure) {
            // A connection to a node that is frozen waits; a new one does not.
            let rows = try current.run(
                [Command(CitusSQL.nodeSize) { $0.add(node.example) }], patience: limits.databasePatience)
            size.store(rows[0].int64(0, 1), ordering: .relaxed)
        } catch {
            cleanUp(after: error, slot, &connection)
        }
    }
}

extension Duration {
    fileprivate var inMilliseconds: Int { Int((self / .milliseconds(1)).rounded(.up)) }
}

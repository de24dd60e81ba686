import Dispatch
import Foundation
import Logging
import OvationCore
import OvationRows
import Synchronization

/// All writes, by lanes: a lane is a thread with one connection, and takes the posts of a part of the profiles.
///
/// **Group commit.** Posts that wait for a lane share one transaction. While a commit is under way the next group
/// gathers, so the group grows with the load and a single post waits for no other.
///
/// 1. A post is answered after the commit of its group, never before.
/// 2. All posts of one profile go to one lane, and are stored in the order in which they came to this process.
/// 3. The queues are bounded together; a post that finds them full is refused at once.
/// 4. A client that goes away changes nothing: its post belongs to the lane from the moment it is queued.
final class PostgresWriter: Sendable {
    /// A write in a separate transaction.
    struct Change: Sendable {
        /// - Parameter isRepeat: an earlier try may have been committed.
        let work: @Sendable (_ connection: PostgresConnection, _ slot: Int64, _ isRepeat: Bool) throws -> Void
        let reply: QueuedWrite.Reply<Void>
    }

    enum Work: Sendable {
        case post(QueuedWrite)
        case change(Change)

        func fail(_ failure: StoreFailure) {
            switch self {
            case .post(let post): [post].fail(failure)
            case .change(let change): change.reply.resume(returning: .failure(failure))
            }
        }
    }

    /// What a lane's thread does next.
    enum Step {
        case connect
        case group([QueuedWrite])
        case change(Change)
        case sleep(until: ContinuousClock.Instant?)
        case end
    }

    private struct State {
        var pools: [ConnectionPool<Work>]
        /// In all lanes together.
        var posts = 0
        var postBytes = 0
        var changes = 0
        var statistics = StoreStatistics()
        var random = SystemRandomNumberGenerator()
        var assignment: LaneAssignment

        mutating func noteGone(_ work: Work) {
            switch work {
            case .post(let post):
                posts -= 1
                postBytes -= post.bytes
            case .change: changes -= 1
            }
        }
    }

    private let state: Mutex<State>
    private let wakes: [DispatchSemaphore]
    private let finished = DispatchGroup()
    private let limits: Limits
    let logger: Logger
    let forgetting: SharedForgetting
    private let outage: Outage

    /// - Parameter shards: nil: the tables are on one machine.
    init(
        _ target: ConnectionTarget, shards: ShardMap?, limits: Limits, forgetting: SharedForgetting, outage: Outage,
        logger: Logger
    ) {
        self.limits = limits
        self.forgetting = forgetting
        self.logger = logger
        self.outage = outage
        let lanes = max(limits.writerLanes, 1)
        let pool = ConnectionPool<Work>(slots: 1, waitingMax: .max, patience: limits.databasePatience)
        state = Mutex(
            State(pools: Array(repeating: pool, count: lanes), assignment: LaneAssignment(lanes: lanes, shards: shards))
        )
        wakes = (0..<lanes).map { _ in DispatchSemaphore(value: 0) }
        for number in 0..<lanes {
            finished.enter()
            let thread = Thread { [self] in
                Lane(number: number, writer: self, target: target, limits: limits).run()
                finished.leave()
            }
            thread.name = "ovation-lane-\(number + 1)"
            thread.start()
        }
        outage.add(giveUpExpired: { [self] in giveUpExpired() }, hurry: { [self] in hurry() })
    }

    var statistics: StoreStatistics {
        state.withLock { state in
            var statistics = state.statistics
            statistics.requestsWaiting = Int64(state.posts)
            return statistics
        }
    }

    /// Commits the waiting posts, refuses new ones, and returns when the threads have ended. Blocks.
    func close() {
        state.withLock { state in
            for index in state.pools.indices { state.pools[index].close() }
        }
        for wake in wakes { wake.signal() }
        finished.wait()
        fail(takeWaiting { $0.takeAll() }, StoreFailure(.closed, "the store is closing"))
    }

    /// Answers requests that have waited too long. Returns whether the database is away for any lane.
    func giveUpExpired() -> Bool {
        let now = ContinuousClock.now
        let (isAway, why) = state.withLock { state in
            (state.pools.contains(where: \.isAway), state.pools.lazy.compactMap(\.reason).first)
        }
        fail(takeWaiting { $0.takeExpired(at: now) }, PostgresWriter.away(why ?? ""))
        return isAway
    }

    static func away(_ why: String) -> StoreFailure { StoreFailure(.unavailable, "the database is away: \(why)") }

    private func takeWaiting(_ take: (inout ConnectionPool<Work>) -> [Work]) -> [Work] {
        state.withLock { state in
            var taken: [Work] = []
            for index in state.pools.indices { taken += take(&state.pools[index]) }
            for work in taken { state.noteGone(work) }
            return taken
        }
    }

    private func fail(_ works: [Work], _ failure: StoreFailure) {
        for work in works { work.fail(failure) }
    }
}

// MARK: - Those who wait

extension PostgresWriter {
    /// Waits for the commit of the group that the write joins.
    func write<Value>(_ make: (QueuedWrite.Reply<Value>) -> QueuedWrite) async -> Result<Value, StoreFailure> {
        await withUnsafeContinuation { enqueue(make($0)) }
    }

    /// Runs in a separate transaction, on the lane of a profile or an account.
    func perform(
        for number: Int64,
        _ work: @escaping @Sendable (PostgresConnection, _ slot: Int64, _ isRepeat: Bool) throws -> Void
    ) async -> Result<Void, StoreFailure> {
        await withUnsafeContinuation { reply in
            enqueue(.change(Change(work: work, reply: reply)), for: number) { state in
                guard state.changes < limits.writerQueueMax else {
                    return StoreFailure(.busy, "\(state.changes) changes are waiting for a commit")
                }
                state.changes += 1
                return nil
            }
        }
    }

    /// Returns at once; who waits for the write is told after the commit of the group that it joins.
    func enqueue(_ post: QueuedWrite) {
        let bytes = post.bytes
        // Refused posts get a part of the queue: a flood of them must not take the room of posts to store.
        let share = post.isToStore ? 1 : 4
        enqueue(.post(post), for: post.number) { state in
            guard state.posts < limits.writerQueueMax / share,
                state.postBytes + bytes <= limits.writerQueueBytesMax / share
            else { return StoreFailure(.busy, "\(state.posts) posts are waiting for a commit") }
            state.posts += 1
            state.postBytes += bytes
            return nil
        }
    }

    /// - Parameter number: the id of a profile or an account; equal numbers go to the same lane.
    private func enqueue(_ work: Work, for number: Int64, _ count: (inout State) -> StoreFailure?) {
        let now = ContinuousClock.now
        let (failure, toWake) = state.withLock { state -> (StoreFailure?, Int?) in
            if state.assignment.isStale, state.pools.allSatisfy(\.isIdle) { state.assignment.settle() }
            let lane = state.assignment.lane(of: number)
            if state.pools[lane].isClosed { return (StoreFailure(.closed, "the store is closing"), nil) }
            if let failure = count(&state) { return (failure, nil) }
            switch state.pools[lane].offer(work, at: now) {
            case nil: return (nil, state.pools[lane].wakeOne().map { _ in lane })
            case .away(let why)?:
                state.noteGone(work)
                return (PostgresWriter.away(why), nil)
            case .busy?, .closed?:
                state.noteGone(work)
                return (StoreFailure(.busy, "the lane is full"), nil)
            }
        }
        if let failure { work.fail(failure) }
        if let toWake { wakes[toWake].signal() }
    }
}

// MARK: - The lanes' side

extension PostgresWriter {
    func next(for lane: Int) -> Step {
        state.withLock { state in
            switch state.pools[lane].next(for: 0, at: .now) {
            case .connect: return .connect
            case .sleep(let until): return .sleep(until: until)
            case .end: return .end
            case .work:
                var group = GroupLimits(eventsMax: limits.groupEventsMax, shards: state.assignment.shards)
                let works = state.pools[lane].take { group.admit($0.needs) }
                for work in works { state.noteGone(work) }
                if case .change(let change)? = works.first { return .change(change) }
                return .group(
                    works.compactMap { work in if case .post(let post) = work { post } else { nil } })
            }
        }
    }

    /// Blocks.
    func sleep(_ lane: Int, until: ContinuousClock.Instant?) {
        guard let until else { return wakes[lane].wait() }
        let left = max((until - .now) / .milliseconds(1), 0)
        _ = wakes[lane].wait(timeout: .now() + .milliseconds(Int(left.rounded(.up))))
    }

    func didConnect(_ lane: Int) {
        guard state.withLock({ $0.pools[lane].didConnect(0) }) else { return }
        logger.notice("the database is back", metadata: ["lane": "\(lane + 1)"])
        outage.ended()
    }

    private func hurry() {
        let lanes = state.withLock { state in
            state.pools.indices.filter { !state.pools[$0].hurry(at: .now).isEmpty }
        }
        for lane in lanes { wakes[lane].signal() }
    }

    func didFail(_ lane: Int, _ failure: PostgresFailure) {
        let isNew = state.withLock { state in
            let spread = Double.random(in: 0...1, using: &state.random)
            return state.pools[lane].didFail(0, why: failure.advised, at: .now, spread: spread)
        }
        guard isNew else { return }
        logger.warning("the database is away", metadata: ["lane": "\(lane + 1)", "why": "\(failure.advised)"])
        outage.began()
    }

    var isClosed: Bool { state.withLock { $0.pools[0].isClosed } }

    /// Whether the caller should look for moved shards. Never, if the tables are on one machine.
    func mustReadShards() -> Bool { state.withLock { $0.assignment.mustRead(at: .now) } }

    func note(_ shards: ShardMap?) {
        guard let shards, state.withLock({ $0.assignment.note(shards) }) else { return }
        logger.notice("shards were moved", metadata: ["nodes": "\(shards.nodeCount)"])
    }

    func noteCommit(requests: Int, events: Int, seconds: Double) {
        state.withLock { state in
            state.statistics.noteCommit(requests: requests, events: Int64(events), seconds: seconds)
        }
    }
}

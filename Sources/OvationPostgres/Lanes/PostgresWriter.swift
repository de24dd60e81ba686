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
        let place: WritePlace
        let reply: QueuedWrite.Reply<Void>
    }

    enum Work: Sendable {
        case post(QueuedWrite)
        case change(Change)

        var place: WritePlace {
            switch self {
            case .post(let post): post.place
            case .change(let change): change.place
            }
        }

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
        /// By lane.
        var pools: [ConnectionPool<Work>] = []
        var wakes: [DispatchSemaphore] = []
        /// What each lane has taken and not answered yet.
        var taken: [[WritePlace]] = []
        /// In all lanes together.
        var posts = 0
        var postBytes = 0
        var changes = 0
        var statistics = StoreStatistics()
        var random = SystemRandomNumberGenerator()
        var assignment: LaneAssignment
        /// Of groups that are not stored.
        var notice = SparseNotice()
        /// Of nodes that lanes cannot reach by themselves.
        var noWays: [Int64: SparseNotice] = [:]
        /// What was logged: the database as a whole, and nodes of it.
        var isAway = false
        var nodesAway: Set<Int64> = []
        var isClosed = false

        /// Why what can be for several nodes is refused: a node that it certainly needs is away. nil: it is not.
        func refusal(of work: Work, at place: WritePlace, _ now: ContinuousClock.Instant) -> String? {
            guard let shards = assignment.shards, case .nodes(let id) = place else { return nil }
            var needed = [shards.node(of: id)]
            if case .profiles = work.needs.reach { needed = shards.nodes.map(\.number) }
            return needed.lazy.flatMap { assignment.lanes(of: $0) }.compactMap { pools[$0].refusal(at: now) }.first
        }

        mutating func noteRefused(_ work: Work) {
            noteGone(work)
            assignment.leave(work.place)
        }

        /// It waits no longer.
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
    private let finished = DispatchGroup()
    private let target: ConnectionTarget
    private let limits: Limits
    let logger: Logger
    let forgetting: SharedForgetting
    private let outage: Outage
    private let didMove: @Sendable (ShardMap) -> Void

    /// - Parameters:
    ///   - shards: nil: the tables are on one machine.
    ///   - didMove: is told of the shards when they have changed.
    init(
        _ target: ConnectionTarget, shards: ShardMap?, limits: Limits, forgetting: SharedForgetting, outage: Outage,
        logger: Logger, didMove: @escaping @Sendable (ShardMap) -> Void
    ) {
        (self.target, self.limits, self.didMove) = (target, limits, didMove)
        self.forgetting = forgetting
        self.logger = logger
        self.outage = outage
        state = Mutex(State(assignment: LaneAssignment(lanes: limits.writerLanes, shards: shards)))
        startLanes()
        outage.add(
            giveUpExpired: { [self] in giveUpExpired() }, hurry: { [self] in hurry() },
            suspect: { [self] node, why in suspect(node, why) })
    }

    /// Those that the assignment has and that do not run yet.
    private func startLanes() {
        let (new, count) = state.withLock { state in
            let running = state.pools.count
            let count = state.assignment.places.count
            for _ in running..<count {
                state.pools.append(ConnectionPool(slots: 1, waitingMax: .max, patience: limits.databasePatience))
                state.wakes.append(DispatchSemaphore(value: 0))
                state.taken.append([])
            }
            // A store that was closed meanwhile starts no threads that nobody would wait for.
            guard !state.isClosed else { return (running..<running, count) }
            for _ in running..<count { finished.enter() }
            return (running..<count, count)
        }
        for number in new {
            let thread = Thread { [self] in
                Lane(number: number, of: count, writer: self, target: target, limits: limits).run()
                finished.leave()
            }
            thread.name = "ovation-lane-\(number + 1)"
            thread.start()
        }
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
        let wakes = state.withLock { state in
            state.isClosed = true
            for index in state.pools.indices { state.pools[index].close() }
            return state.wakes
        }
        for wake in wakes { wake.signal() }
        finished.wait()
        fail(takeWaiting(), StoreFailure(.closed, "the store is closing"))
    }

    /// Answers requests that have waited too long. Returns whether the database is away for any lane.
    func giveUpExpired() -> Bool {
        let now = ContinuousClock.now
        let (expired, isAway) = state.withLock { state in
            var expired: [(works: [Work], why: String)] = []
            for index in state.pools.indices {
                guard let why = state.pools[index].reason else { continue }
                let works = state.pools[index].takeExpired(at: now)
                for work in works { state.noteRefused(work) }
                expired.append((works, why))
            }
            return (expired, !expired.isEmpty)
        }
        for (works, why) in expired { fail(works, PostgresWriter.away(why)) }
        return isAway
    }

    static func away(_ why: String) -> StoreFailure { StoreFailure(.unavailable, "the database is away: \(why)") }

    private func takeWaiting() -> [Work] {
        state.withLock { state in
            var taken: [Work] = []
            for index in state.pools.indices { taken += state.pools[index].takeAll() }
            for work in taken { state.noteRefused(work) }
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

    /// Runs in a separate transaction, on the lane of that place.
    func perform(
        at place: WritePlace,
        _ work: @escaping @Sendable (PostgresConnection, _ slot: Int64, _ isRepeat: Bool) throws -> Void
    ) async -> Result<Void, StoreFailure> {
        await withUnsafeContinuation { reply in
            enqueue(.change(Change(work: work, place: place, reply: reply)), at: place) { state in
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
        enqueue(.post(post), at: post.place) { state in
            guard state.posts < limits.writerQueueMax / share,
                state.postBytes + bytes <= limits.writerQueueBytesMax / share
            else { return StoreFailure(.busy, "\(state.posts) posts are waiting for a commit") }
            state.posts += 1
            state.postBytes += bytes
            return nil
        }
    }

    private func enqueue(_ work: Work, at place: WritePlace, _ count: (inout State) -> StoreFailure?) {
        let now = ContinuousClock.now
        let (failure, toWake) = state.withLock { state -> (StoreFailure?, DispatchSemaphore?) in
            if state.isClosed { return (StoreFailure(.closed, "the store is closing"), nil) }
            if let why = state.refusal(of: work, at: place, now) { return (PostgresWriter.away(why), nil) }
            if let failure = count(&state) { return (failure, nil) }
            let lane = state.assignment.enter(place)
            switch state.pools[lane].offer(work, at: now) {
            case nil: return (nil, state.pools[lane].wakeOne().map { _ in state.wakes[lane] })
            case .away(let why)?:
                state.noteRefused(work)
                return (PostgresWriter.away(why), nil)
            case .busy?, .closed?:
                state.noteRefused(work)
                return (StoreFailure(.busy, "the lane is full"), nil)
            }
        }
        if let failure { work.fail(failure) }
        toWake?.signal()
    }
}

// MARK: - The lanes' side

extension PostgresWriter {
    /// - Parameter isOnNode: whether the lane can store posts on its node by itself.
    func next(for lane: Int, isOnNode: Bool) -> Step {
        state.withLock { state in
            // Who asks for more has answered what it had.
            for place in state.taken[lane] { state.assignment.leave(place) }
            state.taken[lane] = []
            switch state.pools[lane].next(for: 0, at: .now) {
            case .connect: return .connect
            case .sleep(let until): return .sleep(until: until)
            case .end: return .end
            case .work:
                var group = GroupLimits(
                    eventsMax: limits.groupEventsMax, shards: state.assignment.shards,
                    isOnNode: isOnNode && state.assignment.node(of: lane) != nil)
                let works = state.pools[lane].take { group.admit($0.needs) }
                for work in works { state.noteGone(work) }
                state.taken[lane] = works.map(\.place)
                if case .change(let change)? = works.first { return .change(change) }
                return .group(
                    works.compactMap { work in if case .post(let post) = work { post } else { nil } })
            }
        }
    }

    /// Blocks.
    func sleep(_ lane: Int, until: ContinuousClock.Instant?) {
        let wake = state.withLock { $0.wakes[lane] }
        guard let until else { return wake.wait() }
        let left = max((until - .now) / .milliseconds(1), 0)
        _ = wake.wait(timeout: .now() + .milliseconds(Int(left.rounded(.up))))
    }

    func didConnect(_ lane: Int) {
        let (wasAway, node, isBack) = state.withLock { state in
            let wasAway = state.pools[lane].didConnect(0)
            let node = state.assignment.node(of: lane).flatMap { state.nodesAway.remove($0.number) == nil ? nil : $0 }
            defer { state.isAway = false }
            return (wasAway, node, state.isAway)
        }
        if isBack { logger.notice("the database is back") }
        if let node { logger.notice("a node of the database is back", metadata: ["node": "\(node.name)"]) }
        if wasAway { outage.ended() }
    }

    private func hurry() {
        wake { state in state.pools.indices.filter { !state.pools[$0].hurry(at: .now).isEmpty } }
    }

    private func suspect(_ node: Int64, _ why: String) {
        let (name, isNew) = state.withLock { state in
            (state.assignment.shards?.node(node)?.name, state.nodesAway.insert(node).inserted)
        }
        if isNew {
            logger.warning("a node of the database is away", metadata: ["node": "\(name ?? "?")", "why": "\(why)"])
        }
        wake { state in
            state.assignment.lanes(of: node).filter { !state.pools[$0].suspect(why: why, at: .now).isEmpty }
        }
    }

    private func wake(_ lanes: (inout State) -> [Int]) {
        for wake in state.withLock({ state in lanes(&state).map { state.wakes[$0] } }) { wake.signal() }
    }

    /// - Parameter node: the node that does not answer, if that is the reason.
    func didFail(_ lane: Int, _ failure: PostgresFailure, node: ShardMap.Node?) {
        let (isNew, isFirst) = state.withLock { state in
            let spread = Double.random(in: 0...1, using: &state.random)
            let isNew = state.pools[lane].didFail(0, why: failure.advised, at: .now, spread: spread)
            defer { state.isAway = state.isAway || isNew && node == nil }
            return (isNew, isNew && node == nil && !state.isAway)
        }
        if isFirst { logger.warning("the database is away", metadata: ["why": "\(failure.advised)"]) }
        if isNew { outage.began() }
        if let node { outage.lost(node: node.number, why: failure.advised) }
    }

    /// One line for an outage, whatever the number of groups that it refuses.
    func noteNotStored(_ posts: Int, _ failure: StoreFailure) {
        guard state.withLock({ $0.notice.isDue(failure.code.rawValue, at: .now) }) else { return }
        let isInDoubt = failure.code == .outcomeUnknown
        logger.error(
            isInDoubt ? "it is unknown whether a group of posts was stored" : "a group of posts was not stored",
            metadata: ["error": "\(failure)", "posts": "\(posts)"])
    }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// The node that a lane is for, while that has shards.
    func node(of lane: Int) -> ShardMap.Node? { state.withLock { $0.assignment.node(of: lane) } }

    /// The same, with the shards by which that is so.
    func ownNode(of lane: Int) -> (node: ShardMap.Node, shards: ShardMap)? {
        state.withLock { state in
            guard let node = state.assignment.node(of: lane), let shards = state.assignment.shards else { return nil }
            return (node, shards)
        }
    }

    /// Its posts go through the coordinator, which is slower.
    func noteNoWay(to node: ShardMap.Node, _ failure: PostgresFailure) {
        let isDue = state.withLock {
            $0.noWays[node.number, default: SparseNotice()].isDue(failure.state, at: .now)
        }
        guard isDue else { return }
        logger.warning(
            "a node of the database is reached through the coordinator only",
            metadata: ["node": "\(node.name)", "why": "\(failure.advised)"])
    }

    /// Whether the caller should look for moved shards. Never, if the tables are on one machine.
    func mustReadShards() -> Bool { state.withLock { $0.assignment.mustRead(at: .now) } }

    func note(_ shards: ShardMap?) {
        guard let shards, state.withLock({ $0.assignment.note(shards) }) else { return }
        logger.notice("shards were moved", metadata: ["nodes": "\(shards.nodes.count)"])
        startLanes()
        didMove(shards)
    }

    func noteCommit(requests: Int, events: Int, seconds: Double) {
        state.withLock { state in
            state.statistics.noteCommit(requests: requests, events: Int64(events), seconds: seconds)
        }
    }
}

import OvationCore
import OvationWire
import Synchronization

/// Sends the outcome of posts to watchers as they happen. A watcher that reads too slowly loses the oldest, and is told
/// how many; a post never waits for a watcher.
final class LiveFeed: Sendable {
    /// The posts that a watcher wants.
    struct Filter: Sendable {
        var account: Int64
        var section: Discriminator<Section>?
        var outcome: PostReport.Outcome?
        var eventType: Discriminator<EventType>?

        func takes(_ report: PostReport) -> Bool {
            guard report.account == account else { return false }
            if let section, section != report.section { return false }
            if let outcome, outcome != report.outcome { return false }
            if let eventType, !report.types.contains(where: { $0.discriminator == eventType }) { return false }
            return true
        }
    }

    /// One stream, and how much it lost.
    final class Watcher: Sendable {
        let filter: Filter
        private let continuation: AsyncStream<PostReport>.Continuation
        private let dropped = Atomic<Int>(0)

        init(filter: Filter, continuation: AsyncStream<PostReport>.Continuation) {
            self.filter = filter
            self.continuation = continuation
        }

        func tell(_ report: PostReport) {
            if case .dropped = continuation.yield(report) { dropped.add(1, ordering: .relaxed) }
        }

        /// How many reports were lost since the last call.
        func takeDropped() -> Int { dropped.exchange(0, ordering: .relaxed) }
    }

    private struct State {
        var watchers: [Int: Watcher] = [:]
        var next = 0
    }

    private let state = Mutex(State())
    /// Read by every post, so that without watchers a post costs one load.
    private let count = Atomic<Int>(0)

    var isWatched: Bool { count.load(ordering: .relaxed) > 0 }

    /// - Throws: `busy` when the account has its maximum number of streams.
    func watch(_ filter: Filter) throws(Problem) -> (reports: AsyncStream<PostReport>, watcher: Watcher) {
        let (stream, continuation) = AsyncStream.makeStream(
            of: PostReport.self, bufferingPolicy: .bufferingNewest(Limits.liveBufferMax))
        let watcher = Watcher(filter: filter, continuation: continuation)
        let number: Int? = state.withLock { state in
            guard state.watchers.values.count(where: { $0.filter.account == filter.account }) < Limits.liveStreamsMax
            else { return nil }
            state.next += 1
            state.watchers[state.next] = watcher
            return state.next
        }
        guard let number else {
            throw Problem(
                .busy, "There are \(Limits.liveStreamsMax) live streams open, and no more are given; close one.",
                retryAfterSeconds: 30)
        }
        count.add(1, ordering: .relaxed)
        continuation.onTermination = { [self] _ in
            let wasThere = state.withLock { $0.watchers.removeValue(forKey: number) != nil }
            if wasThere { count.subtract(1, ordering: .relaxed) }
        }
        return (stream, watcher)
    }

    func publish(_ report: PostReport) {
        let watchers = state.withLock { state in state.watchers.values.filter { $0.filter.takes(report) } }
        for watcher in watchers { watcher.tell(report) }
    }
}

/// The outcome of one post.
struct PostReport: Sendable {
    enum Outcome: String, Sendable, CaseIterable {
        case accepted, refused, duplicate
    }

    static let errorsMax = 10

    struct TypeCount: Sendable {
        let discriminator: Discriminator<EventType>
        let name: String
        var events: Int
    }

    let account: Int64
    let at: Timestamp
    let outcome: Outcome
    let section: Discriminator<Section>
    /// nil for a part of a bulk upload, which goes to many profiles; so is the key.
    let keyspace: Discriminator<Keyspace>?
    let key: String?
    let clientID: String
    let requestID: String
    let events: Int
    var types: [TypeCount] = []
    var problem: Problem?
    /// The beginning of the refused body.
    var excerpt: String?
    /// Where the refused post is kept.
    var rejection: Rejection.ID?
}

extension Bodies.LivePost {
    init(_ report: PostReport) {
        self.init()
        at = report.at
        outcome = Bodies.PostOutcome(report.outcome)
        sectionDiscriminator = report.section.text
        keyspaceDiscriminator = report.keyspace?.text
        profileKey = report.key
        clientID = report.clientID
        requestID = report.requestID
        eventCount = Int64(report.events)
        types = report.types.map { type in
            var shown = Bodies.LiveType()
            shown.discriminator = type.discriminator.text
            shown.name = type.name
            shown.eventCount = Int64(type.events)
            return shown
        }
        code = report.problem?.code.rawValue
        detail = report.problem?.detail
        errors = report.problem?.errors.prefix(PostReport.errorsMax).map { Bodies.ItemError($0) }
        bodyExcerpt = report.excerpt
        rejectionID = report.rejection.map { String($0) }
    }
}

extension Bodies.PostOutcome {
    fileprivate init(_ outcome: PostReport.Outcome) {
        self =
            switch outcome {
            case .accepted: .accepted
            case .refused: .refused
            case .duplicate: .duplicate
            }
    }
}

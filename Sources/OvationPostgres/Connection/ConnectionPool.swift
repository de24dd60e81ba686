import OvationCore

/// A bounded pool of connections and the work that waits for them, as a state machine: no input or output, no clock, no
/// lock. Its owner tells it what happened and does what it says.
///
/// Each connection is a slot with a thread of its own, which asks ``next(for:at:)`` what to do:
///
/// 1. Work is leased to a slot whose connection is ready, in the order in which it came.
/// 2. No more than `waitingMax` may wait; what comes then is refused at once.
/// 3. A connection that broke is made again after a time that doubles with each failure.
/// 4. While there is no connection at all, work waits for `patience` and is then given up; what comes later is refused
///    at once, until there is one again.
struct ConnectionPool<Work> {
    typealias Instant = ContinuousClock.Instant

    enum Step: Equatable {
        /// Make a connection, and say how it went.
        case connect
        /// Work waits, and the slot is leased: take some and release it.
        case work
        /// Until somebody wakes the thread, or this moment.
        case sleep(until: Instant?)
        case end
    }

    enum Refusal: Equatable {
        case busy
        case closed
        /// There is no connection, for this reason.
        case away(String)
    }

    private enum Slot: Equatable {
        case none
        case connecting(failures: Int)
        case ready
        case leased
        case broken(failures: Int, until: Instant)
    }

    private struct Waiting {
        let work: Work
        let since: Instant
    }

    private var slots: [Slot]
    private var sleeping: Set<Int> = []
    private var waiting = Queue<Waiting>()
    private let waitingMax: Int
    private let patience: Duration
    private var away: (since: Instant, why: String)?
    private(set) var isClosed = false

    init(slots: Int, waitingMax: Int, patience: Duration) {
        self.slots = Array(repeating: .none, count: slots)
        self.waitingMax = waitingMax
        self.patience = patience
    }

    var waitingCount: Int { waiting.count }

    /// Whether somebody has to call ``takeExpired(at:)`` from time to time.
    var isAway: Bool { away != nil }

    // MARK: Those who bring work

    /// nil: it is in the queue.
    mutating func offer(_ work: Work, at now: Instant) -> Refusal? {
        guard !isClosed else { return .closed }
        if let away, away.since.advanced(by: patience) <= now { return .away(away.why) }
        guard waiting.count < waitingMax else { return .busy }
        waiting.append(Waiting(work: work, since: now))
        return nil
    }

    /// A thread that sleeps and could take what waits. It counts as awake from here on.
    mutating func wakeOne() -> Int? {
        guard !waiting.isEmpty, let slot = sleeping.first(where: { slots[$0] == .ready }) else { return nil }
        sleeping.remove(slot)
        return slot
    }

    // MARK: The thread of a slot

    mutating func next(for slot: Int, at now: Instant) -> Step {
        sleeping.remove(slot)
        switch slots[slot] {
        case .none:
            if isClosed { return .end }
            slots[slot] = .connecting(failures: 0)
            return .connect
        case .broken(let failures, let until):
            if isClosed { return .end }
            guard until <= now else {
                sleeping.insert(slot)
                return .sleep(until: until)
            }
            slots[slot] = .connecting(failures: failures)
            return .connect
        case .ready, .leased, .connecting:
            // What waited when the pool was closed is still done.
            guard waiting.isEmpty else {
                slots[slot] = .leased
                return .work
            }
            if isClosed { return .end }
            slots[slot] = .ready
            sleeping.insert(slot)
            return .sleep(until: nil)
        }
    }

    /// From the front, as the function says; for a leased slot.
    mutating func take(_ decide: (Work) -> Admission) -> [Work] {
        var works: [Work] = []
        waiting.take { waiting in
            let admission = decide(waiting.work)
            if admission == .take { works.append(waiting.work) }
            return admission
        }
        return works
    }

    /// Nobody waits, and nobody is at work.
    var isIdle: Bool { waiting.isEmpty && !slots.contains(.leased) }

    mutating func takeFirst() -> Work? {
        defer { waiting.removeFirst() }
        return waiting.first?.work
    }

    /// Whether the pool was away until now.
    @discardableResult
    mutating func didConnect(_ slot: Int) -> Bool {
        slots[slot] = .ready
        defer { away = nil }
        return away != nil
    }

    /// A connection broke, or could not be made.
    /// - Parameter spread: from 0 to 1, at random: many servers that lost one database do not all come back at once.
    /// - Returns: whether the pool is away from now on.
    @discardableResult
    mutating func didFail(_ slot: Int, why: String, at now: Instant, spread: Double) -> Bool {
        let failures =
            switch slots[slot] {
            case .connecting(let failures), .broken(let failures, _): failures + 1
            case .none, .ready, .leased: 0
            }
        slots[slot] = .broken(
            failures: failures, until: now.advanced(by: ConnectionPool.backOff(after: failures, spread: spread)))
        let hasOther = slots.contains { $0 == .ready || $0 == .leased }
        guard !hasOther else { return false }
        let isNew = away == nil
        away = (away?.since ?? now, why)
        return isNew
    }

    /// Somebody else has a connection again: what is broken is tried at once, and what comes meanwhile may wait.
    /// - Returns: threads to wake.
    mutating func hurry(at now: Instant) -> [Int] {
        guard let away else { return [] }
        self.away = (now, away.why)
        for slot in slots.indices {
            if case .broken(let failures, _) = slots[slot] { slots[slot] = .broken(failures: failures, until: now) }
        }
        return Array(sleeping)
    }

    /// At once after the first failure, since a restart closes connections that work again when they are made anew;
    /// then 50 ms, 100 ms and so on up to two seconds.
    static func backOff(after failures: Int, spread: Double) -> Duration {
        guard failures > 0 else { return .zero }
        let milliseconds = min(50 << min(failures - 1, 10), 2000)
        return .milliseconds(Double(milliseconds) * (0.75 + 0.5 * spread))
    }

    // MARK: Giving up

    /// What has waited for longer than it should while there was no connection.
    mutating func takeExpired(at now: Instant) -> [Work] {
        guard let away else { return [] }
        // What came before the connection went has waited since then.
        let patience = patience
        let isExpired: (Waiting) -> Bool = { max($0.since, away.since).advanced(by: patience) <= now }
        return waiting.removeAll(where: isExpired).map(\.work)
    }

    /// Why there is no connection.
    var reason: String? { away?.why }

    /// From now on nothing comes in. What waits is done where there is a connection.
    mutating func close() {
        isClosed = true
        sleeping = []
    }

    /// What nobody will do any more.
    mutating func takeAll() -> [Work] {
        waiting.removeAll { _ in true }.map(\.work)
    }
}

/// What becomes of something that waits, when a slot takes work.
enum Admission {
    case take
    /// It keeps its place, and those behind it are asked about.
    case leave
    case end
}

/// First in, first out, but for what is left standing. What has gone is let go at once, and not with the array that held
/// it: it can be megabytes.
private struct Queue<Element> {
    private var places: [Element?] = []
    /// The first place that is taken; all places, when none is.
    private var head = 0
    /// Places behind it whose elements have gone.
    private var gaps = 0

    var count: Int { places.count - head - gaps }
    var isEmpty: Bool { count == 0 }
    var first: Element? { isEmpty ? nil : places[head] }

    mutating func append(_ element: Element) {
        places.append(element)
    }

    mutating func removeFirst() {
        guard !isEmpty else { return }
        places[head] = nil
        head += 1
        closeGaps()
    }

    mutating func take(_ decide: (Element) -> Admission) {
        var index = head
        scan: while index < places.count {
            defer { index += 1 }
            guard let element = places[index] else { continue }
            switch decide(element) {
            case .take:
                places[index] = nil
                gaps += 1
            case .leave: continue
            case .end: break scan
            }
        }
        closeGaps()
    }

    private mutating func closeGaps() {
        while head < places.count, places[head] == nil {
            head += 1
            gaps -= 1
        }
        guard head == places.count || head > 1024 && head > places.count / 2 else { return }
        places.removeFirst(head)
        head = 0
    }

    /// Gives what it removed.
    mutating func removeAll(where isMeant: (Element) -> Bool) -> [Element] {
        let all = places[head...].compactMap { $0 }
        places = all.filter { !isMeant($0) }
        (head, gaps) = (0, 0)
        return all.filter(isMeant)
    }
}

extension Duration {
    fileprivate static func milliseconds(_ count: Double) -> Duration { .microseconds(Int64(count * 1000)) }
}

import OvationCore

/// A bounded pool of connections and the work that waits for them, as a state machine: no input or output, no clock, no
/// lock. Its owner tells it what happened and does what it returns.
///
/// Each connection is a slot with its own thread, which asks ``next(for:at:)`` what to do:
///
/// 1. Work is leased, in the order in which it came, to a slot with a connection that is ready.
/// 2. At most `waitingMax` items may wait; more are refused at once.
/// 3. A broken connection is opened again after a time that doubles with each failure.
/// 4. While there is no connection at all, work waits for `patience` and is then refused; later work is refused at
///    once, until there is a connection again.
/// 5. The same holds from ``suspect(why:at:)`` on, whatever the connections look like: what they lead to is away. Each is
///    made anew before it takes work again.
struct ConnectionPool<Work> {
    typealias Instant = ContinuousClock.Instant

    enum Step: Equatable {
        /// Open a connection, and report the result.
        case connect
        /// Work waits, and the slot is leased: take some and release it.
        case work
        /// Wait for a wake-up, or until this moment.
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

    /// Whether ``takeExpired(at:)`` has to be called from time to time.
    var isAway: Bool { away != nil }

    // MARK: Adding work

    /// nil: it is in the queue.
    mutating func offer(_ work: Work, at now: Instant) -> Refusal? {
        guard !isClosed else { return .closed }
        if let why = refusal(at: now) { return .away(why) }
        guard waiting.count < waitingMax else { return .busy }
        waiting.append(Waiting(work: work, since: now))
        return nil
    }

    /// A sleeping thread that could take the waiting work. It counts as awake from here on.
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
            if away != nil, !isClosed, slots[slot] == .ready || slots[slot] == .leased {
                slots[slot] = .connecting(failures: 0)
                return .connect
            }
            // Work that waited when the pool was closed is still done.
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
    /// - Parameter spread: a random number from 0 to 1, so that many servers that lost one database do not all come
    ///   back at once.
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

    /// Somebody else found that what the connections lead to does not answer. Connections that look well are made anew, those
    /// with work when that has ended.
    /// - Returns: threads to wake. None: the pool was away already.
    mutating func suspect(why: String, at now: Instant) -> [Int] {
        guard away == nil, !isClosed else { return [] }
        away = (now, why)
        return Array(sleeping)
    }

    /// Whether new work is refused, and why.
    func refusal(at now: Instant) -> String? {
        away.flatMap { $0.since.advanced(by: patience) <= now ? $0.why : nil }
    }

    /// Another pool has a connection again: broken slots try at once, and new work may wait.
    /// - Returns: threads to wake.
    mutating func hurry(at now: Instant) -> [Int] {
        guard let away else { return [] }
        self.away = (now, away.why)
        for slot in slots.indices {
            if case .broken(let failures, _) = slots[slot] { slots[slot] = .broken(failures: failures, until: now) }
        }
        return Array(sleeping)
    }

    /// At once after the first failure, since a restart closes connections and new ones then work; then 50 ms, 100 ms
    /// and so on up to two seconds.
    static func backOff(after failures: Int, spread: Double) -> Duration {
        guard failures > 0 else { return .zero }
        let milliseconds = min(50 << min(failures - 1, 10), 2000)
        return .milliseconds(Double(milliseconds) * (0.75 + 0.5 * spread))
    }

    // MARK: Giving up

    /// Work that has waited too long while there was no connection.
    mutating func takeExpired(at now: Instant) -> [Work] {
        guard let away else { return [] }
        // Work that came before the connection was lost counts its waiting time from then on.
        let patience = patience
        let isExpired: (Waiting) -> Bool = { max($0.since, away.since).advanced(by: patience) <= now }
        return waiting.removeAll(where: isExpired).map(\.work)
    }

    /// Why there is no connection.
    var reason: String? { away?.why }

    /// From now on no new work is accepted. Waiting work is done if there is a connection.
    mutating func close() {
        isClosed = true
        sleeping = []
    }

    /// Work that will not be done any more.
    mutating func takeAll() -> [Work] {
        waiting.removeAll { _ in true }.map(\.work)
    }
}

/// The decision for a waiting item, when a slot takes work.
enum Admission {
    case take
    /// It keeps its place, and the items behind it are considered.
    case leave
    case end
}

/// First in, first out, except for items that keep their places. Removed items are released at once, and not together
/// with the array that held them: they can be megabytes.
private struct Queue<Element> {
    private var places: [Element?] = []
    /// The first used place; the count of places, if none is used.
    private var head = 0
    /// Places behind it with removed elements.
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

    /// Returns the removed items.
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

/// The time by which old rows are removed for good.
///
/// A machine's clock can be set wrong, by hand or before it is synchronised, and then right again. Rows that a wrong
/// time only hides are visible again afterwards; removed rows are lost. So a clock that has jumped ahead is believed
/// only when it has stayed there for a while, measured by a clock that cannot be set. Until then the believed time
/// advances from its last value. A clock that went back is followed at once: then fewer rows are old, and nothing is
/// lost.
///
/// A long stop looks like a jump; then rows are removed later than possible.
public struct Forgetting: Sendable {
    public typealias Instant = ContinuousClock.Instant

    private struct Reading {
        let time: Timestamp
        let at: Instant

        func time(at instant: Instant) -> Timestamp { time.advanced(by: instant - at) }
    }

    private let jumpMax: Duration
    private let believedAfter: Duration
    private var believed: Reading?
    /// What the clock showed first after a jump.
    private var doubtful: Reading?
    private var noted: Timestamp?

    /// - Parameter noted: what an earlier process noted last; nil: whatever the clock shows first is believed.
    public init(noted: Timestamp?, limits: Limits, at instant: Instant = .now) {
        jumpMax = limits.clockJumpMax
        believedAfter = limits.clockBelievedAfter
        believed = noted.map { Reading(time: $0, at: instant) }
        self.noted = noted
    }

    /// What to take for the time where something is removed because it is old; never later than the clock.
    public mutating func time(_ now: Timestamp, at instant: Instant = .now) -> Timestamp {
        guard let last = believed else { return believe(now, instant) }
        let expected = last.time(at: instant)
        guard now > expected.advanced(by: jumpMax) else { return believe(now, instant) }
        if let first = doubtful, isNear(now, first.time(at: instant)) {
            guard instant - first.at >= believedAfter else { return expected }
            return believe(now, instant)
        }
        // A jump, or a second one.
        doubtful = Reading(time: now, at: instant)
        return expected
    }

    private mutating func believe(_ now: Timestamp, _ instant: Instant) -> Timestamp {
        believed = Reading(time: now, at: instant)
        doubtful = nil
        return now
    }

    private func isNear(_ one: Timestamp, _ other: Timestamp) -> Bool {
        one <= other.advanced(by: jumpMax) && other <= one.advanced(by: jumpMax)
    }

    /// The time to note in the store, for a later process to go on from, where it is due; it then counts as noted.
    public mutating func noteIfDue(_ now: Timestamp, at instant: Instant = .now) -> Timestamp? {
        let time = time(now, at: instant)
        if let noted, time >= noted, time < noted.advanced(by: Limits.clockNoteInterval) { return nil }
        noted = time
        return time
    }
}

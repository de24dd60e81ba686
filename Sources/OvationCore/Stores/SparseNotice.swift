/// Decides when a lasting condition is worth another line in the log: at first, when its reason changes, and then after
/// intervals that double. What was not met for four such intervals begins anew.
package struct SparseNotice: Sendable {
    package typealias Instant = ContinuousClock.Instant

    private var reason: String?
    private var last: Instant?
    /// When it was met, with a line or without.
    private var latest = Instant.now
    private var pause = SparseNotice.firstPause

    private static let firstPause = Duration.seconds(1)

    package init() {}

    package mutating func isDue(_ reason: String, at now: Instant) -> Bool {
        defer { latest = now }
        if let last, self.reason == reason {
            guard last.advanced(by: pause) <= now else { return false }
            pause = latest.advanced(by: pause * 4) <= now ? SparseNotice.firstPause : pause * 2
        } else {
            pause = SparseNotice.firstPause
        }
        (self.reason, last) = (reason, now)
        return true
    }

    /// The condition is over.
    /// - Returns: whether it was logged.
    package mutating func end() -> Bool {
        defer { self = SparseNotice() }
        return last != nil
    }
}

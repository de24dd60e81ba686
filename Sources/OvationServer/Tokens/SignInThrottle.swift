import OvationCore
import Synchronization

/// Counts secrets that were wrong, by the address they came from and the client id they came for, and by the address
/// alone. Whoever was wrong too often hears to wait; a right secret passes all the same, since nobody can guess one, and
/// many people may share an address.
///
/// It knows nothing of which client ids there are, so that its answers tell nothing of it either.
final class SignInThrottle: Sendable {
    enum Verdict: Equatable {
        /// Wrong, and no more than that.
        case wrong
        /// Wrong too often.
        /// - Parameter isNew: whether this is the first time within the window, which is when it is worth a line.
        case throttled(isNew: Bool, retryAfterSeconds: Int)
    }

    private struct Failures {
        var since: Timestamp
        var count: Int
    }

    private let failures = Mutex<[String: Failures]>([:])

    /// - Parameter clientID: as it was sent; nil for a link.
    func noteFailure(of clientID: String?, from address: String, at now: Timestamp) -> Verdict {
        failures.withLock { failures in
            let pair = count(SignInThrottle.pair(clientID, address), up: Limits.signInAttemptsMax, at: now, &failures)
            let whole = count(address, up: Limits.signInAddressAttemptsMax, at: now, &failures)
            guard let verdict = pair ?? whole else { return .wrong }
            return verdict
        }
    }

    func forget(_ clientID: String?, from address: String) {
        _ = failures.withLock { $0.removeValue(forKey: SignInThrottle.pair(clientID, address)) }
    }

    /// How much is kept; for tests.
    var size: Int { failures.withLock { $0.count } }

    /// - Returns: nil while there were no more than may be.
    private func count(
        _ key: String, up countMax: Int, at now: Timestamp, _ failures: inout [String: Failures]
    ) -> Verdict? {
        var own = failures[key] ?? Failures(since: now, count: 0)
        if now >= own.since.advanced(by: Limits.signInWindow) { own = Failures(since: now, count: 0) }
        // One beyond the bound is all there is to know.
        let isNew = own.count == countMax
        own.count = min(own.count + 1, countMax + 1)
        if failures[key] == nil, failures.count >= Limits.signInAddressesMax {
            SignInThrottle.makeRoom(&failures, at: now)
        }
        failures[key] = own
        guard own.count > countMax else { return nil }
        let end = own.since.advanced(by: Limits.signInWindow)
        return .throttled(
            isNew: isNew, retryAfterSeconds: max(1, Int((end.milliseconds - now.milliseconds + 999) / 1000)))
    }

    /// Forgets what is over, and where that is not enough what began first. A quarter at once, so that whoever has very
    /// many addresses or ids does not make each attempt a search.
    private static func makeRoom(_ failures: inout [String: Failures], at now: Timestamp) {
        failures = failures.filter { now < $0.value.since.advanced(by: Limits.signInWindow) }
        let room = Limits.signInAddressesMax / 4
        let tooMany = failures.count - (Limits.signInAddressesMax - room)
        guard tooMany > 0 else { return }
        for (key, _) in failures.sorted(by: { $0.value.since < $1.value.since }).prefix(tooMany) { failures[key] = nil }
    }

    /// Client ids are short; a long one is none, and takes no memory.
    private static func pair(_ clientID: String?, _ address: String) -> String {
        address + " " + (clientID.map { "=" + $0.shortened(toBytes: 64) } ?? "link")
    }
}

extension Problem {
    static func tooManyAttempts(retryAfterSeconds seconds: Int) -> Problem {
        Problem(
            .tooManyAttempts,
            "Too many wrong attempts from here; wait \((seconds + 59) / 60) minutes, or send the right secret.",
            retryAfterSeconds: seconds)
    }
}

import OvationCore
import Synchronization

/// Counts wrong secrets, by address and client id together, and by the address alone. After too many wrong ones the
/// answer is to wait; a right secret still passes, since secrets cannot be guessed, and many people may share an
/// address.
///
/// It does not know which client ids exist, so that its answers do not reveal it.
final class SignInThrottle: Sendable {
    enum Verdict: Equatable {
        /// Wrong, but not too often.
        case wrong
        /// Wrong too often.
        /// - Parameter isNew: whether this is the first time within the window, which is when it is logged.
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

    /// The number of entries; for tests.
    var size: Int { failures.withLock { $0.count } }

    /// - Returns: nil while there were no more than the maximum.
    private func count(
        _ key: String, up countMax: Int, at now: Timestamp, _ failures: inout [String: Failures]
    ) -> Verdict? {
        var own = failures[key] ?? Failures(since: now, count: 0)
        if now >= own.since.advanced(by: Limits.signInWindow) { own = Failures(since: now, count: 0) }
        // Only whether the maximum is exceeded matters.
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

    /// Removes expired entries, and if that is not enough the oldest ones. A quarter at once, so that a client with
    /// very many addresses or ids does not make each attempt a search.
    private static func makeRoom(_ failures: inout [String: Failures], at now: Timestamp) {
        failures = failures.filter { now < $0.value.since.advanced(by: Limits.signInWindow) }
        let room = Limits.signInAddressesMax / 4
        let tooMany = failures.count - (Limits.signInAddressesMax - room)
        guard tooMany > 0 else { return }
        for (key, _) in failures.sorted(by: { $0.value.since < $1.value.since }).prefix(tooMany) { failures[key] = nil }
    }

    /// Client ids are short; a long text is not one, and must take no memory.
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

import Logging
import OvationCore
import Synchronization

/// The lines about refused requests. While a store is away or full, every request is refused for the same reason: then there is
/// a line at first, and more after intervals that double, each with the number of those that were left out.
final class RefusalLog: Sendable {
    private struct Lasting {
        var notice = SparseNotice()
        var leftOut = 0
    }

    private let lasting = Mutex<[Problem.Code: Lasting]>([:])
    private let logger: Logger

    init(_ logger: Logger) {
        self.logger = logger
    }

    func note(_ problem: Problem, requestID: String, at now: ContinuousClock.Instant = .now) {
        guard let cause = problem.cause else { return }
        guard let leftOut = leftOut(before: problem.code, at: now) else { return }
        var metadata: Logger.Metadata = [
            "code": "\(problem.code.rawValue)", "cause": "\(cause)", "request_id": "\(requestID)",
        ]
        if leftOut > 0 { metadata["more_since_last"] = "\(leftOut)" }
        logger.log(level: problem.isOurs ? .error : .debug, "refused", metadata: metadata)
    }

    /// nil: this one is left out.
    private func leftOut(before code: Problem.Code, at now: ContinuousClock.Instant) -> Int? {
        guard [.storeUnavailable, .storageFull].contains(code) else { return 0 }
        return lasting.withLock { lasting in
            var state = lasting[code] ?? Lasting()
            defer { lasting[code] = state }
            guard state.notice.isDue(code.rawValue, at: now) else {
                state.leftOut += 1
                return nil
            }
            defer { state.leftOut = 0 }
            return state.leftOut
        }
    }
}

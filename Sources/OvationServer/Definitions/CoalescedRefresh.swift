import OvationCore
import Synchronization

/// One query for all callers that need its answer. A caller that comes while it runs waits for the next one, and all
/// waiting callers share that.
///
/// So every caller gets an answer from after it came. However many come, only one query runs at a time, and no more
/// often than the interval allows.
final class CoalescedRefresh: Sendable {
    private struct State {
        var isAsked = false
        var endedAt: ContinuousClock.Instant?
        /// true: run the query for all of them; false: another caller has.
        var waiting: [CheckedContinuation<Bool, Never>] = []
    }

    private let state = Mutex(State())
    private let interval: Duration

    init(interval: Duration) {
        self.interval = interval
    }

    var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// Returns when the query has run, by this caller or for it. Returns at once when the maximum number of callers
    /// waits.
    func ask(_ question: () async -> Void) async {
        guard await mustAsk() else { return }
        if let endedAt = state.withLock({ $0.endedAt }) {
            // It runs even if this caller is cancelled: others wait for it.
            try? await ContinuousClock().sleep(until: endedAt.advanced(by: interval))
        }
        let others = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        await question()
        for other in others { other.resume(returning: false) }
        let next = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            state.endedAt = .now
            state.isAsked = !state.waiting.isEmpty
            return state.waiting.isEmpty ? nil : state.waiting.removeFirst()
        }
        next?.resume(returning: true)
    }

    private func mustAsk() async -> Bool {
        await withCheckedContinuation { continuation in
            let answer: Bool? = state.withLock { state in
                if !state.isAsked {
                    state.isAsked = true
                    return true
                }
                guard state.waiting.count < Limits.catchUpQueueMax else { return false }
                state.waiting.append(continuation)
                return nil
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }
}

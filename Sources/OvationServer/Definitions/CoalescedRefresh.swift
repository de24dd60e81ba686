import OvationCore
import Synchronization

/// One question for all who have it: who comes while it is asked waits for the next time, and all who wait share that.
///
/// So everybody gets an answer from after he came, and however many come, the question is asked once at a time and no
/// more often than its interval allows.
final class CoalescedRefresh: Sendable {
    private struct State {
        var isAsked = false
        var endedAt: ContinuousClock.Instant?
        /// true: ask for all of them; false: somebody else has.
        var waiting: [CheckedContinuation<Bool, Never>] = []
    }

    private let state = Mutex(State())
    private let interval: Duration

    init(interval: Duration) {
        self.interval = interval
    }

    var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// Returns when the question was asked, by this caller or for it. Returns at once when as many wait as may.
    func ask(_ question: () async -> Void) async {
        guard await mustAsk() else { return }
        if let endedAt = state.withLock({ $0.endedAt }) {
            // Cut short, it is asked all the same: others wait for it.
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

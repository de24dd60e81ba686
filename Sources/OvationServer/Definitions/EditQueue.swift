import OvationCore
import Synchronization

/// One edit at a time, in the order in which they came: an edit reads the definitions, writes to the store and swaps
/// the new ones in, and no other edit may come between.
final class EditQueue: Sendable {
    private struct State {
        var isBusy = false
        var waiting: [CheckedContinuation<Bool, Never>] = []
    }

    private let state = Mutex(State())

    var isBusy: Bool { state.withLock { $0.isBusy } }
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// - Throws: `busy` when the maximum number of edits waits.
    func withTurn<Value>(_ body: () async throws -> Value) async throws -> Value {
        guard await takeTurn() else {
            throw Problem(
                .busy, "The server has as many changes waiting as it takes; send this one again.", retryAfterSeconds: 1)
        }
        defer { passTurn() }
        return try await body()
    }

    /// false: no turn, because the queue is full.
    private func takeTurn() async -> Bool {
        await withCheckedContinuation { continuation in
            let hasTurn: Bool? = state.withLock { state in
                if !state.isBusy {
                    state.isBusy = true
                    return true
                }
                guard state.waiting.count < Limits.editQueueMax else { return false }
                state.waiting.append(continuation)
                return nil
            }
            if let hasTurn { continuation.resume(returning: hasTurn) }
        }
    }

    private func passTurn() {
        let next = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            if state.waiting.isEmpty {
                state.isBusy = false
                return nil
            }
            return state.waiting.removeFirst()
        }
        next?.resume(returning: true)
    }
}

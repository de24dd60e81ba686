import Dispatch
import Synchronization

/// Tells the caller that starts a thread whether the thread could begin.
final class Started: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)
    private let failure = Mutex<(any Error)?>(nil)

    func succeed() { semaphore.signal() }

    func fail(_ error: any Error) {
        failure.withLock { $0 = error }
        semaphore.signal()
    }

    /// Blocks.
    func wait() throws {
        semaphore.wait()
        if let error = failure.withLock({ $0 }) { throw error }
    }
}

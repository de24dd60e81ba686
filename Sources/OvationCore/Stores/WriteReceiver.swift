/// Who learns what became of a write, after the commit of its group.
public protocol WriteReceiver: AnyObject, Sendable {
    /// Called after the outcome, when the receivers of all writes of the same commit have been told. So who wakes a thread
    /// does so once for all of them.
    func allHaveReceived()
}

/// A task that waits for what becomes of a write.
final class WaitingTask<Outcome: Sendable>: WriteReceiver {
    private let continuation: UnsafeContinuation<Result<Outcome, StoreFailure>, Never>

    init(_ continuation: UnsafeContinuation<Result<Outcome, StoreFailure>, Never>) {
        self.continuation = continuation
    }

    func receive(_ result: Result<Outcome, StoreFailure>) { continuation.resume(returning: result) }

    func allHaveReceived() {}
}

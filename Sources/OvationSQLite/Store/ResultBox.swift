import Synchronization

/// Carries one value from the writer's thread to the task that waits for it.
final class ResultBox<Value: Sendable>: Sendable {
    private let value = Mutex<Value?>(nil)

    func set(_ newValue: Value) {
        value.withLock { $0 = newValue }
    }

    /// The work has succeeded, and so has set the value.
    func take() -> Value {
        value.withLock { $0! }
    }
}

/// Wakes the runner of jobs in this process. What is sent while it is awake wakes it once more.
final class JobSignal: Sendable {
    private let parts = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    /// For one reader.
    var stream: AsyncStream<Void> { parts.stream }

    func send() { parts.continuation.yield() }
}

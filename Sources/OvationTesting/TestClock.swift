public import OvationCore
import Synchronization

/// A time of day that moves only when a test says so.
public final class TestClock: Sendable {
    private let time: Mutex<Timestamp>

    public init(_ start: Timestamp = Fixtures.now) {
        time = Mutex(start)
    }

    public var now: Timestamp { time.withLock { $0 } }

    public func advance(by duration: Duration) {
        time.withLock { $0 = $0.advanced(by: duration) }
    }
}

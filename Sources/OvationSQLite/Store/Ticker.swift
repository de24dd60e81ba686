import Dispatch
import Foundation

/// A thread that does something a few times a second until it is stopped. It runs even when all others wait for a disk.
final class Ticker: Sendable {
    private let stopped = DispatchSemaphore(value: 0)

    init(name: String, every interval: DispatchTimeInterval, _ work: @escaping @Sendable () -> Void) {
        let thread = Thread { [stopped] in
            while stopped.wait(timeout: .now() + interval) == .timedOut { work() }
        }
        thread.name = name
        thread.start()
    }

    func stop() { stopped.signal() }
}

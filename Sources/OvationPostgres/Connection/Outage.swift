import Dispatch
import Foundation
import Synchronization

/// Carries the news that the database is away, or back, among those who have connections to it.
///
/// While it is away a thread of its own answers the requests that have waited too long: the threads that would have done
/// them are busy with trying to come back. As long as all is well it sleeps.
final class Outage: Sendable {
    private struct Party: Sendable {
        let giveUpExpired: @Sendable () -> Bool
        let hurry: @Sendable () -> Void
    }

    private let parties = Mutex<[Party]>([])
    private let alarm = DispatchSemaphore(value: 0)
    private let isStopped = Atomic(false)
    private let finished = DispatchSemaphore(value: 0)

    /// - Parameters:
    ///   - giveUpExpired: answers what has waited too long; gives whether to come again soon.
    ///   - hurry: tries at once to come back.
    func add(giveUpExpired: @escaping @Sendable () -> Bool, hurry: @escaping @Sendable () -> Void) {
        parties.withLock { $0.append(Party(giveUpExpired: giveUpExpired, hurry: hurry)) }
    }

    func start() {
        let thread = Thread { [self] in
            while !isStopped.load(ordering: .acquiring) {
                var isAway = false
                for party in parties.withLock({ $0 }) { isAway = party.giveUpExpired() || isAway }
                if isAway { _ = alarm.wait(timeout: .now() + .milliseconds(100)) } else { alarm.wait() }
            }
            finished.signal()
        }
        thread.name = "ovation-outage"
        thread.start()
    }

    func stop() {
        guard !isStopped.exchange(true, ordering: .acquiringAndReleasing) else { return }
        alarm.signal()
        finished.wait()
        parties.withLock { $0 = [] }
    }

    /// The database is away for somebody.
    func began() {
        alarm.signal()
    }

    /// Somebody has a connection again. Called without a lock of the caller's.
    func ended() {
        for party in parties.withLock({ $0 }) { party.hurry() }
    }
}

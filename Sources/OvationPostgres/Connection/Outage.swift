import Dispatch
import Foundation
import Synchronization

/// Tells all pools of a database when it is away, or a node of it, and when it is back.
///
/// While the database is away, a separate thread answers the requests that have waited too long, because the threads
/// that would serve them are busy connecting again. Otherwise that thread sleeps.
final class Outage: Sendable {
    private struct Party: Sendable {
        let giveUpExpired: @Sendable () -> Bool
        let hurry: @Sendable () -> Void
        let suspect: @Sendable (_ node: Int64, _ why: String) -> Void
    }

    private let parties = Mutex<[Party]>([])
    private let alarm = DispatchSemaphore(value: 0)
    private let isStopped = Atomic(false)
    private let finished = DispatchSemaphore(value: 0)

    /// - Parameters:
    ///  - giveUpExpired: answers requests that have waited too long; returns whether to call it again soon.
    ///  - hurry: tries at once to connect again.
    ///  - suspect: a node does not answer; its other connections are made anew before they are used again.
    func add(
        giveUpExpired: @escaping @Sendable () -> Bool, hurry: @escaping @Sendable () -> Void,
        suspect: @escaping @Sendable (_ node: Int64, _ why: String) -> Void
    ) {
        parties.withLock { $0.append(Party(giveUpExpired: giveUpExpired, hurry: hurry, suspect: suspect)) }
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

    /// The database is away for one of the pools.
    func began() {
        alarm.signal()
    }

    /// One of the pools found that a node is away. Call it without holding a lock.
    func lost(node: Int64, why: String) {
        for party in parties.withLock({ $0 }) { party.suspect(node, why) }
        alarm.signal()
    }

    /// One of the pools has a connection again. Call it without holding a lock.
    func ended() {
        for party in parties.withLock({ $0 }) { party.hurry() }
    }
}

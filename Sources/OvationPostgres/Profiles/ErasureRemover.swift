import Dispatch
import Foundation
import Logging
import OvationCore
import OvationRows
import Synchronization

/// The thread that removes what is stored of erased profiles, beside the lanes: nothing that it does holds up a post. It is
/// connected only while there is something to remove. Where several servers share the database, one at a time takes a step.
final class ErasureRemover: Sendable {
    private let isClosed = Atomic(false)
    private let wake = DispatchSemaphore(value: 0)
    private let finished = DispatchSemaphore(value: 0)
    private let target: ConnectionTarget
    private let limits: Limits
    private let logger: Logger

    init(_ target: ConnectionTarget, limits: Limits, logger: Logger) {
        (self.target, self.limits, self.logger) = (target, limits, logger)
        let thread = Thread { [self] in
            run()
            finished.signal()
        }
        thread.name = "ovation-erasures"
        thread.start()
    }

    /// This server has erased a profile.
    func hurry() { wake.signal() }

    /// The step under way is ended; what is left is removed by the next server. Blocks.
    func close() {
        guard !isClosed.exchange(true, ordering: .acquiringAndReleasing) else { return }
        wake.signal()
        finished.wait()
    }

    // MARK: The thread

    /// What the thread knows from one round to the next.
    private struct State {
        var failures = 0
        var notice = SparseNotice()
        /// Positions of erasures that this server leaves alone until it is started again.
        var damaged: Set<Int64> = []
    }

    private var mustEnd: Bool { isClosed.load(ordering: .acquiring) }

    private func run() {
        var state = State()
        while !mustEnd {
            do throws(PostgresFailure) {
                try removeAll(&state)
                _ = state.notice.end()
                state.failures = 0
                // An erasure of another server, which may have ended.
                wait(Limits.erasurePoll)
            } catch {
                note(error, &state)
                wait(ConnectionPool<Never>.backOff(after: state.failures, spread: .random(in: 0...1)))
            }
        }
    }

    private func note(_ failure: PostgresFailure, _ state: inout State) {
        if failure.isDamage {
            return logger.error(
                "a profile was erased, and what it held cannot be removed", metadata: ["why": "\(failure)"])
        }
        state.failures += 1
        // The lanes tell of a database that is away.
        guard !failure.isConnectionLost, !failure.isWorthRepeating else { return }
        if state.notice.isDue("\(failure)", at: .now) {
            logger.warning("erased profiles are not removed just now", metadata: ["why": "\(failure.advised)"])
        }
    }

    private func wait(_ duration: Duration) {
        _ = wake.wait(timeout: .now() + .milliseconds(Int((duration / .milliseconds(1)).rounded(.up))))
    }

    /// Returns when nothing is left, or when another server is at it.
    private func removeAll(_ state: inout State) throws(PostgresFailure) {
        let connection = try Session.open(target, for: .writing, patience: limits.databaseAnswerMax)
        defer { connection.close() }
        guard try ErasureRemoval.isOpen(connection, but: state.damaged) else { return }
        let results = try connection.run([Command(Locks.takeSlot), Command(Locks.tryServe)])
        // Neither of them is worth a word: the lanes have them, or say so.
        guard results[0].count == 1, results[1].bool(0, 0) else { return }
        let removal = ErasureRemoval(
            connection, slot: results[0].int64(0, 0), rowsMax: limits.erasureRowsMax, leaving: state.damaged)
        defer { state.damaged = removal.damaged }
        while !mustEnd {
            let start = ContinuousClock.now
            guard try removal.step(at: .now) == .removed else { return }
            state.failures = 0
            // Half of the time is for others.
            wait(ContinuousClock.now - start)
        }
    }
}

import Dispatch
import Foundation
import Logging
import OvationCore
import Synchronization

/// Listens on its own connection and thread for PostgreSQL's notices that a server has changed definitions or keys.
///
/// A notice is lost if its connection breaks. So nothing may depend on one: followers also ask from time to time, and a
/// lost connection only costs speed. It is opened again after intervals that double.
final class ChangeListener: Sendable {
    private struct State {
        var listeners: [Int: AsyncStream<Void>.Continuation] = [:]
        var number = 0
        var isStarted = false
        var isClosed = false
    }

    private let state = Mutex(State())
    private let wake: WakeSignal
    private let finished = DispatchSemaphore(value: 0)
    private let target: ConnectionTarget
    private let limits: Limits
    private let logger: Logger

    /// How long a connection may be silent before the listener checks it.
    private static let silenceMax = Duration.seconds(30)

    init(_ target: ConnectionTarget, limits: Limits, logger: Logger) {
        self.target = target
        self.limits = limits
        self.logger = logger
        wake = WakeSignal()
    }

    /// One element when something may have changed, also each time a connection is made: notices in between were lost.
    /// Elements that no one has taken yet count once.
    func changes() -> AsyncStream<Void> {
        AsyncStream(bufferingPolicy: .bufferingNewest(1)) { continuation in
            let (number, mustStart) = state.withLock { state -> (Int?, Bool) in
                guard !state.isClosed else { return (nil, false) }
                state.number += 1
                state.listeners[state.number] = continuation
                defer { state.isStarted = true }
                return (state.number, !state.isStarted)
            }
            guard let number else { return continuation.finish() }
            continuation.onTermination = { [weak self] _ in self?.forget(number) }
            guard mustStart else { return }
            let thread = Thread { [self] in
                run()
                finished.signal()
            }
            thread.name = "ovation-listener"
            thread.start()
        }
    }

    /// Ends the thread and all streams. Blocks.
    func close() {
        let (listeners, isStarted) = state.withLock { state in
            defer { state.listeners = [:] }
            state.isClosed = true
            return (Array(state.listeners.values), state.isStarted)
        }
        for listener in listeners { listener.finish() }
        guard isStarted else { return }
        wake.signal()
        finished.wait()
    }

    private var isClosed: Bool { state.withLock { $0.isClosed } }

    private func forget(_ number: Int) {
        state.withLock { $0.listeners[number] = nil }
    }

    private func tell() {
        for listener in state.withLock({ Array($0.listeners.values) }) { listener.yield() }
    }

    // MARK: The thread

    private func run() {
        var failures = 0
        while !isClosed {
            do throws(PostgresFailure) {
                let connection = try Session.open(target, for: .reading, patience: limits.databaseAnswerMax)
                try connection.run([Command(AccountSQL.listen)])
                if failures > 0 { logger.info("notices of changes by other servers arrive again") }
                failures = 0
                try listen(on: connection)
            } catch {
                if failures == 0 {
                    logger.info(
                        "no notices of changes by other servers; this server asks for changes instead",
                        metadata: ["why": "\(error)"])
                }
                failures += 1
                wake.wait(for: ConnectionPool<Never>.backOff(after: failures, spread: .random(in: 0...1)))
            }
        }
    }

    private func listen(on connection: PostgresConnection) throws(PostgresFailure) {
        tell()
        while !isClosed {
            switch try connection.awaitNotice(for: ChangeListener.silenceMax, orUntil: wake) {
            case .notice: tell()
            case .silence: try connection.run([Command(AccountSQL.isThere)])
            case .woken: return
            }
        }
    }
}

/// Ends the wait of a thread that waits for a socket. Once given, the signal stays.
final class WakeSignal: Sendable {
    /// The reading end of a pipe, if there is one: it is readable after the signal was given.
    let descriptor: CInt
    private let end: CInt

    init() {
        var ends: [CInt] = [-1, -1]
        // Without a pipe a wait ends only by its deadline.
        _ = pipe(&ends)
        (descriptor, end) = (ends[0], ends[1])
        for end in ends where end >= 0 { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    }

    deinit {
        for end in [descriptor, end] where end >= 0 { close(end) }
    }

    func signal() {
        var byte: UInt8 = 1
        _ = write(end, &byte, 1)
    }

    /// Blocks for this long, or until the signal.
    func wait(for duration: Duration) {
        var descriptor = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        _ = poll(&descriptor, 1, CInt((duration / .milliseconds(1)).rounded(.up)))
    }
}

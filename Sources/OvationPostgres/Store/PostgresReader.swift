import Dispatch
import Foundation
import Logging
import OvationCore
import Synchronization

/// Reads on separate threads, each with a connection: a slow query never blocks a thread that handles requests, and
/// never waits for a commit. They ask the server that writes, so they see every acknowledged commit.
final class PostgresReader: Sendable {
    private struct Read: Sendable {
        /// Answers the caller, unless the connection broke: then it can run again.
        let run: @Sendable (PostgresConnection) -> PostgresFailure?
        let fail: @Sendable (StoreFailure) -> Void
    }

    private enum Step {
        case connect
        case read(Read)
        case sleep(until: ContinuousClock.Instant?)
        case end
    }

    private let pool: Mutex<ConnectionPool<Read>>
    private let wakes: [DispatchSemaphore]
    private let finished = DispatchGroup()
    private let target: ConnectionTarget
    private let limits: Limits
    private let logger: Logger
    private let outage: Outage

    init(_ target: ConnectionTarget, limits: Limits, outage: Outage, logger: Logger) {
        self.target = target
        self.limits = limits
        self.outage = outage
        self.logger = logger
        let threads = max(limits.databaseReaders, 1)
        pool = Mutex(
            ConnectionPool(slots: threads, waitingMax: limits.readerQueueMax, patience: limits.databasePatience))
        wakes = (0..<threads).map { _ in DispatchSemaphore(value: 0) }
        for number in 0..<threads {
            finished.enter()
            let thread = Thread { [self] in
                run(number)
                finished.leave()
            }
            thread.name = "ovation-reader-\(number + 1)"
            thread.start()
        }
        outage.add(giveUpExpired: { [self] in giveUpExpired() }, hurry: { [self] in hurry() })
    }

    /// Sees every commit that was acknowledged before the call. It writes nothing, so it may run twice.
    func read<Value: Sendable>(
        _ query: @escaping @Sendable (PostgresConnection) throws -> Value
    ) async throws(StoreFailure) -> Value {
        let result: Result<Value, StoreFailure> = await withUnsafeContinuation { continuation in
            read(query) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    /// The same, for somebody who does not wait.
    /// - Parameter reply: called once, on the thread of the read.
    func read<Value: Sendable>(
        _ query: @escaping @Sendable (PostgresConnection) throws -> Value,
        reply: @escaping @Sendable (Result<Value, StoreFailure>) -> Void
    ) {
        enqueue(
            Read(
                run: { connection in
                    do {
                        reply(.success(try query(connection)))
                    } catch let failure as PostgresFailure {
                        // A node that is away must not hold the threads for reads of the others.
                        if failure.isConnectionLost || failure.isWorthRepeating { return failure }
                        reply(.failure(StoreFailure(failure)))
                    } catch {
                        reply(.failure(error as? StoreFailure ?? StoreFailure(.unavailable, "\(error)")))
                    }
                    return nil
                },
                fail: { reply(.failure($0)) }))
    }

    /// Ends when the reads under way have ended; waiting reads are refused. Blocks.
    func close() {
        let waiting = pool.withLock { pool in
            pool.close()
            return pool.takeAll()
        }
        for read in waiting { read.fail(PostgresReader.closing) }
        for wake in wakes { wake.signal() }
        finished.wait()
    }

    /// Answers requests that have waited too long. Returns whether the database is away.
    func giveUpExpired() -> Bool {
        let (expired, why) = pool.withLock { pool in (pool.takeExpired(at: .now), pool.reason) }
        for read in expired { read.fail(PostgresWriter.away(why ?? "")) }
        return why != nil
    }

    private static let closing = StoreFailure(.closed, "the store is closing")

    private func enqueue(_ read: Read) {
        let (refusal, slot) = pool.withLock { pool in (pool.offer(read, at: .now), pool.wakeOne()) }
        if let slot { wakes[slot].signal() }
        switch refusal {
        case nil: break
        case .busy?: read.fail(StoreFailure(.busy, "\(limits.readerQueueMax) reads are waiting"))
        case .closed?: read.fail(PostgresReader.closing)
        case .away(let why)?: read.fail(PostgresWriter.away(why))
        }
    }
}

// MARK: - The threads

extension PostgresReader {
    private func run(_ slot: Int) {
        var connection: PostgresConnection?
        while true {
            switch next(slot) {
            case .connect: connection = connect(slot)
            case .read(let read): perform(read, slot, &connection)
            case .sleep(let until): sleep(slot, until: until)
            case .end: return
            }
        }
    }

    private func next(_ slot: Int) -> Step {
        pool.withLock { pool in
            switch pool.next(for: slot, at: .now) {
            case .connect: return .connect
            case .sleep(let until): return .sleep(until: until)
            case .end: return .end
            case .work:
                guard let read = pool.takeFirst() else { return .sleep(until: .now) }
                return .read(read)
            }
        }
    }

    private func perform(_ read: Read, _ slot: Int, _ connection: inout PostgresConnection?) {
        var budget = RetryBudget(patience: limits.databasePatience)
        var tries = 0
        while true {
            guard let current = connection ?? connect(slot) else {
                // The connection may come back until the deadline.
                let wait = ConnectionPool<Never>.backOff(after: min(tries + 1, 4), spread: 0.5)
                tries += 1
                guard let deadline = budget.deadline, ContinuousClock.now.advanced(by: wait) < deadline else {
                    return read.fail(PostgresWriter.away(pool.withLock { $0.reason } ?? ""))
                }
                Thread.sleep(forTimeInterval: wait / .seconds(1))
                continue
            }
            connection = current
            let failure = read.run(current)
            if let failure, failure.isConnectionLost {
                drop(&connection, slot, failure)
            } else {
                do throws(PostgresFailure) {
                    try current.rollBackIfNeeded()
                } catch {
                    drop(&connection, slot, error)
                }
            }
            guard let failure else { return }
            guard let pause = budget.pause(after: failure, triesMax: 3) else {
                return read.fail(StoreFailure(failure))
            }
            Thread.sleep(forTimeInterval: pause / .seconds(1))
        }
    }

    private func connect(_ slot: Int) -> PostgresConnection? {
        do throws(PostgresFailure) {
            let connection = try Session.open(target, for: .reading, patience: limits.databaseAnswerMax)
            let wasAway = pool.withLock { $0.didConnect(slot) }
            guard wasAway else { return connection }
            logger.notice("the database can be read again")
            outage.ended()
            return connection
        } catch {
            didFail(slot, error)
            return nil
        }
    }

    private func hurry() {
        for slot in pool.withLock({ $0.hurry(at: .now) }) { wakes[slot].signal() }
    }

    private func drop(_ connection: inout PostgresConnection?, _ slot: Int, _ failure: PostgresFailure) {
        connection?.close()
        connection = nil
        didFail(slot, failure)
    }

    private func didFail(_ slot: Int, _ failure: PostgresFailure) {
        let isNew = pool.withLock { pool in
            pool.didFail(slot, why: failure.advised, at: .now, spread: .random(in: 0...1))
        }
        guard isNew else { return }
        logger.warning("the database cannot be read", metadata: ["why": "\(failure.advised)"])
        outage.began()
    }

    private func sleep(_ slot: Int, until: ContinuousClock.Instant?) {
        guard let until else { return wakes[slot].wait() }
        let left = max((until - .now) / .milliseconds(1), 0)
        _ = wakes[slot].wait(timeout: .now() + .milliseconds(Int(left.rounded(.up))))
    }
}

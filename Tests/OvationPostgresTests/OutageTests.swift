import Foundation
import Logging
import OvationCore
import OvationTesting
import Synchronization
import Testing

@testable import OvationPostgres

/// What clients sent, and what they were told of it.
private final class Ledger: Sendable {
    private struct State {
        var acknowledged: Set<Int> = []
        var unknown: Set<Int> = []
        var refused: [Int: StoreFailure.Code] = [:]
        var slowest = Duration.zero
        var isOver = false
    }

    private let state = Mutex(State())

    var acknowledged: Set<Int> { state.withLock { $0.acknowledged } }
    var unknown: Set<Int> { state.withLock { $0.unknown } }
    var refused: Set<Int> { state.withLock { Set($0.refused.keys) } }
    var refusals: Set<StoreFailure.Code> { state.withLock { Set($0.refused.values) } }
    var slowest: Duration { state.withLock { $0.slowest } }
    var isOver: Bool { state.withLock { $0.isOver } }

    func end() { state.withLock { $0.isOver = true } }

    func note(_ number: Int, _ failure: StoreFailure?, after duration: Duration) {
        state.withLock { state in
            state.slowest = max(state.slowest, duration)
            switch failure?.code {
            case nil: state.acknowledged.insert(number)
            case .outcomeUnknown?: state.unknown.insert(number)
            case let code?: state.refused[number] = code
            }
        }
    }
}

@Suite("PostgresStore: outages", .serialized)
struct OutageTests {
    private static let posters = 6

    /// Posts under load, each event with a number of its own, while something is done to the database.
    private func drill(
        _ database: Database, _ disturb: @escaping @Sendable (PostgresStore, Ledger) async throws -> Void
    ) async throws -> Ledger {
        let store = try database.open()
        defer { store.close() }
        try await store.found()
        let ledger = Ledger()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for poster in 0..<Self.posters {
                group.addTask {
                    var number = poster
                    while !ledger.isOver {
                        number += Self.posters
                        await Self.post(number, to: store, ledger)
                        // A refusal at once suspends no task, and other tasks need their turn.
                        await Task.yield()
                    }
                }
            }
            group.addTask {
                // Where it fails, too: those who post would go on for ever.
                defer { ledger.end() }
                try await disturb(store, ledger)
            }
            try await group.waitForAll()
        }
        // All is well again by itself.
        try await SharedDatabaseTests.eventually {
            await Self.post(-1, to: store, ledger)
            return ledger.acknowledged.contains(-1)
        }
        let stored = try database.query("SELECT data FROM event ORDER BY event_id").split(separator: "\n").compactMap {
            Int($0.dropFirst("{\"n\":".count).dropLast())
        }
        #expect(Set(stored).count == stored.count, "nothing is stored twice")
        #expect(ledger.acknowledged.isSubset(of: stored), "nothing that was acknowledged is lost")
        #expect(ledger.refused.subtracting([-1]).isDisjoint(with: stored), "what was refused is not stored")
        let usage = try await store.usage(account: 1).reduce(0) { $0 + $1.events }
        #expect(usage == stored.count)
        return ledger
    }

    private static func post(_ number: Int, to store: PostgresStore, _ ledger: Ledger) async {
        let start = ContinuousClock.now
        var failure: StoreFailure?
        do throws(StoreFailure) {
            let batch = try? Fixtures.batch("p\(number % 40)@b.se", times: [1], data: "{\"n\":\(number)}")
            guard let batch else { return }
            _ = try await store.append(batch)
        } catch {
            failure = error
        }
        ledger.note(number, failure, after: ContinuousClock.now - start)
    }

    /// Until so many more were acknowledged.
    private static func progress(_ ledger: Ledger, by count: Int) async throws {
        let goal = ledger.acknowledged.count + count
        try await SharedDatabaseTests.eventually { ledger.acknowledged.count >= goal }
    }

    @Test("connections that are cut under load lose nothing and store nothing twice")
    func cutsConnections() async throws {
        let database = try Database()
        let name = String(database.target.split(separator: " ")[1].dropFirst("dbname=".count))
        let ledger = try await drill(database) { _, ledger in
            for _ in 0..<25 {
                try await Self.progress(ledger, by: 40)
                _ = try database.server.query(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '\(name)'")
            }
        }
        #expect(ledger.unknown.isEmpty, "the store finds out what became of a commit")
    }

    @Test("PostgreSQL that crashes and comes back under load loses nothing and stores nothing twice")
    func crashes() async throws {
        let database = try Database(server: PostgresServer())
        let ledger = try await drill(database) { _, ledger in
            for round in 0..<6 {
                try await Self.progress(ledger, by: 200)
                try database.server.stop(round.isMultiple(of: 2) ? "immediate" : "fast")
                try database.server.start()
            }
        }
        #expect(ledger.refusals.isSubset(of: [.unavailable]))
        try database.server.stop()
    }

    @Test("while PostgreSQL is away, posts and reads are refused within two seconds, and soon at once")
    func answersMeanwhile() async throws {
        let database = try Database(server: PostgresServer())
        let ledger = try await drill(database) { store, ledger in
            try await Self.progress(ledger, by: 50)
            try database.server.stop("immediate")
            try await SharedDatabaseTests.eventually { !ledger.refused.isEmpty }
            let start = ContinuousClock.now
            await #expect(throws: StoreFailure(.unavailable, "")) { _ = try await store.load() }
            await #expect(throws: StoreFailure(.unavailable, "")) { try await store.check() }
            // A late caller does not wait.
            await #expect(throws: StoreFailure(.unavailable, "")) {
                _ = try await store.append(Fixtures.batch("late@b.se", times: [1]))
            }
            #expect(ContinuousClock.now - start < .seconds(4))
            try database.server.start()
            try await Self.progress(ledger, by: 50)
        }
        // Not a test of speed: two seconds are the promise, and a busy machine gets another.
        #expect(ledger.slowest < .seconds(3))
        try database.server.stop()
    }

    @Test("a commit that a synchronous standby did not confirm is not acknowledged, and its outcome is unknown")
    func provesCommits() async throws {
        let server = try PostgresServer()
        let database = try Database(server: server)
        var limits = Database.few
        limits.databaseAnswerMax = .seconds(2)
        let store = try database.open(limits)
        defer { store.close() }
        try await store.found()
        let batch = try Fixtures.batch("a@b.se", times: [1])
        _ = try await store.append(batch)
        try server.query("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        try server.query("SELECT pg_reload_conf()")
        let waiting = "FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        let stored = try await withThrowingTaskGroup(of: Int.self, returning: Int.self) { group in
            group.addTask { await Self.appendUntilRefused(batch, to: store) }
            try await SharedDatabaseTests.eventually { try server.query("SELECT count(*) \(waiting)") != "0" }
            // PostgreSQL then only warns, and says that it has committed.
            try server.query("SELECT pg_cancel_backend(pid) \(waiting)")
            return try await group.next() ?? 0
        }
        try server.query("ALTER SYSTEM RESET synchronous_standby_names")
        try server.query("SELECT pg_reload_conf()")
        var tries = 0
        try await SharedDatabaseTests.eventually {
            tries += 1
            do throws(StoreFailure) {
                return try await store.append(batch) == .stored
            } catch {
                return false
            }
        }
        // The first, those before the setting took effect, the one with the unknown outcome, and those since.
        let events = try await store.usage(account: 1).map(\.events).reduce(0, +)
        #expect((stored + 3...stored + 2 + tries).contains(Int(events)))
        try server.stop()
    }

    /// PostgreSQL heeds a new setting a moment after it was told; until then it stores as before.
    /// - Returns: how many were stored.
    private static func appendUntilRefused(_ batch: EventBatch, to store: PostgresStore) async -> Int {
        var stored = 0
        while !Task.isCancelled {
            do throws(StoreFailure) {
                _ = try await store.append(batch)
                stored += 1
            } catch {
                #expect(error.code == .outcomeUnknown, "\(error)")
                break
            }
        }
        return stored
    }

    @Test("a start waits for a database that is starting too")
    func waitsAtStart() async throws {
        let server = try PostgresServer()
        let database = try Database(server: server)
        try server.stop()
        let store = try await withThrowingTaskGroup(of: PostgresStore?.self) { group in
            group.addTask { try database.open() }
            group.addTask {
                try server.start()
                return nil
            }
            return try await group.reduce(into: nil) { $0 = $0 ?? $1 }
        }
        try await store?.check()
        store?.close()
        try server.stop()
    }
}

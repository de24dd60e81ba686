import Foundation
import OvationCore
import OvationRows
import OvationTesting
import Synchronization
import Testing

@testable import OvationPostgres

/// What several servers on one database know of the states of profiles.
@Suite("PostgresStore: states of profiles", .serialized)
struct ProfileStateTests {
    private static let refused = AppendOutcome.refused([RefusedProfile(index: 0, state: .locked)])

    private let database: Database

    init() throws {
        database = try Database()
    }

    private func events(_ store: PostgresStore, _ key: String) async throws -> [Int64] {
        let filter = EventFilter(profile: try Fixtures.address(key), section: 2)
        return try await store.events(filter, after: nil, limit: 1000)?.events.map(\.id) ?? []
    }

    @Test(
        "a lock by one server holds for the next group of every other one", arguments: [Database.few, Database.crowded])
    func holdsElsewhere(limits: Limits) async throws {
        let stores = try (0..<3).map { _ in try database.open(limits) }
        defer { for store in stores { store.close() } }
        try await stores[0].found()
        let keys = (0..<12).map { "p\($0)@b.se" }
        // Every lane of every server knows them.
        for store in stores { for key in keys { _ = try await store.append(Fixtures.batch(key, times: [1])) } }
        for (round, key) in keys.enumerated() where round.isMultiple(of: 2) {
            Fixtures.expectChanged(try await stores[round % 3].change(Fixtures.lock(key)))
            for store in stores {
                #expect(try await store.append(Fixtures.batch(key, times: [2])) == Self.refused)
                #expect(try await store.append(Fixtures.batch(keys[round + 1], times: [2])) == .stored)
                #expect(try await store.change(Fixtures.lock(key)) == .unchanged)
            }
            #expect(try await events(stores[0], key).count == 3)
        }
        let rows = try database.query("SELECT kind, state, at, actor FROM profile_change ORDER BY position LIMIT 1")
        #expect(rows == "locked|1|\(Fixtures.now.milliseconds)|me")
        // A server that starts now knows it too.
        let late = try database.open(limits)
        defer { late.close() }
        #expect(try await late.append(Fixtures.batch(keys[0], times: [3])) == Self.refused)
        #expect(try await late.append(Fixtures.batch(keys[1], times: [3])) == .stored)
    }

    /// When a post began, what became of it, in the order of one clock.
    private struct Told {
        let began: ContinuousClock.Instant
        let outcome: AppendOutcome
    }

    /// What several tasks share.
    private final class Race: Sendable {
        let isOver = Atomic(false)
        private let list = Mutex<[Told]>([])

        var told: [Told] { list.withLock { $0 } }

        func note(_ new: Told) { list.withLock { $0.append(new) } }
    }

    @Test("with posts through two servers all the time: what is stored came before the lock", arguments: 0..<12)
    func races(round: Int) async throws {
        let stores = [try database.open(), try database.open(Database.crowded)]
        defer { for store in stores { store.close() } }
        try await stores[0].found()
        for store in stores { _ = try await store.append(Fixtures.batch("a@b.se", times: [0])) }
        let race = Race()
        let (position, answered) = try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<8 {
                group.addTask {
                    // Until some have begun after the lock was answered.
                    while !race.isOver.load(ordering: .acquiring) {
                        let began = ContinuousClock.now
                        let key = number < 6 ? "a@b.se" : "other\(number)@b.se"
                        let outcome = try await stores[number % 2].append(Fixtures.batch(key, times: [1]))
                        if number < 6 { race.note(Told(began: began, outcome: outcome)) }
                    }
                }
            }
            try await SharedDatabaseTests.eventually { race.told.count > 5 * (round + 1) }
            let outcome = try await stores[round % 2].change(Fixtures.lock("a@b.se"))
            let answered = ContinuousClock.now
            try await SharedDatabaseTests.eventually { race.told.count { $0.began > answered } > 6 }
            race.isOver.store(true, ordering: .releasing)
            try await group.waitForAll()
            guard case .changed(let position?) = outcome else { throw StoreFailure(.unusable, "\(outcome)") }
            return (position, answered)
        }
        let all = race.told
        #expect(all.allSatisfy { $0.outcome == .stored || $0.outcome == Self.refused })
        #expect(all.filter { $0.began > answered }.allSatisfy { $0.outcome == Self.refused })
        let ids = try await events(stores[0], "a@b.se")
        #expect(ids.count == all.count { $0.outcome == .stored } + 2)
        // Ids are drawn in the order of the commits as far as the lock is concerned.
        #expect(ids.allSatisfy { $0 < position })
    }

    @Test("of very many changes a server forgets what it knows, and asks anew")
    func learnsOfMany() async throws {
        let store = try database.open()
        defer { store.close() }
        try await store.found()
        for key in ["a@b.se", "b@b.se"] { _ = try await store.append(Fixtures.batch(key, times: [1])) }
        let id = try Fixtures.address("a@b.se").foundingID.value
        for count in [Limits.statesLearnedMax, Limits.statesLearnedMax + 1] {
            // As another server would have left it.
            _ = try database.query(
                """
                DELETE FROM profile_change;
                INSERT INTO profile_change SELECT number + 1000000 * \(count), 1, number, 'locked', 1, 0, 'me', NULL, ''
                    FROM generate_series(1, \(count) - 1) AS number;
                INSERT INTO profile_change VALUES (1 + 2000000 * \(count)::bigint, 1, \(id), 'locked', 1, 0, 'me', NULL, '');
                UPDATE profile SET state = 1 WHERE profile_id = \(id);
                SELECT setval('profile_state', 1 + 2000000 * \(count)::bigint)
                """)
            #expect(try await store.append(Fixtures.batch("a@b.se", times: [2])) == Self.refused)
            #expect(try await store.append(Fixtures.batch("b@b.se", times: [2])) == .stored)
        }
    }

    @Test("a number of a change that was rolled back changes nothing")
    func survivesRollback() async throws {
        let store = try database.open()
        defer { store.close() }
        try await store.found()
        _ = try await store.append(Fixtures.batch("a@b.se", times: [1]))
        _ = try database.query("SELECT setval('profile_state', 1000000)")
        for _ in 0..<2 { #expect(try await store.append(Fixtures.batch("a@b.se", times: [2])) == .stored) }
        Fixtures.expectChanged(try await store.change(Fixtures.lock("a@b.se")))
        #expect(try await store.append(Fixtures.batch("a@b.se", times: [3])) == Self.refused)
    }

    @Test("a change that cannot have the order to itself is given up in time, and the posts beside it are stored")
    func givesUp() async throws {
        var limits = Database.few
        limits.writerLanes = 1
        let store = try database.open(limits)
        defer { store.close() }
        try await store.found()
        for key in ["a@b.se", "b@b.se"] { _ = try await store.append(Fixtures.batch(key, times: [1])) }
        let other = try Session.open(ConnectionTarget(database.target), for: .writing, patience: .seconds(9))
        try other.run([Command(.begin), Command(Locks.shareOrder)])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await #expect(throws: StoreFailure(.unavailable, "")) {
                    _ = try await store.change(Fixtures.lock("a@b.se"))
                }
            }
            for number in 0..<5 {
                group.addTask {
                    let outcome = try await store.append(Fixtures.batch("b@b.se", times: [Int64(number)]))
                    #expect(outcome == .stored)
                }
            }
            try await group.waitForAll()
        }
        try other.run([Command(.commit)])
        #expect(try await store.append(Fixtures.batch("a@b.se", times: [2])) == .stored)
        Fixtures.expectChanged(try await store.change(Fixtures.lock("a@b.se")))
    }

    // MARK: What it costs

    /// Runs a group as a lane does, and counts what it asks of the database.
    private func cost(
        _ writes: [QueuedWrite], on connection: PostgresConnection, _ memory: LaneMemory, _ limits: Limits
    ) throws -> [Int] {
        let before = (connection.roundTrips, connection.statements)
        try GroupTransaction(writes, on: connection, slot: 9000, isSpread: false, memory, limits).run()
        return [connection.roundTrips - before.0, connection.statements - before.1]
    }

    /// A write that nobody waits for.
    private func post(_ key: String, time: Int64) throws -> QueuedWrite {
        .append(try Fixtures.batch(key, times: [time]), NobodyWaits())
    }

    @Test("a group of posts to known profiles takes two round trips and six statements, whatever was locked before")
    func costsNothing() async throws {
        let limits = Database.few
        let store = try database.open(limits)
        defer { store.close() }
        try await store.found()
        let connection = try Session.open(ConnectionTarget(database.target), for: .writing, patience: .seconds(9))
        let memory = LaneMemory(limits: limits, forgetting: store.forgetting)
        memory.forgetProfiles(stateNumber: try connection.run(ChangeSQL.stateNumber).int64(0, 0))
        let keys = ["a@b.se", "b@b.se", "c@b.se"]
        func group(_ time: Int64) throws -> [QueuedWrite] {
            var writes: [QueuedWrite] = []
            for key in keys { writes.append(try post(key, time: time)) }
            return writes
        }
        // Looks for old refused posts once, and for the profiles.
        _ = try cost(try group(1), on: connection, memory, limits)
        #expect(try cost(try group(2), on: connection, memory, limits) == [2, 6])
        _ = try await store.append(Fixtures.batch("d@b.se", times: [1]))
        Fixtures.expectChanged(try await store.change(Fixtures.lock("d@b.se")))
        // It asks once what has changed.
        #expect(try cost(try group(3), on: connection, memory, limits) == [3, 7])
        #expect(try cost(try group(4), on: connection, memory, limits) == [2, 6])
        let merge = ProfileChange.Operation.merge(try Fixtures.address("b", keyspace: 4), Fixtures.mergeRules)
        for key in keys.prefix(1) {
            let change = ProfileChange(
                profile: try Fixtures.address(key), at: Fixtures.now, actor: "me", precondition: .none,
                operations: [merge])
            Fixtures.expectChanged(try await store.change(change))
        }
        // A post asks nothing of members.
        #expect(try cost(try group(5), on: connection, memory, limits) == [2, 6])
        let change = QueuedWrite.change(try Fixtures.lock("c@b.se"), NobodyWaits())
        // A timeout for the lock, the members, the row of what became of the profile, read and written; all that it holds, for
        // its consents; the state, the row of the change and its number; and no events and usage.
        #expect(try cost([change], on: connection, memory, limits) == [2, 12])
    }
}

/// For writes whose outcome no test waits for.
final class NobodyWaits: AppendReceiver, ChangeReceiver {
    func receive(_ result: Result<AppendOutcome, StoreFailure>) {}

    func receive(_ result: Result<ProfileChangeOutcome, StoreFailure>) {}

    func allHaveReceived() {}
}

import OvationCore
import OvationRows
import OvationTesting
import Testing

@testable import OvationPostgres

/// What is removed of erased profiles after the commit, step by step.
@Suite("PostgresStore: the removal of erased profiles", .serialized)
struct ErasureRemovalTests {
    private let database: Database
    /// Keeps the servers from removing anything, and may do so itself.
    private let holder: PostgresConnection

    private static let hold = Statement("hold", "SELECT pg_advisory_lock(1330004545, 5)")
    private static let release = Statement("release", "SELECT pg_advisory_unlock(1330004545, 5)")

    init() throws {
        database = try Database()
        try database.open().close()
        holder = try Session.open(ConnectionTarget(database.target), for: .writing, patience: .seconds(30))
        try holder.run([Command(Self.hold)])
    }

    /// Seven events in two sections, five changes, three values and two tags.
    private func fill(_ store: PostgresStore, _ key: String) async throws {
        _ = try await store.append(Fixtures.batch(key, times: [1, 2, 3, 4]))
        _ = try await store.append(Fixtures.batch(key, times: [-1, 2, 2], version: 12, section: 3))
        for number in 1...4 {
            let edits = [Fixtures.set(1, .integer(Int64(number))), Fixtures.set(Int64(number % 2 + 2), .integer(7))]
            Fixtures.expectChanged(try await store.change(Fixtures.update(key, edits)))
        }
        let tags = try Fixtures.update(key, [Fixtures.tag(1), Fixtures.tag(2)], section: 3)
        Fixtures.expectChanged(try await store.change(tags))
    }

    private func left(_ profile: Int64) throws -> [Int] {
        try ["event", "profile_change", "profile_data"].map { table in
            Int(try database.query("SELECT count(*) FROM \(table) WHERE profile_id = \(profile)")) ?? -1
        }
    }

    private func erasure(_ store: PostgresStore, _ number: Int = 1) async throws -> Erasure {
        try #require(try await store.erasure(Fixtures.erasureID(number), account: 1))
    }

    @Test("a step removes so many rows and no more, and counts them in its commit; another connection goes on")
    func steps() async throws {
        let store = try database.open()
        defer { store.close() }
        try await store.found()
        for key in ["a@b.se", "b@b.se"] { try await fill(store, key) }
        let profile = try #require(try await store.profile(.address(Fixtures.address("a@b.se")))).id.value
        Fixtures.expectChanged(try await store.change(Fixtures.erase("a@b.se")))
        #expect(try left(profile) == [7, 6, 2])
        var counts = Erasure.Counts()
        var steps = 0
        var last = ErasureRemoval.Step.removed
        while last == .removed, steps < 50 {
            // A new server each time: it does not know where the one before has come to.
            let removal = ErasureRemoval(holder, slot: Int64(7000 + steps), rowsMax: 2, leaving: [])
            for _ in 0..<2 where last == .removed {
                steps += 1
                let before = try left(profile)
                last = try removal.step(at: Fixtures.now.advanced(by: .seconds(9)))
                let after = try left(profile)
                #expect(before[0] - after[0] <= 2 && before[1] - after[1] <= 2, "\(before) \(after)")
                counts = try await erasure(store).counts
                #expect(counts.events == 7 - after[0] && counts.changes == 6 - after[1])
                let usage = try await store.usage(account: 1).map(\.events)
                #expect(usage.reduce(0, +) == Int64(7 + after[0]))
            }
        }
        #expect(last == .none && steps < 50)
        #expect(counts == Erasure.Counts(events: 7, values: 3, tags: 2, changes: 5))
        // What is left is the row of the erasure itself.
        #expect(try left(profile) == [0, 1, 0])
        #expect(try await erasure(store).completedAt == Fixtures.now.advanced(by: .seconds(9)))
        #expect(try await store.usage(account: 1).map(\.events) == [3, 4])
        #expect(try await store.counts(of: Fixtures.address("b@b.se"))?.counts.map(\.events) == [4, 3])
        #expect(try await store.data(of: Fixtures.address("b@b.se"), in: nil)?.sections.map(\.fields.count) == [3, 2])
    }

    @Test("what a server leaves is removed by the next one, and one at a time removes")
    func goesOn() async throws {
        var stores = [try database.open(), try database.open()]
        defer { for store in stores { store.close() } }
        try await stores[0].found()
        for key in ["a@b.se", "b@b.se"] { try await fill(stores[0], key) }
        Fixtures.expectChanged(try await stores[0].change(Fixtures.erase("a@b.se")))
        #expect(try ErasureRemoval(holder, slot: 7000, rowsMax: 3, leaving: []).step(at: Fixtures.now) == .removed)
        stores.removeFirst().close()
        let other = try Session.open(ConnectionTarget(database.target), for: .writing, patience: .seconds(30))
        #expect(try ErasureRemoval(other, slot: 7001, rowsMax: 3, leaving: []).step(at: Fixtures.now) == .elsewhere)
        #expect(try await erasure(stores[0]).completedAt == nil)
        try holder.run([Command(Self.release)])
        // It hears of the first erasure by one of its own.
        Fixtures.expectChanged(try await stores[0].change(Fixtures.erase("b@b.se", number: 2)))
        for number in 1...2 {
            try await waitUntil { try await erasure(stores[0], number).completedAt != nil }
            #expect(
                try await erasure(stores[0], number).counts == Erasure.Counts(events: 7, values: 3, tags: 2, changes: 5)
            )
        }
        #expect(try await stores[0].usage(account: 1).map(\.events) == [0, 0])
    }

    @Test("a start goes on with what was left")
    func startsAgain() async throws {
        var store = try database.open()
        try await store.found()
        try await fill(store, "a@b.se")
        Fixtures.expectChanged(try await store.change(Fixtures.erase("a@b.se")))
        store.close()
        try holder.run([Command(Self.release)])
        store = try database.open()
        defer { store.close() }
        try await waitUntil { try await erasure(store).completedAt != nil }
        #expect(try await erasure(store).counts.events == 7)
    }

    @Test(
        "what cannot be read is no reason to leave the others, and its erasure is never called complete",
        arguments: [
            "UPDATE profile_change SET edits = '\\x09' WHERE profile_id = $ AND section = 3",
            "DELETE FROM profile_change WHERE profile_id = $ AND section = 3",
            "UPDATE profile_data SET fields = '\\x09' WHERE profile_id = $ AND section = 3",
        ])
    func leavesDamage(sql: String) async throws {
        let store = try database.open()
        defer { store.close() }
        try await store.found()
        for key in ["a@b.se", "b@b.se"] { try await fill(store, key) }
        let profile = try #require(try await store.profile(.address(Fixtures.address("a@b.se")))).id.value
        Fixtures.expectChanged(try await store.change(Fixtures.erase("a@b.se")))
        _ = try database.query(sql.replacing("$", with: "\(profile)"))
        Fixtures.expectChanged(try await store.change(Fixtures.erase("b@b.se", number: 2)))
        try holder.run([Command(Self.release)])
        // The thread of the store is told once more, now that it may.
        #expect(try await store.change(Fixtures.erase("c@b.se", number: 3)) == .noProfile)
        try await waitUntil { try await erasure(store, 2).completedAt != nil }
        let first = try await erasure(store)
        #expect(first.completedAt == nil && first.counts.events == 7 && first.counts.tags == 0)
        #expect(
            try await store.events(
                EventFilter(profile: Fixtures.address("a@b.se"), section: 2), after: nil, limit: 1) == nil)
    }

    /// Citus plans on each node, and cannot explain a statement with parameters.
    @Test(
        "the events of a step are a range of the primary key, whatever was removed before them",
        .enabled(if: !PostgresServer.isCitus))
    func plans() throws {
        for (statement, values) in [
            (ErasureSQL.lastOfStep, "1, 2, 3, 4, 500"), (ErasureSQL.removeEvents, "1, 2, 3, 4, 2, 9, 9"),
        ] {
            let plan = try database.query(
                """
                SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; PREPARE asked AS \(statement.sql);
                EXPLAIN (COSTS OFF) EXECUTE asked (\(values))
                """)
            #expect(
                plan.contains("event_pkey") && plan.contains("(ROW(section, event_time, event_id) > ROW("), "\(plan)")
            #expect(!plan.contains("Filter"), "\(plan)")
        }
    }
}

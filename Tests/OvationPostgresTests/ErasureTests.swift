import OvationCore
import OvationRows
import OvationTesting
import Testing

@testable import OvationPostgres

/// What several servers on one database know of profiles that are erased.
@Suite("PostgresStore: erased profiles", .serialized)
struct ErasureTests {
    private let database: Database

    init() throws {
        database = try Database()
    }

    private func connect() throws -> PostgresConnection {
        try Session.open(ConnectionTarget(database.target), for: .writing, patience: .seconds(30))
    }

    private func times(_ store: PostgresStore, _ key: String, after position: EventPosition? = nil) async throws
        -> [Int64]?
    {
        let filter = EventFilter(profile: try Fixtures.address(key), section: 2)
        return try await store.events(filter, after: position, limit: 1000)?.events.map(\.eventTime.milliseconds)
    }

    @Test(
        "after an erasure by one server every other one answers right with its next request",
        arguments: [Database.few, Database.crowded])
    func isGoneElsewhere(limits: Limits) async throws {
        let stores = try (0..<2).map { _ in try database.open(limits) }
        defer { for store in stores { store.close() } }
        try await stores[0].found()
        let keys = (0..<10).map { "p\($0)@b.se" }
        for key in keys {
            for store in stores { _ = try await store.append(Fixtures.batch(key, times: [1, 2])) }
            Fixtures.expectChanged(try await stores[1].change(Fixtures.update(key, [Fixtures.tag(1)])))
        }
        for (number, key) in keys.enumerated() {
            let (one, other) = (stores[number % 2], stores[1 - number % 2])
            let filter = EventFilter(profile: try Fixtures.address(key), section: 2)
            let page = try #require(try await other.events(filter, after: nil, limit: 1))
            Fixtures.expectChanged(try await one.change(Fixtures.erase(key, number: number)))
            // A reader that was between two pages.
            #expect(try await times(other, key, after: page.next) == nil)
            #expect(try await other.data(of: filter.profile, in: nil) == nil)
            let search = ProfileSearch(account: 1, prefixes: [1: key], limit: 9, timeMax: .seconds(9))
            #expect(try await other.profiles(search).profiles == [])
            switch number % 4 {
            case 0: #expect(try await other.append(Fixtures.batch(key, times: [7])) == .stored)
            case 1:
                let update = try Fixtures.update(key, [Fixtures.tag(2)], precondition: .isNew)
                Fixtures.expectChanged(try await other.change(update))
                #expect(try await other.append(Fixtures.batch(key, times: [7])) == .stored)
            case 2:
                let update = try Fixtures.update(key, [Fixtures.tag(1)], precondition: .exists)
                #expect(try await other.change(update) == .noProfile)
                #expect(try await other.append(Fixtures.chunk([key])) == .stored)
                continue
            default:
                #expect(try await other.change(Fixtures.erase(key, number: 100)) == .noProfile)
                let once = Idempotency(key: key, fingerprint: [1], answer: [])
                #expect(try await other.append(Fixtures.batch(key, times: [7], idempotency: once)) == .stored)
            }
            // The one that erased it finds the new one.
            #expect(try await one.append(Fixtures.batch(key, times: [8])) == .stored)
            for store in stores { #expect(try await times(store, key) == [8, 7]) }
        }
    }

    @Test("where the tables are spread, a group that meets an erased profile looks before its next transaction")
    func spread() async throws {
        let store = try database.open()
        defer { store.close() }
        try await store.found()
        let connection = try connect()
        let memory = LaneMemory(limits: Database.few, forgetting: store.forgetting)
        memory.forgetProfiles(stateNumber: try connection.run(ChangeSQL.stateNumber).int64(0, 0))
        func run() async throws -> GroupTransaction {
            let write = QueuedWrite.append(
                try Fixtures.batch("a@b.se", times: [1]), NobodyWaits())
            let group = GroupTransaction([write], on: connection, slot: 9000, isSpread: true, memory, Database.few)
            try group.run()
            return group
        }
        let before = try await run().profiles(of: 0)
        Fixtures.expectChanged(try await store.change(Fixtures.erase("a@b.se")))
        await #expect(throws: PostgresFailure.self) { _ = try await run() }
        try connection.rollBackIfNeeded()
        let after = try await run().profiles(of: 0)
        #expect(after == before.map { ProfileID($0).afterCollision.value })
        #expect(try await times(store, "a@b.se") == [1])
    }

    @Test("an erasure that cannot write to the audit trail in time is given up, and the posts beside it are stored")
    func givesUp() async throws {
        var limits = Database.few
        limits.writerLanes = 1
        let store = try database.open(limits)
        defer { store.close() }
        try await store.found()
        for key in ["a@b.se", "b@b.se"] { _ = try await store.append(Fixtures.batch(key, times: [1])) }
        let other = try connect()
        try other.run([Command(.begin), Command(Locks.log) { $0.add(1) }])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await #expect(throws: StoreFailure(.unavailable, "")) {
                    _ = try await store.change(Fixtures.erase("a@b.se"))
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
        #expect(try await times(store, "a@b.se") == [1])
        Fixtures.expectChanged(try await store.change(Fixtures.erase("a@b.se")))
    }

    @Test("while an erasure waits for the audit trail, groups of other lanes are stored")
    func holdsUpNobody() async throws {
        let stores = [try database.open(), try database.open()]
        defer { for store in stores { store.close() } }
        try await stores[0].found()
        _ = try await stores[0].append(Fixtures.batch("a@b.se", times: [1]))
        let other = try connect()
        try other.run([Command(.begin), Command(Locks.log) { $0.add(1) }])
        async let erased = stores[0].change(Fixtures.erase("a@b.se"))
        try await waitUntil {
            try database.query(
                """
                SELECT count(*) FROM pg_locks WHERE NOT granted AND classid = 1330004546
                    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                """) == "1"
        }
        // The order of the events is nobody's alone.
        #expect(
            try database.query("SELECT pg_try_advisory_lock_shared(1330004545, 1)") == "t")
        try other.run([Command(.commit)])
        Fixtures.expectChanged(try await erased)
    }

    // MARK: Commits in doubt

    @Test("a group whose mark was removed with its profile is not stored twice")
    func staysInDoubt() async throws {
        let store = try database.open()
        defer { store.close() }
        try await store.found()
        let connection = try connect()
        let memory = LaneMemory(limits: Database.few, forgetting: store.forgetting)
        func group(_ writes: [QueuedWrite]) -> GroupTransaction {
            GroupTransaction(writes, on: connection, slot: 9000, isSpread: false, memory, Database.few)
        }
        let posts = group([
            .append(try Fixtures.batch("a@b.se", times: [1]), NobodyWaits()),
            .append(try Fixtures.batch("b@b.se", times: [1]), NobodyWaits()),
        ])
        try posts.run()
        let update = try Fixtures.update("a@b.se", [Fixtures.tag(1)])
        let changes = group([.change(update, NobodyWaits())])
        try changes.run()
        #expect(try posts.isStored(on: connection) && changes.isStored(on: connection))
        Fixtures.expectChanged(try await store.change(Fixtures.erase("a@b.se")))
        try await waitUntil { try await store.erasure(Fixtures.erasureID(1), account: 1)?.completedAt != nil }
        for group in [posts, changes] {
            #expect(throws: PostgresFailure.self) { _ = try group.isStored(on: connection) }
        }
    }

    // MARK: Reading

    private static let blocked = Statement(
        "blocked",
        """
        SELECT 1::bigint FROM pg_locks WHERE NOT granted AND relation = 'ovation.profile_change'::regclass
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        """)

    @Test("a reader whose profile is removed between two round trips finds none, and no damage")
    func readsBetween() async throws {
        let store = try database.open()
        defer { store.close() }
        try await store.found()
        Fixtures.expectChanged(try await store.change(Fixtures.update("a@b.se", [Fixtures.tag(1)])))
        let other = try connect()
        try other.run([
            Command(.begin), Command(Statement("lock_table", "LOCK TABLE profile_change IN ACCESS EXCLUSIVE MODE")),
        ])
        let address = try Fixtures.address("a@b.se")
        async let data = store.data(of: address, in: nil)
        let observer = try connect()
        try await waitUntil { try observer.run([Command(Self.blocked)])[0].count == 1 }
        try other.run([
            Command(Statement("empty", "UPDATE profile SET state = 2, key = ''")),
            Command(Statement("remove", "DELETE FROM profile_change")), Command(.commit),
        ])
        let found = try await data
        #expect(found == nil)
    }

    // MARK: Cost

    @Test("an erasure takes one round trip more than a lock, and none for what the profile holds")
    func costs() async throws {
        let store = try database.open()
        defer { store.close() }
        try await store.found()
        let connection = try connect()
        let memory = LaneMemory(limits: Database.few, forgetting: store.forgetting)
        memory.forgetProfiles(stateNumber: try connection.run(ChangeSQL.stateNumber).int64(0, 0))
        func cost(_ change: ProfileChange) async throws -> Int {
            let before = connection.roundTrips
            let write = QueuedWrite.change(change, NobodyWaits())
            try GroupTransaction([write], on: connection, slot: 9000, isSpread: false, memory, Database.few).run()
            return connection.roundTrips - before
        }
        for key in ["a@b.se", "b@b.se"] {
            for number in 0..<30 {
                _ = try await cost(Fixtures.update(key, [Fixtures.set(Int64(number), .integer(1))]))
            }
        }
        #expect(try await cost(Fixtures.lock("a@b.se")) == 2)
        #expect(try await cost(Fixtures.erase("b@b.se")) == 3)
    }
}

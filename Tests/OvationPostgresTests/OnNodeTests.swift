import Foundation
import OvationCore
import OvationTesting
import Testing

@testable import OvationPostgres

/// Posts that lanes store on the nodes of a real Citus by themselves.
@Suite("PostgresStore: posts on nodes of Citus", .serialized, .enabled(if: PostgresServer.isCitus))
struct OnNodeTests {
    private let database: Database
    private let key = "a@b.se"

    init() throws {
        database = try Database()
    }

    private struct Place {
        let host: String
        let port: String
        let shard: String
    }

    private func place(of key: String, keyspace: Int64 = 1) throws -> Place {
        let id = try Fixtures.address(key, keyspace: keyspace).foundingID.value
        let words = try database.query(
            """
            SELECT nodename || ' ' || nodeport || ' ' || shardid FROM pg_dist_placement JOIN pg_dist_node USING (groupid)
            WHERE shardid = get_shard_id_for_distribution_column('ovation.profile', \(id)::bigint)
            """
        ).split(separator: " ").map(String.init)
        return Place(host: words[0], port: words[1], shard: words[2])
    }

    private func target(_ place: Place) throws -> ConnectionTarget {
        try ConnectionTarget(database.target).at(host: place.host, port: place.port)
    }

    private func session(of key: String, keyspace: Int64 = 1) throws -> PostgresConnection {
        try Session.open(target(place(of: key, keyspace: keyspace)), for: .writing, patience: .seconds(60))
    }

    /// Events that were stored on nodes by lanes.
    private func onNodes() throws -> Int {
        let text = try database.query("SELECT coalesce(sum(events), 0) FROM node_usage")
        return try #require(Int(text))
    }

    /// Records of what nodes have prepared. Citus clears them away after a while.
    private func prepared() throws -> Int {
        let text = try database.query("SELECT count(*) FROM pg_dist_transaction")
        return try #require(Int(text))
    }

    /// The first group of a lane goes through the coordinator, for old refused posts.
    private func open(warm keys: [String]? = nil) async throws -> PostgresStore {
        let store = try database.open()
        try await store.found()
        for key in keys ?? [self.key] { _ = try await store.append(Fixtures.batch(key, times: [0])) }
        return store
    }

    private func events(_ store: PostgresStore, _ key: String) async throws -> Int? {
        let filter = EventFilter(profile: try Fixtures.address(key), section: 2)
        return try await store.events(filter, after: nil, limit: 100)?.events.count
    }

    @Test("a post is stored and counted on its node in one phase, whether its profile is new or known")
    func storesOnNodes() async throws {
        let store = try await open(warm: (0..<20).map { "w\($0)@b.se" })
        defer { store.close() }
        let before = try onNodes()
        let prepared = try self.prepared()
        for number in 0..<10 {
            for time in [1, 2] as [Int64] {
                _ = try await store.append(Fixtures.batch("n\(number)@b.se", times: [time]))
            }
        }
        #expect(try onNodes() - before == 20)
        #expect(try self.prepared() <= prepared)
        #expect(try database.query("SELECT count(*), count(DISTINCT profile_id) FROM event") == "40|30")
        #expect(try await events(store, "n3@b.se") == 2)
        #expect(try await store.usage(account: 1).map(\.events) == [40])
        let minute = Activity.minute(of: Fixtures.now)
        let activity = try await store.activity(account: 1, in: minute...minute)
        #expect(activity.minutes[minute]?.accepted == 40)
    }

    @Test("a post with an idempotency key, a replay and a post without events go through the coordinator")
    func leavesOthers() async throws {
        let store = try await open()
        defer { store.close() }
        let before = try onNodes()
        let rejection = try await store.keep(Fixtures.refusedPost())
        let idempotency = Idempotency(key: "k", fingerprint: [1], answer: [7])
        #expect(try await store.append(Fixtures.batch(key, times: [1], idempotency: idempotency)) == .stored)
        #expect(try await store.append(Fixtures.batch(key, times: [2], replayOf: rejection)) == .stored)
        #expect(try await store.append(Fixtures.batch(key, times: [])) == .stored)
        #expect(try onNodes() == before)
        #expect(try await store.append(Fixtures.batch(key, times: [3])) == .stored)
        #expect(try onNodes() == before + 1)
        #expect(try await store.usage(account: 1).map(\.events) == [4])
    }

    @Test("an export waits for what is under way on a node, and is refused where that takes long")
    func exportsWait() async throws {
        let store = try await open()
        defer { store.close() }
        let session = try session(of: key)
        let range = ExportRange(account: 1, section: 2, limit: 100, bytesMax: 100_000)
        try session.run([Command(.begin), Command(Locks.shareOrder)])
        await #expect(throws: StoreFailure.self) { _ = try await store.events(of: range) }
        try session.run([Command(.rollback)])
        #expect(try await store.events(of: range).rows.count == 1)
    }

    @Test("who changes the state of a profile waits for what is under way on its node, and on no other one")
    func changesWait() async throws {
        let keys = (0..<40).map { "k\($0)@b.se" }
        let store = try await open(warm: keys)
        defer { store.close() }
        let session = try session(of: keys[0])
        let here = try place(of: keys[0]).port
        let other = try #require(try keys.first { try place(of: $0).port != here })
        let second = try #require(try keys.dropFirst().first { try place(of: $0).port == here })
        try session.run([Command(.begin), Command(Locks.shareOrder)])
        for change in [try Fixtures.lock(keys[0]), try Fixtures.erase(second)] {
            await #expect(throws: StoreFailure.self) { _ = try await store.change(change) }
        }
        Fixtures.expectChanged(try await store.change(Fixtures.lock(other)))
        try session.run([Command(.rollback)])
        Fixtures.expectChanged(try await store.change(Fixtures.lock(keys[0])))
        let refused = AppendOutcome.refused([RefusedProfile(index: 0, state: .locked)])
        for locked in [keys[0], other] {
            for _ in 0..<2 { #expect(try await store.append(Fixtures.batch(locked, times: [1])) == refused) }
        }
        #expect(try await store.append(Fixtures.batch(second, times: [1])) == .stored)
    }

    @Test("a merge waits for what is under way on the nodes of all its members")
    func mergesWait() async throws {
        let store = try await open()
        defer { store.close() }
        let here = try place(of: key).port
        let other = try #require(try (0..<40).map { "web\($0)" }.first { try place(of: $0, keyspace: 4).port != here })
        let (address, batch) = (try Fixtures.address(other, keyspace: 4), try Fixtures.batch(key, times: [1]))
        _ = try await store.append(
            EventBatch(
                profile: address, section: batch.section, receivedAt: batch.receivedAt, events: batch.events,
                data: batch.data, idempotency: nil))
        let merge = ProfileChange(
            profile: try Fixtures.address(key), at: Fixtures.now, actor: "me", precondition: .none,
            operations: [.merge(address, Fixtures.mergeRules)])
        for (key, keyspace) in [(key, 1), (other, 4)] as [(String, Int64)] {
            let session = try session(of: key, keyspace: keyspace)
            try session.run([Command(.begin), Command(Locks.shareOrder)])
            await #expect(throws: StoreFailure.self) { _ = try await store.change(merge) }
            try session.run([Command(.rollback)])
        }
        Fixtures.expectChanged(try await store.change(merge))
    }

    @Test("posts to a shard that has just been moved are stored, and on its new node from then on")
    func followsShards() async throws {
        let store = try await open()
        defer { store.close() }
        let old = try place(of: key)
        let new = try database.query(
            "SELECT nodename || ' ' || nodeport FROM pg_dist_node WHERE groupid <> 0 AND nodeport <> \(old.port) LIMIT 1"
        ).split(separator: " ")
        _ = try database.query(
            """
            SELECT citus_move_shard_placement(\(old.shard), '\(old.host)', \(old.port), '\(new[0])', \(new[1]), 'block_writes')
            """)
        for time in 1...5 as ClosedRange<Int64> {
            #expect(try await store.append(Fixtures.batch(key, times: [time])) == .stored)
        }
        #expect(try await events(store, key) == 6)
        let before = try onNodes()
        // The first group of the new node's lane has gone through the coordinator.
        try await SharedDatabaseTests.eventually {
            _ = try await store.append(Fixtures.batch(key, times: [9]))
            return try onNodes() > before
        }
    }

    @Test("a commit on a node whose answer is lost is looked up there, and is stored once")
    func looksUp() async throws {
        let store = try await open()
        defer { store.close() }
        let place = try place(of: key)
        let node = "host=\(place.host) port=\(place.port) user=postgres dbname=postgres"
        func set(_ standby: String) throws {
            try database.server.query("ALTER SYSTEM SET synchronous_standby_names = '\(standby)'", in: node)
            try database.server.query("SELECT pg_reload_conf()", in: node)
        }
        func waiters() throws -> [String] {
            let name = try database.query("SELECT current_database()")
            return try database.server.query(
                "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND datname = '\(name)' ORDER BY pid",
                in: node
            ).split(separator: "\n").map(String.init)
        }
        _ = try await store.append(Fixtures.batch(key, times: [1]))
        let before = try onNodes()
        try set("nobody")
        defer { try? set("") }
        var (waiter, posts, told) = ("", 0, ResultBox<AppendOutcome>())
        // PostgreSQL heeds the setting a moment later; until then it stores as before.
        while waiter.isEmpty {
            posts += 1
            let (batch, box) = (try Fixtures.batch(key, times: [Int64(posts) + 1]), ResultBox<AppendOutcome>())
            told = box
            Task { box.set(try await store.append(batch)) }
            try await SharedDatabaseTests.eventually {
                waiter = try waiters().first ?? ""
                return !waiter.isEmpty || box.value != nil
            }
        }
        try database.server.query("SELECT pg_terminate_backend(\(waiter))", in: node)
        // It is there, and one more commit has to prove that the standby has it.
        try await SharedDatabaseTests.eventually { try waiters().contains { $0 != waiter } }
        try set("")
        try await SharedDatabaseTests.eventually { told.value != nil }
        #expect(told.value == .stored)
        #expect(try await events(store, key) == 2 + posts)
        #expect(try onNodes() == before + posts)
    }
}

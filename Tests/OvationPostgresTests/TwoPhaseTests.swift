import Logging
import OvationCore
import OvationTesting
import Testing

@testable import OvationPostgres

/// Where Citus spreads the tables, whatever is written on a node is prepared there before the coordinator commits: else
/// the node can lose what the coordinator has promised. Citus leaves a record on the coordinator of each transaction that
/// a node has prepared, and these tests count them.
@Suite("PostgresStore: commits on Citus", .serialized, .enabled(if: PostgresServer.isCitus))
struct TwoPhaseTests {
    private let database: Database
    private let quiet: Quiet

    /// The records are not cleared away while they are counted.
    private final class Quiet: Sendable {
        private let server: PostgresServer

        init(_ server: PostgresServer) throws {
            self.server = server
            try server.query("ALTER SYSTEM SET citus.recover_2pc_interval = -1")
            try server.query("SELECT pg_reload_conf()")
        }

        deinit {
            _ = try? server.query("ALTER SYSTEM RESET citus.recover_2pc_interval")
            _ = try? server.query("SELECT pg_reload_conf()")
        }
    }

    init() throws {
        database = try Database()
        quiet = try Quiet(database.server)
    }

    private func open(_ limits: Limits = Database.few) throws -> PostgresStore { try database.open(limits) }

    /// Of one transaction each: the nodes that prepared.
    private func prepared(_ work: () async throws -> Void) async throws -> [[Int]] {
        func records() throws -> [String] {
            try database.query("SELECT groupid || ' ' || gid FROM pg_dist_transaction").split(separator: "\n")
                .map(String.init)
        }
        let before = Set(try records())
        try await work()
        var nodes: [String: Set<Int>] = [:]
        for record in try records() where !before.contains(record) {
            let words = record.split(separator: " ")
            // citus_<coordinator>_<process>_<transaction>_<connection>
            let transaction = words[1].split(separator: "_").dropLast().joined(separator: "_")
            nodes[transaction, default: []].insert(Int(words[0]) ?? -1)
        }
        return nodes.sorted { $0.key < $1.key }.map { $0.value.sorted() }
    }

    private func expect(
        _ nodes: [[Int]], sourceLocation: SourceLocation = #_sourceLocation, _ work: () async throws -> Void
    ) async throws {
        let found = try await prepared(work)
        #expect(found == nodes, sourceLocation: sourceLocation)
    }

    /// The node of a profile, as Citus counts groups of machines.
    private func node(of key: String, id: Int64? = nil) throws -> Int {
        let id = try Fixtures.address(key, id: id).foundingID.value
        return try node(ofProfile: id)
    }

    private func node(ofProfile id: Int64) throws -> Int {
        let shard = "get_shard_id_for_distribution_column('ovation.profile', \(id)::bigint)"
        let text = try database.query("SELECT groupid FROM pg_dist_placement WHERE shardid = \(shard)")
        return try #require(Int(text))
    }

    private func nodes(of keys: [String]) throws -> [Int] { try Set(keys.map { try node(of: $0) }).sorted() }

    private func chunk(_ keys: [String], ids: [Int64]? = nil, idempotency: Idempotency? = nil) throws -> EventChunk {
        var (profiles, bytes, rows): ([EventChunk.Profile], [UInt8], [EventChunk.Row]) = ([], [], [])
        for (index, key) in keys.enumerated() {
            let start = bytes.count
            bytes += key.utf8
            rows.append(EventChunk.Row(eventTime: Fixtures.now, version: Fixtures.versionID, data: 0..<2))
            let id = try ids.map { ProfileID($0[index]) } ?? Fixtures.address(key).foundingID
            profiles.append(
                EventChunk.Profile(keyspace: 1, key: start..<bytes.count, foundingID: id, rowsEnd: rows.count))
        }
        return EventChunk(
            account: 1, section: 2, receivedAt: Fixtures.now, profiles: profiles, keys: bytes, rows: rows,
            data: Array("{}".utf8), idempotency: idempotency)
    }

    // MARK: Posts

    @Test("a post is prepared on the node of its profile, whether that is new, known, or stored and not known")
    func preparesPosts() async throws {
        for key in ["a@b.se", "b@b.se", "c@b.se", "d@b.se"] {
            let store = try open()
            defer { store.close() }
            if key == "a@b.se" { try await store.found() }
            let node = try node(of: key)
            let other = try open()
            defer { other.close() }
            for (store, time) in [(store, 1), (store, 2), (other, 3)] as [(PostgresStore, Int64)] {
                // Without a key, a lane stores the second one on the node by itself.
                let idempotency = Idempotency(key: "\(key) \(time)", fingerprint: [1], answer: [7])
                let batch = try Fixtures.batch(key, times: [time], idempotency: idempotency)
                try await expect([[node]]) { _ = try await store.append(batch) }
            }
        }
    }

    @Test("a post with an idempotency key or of a rejection is prepared, and what stores no event is not")
    func preparesClaims() async throws {
        let store = try open()
        defer { store.close() }
        try await store.found()
        let key = Idempotency(key: "k", fingerprint: [1], answer: [7])
        let node = try node(of: "a@b.se")
        let keyed = try Fixtures.batch("a@b.se", times: [1], idempotency: key)
        try await expect([[node]]) { try await store.append(keyed, is: .stored) }
        try await expect([]) { try await store.append(keyed, is: .duplicate(answer: [7])) }
        let other = Idempotency(key: "empty", fingerprint: [1], answer: [7])
        let empty = try Fixtures.batch("a@b.se", times: [], idempotency: other)
        try await expect([]) { try await store.append(empty, is: .stored) }
        var rejections: [Rejection.ID] = []
        for _ in 0..<2 {
            try await expect([]) { rejections.append(try await store.keep(Fixtures.refusedPost())) }
        }
        for (rejection, profile) in zip(rejections, ["a@b.se", "new@b.se"]) {
            let replay = try Fixtures.batch(profile, times: [2], replayOf: rejection)
            let node = try self.node(of: profile)
            try await expect([[node]]) { try await store.append(replay, is: .stored) }
            try await expect([]) { try await store.append(replay, is: .notOpen) }
        }
        try await expect([]) { _ = try await store.dismissRejection(rejections[0], account: 1) }
    }

    @Test("a profile that another server made meanwhile, and one with a hash in use, is prepared too")
    func preparesUnusual() async throws {
        let store = try open()
        defer { store.close() }
        try await store.found()
        let first = try Fixtures.batch("a@b.se", times: [1], id: 7)
        try await expect([[node(ofProfile: 7)]]) { _ = try await store.append(first) }
        // Of the same hash: it lies where the next number leads.
        let next = ProfileID(7).afterCollision.value
        let second = try Fixtures.batch("c@d.se", times: [1], id: 7)
        let third = ProfileID(next).afterCollision.value
        try await expect([[node(ofProfile: next)]]) { _ = try await store.append(second) }
        // Two new ones of one hash in one transaction, at the first try and among others.
        let both = try chunk(["e@f.se", "g@h.se"], ids: [7, 7])
        let fourth = ProfileID(third).afterCollision.value
        let expected = Set([try node(ofProfile: third), try node(ofProfile: fourth)]).sorted()
        try await expect([expected]) { _ = try await store.append(both) }
        for start in [101, 102, 103, 104] as [Int64] {
            let pair = try chunk(["p\(start)@b.se", "q\(start)@b.se"], ids: [start, start])
            let following = ProfileID(start).afterCollision.value
            let expected = Set([try node(ofProfile: start), try node(ofProfile: following)]).sorted()
            try await expect([expected]) { _ = try await store.append(pair) }
            let made = "SELECT count(*) FROM profile WHERE profile_id IN (\(start), \(following))"
            #expect(try database.query(made) == "2")
        }
    }

    @Test("a group of many posts is prepared once, on its node")
    func preparesGroups() async throws {
        var limits = Database.few
        limits.writerLanes = 1
        let store = try open(limits)
        defer { store.close() }
        try await store.found()
        let keys = (0..<40).map { "k\($0)@b.se" }
        // Half of them are known.
        for key in keys.prefix(20) { _ = try await store.append(Fixtures.batch(key, times: [1])) }
        let target = try ConnectionTarget(database.target)
        let holder = try Session.open(target, for: .writing, patience: .seconds(20))
        let commits = store.statistics().commits
        let groups = try await prepared {
            // The first group of each node waits for this lock, and the other posts for these groups.
            try holder.run([Command(.begin), Command(Locks.awaitOrder)])
            try await withThrowingTaskGroup(of: Void.self) { group in
                for key in keys {
                    let idempotency = Idempotency(key: key, fingerprint: [1], answer: [7])
                    let batch = try Fixtures.batch(key, times: [2], idempotency: idempotency)
                    group.addTask { _ = try await store.append(batch) }
                }
                try await SharedDatabaseTests.eventually { store.statistics().requestsWaiting >= 10 }
                try holder.run([Command(.commit)])
                try await group.waitForAll()
            }
        }
        #expect(groups.count == Int(store.statistics().commits - commits) && groups.count < keys.count, "\(groups)")
        #expect(groups.allSatisfy { $0.count == 1 }, "\(groups)")
        let all = try nodes(of: keys)
        #expect(Set(groups.flatMap { $0 }).sorted() == all)
    }

    // MARK: The rest

    @Test("a chunk of a bulk upload is prepared on every node that it writes on, whatever of it is new")
    func preparesChunks() async throws {
        let store = try open()
        defer { store.close() }
        try await store.found()
        let keys = (0..<30).map { "c\($0)@b.se" }
        let all = try nodes(of: keys)
        try #require(all.count > 1)
        try await expect([all]) { _ = try await store.append(chunk(keys)) }
        try await expect([all]) { _ = try await store.append(chunk(keys)) }
        let other = try open()
        defer { other.close() }
        let key = Idempotency(key: "chunk", fingerprint: [1], answer: [7])
        let mixed = keys.prefix(10) + (0..<10).map { "d\($0)@b.se" }
        let same = try chunk(Array(mixed), idempotency: key)
        try await expect([nodes(of: Array(mixed))]) { _ = try await other.append(same) }
        try await expect([]) { _ = try await other.append(same) }
        // New ones of one node only.
        let lone = (0..<200).map { "e\($0)@b.se" }.filter { (try? node(of: $0)) == all[0] }.prefix(3)
        try await expect([[all[0]]]) { _ = try await other.append(chunk(Array(lone))) }
    }

    @Test("a deletion is prepared on the node of its profile, and nothing is where nothing is deleted")
    func preparesDeletions() async throws {
        let store = try open()
        defer { store.close() }
        try await store.found()
        _ = try await store.append(Fixtures.batch("a@b.se", times: [1, 2, 3]))
        let filter = EventFilter(profile: try Fixtures.address("a@b.se"), section: 2)
        let node = try node(of: "a@b.se")
        let id = try #require(try await store.events(filter, after: nil, limit: 1)?.events.first?.id)
        for (id, expected) in [(id, [[node]]), (id, []), (nil, [[node]]), (nil, [])] as [(Int64?, [[Int]])] {
            let found = try await prepared {
                _ = try await store.deleteEvents(
                    filter, id: id, recordedAs: { _ in Act(.eventsDeleted, subject: "", detail: "") },
                    at: Fixtures.now, by: "me")
            }
            #expect(found == expected)
        }
    }

    @Test("a copy is prepared on every node that its batches are written on")
    func preparesCopies() async throws {
        let source = try CopyPlace(.sqlite)
        let keys = (0..<40).map { "k\($0)@b.se" }
        try await source.serve { store in
            let (_, entries) = try Catalogue(account: Fixtures.account).applying(
                Catalogue.founding, at: Fixtures.now, by: "server")
            try await store.commit(AccountChange(account: Fixtures.account, entries: entries))
            for key in keys { _ = try await store.append(Fixtures.batch(key, times: [1])) }
        }
        let place = CopyPlace.postgres(database)
        // In one batch: the profiles, and then the events.
        let transactions = try await prepared { _ = try await source.copy(to: place, rowsMax: 1000) }
        let all = try nodes(of: keys)
        #expect(transactions.filter { $0 == all }.count >= 2, "\(transactions)")
        let usage = try await place.serve { try await $0.usage(account: 1).map(\.events) }
        #expect(usage == [40])
    }

    // MARK: Under load

    @Test("sessions of nodes that are ended under load lose nothing of new profiles, nor answer a repeat wrongly")
    func survivesEndedNodes() async throws {
        let store = try open()
        defer { store.close() }
        try await store.found()
        let end = """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()
            """
        let count = 600
        let acknowledged = try await withThrowingTaskGroup(of: Int.self) { group in
            for poster in 0..<8 {
                group.addTask {
                    var done = 0
                    for number in stride(from: poster, to: count, by: 8) {
                        let key = Idempotency(key: "k\(number)", fingerprint: [1], answer: [7])
                        let batch = try Fixtures.batch("n\(number)@b.se", times: [1], idempotency: key)
                        // As a client does: again, with the same key, until it is told that it is stored.
                        try await SharedDatabaseTests.eventually {
                            do throws(StoreFailure) {
                                _ = try await store.append(batch)
                                return true
                            } catch {
                                return false
                            }
                        }
                        done += 1
                    }
                    return done
                }
            }
            let drill = Task {
                while !Task.isCancelled {
                    _ = try? database.query("SELECT count(*) FROM run_command_on_workers($$\(end)$$)")
                }
            }
            defer { drill.cancel() }
            return try await group.reduce(0, +)
        }
        #expect(acknowledged == count)
        _ = try database.query("SELECT recover_prepared_transactions()")
        #expect(try database.query("SELECT count(*), count(DISTINCT profile_id) FROM event") == "\(count)|\(count)")
        #expect(try await store.usage(account: 1).map(\.events) == [Int64(count)])
    }
}

extension PostgresStore {
    fileprivate func append(
        _ batch: EventBatch, is expected: AppendOutcome, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let outcome = try await append(batch)
        #expect(outcome == expected, sourceLocation: sourceLocation)
    }
}

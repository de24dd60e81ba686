import Logging
import OvationCore
import OvationTesting
import Testing

@testable import OvationPostgres

/// A database of its own for each test.
struct Database: Sendable {
    let target: String
    let server: PostgresServer
    /// Removes the database after its last use.
    private let lease: Lease

    private final class Lease: Sendable {
        private let server: PostgresServer
        private let target: String

        init(_ target: String, on server: PostgresServer) {
            (self.target, self.server) = (target, server)
        }

        deinit { server.drop(database: target) }
    }

    /// - Parameter own: a server for this test alone, to be treated badly.
    init(server own: PostgresServer? = nil) throws {
        server = try own ?? PostgresServer.shared.get()
        target = try server.makeDatabase()
        lease = Lease(target, on: server)
    }

    func open(_ limits: Limits = Database.few, now: Timestamp = Fixtures.now) throws -> PostgresStore {
        try PostgresStore(
            connection: target, limits: limits.forTests,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            now: now)
    }

    func query(_ sql: String) throws -> String {
        try server.query("SET search_path = ovation; " + sql, in: target)
    }

    /// As few connections as show what several do.
    static let few: Limits = {
        var limits = Limits()
        (limits.writerLanes, limits.databaseReaders, limits.nodeReaders) = (2, 2, 1)
        return limits
    }()

    /// So few of everything that bounds are met.
    static let crowded: Limits = {
        var limits = few
        (limits.writerLanes, limits.groupEventsMax, limits.knownProfilesMax) = (3, 2, 2)
        return limits
    }()
}

@Suite("PostgresStore", .serialized)
struct PostgresStoreTests {
    private let database: Database

    init() throws {
        database = try Database()
    }

    private func open(_ limits: Limits = Database.few) throws -> PostgresStore { try database.open(limits) }

    @Test("keeps the contract of a store", arguments: StoreContract.checks, [Database.few, Database.crowded])
    func contract(_ check: StoreContract.Check, limits: Limits) async throws {
        let store = try open(limits)
        defer { store.close() }
        try await check.run(on: store)
    }

    @Test("keeps everything over a restart, and gives no id again")
    func restarts() async throws {
        var store = try open()
        try await store.found()
        _ = try await store.append(Fixtures.batch("a@b.se", times: [1, 2]))
        let secret = try await store.load().serverSecret
        let filter = EventFilter(profile: try Fixtures.address("a@b.se"), section: 2)
        let before = try #require(try await store.events(filter, after: nil, limit: 10)).events
        _ = try await store.deleteEvents(
            filter, id: before[0].id, recordedAs: { _ in Act(.eventsDeleted, subject: "", detail: "") },
            at: Fixtures.now, by: "me")
        store.close()
        store = try open()
        defer { store.close() }
        #expect(try await store.load().serverSecret == secret)
        _ = try await store.append(Fixtures.batch("a@b.se", times: [3]))
        let after = try #require(try await store.events(filter, after: nil, limit: 10)).events
        #expect(after.count == 2 && after[1] == before[1] && after[0].id > before[0].id)
        #expect(try await store.usage(account: 1).map(\.events) == [2])
    }

    @Test("a start forgets refused posts past their number or age, and no other ones")
    func forgetsAtStart() async throws {
        var limits = Database.few
        func keep(_ count: Int) async throws {
            let store = try open(limits)
            defer { store.close() }
            try await store.found()
            for number in 0..<count {
                let time = Fixtures.now.advanced(by: .milliseconds(number))
                _ = try await store.keep(Fixtures.refusedPost(receivedAt: time))
            }
        }
        func kept(at now: Timestamp) throws -> String {
            try database.open(limits, now: now).close()
            return try database.query(
                "SELECT string_agg((received_at - \(Fixtures.now.milliseconds))::text, ' ' ORDER BY 1) FROM rejection")
        }
        try await keep(5)
        limits.rejectionsMax = 3
        #expect(try kept(at: Fixtures.now) == "2 3 4")
        #expect(try kept(at: Fixtures.now.advanced(by: limits.rejectionAge + .milliseconds(3))) == "3 4")
        limits.rejectionsMax = 2
        #expect(try kept(at: Fixtures.now) == "3 4")
    }

    @Test("a clock that jumped ahead and back has removed nothing")
    func survivesClockJump() async throws {
        try await StoreContract.survivesClockJump { now, work in
            let store = try database.open(StoreContract.doubting(Database.few), now: now)
            defer { store.close() }
            try await work(store)
        }
    }

    @Test("of posts that wait together for one key or one rejection, one is stored and the others are told so")
    func claimsOnce() async throws {
        var limits = Database.few
        limits.writerLanes = 1
        let store = try open(limits)
        defer { store.close() }
        try await store.found()
        let rejection = try await store.keep(Fixtures.refusedPost())
        let outcomes = try await withThrowingTaskGroup(of: AppendOutcome.self) { group in
            for number in 0..<60 {
                let key = number % 3 == 0 ? nil : Idempotency(key: "k\(number % 3)", fingerprint: [1], answer: [7])
                let batch = try Fixtures.batch(
                    "p\(number)@b.se", times: [1], idempotency: key, replayOf: key == nil ? rejection : nil)
                group.addTask { try await store.append(batch) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes.filter { $0 == .stored }.count == 3)
        #expect(outcomes.filter { $0 == .duplicate(answer: [7]) }.count == 38)
        #expect(outcomes.filter { $0 == .notOpen }.count == 19)
        #expect(try await store.usage(account: 1).map(\.events) == [3])
    }

    @Test("of more profiles than were asked for, a search gives the first by their keys")
    func searchesInOrder() async throws {
        let store = try open()
        defer { store.close() }
        try await store.found()
        for number in [5, 2, 9, 1, 7, 3] { _ = try await store.append(Fixtures.batch("k\(number)@b.se", times: [1])) }
        let found = try await store.profiles(
            ProfileSearch(account: 1, prefixes: [1: "k"], limit: 3, timeMax: .seconds(9)))
        #expect(found.profiles.map { $0.keys[0].text } == ["k1@b.se", "k2@b.se", "k3@b.se"] && !found.isComplete)
    }

    @Test("what comes after an export has looked is none of its events")
    func boundsExports() async throws {
        let store = try open()
        defer { store.close() }
        try await store.found()
        var newest: [Int64] = []
        for time in 1...3 as ClosedRange<Int64> {
            _ = try await store.append(Fixtures.batch("a@b.se", times: [time]))
            let range = ExportRange(account: 1, section: 2, after: 0, limit: 10, bytesMax: 1_000_000)
            newest.append(try await store.events(of: range).newest)
        }
        #expect(Set(newest).count == 3)
        for drawn in newest {
            let found = try await store.write(at: .account(1)) { connection, _, _ in
                try connection.run(ReadSQL.newestEvent) {
                    $0.add(1 as Int64)
                    $0.add(drawn)
                }.int64(0, 0)
            }
            #expect(found == drawn)
        }
    }

    @Test("pages and exports of large events are read while PostgreSQL can write no files")
    func readsOnFullDisk() async throws {
        // Of one machine: Citus writes down what its nodes send.
        let database = try Database(server: PostgresServer())
        let store = try database.open()
        defer { store.close() }
        try await store.found()
        // Not to be compressed away, and short of what PostgreSQL would put elsewhere.
        var random = SeededGenerator(seed: 1)
        let digits = (0..<140).map { _ in String(UInt64.random(in: 0 ... .max, using: &random), radix: 36) }
        let data = "{\"t\":\"\(digits.joined())\"}"
        for number in 0..<20 {
            let times = (1...1000).map { Int64(number * 1000 + $0) }
            _ = try await store.append(Fixtures.batch("a@b.se", times: times, data: data))
        }
        let name = database.target.split(separator: " ")[1].dropFirst("dbname=".count)
        for setting in ["temp_file_limit = 0", "work_mem = '64kB'"] {
            try database.server.query("ALTER DATABASE \(name) SET \(setting)")
        }
        let other = try database.open()
        defer { other.close() }
        let filter = EventFilter(profile: try Fixtures.address("a@b.se"), section: 2)
        let page = try #require(try await other.events(filter, after: nil, limit: 1000))
        #expect(page.events.count > 300 && page.next != nil)
        var range = ExportRange(
            account: 1, section: 2, after: 0, limit: Limits.exportPageEvents, bytesMax: Limits.exportPageBytes)
        var found = 0
        while true {
            let page = try await other.events(of: range)
            found += page.rows.count
            range.through = page.newest
            guard let next = page.next else { break }
            range.after = next
        }
        #expect(found == 20_000)
    }

    @Test("a disk that is full, and a user's part of it that is used up, are one thing to clients")
    func knowsFullDisks() {
        let words = "could not extend file \"base/1/2\": "
        let full = PostgresFailure(state: "53100", message: words + "No space left on device")
        let quota = PostgresFailure(state: "XX000", message: words + "Disk quota exceeded")
        for failure in [full, quota] {
            let failure = StoreFailure(failure)
            #expect(failure.code == .full && failure.message.contains("make room"), "\(failure)")
        }
        #expect(StoreFailure(PostgresFailure(state: "XX000", message: "something else")).code == .unavailable)
        #expect(!quota.isUnclearOfNode && !full.isUnclearOfNode)
    }

    @Test("what PostgreSQL refuses is one line, however many it says it in")
    func refusesInOneLine() throws {
        let connection = try Session.open(ConnectionTarget(database.target), for: .reading, patience: .seconds(15))
        let refused = Statement("refused", "DO $$ BEGIN RAISE EXCEPTION E'one\\n\\tIs it there?\\ntwo'; END $$")
        let error = #expect(throws: PostgresFailure.self) { try connection.run([Command(refused)]) }
        #expect(error?.message == "one; two")
    }

    @Test("commits wait for the disk, whatever the database says, and longer where it says so")
    func isDurable() async throws {
        defer { _ = try? database.query("ALTER ROLE CURRENT_USER RESET synchronous_commit") }
        for (setting, expected) in [
            ("off", "on"), ("local", "on"), ("remote_write", "on"), ("remote_apply", "remote_apply"),
        ] {
            _ = try database.query("ALTER ROLE CURRENT_USER SET synchronous_commit = '\(setting)'")
            let store = try open()
            defer { store.close() }
            let answer = try await store.write(at: .account(1)) { connection, _, _ in
                try connection.run(Session.synchronousCommit).text(0, 0)
            }
            #expect(answer == expected)
        }
    }

    @Test("has a bound for what waits", arguments: StoreContract.refusals)
    func isBounded(_ refusal: StoreContract.Refusal) async throws {
        let store = try open(refusal.narrowing(Database.few))
        defer { store.close() }
        await refusal.run(on: store)
    }

    @Test("answers closed after it was closed")
    func isClosed() async throws {
        let store = try open()
        store.close()
        await StoreContract.expectClosed(store)
    }

    @Test("a post that PostgreSQL cannot store fails alone")
    func isolatesBadPosts() async throws {
        let store = try open()
        defer { store.close() }
        try await store.found()
        // No UTF-8, which the server never lets through.
        let bad = EventBatch(
            profile: try Fixtures.address("bad@b.se", id: 0), section: 2, receivedAt: Fixtures.now,
            events: [.init(eventTime: Fixtures.now, version: 1, dataEnd: 2)], data: [0xC3, 0x28], idempotency: nil)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 1...40 as ClosedRange<Int64> {
                group.addTask {
                    let batch = try Fixtures.batch("k\(number)@b.se", times: [1], id: number * 2)
                    #expect(try await store.append(batch) == .stored)
                }
                if number.isMultiple(of: 10) {
                    group.addTask {
                        await #expect(throws: StoreFailure(.unavailable, "")) { _ = try await store.append(bad) }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await store.usage(account: 1).map(\.events) == [40])
        #expect(try await store.events(EventFilter(profile: bad.profile, section: 2), after: nil, limit: 1) == nil)
    }

    @Test("the tables are the ones that were released")
    func schemaIsFixed() async throws {
        let store = try open()
        store.close()
        // What Citus makes of a table that it knows has a number behind its name.
        let names = try database.query(
            "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relnamespace = 'ovation'::regnamespace "
                + "AND relkind IN ('r', 'S') AND relname !~ '_[0-9]{6,}$'")
        #expect(
            names
                == "account act activity api_key catalogue_log consent_count erasure event event_block idempotency job mapped_attribute "
                + "migration node_usage profile profile_change profile_data profile_member profile_state profile_value rejection rejection_id setting signing_key version_usage"
        )
    }
}

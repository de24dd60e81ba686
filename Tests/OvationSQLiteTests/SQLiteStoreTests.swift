import Foundation
import GRDB
import OvationCore
import OvationTesting
import Testing

@testable import OvationSQLite

@Suite("SQLiteStore")
struct SQLiteStoreTests {
    private let folder: TemporaryFolder
    private var path: String { folder.path + "/data/ovation.sqlite" }

    init() throws {
        folder = try TemporaryFolder()
    }

    private func open(_ limits: Limits = Limits()) throws -> SQLiteStore {
        try SQLiteStore(testing: path, limits: limits)
    }

    /// Few enough that a handful of posts fills memory.
    static let crowded: Limits = {
        var limits = Limits()
        (limits.recentEventsMax, limits.recentProfilesMax) = (4, 2)
        return limits
    }()

    @Test("a lock that is released is free, though a child that is being started has its file open still")
    func releasesLock() throws {
        let lock = try FileLock(path: folder.path + "/lock")
        // As a child has it between its beginning and its program.
        let copy = dup(lock.descriptor)
        defer { close(copy) }
        #expect(throws: StoreFailure(.inUse, "")) { try FileLock(path: folder.path + "/lock") }
        lock.release()
        try FileLock(path: folder.path + "/lock").release()
    }

    @Test("keeps the contract of a store", arguments: StoreContract.checks, [Limits(), crowded])
    func contract(_ check: StoreContract.Check, limits: Limits) async throws {
        let store = try open(limits)
        defer { store.close() }
        try await check.run(on: store)
    }

    /// What a start leaves behind when it is killed before its first transaction with tables.
    enum Remains: CaseIterable {
        case emptyFile, modeOfTheLog, tableOfTheMigrator
    }

    @Test("is made in a file that a killed start left behind", arguments: Remains.allCases)
    func goesOnAfterAKilledStart(_ remains: Remains) async throws {
        try FileManager.default.createDirectory(atPath: folder.path + "/data", withIntermediateDirectories: true)
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        if remains != .emptyFile {
            let file = try DatabasePool(path: path)
            if remains == .tableOfTheMigrator {
                struct Killed: Error {}
                var migrator = DatabaseMigrator()
                migrator.registerMigration("001") { _ in throw Killed() }
                #expect(throws: Killed.self) { try migrator.migrate(file) }
            }
            try file.close()
        }
        #expect(SQLiteDoctor.findings(path: path).allSatisfy { $0.isGood })
        let store = try open()
        defer { store.close() }
        try await store.foundWithDefinitions()
        #expect(try await store.append(Fixtures.batch("a@b.se", times: [1])) == .stored)
    }

    @Test("a change of the file that a killed start did not end is no damage, and the next start takes it back")
    func takesBackAKilledChange() async throws {
        try FileManager.default.createDirectory(atPath: folder.path + "/data", withIntermediateDirectories: true)
        let killed = try DatabaseQueue(path: folder.path + "/killed.sqlite")
        try await killed.writeWithoutTransaction { [folder, path] database in
            // Pages that do not fit into the cache go to the file, and what stood there to the journal.
            try database.execute(sql: "CREATE TABLE old (x); INSERT INTO old VALUES (zeroblob(100000)); DROP TABLE old")
            try database.execute(sql: "PRAGMA cache_size = 1; BEGIN; CREATE TABLE new (x)")
            try database.execute(sql: "INSERT INTO new VALUES (zeroblob(1000000))")
            for suffix in ["", "-journal"] {
                try FileManager.default.copyItem(
                    atPath: folder.path + "/killed.sqlite" + suffix, toPath: path + suffix)
            }
            try database.execute(sql: "ROLLBACK")
        }
        let findings = SQLiteDoctor.findings(path: path)
        #expect(findings.allSatisfy { $0.isGood })
        #expect(findings.contains { $0.text.hasSuffix("the next start takes that change back") })
        let refusal = #expect(throws: StoreFailure.self) { try SQLiteKeys.read(path: path) }
        #expect(refusal?.message.contains("start the server once") == true)
        // A file with a table of another program would be refused.
        let store = try open()
        defer { store.close() }
        try await store.foundWithDefinitions()
        #expect(try await store.append(Fixtures.batch("a@b.se", times: [1])) == .stored)
    }

    @Test("is opened in WAL with synchronous=FULL, whatever GRDB sets meanwhile")
    func isDurable() async throws {
        let store = try open()
        defer { store.close() }
        // The writing connection is the writer's until it ends, so the question goes through it.
        let answer = try await store.pragmasOfWriter()
        #expect(answer == ["wal", "2", "1", "1"])
    }

    @Test("keeps everything over a restart")
    func restarts() async throws {
        var store = try open()
        try await store.foundWithDefinitions()
        _ = try await store.append(Fixtures.batch("a@b.se", times: [1, 2]))
        let secret = try await store.load().serverSecret
        store.close()
        store = try open()
        defer { store.close() }
        #expect(try await store.load().serverSecret == secret)
        let filter = EventFilter(profile: try Fixtures.address("a@b.se"), section: 2)
        #expect(try await store.events(filter, after: nil, limit: 10)?.events.count == 2)
        _ = try await store.append(Fixtures.batch("a@b.se", times: [3]))
        #expect(try await store.events(filter, after: nil, limit: 10)?.events.map(\.id) == [3, 2, 1])
    }

    @Test("does not give the id of a deleted event again, even after a restart")
    func idsAreNotReused() async throws {
        var store = try open()
        try await store.foundWithDefinitions()
        _ = try await store.append(Fixtures.batch("a@b.se", times: [1, 2]))
        let filter = EventFilter(profile: try Fixtures.address("a@b.se"), section: 2)
        _ = try await store.deleteEvents(
            filter, id: nil, recordedAs: { _ in Act(.eventsDeleted, subject: "", detail: "") },
            at: Fixtures.now, by: "me")
        store.close()
        store = try open()
        defer { store.close() }
        _ = try await store.append(Fixtures.batch("a@b.se", times: [1]))
        #expect(try await store.events(filter, after: nil, limit: 10)?.events.map(\.id) == [3])
    }

    @Test("a clean stop leaves everything in one file, which only its owner can read")
    func closesIntoOneFile() async throws {
        let store = try open()
        try await store.foundWithDefinitions()
        _ = try await store.append(Fixtures.batch("a@b.se", times: [1]))
        let filter = EventFilter(profile: try Fixtures.address("a@b.se"), section: 2)
        _ = try await store.events(filter, after: nil, limit: 1)
        for suffix in ["", "-wal", "-shm"] {
            let rights = try FileManager.default.attributesOfItem(atPath: path + suffix)[.posixPermissions] as? Int
            #expect(rights == 0o600, "\(suffix)")
        }
        store.close()
        let copy = folder.path + "/copy.sqlite"
        try FileManager.default.copyItem(atPath: path, toPath: copy)
        let count = try await DatabaseQueue(path: copy).read { try Int.fetchOne($0, sql: "SELECT count(*) FROM event") }
        #expect(count == 1)
    }

    @Test("refuses a second opener, and lets it in when the first has gone")
    func hasOneOpener() throws {
        let first = try open()
        #expect(throws: StoreFailure(.inUse, "")) { try open() }
        first.close()
        let second = try open()
        second.close()
    }

    @Test("refuses a database of another program, and leaves it as it was")
    func refusesForeignFile() throws {
        try FileManager.default.createDirectory(atPath: folder.path + "/data", withIntermediateDirectories: true)
        do {
            let other = try DatabaseQueue(path: path)
            try other.write { try $0.execute(sql: "CREATE TABLE theirs (x)") }
        }
        #expect(throws: StoreFailure(.unusable, "")) { try open() }
        let tables = try DatabaseQueue(path: path).read {
            try String.fetchAll($0, sql: "SELECT name FROM sqlite_schema")
        }
        #expect(tables == ["theirs"])
    }

    @Test("refuses a file that is no database")
    func refusesText() throws {
        try FileManager.default.createDirectory(atPath: folder.path + "/data", withIntermediateDirectories: true)
        try Data("this is not a database, however long it may be".utf8).write(to: URL(fileURLWithPath: path))
        #expect(throws: StoreFailure(.unusable, "")) { try open() }
    }

    @Test("refuses a store of a newer version")
    func refusesNewerStore() throws {
        let store = try open()
        store.close()
        do {
            let queue = try DatabaseQueue(path: path)
            try queue.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('999 the future')") }
        }
        #expect(throws: StoreFailure(.unusable, "")) { try open() }
    }

    @Test("has a bound for what waits", arguments: StoreContract.refusals)
    func isBounded(_ refusal: StoreContract.Refusal) async throws {
        let store = try open(refusal.narrowing(Limits()))
        defer { store.close() }
        await refusal.run(on: store)
    }

    @Test("answers closed after it was closed")
    func isClosed() async throws {
        let store = try open()
        store.close()
        await StoreContract.expectClosed(store)
    }

    @Test("a group that fails is answered with a failure, stores nothing, and the next one works")
    func survivesFailure() async throws {
        let store = try open()
        defer { store.close() }
        try await store.foundWithDefinitions()
        // JSON that is not UTF-8 passes here; a missing account does not.
        let good = try Fixtures.batch("a@b.se", times: [1])
        let bad = EventBatch(
            profile: ProfileAddress(
                account: 99, keyspace: 1, key: try ProfileKey("x@y.se", format: .email), foundingID: ProfileID(7)),
            section: 2, receivedAt: Fixtures.now, events: good.events, data: good.data, idempotency: nil)
        await #expect(throws: StoreFailure(.unavailable, "")) { _ = try await store.append(bad) }
        #expect(try await store.append(good) == .stored)
        let filter = EventFilter(profile: good.profile, section: 2)
        #expect(try await store.events(filter, after: nil, limit: 10)?.events.map(\.id) == [1])
    }

    @Test("a full disk is answered full, and nothing of the group is stored")
    func survivesFullDisk() async throws {
        let store = try open()
        defer { store.close() }
        try await store.foundWithDefinitions()
        try await store.limitPages(toMoreThanNow: 4)
        let big = "{\"t\":\"" + String(repeating: "x", count: 90_000) + "\"}"
        await #expect(throws: StoreFailure(.full, "")) {
            _ = try await store.append(Fixtures.batch("a@b.se", times: [1, 2], data: big))
        }
        let filter = EventFilter(profile: try Fixtures.address("a@b.se"), section: 2)
        #expect(try await store.events(filter, after: nil, limit: 10) == nil)
    }

    @Test("the tables are the ones that were released")
    func schemaIsFixed() throws {
        let queue = try DatabaseQueue()
        try Schema.migrator.migrate(queue)
        let names = try queue.read {
            try String.fetchAll(
                $0, sql: "SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name")
        }
        #expect(
            names == [
                "account", "act", "activity", "actor", "api_key", "catalogue_log", "catalogue_log_number",
                "consent_count",
                "erased_rejection", "erased_rejection_of_erasure", "erasure", "erasure_of_account", "erasure_open",
                "event", "grdb_migrations",
                "idempotency", "idempotency_by_age", "job", "job_of_account", "job_open", "mapped_attribute", "profile",
                "profile_arrival", "profile_arrival_suppression", "profile_change",
                "profile_data",
                "profile_member", "profile_member_of_root", "profile_suppression", "profile_value", "rejection",
                "rejection_by_cause",
                "rejection_of_account",
                "rejection_without_cause", "setting", "signing_key",
                "timeline", "timeline_key", "timeline_run", "version_usage",
            ])
    }
}

// MARK: - Looking inside

extension SQLiteStore {
    func pragmasOfWriter() async throws -> [String] {
        try await write { database, _ in
            try ["journal_mode", "synchronous", "foreign_keys", "secure_delete"].map { name in
                try String.fetchOne(database, sql: "PRAGMA \(name)") ?? ""
            }
        }
    }

    /// As a disk does that is nearly full.
    func limitPages(toMoreThanNow more: Int) async throws {
        _ = try await write { database, _ in
            let now = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
            return try Int.fetchOne(database, sql: "PRAGMA max_page_count = \(now + more)")
        }
    }

    /// How SQLite goes about a statement.
    func plan(of sql: String) async throws -> [String] {
        try await explain("EXPLAIN QUERY PLAN " + sql) { $0["detail"] }
    }

    /// One row for each step, without values: they do not matter to a plan.
    func explain<Step: Sendable>(_ sql: String, _ step: @escaping @Sendable (Row) -> Step) async throws -> [Step] {
        try await write { database, _ in
            let statement = try database.makeStatement(sql: sql)
            statement.setUncheckedArguments([])
            return try Row.fetchAll(statement).map(step)
        }
    }
}

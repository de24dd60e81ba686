import Foundation
import GRDB
import OvationCore
import OvationTesting
import Testing

@testable import OvationSQLite

@Suite("SQLite: backups", .serialized)
struct SQLiteBackupTests {
    private let folder: TemporaryFolder
    private var path: String { folder.path + "/ovation.sqlite" }

    init() throws {
        folder = try TemporaryFolder()
    }

    @Test("a backup while posts are stored has all that was answered before, and stands alone")
    func backup() async throws {
        let store = try SQLiteStore(testing: path)
        try await store.found()
        for number in 0..<300 {
            _ = try await store.append(Fixtures.batch("p\(number % 20)@b.se", times: [Int64(number)]))
        }
        let copy = folder.path + "/backup.sqlite"
        let backup = try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for number in 300..<600 {
                    _ = try await store.append(Fixtures.batch("p\(number % 20)@b.se", times: [Int64(number)]))
                }
            }
            let backup = try SQLiteBackup(of: path, to: copy) { done, total in #expect(0 < done && done <= total) }
            try await group.waitForAll()
            return backup
        }
        store.close()
        #expect(backup.events >= 300 && backup.events <= 600 && backup.profiles == 20)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().contains("backup.sqlite"))
        for suffix in ["-wal", "-shm", "-journal", ".part"] {
            #expect(!FileManager.default.fileExists(atPath: copy + suffix))
        }
        let rights = try FileManager.default.attributesOfItem(atPath: copy)[.posixPermissions] as? Int
        #expect(rights == 0o600)
        let restored = try SQLiteStore(testing: copy)
        defer { restored.close() }
        #expect(try await restored.usage(account: 1).map(\.events) == [Int64(backup.events)])
        var seen = 0
        for number in 0..<20 {
            let filter = EventFilter(profile: try Fixtures.address("p\(number)@b.se"), section: 2)
            let times = try #require(try await restored.events(filter, after: nil, limit: 100)).events.map {
                $0.eventTime.milliseconds
            }
            // The newest may be missing, and no other.
            #expect(times.reversed() == (0..<times.count).map { Int64($0 * 20 + number) })
            seen += times.count
        }
        #expect(seen == backup.events)
    }

    @Test("a backup that fails leaves nothing, and takes nothing of one that was killed")
    func leavesNothing() async throws {
        let store = try SQLiteStore(testing: path)
        try await store.found()
        for number in 0..<50 { _ = try await store.append(Fixtures.batch("p\(number)@b.se", times: [1])) }
        store.close()
        let copy = folder.path + "/backup.sqlite"
        func left() throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasPrefix("backup") }.sorted()
        }
        // What is damaged is copied, and then found out.
        let damaged = folder.path + "/damaged.sqlite"
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        let pages = 4096 * 8..<min(bytes.count, 4096 * 16)
        bytes.replaceSubrange(pages, with: Data(repeating: 0xA5, count: pages.count))
        try bytes.write(to: URL(fileURLWithPath: damaged))
        #expect(throws: StoreFailure(.damaged, "")) { try SQLiteBackup(of: damaged, to: copy) { _, _ in } }
        #expect(try left() == [])
        // A journal that lies beside a file is played back into it.
        for suffix in ["", "-journal", "-wal", "-shm"] {
            try Data("left behind".utf8).write(to: URL(fileURLWithPath: copy + ".part" + suffix))
        }
        let backup = try SQLiteBackup(of: path, to: copy) { _, _ in }
        #expect(backup.events == 50 && backup.profiles == 50)
        #expect(try left() == ["backup.sqlite"])
    }

    @Test("a store of an older version is backed up as it is, before a server brings it up to date")
    func backsUpAnOlderStore() async throws {
        let older = try DatabaseQueue(path: path)
        try Schema.migrator.migrate(older, upTo: "002 rejections, usage, rotation")
        try await older.write { database in
            try database.execute(
                sql: """
                    INSERT INTO account VALUES (1, 'one', 0);
                    INSERT INTO profile VALUES (-10, 1, 1, 'a@b.se', 0, NULL);
                    INSERT INTO event VALUES (1, -10, 2, 500, 1000, 11, '{}'), (2, -10, 2, 600, 1000, 11, '{}');
                    INSERT INTO version_usage VALUES (1, 11, 2, 1000);
                    """)
        }
        try older.close()
        let copy = folder.path + "/backup.sqlite"
        let backup = try SQLiteBackup(of: path, to: copy) { _, _ in }
        #expect((backup.events, backup.profiles) == (2, 1))
        #expect(SQLiteDoctor.findings(path: copy).allSatisfy { $0.isGood })
        let migrations = try await DatabaseQueue(path: copy).read {
            try Int.fetchOne($0, sql: "SELECT count(*) FROM grdb_migrations")
        }
        #expect(migrations == 2)
    }

    private func refusal(_ work: () throws(StoreFailure) -> Void) -> String {
        do throws(StoreFailure) {
            try work()
        } catch {
            return error.message
        }
        return "nothing was refused"
    }

    @Test("a backup overwrites nothing, and needs a store that is sound")
    func refusesBackups() async throws {
        let copy = folder.path + "/backup.sqlite"
        let missing = folder.path + "/none.sqlite"
        func backup(_ path: String, _ copy: String) -> String {
            refusal { () throws(StoreFailure) in _ = try SQLiteBackup(of: path, to: copy) { _, _ in } }
        }
        #expect(backup(missing, copy).contains("does not exist"))
        let store = try SQLiteStore(testing: path)
        try await store.found()
        for number in 0..<2000 {
            _ = try await store.append(Fixtures.batch("p\(number)@b.se", times: [1]))
        }
        store.close()
        try Data("mine".utf8).write(to: URL(fileURLWithPath: copy))
        #expect(backup(path, copy).contains("is there already"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: copy)) == Data("mine".utf8))
        #expect(backup(path, folder.path + "/nowhere/x").contains("no such folder") == false)
        #expect(backup(path, folder.path + "/nowhere/x").contains("is there such a folder?"))
        let foreign = folder.path + "/foreign.sqlite"
        try await DatabaseQueue(path: foreign).write { try $0.execute(sql: "CREATE TABLE a (b)") }
        #expect(backup(foreign, copy + "2").contains("is no store of Ovation"))
        // A page of the table of events is lost.
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        let size = try file.seekToEnd()
        try file.seek(toOffset: size / 4096 / 2 * 4096)
        try file.write(contentsOf: Data(repeating: 0x5A, count: 40_960))
        try file.close()
        #expect(backup(path, copy + "3").contains("damaged") || backup(path, copy + "3").contains("malformed"))
        #expect(!FileManager.default.fileExists(atPath: copy + "3"))
    }
}

import Foundation
import GRDB
import OvationCore
import OvationRows
import OvationTesting
import Testing

@testable import OvationSQLite

@Suite("SQLite: copies", .serialized)
struct SQLiteCopyTests {
    private let folder: TemporaryFolder
    private var path: String { folder.path + "/ovation.sqlite" }

    init() throws {
        folder = try TemporaryFolder()
    }

    @Test("every table is copied, or is known to be made anew")
    func coversTables() async throws {
        try SQLiteStore(testing: path).close()
        let tables = try await DatabaseQueue(path: path).read { database in
            try String.fetchAll(database, sql: "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        }
        let copied = [
            "account", "act", "actor", "api_key", "catalogue_log", "erasure", "event", "idempotency",
            "mapped_attribute",
            "profile", "profile_arrival",
            "profile_change", "profile_data", "profile_member", "rejection", "setting", "signing_key", "version_usage",
        ]
        // The refused posts that this names are gone for every reader, and a copy has none of them.
        let madeAnew = [
            "activity", "consent_count", "erased_rejection", "grdb_migrations", "job", "profile_value",
            "sqlite_sequence", "timeline",
            "timeline_run",
        ]
        #expect(tables == (copied + madeAnew).sorted())
    }

    @Test("a copy has its timelines in one run, so that a start reads no events")
    func sortsTimelines() async throws {
        let store = try SQLiteStore(testing: path)
        try await store.found()
        for number in 0..<50 {
            _ = try await store.append(
                Fixtures.batch("p\(number % 7)@b.se", times: [Int64(100 - number), Int64(number)]))
        }
        store.close()
        let copied = folder.path + "/copy.sqlite"
        let (source, target) = (try SQLiteRows(path: path, as: .source), try SQLiteRows(path: copied, as: .target))
        _ = try await StoreCopy(from: source, to: target, now: { Fixtures.now }).run()
        // A second time changes nothing.
        try await target.makeReady(after: try await source.origin())
        source.close()
        target.close()
        let runs = try await DatabaseQueue(path: copied).read { database in
            try Row.fetchAll(database, sql: "SELECT state, entries, last_event FROM timeline_run").map { row in
                [row[0] as Int64, row[1], row[2]]
            }
        }
        #expect(runs == [[1, 100, 100]])
        let moved = try SQLiteStore(testing: copied)
        defer { moved.close() }
        let filter = EventFilter(profile: try Fixtures.address("p3@b.se"), section: 2)
        let times = try await moved.events(filter, after: nil, limit: 100)?.events.map(\.eventTime.milliseconds)
        #expect(times == times?.sorted(by: >) && times?.count == 14)
    }

    private func refusal(_ work: () throws(StoreFailure) -> Void) -> String {
        do throws(StoreFailure) {
            try work()
        } catch {
            return error.message
        }
        return "nothing was refused"
    }

    @Test("what is no store, or of another version, is not copied from, and a foreign file not written to")
    func refusesCopies() async throws {
        func copied(_ path: String, _ purpose: SQLiteRows.Purpose) -> String {
            refusal { () throws(StoreFailure) in try SQLiteRows(path: path, as: purpose).close() }
        }
        #expect(copied(path, .source).contains("does not exist"))
        let foreign = folder.path + "/foreign.sqlite"
        try await DatabaseQueue(path: foreign).write { try $0.execute(sql: "CREATE TABLE a (b)") }
        #expect(copied(foreign, .source).contains("no store of Ovation"))
        #expect(copied(foreign, .target).contains("another program"))
        try SQLiteStore(testing: path).close()
        for (change, says) in [
            ("DELETE FROM grdb_migrations WHERE identifier LIKE '003%'", "older Ovation"),
            (
                "INSERT INTO grdb_migrations VALUES ('003 timelines in sorted runs'), ('999 of the future')",
                "newer Ovation"
            ),
        ] {
            try await DatabaseQueue(path: path).write { try $0.execute(sql: change) }
            #expect(copied(path, .source).contains(says))
        }
    }
}

import Logging
import OvationCore
import OvationTesting
import Testing

@testable import OvationPostgres

/// Spreading a store over the nodes of Citus. Each test says what holds where Citus is, and what is said where it is not.
@Suite("PostgresDistribution", .serialized)
struct PostgresDistributionTests {
    private let database: Database

    init() throws {
        database = try Database()
    }

    private func distribute() throws(StoreFailure) -> [PostgresDistribution.Table] {
        try PostgresDistribution.distribute(
            connection: database.target, limits: Database.few,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func refusal() -> StoreFailure? {
        do throws(StoreFailure) {
            _ = try distribute()
            return nil
        } catch {
            return error
        }
    }

    @Test("an empty store is spread when it is opened, and again there is nothing to do")
    func spreadsEmpty() async throws {
        try database.open().close()
        guard PostgresServer.isCitus else {
            let failure = try #require(refusal())
            #expect(failure.code == .unusable && failure.message.contains("CREATE EXTENSION citus"))
            return
        }
        let tables = try distribute()
        #expect(tables.map(\.name) == Schema.tables && !tables.contains(where: \.isChanged))
        for table in tables {
            switch table.placement {
            case .nodes(let column, let shards):
                #expect(column == PostgresDistribution.spreadBy[table.name] && shards > 1, "\(table)")
            case .coordinator: #expect(PostgresDistribution.spreadBy[table.name] == nil, "\(table)")
            }
        }
        #expect(tables.filter { $0.placement != .coordinator }.map(\.name) == ["event", "node_usage", "profile"])
        let together = try database.query(
            "SELECT count(DISTINCT colocationid) FROM pg_dist_partition WHERE partmethod = 'h'")
        #expect(together == "1", "a profile and its events lie on one node")
    }

    @Test("a store with events is spread when it is asked for and no server is at work, and has them all afterwards")
    func movesWhatIsStored() async throws {
        if PostgresServer.isCitus {
            try database.open().close()
            for table in ["event", "node_usage", "profile", "version_usage"] {
                _ = try database.query("SELECT undistribute_table('ovation.\(table)')")
            }
            // It is empty still, and would be spread again.
            _ = try database.query("INSERT INTO profile VALUES (5, 1, 1, 'first@b.se', 0, NULL)")
        }
        let keys = (0..<30).map { "p\($0)@b.se" }
        var store = try database.open()
        try await store.found()
        for key in keys { _ = try await store.append(Fixtures.batch(key, times: [1, 2, 3])) }
        let atWork = try #require(refusal())
        #expect(!PostgresServer.isCitus || atWork.message.contains("Stop them first"), "\(atWork.message)")
        store.close()
        if PostgresServer.isCitus {
            let changed = try distribute().filter(\.isChanged).map(\.name)
            #expect(changed == ["event", "node_usage", "profile", "version_usage"])
            #expect(try database.query("SELECT count(*) FROM event") == "90")
        } else {
            #expect(refusal() != nil)
        }
        store = try database.open()
        defer { store.close() }
        for key in keys {
            let filter = EventFilter(profile: try Fixtures.address(key), section: 2)
            #expect(try await store.events(filter, after: nil, limit: 9)?.events.count == 3)
        }
        #expect(try await store.usage(account: 1).map(\.events) == [90])
    }

    @Test("a store that an older version has spread has the newer tables on its nodes when it is opened")
    func spreadsLaterTables() async throws {
        let older = try database.open()
        try await older.found()
        _ = try await older.append(Fixtures.batch("a@b.se", times: [1]))
        older.close()
        for statement in ["DROP TABLE node_usage", "DELETE FROM migration WHERE number >= 14"] {
            _ = try database.query(statement)
        }
        let store = try database.open()
        defer { store.close() }
        for time in [2, 3] as [Int64] { _ = try await store.append(Fixtures.batch("a@b.se", times: [time])) }
        #expect(try await store.usage(account: 1).map(\.events) == [3])
        guard PostgresServer.isCitus else { return }
        let placement = "SELECT partmethod FROM pg_dist_partition WHERE logicalrelid = 'node_usage'::regclass"
        #expect(try database.query(placement) == "h")
    }

    @Test("the size counts what lies on the nodes too")
    func countsBytes() async throws {
        let store = try database.open()
        defer { store.close() }
        try await store.found()
        let before = try await size(of: store)
        // Not to be compressed away.
        var random = SeededGenerator(seed: 1)
        for number in 0..<40 {
            let digits = (0..<1500).map { _ in String(UInt64.random(in: 0 ... .max, using: &random), radix: 36) }
            let data = "{\"t\":\"\(digits.joined())\"}"
            _ = try await store.append(Fixtures.batch("p\(number)@b.se", times: Array(1...4), data: data))
        }
        // The nodes tell theirs from time to time.
        try await SharedDatabaseTests.eventually { try await size(of: store) - before > 2_000_000 }
    }

    private func size(of store: PostgresStore) async throws -> Int64 {
        try await store.check()
        return store.statistics().bytesOnDisk
    }

    @Test("the doctor tells what is spread, and is silent where there is no Citus")
    func isExamined() async throws {
        try database.open().close()
        let findings = PostgresDoctor.findings(connection: database.target).map(\.text)
        guard PostgresServer.isCitus else {
            #expect(!findings.contains { $0.contains("Citus") })
            return
        }
        #expect(findings.contains { $0.hasPrefix("Citus ") && $0.contains("the coordinator of ") })
        #expect(findings.contains { $0.hasPrefix("spread by profile: event in ") })
        #expect(findings.contains { $0.hasPrefix("the node ") && $0.hasSuffix(" takes posts from this machine") })
        _ = try database.query("SELECT undistribute_table('ovation.event')")
        let later = PostgresDoctor.findings(connection: database.target)
        #expect(later.contains { !$0.isGood && $0.text.contains("not spread over the nodes: event") })
    }
}

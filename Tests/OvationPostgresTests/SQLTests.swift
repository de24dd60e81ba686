import Foundation
import OvationTesting
import Testing

@testable import OvationPostgres

/// What holds on one PostgreSQL must hold where Citus spreads the tables over machines, and most test runs have none. So
/// what it refuses, or does differently without a word, stays out of the texts.
@Suite("SQL")
struct SQLTests {
    private static let folder =
        URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
        + "/Sources/OvationPostgres"

    /// The source texts, with what is between two words made one space.
    private static func texts() throws -> [(file: String, text: String)] {
        let files = try FileManager.default.subpathsOfDirectory(atPath: folder).filter { $0.hasSuffix(".swift") }
        return try files.sorted().map {
            let text = try String(contentsOfFile: folder + "/" + $0, encoding: .utf8)
            let code = text.split(separator: "\n").filter { !$0.drop { $0 == " " }.hasPrefix("//") }
            return ($0, code.joined(separator: " ").split(separator: " ").joined(separator: " "))
        }
    }

    @Test(
        "has nothing that Citus refuses or does otherwise",
        arguments: [
            // Triggers are refused on distributed tables, and so is inheritance.
            "CREATE TRIGGER", "INHERITS (",
            // The second part would see the rows of the first.
            "UNION ALL",
            // Refused over a list of values.
            "LATERAL",
            // A target is what postgres_fdw refuses; and DO UPDATE has one because it must.
            ") DO NOTHING",
            // The number of rows sent, not of rows inserted.
            "PQcmdTuples",
            // Refused, or run on one machine only.
            "PREPARE TRANSACTION", "MERGE INTO", "clock_timestamp()", "random()", "gen_random_uuid()",
            // No columns at all: refused where a part of a query is run by itself.
            "(SELECT FROM",
            // Sizes of a parent table say nothing.
            "pg_total_relation_size", "reltuples",
        ])
    func avoids(construct: String) throws {
        for (file, text) in try Self.texts() { #expect(!text.contains(construct), "\(file)") }
    }

    @Test(
        "rows are locked only in a table that Citus does not know: in others it refuses to, where they are of several shards"
    )
    func locksHere() throws {
        var count = 0
        for (file, text) in try Self.texts() {
            for part in text.components(separatedBy: "FOR UPDATE").dropLast() {
                count += 1
                let from = part.components(separatedBy: " FROM ").last ?? ""
                let table = String(from.prefix { $0 != " " })
                #expect(Schema.tables.contains(table), "\(file): \(table)")
                #expect(PostgresDistribution.spreadBy[table] == nil && !PostgresDistribution.known.contains(table))
                #expect(!from.contains("JOIN") && !from.contains(";"), "\(file): \(from)")
            }
        }
        #expect(count == 3)
    }

    /// Column by which a table is spread; nil: it stays on the coordinator.
    private static let distribution: [String: String?] = [
        "account": nil, "act": nil, "activity": nil, "setting": nil, "catalogue_log": nil, "api_key": nil,
        "signing_key": nil,
        "migration": nil, "erasure": nil, "mapped_attribute": nil, "profile_member": nil, "profile_value": nil,
        "profile_change": nil, "profile_data": nil, "profile": "profile_id", "event": "profile_id", "idempotency": nil,
        "version_usage": nil, "consent_count": nil, "job": nil, "node_usage": "slot",
        "rejection": nil,
    ]

    private static func tables() -> [(name: String, text: String)] {
        (Schema.ledger + Schema.migrations.flatMap(\.statements)).compactMap { sql in
            let words = sql.split(whereSeparator: { " \n(".contains($0) })
            guard words.starts(with: ["CREATE", "TABLE"]) else { return nil }
            let name = words.first { $0.hasPrefix("ovation.") }?.dropFirst("ovation.".count)
            return name.map { (String($0), sql) }
        }
    }

    @Test("every unique key has the column by which its table is spread, and refers to nothing that is spread")
    func keysCanBeSpread() throws {
        let tables = Self.tables()
        #expect(Set(tables.map(\.name)) == Set(Self.distribution.keys))
        #expect(Self.distribution.compactMapValues { $0 } == PostgresDistribution.spreadBy)
        #expect(Self.distribution.keys.filter { $0 != "migration" }.sorted() == Schema.tables)
        for (name, text) in tables {
            guard let column = Self.distribution[name] ?? nil else { continue }
            #expect(!text.contains("UNIQUE") && !text.contains("REFERENCES") && !text.contains("GENERATED"), "\(name)")
            let key =
                text.components(separatedBy: "PRIMARY KEY (").dropFirst().first?.prefix { $0 != ")" }
                ?? text.components(separatedBy: "\n").first { $0.contains("PRIMARY KEY") }.map { Substring($0) }
            #expect(key?.contains(column) == true, "\(name)")
        }
        for statement in Schema.migrations.flatMap(\.statements) {
            #expect(!statement.contains("CREATE UNIQUE INDEX"))
        }
    }

    @Test("statements have names of their own")
    func namesAreUnique() throws {
        var seen: Set<String> = []
        for (file, text) in try Self.texts() {
            for part in text.components(separatedBy: "= Statement( \"").dropFirst()
                + text.components(separatedBy: "= Statement(\"").dropFirst()
            {
                let name = String(part.prefix { $0 != "\"" })
                #expect(name.contains("\\(") || seen.insert(name).inserted, "\(file): \(name)")
            }
        }
        #expect(seen.count > 50)
    }

    @Test("values reach a statement as arguments only")
    func textsAreConstant() throws {
        for (file, text) in try Self.texts() where file.contains("/SQL+") {
            for part in text.components(separatedBy: "\\(").dropFirst() {
                let name = part.prefix { $0 != ")" }
                #expect(
                    [
                        "rejectionColumns", "rejectionFilter", "rejectionRange", "erasureColumns", "jobColumns",
                        "listedJobColumns",
                    ].contains(name),
                    "\(file): \(name)")
            }
        }
    }
}

/// How PostgreSQL goes about the reads that a request waits for, as it does when it has prepared them for any values.
@Suite("SQL: plans", .serialized)
struct SQLPlanTests {
    private static let database = Result { () throws -> Database in
        // Of one machine, whatever the other tests run on.
        let database = try Database(server: PostgresServer())
        try database.open().close()
        _ = try database.query(
            """
            INSERT INTO profile SELECT i * 7919, 1, 1, 'k' || i || '@b.se', 0, NULL FROM generate_series(1, 5000) i;
            INSERT INTO profile_change SELECT i * 64, 1, i * 7919, 'updated', NULL, 0, 'me', 2, '\\x01'
                FROM generate_series(1, 5000) i;
            INSERT INTO profile_data SELECT i * 7919, s, '\\x01' FROM generate_series(1, 5000) i, generate_series(0, 3) s;
            INSERT INTO profile_member SELECT i * 7919, (i - i % 2) * 7919, NULL, i FROM generate_series(1, 5000) i;
            INSERT INTO profile_value SELECT 1, i % 7, 'k' || i || '@b.se', i * 7919 FROM generate_series(1, 5000) i;
            INSERT INTO event SELECT i, (i % 5000 + 1) * 7919, 2, i % 977, 11 + i % 3, 1, i, '{}'
                FROM generate_series(1, 50000) i;
            ANALYZE;
            """)
        return database
    }

    @Test(
        "what a request waits for is a range of an index, and nothing is sorted",
        arguments: [
            (ReadSQL.findProfile, "7919, 1, 1, 'k1@b.se'", "profile_pkey"),
            (ReadSQL.openProfiles, "'{7919,15838}', 1", "profile_pkey"),
            (ReadSQL.page, "7919, 2, 0, 900, 5, NULL, 51, 1000000", "(ROW(event_time, event_id) < ROW($4, $5))"),
            (ReadSQL.pageSizes, "7919, 2, 0, 900, 5, NULL, 51", "(ROW(event_time, event_id) < ROW($4, $5))"),
            (ReadSQL.pageOfMember, "7919, 2, 0, 900, '{1,2}'", "event_pkey"),
            (ReadSQL.search, "1, 1, 'k99', 21, 'k9:'", "(key >= $3) AND (key < $5)"),
            (ReadSQL.searchToEnd, "1, 1, 'k99', 21", "profile_by_key"),
            (ReadSQL.profilesBehind, "1, -1, 'k99', 21", "profile_by_key"),
            (ReadSQL.exportSizes, "1, 500, 100000, 2, 0, 900, NULL, 1001", "event_by_arrival"),
            (ReadSQL.export, "1, 500, 100000, 2, 0, 900, NULL", "event_by_arrival"),
            (ReadSQL.newestEvent, "1, 100000", "event_by_arrival"),
            (ReadSQL.nextEvent, "1, 500", "event_by_arrival"),
            (ReadSQL.exportChangeSizes, "1, 500, 100000, 2, 0, 900, 1001", "profile_change_pkey"),
            (ReadSQL.exportChanges, "1, 500, 100000, 2, 0, 900", "profile_change_pkey"),
            (ReadSQL.newestChange, "1, 100000", "profile_change_pkey"),
            (ReadSQL.nextChange, "1, 500", "profile_change_pkey"),
            (DataSQL.fields, "7919, '{2,3}'", "profile_data_pkey"),
            (DataSQL.fields, "7919, NULL", "profile_data_pkey"),
            (DataSQL.fieldsOfMany, "'{7919,15838}', '{0,2}'", "profile_data_pkey"),
            (DataSQL.changes, "'{64,128}'", "profile_change_pkey"),
            (MemberSQL.trees, "'{7919}'", "profile_member_by_root"),
            (MappedValueSQL.exact, "1, 3, 'k99@b.se', 21", "(value = $3)"),
            (MappedValueSQL.exactBehind, "1, 3, 'k99@b.se', 64, 21", "(profile_id > $4)"),
            (MappedValueSQL.range, "1, 3, 'k99', 21, 'k9:'", "(value >= $3) AND (value < $5)"),
            (MappedValueSQL.rangeToEnd, "1, 3, 'k99', 21", "profile_value_pkey"),
            (DataSQL.edits, "'{64,128}'", "profile_change_pkey"),
        ])
    func plans(_ statement: Statement, values: String, expected: String) throws {
        let plan = try Self.database.get().query(
            """
            SET plan_cache_mode = force_generic_plan; PREPARE asked AS \(statement.sql);
            EXPLAIN (COSTS OFF) EXECUTE asked (\(values))
            """)
        #expect(plan.contains(expected) && !plan.contains("Seq Scan") && !plan.contains("Sort"), "\(plan)")
    }

    @Test("rows are locked by the index, in their order, also where the table was empty when that was prepared")
    func locksByIndex() throws {
        let database = try Database(server: PostgresServer())
        try database.open().close()
        for database in [database, try Self.database.get()] {
            let plan = try database.query(
                """
                SET plan_cache_mode = force_generic_plan; PREPARE asked AS \(DataSQL.lock.sql);
                EXPLAIN (COSTS OFF) EXECUTE asked ('{7919,15838}', '{2,3}')
                """)
            #expect(plan.contains("profile_data_pkey") && !plan.contains("Seq Scan"), "\(plan)")
            // From the outside in: what is sorted is locked.
            let (lock, sort) = (plan.range(of: "LockRows"), plan.range(of: "Sort"))
            #expect(lock != nil && sort.map { lock!.lowerBound < $0.lowerBound } ?? true, "\(plan)")
        }
    }
}

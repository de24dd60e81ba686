import Foundation
import GRDB
import OvationRows
import OvationTesting
import Testing

@testable import OvationCore
@testable import OvationPostgres
@testable import OvationSQLite

/// Stores whose tables are those of an earlier version, and whose log of definitions has notes of acts between the changes.
/// They open, and what is in them reads back as it was.
@Suite("Stores of earlier versions", .serialized)
struct OlderStoreTests {
    enum Version: String, CaseIterable, Sendable {
        case first = "0.1.0"
        case second = "0.2.0"
        case beforeActs = "sqlite.sql"

        /// Migrations that it knew.
        var migrations: Int {
            switch self {
            case .first: 1
            case .second: 2
            case .beforeActs: 6
            }
        }

        func tables() throws -> String {
            switch self {
            case .first, .second: try OlderStoreTests.fixture("sqlite-\(rawValue).sql")
            case .beforeActs:
                "PRAGMA application_id = 1331057742;"
                    + OlderStoreTests.part(
                        of: try OlderStoreTests.fixture("sqlite.sql"), after: "-- After migration 006",
                        before: "-- After migration 007"
                    ).replacingOccurrences(of: "CREATE TABLE sqlite_sequence(name,seq);", with: "")
            }
        }
    }

    private static func fixture(_ name: String) throws -> String {
        try String(contentsOf: GoldenTests.folder.appendingPathComponent(name), encoding: .utf8)
    }

    private static func part(of text: String, after start: String, before end: String) -> String {
        let rest = text.components(separatedBy: start)[1].components(separatedBy: end)[0]
        return rest.split(separator: "\n", omittingEmptySubsequences: false).dropFirst().joined(separator: "\n")
    }

    // MARK: What is in them

    /// The log of an account, as these versions wrote it: notes stand between changes, and come last.
    private static let log: [(actor: String, change: String)] = {
        let eventType = "com.example.events.signal.order-xyz"
        let founding = Catalogue.founding.compactMap { try? RowText.text(of: $0) }.map { ("server", $0) }
        func version(_ id: Int, _ state: String) -> String {
            #"{"kind":"version.added","version":{"eventType":"\#(eventType)","fields":[{"name":"a","required":true,"#
                + #""type":"integer"}],"id":\#(id),"state":"\#(state)","validFrom":"2026-11-23T12:00:00.000Z"}}"#
        }
        return founding + [
            ("server", GoldenTests.notes[0]),
            (
                "admin",
                #"{"kind":"section.created","section":{"discriminator":"usercreated.sections.shop-abc","name":"Shop","number":2}}"#
            ),
            ("admin", GoldenTests.notes[4]),
            (
                "admin",
                #"{"eventType":{"category":"signal","description":"d","discriminator":"\#(eventType)","name":"order","permissions":{},"section":"usercreated.sections.shop-abc"},"kind":"event_type.created"}"#
            ),
            ("admin", version(1_000_001, "published")), ("admin", GoldenTests.notes[3]),
            ("admin", version(1_000_002, "draft")),
            ("admin", #"{"at":"2026-11-23T12:00:01.000Z","kind":"version.published","version":1000002}"#),
            ("admin", GoldenTests.notes[1]),
        ]
    }()

    private static var noteNumbers: [Int64] { [7, 9, 12, 15] }

    private static func quoted(_ text: String) -> String {
        "'" + text.replacingOccurrences(of: "'", with: "''") + "'"
    }

    /// Rows as both engines take them. A blob is written by the caller.
    private static func rows(hasNoteColumn: Bool, blob: (String) -> String, yes: String, no: String) -> String {
        let entries = log.enumerated().map { index, entry in
            let isNote = noteNumbers.contains(Int64(index + 1)) ? yes : no
            return "(1, \(index + 1), \(1000 + index), \(quoted(entry.actor)), \(hasNoteColumn ? isNote + ", " : "")"
                + "\(quoted(entry.change)))"
        }
        return """
            INSERT INTO account (account_id, name, created_at) VALUES (1, 'Main account', 5);
            INSERT INTO setting (name, value) VALUES ('server_secret', \(blob("0102")));
            INSERT INTO catalogue_log (account_id, sequence, at, actor, \(hasNoteColumn ? "is_note, " : "")change)
                VALUES \(entries.joined(separator: ", "));
            INSERT INTO api_key (client_id, account_id, name, role, secret_hash, created_at)
                VALUES ('admin', 1, 'n', 'admin', \(blob("01")), 5);
            INSERT INTO signing_key (key_id, private_pem, created_at) VALUES ('k', 'PEM', 5);
            INSERT INTO profile (profile_id, account_id, keyspace, key, created_at) VALUES (-10, 1, 1, 'a@b.se', 0);
            """
    }

    private static func rejection(_ blob: (String) -> String, text: (String) -> String) -> String {
        """
        INSERT INTO rejection (rejection_id, account_id, section, keyspace, key, received_at, client_id, request_id, code,
            detail, errors, event_count, body)
        VALUES (3, 1, 2, 1, \(text("a@b.se")), \(Fixtures.now.milliseconds), 'admin', \(text("r")), 'validation_failed',
            \(text("d")), '[]', 1, \(blob("7b7d")));
        INSERT INTO version_usage (account_id, version_id, events, last_received_at) VALUES (1, 1000001, 2, 7);
        """
    }

    /// What every store of them has when this version has opened it, the number of the next entry included.
    private static func verify(_ store: any Store, hasRejection: Bool, nextSequence: Int64) async throws {
        let contents = try await store.load()
        #expect(contents.accounts == [Account(number: 1, name: "Main account", createdAt: Timestamp(milliseconds: 5))])
        let definitions = try #require(contents.definitions[1])
        let numbers = (1...15).filter { !noteNumbers.contains($0) }
        #expect(definitions.map(\.sequence) == numbers)
        let catalogue = try Catalogue(
            account: contents.accounts[0], definitions: definitions,
            lastSequence: contents.lastSequences[1]?.definitions ?? 0)
        #expect(catalogue.version(1_000_001)?.version.deprecatedAt == Timestamp(rfc3339: "2026-11-23T12:00:01Z"))
        #expect(catalogue.version(1_000_002)?.version.state == .published)
        #expect(catalogue.definitionSequence == 14)

        let trail = try await store.log(LogRange(account: 1, order: .oldestFirst(after: 0), limit: 100))
        #expect(trail.map(\.number) == Array(1...15))
        #expect(trail.map(\.at.milliseconds) == Array(1000...1014))
        #expect(trail.map(\.actor) == log.map(\.actor))
        for (entry, line) in zip(trail, log) {
            switch entry.content {
            case .definition(let change): #expect(try RowText.text(of: change) == line.change)
            case .act(let act):
                #expect(line.change.contains(#""kind":"\#(act.kind.rawValue)""#))
                #expect((act.subject, act.detail) == ("subject", "what it was"))
            }
        }
        #expect(contents.apiKeys.map(\.clientID) == ["admin"] && contents.signingKeys.map(\.id) == ["k"])
        #expect(contents.serverSecret == [1, 2])
        let filter = EventFilter(profile: try Fixtures.address("a@b.se", id: -10), section: 2)
        #expect(try await store.events(filter, after: nil, limit: 9)?.events.map(\.data) == [#"{"a":2}"#, #"{"a":1}"#])
        #expect(try await store.usage(account: 1).map(\.events) == [2])
        let kept = try await store.rejections(
            RejectionFilter(account: 1, section: nil, receivedFrom: Timestamp(milliseconds: 0)), before: nil, limit: 9,
            bodyBytesMax: 9)
        #expect(kept.map(\.id) == (hasRejection ? [3] : []))

        let change = CatalogueChange.section(.renamed(catalogue.sections[0].discriminator, name: "N"))
        let (_, next) = try catalogue.applying([change], at: Fixtures.now, by: "me")
        #expect(next.map(\.sequence) == [nextSequence])
        try await store.commit(
            AccountChange(account: contents.accounts[0], entries: next, acts: [Fixtures.act("later")]))
        let newest = try await store.log(LogRange(account: 1, order: .newestFirst(before: .max), limit: 3))
        #expect(newest.map(\.number) == [17, 16, 15])
        #expect(newest.map(\.kind) == ["api_key.created", "section.renamed", "api_key.revoked"])
    }

    // MARK: Engines

    @Test("SQLite: a store opens, and reads back as it was", arguments: Version.allCases)
    func sqlite(_ version: Version) async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/o.sqlite"
        let migrations = OvationSQLite.Schema.migrator.migrations.prefix(version.migrations)
        let blob: @Sendable (String) -> String = { "x'\($0)'" }
        do {
            let queue = try DatabaseQueue(path: path)
            try await queue.writeWithoutTransaction { database in
                try database.execute(sql: try version.tables())
                let hasNoteColumn = try database.columns(in: "catalogue_log").contains { $0.name == "is_note" }
                try database.execute(
                    sql: OlderStoreTests.rows(hasNoteColumn: hasNoteColumn, blob: blob, yes: "1", no: "0"))
                try database.execute(
                    sql: """
                        INSERT INTO event (event_id, profile_id, section, event_time, received_at, version_id, data)
                        VALUES (1, -10, 2, 500, 6, 1000001, '{"a":1}'), (2, -10, 2, 600, 7, 1000001, '{"a":2}');
                        """)
                if version != .first {
                    try database.execute(sql: OlderStoreTests.rejection(blob, text: OlderStoreTests.quoted))
                }
                if version == .beforeActs {
                    try database.execute(sql: "INSERT INTO setting VALUES ('store_id', 'abc')")
                }
                try database.execute(sql: "CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY)")
                for migration in migrations {
                    try database.execute(sql: "INSERT INTO grdb_migrations VALUES (?)", arguments: [migration])
                }
            }
            try queue.close()
        }
        if version != .first {
            #expect(SQLiteDoctor.findings(path: path, isDeep: true).filter { !$0.isGood }.map(\.text) == [])
        }
        let store = try SQLiteStore(testing: path)
        try await OlderStoreTests.verify(store, hasRejection: version != .first, nextSequence: 15)
        store.close()
        #expect(SQLiteDoctor.findings(path: path, isDeep: true).filter { !$0.isGood }.map(\.text) == [])
        withExtendedLifetime(folder) {}
    }

    private func older() throws -> Database {
        let database = try Database()
        let tables = OlderStoreTests.part(
            of: try OlderStoreTests.fixture("postgresql.sql"), after: "-- Ledger", before: "-- Migration 4")
        let blob = { (hex: String) in "'\\x\(hex)'::bytea" }
        let text = { (text: String) in OlderStoreTests.quoted(text) + "::bytea" }
        let applied = OvationPostgres.Schema.migrations.prefix(3).map {
            "INSERT INTO migration (number, name) VALUES (\($0.number), \(OlderStoreTests.quoted($0.name)));"
        }
        _ = try database.query(
            tables + applied.joined()
                + OlderStoreTests.rows(hasNoteColumn: true, blob: blob, yes: "true", no: "false")
                + OlderStoreTests.rejection(blob, text: text).replacingOccurrences(
                    of: "INTO version_usage (account_id, version_id, events, last_received_at) VALUES (",
                    with: "INTO version_usage (account_id, version_id, events, last_received_at, slot) VALUES ("
                )
                .replacingOccurrences(of: "1000001, 2, 7)", with: "1000001, 2, 7, 0)")
                    + """
                    INSERT INTO event
                        (event_id, profile_id, section, event_time, received_at, version_id, data, account_id)
                    VALUES (1, -10, 2, 500, 6, 1000001, '{"a":1}', 1), (2, -10, 2, 600, 7, 1000001, '{"a":2}', 1);
                    SELECT setval('event_block', 64);
                    """)
        return database
    }

    @Test("PostgreSQL: a store opens, and reads back as it was")
    func postgres() async throws {
        let database = try older()
        let store = try database.open()
        defer { store.close() }
        // Notes stay where older servers count them.
        try await OlderStoreTests.verify(store, hasRejection: true, nextSequence: 16)
    }

    @Test("PostgreSQL: what an older server writes during an update gets its place in the audit trail")
    func rollingUpdate() async throws {
        let database = try older()
        let stores = [try database.open(), try database.open()]
        defer { for store in stores { store.close() } }
        func write(_ sequence: Int, isNote: Bool, _ change: String) throws {
            _ = try database.query(
                """
                INSERT INTO catalogue_log (account_id, sequence, at, actor, is_note, change)
                VALUES (1, \(sequence), \(2000 + sequence), 'older', \(isNote), \(OlderStoreTests.quoted(change)))
                """)
        }
        func trail(_ store: PostgresStore) async throws -> [String] {
            try await store.log(LogRange(account: 1, order: .oldestFirst(after: 15), limit: 100)).map {
                "\($0.number) \($0.kind)"
            }
        }
        let before = try await stores[0].lastSequences()
        // A key and a definition by the older one, found by one who asks.
        try write(16, isNote: true, GoldenTests.notes[1])
        try write(17, isNote: false, #"{"kind":"section.renamed","name":"O","section":"com.apsis1.sections.default"}"#)
        let after = try await stores[1].lastSequences()
        #expect(after[1] == AccountSequences(definitions: 17, keys: (before[1]?.keys ?? 0) + 1))
        #expect(try await trail(stores[0]) == ["16 api_key.revoked", "17 section.renamed"])
        // A deletion by the older one, and before anybody asks, one by a newer one and an edit.
        try write(18, isNote: true, GoldenTests.notes[4])
        let filter = EventFilter(profile: try Fixtures.address("a@b.se", id: -10), section: 2)
        let deletion = try await stores[0].deleteEvents(
            filter, id: 1, recordedAs: { _ in Fixtures.act("newer").act }, at: Fixtures.now, by: "me")
        #expect(deletion?.entry?.number == 19)
        try write(19, isNote: true, GoldenTests.notes[4])
        let change = CatalogueChange.section(.renamed(BuiltIn.sections[0].discriminator, name: "N"))
        func edit(_ sequence: Int64) async throws {
            let entry = LogEntry(sequence: sequence, at: Fixtures.now, actor: "me", change: change)
            try await stores[1].commit(AccountChange(account: Fixtures.account, entries: [entry]))
        }
        await #expect(throws: StoreFailure(.sequenceTaken, "")) { try await edit(18) }
        try await edit(20)
        #expect(
            try await trail(stores[1]).dropFirst(2) == [
                "18 events.deleted", "19 api_key.created", "20 events.deleted", "21 section.renamed",
            ])
        #expect(try database.query("SELECT count(*) FROM catalogue_log WHERE number IS NULL") == "0")
    }

    @Test("PostgreSQL: a change of keys that meets one of an older server is made at the second try")
    func meetsOlderKeys() async throws {
        let database = try older()
        let store = try database.open()
        defer { store.close() }
        func change(_ subject: String) async throws {
            let keys = try #require(try await store.load().lastSequences[1]).keys
            try await store.commit(
                AccountChange(
                    account: Fixtures.account, entries: [], acts: [Fixtures.act(subject)],
                    apiKeys: try await store.load().apiKeys, keysBefore: keys))
        }
        try await change("first")
        _ = try database.query(
            """
            INSERT INTO catalogue_log (account_id, sequence, at, actor, is_note, change)
            VALUES (1, 16, 2016, 'older', true, \(OlderStoreTests.quoted(GoldenTests.notes[1])))
            """)
        // Nobody follows in between: the refusal itself takes over what the older one wrote.
        await #expect(throws: StoreFailure(.sequenceTaken, "")) { try await change("second") }
        try await change("second")
        let newest = try await store.log(LogRange(account: 1, order: .newestFirst(before: .max), limit: 2))
        #expect(newest.map(\.number) == [18, 17])
    }

    @Test("PostgreSQL: servers follow each other while the log of an account is held, and take over afterwards")
    func followsWhileLogIsHeld() async throws {
        let database = try older()
        let store = try database.open()
        defer { store.close() }
        let before = try #require(try await store.lastSequences()[1])
        let holder = try Session.open(ConnectionTarget(database.target), for: .writing, patience: .seconds(9))
        try holder.run([Command(.begin), Command(Locks.log) { $0.add(1) }])
        _ = try database.query(
            """
            INSERT INTO catalogue_log (account_id, sequence, at, actor, is_note, change)
            VALUES (1, 16, 2016, 'older', true, \(OlderStoreTests.quoted(GoldenTests.notes[1])));
            UPDATE account SET key_changes = key_changes + 5
            """)
        #expect(try await store.lastSequences()[1]?.keys == before.keys + 5)
        #expect(try database.query("SELECT count(*) FROM catalogue_log WHERE number IS NULL") == "1")
        try holder.run([Command(.commit)])
        holder.close()
        #expect(try await store.lastSequences()[1]?.keys == before.keys + 6)
        #expect(try database.query("SELECT count(*) FROM catalogue_log WHERE number IS NULL") == "0")
    }

    @Test("PostgreSQL: a store that an older server wrote to last is not copied before a newer one has served it")
    func refusesCopy() async throws {
        let database = try older()
        try database.open().close()
        _ = try database.query("UPDATE catalogue_log SET number = NULL WHERE sequence = 15")
        let failure = try #require(throws: StoreFailure.self) {
            try PostgresRows(connection: database.target, as: .source, logger: CopyPlace.logger)
        }
        #expect(failure.code == .unusable && failure.message.contains("an older Ovation was the last"))
    }
}

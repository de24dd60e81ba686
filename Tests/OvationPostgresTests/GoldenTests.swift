import Foundation
import GRDB
import OvationRows
import OvationTesting
import Testing

@testable import OvationCore
@testable import OvationPostgres
@testable import OvationSQLite

/// What stores hold for good, beside what this version would write: a word that is renamed, a check that is dropped or a
/// migration that is edited makes stores that differ from those that are there.
///
/// `OVATION_WRITE_FIXTURES=1 swift test --filter GoldenTests` writes the files anew. Then look at what changed: what a
/// release has written stays.
@Suite("What stores hold for good")
struct GoldenTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures/stores")

    private func expect(_ file: String, _ text: String) throws {
        let url = GoldenTests.folder.appendingPathComponent(file)
        if ProcessInfo.processInfo.environment["OVATION_WRITE_FIXTURES"] != nil {
            try FileManager.default.createDirectory(at: GoldenTests.folder, withIntermediateDirectories: true)
            try text.write(to: url, atomically: true, encoding: .utf8)
        }
        let golden = try String(contentsOf: url, encoding: .utf8).split(
            separator: "\n", omittingEmptySubsequences: false)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count == golden.count, "\(file)")
        for (number, (line, wanted)) in zip(lines, golden).enumerated() where line != wanted {
            Issue.record("\(file):\(number + 1) is '\(wanted)', and this version writes '\(line)'")
        }
    }

    // MARK: Tables

    @Test("the tables of SQLite after each migration")
    func sqlite() throws {
        var text = ""
        for migration in OvationSQLite.Schema.migrator.migrations {
            let queue = try DatabaseQueue()
            try OvationSQLite.Schema.migrator.migrate(queue, upTo: migration)
            let statements = try queue.read { database in
                try String.fetchAll(
                    database,
                    sql: """
                        SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND tbl_name <> 'grdb_migrations'
                        ORDER BY type DESC, name
                        """)
            }
            text += "-- After migration \(migration)\n\n" + statements.joined(separator: ";\n\n") + ";\n\n"
        }
        try expect("sqlite.sql", text)
    }

    @Test("the statements of PostgreSQL's migrations")
    func postgres() throws {
        let migrations = OvationPostgres.Schema.migrations.map { migration in
            "-- Migration \(migration.number) \(migration.name)\n\n" + migration.statements.joined(separator: ";\n\n")
                + ";\n"
        }
        try expect(
            "postgresql.sql",
            "-- Ledger\n\n" + OvationPostgres.Schema.ledger.joined(separator: ";\n\n") + ";\n\n"
                + migrations.joined(separator: "\n"))
    }

    // MARK: The log of definitions

    /// One change of each kind. A kind that is new here is missing in ``kinds(_:)`` too, which does not compile then.
    private static func changes() throws -> [CatalogueChange] {
        let section: Discriminator<Section> = try Discriminator("usercreated.sections.shop-abc")
        let keyspace: Discriminator<Keyspace> = try Discriminator("com.example.keyspaces.card")
        let eventType: Discriminator<EventType> = try Discriminator("com.example.events.signal.order-xyz")
        let (at, later) = (Fixtures.now, Fixtures.now.advanced(by: .seconds(1)))
        let head = EventTypeHead(
            discriminator: eventType, section: section, category: .signal, name: "order", description: "“a” & b",
            permissions: [keyspace.text: Permission(read: true, write: false)])
        let fields = FieldType.allCases.map { type in
            Field(name: type.rawValue + "/field", type: type, required: type == .integer)
        }
        return [
            .sectionCreated(Section(number: 2, discriminator: section, name: "Shop")),
            .sectionRenamed(section, name: "Shop 2"),
            .keyspaceCreated(
                Keyspace(
                    number: 6, discriminator: keyspace, name: "Card", managesSubscriptions: true, keyFormat: .email)),
            .keyspaceChanged(keyspace, name: "Card 2", managesSubscriptions: false),
            .eventTypeCreated(head), .eventTypeChanged(head), .eventTypeRemoved(eventType, at: at),
            .versionAdded(
                VersionAdded(
                    eventType: eventType, id: 1_000_001, fields: fields, state: .published, validFrom: at,
                    deprecatedAt: later)),
            .versionAdded(
                VersionAdded(
                    eventType: eventType, id: 1_000_002, fields: [], state: .draft, validFrom: at, deprecatedAt: nil)),
            .versionPublished(1_000_002, at: at), .versionRepublished(1_000_001, at: at), .versionDiscarded(1_000_002),
            .versionDeprecated(1_000_001, at: at),
        ] + Note.Act.allCases.map { .noted(Note(act: $0, subject: "subject", detail: "what it was")) }
    }

    private static func kinds(_ change: CatalogueChange) -> Int {
        switch change {
        case .sectionCreated: 0
        case .sectionRenamed: 1
        case .keyspaceCreated: 2
        case .keyspaceChanged: 3
        case .eventTypeCreated: 4
        case .eventTypeChanged: 5
        case .eventTypeRemoved: 6
        case .versionAdded: 7
        case .versionPublished: 8
        case .versionRepublished: 9
        case .versionDiscarded: 10
        case .versionDeprecated: 11
        case .noted: 12
        }
    }

    @Test("a line of the log of each kind is written as ever, and read back as it was")
    func log() throws {
        let changes = try GoldenTests.changes()
        #expect(Set(changes.map(GoldenTests.kinds)) == Set(0...12))
        let lines = try changes.map { try RowText.text(of: $0) }
        try expect("catalogue-log.ndjson", lines.joined(separator: "\n") + "\n")
        let stored = try String(
            contentsOf: GoldenTests.folder.appendingPathComponent("catalogue-log.ndjson"), encoding: .utf8)
        let read = try stored.split(separator: "\n").map { try RowText.value(CatalogueChange.self, of: String($0)) }
        #expect(read == changes)
    }
}

@Suite("KnownProfiles")
struct KnownProfilesTests {
    @Test("the number of known profiles is limited; those not asked for are forgotten first")
    func forgets() {
        var known = KnownProfiles(countMax: 4)
        func address(_ number: Int) -> KnownProfiles.Address {
            KnownProfiles.Address(account: 1, keyspace: 1, key: "p\(number)")
        }
        for number in 0..<100 {
            known.add(address(number), Int64(number))
            // One that is asked for all the time.
            #expect(known.id(of: address(0)) == 0)
        }
        let count = (0..<100).count { known.id(of: address($0)) != nil }
        #expect((2...4).contains(count), "\(count)")
        #expect(known.id(of: address(1)) == nil)
    }
}

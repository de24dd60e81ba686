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
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
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
        let first: [CatalogueChange] = [
            .section(.created(Section(number: 2, discriminator: section, name: "Shop"))),
            .section(.renamed(section, name: "Shop 2")),
            .keyspace(
                .created(
                    Keyspace(
                        number: 6, discriminator: keyspace, name: "Card", managesSubscriptions: true, keyFormat: .email)
                )),
            .keyspace(.changed(keyspace, name: "Card 2", managesSubscriptions: false, mapping: nil)),
            .eventType(.created(head)), .eventType(.changed(head)), .eventType(.removed(eventType, at: at)),
            .version(
                .added(
                    VersionAdded(
                        eventType: eventType, id: 1_000_001, fields: fields, state: .published, validFrom: at,
                        deprecatedAt: later))),
            .version(
                .added(
                    VersionAdded(
                        eventType: eventType, id: 1_000_002, fields: [], state: .draft, validFrom: at, deprecatedAt: nil
                    ))),
            .version(.published(1_000_002, at: at)), .version(.republished(1_000_001, at: at)),
            .version(.discarded(1_000_002)),
            .version(.deprecated(1_000_001, at: at)),
        ]
        return try first + profileFields(section, keyspace) + consentDefinitions(section, keyspace)
    }

    /// Of channels, folders and topics.
    private static func consentDefinitions(
        _ section: Discriminator<Section>, _ keyspace: Discriminator<Keyspace>
    ) throws -> [CatalogueChange] {
        let channel: Discriminator<OvationCore.Channel> = try Discriminator("com.example.channels.push")
        let folder = FolderHead(
            discriminator: try Discriminator("com.example.targets.news"), section: section, name: "News",
            description: "d")
        let topic = TopicHead(
            discriminator: try Discriminator("com.example.topics.offers"), section: section,
            folder: folder.discriminator, channel: channel, name: "Offers", description: "d")
        var anyChannel = topic
        anyChannel.channel = nil
        let at = Fixtures.now
        return [
            .channel(
                .created(
                    OvationCore.Channel(number: 100, discriminator: channel, name: "Push", keyspace: keyspace))),
            .channel(.changed(channel, name: "Push 2")), .channel(.removed(channel, at: at)),
            .folder(.created(folder)), .folder(.changed(folder)),
            .folder(.removed(folder.discriminator, in: section, at: at)),
            .topic(.created(topic, number: 1)), .topic(.created(anyChannel, number: 2)), .topic(.changed(topic)),
            .topic(.removed(topic.discriminator, in: section, at: at)),
        ]
    }

    /// Of attributes and tags, and of what keyspaces have to do with them.
    private static func profileFields(
        _ section: Discriminator<Section>, _ keyspace: Discriminator<Keyspace>
    ) throws -> [CatalogueChange] {
        let attribute: Discriminator<Attribute> = try Discriminator("com.example.attributes.cake")
        let tag: Discriminator<OvationCore.Tag> = try Discriminator("com.example.tags.vip")
        let (at, later) = (Fixtures.now, Fixtures.now.advanced(by: .seconds(1)))
        let permissions = [keyspace.text: Permission(read: true, write: false)]
        let head = AttributeHead(
            discriminator: attribute, section: section, name: "Cake", description: "d", permissions: permissions)
        let tagHead = TagHead(
            discriminator: tag, section: section, name: "VIP", description: "d", permissions: permissions,
            isHidden: true)
        func version(_ id: VersionID, _ hint: RenderHint?, _ state: VersionState) -> AttributeVersionAdded {
            AttributeVersionAdded(
                section: section, attribute: attribute, id: id, type: hint?.type ?? .double, renderHint: hint,
                state: state, validFrom: at, deprecatedAt: hint == nil ? later : nil)
        }
        return [
            .keyspace(
                .created(
                    Keyspace(
                        number: 7, discriminator: keyspace, name: "Card", managesSubscriptions: true, keyFormat: .text,
                        mapping: attribute))),
            .keyspace(.changed(keyspace, name: "Card 2", managesSubscriptions: false, mapping: attribute)),
            .attribute(.created(head, number: 10_000, version(1_000_003, .date, .published))),
            .attribute(.changed(head)), .attribute(.removed(attribute, in: section, at: at)),
            .attributeVersion(.added(version(1_000_004, .timestamp, .draft))),
            .attributeVersion(.added(version(1_000_005, .location, .draft))),
            .attributeVersion(.added(version(1_000_006, nil, .published))),
            .attributeVersion(.published(1_000_004, at: at)), .attributeVersion(.republished(1_000_004, at: at)),
            .attributeVersion(.discarded(1_000_005)), .attributeVersion(.deprecated(1_000_004, at: at)),
            .tag(.created(tagHead, number: 1, id: 1_000_007, validFrom: at)), .tag(.changed(tagHead)),
            .tag(.removed(tag, in: section, at: at)),
        ]
    }

    private static func kinds(_ change: CatalogueChange) -> Int {
        switch change {
        case .section(.created): 0
        case .section(.renamed): 1
        case .keyspace(.created): 2
        case .keyspace(.changed): 3
        case .eventType(.created): 4
        case .eventType(.changed): 5
        case .eventType(.removed): 6
        case .version(.added): 7
        case .version(.published): 8
        case .version(.republished): 9
        case .version(.discarded): 10
        case .version(.deprecated): 11
        case .attribute(.created): 12
        case .attribute(.changed): 13
        case .attribute(.removed): 14
        case .attributeVersion(.added): 15
        case .attributeVersion(.published): 16
        case .attributeVersion(.republished): 17
        case .attributeVersion(.discarded): 18
        case .attributeVersion(.deprecated): 19
        case .tag(.created): 20
        case .tag(.changed): 21
        case .tag(.removed): 22
        case .channel(.created): 23
        case .channel(.changed): 24
        case .channel(.removed): 25
        case .folder(.created): 26
        case .folder(.changed): 27
        case .folder(.removed): 28
        case .topic(.created): 29
        case .topic(.changed): 30
        case .topic(.removed): 31
        }
    }

    /// Up to version 0.2 acts were notes in the log of definitions. Nothing writes them any more, and stores have them.
    static let notes = [
        "api_key.created", "api_key.revoked", "api_key.rotated", "signing_key.rotated", "events.deleted",
    ].map { #"{"kind":"\#($0)","note":{"act":"\#($0)","detail":"what it was","subject":"subject"}}"# }

    @Test("a line of the log of each kind is written as ever, and read back as it was")
    func log() throws {
        let changes = try GoldenTests.changes()
        #expect(Set(changes.map(GoldenTests.kinds)) == Set(0...31))
        let lines = try changes.map { try RowText.text(of: $0) }
        try expect("catalogue-log.ndjson", (lines + GoldenTests.notes).joined(separator: "\n") + "\n")
        let stored = try String(
            contentsOf: GoldenTests.folder.appendingPathComponent("catalogue-log.ndjson"), encoding: .utf8)
        let read = try stored.split(separator: "\n").prefix(changes.count).map {
            try RowText.value(CatalogueChange.self, of: String($0))
        }
        #expect(read == changes)
        #expect(
            Act.Kind.all.map(\.rawValue) == [
                "api_key.created", "api_key.revoked", "api_key.rotated", "signing_key.rotated", "events.deleted",
                "profile.erased",
            ])
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

    @Test("states are those of the newest change that was noted, and of too many changes all is forgotten")
    func notesStates() {
        var known = KnownProfiles(countMax: 8, stateNumber: 5)
        func address(_ number: Int) -> KnownProfiles.Address {
            KnownProfiles.Address(account: 1, keyspace: 1, key: "p\(number)")
        }
        for number in 0..<3 { known.add(address(number), Int64(number)) }
        #expect(known.stateNumber == 5 && known.state(of: 1) == .open)
        known.note([1: .locked, 2: .locked], upTo: 9)
        known.note([2: .open], upTo: 11)
        #expect(known.stateNumber == 11)
        #expect((0..<3).map { known.state(of: $0) } == [.open, .locked, .open])
        #expect(known.id(of: address(1)) == 1)
        // Its key was taken from it, also where it is locked afterwards.
        #expect(known.id(of: address(2)) == nil)
        known.note([2: .locked], upTo: 12)
        known.add(address(2), 2)
        #expect(known.id(of: address(2)) == nil)
        known.note([3: .locked, 4: .locked], upTo: 12)
        #expect(known.id(of: address(0)) == 0)
        known.note([6: .locked], upTo: 13)
        #expect(known.stateNumber == 13 && known.id(of: address(1)) == nil)
    }

    @Test("the key of an erased profile is not known, until that of a new one is")
    func forgetsErased() {
        func address(_ number: Int) -> KnownProfiles.Address {
            KnownProfiles.Address(account: 1, keyspace: 1, key: "p\(number)")
        }
        // Also where it has become one of the older ones.
        for others in [0, 5] {
            var known = KnownProfiles(countMax: 10)
            known.add(address(1), 1)
            for number in 0..<others { known.add(address(10 + number), Int64(10 + number)) }
            known.note([1: .erased], upTo: 9)
            #expect(known.id(of: address(1)) == nil)
            known.add(address(1), 2)
            #expect(known.id(of: address(1)) == 2 && known.state(of: 2) == .open)
            known.note([2: .locked], upTo: 10)
            #expect(known.id(of: address(1)) == 2 && known.state(of: 2) == .locked)
        }
    }
}

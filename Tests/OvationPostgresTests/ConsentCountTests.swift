import OvationCore
import OvationRows
import OvationTesting
import Testing

@testable import OvationPostgres

@Suite("PostgresStore: counts of consents", .serialized)
struct ConsentCountTests {
    private let database: Database

    init() throws { database = try Database() }

    private func connect() throws -> PostgresConnection {
        try Session.open(ConnectionTarget(database.target), for: .writing, patience: .seconds(9))
    }

    /// The rows are what is counted anew.
    private func expectSound(location: SourceLocation = #_sourceLocation) throws {
        let counted = try ConsentCountRows.recount(connect()).changed.map { key, profiles in
            "\(key.account)|\(key.section)|\(key.place)|\(key.type.rawValue)|\(profiles)"
        }
        let found = try database.query(
            """
            SELECT account_id, section, place, type, sum(profiles) FROM consent_count GROUP BY 1, 2, 3, 4
            HAVING sum(profiles) <> 0 ORDER BY 1, 2, 3, 4
            """)
        #expect(found.split(separator: "\n").map(String.init) == counted, sourceLocation: location)
    }

    private static let place = ConsentPlace(topic: 7, channel: 1)

    private func consent(
        _ store: any Store, _ key: String, _ type: ConsentType, keyspace: Int64 = 1, section: Int64 = 2
    ) async throws {
        let edit = ConsentEdit(ConsentCountTests.place, Consent(type, source: "", reason: ""))
        _ = try await store.change(
            ProfileChange(
                profile: Fixtures.address(key, keyspace: keyspace), at: Fixtures.now, actor: "me",
                precondition: .none, operations: [.consent(section: section, [edit])]))
    }

    /// Twelve profiles, two of them one, one locked and one erased; and a suppression.
    private func fill(_ store: any Store) async throws {
        try await store.found()
        for number in 0..<12 {
            try await consent(store, "p\(number)@b.se", number.isMultiple(of: 3) ? .optOut : .optIn)
        }
        try await consent(store, "web", .optOut, keyspace: 4)
        let operations: [(String, ProfileChange.Operation)] = [
            ("p1@b.se", .merge(try Fixtures.address("web", keyspace: 4), Fixtures.mergeRules)),
            ("p2@b.se", .lock), ("p4@b.se", .erase(Fixtures.erasureID(1), formats: Fixtures.keyFormats)),
        ]
        for (key, operation) in operations {
            _ = try await store.change(
                ProfileChange(
                    profile: Fixtures.address(key), at: Fixtures.now, actor: "me", operations: [operation]))
        }
        try await consent(store, "hash", .optOut, keyspace: -1, section: 0)
        try await consent(store, "p5@b.se", .optOut, section: 0)
    }

    @Test("a merged profile counts once, when two servers set its consent by two of its keys at once")
    func countsOnce() async throws {
        let stores = [try database.open(), try database.open()]
        defer { for store in stores { store.close() } }
        try await stores[0].found()
        let pairs = 40
        for number in 0..<pairs {
            _ = try await stores[0].change(
                ProfileChange(
                    profile: Fixtures.address("p\(number)@b.se"), at: Fixtures.now, actor: "me", precondition: .none,
                    operations: [.merge(try Fixtures.address("w\(number)", keyspace: 4), Fixtures.mergeRules)]))
        }
        for type in [ConsentType.optIn, .optOut] {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<pairs {
                    group.addTask { try await consent(stores[0], "p\(number)@b.se", type) }
                    group.addTask { try await consent(stores[1], "w\(number)", type, keyspace: 4) }
                }
                try await group.waitForAll()
            }
            #expect(try await counts(stores[0]) == ["2 7/1 \(type.word) \(pairs)"])
        }
        try expectSound()
    }

    private func counts(_ store: any Store) async throws -> [String] {
        var found: [String] = []
        for section in [ConsentCount.suppressions, 0, 2, 3] {
            found += try await store.consentCounts(account: 1, section: section).map {
                "\(section) \($0.place.topic ?? 0)/\($0.place.channel ?? 0) \($0.type.word) \($0.profiles)"
            }
        }
        return found
    }

    private static let expected = [
        "-1 7/1 opt-out 1", "0 7/1 opt-out 1", "2 7/1 opt-out 5", "2 7/1 opt-in 5",
    ]

    @Test("a database whose tables are older has its counts when it has been opened")
    func upgrades() async throws {
        let older = try database.open()
        try await fill(older)
        #expect(try await counts(older) == ConsentCountTests.expected)
        older.close()
        try expectSound()
        let connection = try connect()
        for statement in [
            "DROP TABLE ovation.consent_count", "DROP TABLE ovation.job", "DROP TABLE ovation.node_usage",
            "ALTER TABLE ovation.mapped_attribute DROP COLUMN state",
            "DELETE FROM ovation.migration WHERE number >= 11",
        ] {
            _ = try connection.run([Command(Statement(statement, statement))])
        }
        let store = try database.open()
        defer { store.close() }
        #expect(try await counts(store) == ConsentCountTests.expected)
        try expectSound()
    }

    @Test(
        "a copy has the counts of its source, and goes on from there", arguments: CopyPlace.Engine.allCases,
        CopyPlace.Engine.allCases)
    func copies(from: CopyPlace.Engine, to: CopyPlace.Engine) async throws {
        let (source, target) = (try CopyPlace(from), try CopyPlace(to))
        try await source.serve { try await fill($0) }
        _ = try await source.copy(to: target)
        try await target.serve { store in
            #expect(try await counts(store) == ConsentCountTests.expected)
            try await consent(store, "p0@b.se", .optIn)
            #expect(try await counts(store).suffix(2) == ["2 7/1 opt-out 4", "2 7/1 opt-in 6"])
        }
    }

    @Test("after random lives the counts are those of what is held", arguments: 300...301 as ClosedRange<UInt64>)
    func followsLives(seed: UInt64) async throws {
        var limits = Database.few
        limits.idempotencyLifetime = .seconds(5000)
        let store = try database.open(limits)
        try await ProfileHistory(seed: seed, on: [store], lifetime: .seconds(5000)).play(steps: 150)
        store.close()
        try expectSound()
    }

    @Test(
        "after random lives with merges the counts are those of what is held",
        arguments: 300...301 as ClosedRange<UInt64>)
    func followsMembers(seed: UInt64) async throws {
        let store = try database.open()
        try await MemberHistory(seed: seed, on: [store]).play(steps: 150)
        store.close()
        try expectSound()
    }

    @Test("writers of several servers count in slots of their own, and the sum is right")
    func addsSlots() async throws {
        let stores = [try database.open(), try database.open()]
        defer { for store in stores { store.close() } }
        try await stores[0].found()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<40 {
                group.addTask {
                    try await consent(stores[number % 2], "p\(number)@b.se", .optIn)
                    try await consent(stores[(number + 1) % 2], "p\(number)@b.se", .optOut)
                }
            }
            try await group.waitForAll()
        }
        for store in stores { #expect(try await counts(store) == ["2 7/1 opt-out 40"]) }
        #expect(try database.query("SELECT count(DISTINCT slot) > 1 FROM consent_count") == "t")
        try expectSound()
    }
}

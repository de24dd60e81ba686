import OvationCore
import OvationRows
import OvationTesting
import Testing

@testable import OvationPostgres

@Suite("PostgresStore: values of mapped attributes", .serialized)
struct MappedValueTests {
    private let database: Database

    init() throws { database = try Database() }

    private func connect() throws -> PostgresConnection {
        try Session.open(ConnectionTarget(database.target), for: .writing, patience: .seconds(9))
    }

    private func expectSound(location: SourceLocation = #_sourceLocation) throws {
        var held: [String] = []
        try MappedValueRows.forEach(connect()) { values in
            held += values.map { "\($0.account)|\($0.value.attribute)|\($0.value.text)|\($0.value.profile)" }
        }
        let found = try database.query("SELECT account_id, attribute, value, profile_id FROM profile_value")
        #expect(found.split(separator: "\n").map(String.init).sorted() == held.sorted(), sourceLocation: location)
    }

    private func fill(_ store: PostgresStore) async throws {
        try await store.found()
        for number in 0..<12 {
            for value in ["a", "b"] {
                let edits = [
                    Fixtures.set(1, .string("\(value)\(number)@b.se")), Fixtures.set(2, .integer(46_700_000_000)),
                    Fixtures.set(10_001, .string("L\(number)")), Fixtures.tag(1),
                ]
                _ = try await store.change(Fixtures.update("p\(number)@b.se", edits))
            }
        }
    }

    private func found(_ store: PostgresStore, _ texts: [Int64: String]) async throws -> Int {
        try await store.profiles(ValueSearch(account: 1, texts: texts, isExact: false)).matches.count
    }

    @Test("a database whose tables are older finds what it holds when it has been opened")
    func upgrades() async throws {
        let older = try database.open()
        try await fill(older)
        older.close()
        // One by one: Citus sends what it is given to its nodes as one statement.
        let connection = try connect()
        for statement in [
            "DROP TABLE ovation.profile_value", "DROP TABLE ovation.mapped_attribute",
            "DROP TABLE ovation.consent_count", "ALTER TABLE ovation.erasure DROP COLUMN consents",
            "DROP TABLE ovation.job", "DROP TABLE ovation.node_usage",
            "DELETE FROM ovation.migration WHERE number >= 9",
        ] {
            _ = try connection.run([Command(Statement(statement, statement))])
        }
        let store = try database.open()
        defer { store.close() }
        #expect(try await found(store, [1: "b"]) == 12)
        #expect(try await found(store, [1: "a"]) == 0)
        #expect(try await found(store, [2: "467"]) == 12)
        try expectSound()
    }

    @Test("after random lives the rows are those of what is held", arguments: 100...103 as ClosedRange<UInt64>)
    func followsLives(seed: UInt64) async throws {
        var limits = Database.few
        limits.idempotencyLifetime = .seconds(5000)
        let store = try database.open(limits)
        try await ProfileHistory(seed: seed, on: [store], lifetime: .seconds(5000)).play(steps: 150)
        store.close()
        try expectSound()
    }

    @Test("who maps an attribute waits for the groups that are under way, and those that come wait for it")
    func waitsForGroups() async throws {
        let store = try database.open()
        defer { store.close() }
        try await fill(store)
        let group = try connect()
        try group.run([Command(.begin), Command(Locks.shareOrder)])
        async let mapped: Void = store.commit(
            AccountChange(
                account: Fixtures.account, entries: [], mapped: MappedAttributes(custom: [10_001: .text])))
        // Either it waits, or it is through.
        try await waitUntil {
            try database.query(
                """
                SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)
                    OR EXISTS (SELECT 1 FROM mapped_attribute)
                """) == "t"
        }
        #expect(try database.query("SELECT count(*) FROM mapped_attribute") == "0")
        try group.run([Command(.commit)])
        try await mapped
        #expect(try await found(store, [10_001: "L"]) == 12)
        // Another server has it at once.
        let other = try database.open()
        defer { other.close() }
        _ = try await other.change(Fixtures.update("p1@b.se", [Fixtures.set(10_001, .string("M"))]))
        #expect(try await found(store, [10_001: "L"]) == 11)
        try expectSound()
    }

    private func map(_ custom: [Int64: KeyFormat], _ store: PostgresStore) async throws {
        try await store.commit(
            AccountChange(account: Fixtures.account, entries: [], mapped: MappedAttributes(custom: custom)))
    }

    @Test(
        "an attribute is mapped and unmapped while its values change and profiles are erased, and is right afterwards")
    func mapsWhileValuesChange() async throws {
        let store = try database.open()
        defer { store.close() }
        try await store.found()
        let many = MappingState.step + 200
        @Sendable func set(_ number: Int, _ value: String) async throws {
            let edit = Fixtures.set(10_001, .string("\(value)\(number)"))
            Fixtures.expectChanged(try await store.change(Fixtures.update("p\(number)@b.se", [edit])))
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<many { group.addTask { try await set(number, "A") } }
            try await group.waitForAll()
        }
        for number in 1...20 { _ = try await store.change(Fixtures.erase("p\(many - number)@b.se", number: number)) }
        async let mapped: Void = map([10_001: .text], store)
        for number in 0..<40 { try await set(number * 13 % (many - 20), "B") }
        try await mapped
        try await waitUntil {
            try await store.erasures(account: 1, before: nil, limit: 20).allSatisfy { $0.completedAt != nil }
        }
        try expectSound()
        #expect(try database.query("SELECT count(*) FROM profile_value WHERE attribute = 10001") == "\(many - 20)")
        #expect(try await found(store, [10_001: "B"]) == 40)
        try await map([:], store)
        #expect(try database.query("SELECT count(*) FROM profile_value WHERE attribute = 10001") == "0")
        #expect(try database.query("SELECT count(*) FROM mapped_attribute") == "0")
        try expectSound()
    }

    @Test(
        "what a server that died leaves of a mapping is gone on with by the next change of definitions",
        arguments: MappingState.allCases)
    func goesOn(state: MappingState) async throws {
        let store = try database.open()
        defer { store.close() }
        try await fill(store)
        try await map([10_001: .text], store)
        _ = try database.query("UPDATE mapped_attribute SET state = \(state.rawValue)")
        if state != .whole {
            _ = try database.query("DELETE FROM profile_value WHERE attribute = 10001 AND value < 'L5'")
        }
        for (mapping, expected) in [([10_001: .text], 12), ([:], 0), ([10_001: .text], 12)]
            as [([Int64: KeyFormat], Int)]
        {
            try await map(mapping, store)
            #expect(try await found(store, [10_001: "L"]) == expected)
            try expectSound()
        }
    }
}

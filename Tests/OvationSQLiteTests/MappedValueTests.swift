import Foundation
import GRDB
import OvationCore
import OvationRows
import OvationTesting
import Testing

@testable import OvationSQLite

@Suite("SQLite: values of mapped attributes")
struct MappedValueTests {
    private let folder: TemporaryFolder
    private var path: String { folder.path + "/ovation.sqlite" }

    init() throws { folder = try TemporaryFolder() }

    /// Six values of twelve profiles each, one of them of an attribute that is mapped by an admin.
    private func fill() async throws {
        let store = try SQLiteStore(testing: path)
        defer { store.close() }
        try await store.found()
        try await store.commit(
            AccountChange(
                account: Fixtures.account, entries: [], mapped: MappedAttributes(custom: [10_001: .text])))
        for number in 0..<12 {
            for value in ["a", "b"] {
                let edits = [
                    Fixtures.set(1, .string("\(value)\(number)@b.se")), Fixtures.set(2, .integer(46_700_000_000)),
                    Fixtures.set(4, .string("Steve")), Fixtures.set(10_001, .string("L\(number)")), Fixtures.tag(1),
                ]
                _ = try await store.change(Fixtures.update("p\(number)@b.se", edits))
            }
        }
    }

    private func faults(_ path: String? = nil) -> [String] {
        SQLiteDoctor.findings(path: path ?? self.path, isDeep: true).filter { !$0.isGood }.map(\.text)
    }

    private func edit(_ sql: String) throws {
        try PageChecksums.register()
        let file = try DatabaseQueue(path: path, configuration: StoreOpening.configuration)
        try file.write { try $0.execute(sql: sql) }
        try file.close()
        try? FileManager.default.removeItem(atPath: path + ".state")
    }

    private func found(_ path: String, _ texts: [Int64: String]) async throws -> [String] {
        let store = try SQLiteStore(testing: path)
        defer { store.close() }
        let search = ValueSearch(account: 1, texts: texts, isExact: false)
        return try await store.profiles(search).matches.map { "\($0.profile.keys[0].text) \($0.value)" }
    }

    @Test(
        "a deep look finds values that are not found, and found ones that nobody holds",
        arguments: [
            ("DELETE FROM profile_value WHERE value = 'b7@b.se'", "1 values of profiles are not found"),
            ("DELETE FROM profile_value WHERE attribute = 10001", "12 values of profiles are not found"),
            ("INSERT INTO profile_value VALUES (1, 1, 'x@b.se', 5)", "1 values are found that no profile holds"),
            ("INSERT INTO profile_value VALUES (1, 4, 'Steve', 5)", "1 values are found that no profile holds"),
            (
                "UPDATE profile_value SET value = value || 'x' WHERE attribute = 2",
                "12 values of profiles are not found"
            ),
            ("DELETE FROM mapped_attribute", "12 values are found that no profile holds"),
        ])
    func audits(sql: String, fault: String) async throws {
        try await fill()
        #expect(faults() == [])
        try edit(sql)
        #expect(faults().contains { $0.contains(": " + fault) }, "\(faults())")
    }

    @Test("a store whose tables are older finds what it holds when it has been opened")
    func upgrades() async throws {
        try await fill()
        try edit(
            """
            DROP TABLE profile_value; DROP TABLE mapped_attribute;
            DELETE FROM grdb_migrations WHERE identifier LIKE '012%' OR identifier LIKE '016%'
            """)
        #expect(faults().allSatisfy { !$0.contains("values") })
        #expect(Set(try await found(path, [1: "b1"])) == ["p1@b.se b1@b.se", "p10@b.se b10@b.se", "p11@b.se b11@b.se"])
        #expect(try await found(path, [1: "a"]) == [])
        #expect(try await found(path, [2: "467"]).count == 12)
        // No version that was released knew of mapped attributes of an admin's.
        #expect(try await found(path, [10_001: "L"]) == [])
        #expect(faults() == [])
    }

    @Test("a copy finds what its source found, also by attributes of an admin's")
    func copies() async throws {
        try await fill()
        let copied = folder.path + "/copy.sqlite"
        let (source, target) = (
            try SQLiteRows(path: path, as: .source, rowsMax: 3), try SQLiteRows(path: copied, as: .target)
        )
        _ = try await StoreCopy(from: source, to: target, now: { Fixtures.now }).run()
        source.close()
        target.close()
        #expect(faults(copied) == [])
        let texts: [Int64: String] = [1: "", 2: "4", 10_001: "L"]
        #expect(try await found(copied, texts) == found(path, texts))
        #expect(try await found(copied, texts).count == 36)
    }

    private func map(_ custom: [Int64: KeyFormat], _ store: SQLiteStore) async throws {
        try await store.commit(
            AccountChange(account: Fixtures.account, entries: [], mapped: MappedAttributes(custom: custom)))
    }

    private func count(_ sql: String) async throws -> Int {
        try await DatabaseQueue(path: path).read { try Int.fetchOne($0, sql: sql) ?? 0 }
    }

    /// More than are looked at in one step.
    private static let many = MappingState.step * 2 + 100

    @Test("an attribute is mapped and unmapped while its values change, and is right afterwards")
    func mapsWhileValuesChange() async throws {
        let store = try SQLiteStore(testing: path)
        try await store.found()
        @Sendable func set(_ number: Int, _ value: String) async throws {
            let edit = Fixtures.set(10_001, .string("\(value)\(number)"))
            Fixtures.expectChanged(try await store.change(Fixtures.update("p\(number)@b.se", [edit])))
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<Self.many { group.addTask { try await set(number, "A") } }
            try await group.waitForAll()
        }
        async let mapped: Void = map([10_001: .text], store)
        for number in 0..<60 { try await set(number * 17 % Self.many, "B") }
        try await mapped
        func found(_ text: String) async throws -> Int {
            try await store.profiles(ValueSearch(account: 1, texts: [10_001: text], isExact: true)).matches.count
        }
        for number in 0..<60 {
            #expect(try await found("B\(number * 17 % Self.many)") == 1)
            #expect(try await found("A\(number * 17 % Self.many)") == 0)
        }
        #expect(try await found("A1") == 1)
        #expect(try await count("SELECT count(*) FROM profile_value WHERE attribute = 10001") == Self.many)
        try await map([:], store)
        #expect(try await count("SELECT count(*) FROM profile_value WHERE attribute = 10001") == 0)
        #expect(try await count("SELECT count(*) FROM mapped_attribute") == 0)
        try await set(3, "C")
        try await map([10_001: .email], store)
        #expect(try await found("C3") == 0)
        store.close()
        #expect(faults() == [])
    }

    @Test("values are made and removed some at a time")
    func goesInSteps() async throws {
        let store = try SQLiteStore(testing: path)
        try await store.found()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<Self.many {
                group.addTask {
                    let edit = Fixtures.set(10_001, .string("A\(number)"))
                    _ = try await store.change(Fixtures.update("p\(number)@b.se", [edit]))
                }
            }
            try await group.waitForAll()
        }
        store.close()
        try PageChecksums.register()
        let file = try DatabaseQueue(path: path, configuration: StoreOpening.configuration)
        try await file.write { database in
            func held() throws -> Int {
                try Int.fetchOne(database, sql: "SELECT count(*) FROM profile_value WHERE attribute = 10001") ?? 0
            }
            try MappedValueRows.begin([10_001: .text], account: 1, database)
            var place: MappedValueRows.Place? = MappedValueRows.Place()
            var counts: [Int] = []
            while let behind = place {
                place = try MappedValueRows.fillSome(behind: behind, of: [10_001: .text], account: 1, database)
                counts.append(try held())
            }
            #expect(counts == [MappingState.step, MappingState.step * 2, Self.many])
            try MappedValueRows.set([10_001], .leaving, account: 1, database)
            while try MappedValueRows.removeSome(of: 10_001, account: 1, database) { counts.append(try held()) }
            #expect(counts.suffix(2) == [MappingState.step + 100, 100])
            #expect(try held() == 0)
        }
        try file.close()
    }

    @Test(
        "what a stop leaves of a mapping is found sound, and the next change of definitions goes on with it",
        arguments: MappingState.allCases)
    func goesOn(state: MappingState) async throws {
        try await fill()
        try edit("UPDATE mapped_attribute SET state = \(state.rawValue)")
        if state != .whole { try edit("DELETE FROM profile_value WHERE attribute = 10001 AND value < 'L5'") }
        #expect(faults() == [])
        for (mapping, expected) in [([10_001: .text], 12), ([:], 0), ([10_001: .text], 12)]
            as [([Int64: KeyFormat], Int)]
        {
            let store = try SQLiteStore(testing: path)
            try await map(mapping, store)
            store.close()
            #expect(try await found(path, [10_001: "L"]).count == expected)
            #expect(faults() == [])
        }
    }

    @Test("a value takes few bytes more than itself")
    func isSmall() async throws {
        try await fill()
        try edit("DELETE FROM profile_value")
        let count = 20_000
        try edit(
            """
            WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < \(count))
            INSERT INTO profile_value SELECT 1, 9, 'steve.' || substr('00000' || (n * 7919 % \(count)), -6) || '@b.se',
                random() FROM number ORDER BY n * 7919 % \(count)
            """)
        let pages = try await DatabaseQueue(path: path).read { database in
            try Int.fetchOne(database, sql: "SELECT sum(pgsize) FROM dbstat WHERE name = 'profile_value'") ?? 0
        }
        // The text has 17 bytes. The profile has eight, and the rest is what SQLite needs for a row and its page.
        #expect(pages / count < 17 + 24, "\(Double(pages) / Double(count))")
    }
}

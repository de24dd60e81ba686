import Foundation
import GRDB
import OvationCore
import OvationRows
import OvationTesting
import Testing

@testable import OvationSQLite

@Suite("SQLite: counts of consents")
struct ConsentCountTests {
    private let folder: TemporaryFolder
    private var path: String { folder.path + "/ovation.sqlite" }

    init() throws { folder = try TemporaryFolder() }

    private static let place = ConsentPlace(topic: 7, channel: 1)

    private func consent(
        _ store: SQLiteStore, _ key: String, _ type: ConsentType, keyspace: Int64 = 1, section: Int64 = 2
    ) async throws {
        let edit = ConsentEdit(ConsentCountTests.place, Consent(type, source: "", reason: ""))
        _ = try await store.change(
            ProfileChange(
                profile: Fixtures.address(key, keyspace: keyspace), at: Fixtures.now, actor: "me",
                precondition: .none, operations: [.consent(section: section, [edit])]))
    }

    /// Twelve profiles, two of them one, one locked and one erased; and a suppression.
    private func fill() async throws {
        let store = try SQLiteStore(testing: path)
        defer { store.close() }
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

    private static let expected = [
        "-1 7/1 opt-out 1", "0 7/1 opt-out 1", "2 7/1 opt-out 5", "2 7/1 opt-in 5",
    ]

    private func counts(_ path: String) async throws -> [String] {
        let store = try SQLiteStore(testing: path)
        defer { store.close() }
        var found: [String] = []
        for section in [ConsentCount.suppressions, 0, 2, 3] {
            found += try await store.consentCounts(account: 1, section: section).map {
                "\(section) \($0.place.topic ?? 0)/\($0.place.channel ?? 0) \($0.type.word) \($0.profiles)"
            }
        }
        return found
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

    @Test(
        "a deep look finds counts that are not those of what profiles hold",
        arguments: [
            ("UPDATE consent_count SET profiles = profiles + 1 WHERE section = 2 AND type = 1", 1),
            ("DELETE FROM consent_count", 4),
            ("INSERT INTO consent_count VALUES (1, 5, 9, 2, 1)", 1),
            ("INSERT INTO consent_count VALUES (2, 2, 28673, 2, -1)", 1),
            ("UPDATE OR REPLACE consent_count SET section = 0 WHERE section = -1", 1),
            ("INSERT INTO consent_count VALUES (1, 2, 28673, 9, 1)", 1),
            ("INSERT INTO consent_count VALUES (1, 2, 28673, 9, 0)", 0),
        ])
    func audits(sql: String, differences: Int) async throws {
        try await fill()
        #expect(faults() == [])
        try edit(sql)
        let fault = ": \(differences) counts of consents differ from what profiles hold"
        #expect(faults().contains { $0.contains(fault) } == (differences > 0), "\(faults())")
    }

    @Test("a store whose tables are older has its counts when it has been opened")
    func upgrades() async throws {
        try await fill()
        #expect(try await counts(path) == ConsentCountTests.expected)
        try edit("DROP TABLE consent_count; DELETE FROM grdb_migrations WHERE identifier LIKE '014%'")
        #expect(faults().allSatisfy { !$0.contains("consents") })
        #expect(try await counts(path) == ConsentCountTests.expected)
        #expect(faults() == [])
    }

    @Test("a copy has the counts of its source")
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
        #expect(try await counts(copied) == ConsentCountTests.expected)
    }

    @Test("after random lives the counts are those of what is held", arguments: 300...303 as ClosedRange<UInt64>)
    func followsLives(seed: UInt64) async throws {
        let store = try SQLiteStore(testing: path)
        try await MemberHistory(seed: seed, on: [store]).play(steps: 150)
        store.close()
        #expect(faults() == [])
    }
}

import Foundation
import GRDB
import OvationCore
import OvationRows
import OvationTesting
import Testing

@testable import OvationSQLite

@Suite("SQLite: what profiles hold")
struct ProfileDataTests {
    private let folder: TemporaryFolder
    private var path: String { folder.path + "/ovation.sqlite" }

    init() throws { folder = try TemporaryFolder() }

    private func fill(_ limits: Limits = Limits()) async throws {
        let store = try SQLiteStore(testing: path, limits: limits)
        try await store.found()
        for round in 0..<6 {
            for key in ["a@b.se", "b@b.se", "c@b.se", "d@b.se"] {
                let edits = [Fixtures.set(5, .integer(Int64(round))), Fixtures.tag(Int64(round % 2), round < 4)]
                _ = try await store.change(
                    Fixtures.update(key, edits, section: Int64(2 + round % 2), actor: "actor \(round % 3)"))
                _ = try await store.append(Fixtures.batch(key, times: [Int64(round)]))
            }
        }
        _ = try await store.change(Fixtures.lock("b@b.se"))
        store.close()
    }

    private func faults() -> [String] {
        SQLiteDoctor.findings(path: path, isDeep: true).filter { !$0.isGood }.map(\.text)
    }

    private func edit(_ sql: String) throws {
        // With the checksums that pages of a store have.
        try PageChecksums.register()
        let file = try DatabaseQueue(path: path, configuration: StoreOpening.configuration)
        try file.write { try $0.execute(sql: sql) }
        try file.close()
        // A change from outside is not what this is about.
        try? FileManager.default.removeItem(atPath: path + ".state")
    }

    @Test("a deep look finds nothing where nothing is wrong", arguments: [Limits(), SQLiteStoreTests.crowded])
    func isSound(limits: Limits) async throws {
        try await fill(limits)
        #expect(faults() == [])
    }

    @Test(
        "a deep look finds where an index differs from the changes",
        arguments: [
            (
                "DELETE FROM profile_data WHERE section = 2 AND profile_id = (SELECT min(profile_id) FROM profile_data)",
                1
            ),
            (
                "DELETE FROM profile_data WHERE section = 3 AND profile_id = (SELECT max(profile_id) FROM profile_data)",
                1
            ),
            ("INSERT INTO profile_data VALUES ((SELECT max(profile_id) FROM profile_data), 9, x'01')", 1),
            ("INSERT INTO profile_data VALUES ((SELECT min(profile_id) FROM profile_data), 0, x'01')", 1),
            ("UPDATE profile_data SET fields = x'01' WHERE section = 3", 4),
            ("UPDATE profile_data SET fields = x'01030901' WHERE section = 0", 1),
            ("DELETE FROM profile_data", 9),
        ] as [(String, Int)])
    func findsDifferences(sql: String, count: Int) async throws {
        try await fill()
        try edit(sql)
        #expect(
            faults().count == 1 && faults()[0].contains("differs from their changes in \(count) places"), "\(faults())")
    }

    @Test(
        "a deep look finds changes that do not follow each other",
        arguments: [
            "DELETE FROM profile_change WHERE position = (SELECT min(position) FROM profile_change WHERE section = 2)",
            "UPDATE profile_change SET section = 3 WHERE position = (SELECT min(position) FROM profile_change)",
            "UPDATE profile_change SET edits = x'02' WHERE section = 2",
            "UPDATE profile_change SET edits = x'01030000' WHERE section = 2",
            "UPDATE profile_change SET section = NULL WHERE section = 2",
            "UPDATE profile_change SET kind = 'updated' WHERE section IS NULL",
            "UPDATE profile_change SET kind = 'locked' WHERE section = 3",
            "UPDATE profile_change SET profile_id = (SELECT max(profile_id) FROM profile_change) WHERE section = 2",
        ])
    func findsGaps(sql: String) async throws {
        try await fill()
        try edit(sql)
        #expect(faults().contains { $0.contains("changes of profiles do not follow the ones before") }, "\(faults())")
    }

    @Test("a deep look finds changes of a profile that is nowhere, also among those that have just arrived")
    func findsStrays() async throws {
        try await fill()
        try edit(
            "DELETE FROM event; DELETE FROM profile_arrival; DELETE FROM version_usage")
        #expect(faults().contains { $0.contains("changes are of profiles that are missing") }, "\(faults())")
    }

    @Test("what cannot be read is refused, and what does not need it is answered and stored")
    func refusesDamage() async throws {
        try await fill()
        try edit(
            """
            UPDATE profile_data SET fields = x'02' WHERE section = 2 AND profile_id =
                (SELECT profile_id FROM profile WHERE key = 'a@b.se'
                    UNION ALL SELECT profile_id FROM profile_arrival WHERE key = 'a@b.se')
            """)
        let store = try SQLiteStore(testing: path)
        defer { store.close() }
        let address = try Fixtures.address("a@b.se")
        await #expect(throws: StoreFailure(.damaged, "")) { try await store.data(of: address, in: nil) }
        await #expect(throws: StoreFailure(.damaged, "")) {
            try await store.changes(ProfileChangeFilter(profile: address, sections: [2], limit: 1))
        }
        #expect(try await store.data(of: address, in: [3])?.sections.count == 1)
        let (bad, good) = (
            try Fixtures.update("a@b.se", [Fixtures.tag(5)]), try Fixtures.update("c@b.se", [Fixtures.tag(5)])
        )
        let outcomes = await withTaskGroup(of: Result<ProfileChangeOutcome, StoreFailure>.self) { group in
            for change in [bad, good, bad, good] {
                group.addTask {
                    do throws(StoreFailure) { return .success(try await store.change(change)) } catch {
                        return .failure(error)
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes.count { $0 == .failure(StoreFailure(.damaged, "")) } == 2)
        #expect(outcomes.count { $0 == .success(.unchanged) } == 1)
        #expect(try await store.append(Fixtures.batch("a@b.se", times: [7])) == .stored)
    }

    @Test("a change that a value came from and that is missing is damage, and no value")
    func refusesMissingChanges() async throws {
        try await fill()
        try edit("DELETE FROM profile_change WHERE section = 3")
        let store = try SQLiteStore(testing: path)
        defer { store.close() }
        let address = try Fixtures.address("a@b.se")
        await #expect(throws: StoreFailure(.damaged, "")) { try await store.data(of: address, in: [3]) }
        await #expect(throws: StoreFailure(.damaged, "")) {
            try await store.changes(ProfileChangeFilter(profile: address, sections: [3], limit: 1))
        }
        // The writer has to read the value that is set to know whether it changes.
        let same = try Fixtures.update("a@b.se", [Fixtures.set(5, .integer(5))], section: 3)
        await #expect(throws: StoreFailure(.damaged, "")) { try await store.change(same) }
        let other = try Fixtures.update("a@b.se", [Fixtures.set(5, .integer(77))], section: 3)
        try await Fixtures.expectChanged(store.change(other))
    }

    @Test("locks of an older version have their place in the history of their profiles")
    func readsOlderLocks() async throws {
        let queue = try DatabaseQueue(path: path)
        try Schema.migrator.migrate(queue, upTo: "008 states of profiles")
        try await queue.write { database in
            try database.execute(
                sql: """
                    INSERT INTO account (account_id, name, created_at) VALUES (1, 'a', 0);
                    INSERT INTO profile (profile_id, account_id, keyspace, key, created_at, state)
                    VALUES (7, 1, 1, 'a@b.se', 0, 1), (9, 1, 1, 'b@b.se', 0, 1), (11, 1, 1, 'c@b.se', 0, 0);
                    INSERT INTO profile_change (position, account_id, profile_id, kind, state, at, actor)
                    VALUES (300, 1, 7, 'locked', 1, 5, 'me'), (301, 1, 9, 'locked', 1, 6, 'you');
                    """)
        }
        try queue.close()
        let store = try SQLiteStore(testing: path)
        for (key, id, position, at, actor) in [("a@b.se", 7, 300, 5, "me"), ("b@b.se", 9, 301, 6, "you")]
            as [(String, Int64, Int64, Int64, String)]
        {
            let filter = ProfileChangeFilter(profile: try Fixtures.address(key, id: id), sections: [], limit: 9)
            #expect(
                try await store.changes(filter)?.changes == [
                    StoredProfileChange(
                        position: position, kind: .locked, section: nil, at: Timestamp(milliseconds: at), actor: actor,
                        edits: [])
                ])
        }
        let change = try Fixtures.update("c@b.se", [Fixtures.tag(1)], id: 11, actor: "you")
        #expect(try await store.change(change) == .changed(position: 302))
        store.close()
        #expect(faults() == [])
    }

    @Test("who asked is written once, however often, and a group that fails leaves no number behind")
    func numbersActors() async throws {
        let store = try SQLiteStore(testing: path)
        defer { store.close() }
        try await store.found()
        struct Stopped: Error {}
        for actor in ["x", "y", "x"] {
            // In a transaction that comes to nothing.
            let change = try Fixtures.update("a@b.se", [Fixtures.tag(1)], actor: actor)
            _ = try? await store.write { _, appender in
                guard case .write(let draft) = try appender.profiles.decide(change, from: 1000) else { return }
                try appender.profiles.write(draft, of: change)
                throw Stopped()
            }
        }
        for (number, actor) in ["y", "x", "y", "z", "x"].enumerated() {
            let change = try Fixtures.update("a@b.se", [Fixtures.set(5, .integer(Int64(number)))], actor: actor)
            try await Fixtures.expectChanged(store.change(change))
        }
        let filter = ProfileChangeFilter(profile: try Fixtures.address("a@b.se"), sections: [2], limit: 9)
        #expect(try await store.changes(filter)?.changes.map(\.actor) == ["x", "z", "y", "x", "y"])
        let actors = try await store.write { database, _ in
            try String.fetchAll(database, sql: "SELECT client_id FROM actor ORDER BY actor_id")
        }
        #expect(actors == ["y", "x", "z"])
    }

    @Test("a change of a known profile leaves its row alone, also while it is moved")
    func leavesProfilesAlone() async throws {
        let store = try SQLiteStore(testing: path, limits: SQLiteStoreTests.crowded)
        try await store.found()
        for number in 0..<40 {
            let key = "p\(number % 10)@b.se"
            try await Fixtures.expectChanged(
                store.change(Fixtures.update(key, [Fixtures.set(5, .integer(Int64(number)))])))
            let data = try await store.data(of: Fixtures.address(key), in: nil)
            #expect(data?.sections[0].fields[0].value.value == .integer(Int64(number)))
        }
        store.close()
        #expect(faults() == [])
        let again = try SQLiteStore(testing: path)
        defer { again.close() }
        for number in 30..<40 {
            let data = try await again.data(of: Fixtures.address("p\(number % 10)@b.se"), in: nil)
            #expect(data?.sections[0].fields[0].value.value == .integer(Int64(number)))
        }
    }

    @Test(
        "a random life is as a plain model says, with room in memory and without",
        arguments: 1...16 as ClosedRange<UInt64>)
    func agrees(seed: UInt64) async throws {
        var stores: [SQLiteStore] = []
        for (number, limits) in [Limits(), SQLiteStoreTests.crowded].enumerated() {
            var limits = limits
            limits.idempotencyLifetime = .seconds(5000)
            stores.append(try SQLiteStore(testing: "\(path)-\(number)", limits: limits))
        }
        try await ProfileHistory(seed: seed, on: stores, lifetime: .seconds(5000)).play(steps: 150)
        for store in stores { store.close() }
        for number in 0..<2 {
            let findings = SQLiteDoctor.findings(path: "\(path)-\(number)", isDeep: true)
            #expect(findings.filter { !$0.isGood }.map(\.text) == [], "seed \(seed)")
        }
    }

    @Test("a copy holds what its source held, with its history and its actors")
    func copies() async throws {
        try await fill(SQLiteStoreTests.crowded)
        let copied = folder.path + "/copy.sqlite"
        let (source, target) = (
            try SQLiteRows(path: path, as: .source, rowsMax: 3), try SQLiteRows(path: copied, as: .target)
        )
        let outcome = try await StoreCopy(from: source, to: target, now: { Fixtures.now }).run()
        source.close()
        target.close()
        guard case .compared(let comparisons) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(comparisons.contains { $0.kind == .profileData && $0.source.count == 9 && $0.isSame })
        let stores = try [path, copied].map { try SQLiteStore(testing: $0) }
        defer { for store in stores { store.close() } }
        for key in ["a@b.se", "b@b.se", "c@b.se", "d@b.se"] {
            let address = try Fixtures.address(key)
            let filter = ProfileChangeFilter(profile: address, sections: [2, 3], limit: 99)
            let (data, changes) = (
                try await stores[0].data(of: address, in: nil), try await stores[0].changes(filter)
            )
            #expect(data?.sections.isEmpty == false && changes?.changes.isEmpty == false)
            #expect(try await stores[1].data(of: address, in: nil) == data)
            #expect(try await stores[1].changes(filter) == changes)
        }
        // The next change of the copy goes on from there.
        let change = try Fixtures.update("a@b.se", [Fixtures.set(5, .integer(77)), Fixtures.tag(0, false)])
        let outcomes = [try await stores[0].change(change), try await stores[1].change(change)]
        #expect(outcomes[0] == outcomes[1])
        let page = try await stores[1].changes(
            ProfileChangeFilter(profile: Fixtures.address("a@b.se"), sections: [2], limit: 1))
        #expect(page?.changes[0].edits[0].from?.value == .integer(4))
    }
}

import Foundation
import GRDB
import OvationCore
import OvationRows
import OvationTesting
import Testing

@testable import OvationSQLite

@Suite("SQLite: erasures", .serialized)
struct ErasureTests {
    private let folder: TemporaryFolder
    private var path: String { folder.path + "/ovation.sqlite" }

    init() throws {
        folder = try TemporaryFolder()
    }

    /// A profile with events, values and refused posts among others.
    private func fill(_ store: SQLiteStore, events: Int = 2000) async throws {
        try await store.found()
        for start in stride(from: 0, to: events, by: 500) {
            let times = (start..<min(start + 500, events)).map { Int64($0 * 7 % 1000) }
            _ = try await store.append(Fixtures.batch("a@b.se", times: times, data: #"{"t":"secret-data"}"#))
            _ = try await store.append(Fixtures.batch("b@b.se", times: [Int64(start)]))
        }
        for number in 0..<100 {
            let edit = Fixtures.set(Int64(number % 30), .string("secret-value-\(number)"))
            Fixtures.expectChanged(try await store.change(Fixtures.update("a@b.se", [edit, Fixtures.tag(1)])))
        }
        for key in ["a@b.se", "A@b.se"] {
            _ = try await store.keep(Fixtures.refusedPost(key: key, body: #"{"items":["secret-body"]}"#))
        }
        _ = try await store.keep(Fixtures.refusedPost(key: "b@b.se"))
    }

    private static let counts = Erasure.Counts(events: 2000, values: 30, tags: 1, changes: 100, rejections: 2)

    private func erase(_ store: SQLiteStore, _ key: String = "a@b.se", number: Int = 1) async throws {
        Fixtures.expectChanged(try await store.change(Fixtures.erase(key, number: number)))
    }

    /// The commit that erases, in a store that is closed: as a kill right after it leaves the store.
    private func eraseInFile() async throws {
        try await DatabaseQueue(path: path).write { database in
            try database.execute(
                sql: """
                    INSERT OR IGNORE INTO profile (profile_id, account_id, keyspace, key, created_at)
                        SELECT profile_id, account_id, keyspace, key, created_at FROM profile_arrival;
                    DELETE FROM profile_arrival;
                    INSERT INTO profile_change (position, account_id, profile_id, kind, state, at, actor, edits)
                        SELECT 1000000, 1, profile_id, 'erased', 2, 1, 1, x'01030000' FROM profile WHERE key = 'a@b.se';
                    UPDATE profile SET state = 2, key = '' WHERE key = 'a@b.se';
                    INSERT INTO erased_rejection SELECT rejection_id, 1000000 FROM rejection WHERE lower(key) = 'a@b.se';
                    """)
            try database.execute(
                sql: """
                    INSERT INTO erasure SELECT 1000000, ?, 1, profile_id, 1, 'me', NULL, 0, 0, 0, 0, 2, 0 FROM profile
                        WHERE state = 2
                    """, arguments: [Fixtures.erasureID(1).text])
        }
    }

    private func complete(_ store: SQLiteStore, number: Int = 1) async throws -> Erasure {
        try await waitUntil { try await store.erasure(Fixtures.erasureID(number), account: 1)?.completedAt != nil }
        return try #require(try await store.erasure(Fixtures.erasureID(number), account: 1))
    }

    private func faults(_ path: String) async throws -> [String] {
        try await DatabaseQueue(path: path).read { try StoreAudit($0).faults }
    }

    private func number(_ sql: String) async throws -> Int64 {
        try await DatabaseQueue(path: path).read { try Int64.fetchOne($0, sql: sql) ?? 0 }
    }

    @Test("what a stop leaves of an erasure is removed after the next start, and counted once")
    func goesOn() async throws {
        var limits = Limits()
        limits.recentEventsMax = 300
        var store = try SQLiteStore(testing: path, limits: limits)
        try await fill(store)
        let profile = try #require(try await store.profile(.address(Fixtures.address("a@b.se"))))
        store.close()
        try await eraseInFile()
        for round in 0..<4 {
            #expect(try await faults(path) == [])
            store = try SQLiteStore(testing: path, limits: limits)
            #expect(try await store.profile(.id(profile.id, account: 1)) == nil)
            #expect(try await store.profile(.address(Fixtures.address("a@b.se"))) == nil)
            // The first group removes some.
            for _ in 0..<3 { _ = try await store.append(Fixtures.batch("c@b.se", times: [Int64(round)])) }
            store.close()
        }
        store = try SQLiteStore(testing: path, limits: limits)
        #expect(try await complete(store).counts == Self.counts)
        #expect(try await store.usage(account: 1).map(\.events) == [16])
        store.close()
        #expect(try await faults(path) == [])
        for table in ["event", "profile_data", "profile_change"] {
            let left = try await number("SELECT count(*) FROM \(table) WHERE profile_id = \(profile.id.value)")
            #expect(left == (table == "profile_change" ? 1 : 0), "\(table)")
        }
        #expect(try await number("SELECT count(*) FROM rejection") == 1)
        #expect(try await number("SELECT count(*) FROM erased_rejection") == 0)
    }

    @Test("of an erased profile the file has neither its key nor its data")
    func leavesNoBytes() async throws {
        let store = try SQLiteStore(testing: path)
        try await fill(store, events: 40)
        try await erase(store)
        _ = try await complete(store)
        store.close()
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        for text in ["a@b.se", "A@b.se", "secret-data", "secret-value", "secret-body"] {
            #expect(bytes.range(of: Data(text.utf8)) == nil, "\(text)")
        }
        #expect(bytes.range(of: Data("b@b.se".utf8)) != nil)
    }

    @Test("a profile is erased wherever it stands: new, being moved, or in its place", arguments: [2, 64, 8192])
    func erasesArrivals(capacity: Int) async throws {
        var limits = Limits()
        (limits.recentProfilesMax, limits.recentEventsMax) = (capacity, capacity)
        var store = try SQLiteStore(testing: path, limits: limits)
        try await store.found()
        for number in 0..<100 {
            _ = try await store.append(Fixtures.batch("\(number)@b.se", times: [1]))
            guard number % 5 == 3 else { continue }
            try await erase(store, "\(number - 3)@b.se", number: number)
            if number == 53 {
                store.close()
                store = try SQLiteStore(testing: path, limits: limits)
            }
        }
        for number in stride(from: 3, to: 100, by: 5) {
            #expect(try await complete(store, number: number).counts == Erasure.Counts(events: 1))
        }
        for number in 0..<100 {
            let found = try await store.profile(.address(Fixtures.address("\(number)@b.se")))
            #expect((found == nil) == number.isMultiple(of: 5), "\(number)")
        }
        store.close()
        #expect(try await faults(path) == [])
        let findings = SQLiteDoctor.findings(path: path, isDeep: false)
        #expect(findings.contains { $0.text.contains("80 events of 80 profiles") }, "\(findings.map(\.text))")
    }

    @Test("what was posted in the group that erases the profile is removed too")
    func erasesItsGroup() async throws {
        let store = try SQLiteStore(testing: path)
        try await store.found()
        let gate = DispatchSemaphore(value: 0)
        // The writer waits until both are in its queue, so that one group has them.
        async let held: Void = store.write { _, _ in gate.wait() }
        async let posted = store.append(Fixtures.batch("a@b.se", times: [1, 2]))
        try await waitUntil { store.statistics().requestsWaiting == 1 }
        async let erased = store.change(Fixtures.erase("a@b.se"))
        try await waitUntil { store.statistics().requestsWaiting == 2 }
        gate.signal()
        try await held
        #expect(try await posted == .stored)
        Fixtures.expectChanged(try await erased)
        #expect(try await complete(store).counts == Erasure.Counts(events: 2))
        store.close()
        #expect(try await faults(path) == [])
    }

    @Test("a copy is right while an erasure is under way, and the copy goes on with it")
    func copies() async throws {
        var store = try SQLiteStore(testing: path)
        try await fill(store)
        store.close()
        try await eraseInFile()
        let copied = folder.path + "/copy.sqlite"
        let (source, target) = (try SQLiteRows(path: path, as: .source), try SQLiteRows(path: copied, as: .target))
        _ = try await StoreCopy(from: source, to: target, now: { Fixtures.now }).run()
        source.close()
        target.close()
        #expect(try await faults(copied) == [])
        for place in [copied, path] {
            store = try SQLiteStore(testing: place)
            #expect(try await store.profile(.address(Fixtures.address("a@b.se"))) == nil)
            let filter = RejectionFilter(account: 1, section: nil, receivedFrom: Timestamp(milliseconds: 0))
            #expect(try await store.rejections(filter, before: nil, limit: 9, bodyBytesMax: 9).count == 1)
            #expect(try await complete(store).counts == Self.counts)
            #expect(try await store.usage(account: 1).map(\.events) == [4])
            store.close()
            #expect(try await faults(place) == [])
        }
    }

    @Test(
        "the doctor finds what an erasure should have removed",
        arguments: [
            ("UPDATE erasure SET completed_at = 1 WHERE completed_at IS NULL", "events are of profiles"),
            ("UPDATE erasure SET completed_at = 1 WHERE completed_at IS NULL", "changes are of profiles"),
            ("UPDATE erasure SET completed_at = 1 WHERE completed_at IS NULL", "sections are held by profiles"),
            ("UPDATE erasure SET completed_at = 1 WHERE completed_at IS NULL", "refused posts are of profiles"),
            ("UPDATE profile SET key = 'a@b.se' WHERE state = 2", "profiles are erased in part"),
            ("UPDATE profile SET key = '' WHERE state = 0", "profiles have no key"),
            ("DELETE FROM erasure", "profiles are erased in part"),
        ])
    func findsFaults(sql: String, fault: String) async throws {
        let store = try SQLiteStore(testing: path)
        try await fill(store)
        store.close()
        try await eraseInFile()
        #expect(try await faults(path) == [])
        try await DatabaseQueue(path: path).write { try $0.execute(sql: sql) }
        let found = try await faults(path)
        #expect(found.contains { $0.contains(fault) }, "\(found)")
    }

    @Test("memory forgets events of one profile, and gives the others to a run in their order")
    func forgetsInMemory() {
        let memtable = Memtable()
        func entry(_ profile: Int64, _ id: Int64) -> TimelineEntry {
            TimelineEntry(profile: profile, section: 2, eventTime: 1, eventID: id, version: 1)
        }
        func ids(_ profile: Int64) -> [Int64] { memtable.entries(of: profile).map(\.eventID).sorted() }
        memtable.add((1...9).map { entry($0 % 2, $0) })
        memtable.remove([3, 9, 77], of: 1)
        #expect(ids(1) == [1, 5, 7] && ids(0) == [2, 4, 6, 8])
        memtable.remove([1, 5], of: 1)
        memtable.add([entry(1, 10)])
        #expect(ids(1) == [7, 10])
        // Of another profile nothing is removed.
        memtable.remove([2, 4], of: 1)
        memtable.remove([7, 10], of: 1)
        #expect(ids(1) == [] && ids(0) == [2, 4, 6, 8])
        #expect(memtable.freeze().map(\.eventID) == [2, 4, 6, 8] && memtable.frozen.map(\.eventID) == [2, 4, 6, 8])
        memtable.add([entry(0, 11), entry(1, 12)])
        memtable.remove([4, 11], of: 0)
        #expect(ids(0) == [2, 6, 8] && memtable.frozen.map(\.eventID) == [2, 6, 8])
        memtable.dropFrozen()
        #expect(memtable.freeze().map(\.eventID) == [12] && memtable.count == 0)
    }
}

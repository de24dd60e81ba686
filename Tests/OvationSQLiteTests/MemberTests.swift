import Foundation
import GRDB
import OvationCore
import OvationRows
import OvationTesting
import Testing

@testable import OvationSQLite

@Suite("SQLiteStore: profiles of several members")
struct MemberTests {
    private let folder: TemporaryFolder
    private var path: String { folder.path + "/ovation.sqlite" }

    init() throws { folder = try TemporaryFolder() }

    @Test(
        "a random life is as a plain model says, with room in memory and without, and the doctor finds it whole",
        arguments: 1...24 as ClosedRange<UInt64>)
    func agrees(seed: UInt64) async throws {
        var stores: [SQLiteStore] = []
        for (number, limits) in [Limits(), SQLiteStoreTests.crowded].enumerated() {
            stores.append(try SQLiteStore(testing: "\(path)-\(number)", limits: limits))
        }
        try await MemberHistory(seed: seed, on: stores).play(steps: 150)
        for store in stores { store.close() }
        for number in 0..<2 { #expect(faults("\(path)-\(number)") == [], "seed \(seed)") }
    }

    // MARK: Doing and looking

    private func faults(_ path: String) -> [String] {
        SQLiteDoctor.findings(path: path, isDeep: true).filter { !$0.isGood }.map(\.text)
    }

    /// With an @ it is an e-mail address, and otherwise a key for the web.
    private func address(_ key: String, id: Int64? = nil) throws -> ProfileAddress {
        try Fixtures.address(key, id: id, keyspace: key.contains("@") ? 1 : 4)
    }

    private func change(_ key: String, _ operations: ProfileChange.Operation...) throws -> ProfileChange {
        ProfileChange(
            profile: try address(key), at: Fixtures.now, actor: "me", precondition: .none, operations: operations)
    }

    private func merge(_ one: String, _ other: String) throws -> ProfileChange {
        try change(one, .merge(address(other), Fixtures.mergeRules))
    }

    private func expectChanged(
        _ store: SQLiteStore, _ change: ProfileChange, location: SourceLocation = #_sourceLocation
    ) async throws {
        Fixtures.expectChanged(try await store.change(change), location: location)
    }

    private func post(_ store: SQLiteStore, _ key: String, _ times: [Int64]) async throws {
        let data = #"{"of":"secret-data"}"#
        let batch = EventBatch(
            profile: try address(key), section: 2, receivedAt: Fixtures.now,
            events: times.enumerated().map { index, time in
                EventBatch.Row(
                    eventTime: Timestamp(milliseconds: time), version: Fixtures.versionID,
                    dataEnd: data.utf8.count * (index + 1))
            }, data: times.flatMap { _ in Array(data.utf8) }, idempotency: nil)
        #expect(try await store.append(batch) == .stored)
    }

    private func set(_ store: SQLiteStore, _ key: String, _ value: String) async throws {
        _ = try await store.change(
            change(key, .update(section: 2, [Fixtures.set(7, .string(value)), Fixtures.tag(1)])))
    }

    private func times(_ store: SQLiteStore, _ key: String) async throws -> [Int64]? {
        try await store.events(EventFilter(profile: address(key), section: 2), after: nil, limit: 9000)?
            .events.map(\.eventTime.milliseconds)
    }

    private struct Seen: Equatable {
        var data: ProfileData?
        var times: [Int64]?
        var changes: ProfileChangePage?
    }

    private static let keys = ["web", "web2", "a@b.se", "new"]

    private func seen(_ store: SQLiteStore) async throws -> [Seen] {
        var all: [Seen] = []
        for key in Self.keys {
            let filter = ProfileChangeFilter(profile: try address(key), sections: [2], limit: 99)
            all.append(
                Seen(
                    data: try await store.data(of: address(key), in: nil), times: try await times(store, key),
                    changes: try await store.changes(filter)))
        }
        return all
    }

    /// Two keys with events and values that are one profile, and a third that stands alone.
    private func fill(_ store: SQLiteStore) async throws {
        try await store.found()
        for (number, key) in ["web", "a@b.se", "web2"].enumerated() {
            try await post(store, key, [Int64(number), Int64(number) + 10])
            try await set(store, key, "secret-value-\(number)")
        }
        try await expectChanged(store, merge("web", "a@b.se"))
    }

    /// The files as a crash would leave them.
    private func crashed(_ number: Int, _ store: SQLiteStore) async throws -> String {
        let crashed = folder.path + "/crash-\(number).sqlite"
        try await store.copyFiles(from: path, to: crashed)
        return crashed
    }

    // MARK: Starts

    @Test(
        "after a crash behind any operation all is as it was answered",
        arguments: [Limits(), SQLiteStoreTests.crowded])
    func survives(limits: Limits) async throws {
        var store = try SQLiteStore(testing: path, limits: limits)
        try await fill(store)
        let changes = [
            try merge("web2", "web"), try change("web", .addKey(address("new"), Fixtures.mergeRules)),
            try change("web", .unmerge), try merge("web", "new"), try change("web2", .restore),
            try change("a@b.se", .removeKey), try merge("a@b.se", "web"), try change("new", .lock),
        ]
        for (number, change) in changes.enumerated() {
            try await expectChanged(store, change)
            if number.isMultiple(of: 3) { try await store.workBetweenPosts() }
            let expected = try await seen(store)
            let path = try await crashed(number, store)
            var again = try SQLiteStore(testing: path, limits: limits)
            #expect(try await seen(again) == expected, "crash \(number)")
            again.close()
            #expect(faults(path) == [], "crash \(number)")
            // What a crash left once is left for good.
            again = try SQLiteStore(testing: path, limits: limits)
            #expect(try await seen(again) == expected, "start \(number)")
            again.close()
            if number == 4 {
                store.close()
                store = try SQLiteStore(testing: self.path, limits: limits)
                #expect(try await seen(store) == expected)
            }
        }
        store.close()
    }

    @Test("a key that was taken from a profile stays taken, though the profile's arrival was still there")
    func emptiesMovedProfiles() async throws {
        var limits = Limits()
        limits.recentProfilesMax = 3
        let store = try SQLiteStore(testing: path, limits: limits)
        try await store.found()
        // The fourth begins to move the first three, and the next transaction ends that.
        for number in 0..<4 { try await post(store, "web\(number)", [Int64(number)]) }
        try await store.write { _, appender in try appender.workIdly() }
        try await expectChanged(store, merge("web0", "web1"))
        try await expectChanged(store, change("web1", .unmerge))
        let again = try await SQLiteStore(testing: crashed(0, store), limits: limits)
        store.close()
        #expect(try await times(again, "web0") == [1, 0])
        #expect(try await times(again, "web1") == [])
        again.close()
        #expect(faults(folder.path + "/crash-0.sqlite") == [])
    }

    @Test("a store of the version before is brought up to date, and its profiles can be merged")
    func migrates() async throws {
        let queue = try DatabaseQueue(path: path)
        try Schema.migrator.migrate(queue, upTo: "010 erasures")
        let change = PackedEdits([
            PackedEdits.Edit(
                field: .attribute(4), previous: nil, value: ProfileValue(version: 5004, value: .string("kept")))
        ])
        var index = FieldIndex()
        _ = index.replay(change, at: 300)
        try await queue.write { [index] database in
            try database.execute(
                sql: """
                    INSERT INTO account (account_id, name, created_at) VALUES (1, 'a', 0);
                    INSERT INTO actor (actor_id, client_id) VALUES (1, 'me');
                    INSERT INTO profile (profile_id, account_id, keyspace, key, created_at, state)
                    VALUES (7, 1, 4, 'web', 5, 0), (9, 1, 1, 'a@b.se', 9, 0), (11, 1, 4, 'locked', 0, 1);
                    INSERT INTO profile_change (position, account_id, profile_id, kind, state, at, actor, edits)
                    VALUES (299, 1, 11, 'locked', 1, 5, 1, x'01030000');
                    INSERT INTO event (event_id, profile_id, section, event_time, received_at, version_id, data)
                    VALUES (301, 7, 2, 1, 1, 70, '{}'), (302, 9, 2, 2, 2, 70, '{}');
                    INSERT INTO version_usage (account_id, version_id, events, last_received_at) VALUES (1, 70, 2, 2);
                    INSERT INTO profile_data (profile_id, section, fields) VALUES (11, 0, x'0103AB0201');
                    """)
            try database.execute(
                sql: """
                    INSERT INTO profile_change (position, account_id, profile_id, kind, at, actor, section, edits)
                    VALUES (300, 1, 7, 'updated', 5, 1, 2, ?)
                    """, arguments: [Data(change.bytes)])
            try database.execute(
                sql: "INSERT INTO profile_data (profile_id, section, fields) VALUES (7, 2, ?)",
                arguments: [Data(index.bytes)])
        }
        try queue.close()
        let store = try SQLiteStore(testing: path)
        let (web, mail) = (try address("web", id: 7), try address("a@b.se", id: 9))
        #expect(try await store.profile(.address(web))?.members.map(\.id.value) == [7])
        let merge = ProfileChange(
            profile: web, at: Fixtures.now, actor: "me", operations: [.merge(mail, Fixtures.mergeRules)])
        #expect(try await store.change(merge) == .changed(position: 304))
        for address in [web, mail] {
            let data = try #require(try await store.data(of: address, in: nil))
            #expect(data.profile.members.map(\.id.value) == [9, 7])
            #expect(data.sections.flatMap(\.fields).map(\.value.value) == [.string("kept")])
            let page = try await store.events(EventFilter(profile: address, section: 2), after: nil, limit: 9)
            #expect(page?.events.map(\.id) == [302, 301])
        }
        store.close()
        #expect(faults(path) == [])
    }

    @Test("a group that fails leaves nothing of a merge, in the file and in memory")
    func failsAsAWhole() async throws {
        struct Stopped: Error {}
        let store = try SQLiteStore(testing: path)
        try await store.found()
        for key in ["web", "web2"] { try await post(store, key, [1]) }
        let before = try await seen(store)
        for change in [try merge("web", "web2"), try merge("web", "new")] {
            _ = try? await store.write { _, appender in
                guard case .write(let draft) = try appender.profiles.decide(change, from: 1000) else { return }
                try appender.profiles.write(draft, of: change)
                throw Stopped()
            }
            #expect(try await seen(store) == before)
        }
        try await expectChanged(store, merge("web", "web2"))
        #expect(try await times(store, "web2") == [1, 1])
        store.close()
        #expect(faults(path) == [])
    }

    // MARK: Reading

    @Test("a read that looked at memory before a merge begins again with all members")
    func takesMembersFirst() async throws {
        let store = try SQLiteStore(testing: path)
        defer { store.close() }
        try await store.found()
        for key in ["web", "web2"] { try await post(store, key, [1]) }
        // In its place, so that memory says nothing of it.
        try await expectChanged(store, merge("web", "new"))
        let (web, before) = (try address("web"), store.recent.part(for: try address("web")))
        try await expectChanged(store, merge("web", "web2"))
        let missing = try await store.reader.read { database in
            let tree = try #require(try MemberRows.find(database, web, before))
            do {
                _ = try before.entries(of: tree)
                return Set<Int64>()
            } catch let missing as Recent.MembersAreMissing {
                return missing.members
            }
        }
        #expect(missing == Set(try ["web", "web2", "new"].map { try address($0).foundingID.value }))
        #expect(try await times(store, "web") == [1, 1])
    }

    @Test("a key that is taken out leads to somebody at every moment")
    func losesNobody() async throws {
        let store = try SQLiteStore(testing: path)
        defer { store.close() }
        try await fill(store)
        let (web, before) = (try address("web"), store.recent.part(for: try address("web")))
        try await expectChanged(store, change("web", .unmerge))
        let found = try await store.reader.read { try MemberRows.find($0, web, before)?.root }
        #expect(found != nil && found != web.foundingID.value)
    }

    @Test("an export has the event of a profile that was made since it looked at memory")
    func exportsNewest() async throws {
        let store = try SQLiteStore(testing: path)
        defer { store.close() }
        try await fill(store)
        let before = store.recent.profiles.all
        try await post(store, "first", [5])
        let range = ExportRange(account: 1, section: 2, limit: 99, bytesMax: 9999)
        let page = try await store.reader.read { try ExportRows.page($0, range, before) }
        #expect(page.rows.count == 7 && page.profiles.count == 4)
        let key = page.rows.last.map { page.keys[page.profiles[$0.profile].key] }
        #expect(key.map { String(decoding: $0, as: UTF8.self) } == "first")
    }

    @Test("a post asks nothing about members")
    func postsAskNothing() async throws {
        let store = try SQLiteStore(testing: path)
        defer { store.close() }
        try await fill(store)
        try await store.write { database, _ in try database.execute(sql: "DROP TABLE profile_member") }
        for key in ["web", "a@b.se", "web2", "first"] { try await post(store, key, [5]) }
        let chunk = try Fixtures.chunk(["a@b.se", "second@b.se"])
        #expect(try await store.append(chunk) == .stored)
        // A profile that is in memory has no other member.
        try await set(store, "first", "x")
        await #expect(throws: StoreFailure.self) { try await set(store, "web", "x") }
    }
}

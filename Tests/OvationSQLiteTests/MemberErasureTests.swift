import Foundation
import GRDB
import OvationCore
import OvationRows
import OvationTesting
import Testing

@testable import OvationSQLite

/// What is stored of profiles of several members: how it leaves, is copied, and is checked.
@Suite("SQLite: erasures, copies and checks of several members", .serialized)
struct MemberErasureTests {
    private let folder: TemporaryFolder
    private var path: String { folder.path + "/ovation.sqlite" }

    init() throws { folder = try TemporaryFolder() }

    private func address(_ key: String) throws -> ProfileAddress {
        try Fixtures.address(key, keyspace: key.contains("@") ? 1 : 4)
    }

    private func change(_ store: SQLiteStore, _ key: String, _ operation: ProfileChange.Operation) async throws {
        let change = ProfileChange(
            profile: try address(key), at: Fixtures.now, actor: "me", precondition: .none, operations: [operation])
        Fixtures.expectChanged(try await store.change(change))
    }

    /// A profile of three members, of which one has lost its key, and one that stands alone. Each has 400 events and 50
    /// changes.
    private func fill(_ store: SQLiteStore) async throws {
        try await store.found()
        for key in ["web", "a@b.se", "gone", "web9"] {
            let data = #"{"t":"secret-data"}"#
            let batch = EventBatch(
                profile: try address(key), section: 2, receivedAt: Fixtures.now,
                events: (1...400).map { time in
                    EventBatch.Row(
                        eventTime: Timestamp(milliseconds: Int64(time)), version: Fixtures.versionID,
                        dataEnd: data.utf8.count * time)
                }, data: (1...400).flatMap { _ in Array(data.utf8) }, idempotency: nil)
            #expect(try await store.append(batch) == .stored)
            for number in 0..<50 {
                let edit = Fixtures.set(Int64(number % 10 + 5), .string("secret-value-\(number)"))
                try await change(store, key, .update(section: 2, [edit, Fixtures.tag(1)]))
            }
            for (keyspace, sent) in [(Int64(1), "A@b.se "), (4, "web"), (4, "gone"), (4, "web9")] {
                guard sent.lowercased().hasPrefix(key) else { continue }
                _ = try await store.keep(
                    Fixtures.refusedPost(key: sent, keyspace: keyspace, body: #"{"items":["secret-body"]}"#))
            }
        }
        for key in ["web", "gone"] {
            try await change(store, key, .merge(address("a@b.se"), Fixtures.mergeRules))
        }
        try await change(store, "gone", .removeKey)
    }

    /// Each of two merges leaves a change on both sides, and the removal of the key one.
    private static let counts = Erasure.Counts(events: 1200, values: 30, tags: 3, changes: 155, rejections: 2)

    private func erase(_ store: SQLiteStore, _ key: String = "web") async throws {
        try await change(store, key, .erase(Fixtures.erasureID(1), formats: Fixtures.keyFormats))
    }

    private func complete(_ store: SQLiteStore) async throws -> Erasure {
        try await waitUntil { try await store.erasure(Fixtures.erasureID(1), account: 1)?.completedAt != nil }
        return try #require(try await store.erasure(Fixtures.erasureID(1), account: 1))
    }

    private func faults(_ path: String) -> [String] {
        SQLiteDoctor.findings(path: path, isDeep: true).filter { !$0.isGood }.map(\.text)
    }

    private func number(_ sql: String, in path: String) async throws -> Int {
        try PageChecksums.register()
        return try await DatabaseQueue(path: path, configuration: StoreOpening.configuration).read {
            try Int.fetchOne($0, sql: sql) ?? 0
        }
    }

    private func edit(_ sql: String) throws {
        // With the checksums that pages of a store have.
        try PageChecksums.register()
        let file = try DatabaseQueue(path: path, configuration: StoreOpening.configuration)
        try file.write { try $0.execute(sql: sql) }
        try file.close()
        try? FileManager.default.removeItem(atPath: path + ".state")
    }

    /// The commit that erases, in a store that is closed: as a kill right after it leaves the store.
    private func eraseInFile() async throws {
        let store = try SQLiteStore(testing: path)
        try await fill(store)
        store.close()
        try edit(
            """
            INSERT INTO profile_change (position, account_id, profile_id, kind, state, at, actor, edits)
                SELECT 1000000 + row_number() OVER (ORDER BY joined) - 1, 1, profile_id, 'erased', 2, 1, 1, x'01030000'
                FROM profile_member;
            INSERT INTO erased_rejection SELECT rejection_id, 1000000 FROM rejection WHERE key IN ('A@b.se ', 'web');
            INSERT INTO erasure SELECT 1000000, '\(Fixtures.erasureID(1).text)', 1, root_id, 1, 'me', NULL, 0, 0, 0, 0, 2, 0
                FROM profile_member WHERE parent_id IS NULL;
            UPDATE profile SET state = 2, key = '' WHERE profile_id IN (SELECT profile_id FROM profile_member);
            """)
    }

    // MARK: Erasures

    @Test("stops in an erasure of several members change nothing of its end, nor of its counts")
    func goesOn() async throws {
        try await eraseInFile()
        for round in 0..<40 {
            let store = try SQLiteStore(testing: path)
            for key in ["web", "a@b.se"] { #expect(try await store.profile(.address(address(key))) == nil) }
            // Each group removes some.
            let batch = try Fixtures.batch("c@b.se", times: [Int64(round)])
            for _ in 0..<2 { _ = try await store.append(batch) }
            store.close()
            #expect(faults(path) == [], "round \(round)")
            guard try await number("SELECT count(*) FROM profile_member", in: path) > 0 else { break }
        }
        let store = try SQLiteStore(testing: path)
        #expect(try await complete(store).counts == Self.counts)
        store.close()
        #expect(faults(path) == [])
        #expect(try await number("SELECT count(*) FROM profile_member", in: path) == 0)
        let left = "profile_id IN (SELECT profile_id FROM profile WHERE state = 2)"
        #expect(try await number("SELECT count(*) FROM event WHERE \(left)", in: path) == 0)
        #expect(try await number("SELECT count(*) FROM profile_data WHERE \(left)", in: path) == 0)
        #expect(try await number("SELECT count(*) FROM profile_change WHERE \(left)", in: path) == 3)
    }

    @Test("of an erased profile the file has none of its keys nor data, and others keep theirs")
    func leavesNoBytes() async throws {
        let store = try SQLiteStore(testing: path)
        try await fill(store)
        try await erase(store, "a@b.se")
        let filter = RejectionFilter(account: 1, section: nil, receivedFrom: Timestamp(milliseconds: 0))
        let kept = try await store.rejections(filter, before: nil, limit: 9, bodyBytesMax: 9)
        // A key that was removed before leads to nobody.
        #expect(Set(kept.map(\.post.key)) == ["gone", "web9"])
        #expect(try await complete(store).counts == Self.counts)
        try await change(store, "web9", .erase(Fixtures.erasureID(2), formats: Fixtures.keyFormats))
        try await waitUntil { try await store.erasure(Fixtures.erasureID(2), account: 1)?.completedAt != nil }
        store.close()
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        for text in ["a@b.se", "A@b.se", "secret-data", "secret-value"] {
            #expect(bytes.range(of: Data(text.utf8)) == nil, "\(text)")
        }
        #expect(faults(path) == [])
    }

    // MARK: Copies

    @Test(
        "a copy has the same profiles of several members, also while one of them is being erased",
        arguments: [false, true])
    func copies(isErasing: Bool) async throws {
        if isErasing {
            try await eraseInFile()
        } else {
            let store = try SQLiteStore(testing: path)
            try await fill(store)
            store.close()
        }
        let copied = folder.path + "/copy.sqlite"
        let (source, target) = (
            try SQLiteRows(path: path, as: .source, rowsMax: 2), try SQLiteRows(path: copied, as: .target)
        )
        let outcome = try await StoreCopy(from: source, to: target, now: { Fixtures.now }).run()
        source.close()
        target.close()
        guard case .compared(let comparisons) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(comparisons.contains { $0.kind == .profileMember && $0.source.count == 3 && $0.isSame })
        #expect(faults(copied) == [])
        let stores = [try SQLiteStore(testing: path), try SQLiteStore(testing: copied)]
        for key in ["web", "a@b.se", "web9"] {
            let address = try address(key)
            let (one, other) = (
                try await stores[0].data(of: address, in: nil), try await stores[1].data(of: address, in: nil)
            )
            #expect(one == other && (one == nil) == (isErasing && key != "web9"))
            #expect(try await stores[0].counts(of: address) == (try await stores[1].counts(of: address)))
        }
        if isErasing { #expect(try await complete(stores[1]).counts == Self.counts) }
        for store in stores { store.close() }
        #expect(faults(copied) == [])
        // A profile of several members is one.
        let counted = isErasing ? "400 events of 1 profiles" : "1600 events of 2 profiles"
        let findings = SQLiteDoctor.findings(path: copied, isDeep: true)
        #expect(findings.contains { $0.text.contains(counted) }, "\(findings.map(\.text))")
    }

    // MARK: The doctor

    private static let root = "(SELECT root_id FROM profile_member WHERE parent_id IS NULL)"

    @Test(
        "the doctor finds members that do not fit together",
        arguments: [
            ("UPDATE profile_member SET root_id = 5", "profiles of several members do not fit together"),
            ("UPDATE profile_member SET parent_id = 77 WHERE joined > 0", "profiles of several members do not fit"),
            ("UPDATE profile_member SET joined = 7 WHERE joined = 0", "profiles of several members do not fit"),
            (
                "DELETE FROM profile_member WHERE joined = 0",
                "profiles of several members do not fit together"
            ),
            (
                "INSERT INTO profile_member VALUES ((SELECT profile_id FROM profile WHERE key = 'web9'), 5, NULL, 0)",
                "profiles of several members do not fit together"
            ),
            (
                "INSERT INTO profile_member SELECT profile_id, profile_id, NULL, 0 FROM profile WHERE key = 'web9'",
                "1 profiles of several members do not fit together"
            ),
            (
                "UPDATE profile_member SET joined = joined + 1 WHERE joined > 0",
                "members of profiles were joined by no change"
            ),
            ("INSERT INTO profile_member VALUES (5, \(root), \(root), 900)", "members of profiles are missing"),
            ("DELETE FROM profile_member WHERE profile_id <> root_id", "profiles have no key, and are not erased"),
            ("UPDATE profile SET state = 1 WHERE key = 'web'", "have another account or state"),
            ("UPDATE profile SET key = ''", "profiles of several members have no key"),
            (
                """
                INSERT INTO profile_arrival (profile_id, account_id, keyspace, key, created_at, arrival)
                    SELECT profile_id, account_id, keyspace, key, created_at, 77 FROM profile WHERE key = 'web'
                """, "members of profiles have arrived once more"
            ),
            ("UPDATE profile SET state = 2, key = '' WHERE key = 'web9'", "profiles are erased in part"),
        ])
    func findsFaults(sql: String, fault: String) async throws {
        let store = try SQLiteStore(testing: path)
        try await fill(store)
        store.close()
        #expect(faults(path) == [])
        try edit(
            "INSERT OR IGNORE INTO profile (profile_id, account_id, keyspace, key, created_at) "
                + "SELECT profile_id, account_id, keyspace, key, created_at FROM profile_arrival; DELETE FROM profile_arrival"
        )
        try edit(sql)
        let found = faults(path)
        #expect(found.contains { $0.contains(fault) }, "\(found)")
    }

    @Test("the doctor finds what an erasure should have removed of a member", arguments: ["event", "profile_change"])
    func findsLeftovers(table: String) async throws {
        try await eraseInFile()
        #expect(faults(path) == [])
        // Only those of another than the canonical one are left.
        try edit(
            """
            DELETE FROM profile_data; DELETE FROM profile_change WHERE profile_id IN
                (SELECT profile_id FROM erasure) AND kind <> 'erased';
            UPDATE erasure SET completed_at = 1; DELETE FROM event WHERE profile_id IN (SELECT profile_id FROM erasure)
            """)
        let fault =
            table == "event" ? "800 events are of profiles whose erasure" : "changes are of profiles whose erasure"
        #expect(faults(path).contains { $0.contains(fault) }, "\(faults(path))")
        #expect(faults(path).contains { $0.contains("members are of profiles whose erasure is complete") })
        try edit("DELETE FROM profile_member")
        #expect(!faults(path).contains { $0.contains("members are of profiles whose erasure") })
    }
}

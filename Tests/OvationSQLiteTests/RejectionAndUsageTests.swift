import Dispatch
import Foundation
import GRDB
import OvationCore
import OvationTesting
import Testing

@testable import OvationSQLite

@Suite("SQLiteStore: rejections, usage, plans")
struct RejectionAndUsageTests {
    private let folder: TemporaryFolder
    private var path: String { folder.path + "/data/ovation.sqlite" }
    private static let longAgo = Timestamp(milliseconds: 0)

    init() throws {
        folder = try TemporaryFolder()
    }

    private func open(_ limits: Limits = Limits(), now: Timestamp = Fixtures.now) throws -> SQLiteStore {
        try SQLiteStore(testing: path, limits: limits, now: now)
    }

    private func kept(_ store: SQLiteStore, account: Int64 = 1) async throws -> [Rejection.ID] {
        let filter = RejectionFilter(account: account, section: nil, receivedFrom: Self.longAgo)
        return try await store.rejections(filter, before: nil, limit: 10_000, bodyBytesMax: 0).map(\.id)
    }

    private func post(account: Int64 = 1, receivedAt: Timestamp = Fixtures.now) -> RefusedPost {
        var post = Fixtures.refusedPost(receivedAt: receivedAt)
        post.account = account
        return post
    }

    /// Of an account that does not exist, so that the engine refuses it and its group with it.
    private func badBatch() throws -> EventBatch {
        let good = try Fixtures.batch("a@b.se", times: [1])
        return EventBatch(
            profile: ProfileAddress(account: 99, keyspace: 1, key: good.profile.key, foundingID: ProfileID(7)),
            section: 2, receivedAt: Fixtures.now, events: good.events, data: good.data, idempotency: nil)
    }

    /// Holds the writer until `count` posts wait, so that they are one group.
    private func asOneGroup(_ store: SQLiteStore, _ posts: [@Sendable () async throws -> Void]) async throws {
        let gate = DispatchSemaphore(value: 0)
        let (held, sign) = AsyncStream<Void>.makeStream()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await store.write { _, _ in
                    sign.finish()
                    gate.wait()
                }
            }
            for await _ in held {}
            for post in posts { group.addTask { try await post() } }
            try await waitUntil { store.statistics().requestsWaiting >= Int64(posts.count) }
            gate.signal()
            try await group.waitForAll()
        }
    }

    // MARK: Groups

    @Test("a clock that jumped ahead and back has removed nothing")
    func survivesClockJump() async throws {
        let folder = try TemporaryFolder()
        try await StoreContract.survivesClockJump { now, work in
            let store = try SQLiteStore(
                testing: folder.path + "/o.sqlite", limits: StoreContract.doubting(Limits()), now: now)
            defer { store.close() }
            try await work(store)
        }
    }

    @Test("refused posts and stored ones share a commit")
    func sharesCommits() async throws {
        let store = try open()
        defer { store.close() }
        try await store.found()
        var posts: [@Sendable () async throws -> Void] = []
        for number in 0..<10 {
            posts.append { _ = try await store.append(Fixtures.batch("a\(number)@b.se", times: [1])) }
            posts.append { _ = try await store.keep(Fixtures.refusedPost()) }
        }
        try await asOneGroup(store, posts)
        let statistics = store.statistics()
        #expect(statistics.commits == 1 && statistics.requestsCommitted == 20 && statistics.eventsStored == 10)
        #expect(statistics.commitCounts.reduce(0, +) == 1)
        #expect(try await kept(store).count == 10)
        #expect(try await store.usage(account: 1).map(\.events) == [10])
    }

    @Test("a group that fails counts nothing, keeps nothing and closes nothing")
    func rollsBack() async throws {
        let store = try open()
        defer { store.close() }
        try await store.found()
        let open = try await store.keep(post())
        _ = try await store.append(Fixtures.batch("a@b.se", times: [1]))
        let bad = try badBatch()
        let failure = StoreFailure(.unavailable, "")
        let posts: [@Sendable () async throws -> Void] = [
            {
                await #expect(throws: failure) {
                    _ = try await store.append(Fixtures.batch("a@b.se", times: [2, 3], replayOf: open))
                }
            },
            { await #expect(throws: failure) { _ = try await store.keep(Fixtures.refusedPost()) } },
            { await #expect(throws: failure) { _ = try await store.append(bad) } },
        ]
        try await asOneGroup(store, posts)
        #expect(try await store.usage(account: 1).map(\.events) == [1])
        #expect(try await kept(store) == [open])
        #expect(try await store.rejection(open, account: 1)?.replayedAt == nil)
        // What was undone is not written with the next group either.
        let next = Fixtures.now.advanced(by: .seconds(1))
        _ = try await store.append(Fixtures.batch("a@b.se", times: [4], receivedAt: next))
        #expect(
            try await store.usage(account: 1) == [
                VersionUsage(version: Fixtures.versionID, events: 2, lastSeenAt: next)
            ])
        #expect(try await store.usage(account: 99) == [])
        #expect(try await counts(store) == Activity.Counts(accepted: 2, refused: 1))
    }

    private func counts(_ store: SQLiteStore) async throws -> Activity.Counts? {
        let minute = Activity.minute(of: Fixtures.now)
        return try await store.activity(account: 1, in: minute...minute).minutes[minute]
    }

    @Test("a group that fails ends no minute")
    func rollsBackMinutes() async throws {
        let store = try open()
        defer { store.close() }
        try await store.found()
        _ = try await store.append(Fixtures.batch("a@b.se", times: [1]))
        let next = Fixtures.now.advanced(by: .seconds(60))
        let bad = try badBatch()
        let failure = StoreFailure(.unavailable, "")
        try await asOneGroup(
            store,
            [
                {
                    await #expect(throws: failure) {
                        _ = try await store.append(Fixtures.batch("a@b.se", times: [2], receivedAt: next))
                    }
                }, { await #expect(throws: failure) { _ = try await store.append(bad) } },
            ])
        _ = try await store.append(Fixtures.batch("a@b.se", times: [3]))
        #expect(try await counts(store) == Activity.Counts(accepted: 2))
        _ = try await store.append(Fixtures.batch("a@b.se", times: [4], receivedAt: next))
        #expect(try await counts(store) == Activity.Counts(accepted: 2))
        let minute = Activity.minute(of: next)
        #expect(try await store.activity(account: 1, in: minute...minute).minutes[minute]?.accepted == 1)
    }

    @Test("posts of one minute and one version change no row but that of the usage")
    func countsInUsage() async throws {
        let store = try open()
        defer { store.close() }
        try await store.found()
        func rows() async throws -> Int? {
            try await store.write { database, _ in try Int.fetchOne(database, sql: "SELECT count(*) FROM activity") }
        }
        for number in 0..<3 { _ = try await store.append(Fixtures.batch("a@b.se", times: [Int64(number)])) }
        #expect(try await rows() == 0)
        let next = Fixtures.now.advanced(by: .seconds(60))
        _ = try await store.append(Fixtures.batch("a@b.se", times: [9], receivedAt: next))
        #expect(try await rows() == 1)
    }

    @Test("a delete that fails leaves the usage as it was")
    func rollsBackDelete() async throws {
        let store = try open()
        defer { store.close() }
        try await store.found()
        _ = try await store.append(Fixtures.batch("a@b.se", times: [1, 2]))
        await #expect(throws: StoreFailure(.unavailable, "")) {
            try await store.write { database, _ in
                try ProfileRows.subtractUsage(database, [Fixtures.versionID: 1], account: 1)
                try database.execute(sql: "INSERT INTO nowhere VALUES (1)")
            }
        }
        #expect(try await store.usage(account: 1).map(\.events) == [2])
    }

    // MARK: Forgetting

    @Test("each account keeps its own newest")
    func keepsByAccount() async throws {
        var limits = Limits()
        limits.rejectionsMax = 2
        let store = try open(limits)
        defer { store.close() }
        try await store.found(accounts: [1, 2])
        let other = try await store.keep(post(account: 2))
        var ids: [Rejection.ID] = []
        for _ in 0..<4 { ids.append(try await store.keep(post())) }
        #expect(try await kept(store) == [ids[3], ids[2]])
        #expect(try await kept(store, account: 2) == [other])
    }

    @Test("a store that keeps none gives ids and keeps none")
    func keepsNone() async throws {
        var limits = Limits()
        limits.rejectionsMax = 0
        let store = try open(limits)
        defer { store.close() }
        try await store.found()
        let first = try await store.keep(post())
        #expect(try await store.keep(post()) > first)
        #expect(try await kept(store) == [])
    }

    @Test("opening forgets what is past its age, and what a lower number no longer holds")
    func forgetsOnOpening() async throws {
        var store = try open()
        try await store.found(accounts: [1, 2])
        let late = Fixtures.now.advanced(by: .seconds(3600))
        var ids = [try await store.keep(post())]
        for _ in 0..<30 { ids.append(try await store.keep(post(receivedAt: late))) }
        let other = try await store.keep(post(account: 2, receivedAt: late))
        store.close()

        store = try open(now: Fixtures.now.advanced(by: Limits().rejectionAge + .seconds(1)))
        #expect(try await kept(store) == ids[1...].reversed())
        store.close()

        var limits = Limits()
        limits.rejectionsMax = 5
        store = try open(limits)
        #expect(try await kept(store) == ids[26...].reversed())
        #expect(try await kept(store, account: 2) == [other])
        #expect(try await store.keep(post()) > other)
        store.close()

        store = try open(now: late.advanced(by: Limits().rejectionAge + .seconds(1)))
        defer { store.close() }
        #expect(try await kept(store) == [])
        #expect(try await store.keep(post()) > other + 1, "no id is given twice")
    }

    @Test("a flood that is past its age goes a few at a time")
    func forgetsInSteps() async throws {
        let store = try open()
        defer { store.close() }
        try await store.found()
        let ids = try await withThrowingTaskGroup(of: Rejection.ID.self) { group in
            for _ in 0..<50 { group.addTask { try await store.keep(Fixtures.refusedPost()) } }
            return try await group.reduce(into: []) { $0.append($1) }.sorted()
        }
        let late = Fixtures.now.advanced(by: Limits().rejectionAge + .seconds(1))
        for round in 1...5 {
            _ = try await store.append(Fixtures.batch("a@b.se", times: [1], receivedAt: late))
            #expect(try await kept(store) == ids[(round * RejectionAppender.forgottenEach)...].reversed())
        }
    }

    // MARK: Over a restart

    @Test("usage, rejections and the rotation of a key outlive a restart")
    func restarts() async throws {
        var store = try open()
        try await store.found()
        let key = APIKey(
            clientID: "k", account: 1, name: "n", role: .admin, sections: nil, keyspaces: nil, secretHash: [1],
            previousSecret: APIKey.PreviousSecret(hash: [2], validUntil: Fixtures.now), createdAt: Fixtures.now,
            lastUsedAt: Fixtures.now)
        try await store.commit(
            AccountChange(account: Account(number: 1, name: "1", createdAt: Fixtures.now), entries: [], apiKeys: [key]))
        _ = try await store.append(Fixtures.batch("a@b.se", times: [1, 2]))
        let id = try await store.keep(post())
        let (rejection, usage) = (try await store.rejection(id, account: 1), try await store.usage(account: 1))
        store.close()
        store = try open()
        defer { store.close() }
        #expect(try await store.load().apiKeys == [key])
        #expect(try await store.rejection(id, account: 1) == rejection && rejection != nil)
        #expect(try await store.usage(account: 1) == usage)
        #expect(try await counts(store) == Activity.Counts(accepted: 2, refused: 1))
        _ = try await store.append(Fixtures.batch("a@b.se", times: [3]))
        #expect(try await store.usage(account: 1).map(\.events) == [3])
        #expect(try await counts(store) == Activity.Counts(accepted: 3, refused: 1))
    }

    @Test("a store of the first version is brought up to date, and its usage counted")
    func migrates() async throws {
        try FileManager.default.createDirectory(atPath: folder.path + "/data", withIntermediateDirectories: true)
        do {
            let queue = try DatabaseQueue(path: path)
            try Schema.migrator.migrate(queue, upTo: "001 accounts, definitions, profiles, events")
            try await queue.write { database in
                try database.execute(
                    sql: """
                        INSERT INTO account VALUES (1, 'one', 0), (2, 'two', 0);
                        INSERT INTO api_key VALUES ('k', 1, 'n', 'admin', NULL, NULL, x'01', 5, NULL);
                        INSERT INTO profile VALUES (-10, 1, 1, 'a@b.se', 0, NULL), (20, 2, 1, 'c@d.se', 0, NULL);
                        INSERT INTO event VALUES (1, -10, 2, 500, 1000, 11, '{}'), (2, 20, 2, 400, 1001, 11, '{}'),
                            (3, -10, 2, 300, 1002, 11, '{}'), (4, -10, 3, 200, 1003, 12, '{}');
                        """)
            }
        }
        let store = try open()
        defer { store.close() }
        func usage(_ version: Int64, _ events: Int64, _ last: Int64) -> VersionUsage {
            VersionUsage(version: version, events: events, lastSeenAt: Timestamp(milliseconds: last))
        }
        #expect(try await store.usage(account: 1) == [usage(11, 2, 1002), usage(12, 1, 1003)])
        #expect(try await store.usage(account: 2) == [usage(11, 1, 1001)])
        let key = try #require(try await store.load().apiKeys.first)
        #expect(key.previousSecret == nil && key.lastUsedAt == nil && key.secretHash == [1])
        let filter = EventFilter(profile: try Fixtures.address("a@b.se", id: -10), section: 2)
        #expect(try await store.events(filter, after: nil, limit: 10)?.events.map(\.id) == [1, 3])
        #expect(try await store.counts(of: filter.profile)?.counts.map(\.events) == [2, 1])
        let minute = Activity.minute(of: Fixtures.now)
        #expect(try await store.activity(account: 1, in: 0...minute) == Activity(since: Fixtures.now))
        _ = try await store.append(Fixtures.batch("a@b.se", times: [1], version: 11, id: -10))
        #expect(try await store.usage(account: 1).map(\.events) == [3, 1])
        #expect(try await counts(store) == Activity.Counts(accepted: 1), "the counts begin with the update")
    }

    @Test("rejections that an older version kept get their cause when the store is opened")
    func fillsCauses() async throws {
        var store: SQLiteStore?
        try await StoreContract.fillsCauses(
            opening: {
                let opened = try open()
                store = opened
                return opened
            }, closing: { _ in store?.close() }
        ) { _ in
            try await store?.write { database, _ in
                try database.execute(
                    sql: "UPDATE rejection SET cause = NULL, item_codes = NULL, event_types = NULL")
            }
        }
    }

    // MARK: Plans

    @Test(
        "a page of the audit trail is read along the numbers of both logs, and sorts nothing",
        arguments: [false, true], [false, true])
    func plansLog(isNewestFirst: Bool, isDefinitionsOnly: Bool) async throws {
        let store = try open()
        defer { store.close() }
        let sql = AccountRows.logQuery(isNewestFirst: isNewestFirst, isDefinitionsOnly: isDefinitionsOnly)
        let plan = try await store.plan(of: sql)
        #expect(plan.contains { $0.contains("catalogue_log_number (account_id=? AND number") }, "\(plan)")
        #expect(
            plan.contains { $0.contains("act USING PRIMARY KEY (account_id=? AND number") } != isDefinitionsOnly,
            "\(plan)")
        #expect(!plan.contains { $0.contains("TEMP B-TREE") })
    }
}

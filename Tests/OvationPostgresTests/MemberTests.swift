import OvationCore
import OvationRows
import OvationTesting
import Synchronization
import Testing

@testable import OvationPostgres

/// Profiles of several members, with several servers on one database. Keys with an @ are e-mail addresses, the others of the
/// keyspace for the web.
@Suite("PostgresStore: profiles of several members", .serialized)
struct MemberTests {
    private let database: Database

    init() throws {
        database = try Database()
    }

    private func connect() throws -> PostgresConnection {
        try Session.open(ConnectionTarget(database.target), for: .writing, patience: .seconds(30))
    }

    private func address(_ key: String) throws -> ProfileAddress {
        try Fixtures.address(key, keyspace: key.contains("@") ? 1 : 4)
    }

    private func change(
        _ key: String, _ operations: ProfileChange.Operation...,
        precondition: ProfileChange.Precondition = .exists
    ) throws -> ProfileChange {
        ProfileChange(
            profile: try address(key), at: Fixtures.now, actor: "me", precondition: precondition,
            operations: operations)
    }

    private func merge(_ one: String, _ other: String) throws -> ProfileChange {
        try change(one, .merge(address(other), Fixtures.mergeRules), precondition: .none)
    }

    private func set(_ key: String, _ text: String, section: Int64 = 2) throws -> ProfileChange {
        try change(key, .update(section: section, [Fixtures.set(4, .string(text))]), precondition: .none)
    }

    private func batch(_ key: String, _ times: [Int64]) throws -> EventBatch {
        let data = "{}"
        return EventBatch(
            profile: try address(key), section: 2, receivedAt: Fixtures.now,
            events: times.enumerated().map { index, time in
                EventBatch.Row(
                    eventTime: Timestamp(milliseconds: time), version: Fixtures.versionID, dataEnd: 2 * (index + 1))
            }, data: Array(String(repeating: data, count: times.count).utf8), idempotency: nil)
    }

    private func post(_ store: PostgresStore, _ key: String, _ times: Int64...) async throws {
        #expect(try await store.append(batch(key, times)) == .stored)
    }

    private func times(_ store: PostgresStore, _ key: String) async throws -> [Int64]? {
        try await store.events(EventFilter(profile: address(key), section: 2), after: nil, limit: 1000)?.events
            .map(\.eventTime.milliseconds)
    }

    private func value(_ store: PostgresStore, _ key: String) async throws -> FieldValue? {
        try await store.data(of: address(key), in: [2])?.sections.first?.fields.first?.value.value
    }

    private func keys(_ store: PostgresStore, _ key: String) async throws -> [String]? {
        try await store.profile(.address(address(key)))?.keys.map(\.text)
    }

    // MARK: Several servers

    @Test(
        "what one server changes of keys holds for the next request to every other one",
        arguments: [Database.few, Database.crowded])
    func holdsElsewhere(limits: Limits) async throws {
        let stores = try (0..<2).map { _ in try database.open(limits) }
        defer { for store in stores { store.close() } }
        try await stores[0].found()
        for round in 0..<6 {
            let (one, other) = (stores[round % 2], stores[1 - round % 2])
            let (mail, web, more) = ("p\(round)@b.se", "web\(round)", "more\(round)")
            // Every lane of both knows both keys.
            for store in stores {
                try await post(store, mail, 1)
                try await post(store, web, 2)
                Fixtures.expectChanged(try await store.change(set(web, "w\(store === one)")))
            }
            Fixtures.expectChanged(try await one.change(merge(web, mail)))
            try await post(other, web, 3)
            #expect(try await times(other, mail) == [3, 2, 2, 1, 1])
            // A patch by one key is decided by what the other has.
            Fixtures.expectChanged(try await other.change(set(mail, "m")))
            #expect(try await other.change(set(mail, "m")) == .unchanged)
            Fixtures.expectChanged(try await one.change(set(web, "wfalse")))
            #expect(try await value(other, mail) == .string("wfalse"))

            Fixtures.expectChanged(try await one.change(change(web, .unmerge)))
            #expect(try await keys(other, web) == [web])
            try await post(other, web, 4)
            #expect(try await times(other, web) == [4])
            Fixtures.expectChanged(try await other.change(set(web, "new")))
            #expect(try await value(one, mail) == .string("wfalse"))

            Fixtures.expectChanged(
                try await one.change(change(web, .addKey(address(more), Fixtures.mergeRules))))
            try await post(other, more, 5)
            #expect(try await times(one, web) == [5, 4])
            Fixtures.expectChanged(try await one.change(change(web, .removeKey)))
            #expect(try await keys(other, more) == [more])
            #expect(try await other.change(change(web, .lock)) == .noProfile)
            try await post(other, web, 6)
            #expect(try await times(one, web) == [6])
            #expect(try await times(one, more) == [5, 4])

            Fixtures.expectChanged(try await one.change(merge(more, web)))
            for store in stores { try await post(store, more, 7) }
            if round.isMultiple(of: 2) {
                Fixtures.expectChanged(try await one.change(change(web, .lock)))
                let refused = AppendOutcome.refused([RefusedProfile(index: 0, state: .locked)])
                for key in [web, more] { #expect(try await other.append(batch(key, [8])) == refused) }
                #expect(try await other.change(set(more, "x")) == .refused(.locked))
            } else {
                let id = Fixtures.erasureID(round)
                Fixtures.expectChanged(
                    try await one.change(change(web, .erase(id, formats: Fixtures.keyFormats))))
                for key in [web, more] {
                    #expect(try await times(other, key) == nil)
                    try await post(other, key, 9)
                    #expect(try await times(one, key) == [9])
                }
                try await waitUntil { try await other.erasure(id, account: 1)?.completedAt != nil }
                #expect(try await one.erasure(id, account: 1)?.counts.events == 5)
            }
        }
        #expect(try database.query("SELECT count(*) FROM profile_member WHERE root_id = 0") == "0")
    }

    /// What several tasks share.
    private final class Race: Sendable {
        let isOver = Atomic(false)
        private let times: Atomic<Int64>
        private let list = Mutex<[(began: ContinuousClock.Instant, time: Int64)]>([])

        var told: [(began: ContinuousClock.Instant, time: Int64)] { list.withLock { $0 } }

        init(round: Int) { times = Atomic(Int64(round) * 1_000_000 + 1) }

        /// One that no other event has.
        func time() -> Int64 { times.add(1, ordering: .relaxed).newValue }

        func note(_ began: ContinuousClock.Instant, _ time: Int64) { list.withLock { $0.append((began, time)) } }
    }

    @Test(
        "with posts to a key through two servers all the time: what begins after it was taken out is of the new profile"
    )
    func races() async throws {
        let stores = [try database.open(), try database.open(Database.crowded)]
        defer { for store in stores { store.close() } }
        try await stores[0].found()
        for store in stores { for key in ["web", "a@b.se"] { try await post(store, key, 0) } }
        for round in 0..<5 {
            Fixtures.expectChanged(try await stores[round % 2].change(merge("web", "a@b.se")))
            let race = Race(round: round)
            let (position, answered) = try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<6 {
                    group.addTask {
                        while !race.isOver.load(ordering: .acquiring) {
                            let began = ContinuousClock.now
                            let time = race.time()
                            try await post(stores[number % 2], "web", time)
                            race.note(began, time)
                        }
                    }
                }
                try await SharedDatabaseTests.eventually { race.told.count > 5 * (round + 1) }
                let outcome = try await stores[1 - round % 2].change(change("web", .unmerge))
                let answered = ContinuousClock.now
                try await SharedDatabaseTests.eventually { race.told.count { $0.began > answered } > 6 }
                race.isOver.store(true, ordering: .releasing)
                try await group.waitForAll()
                guard case .changed(let position?) = outcome else { throw StoreFailure(.unusable, "\(outcome)") }
                return (position, answered)
            }
            let (web, mail) = (try #require(try await times(stores[0], "web")), try await times(stores[0], "a@b.se"))
            #expect(Set(web).isSuperset(of: race.told.filter { $0.began > answered }.map(\.time)))
            let all = web + (mail ?? [])
            // Also what waited while the key was taken out: its number is higher.
            let filter = EventFilter(profile: try address("a@b.se"), section: 2)
            let ids = try await stores[0].events(filter, after: nil, limit: 1000)?.events.map(\.id)
            #expect(ids?.allSatisfy { $0 < position } == true)
            // Each is in one of them, and once.
            #expect(race.told.allSatisfy { told in all.count { $0 == told.time } == 1 })
        }
    }

    @Test("a profile of several members is locked alone, and what shares its group is stored")
    func isAlone() async throws {
        var limits = Database.few
        limits.writerLanes = 1
        let store = try database.open(limits)
        defer { store.close() }
        try await store.found()
        for key in ["web", "a@b.se", "b@b.se", "c@b.se"] { try await post(store, key, 1) }
        Fixtures.expectChanged(try await store.change(merge("web", "a@b.se")))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { Fixtures.expectChanged(try await store.change(change("web", .lock))) }
            group.addTask { Fixtures.expectChanged(try await store.change(change("c@b.se", .lock))) }
            for number in 0..<9 { group.addTask { try await post(store, "b@b.se", Int64(number)) } }
            try await group.waitForAll()
        }
        #expect(try await times(store, "b@b.se")?.count == 10)
        for key in ["web", "a@b.se", "c@b.se"] {
            #expect(try await store.profile(.address(address(key)))?.state == .locked)
        }
        // Whether it has several is found in the transaction.
        let memory = LaneMemory(limits: limits, forgetting: store.forgetting)
        let connection = try connect()
        memory.forgetProfiles(stateNumber: try connection.run(ChangeSQL.stateNumber).int64(0, 0))
        let writes: [QueuedWrite] = [
            .append(try batch("b@b.se", [1]), NobodyWaits()),
            .change(try change("a@b.se", .lock), NobodyWaits()),
        ]
        let group = GroupTransaction(writes, on: connection, slot: 9000, isSpread: false, memory, limits)
        #expect(throws: PostgresFailure.self) { try group.run() }
    }

    @Test("an update by one key waits for somebody who changes what another key of the profile has")
    func locksTogether() async throws {
        let store = try database.open()
        defer { store.close() }
        try await store.found()
        for key in ["web", "a@b.se"] { Fixtures.expectChanged(try await store.change(set(key, "first"))) }
        Fixtures.expectChanged(try await store.change(merge("web", "a@b.se")))
        let web = try address("web").foundingID.value
        let other = try connect()
        try other.run(
            [Command(.begin)] + [
                Command(DataSQL.lock) {
                    $0.add([web])
                    $0.add([Int64(2)])
                }
            ])
        async let changed = store.change(set("a@b.se", "second"))
        try await waitUntil {
            try database.query(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                    + "AND wait_event_type = 'Lock' AND wait_event = 'transactionid'") == "1"
        }
        try other.run([Command(.commit)])
        Fixtures.expectChanged(try await changed)
        #expect(try await value(store, "web") == .string("second"))
    }

    // MARK: What it costs

    @Test("a page of a profile of one member takes one round trip, and three where it has several")
    func costs() async throws {
        let store = try database.open()
        defer { store.close() }
        try await store.found()
        for key in ["web", "a@b.se", "b@b.se"] { try await post(store, key, 1, 2, 3) }
        Fixtures.expectChanged(try await store.change(merge("web", "a@b.se")))
        let connection = try connect()
        func cost(_ work: () throws -> Void) rethrows -> Int {
            let before = connection.roundTrips
            try work()
            return connection.roundTrips - before
        }
        for (key, page, profile) in [("b@b.se", 1, 1), ("web", 3, 2)] {
            let filter = EventFilter(profile: try address(key), section: 2)
            #expect(try cost { _ = try EventRows.page(connection, filter, after: nil, limit: 2) } == page)
            #expect(try cost { _ = try ProfileRows.find(connection, filter.profile) } == profile)
            #expect(try cost { _ = try ProfileRows.days(connection, filter) } == profile)
        }
    }

    @Test("pages of large events end by their bytes, and follow each other")
    func boundsPages() async throws {
        let store = try database.open()
        defer { store.close() }
        try await store.found()
        let text = #"{"a":""# + String(repeating: "x", count: Limits.pageBytesMax / 5) + #""}"#
        for number in 0..<12 as Range<Int64> {
            let key = ["web", "a@b.se", "other"][Int(number % 3)]
            let batch = EventBatch(
                profile: try address(key), section: 2, receivedAt: Fixtures.now,
                events: [
                    EventBatch.Row(
                        eventTime: Timestamp(milliseconds: number), version: Fixtures.versionID,
                        dataEnd: text.utf8.count)
                ], data: Array(text.utf8), idempotency: nil)
            #expect(try await store.append(batch) == .stored)
        }
        for key in ["web", "other"] { Fixtures.expectChanged(try await store.change(merge(key, "a@b.se"))) }
        let filter = EventFilter(profile: try address("web"), section: 2)
        var (seen, position, pages): ([Int64], EventPosition?, [Int]) = ([], nil, [])
        repeat {
            let page = try #require(try await store.events(filter, after: position, limit: 100))
            seen += page.events.map(\.eventTime.milliseconds)
            pages.append(page.events.count)
            position = page.next
        } while position != nil
        #expect(seen == Array((0..<12).reversed()))
        #expect(pages == [5, 5, 2], "\(pages)")
    }

    // MARK: Where tables are spread

    @Test(
        "where the tables are spread, profiles are looked for before the transaction, and shards are written before reads"
    )
    func spread() async throws {
        let store = try database.open()
        defer { store.close() }
        try await store.found()
        let connection = try connect()
        let memory = LaneMemory(limits: Database.few, forgetting: store.forgetting)
        memory.forgetProfiles(stateNumber: try connection.run(ChangeSQL.stateNumber).int64(0, 0))
        func run(_ change: ProfileChange) async throws -> ProfileChangeOutcome? {
            let write = QueuedWrite.change(change, NobodyWaits())
            let group = GroupTransaction([write], on: connection, slot: 9000, isSpread: true, memory, Database.few)
            try group.run()
            return group.changeOutcomes[0]
        }
        func expectChanged(_ change: ProfileChange) async throws {
            Fixtures.expectChanged(try #require(try await run(change)))
        }
        try await expectChanged(merge("web", "a@b.se"))
        #expect(try await run(merge("web", "a@b.se")) == .unchanged)
        try await expectChanged(change("web", .addKey(address("more"), Fixtures.mergeRules)))
        try await expectChanged(change("web", .removeKey))
        #expect(try await run(change("web", .restore)) == .noProfile)
        try await expectChanged(change("more", .unmerge))
        try await expectChanged(merge("more", "a@b.se"))
        #expect(try await keys(store, "more") == ["a@b.se", "more"])
        try await expectChanged(change("more", .restore))
        #expect(try await keys(store, "more") == ["more"])
        // Another server takes a key away: the next try looks before its transaction.
        Fixtures.expectChanged(try await store.change(merge("more", "a@b.se")))
        Fixtures.expectChanged(try await store.change(change("more", .removeKey)))
        await #expect(throws: PostgresFailure.self) { _ = try await run(change("more", .restore)) }
        try connection.rollBackIfNeeded()
        #expect(try await run(change("more", .restore)) == .noProfile)
        try await expectChanged(change("a@b.se", .lock))
    }

    // MARK: Erasures

    @Test("members are removed one after the other, the canonical one last, and counted in one receipt")
    func removesMembers() async throws {
        var store = try database.open()
        try await store.found()
        let holder = try connect()
        try holder.run([Command(Statement("hold_erasures", "SELECT pg_advisory_lock(1330004545, 5)"))])
        for key in ["one", "two", "a@b.se"] {
            try await post(store, key, 1, 2, 3)
            for number in 0..<3 { _ = try await store.change(set(key, "v\(number)")) }
        }
        Fixtures.expectChanged(try await store.change(merge("one", "two")))
        Fixtures.expectChanged(try await store.change(merge("two", "a@b.se")))
        let ids = try #require(try await store.profile(.address(address("one")))).members.map(\.id.value)
        let id = Fixtures.erasureID(1)
        Fixtures.expectChanged(try await store.change(change("one", .erase(id, formats: Fixtures.keyFormats))))
        func left() throws -> [Int64] {
            try database.query("SELECT profile_id FROM event UNION SELECT profile_id FROM profile_data").split(
                separator: "\n"
            ).compactMap { Int64($0) }
        }
        #expect(try Set(left()) == Set(ids))
        var (last, steps) = (ErasureRemoval.Step.removed, 0)
        while last == .removed, steps < 60 {
            // A new server each time.
            last = try ErasureRemoval(holder, slot: Int64(7000 + steps), rowsMax: 2, leaving: []).step(at: Fixtures.now)
            let members = try database.query("SELECT profile_id FROM profile_member").split(separator: "\n")
            // What is left is a tree, so that somebody can go on.
            let trees = try MemberRows.trees(try holder.run([MemberRows.find([ids[0]])])[0])
            #expect(trees.map(\.count) == (members.isEmpty ? [] : [members.count]))
            #expect(try left().allSatisfy { members.contains("\($0)") })
            steps += 1
        }
        #expect(last == .none && steps < 60)
        let receipt = try #require(try await store.erasure(id, account: 1))
        // Three updates each; the ends of two merges.
        #expect(receipt.counts == Erasure.Counts(events: 9, values: 3, changes: 13) && receipt.completedAt != nil)
        #expect(try database.query("SELECT count(*) FROM profile_change") == "3", "of the erasure")
        store.close()
        store = try database.open()
        defer { store.close() }
        #expect(try await keys(store, "one") == nil)
    }
}

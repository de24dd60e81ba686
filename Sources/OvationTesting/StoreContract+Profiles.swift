import OvationCore
import Testing

/// What is read of profiles as a whole.
extension StoreContract {
    static let profileChecks: [Check] = [
        Check("a profile is found by its key and by its id, in its account") { try await $0.findsProfiles() },
        Check("events are counted by section and version") { try await $0.countsEvents() },
        Check("events are counted by UTC day") { try await $0.countsDays() },
        Check("usage follows what is stored and what is deleted") { try await $0.countsUsage() },
        Check("usage is exact when many post at once") { try await $0.countsUsageConcurrently() },
        Check("profiles are found by the beginning of a key, exactly") { try await $0.searchesProfiles() },
        Check("a search keeps to its keyspaces, each with its own beginning") { try await $0.searchesKeyspaces() },
        Check("a search ends at its limit and after its time, and says so") { try await $0.boundsSearch() },
    ]

    private func delete(_ filter: EventFilter, id: Int64? = nil) async throws {
        let deletion = try await store.deleteEvents(
            filter, id: id, recordedAs: { _ in Act(.eventsDeleted, subject: "", detail: "") }, at: Fixtures.now,
            by: "me")
        #expect(deletion?.count ?? 0 > 0)
    }

    private func findsProfiles() async throws {
        try await found()
        for key in ["a@b.se", "c@d.se"] { _ = try await store.append(Fixtures.batch(key, times: [1], id: 42)) }
        let first = try #require(try await store.profile(.address(Fixtures.address("a@b.se", id: 42))))
        #expect(
            first
                == Profile(
                    id: ProfileID(42), key: Profile.Key(keyspace: 1, text: "a@b.se"), createdAt: Fixtures.now))
        let second = try #require(try await store.profile(.address(Fixtures.address("c@d.se", id: 42))))
        #expect(second.id == ProfileID(42).afterCollision && second.keys.map(\.text) == ["c@d.se"])
        #expect(try await store.profile(.id(second.id, account: 1)) == second)
        #expect(try await store.profile(.id(second.id, account: 2)) == nil)
        #expect(try await store.profile(.id(ProfileID(7), account: 1)) == nil)
        #expect(try await store.profile(.address(Fixtures.address("e@f.se", id: 42))) == nil)
    }

    private func countsEvents() async throws {
        try await found()
        let late = Fixtures.now.advanced(by: .seconds(60))
        _ = try await store.append(Fixtures.batch("a@b.se", times: [5, 9, 7], version: 12, receivedAt: late))
        _ = try await store.append(Fixtures.batch("a@b.se", times: [1, 2], version: 11))
        _ = try await store.append(Fixtures.batch("a@b.se", times: [-3], version: 11, section: 1))
        _ = try await store.append(Fixtures.batch("c@d.se", times: [100], version: 11))
        func count(_ section: Int64, _ version: Int64, _ events: Int64, _ newest: Int64) -> ProfileCounts.Count {
            ProfileCounts.Count(
                section: section, version: version, events: events, newest: Timestamp(milliseconds: newest))
        }
        let address = try Fixtures.address("a@b.se")
        // What came last decides, whatever the clock said.
        #expect(
            try await store.counts(of: address)
                == ProfileCounts(
                    counts: [count(1, 11, 1, -3), count(2, 11, 2, 2), count(2, 12, 3, 9)], lastSeenAt: Fixtures.now))
        #expect(try await store.counts(of: Fixtures.address("e@f.se")) == nil)
        try await delete(filter("a@b.se"))
        try await delete(filter("a@b.se", section: 1))
        #expect(try await store.counts(of: address) == ProfileCounts(counts: [], lastSeenAt: nil))
    }

    private func countsDays() async throws {
        try await found()
        let day: Int64 = 86_400_000
        let midnight = 20_000 * day
        _ = try await store.append(
            Fixtures.batch(
                "a@b.se", times: [midnight, midnight - 1, midnight + day - 1, midnight + 3 * day], version: 11))
        _ = try await store.append(Fixtures.batch("a@b.se", times: [midnight + 1, -1, 0], version: 12))
        _ = try await store.append(Fixtures.batch("a@b.se", times: [midnight], version: 11, section: 3))
        func days(_ change: (inout EventFilter) -> Void = { _ in }) async throws -> [[Int64]]? {
            var filter = try filter("a@b.se")
            change(&filter)
            return try await store.days(filter)?.map { [$0.day, $0.events] }
        }
        #expect(try await days() == [[-1, 1], [0, 1], [19_999, 1], [20_000, 3], [20_003, 1]])
        #expect(try await days { $0.section = 3 } == [[20_000, 1]])
        #expect(try await days { $0.section = 4 } == [])
        #expect(try await days { $0.versions = [12] } == [[-1, 1], [0, 1], [20_000, 1]])
        #expect(try await days { $0.versions = [] } == [])
        #expect(
            try await days {
                $0.from = Timestamp(milliseconds: midnight)
                $0.to = Timestamp(milliseconds: midnight + 3 * day)
            } == [[20_000, 3]])
        #expect(
            try await days {
                $0.from = Timestamp(milliseconds: midnight + 1)
                $0.versions = [11, 12]
            } == [[20_000, 2], [20_003, 1]])
        #expect(try await store.days(filter("nobody@b.se")) == nil)
    }

    private func countsUsage() async throws {
        try await found()
        #expect(try await store.usage(account: 1) == [])
        let late = Fixtures.now.advanced(by: .seconds(60))
        let key = Idempotency(key: "k", fingerprint: [1], answer: [])
        for _ in 0..<2 {
            _ = try await store.append(Fixtures.batch("a@b.se", times: [1, 2, 3], version: 12, idempotency: key))
        }
        _ = try await store.append(mixed("c@d.se", versions: [11, 11, 12, 11], receivedAt: late))
        _ = try await store.append(Fixtures.batch("c@d.se", times: [1], version: 11, section: 3))
        _ = try await store.append(Fixtures.batch("c@d.se", times: [], version: 13))
        func usage(_ version: Int64, _ events: Int64) -> VersionUsage {
            VersionUsage(version: version, events: events, lastSeenAt: late)
        }
        #expect(try await store.usage(account: 1) == [usage(11, 4), usage(12, 4)])
        #expect(try await store.usage(account: 2) == [])

        var narrow = try filter("c@d.se")
        narrow.versions = [11]
        try await delete(narrow)
        #expect(try await store.usage(account: 1) == [usage(11, 1), usage(12, 4)])
        let id = try await page(filter("a@b.se")).events[1].id
        try await delete(filter("a@b.se"), id: id)
        #expect(try await store.usage(account: 1) == [usage(11, 1), usage(12, 3)])
        try await delete(filter("a@b.se"))
        try await delete(filter("c@d.se"))
        #expect(try await store.usage(account: 1) == [usage(11, 1), usage(12, 0)])
    }

    /// Events of several versions in one post.
    private func mixed(_ key: String, versions: [EventVersion.ID], receivedAt: Timestamp) throws -> EventBatch {
        let events = versions.enumerated().map { index, version in
            EventBatch.Row(
                eventTime: Timestamp(milliseconds: Int64(index)), version: version, dataEnd: 2 * (index + 1))
        }
        return EventBatch(
            profile: try Fixtures.address(key), section: 2, receivedAt: receivedAt, events: events,
            data: Array(String(repeating: "{}", count: versions.count).utf8), idempotency: nil)
    }

    private func countsUsageConcurrently() async throws {
        try await found()
        let store = store
        try await withThrowingTaskGroup(of: Void.self) { group in
            for caller in 0..<40 {
                group.addTask {
                    for number in 0..<5 {
                        _ = try await store.append(
                            Fixtures.batch("c\(caller)@b.se", times: [1, 2], version: Int64(number % 2)))
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await store.usage(account: 1).map(\.events) == [240, 160])
    }
}

// MARK: - Searching

extension StoreContract {
    private func search(
        _ prefixes: [Int64: String], limit: Int = 50, time: Duration = .seconds(60), account: Int64 = 1
    ) async throws -> ProfileMatches {
        try await store.profiles(
            ProfileSearch(account: account, prefixes: prefixes, limit: limit, timeMax: time))
    }

    private func keys(_ prefixes: [Int64: String]) async throws -> [String] {
        let matches = try await search(prefixes)
        #expect(matches.isComplete)
        return matches.profiles.flatMap(\.keys).map(\.text)
    }

    private func searchesProfiles() async throws {
        try await found()
        // Sorted by their bytes.
        let all = [
            "%@b.se", "%_@b.se", "_@b.se", "a%c@b.se", "a@b.se", "a_c@b.se", "abc@b.se", "ab\u{2FA1D}@b.se", "b@b.se",
            "é@b.se", "😀@b.se", "😀😀@b.se",
        ]
        for key in all.shuffled() { _ = try await store.append(Fixtures.batch(key, times: [1])) }
        #expect(try await keys([1: ""]) == all)
        #expect(try await keys([1: "a"]) == ["a%c@b.se", "a@b.se", "a_c@b.se", "abc@b.se", "ab\u{2FA1D}@b.se"])
        #expect(try await keys([1: "ab"]) == ["abc@b.se", "ab\u{2FA1D}@b.se"])
        #expect(try await keys([1: "%"]) == ["%@b.se", "%_@b.se"])
        #expect(try await keys([1: "_"]) == ["_@b.se"])
        #expect(try await keys([1: "a_"]) == ["a_c@b.se"])
        #expect(try await keys([1: "*"]) == [])
        #expect(try await keys([1: "é"]) == ["é@b.se"])
        #expect(try await keys([1: "😀"]) == ["😀@b.se", "😀😀@b.se"])
        #expect(try await keys([1: "ab\u{2FA1D}"]) == ["ab\u{2FA1D}@b.se"])
        #expect(try await keys([1: "A"]) == [], "a caller writes keys in the form in which they are kept")
        #expect(try await keys([1: "abc@b.se"]) == ["abc@b.se"])
        #expect(try await keys([1: "abc@b.sex"]) == [])
        let abc = try await search([1: "abc"]).profiles
        #expect(abc.map(\.id) == [try Fixtures.address("abc@b.se").foundingID])
        #expect(abc.map(\.createdAt) == [Fixtures.now])
    }

    private func searchesKeyspaces() async throws {
        try await found()
        var id: Int64 = .min
        for (keyspace, text) in [(1, "46@b.se"), (2, "4612345"), (3, "46"), (3, "4612345"), (3, "+46")] {
            id += 1
            let format: KeyFormat = keyspace == 1 ? .email : .text
            let address = ProfileAddress(
                account: 1, keyspace: Int64(keyspace), key: try ProfileKey(text, format: format),
                foundingID: ProfileID(id))
            let batch = try Fixtures.batch("a@b.se", times: [1])
            _ = try await store.append(
                EventBatch(
                    profile: address, section: 2, receivedAt: Fixtures.now, events: batch.events, data: batch.data,
                    idempotency: nil))
        }
        #expect(try await keys([1: "46", 2: "46", 3: "46"]) == ["46", "4612345", "4612345", "46@b.se"])
        #expect(try await search([2: "46", 3: "461"]).profiles.map { $0.keys[0].keyspace } == [2, 3])
        #expect(try await keys([2: "46", 3: "+46"]) == ["+46", "4612345"])
        #expect(try await keys([4: ""]) == [])
        #expect(try await keys([:]) == [])
        #expect(try await search([1: ""], account: 2) == ProfileMatches(profiles: [], isComplete: true))
    }

    private func boundsSearch() async throws {
        try await found()
        for number in 0..<30 { _ = try await store.append(Fixtures.batch("a\(number)@b.se", times: [1])) }
        let some = try await search([1: "a"], limit: 7)
        #expect(some.profiles.count == 7 && !some.isComplete)
        let keys = some.profiles.map { $0.keys[0].text }
        #expect(keys == keys.sorted())
        #expect(try await search([1: "a"], limit: 30).profiles.count == 30)
        #expect(try await search([1: "a2"], limit: 11).isComplete)
        #expect(try await search([1: "a2"], limit: 10).isComplete == false)
        #expect(try await search([1: "nobody"], time: .zero) == ProfileMatches(profiles: [], isComplete: false))
    }
}

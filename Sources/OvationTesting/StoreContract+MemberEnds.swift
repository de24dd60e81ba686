import OvationCore
import Testing

/// Profiles of several members: how they are parted, locked and erased, and what the rest of a store says of them.
extension StoreContract {
    // MARK: Undoing

    func restoresMerged() async throws {
        try await found()
        try await post("web", [1, 5])
        try await set("web", [text(4, "web"), text(5, "only web"), Fixtures.tag(2)])
        try await post("a@b.se", [2])
        try await set("a@b.se", [text(4, "mail"), text(6, "gone"), Fixtures.tag(1)])
        try await set("a@b.se", [Fixtures.clear(6)])
        let (web, mail) = (try await seen("web"), try await seen("a@b.se"))
        try await expectMerged("web", "a@b.se")
        try await expectChanged("web", .restore)
        #expect(try await seen("web") == web)
        #expect(try await seen("a@b.se") == mail)
        #expect(try await change("web", [.restore]) == .unchanged)

        try await expectMerged("web", "a@b.se")
        try await post("web", [7])
        try await set("web", [text(4, "web, later")])
        try await set("a@b.se", [text(7, "mail, later")])
        #expect(try await change("a@b.se", [.restore]) == .canonical)
        try await expectChanged("web", .restore)
        #expect(try await times("web") == [7, 5, 1])
        #expect(try await times("a@b.se") == [2])
        #expect(
            try await values("web") == [
                .attribute(4): .string("web, later"), .attribute(5): .string("only web"), .tag(2): .boolean(true),
            ])
        #expect(
            try await values("a@b.se") == [
                .attribute(4): .string("mail"), .attribute(7): .string("mail, later"), .tag(1): .boolean(true),
            ])
        try await post("web", [8])
        #expect(try await times("web") == [8, 7, 5, 1])
        #expect(try await times("a@b.se") == [2])
    }

    func restoresChain() async throws {
        try await found()
        for (second, key) in ["one", "two", "three"].enumerated() {
            try await post(key, [Int64(second)], seconds: Int64(second))
        }
        try await expectMerged("three", "two")
        try await post("a@b.se", [9], seconds: 9)
        try await expectMerged("two", "a@b.se")
        try await expectMerged("one", "a@b.se")
        #expect(try await keys("three") == ["a@b.se", "three", "two", "one"])
        // The newest merge by which it came to the others: that of both.
        try await expectChanged("three", .restore)
        #expect(try await keys("three") == ["two", "three"])
        #expect(try await keys("one") == ["a@b.se", "one"])
        #expect(try await times("two") == [2, 1])
        #expect(try await times("one") == [9, 0])
        try await expectChanged("three", .restore)
        #expect(try await keys("three") == ["three"])
        #expect(try await keys("two") == ["two"])
        try await expectMerged("three", "one")
        #expect(try await times("a@b.se") == [9, 2, 0])
    }

    func unmerges() async throws {
        try await found()
        try await post("web", [1, 5])
        try await set("web", [text(4, "web")])
        try await post("a@b.se", [2])
        try await expectMerged("web", "a@b.se")
        try await expectMerged("third", "a@b.se")
        try await expectChanged("web", .unmerge)
        #expect(try await keys("web") == ["web"])
        #expect(try await times("web") == [])
        #expect(try await values("web") == [:])
        #expect(try await keys("a@b.se") == ["a@b.se", "third"])
        #expect(try await times("third") == [5, 2, 1])
        #expect(try await values("a@b.se") == [.attribute(4): .string("web")])
        #expect(try await profile("a@b.se")?.members.count == 3)
        try await post("web", [7])
        #expect(try await times("web") == [7])
        #expect(try await times("a@b.se") == [5, 2, 1])
        try await expectMerged("a@b.se", "web")
        #expect(try await times("web") == [7, 5, 2, 1])
        try await expectChanged("web", .unmerge)
        try await expectMerged("web", "a@b.se")
        #expect(try await times("web") == [7, 5, 2, 1])
        #expect(try await keys("web")?.count == 3)
    }

    func refusesUnmerge() async throws {
        try await found()
        for operation in [ProfileChange.Operation.unmerge, .restore, .removeKey] {
            #expect(try await change("nobody", [operation]) == .noProfile)
        }
        try await post("web", [1])
        #expect(try await change("web", [.unmerge]) == .unchanged)
        #expect(try await change("web", [.restore]) == .unchanged)
        #expect(try await change("web", [.removeKey]) == .lastKey)
        try await expectMerged("web", "a@b.se")
        #expect(try await change("a@b.se", [.unmerge]) == .canonical)
        #expect(try await keys("web") == ["a@b.se", "web"])
        // A part without a key would be found by nobody.
        try await expectChanged("web", addKey("more"))
        try await expectMerged("two", "three")
        try await expectMerged("two", "a@b.se")
        let canonical = try #require(try await profile("two")?.keys.first?.text)
        #expect(canonical == "a@b.se")
        try await expectChanged("two", .removeKey)
        try await expectChanged("three", .unmerge)
        #expect(try await keys("three") == ["three"])
        #expect(try await keys("web")?.sorted() == ["a@b.se", "more", "web"])
    }

    // MARK: Keys

    func changesKeys() async throws {
        try await found()
        try await post("a@b.se", [1])
        try await expectChanged("a@b.se", addKey("web"))
        #expect(try await change("web", [addKey("a@b.se")]) == .unchanged)
        #expect(try await change("a@b.se", [addKey("web")]) == .unchanged)
        #expect(try await change("web", [addKey("c@d.se")]) == .different(keyspace: 1))
        #expect(try await profile("c@d.se") == nil)
        try await post("other", [2])
        #expect(try await change("web", [addKey("other")]) == .taken)
        try await post("web", [3])
        #expect(try await times("a@b.se") == [3, 1])
        #expect(try await keys("web") == ["a@b.se", "web"])
        // The founding key goes, and the profile stays what it is.
        let id = try #require(try await profile("web")?.id)
        try await expectChanged("a@b.se", .removeKey)
        #expect(try await profile("a@b.se") == nil)
        #expect(try await profile("web")?.id == id)
        #expect(try await keys("web") == ["web"])
        #expect(try await times("web") == [3, 1])
        #expect(try await change("web", [.removeKey]) == .lastKey)
        #expect(try await change("web", [.restore]) == .lastKey)
        #expect(try await keys("web") == ["web"])
    }

    func movesKey() async throws {
        try await found()
        try await set("a@b.se", [text(1, "a@b.se"), text(4, "name")])
        try await post("a@b.se", [1])
        let moved: [ProfileChange.Operation] = [
            try addKey("new@b.se"), .update(section: 2, [text(1, "new@b.se")]), .removeKey,
        ]
        Fixtures.expectChanged(try await change("a@b.se", moved))
        #expect(try await profile("a@b.se") == nil)
        #expect(try await keys("new@b.se") == ["new@b.se"])
        #expect(try await times("new@b.se") == [1])
        #expect(
            try await values("new@b.se") == [.attribute(1): .string("new@b.se"), .attribute(4): .string("name")])
        // To one that somebody has: nothing of it.
        try await post("c@d.se", [2])
        let taken: [ProfileChange.Operation] = [
            try addKey("c@d.se"), .update(section: 2, [text(1, "c@d.se")]), .removeKey,
        ]
        #expect(try await change("new@b.se", taken) == .taken)
        #expect(try await values("new@b.se")?[.attribute(1)] == .string("new@b.se"))
        #expect(try await keys("new@b.se") == ["new@b.se"])
        #expect(try await keys("c@d.se") == ["c@d.se"])
        // And back, over the place where the key was.
        let back: [ProfileChange.Operation] = [
            try addKey("a@b.se"), .update(section: 2, [text(1, "a@b.se")]), .removeKey,
        ]
        Fixtures.expectChanged(try await change("new@b.se", back))
        #expect(try await keys("a@b.se") == ["a@b.se"])
        #expect(try await times("a@b.se") == [1])
    }

    func reusesKey() async throws {
        try await found()
        try await post("a@b.se", [1])
        try await expectMerged("web", "a@b.se")
        for round in 2...4 as ClosedRange<Int64> {
            try await expectChanged("web", .removeKey)
            #expect(try await profile("web") == nil)
            try await post("web", [round])
            #expect(try await times("web") == [round])
            try await expectMerged("web", "a@b.se")
        }
        #expect(try await times("web") == [4, 3, 2, 1])
        #expect(try await keys("web") == ["a@b.se", "web"])
        #expect(try await profile("web")?.members.count == 5)
        #expect(try await profile("web")?.members.count { $0.key == nil } == 3)
    }

    // MARK: Ends

    func erasesMembers() async throws {
        try await found()
        try await fill("a@b.se")
        try await post("web", [7, 8])
        try await set("web", [text(4, "x"), Fixtures.tag(5), Fixtures.tag(6)])
        try await expectMerged("web", "a@b.se")
        try await post("gone", [9])
        try await expectMerged("gone", "web")
        try await expectChanged("gone", .removeKey)
        try await post("stays", [3])
        let ids = try #require(try await profile("web")?.members.map(\.id))
        Fixtures.expectChanged(try await change("web", [.erase(Fixtures.erasureID(1), formats: Fixtures.keyFormats)]))
        for key in ["web", "a@b.se"] {
            #expect(try await profile(key) == nil)
            #expect(try await times(key) == nil)
            #expect(try await values(key) == nil)
            #expect(try await allChanges(key) == nil)
        }
        for id in ids { #expect(try await store.profile(.id(id, account: 1)) == nil) }
        #expect(try await exportedKeys() == ["stays"])
        let receipt = try await receipt()
        #expect(receipt.counts.events == 8)
        // Each member's own: what was hidden is there too.
        #expect(receipt.counts.values == 4 && receipt.counts.tags == 4)
        try await post("web", [4])
        try await post("a@b.se", [5])
        #expect(try await times("web") == [4])
        #expect(try await times("a@b.se") == [5])
        #expect(try await keys("web") == ["web"])
        try await expectMerged("web", "a@b.se")
        #expect(try await times("web") == [5, 4])
        #expect(try await values("web") == [:])
    }

    func locksMembers() async throws {
        try await found()
        for key in ["web", "a@b.se", "open"] { try await post(key, [1]) }
        try await expectMerged("web", "a@b.se")
        try await expectChanged("web", .lock)
        let refused = AppendOutcome.refused([RefusedProfile(index: 0, state: .locked)])
        let batch = try Fixtures.batch("a@b.se", times: [2])
        #expect(try await store.append(batch) == refused)
        #expect(try await profile("a@b.se")?.state == .locked)
        #expect(try await profile("web")?.state == .locked)
        for operation in [ProfileChange.Operation.unmerge, .restore, .removeKey, try addKey("new")] {
            #expect(try await change("web", [operation]) == .refused(.locked), "\(operation.kind)")
        }
        #expect(try await merge("web", "a@b.se") == .unchanged)
        // The lock spreads, and the two stay two.
        try await expectMerged("open", "web")
        #expect(try await profile("open")?.state == .locked)
        #expect(try await keys("open") == ["open"])
        #expect(try await merge("web", "open") == .unchanged)
        #expect(try await change("late", [addKey("web")], precondition: .none) == .refused(.locked))
        #expect(try await profile("late") == nil)
    }

    func tellsOpenProfiles() async throws {
        try await found()
        let names = ["alone", "web", "a@b.se", "locked", "l@b.se", "erased", "e@b.se"]
        for key in names { try await post(key, [1]) }
        var ids: [String: ProfileID] = [:]
        for key in names { ids[key] = try #require(try await profile(key)).id }
        let nobody = ProfileID(4711)
        func open(account: Int64 = 1) async throws -> Set<ProfileID> {
            try await store.openProfiles(among: Array(ids.values) + [nobody], account: account)
        }
        #expect(try await open() == Set(ids.values))
        #expect(try await open(account: 2) == [])
        try await expectMerged("web", "a@b.se")
        try await expectMerged("locked", "l@b.se")
        try await expectMerged("erased", "e@b.se")
        #expect(try await open() == Set(ids.values))
        try await expectChanged("l@b.se", .lock)
        let erasure = ProfileChange.Operation.erase(Fixtures.erasureID(1), formats: Fixtures.keyFormats)
        try await expectChanged("erased", erasure)
        #expect(try await open() == Set(["alone", "web", "a@b.se"].compactMap { ids[$0] }))
        #expect(try await store.openProfiles(among: [], account: 1) == [])
    }

    func deletesOfMembers() async throws {
        try await found()
        try await post("web", [1, 5, 9])
        try await post("a@b.se", [2, 6])
        try await expectMerged("web", "a@b.se")
        var filter = EventFilter(profile: try address("a@b.se"), section: 2)
        filter.from = Timestamp(milliseconds: 5)
        let deletion = try await store.deleteEvents(
            filter, id: nil, recordedAs: { Act(.eventsDeleted, subject: "\($0)", detail: "") }, at: Fixtures.now,
            by: "me")
        #expect(deletion?.count == 3)
        #expect(try await times("web") == [2, 1])
        #expect(try await times("a@b.se") == [2, 1])
        let event = try #require(
            try await store.events(
                EventFilter(profile: address("a@b.se"), section: 2), after: nil, limit: 9)?.events.last)
        filter.from = nil
        let one = try await store.deleteEvents(
            filter, id: event.id, recordedAs: { Act(.eventsDeleted, subject: "\($0)", detail: "") }, at: Fixtures.now,
            by: "me")
        #expect(one?.count == 1)
        #expect(try await times("web") == [2])
    }

    func exportsMembers() async throws {
        try await found()
        try await post("web", [1])
        try await post("a@b.se", [2])
        try await expectMerged("web", "a@b.se")
        #expect(try await exportedKeys() == ["web", "a@b.se"])
        try await expectChanged("web", .removeKey)
        #expect(try await exportedKeys() == ["a@b.se", "a@b.se"])
        try await expectChanged("a@b.se", addKey("more"))
        try await expectChanged("a@b.se", .removeKey)
        #expect(try await exportedKeys() == ["more", "more"])
    }

    func findsMembers() async throws {
        try await found()
        for key in ["weba", "webb", "webc", "a@b.se"] { try await post(key, [1]) }
        try await expectMerged("weba", "webb")
        try await expectMerged("weba", "a@b.se")
        func find(_ prefixes: [Int64: String], limit: Int = 9) async throws -> [Profile] {
            try await store.profiles(
                ProfileSearch(account: 1, prefixes: prefixes, limit: limit, timeMax: .seconds(9))
            ).profiles
        }
        let merged = try #require(try await profile("weba"))
        #expect(Set(merged.keys.map(\.text)) == ["a@b.se", "weba", "webb"])
        let other = try #require(try await profile("webc"))
        #expect(try await find([4: "web"]).sorted { $0.members.count > $1.members.count } == [merged, other])
        #expect(try await find([1: "a@", 4: "webb"]) == [merged])
        try await expectChanged("webb", .removeKey)
        #expect(try await find([4: "webb"]).isEmpty)
        #expect(try await find([4: "weba"]).map(\.members.count) == [3])
    }

    func recordsMerges() async throws {
        try await found()
        try await set("web", [text(4, "x")])
        try await set("a@b.se", [text(4, "y")])
        try await expectMerged("web", "a@b.se")
        for limit in [1, 2, 200] {
            let kinds = try #require(try await allChanges("web", limit: limit)).map(\.kind)
            #expect(kinds.count { $0 == .merged } >= 1 && kinds.count { $0 == .updated } == 2)
            #expect(kinds.first == .merged)
        }
        let both = try #require(try await allChanges("a@b.se"))
        #expect(both.map(\.position) == both.map(\.position).sorted(by: >))
        #expect(both == (try await allChanges("web")))
        try await expectChanged("web", .restore)
        for key in ["web", "a@b.se"] {
            let kinds = try #require(try await allChanges(key)).map(\.kind)
            #expect(kinds.first == .restored && kinds.contains(.merged) && kinds.last == .updated, "\(key): \(kinds)")
        }
        try await expectChanged("a@b.se", addKey("more"))
        #expect(try await allChanges("more")?.first?.kind == .keyAdded)
        try await expectChanged("more", .unmerge)
        #expect(try await allChanges("more")?.map(\.kind) == [.unmerged])
        #expect(try await allChanges("a@b.se")?.first?.kind == .unmerged)
        try await expectMerged("more", "a@b.se")
        try await expectChanged("more", .removeKey)
        #expect(try await allChanges("a@b.se")?.first?.kind == .keyRemoved)
    }

    func mergesOnce() async throws {
        try await found()
        let key = Idempotency(key: "merge", fingerprint: [1], answer: [7])
        try await post("web", [1])
        Fixtures.expectChanged(try await merge("web", "a@b.se", idempotency: key))
        try await expectChanged("web", .restore)
        #expect(try await merge("web", "a@b.se", idempotency: key) == .duplicate(answer: [7]))
        #expect(try await keys("web") == ["web"])
        let other = Idempotency(key: "merge", fingerprint: [2], answer: [])
        #expect(try await merge("web", "a@b.se", idempotency: other) == .conflict)
    }

    func boundsMembers() async throws {
        try await found()
        try await post("web0", [1])
        for number in 1..<Limits.profileMembersMax {
            guard case .changed = try await change("web0", [addKey("web\(number)")]) else {
                Issue.record("key \(number) was not added")
                return
            }
        }
        #expect(try await change("web7", [addKey("more")]) == .tooManyMembers)
        #expect(try await merge("web7", "more") == .tooManyMembers)
        #expect(try await profile("more") == nil)
        let last = "web\(Limits.profileMembersMax - 1)"
        try await post(last, [3])
        #expect(try await times("web0") == [3, 1])
        #expect(try await profile(last)?.members.count == Limits.profileMembersMax)
        try await expectChanged(last, .restore)
        #expect(try await times(last) == [3])
        #expect(try await times("web0") == [1])
    }

    func boundsMergedFields() async throws {
        try await found()
        let max = Int64(Limits.profileFieldsMax)
        func tags(_ numbers: Range<Int64>) -> [ProfileEdit] { numbers.map { Fixtures.tag($0) } }
        func update(_ edits: ProfileEdit...) -> ProfileChange.Operation { .update(section: 2, edits) }
        try await set("a@b.se", tags(0..<max / 2))
        try await set("web", tags(max / 2..<max))
        try await set("more", tags(max / 2 - 1..<max + 1))
        #expect(try await merge("more", "a@b.se") == .full)
        #expect(try await keys("more") == ["more"])
        try await expectMerged("web", "a@b.se")
        for key in ["web", "a@b.se"] {
            #expect(try await change(key, [update(Fixtures.tag(max))]) == .full, "\(key)")
            // It is one of the profile's already.
            try await expectChanged(key, update(Fixtures.tag(key == "web" ? 0 : max - 1)))
        }
        // What another key has is cleared, and makes room.
        try await expectChanged("a@b.se", update(Fixtures.tag(max - 2, false)))
        try await expectChanged("web", update(Fixtures.tag(max)))
        #expect(try await change("web", [update(Fixtures.tag(max + 1))]) == .full)
        try await expectChanged("web", update(Fixtures.tag(max, false), Fixtures.tag(max + 1)))
        #expect(try await values("a@b.se")?.count == Limits.profileFieldsMax)
        #expect(try await merge("more", "web") == .full)
    }

    func mergesAmongPosts() async throws {
        try await found()
        let keys = (0..<6).map { "key\($0)" }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (number, key) in keys.enumerated() {
                group.addTask {
                    for time in 0..<20 { try await post(key, [Int64(time * 10 + number)]) }
                }
            }
            group.addTask {
                for round in 0..<10 {
                    _ = try await merge(keys[round % 6], keys[(round + 1) % 6])
                    if round.isMultiple(of: 3) { _ = try await change(keys[round % 6], [.restore]) }
                }
                for key in keys.dropFirst() { _ = try await merge(keys[0], key) }
            }
            try await group.waitForAll()
        }
        #expect(try await profile(keys[0])?.members.count == 6)
        let times = try #require(try await times(keys[3], limit: 7))
        #expect(times.count == 120 && times == times.sorted(by: >) && Set(times).count == 120)
    }
}

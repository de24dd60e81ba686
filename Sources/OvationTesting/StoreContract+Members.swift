import OvationCore
import Testing

/// Profiles of several members: merges, their end, and keys. A test names a key by its text: with an @ it is an e-mail
/// address, and otherwise one of the keyspace for the web.
extension StoreContract {
    static let memberChecks: [Check] = [
        Check("both keys of a merged profile lead to all of it") { try await $0.mergesTwo() },
        Check("the order in which two profiles are named means nothing") { try await $0.mergesInAnyOrder() },
        Check("a merge makes what is missing, and the same merge again changes nothing") {
            try await $0.mergesMissing()
        },
        Check("two persons are not merged, and nobody is made for it") { try await $0.keepsPersonsApart() },
        Check("the canonical profile's values win a merge, and gaps are filled") { try await $0.fillsGaps() },
        Check("after a merge the last change wins, by any key") { try await $0.changesMerged() },
        Check("pages of a merged timeline follow each other, also while a merge happens between them") {
            try await $0.pagesMerged()
        },
        Check("a merge that is undone leaves each part as it was, with what came since") {
            try await $0.restoresMerged()
        },
        Check("of a chain of merges the newest is undone first") { try await $0.restoresChain() },
        Check("a key that is taken out stands alone, and its data stay") { try await $0.unmerges() },
        Check("what stands alone, or is canonical, or is not there, is taken out of nothing") {
            try await $0.refusesUnmerge()
        },
        Check("keys are added and removed, and the last one stays") { try await $0.changesKeys() },
        Check("a key is moved with the value that it stands for, in one change") { try await $0.movesKey() },
        Check("a key that was removed leads to a new profile") { try await $0.reusesKey() },
        Check("an erased profile is gone with all its members") { try await $0.erasesMembers() },
        Check("profiles that are locked or erased are told from those that are open, by any member's id") {
            try await $0.tellsOpenProfiles()
        },
        Check("a locked profile is locked by all its keys, and spreads its lock") { try await $0.locksMembers() },
        Check("events are removed from all members") { try await $0.deletesOfMembers() },
        Check("an export names every event's profile by a key that leads to it") { try await $0.exportsMembers() },
        Check("a search finds a merged profile once, with all its keys") { try await $0.findsMembers() },
        Check("merges and their end are in the history of both sides") { try await $0.recordsMerges() },
        Check("a merge with an idempotency key takes effect once") { try await $0.mergesOnce() },
        Check("a profile has so many members and no more") { try await $0.boundsMembers() },
        Check("a merged profile holds so many fields in a section as any other") { try await $0.boundsMergedFields() },
        Check("merges and posts at once lose nothing") { try await $0.mergesAmongPosts() },
    ]

    // MARK: Doing and looking

    func address(_ key: String) throws -> ProfileAddress {
        try Fixtures.address(key, keyspace: key.contains("@") ? 1 : 4)
    }

    func change(
        _ key: String, _ operations: [ProfileChange.Operation], precondition: ProfileChange.Precondition = .exists,
        idempotency: Idempotency? = nil, at now: Timestamp = Fixtures.now
    ) async throws -> ProfileChangeOutcome {
        try await store.change(
            ProfileChange(
                profile: address(key), at: now, actor: "me", precondition: precondition, idempotency: idempotency,
                operations: operations))
    }

    func merge(
        _ one: String, _ other: String, idempotency: Idempotency? = nil
    ) async throws -> ProfileChangeOutcome {
        try await change(
            one, [.merge(address(other), Fixtures.mergeRules)], precondition: .none, idempotency: idempotency)
    }

    func expectMerged(
        _ one: String, _ other: String, location: SourceLocation = #_sourceLocation
    ) async throws {
        Fixtures.expectChanged(try await merge(one, other), location: location)
    }

    func expectChanged(
        _ key: String, _ operation: ProfileChange.Operation, location: SourceLocation = #_sourceLocation
    ) async throws {
        Fixtures.expectChanged(try await change(key, [operation]), location: location)
    }

    func addKey(_ key: String) throws -> ProfileChange.Operation {
        .addKey(try address(key), Fixtures.mergeRules)
    }

    func post(_ key: String, _ times: [Int64], section: Int64 = 2, seconds: Int64 = 0) async throws {
        let data = #"{"of":"\#(key)"}"#
        let batch = EventBatch(
            profile: try address(key), section: section, receivedAt: Fixtures.now.advanced(by: .seconds(seconds)),
            events: times.enumerated().map { index, time in
                EventBatch.Row(
                    eventTime: Timestamp(milliseconds: time), version: Fixtures.versionID,
                    dataEnd: data.utf8.count * (index + 1))
            }, data: times.flatMap { _ in Array(data.utf8) }, idempotency: nil)
        #expect(try await store.append(batch) == .stored)
    }

    func set(
        _ key: String, _ edits: [ProfileEdit], section: Int64 = 2
    ) async throws {
        _ = try await change(key, [.update(section: section, edits)], precondition: .none)
    }

    func profile(_ key: String) async throws -> Profile? {
        try await store.profile(.address(address(key)))
    }

    /// The texts of all keys of a profile; nil: there is none.
    func keys(_ key: String) async throws -> [String]? { try await profile(key)?.keys.map(\.text) }

    func times(_ key: String, section: Int64 = 2, limit: Int = 100) async throws -> [Int64]? {
        var times: [Int64] = []
        var position: EventPosition?
        repeat {
            let filter = EventFilter(profile: try address(key), section: section)
            guard let page = try await store.events(filter, after: position, limit: limit) else { return nil }
            times += page.events.map(\.eventTime.milliseconds)
            position = page.next
        } while position != nil
        return times
    }

    func values(_ key: String, section: Int64 = 2) async throws -> Held? {
        guard let data = try await store.data(of: address(key), in: [section]) else { return nil }
        let fields = data.sections.first?.fields ?? []
        return fields.reduce(into: [:]) { $0[$1.field] = $1.value.value }
    }

    func text(_ number: Int64, _ text: String) -> ProfileEdit { Fixtures.set(number, .string(text)) }

    func allChanges(_ key: String, limit: Int = 200) async throws -> [StoredProfileChange]? {
        var found: [StoredProfileChange] = []
        var before: Int64?
        repeat {
            let filter = ProfileChangeFilter(
                profile: try address(key), sections: [2, 3], before: before, limit: limit)
            guard let page = try await store.changes(filter) else { return nil }
            found += page.changes
            before = page.next
        } while before != nil
        return found
    }

    /// All that readers find of a profile, in a form to compare.
    struct Seen: Equatable {
        var profile: Profile?
        var times: [Int64]?
        var values: Held?
        var changes: Int?
        var counts: [ProfileCounts.Count]?
    }

    func seen(_ key: String) async throws -> Seen {
        Seen(
            profile: try await profile(key), times: try await times(key), values: try await values(key),
            changes: try await allChanges(key)?.count { $0.kind == .updated },
            counts: try await store.counts(of: address(key))?.counts)
    }

    // MARK: Merging

    private func mergesTwo() async throws {
        try await found()
        try await post("web", [1, 5, 9], seconds: 1)
        try await post("a@b.se", [2, 6], seconds: 2)
        try await post("a@b.se", [7], section: 3)
        try await expectMerged("web", "a@b.se")
        for key in ["web", "a@b.se"] {
            // The e-mail address makes it known, though it came later.
            #expect(try await keys(key) == ["a@b.se", "web"])
            #expect(try await times(key) == [9, 6, 5, 2, 1])
            #expect(try await times(key, section: 3) == [7])
            let counts = try #require(try await store.counts(of: address(key)))
            #expect(counts.counts.map(\.events) == [5, 1])
            #expect(counts.counts[0].newest == Timestamp(milliseconds: 9))
            #expect(counts.lastSeenAt == Fixtures.now)
            let days = try await store.days(EventFilter(profile: try address(key), section: 2))
            #expect(days == [EventDay(day: 0, events: 5)])
        }
        let merged = try #require(try await profile("web"))
        #expect(
            merged.id == (try address("a@b.se")).foundingID
                && merged.createdAt == Fixtures.now.advanced(by: .seconds(2)))
        #expect(merged.members.map(\.id) == [try address("a@b.se").foundingID, try address("web").foundingID])
        #expect(merged.members.map { $0.joining?.parent } == [nil, merged.id])
        for member in merged.members { #expect(try await store.profile(.id(member.id, account: 1)) == merged) }
        try await post("web", [3])
        try await post("a@b.se", [4])
        #expect(try await times("web") == [9, 6, 5, 4, 3, 2, 1])
        #expect(try await times("a@b.se", limit: 2) == [9, 6, 5, 4, 3, 2, 1])
    }

    private func mergesInAnyOrder() async throws {
        try await found()
        for (one, other) in [("young", "old"), ("old2", "young2")] {
            try await post(one.hasPrefix("old") ? one : other, [1], seconds: 1)
            try await post(one.hasPrefix("old") ? other : one, [2], seconds: 2)
            try await expectMerged(one, other)
        }
        #expect(try await keys("young") == ["old", "young"])
        #expect(try await keys("young2") == ["old2", "young2"])
        // Known by a value, and younger.
        try await post("first", [1], seconds: 1)
        try await set("second", [text(1, "x@b.se")])
        try await expectMerged("first", "second")
        #expect(try await keys("first") == ["second", "first"])
        #expect(try await merge("second", "first") == .unchanged)
        #expect(try await keys("first") == ["second", "first"])
        // In groups of several each key stands for all.
        try await expectMerged("young", "young2")
        let all = try #require(try await keys("old2"))
        #expect(all.count == 4)
        for key in ["old", "young", "old2", "young2"] { #expect(try await keys(key) == all) }
    }

    private func mergesMissing() async throws {
        try await found()
        try await post("a@b.se", [1])
        try await expectMerged("a@b.se", "new")
        #expect(try await keys("new") == ["a@b.se", "new"])
        try await expectMerged("one", "two")
        #expect(try await keys("one") == (try await keys("two")))
        #expect(try await keys("one")?.sorted() == ["one", "two"])
        #expect(try await times("two") == [])
        #expect(try await merge("two", "one") == .unchanged)
        #expect(try await merge("one", "two") == .unchanged)
        // A key and itself.
        #expect(try await merge("alone", "alone") == .changed(position: nil))
        #expect(try await merge("alone", "alone") == .unchanged)
        #expect(try await keys("alone") == ["alone"])
        try await post("new", [2])
        #expect(try await times("a@b.se") == [2, 1])
    }

    private func keepsPersonsApart() async throws {
        try await found()
        try await post("a@b.se", [1])
        #expect(try await merge("a@b.se", "c@d.se") == .different(keyspace: 1))
        #expect(try await profile("c@d.se") == nil, "nobody was made")
        try await post("c@d.se", [2])
        #expect(try await merge("c@d.se", "a@b.se") == .different(keyspace: 1))
        // A value and a key.
        try await set("web", [text(1, "C@D.se"), text(3, "crm-1")])
        #expect(try await merge("web", "a@b.se") == .different(keyspace: 1))
        try await expectMerged("web", "c@d.se")
        // Two values, of the whole profiles.
        try await set("other", [text(3, "crm-2")])
        #expect(try await merge("other", "c@d.se") == .different(keyspace: 3))
        #expect(try await merge("web", "other") == .different(keyspace: 3))
        try await set("other", [Fixtures.clear(3)])
        try await set("other", [text(1, "c@d.se")], section: 3)
        try await expectMerged("other", "web")
        #expect(try await keys("a@b.se") == ["a@b.se"])
        #expect(try await times("a@b.se") == [1])
        #expect(try await times("other") == [2])
    }

    // MARK: Values

    private func fillsGaps() async throws {
        try await found()
        try await set("a@b.se", [text(4, "own"), text(5, "gone"), Fixtures.tag(1)])
        try await set("a@b.se", [Fixtures.clear(5)])
        try await set("web", [text(4, "other"), text(5, "filled"), text(6, "more"), Fixtures.tag(2)])
        try await set("web", [Fixtures.set(9, .integer(3))], section: 3)
        try await expectMerged("web", "a@b.se")
        for key in ["web", "a@b.se"] {
            #expect(
                try await values(key) == [
                    .attribute(4): .string("own"), .attribute(5): .string("filled"), .attribute(6): .string("more"),
                    .tag(1): .boolean(true), .tag(2): .boolean(true),
                ])
            #expect(try await values(key, section: 3) == [.attribute(9): .integer(3)])
        }
        // What was first in a gap stays there.
        try await set("third", [text(6, "late"), text(7, "third")])
        try await expectMerged("third", "web")
        #expect(try await values("third")?[.attribute(6)] == .string("more"))
        #expect(try await values("third")?[.attribute(7)] == .string("third"))
    }

    private func changesMerged() async throws {
        try await found()
        try await set("a@b.se", [text(4, "own"), text(5, "x"), text(6, "same")])
        try await set("web", [text(4, "other"), text(5, "y")])
        try await expectMerged("web", "a@b.se")
        // It has this value itself, and another one's is shown.
        Fixtures.expectChanged(try await change("web", [.update(section: 2, [text(4, "other")])]))
        #expect(try await values("a@b.se")?[.attribute(4)] == .string("other"))
        #expect(try await change("web", [.update(section: 2, [text(4, "other")])]) == .unchanged)
        try await set("a@b.se", [text(4, "own again")])
        #expect(try await values("web")?[.attribute(4)] == .string("own again"))
        // To clear by one key what another has.
        try await set("web", [Fixtures.clear(5)])
        #expect(try await values("web")?[.attribute(5)] == nil)
        #expect(try await values("a@b.se")?[.attribute(5)] == nil)
        for key in ["web", "a@b.se"] {
            #expect(try await change(key, [.update(section: 2, [Fixtures.clear(5)])]) == .unchanged)
        }
        // No gap: it was cleared since.
        try await set("web", [text(6, "changed")])
        try await set("a@b.se", [Fixtures.clear(6)])
        #expect(try await values("web")?[.attribute(6)] == nil)
        try await set("late", [text(6, "late")])
        try await expectMerged("late", "web")
        #expect(try await values("web")?[.attribute(6)] == .string("late"), "it is a gap for what comes later")
    }

    // MARK: The timeline

    private func pagesMerged() async throws {
        try await found()
        for time in 1...9 as ClosedRange<Int64> { try await post(time.isMultiple(of: 2) ? "web" : "a@b.se", [time]) }
        for key in ["one", "two", "three"] { try await post(key, [4, 8]) }
        let filter = EventFilter(profile: try address("a@b.se"), section: 2)
        let first = try #require(try await store.events(filter, after: nil, limit: 2))
        #expect(first.events.map(\.eventTime.milliseconds) == [9, 7])
        try await expectMerged("web", "a@b.se")
        let second = try #require(try await store.events(filter, after: first.next, limit: 3))
        #expect(second.events.map(\.eventTime.milliseconds) == [6, 5, 4])
        let third = try #require(try await store.events(filter, after: second.next, limit: 3))
        #expect(third.events.map(\.eventTime.milliseconds) == [3, 2, 1] && third.next == nil)
        for key in ["one", "two", "three"] { try await expectMerged(key, "web") }
        let expected: [Int64] = [9, 8, 8, 8, 8, 7, 6, 5, 4, 4, 4, 4, 3, 2, 1]
        for limit in [1, 2, 3, 7, 100] { #expect(try await times("three", limit: limit) == expected) }
        var seen: Set<Int64> = []
        var position: EventPosition?
        repeat {
            let page = try #require(try await store.events(filter, after: position, limit: 4))
            for event in page.events { #expect(seen.insert(event.id).inserted) }
            position = page.next
        } while position != nil
        #expect(seen.count == expected.count)
    }
}

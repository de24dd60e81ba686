import OvationCore
import Testing

/// Profiles that are locked for good: what they held is removed, and their keys take nothing any more.
extension StoreContract {
    static let lockChecks: [Check] = [
        Check("a profile that is locked for good is gone for every reader, and its key takes nothing") {
            try await $0.locksForGood()
        },
        Check("a locked key is known when it comes again, whichever way it comes") { try await $0.refusesLockedKeys() },
        Check("a lock leaves a receipt, and a second lock none") { try await $0.givesReceiptOfLock() },
        Check("a profile that was locked before can be locked for good") { try await $0.erasesLocked() },
        Check("of two profiles with one hash, one is locked for good and the other goes on") {
            try await $0.locksOneOfTwo()
        },
        Check("all keys of a merged profile are locked for good") { try await $0.locksMerged() },
    ]

    private func lock(
        _ key: String, number: Int = 1, id: Int64? = nil, keyspace: Int64 = 1
    ) async throws -> ProfileChangeOutcome {
        try await store.change(
            ProfileChange(
                profile: Fixtures.address(key, id: id, keyspace: keyspace), at: Fixtures.now, actor: "me",
                operations: [.erase(Fixtures.erasureID(number), formats: Fixtures.keyFormats, locking: true)]))
    }

    private func expectNoData(
        _ key: String, id: Int64? = nil, location: SourceLocation = #_sourceLocation
    ) async throws {
        let address = try Fixtures.address(key, id: id)
        let filter = EventFilter(profile: address, section: 2)
        #expect(try await store.events(filter, after: nil, limit: 1) == nil, sourceLocation: location)
        #expect(try await store.days(filter) == nil, sourceLocation: location)
        #expect(try await store.counts(of: address) == nil, sourceLocation: location)
        #expect(try await store.data(of: address, in: nil) == nil, sourceLocation: location)
        let changes = ProfileChangeFilter(profile: address, sections: [2, 3], limit: 9)
        #expect(try await store.changes(changes) == nil, sourceLocation: location)
        for prefix in [key, ""] {
            let search = ProfileSearch(account: 1, prefixes: [1: prefix], limit: 9, timeMax: .seconds(9))
            let found = try await store.profiles(search).profiles.flatMap { $0.keys.map(\.text) }
            #expect(!found.contains { $0 == key || $0.hasControlCharacters }, sourceLocation: location)
        }
        let profile = try await store.profile(.address(address))
        #expect(profile?.state == .locked && profile?.keys == [], sourceLocation: location)
    }

    private func locksForGood() async throws {
        try await found()
        try await fill("a@b.se")
        _ = try await store.append(Fixtures.batch("other@b.se", times: [1]))
        let id = try #require(try await store.profile(.address(Fixtures.address("a@b.se")))).id
        Fixtures.expectChanged(try await lock("a@b.se"))
        try await expectNoData("a@b.se")
        #expect(try await exportedKeys() == ["other@b.se"])
        #expect(try await store.profile(.id(id, account: 1)) == nil)
        try await receipt()
        try await expectNoData("a@b.se")
        #expect(try await exportedKeys() == ["other@b.se"])
        #expect(try await exportedKeys(section: 3) == [])
        #expect(try await store.profile(.id(id, account: 1)) == nil)
        #expect(try await lock("nobody@b.se") == .noProfile)
    }

    private func refusesLockedKeys() async throws {
        try await found()
        try await fill("a@b.se")
        Fixtures.expectChanged(try await lock("a@b.se"))
        for _ in 0..<2 {
            let refused = AppendOutcome.refused([RefusedProfile(index: 0, state: .locked)])
            #expect(try await store.append(Fixtures.batch("a@b.se", times: [1])) == refused)
            let chunk = try Fixtures.chunk(["a@b.se", "new@b.se"])
            guard case .refused(let profiles) = try await store.append(chunk) else {
                Issue.record("an upload with a locked profile was taken")
                return
            }
            #expect(profiles.map(\.state) == [.locked])
            let locked = ProfileChangeOutcome.refused(.locked)
            let edits = [Fixtures.set(1, .string("x"))]
            for precondition in [ProfileChange.Precondition.none, .exists, .isNew] {
                let change = try Fixtures.update("a@b.se", edits, precondition: precondition)
                #expect(try await store.change(change) == locked, "\(precondition)")
            }
            #expect(try await store.change(Fixtures.erase("a@b.se", number: 7)) == locked)
            try await receipt()
        }
    }

    private func givesReceiptOfLock() async throws {
        try await found()
        try await fill("a@b.se")
        Fixtures.expectChanged(try await lock("a@b.se"))
        let receipt = try await receipt()
        #expect(receipt.counts == Erasure.Counts(events: 5, values: 3, tags: 2, changes: 3, rejections: 0))
        #expect(try await lock("a@b.se", number: 2) == .unchanged)
        #expect(try await store.erasures(account: 1, before: nil, limit: 9).map(\.id) == [Fixtures.erasureID(1)])
    }

    private func erasesLocked() async throws {
        try await found()
        try await fill("a@b.se")
        try await Fixtures.expectChanged(store.change(Fixtures.lock("a@b.se")))
        #expect(try await store.events(filter("a@b.se"), after: nil, limit: 9)?.events.count == 3)
        Fixtures.expectChanged(try await lock("a@b.se"))
        try await expectNoData("a@b.se")
        #expect(try await receipt().counts.events == 5)
    }

    private func locksOneOfTwo() async throws {
        try await found()
        for key in ["a@b.se", "c@d.se", "e@f.se"] {
            _ = try await store.append(Fixtures.batch(key, times: [1], id: 42))
        }
        Fixtures.expectChanged(try await lock("a@b.se", id: 42))
        try await expectNoData("a@b.se", id: 42)
        #expect(try await store.append(Fixtures.batch("c@d.se", times: [2], id: 42)) == .stored)
        Fixtures.expectChanged(try await lock("c@d.se", number: 2, id: 42))
        let refused = AppendOutcome.refused([RefusedProfile(index: 0, state: .locked)])
        for key in ["a@b.se", "c@d.se"] {
            #expect(try await store.append(Fixtures.batch(key, times: [3], id: 42)) == refused)
        }
        #expect(try await store.append(Fixtures.batch("e@f.se", times: [2], id: 42)) == .stored)
        #expect(try await store.append(Fixtures.batch("new@f.se", times: [2], id: 42)) == .stored)
        // The same text in another keyspace, and another account's.
        #expect(try await store.profile(.address(Fixtures.address("a@b.se", id: 42, keyspace: 4))) == nil)
    }

    private func locksMerged() async throws {
        try await found()
        try await fill("a@b.se")
        let merge = ProfileChange(
            profile: try Fixtures.address("web", keyspace: 4), at: Fixtures.now, actor: "me", precondition: .none,
            operations: [.merge(try Fixtures.address("a@b.se"), Fixtures.mergeRules)])
        Fixtures.expectChanged(try await store.change(merge))
        Fixtures.expectChanged(try await lock("web", keyspace: 4))
        try await expectNoData("a@b.se")
        let refused = AppendOutcome.refused([RefusedProfile(index: 0, state: .locked)])
        #expect(try await store.append(Fixtures.batch("a@b.se", times: [1])) == refused)
        #expect(try await receipt().counts.events == 5)
        #expect(try await store.append(Fixtures.batch("a@b.se", times: [1])) == refused)
        #expect(try await store.change(merge) == .unchanged)
        #expect(try await store.profile(.address(Fixtures.address("web", keyspace: 4)))?.state == .locked)
        // The lock spreads.
        let spread = ProfileChange(
            profile: try Fixtures.address("open", keyspace: 4), at: Fixtures.now, actor: "me", precondition: .none,
            operations: [.merge(try Fixtures.address("web", keyspace: 4), Fixtures.mergeRules)])
        Fixtures.expectChanged(try await store.change(spread))
        #expect(try await store.profile(.address(Fixtures.address("open", keyspace: 4)))?.state == .locked)
    }
}

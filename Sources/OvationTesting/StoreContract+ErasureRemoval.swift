import OvationCore
import Testing

/// Profiles that are erased: what is removed afterwards, and what nobody sees meanwhile.
extension StoreContract {
    static let erasureRemovalChecks: [Check] = [
        Check("no reader sees a large profile while it is removed, and its neighbours stay whole") {
            try await $0.hidesWhileRemoving()
        },
        Check("events that were deleted before are not counted as erased") { try await $0.countsWhatWasLeft() },
        Check("refused posts of an erased profile are gone at once, however its key was written") {
            try await $0.removesRejections()
        },
        Check("a refused post that was replayed to an erased profile is gone, whatever its key was") {
            try await $0.removesReplayed()
        },
        Check("a refused post of an erased profile cannot be replayed") { try await $0.replaysNoneOfErased() },
    ]

    private func hidesWhileRemoving() async throws {
        try await found()
        // Among the events of others, in two sections, some of them late.
        for round in 0..<50 {
            let times = (0..<100).map { Int64($0 * 37 % 1000) }
            let section: Int64 = round.isMultiple(of: 5) ? 3 : 2
            _ = try await store.append(Fixtures.batch("a@b.se", times: times, section: section))
            _ = try await store.append(Fixtures.batch("\(round % 7)@b.se", times: [Int64(round), 5]))
        }
        for number in 1...300 {
            let edit = Fixtures.set(Int64(number % 40), .integer(Int64(number)))
            try await expectChange(Fixtures.update("a@b.se", [edit], section: Int64(2 + number % 2)))
        }
        let profile = try #require(try await store.profile(.address(Fixtures.address("a@b.se"))))
        try await expectErased("a@b.se")
        var isComplete = false
        while !isComplete {
            // Asked first, so that the last look is at the state after the removal.
            isComplete = try await store.erasure(Fixtures.erasureID(1), account: 1)?.completedAt != nil
            try await expectGone("a@b.se")
            #expect(try await store.profile(.id(profile.id, account: 1)) == nil)
            let exported = try await exportedKeys()
            #expect(exported.count == 100 && !exported.contains("a@b.se"))
            #expect(try await exportedKeys(section: 3) == [])
        }
        let receipt = try await receipt()
        #expect(receipt.counts == Erasure.Counts(events: 5000, values: 40, changes: 300))
        #expect(try await store.usage(account: 1).map(\.events) == [100])
        for round in 0..<7 {
            let events = try await page(filter("\(round)@b.se")).events
            let posts = (0..<50).filter { $0 % 7 == round }
            #expect(events.count == posts.count * 2)
            let times = events.map(\.eventTime.milliseconds)
            #expect(times == (posts.map { Int64($0) } + posts.map { _ in 5 }).sorted(by: >))
        }
    }

    private func countsWhatWasLeft() async throws {
        try await found()
        try await fill("a@b.se")
        var deleted = try filter("a@b.se")
        deleted.to = Timestamp(milliseconds: 3)
        let deletion = try await store.deleteEvents(
            deleted, id: nil, recordedAs: { Act(.eventsDeleted, subject: "s", detail: "\($0)") }, at: Fixtures.now,
            by: "me")
        #expect(deletion?.count == 2)
        try await expectErased("a@b.se")
        #expect(try await receipt().counts.events == 3)
        #expect(try await store.usage(account: 1).map(\.events) == [0, 0])
        let next = try await store.append(Fixtures.batch("b@b.se", times: [1]))
        #expect(next == .stored)
        // No number is given twice.
        let position = try await store.erasure(Fixtures.erasureID(1), account: 1)?.position ?? .max
        #expect(try await page(filter("b@b.se")).events.allSatisfy { $0.id > position })
    }

    private func kept(cause: RejectionCause.ID? = nil) async throws -> [Rejection.ID] {
        let filter = RejectionFilter(
            account: 1, section: nil, cause: cause, receivedFrom: Timestamp(milliseconds: 0))
        return try await store.rejections(filter, before: nil, limit: 99, bodyBytesMax: 99).map(\.id).sorted()
    }

    private func removesRejections() async throws {
        try await found()
        try await fill("a@b.se")
        var (gone, stay): ([Rejection.ID], [Rejection.ID]) = ([], [])
        for key in ["a@b.se", "A@B.SE", " a@B.se "] {
            gone.append(try await store.keep(Fixtures.refusedPost(key: key)))
        }
        gone.append(try await store.keep(Fixtures.refusedPost(section: 3)))
        for key in ["b@b.se", "a@b.sea", "a", ""] { stay.append(try await store.keep(Fixtures.refusedPost(key: key))) }
        // The same text in another keyspace is another key.
        stay.append(try await store.keep(Fixtures.refusedPost(keyspace: 2)))
        let cause = try #require(try await store.rejection(gone[0], account: 1)).post.cause.id
        try await expectErased("a@b.se")
        func expectHidden() async throws {
            #expect(try await kept() == stay)
            #expect(try await kept(cause: cause) == stay)
            let range = RejectionRange(account: 1, cause: cause, receivedFrom: Timestamp(milliseconds: 0))
            #expect(try await store.rejections(range, limit: 99, bodyBytesMax: 9).map(\.id) == stay)
            #expect(try await store.countRejections(range) == stay.count)
            let causes = RejectionCauseFilter(account: 1, receivedFrom: Timestamp(milliseconds: 0))
            let found = try await store.rejectionCauses(causes, limit: 9)
            #expect(found.rejections == stay.count && found.items.map(\.rejections) == [stay.count])
            let open = try await store.countOpenRejections(account: 1, from: Timestamp(milliseconds: 0))
            #expect(open == stay.count)
            for id in gone {
                #expect(try await store.rejection(id, account: 1) == nil)
                #expect(try await !store.dismissRejection(id, account: 1))
            }
            #expect(try await store.dismissRejections(gone, account: 1) == 0)
        }
        try await expectHidden()
        #expect(try await receipt().counts.rejections == 4)
        try await expectHidden()
        // What is refused later is of the one who has the key then.
        stay.append(try await store.keep(Fixtures.refusedPost()))
        #expect(try await kept() == stay)
    }

    private func removesReplayed() async throws {
        try await found()
        let wrong = try await store.keep(Fixtures.refusedPost(key: "a(at)b.se"))
        #expect(try await store.append(Fixtures.batch("a@b.se", times: [1], replayOf: wrong)) == .stored)
        let other = try await store.keep(Fixtures.refusedPost(key: "b(at)b.se"))
        #expect(try await store.append(Fixtures.batch("b@b.se", times: [1], replayOf: other)) == .stored)
        try await expectErased("a@b.se")
        #expect(try await kept() == [other])
        #expect(try await receipt().counts == Erasure.Counts(events: 1, rejections: 1))
        #expect(try await kept() == [other])
    }

    private func replaysNoneOfErased() async throws {
        try await found()
        try await fill("a@b.se")
        let id = try await store.keep(Fixtures.refusedPost())
        try await expectErased("a@b.se")
        for key in ["a@b.se", "b@b.se"] {
            #expect(try await store.append(Fixtures.batch(key, times: [9], replayOf: id)) == .notOpen)
            try await expectGone(key)
        }
        try await receipt()
        #expect(try await store.append(Fixtures.batch("a@b.se", times: [9], replayOf: id)) == .notOpen)
        try await expectGone("a@b.se")
    }
}

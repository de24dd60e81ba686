import OvationCore
import Testing

/// Changes of profiles, and what holds of a profile afterwards.
extension StoreContract {
    static let profileChangeChecks: [Check] = [
        Check("a locked profile takes no post, and what is there can be read") { try await $0.refusesPosts() },
        Check("a profile that is not there is not locked, and not made") { try await $0.locksNobody() },
        Check("locking is for good, and locking again changes nothing") { try await $0.locksOnce() },
        Check("a refused post is not remembered, and a repeated one is answered as before the lock") {
            try await $0.repeatsAfterLock()
        },
        Check("a replay to a locked profile is refused, and its rejection stays open") {
            try await $0.refusesReplays()
        },
        Check("a chunk with locked profiles is refused whole, and names them") { try await $0.refusesChunks() },
        Check("of two profiles with one hash, one is locked and the other is not") { try await $0.locksOneOfTwo() },
        Check("events of a locked profile can be deleted") { try await $0.deletesFromLocked() },
        Check("numbers of changes and ids of events rise together") { try await $0.numbersChanges() },
        Check("what was answered as stored came before the lock, and the rest is refused") {
            try await $0.locksAmongPosts()
        },
    ]

    private static let refused = AppendOutcome.refused([RefusedProfile(index: 0, state: .locked)])

    private func lock(_ key: String, id: Int64? = nil) async throws -> ProfileChangeOutcome {
        try await store.change(Fixtures.lock(key, id: id))
    }

    private func expectLocked(_ key: String, id: Int64? = nil) async throws {
        let outcome = try await lock(key, id: id)
        guard case .changed = outcome else {
            Issue.record("\(outcome)")
            return
        }
    }

    private func state(_ key: String, id: Int64? = nil) async throws -> ProfileState? {
        let address = try Fixtures.address(key, id: id)
        let profile = try await store.profile(.address(address))
        if let profile {
            // By whichever way it is found.
            #expect(try await store.profile(.id(profile.id, account: 1)) == profile)
            let search = ProfileSearch(account: 1, prefixes: [1: key], limit: 9, timeMax: .seconds(9))
            #expect(try await store.profiles(search).profiles == [profile])
        }
        return profile?.state
    }

    private func refusesPosts() async throws {
        try await found()
        #expect(try await store.append(Fixtures.batch("a@b.se", times: [1, 2])) == .stored)
        #expect(try await store.append(Fixtures.batch("b@b.se", times: [1])) == .stored)
        #expect(try await state("a@b.se") == .open)
        let before = try await page(filter("a@b.se")).events
        try await expectLocked("a@b.se")
        for _ in 0..<2 {
            #expect(try await store.append(Fixtures.batch("a@b.se", times: [3])) == Self.refused)
            #expect(try await store.append(Fixtures.batch("b@b.se", times: [3])) == .stored)
        }
        #expect(try await page(filter("a@b.se")).events == before)
        #expect(try await state("a@b.se") == .locked)
        #expect(try await state("b@b.se") == .open)
        #expect(try await store.usage(account: 1).map(\.events) == [5])
        // A lenient post that lost all its events asks nothing of the profile.
        #expect(try await store.append(Fixtures.batch("a@b.se", times: [])) == .stored)
    }

    private func locksNobody() async throws {
        try await found()
        #expect(try await lock("a@b.se") == .noProfile)
        #expect(try await state("a@b.se") == nil)
        #expect(try await store.append(Fixtures.batch("a@b.se", times: [1])) == .stored)
        let elsewhere = ProfileAddress(
            account: 2, keyspace: 1, key: try Fixtures.address("a@b.se").key,
            foundingID: try Fixtures.address("a@b.se").foundingID)
        let change = ProfileChange(profile: elsewhere, at: Fixtures.now, actor: "me", operations: [.lock])
        #expect(try await store.change(change) == .noProfile)
        #expect(try await state("a@b.se") == .open)
    }

    private func locksOnce() async throws {
        try await found()
        _ = try await store.append(Fixtures.batch("a@b.se", times: [1]))
        let twice = ProfileChange(
            profile: try Fixtures.address("a@b.se"), at: Fixtures.now, actor: "me", operations: [.lock, .lock])
        let first = try await store.change(twice)
        guard case .changed(let position?) = first else {
            Issue.record("\(first)")
            return
        }
        #expect(position > 1)
        #expect(try await lock("a@b.se") == .unchanged)
        #expect(try await store.change(twice) == .unchanged)
        let nothing = ProfileChange(
            profile: try Fixtures.address("a@b.se"), at: Fixtures.now, actor: "me", operations: [])
        #expect(try await store.change(nothing) == .unchanged)
        #expect(try await state("a@b.se") == .locked)
    }

    private func repeatsAfterLock() async throws {
        try await found()
        let (known, new) = (
            Idempotency(key: "known", fingerprint: [1], answer: [7]),
            Idempotency(key: "new", fingerprint: [1], answer: [8])
        )
        let stored = try Fixtures.batch("a@b.se", times: [1], idempotency: known)
        #expect(try await store.append(stored) == .stored)
        try await expectLocked("a@b.se")
        #expect(try await store.append(stored) == .duplicate(answer: [7]))
        let other = Idempotency(key: "known", fingerprint: [2], answer: [])
        #expect(try await store.append(Fixtures.batch("a@b.se", times: [2], idempotency: other)) == .conflict)
        let late = try Fixtures.batch("a@b.se", times: [2], idempotency: new)
        for _ in 0..<2 { #expect(try await store.append(late) == Self.refused) }
        #expect(try await store.outcome(account: 1, of: new, at: Fixtures.now) == nil)
        // The key is free for another profile.
        #expect(try await store.append(Fixtures.batch("b@b.se", times: [2], idempotency: new)) == .stored)
        #expect(try await page(filter("a@b.se")).events.count == 1)
    }

    private func refusesReplays() async throws {
        try await found()
        _ = try await store.append(Fixtures.batch("a@b.se", times: [1]))
        try await expectLocked("a@b.se")
        let id = try await store.keep(Fixtures.refusedPost())
        for key in [nil, Idempotency(key: "k", fingerprint: [1], answer: [])] {
            let replay = try Fixtures.batch("a@b.se", times: [2], idempotency: key, replayOf: id)
            #expect(try await store.append(replay) == Self.refused)
        }
        #expect(try await store.rejection(id, account: 1)?.replayedAt == nil)
        #expect(try await store.append(Fixtures.batch("b@b.se", times: [2], replayOf: id)) == .stored)
        #expect(try await store.rejection(id, account: 1)?.replayedAt != nil)
    }

    private func refusesChunks() async throws {
        try await found()
        _ = try await store.append(Fixtures.chunk(["a@b.se", "b@b.se", "c@b.se"]))
        try await expectLocked("a@b.se")
        try await expectLocked("c@b.se")
        for key in [nil, Idempotency(key: "k", fingerprint: [1], answer: [1])] {
            let late = try Fixtures.chunk(["a@b.se", "b@b.se", "c@b.se", "new@b.se"], idempotency: key)
            let outcome = try await store.append(late)
            guard case .refused(let profiles) = outcome else {
                Issue.record("\(outcome)")
                continue
            }
            let keys = profiles.map { String(decoding: late.keys[late.profiles[$0.index].key], as: UTF8.self) }
            #expect(keys.sorted() == ["a@b.se", "c@b.se"] && profiles.allSatisfy { $0.state == .locked })
        }
        // Nothing is stored of the others either, and no profile is made.
        #expect(try await page(filter("b@b.se")).events.count == 1)
        #expect(try await state("new@b.se") == nil)
        let minute = Activity.minute(of: Fixtures.now)
        let counts = try await store.activity(account: 1, in: minute...minute).minutes[minute]
        #expect(counts?.accepted == 3 && counts?.refused == 1)
        let rest = try Fixtures.chunk(
            ["b@b.se", "new@b.se"], idempotency: Idempotency(key: "k", fingerprint: [1], answer: [1]))
        #expect(try await store.append(rest) == .stored)
        #expect(try await page(filter("b@b.se")).events.count == 2)
        #expect(try await page(filter("new@b.se")).events.count == 1)
    }

    private func locksOneOfTwo() async throws {
        try await found()
        for key in ["a@b.se", "b@b.se"] { _ = try await store.append(Fixtures.batch(key, times: [1], id: 7)) }
        try await expectLocked("a@b.se", id: 7)
        #expect(try await store.append(Fixtures.batch("a@b.se", times: [2], id: 7)) == Self.refused)
        #expect(try await store.append(Fixtures.batch("b@b.se", times: [2], id: 7)) == .stored)
        #expect(try await store.append(Fixtures.batch("c@b.se", times: [2], id: 7)) == .stored)
        try await expectLocked("b@b.se", id: 7)
        #expect(try await store.append(Fixtures.batch("b@b.se", times: [2], id: 7)) == Self.refused)
        #expect(try await store.append(Fixtures.batch("c@b.se", times: [2], id: 7)) == .stored)
        #expect(try await state("a@b.se", id: 7) == .locked)
        #expect(try await state("b@b.se", id: 7) == .locked)
        #expect(try await state("c@b.se", id: 7) == .open)
    }

    private func deletesFromLocked() async throws {
        try await found()
        _ = try await store.append(Fixtures.batch("a@b.se", times: [1, 2, 3]))
        try await expectLocked("a@b.se")
        let deletion = try await store.deleteEvents(
            filter("a@b.se"), id: nil, recordedAs: { Act(.eventsDeleted, subject: "s", detail: "\($0)") },
            at: Fixtures.now, by: "me")
        #expect(deletion?.count == 3)
        #expect(try await page(filter("a@b.se")).events.isEmpty)
        #expect(try await state("a@b.se") == .locked)
    }

    private func numbersChanges() async throws {
        try await found()
        var numbers: [Int64] = []
        for round in 0..<6 {
            let key = "\(round)@b.se"
            _ = try await store.append(Fixtures.batch(key, times: [1]))
            numbers += try await page(filter(key)).events.map(\.id)
            let outcome = try await lock(key)
            guard case .changed(let position?) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            numbers.append(position)
        }
        #expect(Set(numbers).count == 12 && numbers == numbers.sorted(), "\(numbers)")
        // An export goes by what are events.
        let range = ExportRange(account: 1, section: 2, after: 0, limit: 100, bytesMax: 100_000)
        #expect(try await store.events(of: range).rows.map(\.id) == stride(from: 0, to: 12, by: 2).map { numbers[$0] })
    }

    private func locksAmongPosts() async throws {
        try await found()
        _ = try await store.append(Fixtures.batch("a@b.se", times: [0]))
        let store = store
        let outcomes: [AppendOutcome] = try await withThrowingTaskGroup(of: AppendOutcome?.self) { group in
            for number in 1...60 {
                if number == 30 {
                    group.addTask {
                        try await Fixtures.expectChanged(store.change(Fixtures.lock("a@b.se")))
                        // Whatever is asked for after the answer is refused.
                        #expect(try await store.append(Fixtures.batch("a@b.se", times: [99])) == Self.refused)
                        return nil
                    }
                }
                group.addTask {
                    let batch = try Fixtures.batch(
                        number.isMultiple(of: 3) ? "b@b.se" : "a@b.se", times: [Int64(number)])
                    return try await store.append(batch)
                }
            }
            return try await group.reduce(into: []) { if let outcome = $1 { $0.append(outcome) } }
        }
        let stored = outcomes.count { $0 == .stored }
        #expect(outcomes.allSatisfy { $0 == .stored || $0 == Self.refused })
        let (a, b) = (try await page(filter("a@b.se")).events.count, try await page(filter("b@b.se")).events.count)
        #expect(a + b == stored + 1 && b == 20)
    }
}

import OvationCore
import Testing

/// Profiles that are erased: what is so when the change is answered.
extension StoreContract {
    static let erasureChecks: [Check] = [
        Check("an erased profile is gone for every reader when the change is answered") { try await $0.isGoneAtOnce() },
        Check("a receipt says what was removed, and counts what was there") { try await $0.givesReceipts() },
        Check("a profile that is not there is not erased, and not made") { try await $0.erasesNobody() },
        Check("a locked profile is not erased, since its key would be free") { try await $0.keepsLocked() },
        Check("a profile that is made anew has nothing of the erased one, however often") { try await $0.makesAnew() },
        Check("a profile that a change makes anew has nothing of the erased one") { try await $0.makesAnewByChange() },
        Check("of two profiles with one hash, one is erased and the other is found") { try await $0.erasesOneOfTwo() },
        Check("of many erasures at once one takes effect") { try await $0.erasesOnce() },
        Check("posts, chunks and changes among erasures are stored whole, before or after") {
            try await $0.erasesAmongPosts()
        },
        Check("idempotency keys outlive the profile that they were used for") { try await $0.keepsKeysOfErased() },
        Check("erasures are listed newest first, and by account") { try await $0.listsErasures() },
    ]

    // MARK: Looking

    /// Waits until the store has removed all that belongs to the erasure.
    @discardableResult
    func receipt(_ number: Int = 1) async throws -> Erasure {
        var found: Erasure?
        try await waitUntil {
            found = try await store.erasure(Fixtures.erasureID(number), account: 1)
            return found?.completedAt != nil
        }
        return try #require(found)
    }

    /// What no reader finds, whichever way it looks.
    func expectGone(_ key: String, id: Int64? = nil, location: SourceLocation = #_sourceLocation) async throws {
        let address = try Fixtures.address(key, id: id)
        let filter = EventFilter(profile: address, section: 2)
        #expect(try await store.events(filter, after: nil, limit: 1) == nil, sourceLocation: location)
        #expect(try await store.days(filter) == nil, sourceLocation: location)
        #expect(try await store.counts(of: address) == nil, sourceLocation: location)
        #expect(try await store.profile(.address(address)) == nil, sourceLocation: location)
        #expect(try await store.data(of: address, in: nil) == nil, sourceLocation: location)
        let changes = ProfileChangeFilter(profile: address, sections: [2, 3], limit: 9)
        #expect(try await store.changes(changes) == nil, sourceLocation: location)
        let search = ProfileSearch(account: 1, prefixes: [1: key], limit: 9, timeMax: .seconds(9))
        #expect(try await store.profiles(search).profiles.isEmpty, sourceLocation: location)
    }

    /// The keys of the profiles of all events of a section, in the order of the events.
    func exportedKeys(section: Int64 = 2) async throws -> [String] {
        var keys: [String] = []
        var range = ExportRange(account: 1, section: section, limit: 1000, bytesMax: 1 << 20)
        while true {
            let page = try await store.events(of: range)
            let texts = page.profiles.map { String(decoding: page.keys[$0.key], as: UTF8.self) }
            keys += page.rows.map { texts[$0.profile] }
            guard let next = page.next else { return keys }
            range.after = next
        }
    }

    /// A profile with five events, three values, two tags and three changes.
    func fill(_ key: String, id: Int64? = nil) async throws {
        _ = try await store.append(Fixtures.batch(key, times: [1, 2, 86_400_000], id: id))
        _ = try await store.append(Fixtures.batch(key, times: [4, 5], version: 12, section: 3, id: id))
        let (one, two) = (Fixtures.set(1, .string("a")), Fixtures.set(2, .string("b")))
        try await expectChange(Fixtures.update(key, [one, two, Fixtures.tag(1), Fixtures.tag(2)], id: id))
        let again = [
            Fixtures.set(1, .string("c")), Fixtures.clear(2), Fixtures.set(3, .integer(7)),
            Fixtures.set(4, .boolean(true)),
        ]
        try await expectChange(Fixtures.update(key, again, id: id))
        try await expectChange(Fixtures.update(key, [Fixtures.tag(1, false), Fixtures.tag(5)], section: 2, id: id))
    }

    func expectErased(
        _ key: String, number: Int = 1, id: Int64? = nil, location: SourceLocation = #_sourceLocation
    ) async throws {
        try await Fixtures.expectChanged(
            store.change(Fixtures.erase(key, number: number, id: id)), location: location)
    }

    // MARK: Checks

    private func isGoneAtOnce() async throws {
        try await found()
        try await fill("a@b.se")
        _ = try await store.append(Fixtures.batch("a@b.sea", times: [1]))
        let profile = try #require(try await store.profile(.address(Fixtures.address("a@b.se"))))
        try await expectErased("a@b.se")
        let byID = try await store.profile(.id(profile.id, account: 1))
        #expect(byID == nil)
        #expect(try await exportedKeys() == ["a@b.sea"])
        #expect(try await exportedKeys(section: 3) == [])
        let search = ProfileSearch(account: 1, prefixes: [1: "a@b.se", 2: "a"], limit: 9, timeMax: .seconds(9))
        #expect(try await store.profiles(search).profiles.map { $0.keys[0].text } == ["a@b.sea"])
        let filter = try filter("a@b.se")
        #expect(try await store.events(filter, after: nil, limit: 1) == nil)
        let deletion = try await store.deleteEvents(
            filter, id: nil, recordedAs: { _ in Act(.eventsDeleted, subject: "", detail: "") }, at: Fixtures.now,
            by: "a")
        #expect(deletion == nil)
        #expect(try await store.change(Fixtures.erase("a@b.se", number: 2)) == .noProfile)
        #expect(try await store.change(Fixtures.lock("a@b.se")) == .noProfile)
        try await receipt()
        #expect(try await exportedKeys() == ["a@b.sea"])
        #expect(try await store.profile(.id(profile.id, account: 1)) == nil)
    }

    private func givesReceipts() async throws {
        try await found()
        try await fill("a@b.se")
        try await fill("b@b.se")
        let at = Fixtures.now.advanced(by: .milliseconds(1234))
        let position = try await expectChange(
            Fixtures.erase("a@b.se", at: at, actor: "752cdd05-75e0-4f8a-bd08-62e3df753ff3"))
        try await expectGone("a@b.se")
        let begun = try #require(try await store.erasure(Fixtures.erasureID(1), account: 1))
        #expect(begun.position == position && begun.requestedAt == at && begun.account == 1)
        #expect(begun.id == Fixtures.erasureID(1) && begun.actor == "752cdd05-75e0-4f8a-bd08-62e3df753ff3")
        let done = try await receipt()
        #expect(done.counts == Erasure.Counts(events: 5, values: 3, tags: 2, changes: 3, rejections: 0))
        #expect(try #require(done.completedAt) >= at && done.position == position && done.requestedAt == at)
        #expect(done.actor == begun.actor && done.account == 1)
        #expect(try await store.erasure(Fixtures.erasureID(2), account: 1) == nil)
        #expect(try await store.erasure(Fixtures.erasureID(1), account: 2) == nil)
        // The neighbour has all that it had.
        #expect(try await store.usage(account: 1).map(\.events) == [2, 3])
        #expect(try await exportedKeys() == Array(repeating: "b@b.se", count: 3))
        #expect(try await held("b@b.se")?[2]?.count == 5)
        let log = try await store.log(LogRange(account: 1, order: .newestFirst(before: .max), limit: 1))
        #expect(log.map(\.kind) == ["profile.erased"] && log.map(\.subject) == [begun.id.text])
        #expect(log.map(\.at) == [at] && log.map(\.actor) == [begun.actor] && log.map(\.number) == [7])
        // For other servers there is nothing to read.
        #expect(try await store.lastSequences() == [1: AccountSequences(definitions: 6)])
    }

    private func erasesNobody() async throws {
        try await found()
        for precondition in [ProfileChange.Precondition.exists, .none, .isNew] {
            let outcome = try await store.change(Fixtures.erase("a@b.se", precondition: precondition))
            #expect(outcome == .noProfile)
        }
        try await expectGone("a@b.se")
        let key = Idempotency(key: "k", fingerprint: [1], answer: [])
        #expect(try await store.change(Fixtures.erase("a@b.se", idempotency: key)) == .noProfile)
        #expect(try await store.outcome(account: 1, of: key, at: Fixtures.now) == nil)
        #expect(try await store.erasures(account: 1, before: nil, limit: 9) == [])
        #expect(try await store.log(LogRange(account: 1, order: .oldestFirst(after: 6), limit: 9)) == [])
        _ = try await store.append(Fixtures.batch("a@b.se", times: [1]))
        #expect(try await store.change(Fixtures.erase("a@b.se", precondition: .isNew)) == .exists)
        let elsewhere = ProfileAddress(
            account: 2, keyspace: 1, key: try Fixtures.address("a@b.se").key,
            foundingID: try Fixtures.address("a@b.se").foundingID)
        let change = ProfileChange(
            profile: elsewhere, at: Fixtures.now, actor: "me",
            operations: [.erase(Fixtures.erasureID(1), formats: Fixtures.keyFormats)])
        #expect(try await store.change(change) == .noProfile)
        #expect(try await page(filter("a@b.se")).events.count == 1)
    }

    private func keepsLocked() async throws {
        try await found()
        try await fill("a@b.se")
        try await Fixtures.expectChanged(store.change(Fixtures.lock("a@b.se")))
        #expect(try await store.change(Fixtures.erase("a@b.se")) == .refused(.locked))
        #expect(try await store.profile(.address(Fixtures.address("a@b.se")))?.state == .locked)
        #expect(try await page(filter("a@b.se")).events.count == 3)
        #expect(try await store.erasure(Fixtures.erasureID(1), account: 1) == nil)
    }

    private func makesAnew() async throws {
        try await found()
        var ids: Set<ProfileID> = []
        for round in 1...7 {
            // The profile is found wherever it stands, right after it is made.
            #expect(try await store.append(Fixtures.batch("a@b.se", times: [Int64(round)])) == .stored)
            #expect(try await page(filter("a@b.se")).events.map(\.eventTime.milliseconds) == [Int64(round)])
            let profile = try #require(try await store.profile(.address(Fixtures.address("a@b.se"))))
            #expect(ids.insert(profile.id).inserted && profile.state == .open)
            #expect(try await store.profile(.id(profile.id, account: 1)) == profile)
            #expect(try await exportedKeys() == ["a@b.se"])
            #expect(try await held("a@b.se") == [:])
            try await expectErased("a@b.se", number: round)
            try await expectGone("a@b.se")
            if round.isMultiple(of: 2) { #expect(try await receipt(round).counts == Erasure.Counts(events: 1)) }
        }
        for round in 1...7 { #expect(try await receipt(round).counts == Erasure.Counts(events: 1)) }
        for id in ids {
            let found = try await store.profile(.id(id, account: 1))
            #expect(found == nil)
        }
    }

    private func makesAnewByChange() async throws {
        try await found()
        try await fill("a@b.se")
        try await expectErased("a@b.se")
        let new = Fixtures.set(9, .string("new"))
        try await expectChange(Fixtures.update("a@b.se", [new], precondition: .isNew))
        func expectNew() async throws {
            #expect(try await held("a@b.se") == [2: [.attribute(9): .string("new")]])
            let filter = ProfileChangeFilter(profile: try Fixtures.address("a@b.se"), sections: [2, 3], limit: 9)
            let changes = try #require(try await store.changes(filter)).changes
            #expect(changes.count == 1 && changes.first?.edits.first?.from == nil)
            #expect(try await page(self.filter("a@b.se")).events == [])
            #expect(try await store.counts(of: Fixtures.address("a@b.se"))?.counts == [])
        }
        try await expectNew()
        try await receipt()
        try await expectNew()
        // A profile that holds nothing and has no event leaves nothing but its receipt.
        try await expectErased("a@b.se", number: 2)
        #expect(try await receipt(2).counts == Erasure.Counts(values: 1, changes: 1))
        try await expectGone("a@b.se")
    }

    private func erasesOneOfTwo() async throws {
        try await found()
        func times(_ key: String) async throws -> [Int64]? {
            let filter = EventFilter(profile: try Fixtures.address(key, id: 42), section: 2)
            return try await store.events(filter, after: nil, limit: 9)?.events.map(\.eventTime.milliseconds)
        }
        for (time, key) in ["a@b.se", "b@b.se", "c@b.se"].enumerated() {
            _ = try await store.append(Fixtures.batch(key, times: [Int64(time)], id: 42))
        }
        try await expectErased("a@b.se", id: 42)
        try await expectGone("a@b.se", id: 42)
        #expect(try await times("b@b.se") == [1])
        #expect(try await times("c@b.se") == [2])
        // It begins anew behind the others, and each goes on as before.
        for (time, key) in ["a@b.se", "b@b.se", "c@b.se"].enumerated() {
            _ = try await store.append(Fixtures.batch(key, times: [Int64(time) + 10], id: 42))
        }
        try await receipt()
        #expect(try await times("a@b.se") == [10])
        #expect(try await times("b@b.se") == [11, 1])
        #expect(try await times("c@b.se") == [12, 2])
        try await expectErased("b@b.se", number: 2, id: 42)
        #expect(try await times("b@b.se") == nil)
        #expect(try await receipt(2).counts == Erasure.Counts(events: 2))
        #expect(try await times("a@b.se") == [10])
        #expect(try await times("c@b.se") == [12, 2])
    }

    private func erasesOnce() async throws {
        try await found()
        try await fill("a@b.se")
        let store = store
        let outcomes: [ProfileChangeOutcome] = try await withThrowingTaskGroup(of: ProfileChangeOutcome.self) { group in
            for number in 1...16 {
                group.addTask { try await store.change(Fixtures.erase("a@b.se", number: number)) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes.count { $0 == .noProfile } == 15, "\(outcomes)")
        let erasures = try await store.erasures(account: 1, before: nil, limit: 99)
        #expect(erasures.count == 1)
        #expect(outcomes.contains(.changed(position: erasures.first?.position)))
        let log = try await store.log(LogRange(account: 1, order: .oldestFirst(after: 6), limit: 99))
        #expect(log.map(\.subject) == erasures.map(\.id.text))
    }

    private func erasesAmongPosts() async throws {
        try await found()
        let store = store
        let events: Int = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 1...120 {
                group.addTask {
                    switch number % 6 {
                    case 0:
                        _ = try await store.change(Fixtures.erase("a@b.se", number: number))
                        return 0
                    case 1:
                        let edit = Fixtures.set(Int64(number), .integer(1))
                        try await Fixtures.expectChanged(store.change(Fixtures.update("a@b.se", [edit])))
                        return 0
                    case 2:
                        let outcome = try await store.append(Fixtures.chunk(["a@b.se", "b@b.se"]))
                        #expect(outcome == .stored)
                        return 2
                    default:
                        let batch = try Fixtures.batch("a@b.se", times: [Int64(number), 7])
                        #expect(try await store.append(batch) == .stored)
                        return 2
                    }
                }
            }
            return try await group.reduce(0, +)
        }
        let removed = try await store.erasures(account: 1, before: nil, limit: 200)
        for erasure in removed {
            try await waitUntil { try await store.erasure(erasure.id, account: 1)?.completedAt != nil }
        }
        let done = try await store.erasures(account: 1, before: nil, limit: 200)
        let left = try await exportedKeys().count
        #expect(done.reduce(0) { $0 + Int($1.counts.events) } + left == events)
        #expect(try await exportedKeys().count { $0 == "b@b.se" } == 20)
        #expect(try await store.usage(account: 1).map { Int($0.events) } == [left])
        let held = try await held("a@b.se")?[2]?.count ?? 0
        #expect(done.reduce(0) { $0 + Int($1.counts.values) } + held == 20)
    }

    private func keepsKeysOfErased() async throws {
        try await found()
        let key = Idempotency(key: "k", fingerprint: [1], answer: [7])
        let batch = try Fixtures.batch("a@b.se", times: [1], idempotency: key)
        #expect(try await store.append(batch) == .stored)
        let once = Idempotency(key: "e", fingerprint: [2], answer: [8])
        let erase = try Fixtures.erase("a@b.se", idempotency: once)
        try await Fixtures.expectChanged(store.change(erase))
        #expect(try await store.append(batch) == .duplicate(answer: [7]))
        #expect(try await store.change(erase) == .duplicate(answer: [8]))
        try await receipt()
        #expect(try await store.append(batch) == .duplicate(answer: [7]))
        try await expectGone("a@b.se")
        let other = Idempotency(key: "e", fingerprint: [3], answer: [])
        #expect(try await store.change(Fixtures.erase("a@b.se", number: 2, idempotency: other)) == .conflict)
    }

    private func listsErasures() async throws {
        try await found()
        try await store.found(accounts: [2])
        for number in 1...5 {
            _ = try await store.append(Fixtures.batch("\(number)@b.se", times: [1]))
            try await expectErased("\(number)@b.se", number: number)
        }
        func numbers(_ before: Int64?, _ limit: Int, account: Int64 = 1) async throws -> [Int] {
            let list = try await store.erasures(account: account, before: before, limit: limit)
            return list.map { erasure in (1...5).first { Fixtures.erasureID($0) == erasure.id } ?? 0 }
        }
        #expect(try await numbers(nil, 9) == [5, 4, 3, 2, 1])
        #expect(try await numbers(nil, 2) == [5, 4])
        let fourth = try #require(try await store.erasure(Fixtures.erasureID(4), account: 1))
        #expect(try await numbers(fourth.position, 2) == [3, 2])
        #expect(try await numbers(nil, 0) == [])
        #expect(try await numbers(nil, 9, account: 2) == [])
    }
}

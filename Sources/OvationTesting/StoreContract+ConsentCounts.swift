import OvationCore
import Testing

/// Counts of consents: kept in the commit of the consent, and never counted for a reader.
extension StoreContract {
    static let consentCountChecks: [Check] = [
        Check("consents are counted by section, place and type") { try await $0.countsConsents() },
        Check("a consent that is cleared, refused or repeated is not counted") { try await $0.countsOnlyChanges() },
        Check("a merged profile counts once, by what it said last, until it is parted") {
            try await $0.countsMerged()
        },
        Check("what a merged profile says by any key replaces what it said before") {
            try await $0.countsWholes()
        },
        Check("a change of keys counts nobody anew") { try await $0.countsKeys() },
        Check("who is locked, erased or locked for good does not count") { try await $0.countsNobodyEnded() },
        Check("an update and a lock in one change leave no count") { try await $0.countsLockedAtOnce() },
        Check("suppressions are counted apart from opt-outs of the account") { try await $0.countsSuppressions() },
        Check("each of many who consent at once is counted") { try await $0.countsAtOnce() },
        Check("accounts are counted apart") { try await $0.countsByAccount() },
    ]

    private static let email = ConsentPlace(topic: 7, channel: 1)
    private static let sms = ConsentPlace(topic: 7, channel: 2)
    private static let all = ConsentPlace(topic: nil, channel: 1)

    /// Such as `7/1 opt-in 2`.
    private func counts(_ section: Int64 = 2, account: Int64 = 1) async throws -> [String] {
        try await store.consentCounts(account: account, section: section).map { count in
            let place = [count.place.topic, count.place.channel].map { $0.map { "\($0)" } ?? "-" }
            return "\(place.joined(separator: "/")) \(count.type.word) \(count.profiles)"
        }
    }

    /// - Parameter account: the opt-outs of the account.
    private func expect(
        _ section: [String], account: [String], location: SourceLocation = #_sourceLocation
    ) async throws {
        #expect(try await counts() == section, sourceLocation: location)
        #expect(try await counts(0) == account, sourceLocation: location)
    }

    private func countsConsents() async throws {
        try await found()
        #expect(try await counts() == [])
        for (key, type) in [("a@b.se", ConsentType.optIn), ("b@b.se", .optIn), ("c@b.se", .optOut)] {
            _ = try await consent(key, type)
        }
        _ = try await consent("a@b.se", .pendingOptIn, place: StoreContract.sms)
        _ = try await consent("a@b.se", .optOut, section: 3)
        _ = try await consent("b@b.se", .optIn, place: ConsentPlace(topic: 7, channel: nil))
        #expect(
            try await counts() == [
                "7/- opt-in 1", "7/1 opt-out 1", "7/1 opt-in 2", "7/2 pending-opt-in 1",
            ])
        #expect(try await counts(3) == ["7/1 opt-out 1"])
        #expect(try await counts(0) == [])
        #expect(try await counts(4) == [])
        Fixtures.expectChanged(try await consent("a@b.se", .confirmedOptIn))
        Fixtures.expectChanged(try await consent("b@b.se", .optOut))
        Fixtures.expectChanged(try await consent("a@b.se", .confirmedOptIn, place: StoreContract.sms))
        #expect(
            try await counts() == [
                "7/- opt-in 1", "7/1 opt-out 2", "7/1 confirmed-opt-in 1", "7/2 confirmed-opt-in 1",
            ])
    }

    private func countsOnlyChanges() async throws {
        try await found()
        let key = Idempotency(key: "k", fingerprint: [1], answer: [])
        _ = try await consent("a@b.se", .optIn, idempotency: key)
        _ = try await consent("a@b.se", .optIn, idempotency: key)
        _ = try await consent("a@b.se", .optIn)
        _ = try await consent("a@b.se", .pendingOptIn, refused: .changesNothing)
        #expect(try await counts() == ["7/1 opt-in 1"])
        // The second of two operations is refused, and with it the first.
        let operations: [ProfileChange.Operation] = [
            .consent(section: 3, [ConsentEdit(StoreContract.email, Consent(.optIn, source: "", reason: ""))]),
            .consent(section: 2, [ConsentEdit(StoreContract.email, Consent(.optIn, source: "", reason: ""))]),
        ]
        #expect(try await change("a@b.se", operations) == .consentRefused(current: .optIn))
        #expect(try await counts(3) == [])
        // The same type for another reason is still one profile.
        let said = ProfileEdit(
            StoreContract.email.field, Consent(.optIn, source: "test", reason: "again").value)
        try await expectChanged("a@b.se", .update(section: 2, [said]))
        #expect(try await counts() == ["7/1 opt-in 1"])
        let clear = ProfileChange.Operation.update(section: 2, [ProfileEdit(StoreContract.email.field, nil)])
        try await expectChanged("a@b.se", clear)
        #expect(try await change("a@b.se", [clear]) == .unchanged)
        #expect(try await counts() == [])
    }

    private func countsMerged() async throws {
        try await found()
        _ = try await consent("a@b.se", .optIn)
        _ = try await consent("web", .optIn)
        _ = try await consent("web", .optIn, place: StoreContract.sms)
        _ = try await consent("c@d.se", .optIn)
        _ = try await consent("a@b.se", .optOut, place: StoreContract.sms)
        #expect(try await counts() == ["7/1 opt-in 3", "7/2 opt-out 1", "7/2 opt-in 1"])
        try await expectMerged("a@b.se", "web")
        #expect(try await counts() == ["7/1 opt-in 2", "7/2 opt-out 1"])
        #expect(try await merge("web", "a@b.se") == .unchanged)
        #expect(try await counts() == ["7/1 opt-in 2", "7/2 opt-out 1"])
        try await expectChanged("web", .restore)
        #expect(try await counts() == ["7/1 opt-in 3", "7/2 opt-out 1", "7/2 opt-in 1"])
    }

    private func countsWholes() async throws {
        try await found()
        _ = try await consent("a@b.se", .optIn)
        try await expectMerged("a@b.se", "web")
        Fixtures.expectChanged(try await consent("web", .optOut))
        #expect(try await counts() == ["7/1 opt-out 1"])
        // What the e-mail address said counts again for it, and the cookie keeps its own word.
        try await expectChanged("web", .restore)
        #expect(try await counts() == ["7/1 opt-out 1", "7/1 opt-in 1"])
        try await expectMerged("a@b.se", "web")
        let clear = ProfileChange.Operation.update(section: 2, [ProfileEdit(StoreContract.email.field, nil)])
        try await expectChanged("a@b.se", clear)
        #expect(try await counts() == [])
        try await expectChanged("web", .restore)
        #expect(try await counts() == ["7/1 opt-out 1"])
        // Three in a row, parted one by one.
        for (number, key) in ["x", "y", "z"].enumerated() {
            _ = try await consent(key, number == 1 ? .optOut : .optIn)
            try await expectMerged("c@d.se", key)
        }
        #expect(try await counts() == ["7/1 opt-out 1", "7/1 opt-in 1"])
        for key in ["z", "y", "x"] { try await expectChanged(key, .restore) }
        #expect(try await counts() == ["7/1 opt-out 2", "7/1 opt-in 2"])
    }

    private func countsKeys() async throws {
        try await found()
        _ = try await consent("a@b.se", .optIn)
        try await expectChanged("a@b.se", addKey("web"))
        _ = try await consent("web", .optIn, place: StoreContract.sms)
        #expect(try await counts() == ["7/1 opt-in 1", "7/2 opt-in 1"])
        try await expectChanged("web", .unmerge)
        #expect(try await counts() == ["7/1 opt-in 1", "7/2 opt-in 1"])
        try await expectMerged("a@b.se", "web")
        try await expectChanged("web", .removeKey)
        #expect(try await counts() == ["7/1 opt-in 1", "7/2 opt-in 1"])
    }

    private func countsNobodyEnded() async throws {
        try await found()
        for key in ["a@b.se", "b@b.se", "c@b.se", "web", "other"] {
            _ = try await consent(key, .optIn)
            _ = try await consent(key, .optOut, section: 0, place: StoreContract.all)
        }
        try await expectMerged("a@b.se", "web")
        try await expect(["7/1 opt-in 4"], account: ["-/1 opt-out 4"])
        try await expectChanged("b@b.se", .lock)
        #expect(try await change("b@b.se", [.lock]) == .unchanged)
        try await expect(["7/1 opt-in 3"], account: ["-/1 opt-out 3"])
        try await expectChanged("web", .erase(Fixtures.erasureID(1), formats: Fixtures.keyFormats))
        try await expect(["7/1 opt-in 2"], account: ["-/1 opt-out 2"])
        let forGood = ProfileChange.Operation.erase(
            Fixtures.erasureID(2), formats: Fixtures.keyFormats, locking: true)
        try await expectChanged("c@b.se", forGood)
        try await expect(["7/1 opt-in 1"], account: ["-/1 opt-out 1"])
        // It is locked, and does not count.
        try await expectChanged("b@b.se", .erase(Fixtures.erasureID(3), formats: Fixtures.keyFormats, locking: true))
        #expect(try await counts() == ["7/1 opt-in 1"])
        // A lock spreads to the other one.
        _ = try await consent("d@b.se", .optIn)
        try await expectChanged("d@b.se", .lock)
        #expect(try await counts() == ["7/1 opt-in 1"])
        try await expectMerged("other", "d@b.se")
        try await expect([], account: [])
        // What is removed afterwards was taken out by then.
        for number in 1...3 {
            try await waitUntil {
                try await store.erasure(Fixtures.erasureID(number), account: 1)?.completedAt != nil
            }
        }
        try await expect([], account: [])
        _ = try await consent("a@b.se", .optIn)
        #expect(try await counts() == ["7/1 opt-in 1"])
    }

    private func countsLockedAtOnce() async throws {
        try await found()
        let said = ConsentEdit(StoreContract.email, Consent(.optIn, source: "", reason: ""))
        let operations: [ProfileChange.Operation] = [.consent(section: 2, [said]), .lock]
        _ = try await change("new@b.se", operations, precondition: .none)
        _ = try await consent("a@b.se", .optOut)
        Fixtures.expectChanged(try await change("a@b.se", operations))
        #expect(try await counts() == [])
        #expect(try await consent(of: "a@b.se")?.type == .optIn)
    }

    private func countsSuppressions() async throws {
        try await found()
        _ = try await consent("a@b.se", .optOut, section: 0, place: StoreContract.all)
        let suppressed = try Fixtures.address("hash", keyspace: -1)
        func change(_ consent: Consent?) throws -> ProfileChange {
            ProfileChange(
                profile: suppressed, at: Fixtures.now, actor: "me", precondition: .none,
                operations: [.update(section: 0, [ProfileEdit(StoreContract.all.field, consent?.value)])])
        }
        Fixtures.expectChanged(try await store.change(change(Consent(.optOut, source: "", reason: ""))))
        #expect(try await counts(ConsentCount.suppressions) == ["-/1 opt-out 1"])
        #expect(try await counts(0) == ["-/1 opt-out 1"])
        Fixtures.expectChanged(try await store.change(change(nil)))
        #expect(try await counts(ConsentCount.suppressions) == [])
        #expect(try await counts(0) == ["-/1 opt-out 1"])
    }

    private func countsAtOnce() async throws {
        try await found()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<40 {
                group.addTask {
                    _ = try await consent("p\(number)@b.se", number.isMultiple(of: 4) ? .optOut : .optIn)
                }
            }
            try await group.waitForAll()
        }
        #expect(try await counts() == ["7/1 opt-out 10", "7/1 opt-in 30"])
    }

    private func countsByAccount() async throws {
        try await store.found(accounts: [1, 2])
        _ = try await consent("a@b.se", .optIn)
        let other = try ProfileAddress(
            account: 2, keyspace: 1, key: ProfileKey("a@b.se", format: .email), foundingID: ProfileID(99))
        let said = ConsentEdit(StoreContract.email, Consent(.optOut, source: "", reason: ""))
        _ = try await store.change(
            ProfileChange(
                profile: other, at: Fixtures.now, actor: "me", precondition: .none,
                operations: [.consent(section: 2, [said])]))
        #expect(try await counts() == ["7/1 opt-in 1"])
        #expect(try await counts(account: 2) == ["7/1 opt-out 1"])
    }
}

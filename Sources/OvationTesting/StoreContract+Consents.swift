import OvationCore
import Testing

/// Consents: decided in the commit, from what the whole profile has.
extension StoreContract {
    static let consentChecks: [Check] = [
        Check("which consent can follow which is one table") { try await $0.walksConsents() },
        Check("a consent reads back as it was given") { try await $0.readsConsents() },
        Check("a consent that is refused refuses its whole change") { try await $0.refusesWithConsent() },
        Check("a consent that changes nothing refuses nothing, if it is asked for so") { try await $0.passesConsent() },
        Check("of consents of a merged profile the last one counts") { try await $0.mergesConsents() },
        Check("a consent is decided from what the whole profile has") { try await $0.decidesMerged() },
        Check("a merge that is undone leaves each its own consents") { try await $0.restoresConsents() },
        Check("the history can be read for consents alone") { try await $0.filtersHistory() },
        Check("of many who consent at once, one is the first") { try await $0.consentsAtOnce() },
        Check("a consent with an idempotency key takes effect once") { try await $0.consentsOnce() },
        Check("a locked profile takes no consent, and an erased one has none") { try await $0.endsConsents() },
        Check("a consent of the account stands beside what became of the profile") { try await $0.keepsLayers() },
    ]

    private static let place = ConsentPlace(topic: 7, channel: 1)

    func consent(
        _ key: String, _ type: ConsentType, section: Int64 = 2, place: ConsentPlace? = nil, reason: String = "",
        refused: ConsentEdit.Refused = .refusesChange, idempotency: Idempotency? = nil
    ) async throws -> ProfileChangeOutcome {
        let edit = ConsentEdit(
            place ?? StoreContract.place, Consent(type, source: "test", reason: reason), refused: refused)
        return try await change(
            key, [.consent(section: section, [edit])], precondition: .none, idempotency: idempotency)
    }

    func consent(of key: String, section: Int64 = 2, place: ConsentPlace? = nil) async throws -> Consent? {
        let data = try await store.data(of: address(key), in: [section])
        return data?.sections.first?[(place ?? StoreContract.place).field].flatMap { Consent($0.value) }
    }

    private func isConsented(_ outcome: ProfileChangeOutcome) -> Bool {
        if case .consented = outcome { true } else { false }
    }

    private func walksConsents() async throws {
        try await found()
        for from in ConsentType.allCases {
            for to in ConsentType.allCases {
                let key = "\(from.word).\(to.word)@b.se"
                #expect(isConsented(try await consent(key, from)), "\(key)")
                let outcome = try await consent(key, to)
                switch ConsentTransition(from: from, to: to) {
                case .made: Issue.record("there was one: \(key)")
                case .changed:
                    Fixtures.expectChanged(outcome)
                    #expect(try await consent(of: key)?.type == to, "\(key)")
                case .refused:
                    #expect(outcome == .consentRefused(current: from), "\(key)")
                    #expect(try await consent(of: key)?.type == from, "\(key)")
                }
            }
        }
    }

    private func readsConsents() async throws {
        try await found()
        let texts = ["", "One API", "12:ü\u{0}\u{1F600}e\u{301}", ":", String(repeating: "x", count: 4000)]
        for (number, text) in texts.enumerated() {
            let place = ConsentPlace(topic: ConsentPlace.topicMax - Int64(number), channel: ConsentPlace.channelMax)
            let given = Consent(.optIn, source: text, reason: texts[texts.count - 1 - number])
            _ = try await change(
                "a@b.se", [.consent(section: 3, [ConsentEdit(place, given)])], precondition: .none)
            let read = try #require(try await consent(of: "a@b.se", section: 3, place: place))
            #expect(Array(read.source.utf8) == Array(given.source.utf8))
            #expect(Array(read.reason.utf8) == Array(given.reason.utf8))
        }
        let held = try #require(try await store.data(of: address("a@b.se"), in: [3])?.sections.first?.fields)
        #expect(held.count == texts.count && held.allSatisfy { $0.actor == "me" && $0.setAt == Fixtures.now })
        #expect(Set(held.compactMap { ConsentPlace($0.field)?.topic }).count == texts.count)
    }

    private func refusesWithConsent() async throws {
        try await found()
        _ = try await consent("a@b.se", .optIn)
        let operations: [ProfileChange.Operation] = [
            .update(section: 2, [Fixtures.set(1, .string("x"))]),
            .consent(section: 2, [ConsentEdit(StoreContract.place, Consent(.optIn, source: "", reason: ""))]),
        ]
        #expect(try await change("a@b.se", operations) == .consentRefused(current: .optIn))
        #expect(try await store.data(of: address("a@b.se"), in: [2])?.sections.first?.fields.count == 1)
        #expect(isConsented(try await change("new@b.se", operations, precondition: .none)))
    }

    private func passesConsent() async throws {
        try await found()
        _ = try await consent("a@b.se", .confirmedOptIn)
        #expect(try await consent("a@b.se", .optIn, refused: .changesNothing) == .unchanged)
        #expect(try await consent(of: "a@b.se")?.type == .confirmedOptIn)
        Fixtures.expectChanged(try await consent("a@b.se", .optOut, refused: .changesNothing))
    }

    private func mergesConsents() async throws {
        try await found()
        // The address is canonical, and what the cookie said is later, or earlier.
        _ = try await consent("a@b.se", .optIn)
        _ = try await consent("web", .optOut, reason: "later")
        try await expectMerged("a@b.se", "web")
        #expect(try await consent(of: "a@b.se") == Consent(.optOut, source: "test", reason: "later"))
        _ = try await consent("web2", .optIn)
        _ = try await consent("c@b.se", .optOut, reason: "later")
        try await expectMerged("web2", "c@b.se")
        #expect(try await consent(of: "web2")?.type == .optOut)
    }

    private func decidesMerged() async throws {
        try await found()
        _ = try await consent("a@b.se", .optIn)
        try await expectMerged("a@b.se", "web")
        #expect(try await consent("web", .optIn) == .consentRefused(current: .optIn))
        Fixtures.expectChanged(try await consent("web", .optOut))
        #expect(try await consent("a@b.se", .optOut) == .consentRefused(current: .optOut))
        // By both keys in what may be one commit.
        async let one = consent("a@b.se", .optIn)
        async let other = consent("web", .optIn)
        let outcomes = try await [one, other]
        #expect(outcomes.contains(.consentRefused(current: .optIn)), "\(outcomes)")
        #expect(outcomes.contains { if case .changed = $0 { true } else { false } }, "\(outcomes)")
    }

    private func restoresConsents() async throws {
        try await found()
        _ = try await consent("a@b.se", .optIn)
        _ = try await consent("web", .optOut)
        try await expectMerged("a@b.se", "web")
        try await expectChanged("web", .restore)
        #expect(try await consent(of: "a@b.se")?.type == .optIn)
        #expect(try await consent(of: "web")?.type == .optOut)
    }

    private func filtersHistory() async throws {
        try await found()
        for round in 0..<5 {
            _ = try await consent("a@b.se", round.isMultiple(of: 2) ? .optIn : .optOut, reason: "\(round)")
            _ = try await change("a@b.se", [.update(section: 2, [Fixtures.set(1, .integer(Int64(round)))])])
        }
        var filter = ProfileChangeFilter(profile: try address("a@b.se"), sections: [2], kinds: [.consent], limit: 2)
        var read: [StoredProfileChange] = []
        while true {
            let page = try #require(try await store.changes(filter))
            read += page.changes
            guard let next = page.next else { break }
            filter.before = next
        }
        #expect(read.count == 5 && read.allSatisfy { $0.edits.count == 1 && $0.edits[0].field.kind == .consent })
        #expect(read.map { $0.edits[0].to.flatMap { Consent($0) }?.reason } == ["4", "3", "2", "1", "0"])
        #expect(read.map { $0.edits[0].from.flatMap { Consent($0) }?.reason } == ["3", "2", "1", "0", nil])
        filter = ProfileChangeFilter(profile: try address("a@b.se"), sections: [2], limit: 100)
        #expect(try await store.changes(filter)?.changes.count == 10)
    }

    private func consentsAtOnce() async throws {
        try await found()
        let outcomes = try await withThrowingTaskGroup(of: ProfileChangeOutcome.self) { group in
            for _ in 0..<20 { group.addTask { try await consent("a@b.se", .optIn) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes.count { isConsented($0) } == 1)
        #expect(outcomes.count { $0 == .consentRefused(current: .optIn) } == 19)
    }

    private func consentsOnce() async throws {
        try await found()
        let key = Idempotency(key: "k", fingerprint: [1], answer: [])
        #expect(isConsented(try await consent("a@b.se", .optIn, idempotency: key)))
        #expect(try await consent("a@b.se", .optIn, idempotency: key) == .duplicate(answer: []))
    }

    private func endsConsents() async throws {
        try await found()
        for key in ["a@b.se", "b@b.se"] { _ = try await consent(key, .optIn) }
        try await expectChanged("a@b.se", .lock)
        #expect(try await consent("a@b.se", .optOut) == .refused(.locked))
        #expect(try await consent(of: "a@b.se")?.type == .optIn)
        let id = Fixtures.erasureID(1)
        try await expectChanged("b@b.se", .erase(id, formats: Fixtures.keyFormats))
        #expect(try await consent(of: "b@b.se") == nil)
        #expect(isConsented(try await consent("b@b.se", .optOut)))
    }

    private func keepsLayers() async throws {
        try await found()
        let all = ConsentPlace(topic: nil, channel: 1)
        #expect(isConsented(try await consent("a@b.se", .optOut, section: 0, place: all)))
        #expect(isConsented(try await consent("a@b.se", .optIn)))
        try await expectMerged("a@b.se", "web")
        #expect(try await consent(of: "web", section: 0, place: all)?.type == .optOut)
        let clear = ProfileChange.Operation.update(section: 0, [ProfileEdit(all.field, nil)])
        try await expectChanged("a@b.se", clear)
        #expect(try await consent(of: "web", section: 0, place: all) == nil)
        #expect(try await consent(of: "web")?.type == .optIn)
        try await expectChanged("web", .restore)
        // What became of the profile stands in section 0 too, and is nothing that it holds.
        #expect(try await store.data(of: address("web"), in: [0, 2])?.sections.isEmpty == true)
        try await expectChanged("web", .lock)
        #expect(try await store.data(of: address("web"), in: [0, 2])?.sections.isEmpty == true)
        let page = try await store.changes(
            ProfileChangeFilter(profile: address("a@b.se"), sections: [2], limit: 100))
        #expect(page?.changes.map(\.kind) == [.restored, .updated, .merged, .updated, .updated])
    }
}

import OvationCore
import Testing

/// Addresses that take nothing, what is lifted with a reason, and the consents of all who have an address as a value.
extension StoreContract {
    static let suppressionChecks: [Check] = [
        Check("suppressions of a channel are listed by their hashes, page by page") {
            try await $0.listsSuppressions()
        },
        Check("a page of suppressions looks at a bounded number of addresses") { try await $0.boundsSuppressions() },
        Check("an opt-out is lifted with a source and a reason, which stay in the history") { try await $0.lifts() },
        Check("only an opt-out is lifted, and of many at once one is the first") { try await $0.liftsOnce() },
        Check("the consents of all who hold a value are read, page by page") { try await $0.readsConsentsByValue() },
        Check("with the first page comes what keys lead to: consents, a lock, or nothing") {
            try await $0.readsConsentsByKey()
        },
        Check(
            "of a merged profile, and of one that is gone, consents by a value are those of the whole profile, or none"
        ) {
            try await $0.readsConsentsOfMerged()
        },
        Check("an export of a section's changes has those of the account, and none of suppressions") {
            try await $0.exportsConsents()
        },
        Check("the receipt of an erased profile counts its consents") { try await $0.countsErasedConsents() },
    ]

    private static let all = ConsentPlace(topic: nil, channel: 1)

    // MARK: Suppressions

    private func hash(_ number: Int) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits + String(repeating: "a", count: 56)
    }

    private func changeSuppression(
        _ number: Int, channel: Int64 = 1, _ edit: ConsentEdit
    ) async throws -> ProfileChangeOutcome {
        let keyspace = Suppression.keyspace(ofChannel: channel)
        return try await store.change(
            ProfileChange(
                profile: Fixtures.address(hash(number), keyspace: keyspace), at: Fixtures.now, actor: "me",
                precondition: .none, operations: [.consent(section: 0, [edit])]))
    }

    private func suppress(_ number: Int, channel: Int64 = 1, reason: String = "") async throws {
        let consent = Consent(.optOut, source: "test", reason: reason)
        let outcome = try await changeSuppression(
            number, channel: channel, ConsentEdit(ConsentPlace(topic: nil, channel: channel), consent))
        guard case .consented = outcome else {
            Issue.record("\(outcome)")
            return
        }
    }

    private func list(_ channel: Int64 = 1, account: Int64 = 1, limit: Int) async throws -> [Suppression] {
        var filter = SuppressionFilter(account: account, channel: channel, limit: limit)
        var found: [Suppression] = []
        while true {
            let page = try await store.suppressions(filter)
            #expect(page.suppressions.count <= limit)
            found += page.suppressions
            guard let next = page.next else { return found }
            filter.after = next
        }
    }

    private func listsSuppressions() async throws {
        try await found()
        #expect(try await list(limit: 3).isEmpty)
        for number in [5, 1, 4, 2, 3] { try await suppress(number, reason: "number \(number)") }
        try await suppress(9, channel: 2)
        // A person with such a key is none.
        _ = try await consent("a@b.se", .optOut, section: 0, place: StoreContract.all)
        Fixtures.expectChanged(
            try await changeSuppression(2, ConsentEdit(StoreContract.all, Lift(source: "test", reason: "a mistake"))))
        for limit in 1...6 {
            let found = try await list(limit: limit)
            #expect(found.map(\.addressHash) == [1, 3, 4, 5].map(hash), "\(limit)")
            #expect(found.map { Consent($0.held.value)?.reason } == [1, 3, 4, 5].map { "number \($0)" }, "\(limit)")
            #expect(found.allSatisfy { $0.held.actor == "me" && $0.held.setAt == Fixtures.now })
        }
        #expect(try await list(2, limit: 9).map(\.addressHash) == [hash(9)])
        #expect(try await list(3, limit: 9).isEmpty)
        #expect(try await list(account: 2, limit: 9).isEmpty)
        try await suppress(2, reason: "again")
        #expect(try await list(limit: 2).map(\.addressHash) == (1...5).map(hash))
    }

    private func boundsSuppressions() async throws {
        try await found()
        for number in 1...3 { try await suppress(number) }
        for number in 1...2 {
            _ = try await changeSuppression(number, ConsentEdit(StoreContract.all, Lift(source: "", reason: "")))
        }
        let filter = SuppressionFilter(account: 1, channel: 1, limit: 2)
        let page = try await store.suppressions(filter)
        #expect(page.suppressions.isEmpty && page.next == hash(2), "those that were lifted are looked at too")
        #expect(try await list(limit: 2).map(\.addressHash) == [hash(3)])
        var last = filter
        last.after = hash(3)
        #expect(try await store.suppressions(last) == SuppressionPage(suppressions: [], next: nil))
    }

    // MARK: Lifts

    private func lift(_ key: String, section: Int64 = 2, reason: String = "") async throws -> ProfileChangeOutcome {
        try await change(
            key,
            [.consent(section: section, [ConsentEdit(StoreContract.all, Lift(source: "a form", reason: reason))])])
    }

    private func lifts() async throws {
        try await found()
        for section in [Int64(0), 2] {
            _ = try await consent("a@b.se", .optOut, section: section, place: StoreContract.all, reason: "said so")
            Fixtures.expectChanged(try await lift("a@b.se", section: section, reason: "ü: called back"))
            let held = try await store.data(of: address("a@b.se"), in: [section])?.sections.first?[
                StoreContract.all.field]
            #expect(held?.isOptOut == false)
            #expect(held.flatMap { Lift($0.value) } == Lift(source: "a form", reason: "ü: called back"))
            #expect(try await consent(of: "a@b.se", section: section, place: StoreContract.all) == nil)
        }
        let page = try await store.changes(
            ProfileChangeFilter(profile: address("a@b.se"), sections: [2], kinds: [.consent], limit: 9))
        let edits = try #require(page?.changes.map { $0.edits[0] })
        #expect(edits.map { $0.to.flatMap { Lift($0)?.reason } } == ["ü: called back", nil, "ü: called back", nil])
        #expect(edits.map { $0.from.flatMap { Consent($0)?.reason } } == ["said so", nil, "said so", nil])
        // Who says no again has no consent there.
        let again = try await consent("a@b.se", .optOut, place: StoreContract.all)
        guard case .consented = again else {
            Issue.record("\(again)")
            return
        }
    }

    private func liftsOnce() async throws {
        try await found()
        _ = try await consent("a@b.se", .optIn)
        #expect(try await lift("a@b.se") == .unchanged)
        let ofTopic = ConsentEdit(ConsentPlace(topic: 7, channel: 1), Lift(source: "", reason: ""))
        #expect(try await change("a@b.se", [.consent(section: 2, [ofTopic])]) == .unchanged)
        #expect(try await consent(of: "a@b.se")?.type == .optIn)
        _ = try await consent("a@b.se", .optOut, place: StoreContract.all)
        let outcomes = try await withThrowingTaskGroup(of: ProfileChangeOutcome.self) { group in
            for number in 0..<10 { group.addTask { try await lift("a@b.se", reason: "\(number)") } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes.count { $0 == .unchanged } == 9, "\(outcomes)")
        try await expectChanged("a@b.se", .lock)
        #expect(try await lift("a@b.se") == .refused(.locked))
    }

    // MARK: By a value

    private func holds(_ key: String, _ attribute: Int64, _ value: String, section: Int64 = 2) async throws {
        Fixtures.expectChanged(
            try await change(
                key, [.update(section: section, [Fixtures.set(attribute, .string(value))])], precondition: .none))
    }

    private func search(_ limit: Int, _ values: [Int64: ConsentSearch.Value]) -> ConsentSearch {
        ConsentSearch(account: 1, values: values, sections: [0, 2], limit: limit)
    }

    private func read(_ search: ConsentSearch) async throws -> [ProfileData] {
        var (search, found) = (search, [ProfileData]())
        while true {
            let page = try await store.consents(search)
            #expect(page.profiles.count <= search.limit)
            found += page.profiles
            guard let next = page.next else { return found }
            search.after = next
        }
    }

    private func readsConsentsByKey() async throws {
        try await found()
        _ = try await consent("a@b.se", .optIn)
        _ = try await consent("a@b.se", .optOut, section: 3)
        try await holds("a@b.se", 2, "not asked for")
        _ = try await consent("b@b.se", .optIn)
        try await expectChanged("b@b.se", .erase(Fixtures.erasureID(2), formats: Fixtures.keyFormats, locking: true))
        _ = try await consent("c@b.se", .optIn)
        Fixtures.expectChanged(try await store.change(Fixtures.erase("c@b.se", number: 1)))
        var asked = search(5, [:])
        asked.keys = try ["a@b.se", "b@b.se", "none@b.se", "c@b.se"].map { try address($0) }
        let keys = try await store.consents(asked).keys
        try #require(keys.count == 4)
        guard case .profile(let data) = keys[0] else {
            Issue.record("\(keys[0])")
            return
        }
        #expect(data.profile.keys.map(\.text) == ["a@b.se"])
        #expect(data.sections.map(\.section) == [2] && data.sections[0].fields.map(\.field.kind) == [.consent])
        #expect(keys[1] == .locked && keys[2...] == [.nothing, .nothing])
    }

    /// In section 2 the attribute 1 has e-mail addresses, in section 3 the attribute 9.
    private static let values: [Int64: ConsentSearch.Value] = [
        1: .init(section: 2, text: "a@b.se"), 9: .init(section: 3, text: "a@b.se"),
    ]

    private func readsConsentsByValue() async throws {
        try await found()
        for number in 0..<5 {
            try await holds("w\(number)", 1, "a@b.se")
            try await holds("w\(number)", 4, "other")
            _ = try await consent("w\(number)", .optIn, reason: "\(number)")
            _ = try await consent("w\(number)", .optOut, section: 0, place: StoreContract.all)
            _ = try await consent("w\(number)", .optOut, section: 3)
        }
        try await holds("w5", 9, "a@b.se", section: 3)
        try await holds("w6", 1, "c@b.se")
        for limit in 1...7 {
            let found = try await read(search(limit, StoreContract.values))
            #expect(Set(found.flatMap { $0.profile.keys.map(\.text) }) == Set((0...5).map { "w\($0)" }), "\(limit)")
            #expect(found.count == 6, "\(limit)")
            for data in found where data.profile.keys[0].text != "w5" {
                let number = String(data.profile.keys[0].text.dropFirst())
                #expect(data.sections.map(\.section) == [0, 2], "no consents of other sections")
                #expect(
                    data.sections[1].fields.map(\.field) == [.attribute(1), ConsentPlace(topic: 7, channel: 1).field])
                #expect(data.sections[1].fields.last.flatMap { Consent($0.value)?.reason } == number)
                let whole = try await store.data(of: address("w" + number), in: [0])
                #expect(whole?.sections == [data.sections[0]] && whole?.profile == data.profile)
            }
        }
        #expect(try await read(search(9, [1: .init(section: 2, text: "nobody")])).isEmpty)
        #expect(try await read(search(9, [:])).isEmpty)
        var other = search(9, StoreContract.values)
        other.account = 2
        #expect(try await read(other).isEmpty)
    }

    private func readsConsentsOfMerged() async throws {
        try await found()
        for key in ["w1", "w2", "w3", "w4"] { try await holds(key, 1, "a@b.se") }
        _ = try await consent("w2", .optOut)
        try await expectMerged("w1", "w2")
        let merged = try await read(search(1, StoreContract.values)).filter { $0.profile.members.count == 2 }
        #expect(!merged.isEmpty && Set(merged.map(\.profile.id)).count == 1)
        for data in merged {
            let held = data.sections.first { $0.section == 2 }?[ConsentPlace(topic: 7, channel: 1).field]
            #expect(held?.isOptOut == true, "what any of its members said")
        }
        try await expectChanged("w3", .erase(Fixtures.erasureID(1), formats: Fixtures.keyFormats))
        try await expectChanged("w4", .erase(Fixtures.erasureID(2), formats: Fixtures.keyFormats, locking: true))
        let left = try await read(search(9, StoreContract.values))
        #expect(left.map(\.profile.id) == merged.prefix(1).map(\.profile.id))
    }

    // MARK: Beyond

    private func exportsConsents() async throws {
        try await found()
        _ = try await consent("a@b.se", .optOut, section: 0, place: StoreContract.all, reason: "account")
        _ = try await consent("a@b.se", .optIn, reason: "topic")
        try await suppress(1, reason: "suppression")
        _ = try await consent("b@b.se", .optIn, section: 3, reason: "elsewhere")
        _ = try await lift("a@b.se", section: 0, reason: "lifted")
        try await expectChanged("a@b.se", .lock)
        for (section, reasons) in [
            (Int64(2), ["account", "topic", "lifted"]), (3, ["account", "elsewhere", "lifted"]),
        ] {
            for limit in 1...5 {
                var range = ExportRange(account: 1, section: section, limit: limit, bytesMax: 100_000)
                var rows: [ChangeExportPage.Row] = []
                while true {
                    let page = try await store.changes(of: range)
                    rows += page.rows
                    guard let next = page.next else { break }
                    range.after = next
                }
                let said = rows.map { row in
                    row.change.edits[0].to.flatMap { Consent($0)?.reason ?? Lift($0)?.reason }
                }
                #expect(said == reasons, "section \(section), \(limit) at a time")
                #expect(rows.map(\.change.section) == [0, section, 0])
            }
        }
    }

    private func countsErasedConsents() async throws {
        try await found()
        _ = try await consent("a@b.se", .optIn)
        _ = try await consent("a@b.se", .optOut)
        _ = try await consent("a@b.se", .optIn, section: 3)
        _ = try await consent("a@b.se", .optOut, section: 0, place: StoreContract.all)
        _ = try await consent("a@b.se", .optOut, place: StoreContract.all)
        _ = try await lift("a@b.se")
        _ = try await change("a@b.se", [.update(section: 2, [Fixtures.set(4, .string("x")), Fixtures.tag(1)])])
        try await expectChanged("a@b.se", .erase(Fixtures.erasureID(1), formats: Fixtures.keyFormats))
        let counts = try await receipt().counts
        #expect(counts.consents == 3, "two to topics and one opt-out; the other one was lifted")
        #expect(counts.values == 1 && counts.tags == 1 && counts.changes == 7)
    }
}

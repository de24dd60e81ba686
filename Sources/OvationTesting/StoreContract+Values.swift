import OvationCore
import Testing

/// Profiles that are found by the values of mapped attributes. The attributes 1, 2 and 3 are those for e-mail, mobile number and CRM
/// ID, as in each section; 10,001 and the following ones are an admin's.
extension StoreContract {
    static let valueChecks: [Check] = [
        Check("a profile is found by the value of a mapped attribute, in its normal form") {
            try await $0.findsValues()
        },
        Check("a value that is overwritten or cleared is not found any more") { try await $0.followsValues() },
        Check("values are found by their beginning, in the order of their bytes") { try await $0.findsBeginnings() },
        Check("a search for values ends at its limit, and says so") { try await $0.boundsValues() },
        Check("each account has its own values") { try await $0.keepsValuesApart() },
        Check("a merged profile is found whole, by the value of any member") { try await $0.findsMergedValues() },
        Check("a profile that is erased, or locked for good, is not found by a value from then on") {
            try await $0.findsNoErasedValues()
        },
        Check("a key that moves with its value is found by the new one") { try await $0.movesValues() },
        Check("an attribute that is mapped later is found by what was set before, and no more when it is not mapped") {
            try await $0.mapsLater()
        },
        Check("another format of an attribute makes its values anew") { try await $0.changesFormat() },
        Check("a refused change leaves what is found as it was") { try await $0.refusesValues() },
    ]

    // MARK: Doing and looking

    private func set(_ key: String, _ edits: [ProfileEdit], section: Int64 = 2, id: Int64? = nil) async throws {
        Fixtures.expectChanged(
            try await store.change(
                ProfileChange(
                    profile: Fixtures.address(key, id: id, keyspace: key.contains("@") ? 1 : 4), at: Fixtures.now,
                    actor: "me", precondition: .none, operations: [.update(section: section, edits)])))
    }

    private func matches(
        _ texts: [Int64: String], exactly isExact: Bool = true, account: Int64 = 1, limit: Int = 100
    ) async throws -> ValueMatches {
        try await store.profiles(
            ValueSearch(account: account, texts: texts, isExact: isExact, limit: limit))
    }

    /// The first key of each profile, with the value.
    private func found(
        _ texts: [Int64: String], exactly isExact: Bool = true, account: Int64 = 1
    ) async throws -> [String] {
        try await matches(texts, exactly: isExact, account: account).matches.map {
            "\($0.profile.keys.first?.text ?? "-") \($0.attribute) \($0.value)"
        }
    }

    // MARK: The checks

    private func findsValues() async throws {
        try await found()
        try await set("w1", [Fixtures.set(1, .string(" Steve@Apsis.com")), Fixtures.set(4, .string("Steve"))])
        try await set("w2", [Fixtures.set(2, .integer(46_793_699_558)), Fixtures.set(3, .string("AB 1"))])
        // Twice the same hash.
        try await set("w3", [Fixtures.set(9, .string("steve@apsis.com"))], section: 1, id: 42)
        try await set("w4", [Fixtures.set(9, .string("steve@apsis.com"))], section: 1, id: 42)
        #expect(try await found([1: "steve@apsis.com"]) == ["w1 1 steve@apsis.com"])
        #expect(try await found([2: "46793699558"]) == ["w2 2 46793699558"])
        #expect(try await found([3: "AB 1"]) == ["w2 3 AB 1"])
        #expect(try await found([3: "ab 1"]) == [])
        #expect(try await found([4: "Steve"]) == [])
        #expect(
            Set(try await found([1: "steve@apsis.com", 9: "steve@apsis.com", 2: "steve"])) == [
                "w1 1 steve@apsis.com", "w3 9 steve@apsis.com", "w4 9 steve@apsis.com",
            ])
        #expect(try await matches([:]) == ValueMatches(matches: [], isComplete: true))
        let match = try #require(try await matches([3: "AB 1"]).matches.first)
        let profile = try await store.profile(.address(Fixtures.address("w2", keyspace: 4)))
        #expect(match.profile == profile && match.member == profile?.id)
        // What can be no key is stored, and not found.
        try await set("w5", [Fixtures.set(3, .string("")), Fixtures.set(1, .string("no address"))])
        #expect(try await found([1: "no address"]) == [])
        #expect(try await found([3: ""], exactly: false) == ["w2 3 AB 1"])
    }

    private func followsValues() async throws {
        try await found()
        try await set("w1", [Fixtures.set(1, .string("a@b.se")), Fixtures.set(3, .string("é"))])
        try await set("w1", [Fixtures.set(1, .string("A@b.se")), Fixtures.set(3, .string("e\u{301}"))])
        #expect(try await found([1: "a@b.se"]) == ["w1 1 a@b.se"])
        // Two spellings of one letter are two keys.
        #expect(try await found([3: "é"]) == [])
        #expect(try await matches([3: "e\u{301}"]).matches.count == 1)
        try await set("w1", [Fixtures.set(1, .string("c@d.se")), Fixtures.clear(3)])
        #expect(try await found([1: "a@b.se"]) == [])
        #expect(try await found([1: "c@d.se", 3: "e\u{301}"]) == ["w1 1 c@d.se"])
        try await set("w1", [Fixtures.set(1, .integer(7))])
        #expect(try await found([1: ""], exactly: false) == [])
        try await set("w1", [Fixtures.set(1, .string("c@d.se"))])
        #expect(try await found([1: "c@d.se"]) == ["w1 1 c@d.se"])
    }

    private func findsBeginnings() async throws {
        try await found()
        let values = ["a", "ab", "ab\u{10FFFF}", "b", "\u{D7FF}x", "\u{10FFFF}\u{10FFFF}"]
        for (index, value) in values.enumerated() {
            try await set("w\(index)", [Fixtures.set(3, .string(value))])
        }
        #expect(
            try await found([3: "a"], exactly: false) == ["w0 3 a", "w1 3 ab", "w2 3 ab\u{10FFFF}"])
        #expect(try await found([3: "ab"], exactly: false) == ["w1 3 ab", "w2 3 ab\u{10FFFF}"])
        #expect(try await found([3: "ab\u{10FFFF}"], exactly: false) == ["w2 3 ab\u{10FFFF}"])
        #expect(try await found([3: "\u{D7FF}"], exactly: false) == ["w4 3 \u{D7FF}x"])
        #expect(try await found([3: "\u{10FFFF}"], exactly: false) == ["w5 3 \u{10FFFF}\u{10FFFF}"])
        #expect(try await found([3: "c"], exactly: false) == [])
        #expect(try await found([3: "a"]) == ["w0 3 a"])
    }

    private func boundsValues() async throws {
        try await found()
        for number in 0..<6 {
            try await set(
                "w\(number)", [Fixtures.set(3, .string("c\(number / 2)")), Fixtures.set(9, .string("a@b.se"))])
        }
        for limit in 1...7 {
            let found = try await matches([3: "c"], exactly: false, limit: limit)
            #expect(found.matches.count == min(limit, 6) && found.isComplete == (limit >= 6))
            #expect(found.matches.map(\.value) == found.matches.map(\.value).sorted())
        }
        // The bytes of the value decide, and not which attribute is first.
        let both = try await matches([3: "c", 9: "a"], exactly: false, limit: 6)
        #expect(both.matches.allSatisfy { $0.attribute == 9 } && !both.isComplete)
        #expect(try await matches([3: "c1"], limit: 2).isComplete)
        #expect(try await matches([3: "c1"], limit: 1).isComplete == false)
    }

    private func keepsValuesApart() async throws {
        try await store.found(accounts: [1, 2])
        for account in [Int64(1), 2] {
            let address = ProfileAddress(
                account: account, keyspace: 4, key: try ProfileKey("w\(account)", format: .text),
                foundingID: ProfileID(5))
            Fixtures.expectChanged(
                try await store.change(
                    ProfileChange(
                        profile: address, at: Fixtures.now, actor: "me", precondition: .none,
                        operations: [.update(section: 2, [Fixtures.set(3, .string("c"))])])))
        }
        #expect(try await found([3: "c"]) == ["w1 3 c"])
        #expect(try await found([3: ""], exactly: false, account: 2) == ["w2 3 c"])
        #expect(try await found([3: "c"], account: 3) == [])
    }

    private func findsMergedValues() async throws {
        try await found()
        try await set("a@b.se", [Fixtures.set(9, .string("old@b.se"))], section: 1)
        try await set("w1", [Fixtures.set(9, .string("new@b.se")), Fixtures.set(11, .string("77"))], section: 1)
        try await expectMerged("a@b.se", "w1")
        let merged = try #require(try await store.profile(.address(address("a@b.se"))))
        #expect(merged.members.count == 2)
        for (attribute, value, member) in [(9, "old@b.se", 0), (9, "new@b.se", 1), (11, "77", 1)] {
            let match = try await matches([Int64(attribute): value]).matches
            #expect(match.map(\.profile) == [merged] && match.first?.member == merged.members[member].id)
        }
        // By the other key: its member holds the value from then on.
        try await set("w1", [Fixtures.set(9, .string("old@b.se"))], section: 1)
        #expect(Set(try await matches([9: "old@b.se"]).matches.map(\.member)) == Set(merged.members.map(\.id)))
        #expect(try await found([9: "new@b.se"]) == [])
        try await expectChanged("w1", .restore)
        #expect(try await found([11: "77"]) == ["w1 11 77"])
        #expect(Set(try await found([9: "old@b.se"])) == ["a@b.se 9 old@b.se", "w1 9 old@b.se"])
        // Without its key, a member and its values stay with the profile.
        try await expectMerged("a@b.se", "w1")
        try await expectChanged("w1", .unmerge)
        #expect(try await found([11: "77"]) == ["a@b.se 11 77"])
    }

    private func findsNoErasedValues() async throws {
        try await found()
        for key in ["w1", "w2", "w3"] { try await set(key, [Fixtures.set(3, .string("c"))]) }
        try await set("w1", [Fixtures.set(11, .string("c"))], section: 1)
        try await expectMerged("w1", "w2")
        #expect(try await found([3: "c", 11: "c"]).count == 4)
        try await expectChanged("w3", .lock)
        #expect(try await matches([3: "c"]).matches.contains { $0.profile.state == .locked })
        try await expectChanged("w2", .erase(Fixtures.erasureID(1), formats: Fixtures.keyFormats))
        #expect(try await found([3: "c", 11: "c"]) == ["w3 3 c"])
        // The key is free, and what is set now is found, whatever is still being removed.
        try await set("w1", [Fixtures.set(3, .string("c"))])
        #expect(Set(try await found([3: "c", 11: "c"])) == ["w1 3 c", "w3 3 c"])
        try await expectChanged("w3", .erase(Fixtures.erasureID(2), formats: Fixtures.keyFormats, locking: true))
        #expect(try await found([3: "c"]) == ["w1 3 c"])
        for number in 1...2 {
            try await waitUntil {
                try await store.erasure(Fixtures.erasureID(number), account: 1)?.completedAt != nil
            }
        }
        #expect(try await found([3: "c", 11: "c"]) == ["w1 3 c"])
        #expect(try await matches([3: "c"], limit: 1).isComplete)
    }

    private func movesValues() async throws {
        try await found()
        try await set("a@b.se", [Fixtures.set(1, .string("a@b.se"))])
        let moved = try await store.change(
            ProfileChange(
                profile: address("a@b.se"), at: Fixtures.now, actor: "me",
                operations: [
                    addKey("c@d.se"), .update(section: 2, [Fixtures.set(1, .string("C@d.se"))]), .removeKey,
                ]))
        Fixtures.expectChanged(moved)
        #expect(try await found([1: "c@d.se"]) == ["c@d.se 1 c@d.se"])
        #expect(try await found([1: "a@b.se"]) == [])
    }

    private func map(_ custom: [Int64: KeyFormat]) async throws {
        try await store.commit(
            AccountChange(
                account: Fixtures.account, entries: [], mapped: MappedAttributes(custom: custom)))
    }

    private func mapsLater() async throws {
        try await found()
        try await set("w1", [Fixtures.set(10_001, .string("Loyal 1")), Fixtures.set(10_002, .string("x"))])
        try await set("w2", [Fixtures.set(10_001, .string("gone")), Fixtures.set(4, .string("Steve"))])
        try await set("w2", [Fixtures.clear(10_001)])
        #expect(try await found([10_001: ""], exactly: false) == [])
        try await map([10_001: .text])
        #expect(try await found([10_001: "", 10_002: ""], exactly: false) == ["w1 10001 Loyal 1"])
        try await set("w2", [Fixtures.set(10_001, .string("Loyal 2")), Fixtures.set(10_002, .string("x"))])
        try await set("w1", [Fixtures.set(10_001, .string("Loyal 3"))])
        #expect(try await found([10_001: "Loyal"], exactly: false) == ["w2 10001 Loyal 2", "w1 10001 Loyal 3"])
        // The same again, and one more: a default one that no account has a keyspace for.
        try await map([10_001: .text, 4: .text])
        try await map([10_001: .text, 4: .text])
        #expect(try await found([4: "Steve"]) == ["w2 4 Steve"])
        // A change that says nothing of it leaves it.
        try await store.commit(AccountChange(account: Fixtures.account, entries: []))
        #expect(try await found([10_001: "Loyal"], exactly: false).count == 2)
        try await map([4: .text])
        #expect(try await found([10_001: ""], exactly: false) == [])
        try await set("w2", [Fixtures.clear(10_001)])
        try await map([10_001: .text])
        #expect(try await found([10_001: "", 4: ""], exactly: false) == ["w1 10001 Loyal 3"])
        // What is erased goes with the attributes of its account.
        try await expectChanged("w1", .erase(Fixtures.erasureID(1), formats: Fixtures.keyFormats))
        try await waitUntil { try await store.erasure(Fixtures.erasureID(1), account: 1)?.completedAt != nil }
        #expect(try await matches([10_001: ""], exactly: false) == ValueMatches(matches: [], isComplete: true))
    }

    private func changesFormat() async throws {
        try await found()
        try await map([10_001: .text])
        try await set("w1", [Fixtures.set(10_001, .string("A@b.se"))])
        #expect(try await found([10_001: "A@b.se"]) == ["w1 10001 A@b.se"])
        try await map([10_001: .email])
        #expect(try await found([10_001: "A@b.se"]) == [])
        #expect(try await found([10_001: "a@b.se"]) == ["w1 10001 a@b.se"])
        // Others cannot be mapped otherwise than they are.
        try await map([1: .text])
        try await set("w1", [Fixtures.set(1, .string("A@b.se"))])
        #expect(try await found([1: ""], exactly: false) == ["w1 1 a@b.se"])
    }

    private func refusesValues() async throws {
        try await found()
        try await set("w1", [Fixtures.set(3, .string("c"))])
        let address = try address("w1")
        func refused(_ operations: [ProfileChange.Operation], isNew: Bool = false) async throws {
            let outcome = try await store.change(
                ProfileChange(
                    profile: address, at: Fixtures.now, actor: "me", precondition: isNew ? .isNew : .exists,
                    operations: operations))
            #expect(outcome == (isNew ? .exists : .refused(.locked)))
        }
        let edit = ProfileChange.Operation.update(section: 2, [Fixtures.set(3, .string("d"))])
        try await refused([edit], isNew: true)
        try await refused([.lock, edit])
        #expect(try await found([3: ""], exactly: false) == ["w1 3 c"])
    }
}

public import OvationCore
import Testing

/// What a profile holds: values and tags, as changes set and clear them.
extension StoreContract {
    static let profileDataChecks: [Check] = [
        Check("a change makes a profile where it may, and is refused where it must not") {
            try await $0.makesProfiles()
        },
        Check("a profile that a change made takes posts, and one that a post made takes changes") {
            try await $0.postsToMade()
        },
        Check("values and tags are set, overwritten and cleared") { try await $0.setsAndClears() },
        Check("an edit that changes nothing leaves no trace") { try await $0.leavesNoTrace() },
        Check("sections do not touch each other") { try await $0.separatesSections() },
        Check("the operations of a change take effect together or not at all") { try await $0.isAllOrNothing() },
        Check("every kind of value comes back as it was set") { try await $0.keepsValues() },
        Check("a locked profile takes no values, also in the change that locks it") {
            try await $0.refusesUpdatesWhenLocked()
        },
        Check("a change with an idempotency key takes effect once and repeats its answer") {
            try await $0.changesOnce()
        },
        Check("posts and changes share idempotency keys, and their lifetime") { try await $0.sharesKeys() },
        Check("a change that was refused is not remembered") { try await $0.forgetsRefusedChanges() },
        Check("of two profiles with one hash, each holds its own") { try await $0.separatesCollisions() },
        Check("a section of a profile holds so many fields and no more") { try await $0.boundsFields() },
        Check("a change with very many fields and long texts is stored whole") { try await $0.storesLargeChanges() },
    ]

    // MARK: Looking

    typealias Held = [ProfileField: FieldValue]

    /// What a profile holds in each section; nil: there is no such profile.
    func held(_ key: String, id: Int64? = nil, in sections: [Int64]? = nil) async throws -> [Int64: Held]? {
        let data = try await store.data(of: Fixtures.address(key, id: id), in: sections)
        return data?.sections.reduce(into: [:]) { held, section in
            #expect(held[section.section] == nil && !section.fields.isEmpty)
            held[section.section] = section.fields.reduce(into: [:]) { $0[$1.field] = $1.value.value }
        }
    }

    /// The number of the change's last operation that changed something.
    @discardableResult
    func expectChange(
        _ change: ProfileChange, location: SourceLocation = #_sourceLocation
    ) async throws -> Int64 {
        let outcome = try await store.change(change)
        guard case .changed(let position?) = outcome else {
            Issue.record("\(outcome)", sourceLocation: location)
            return 0
        }
        return position
    }

    private func operations(
        _ key: String, _ operations: [ProfileChange.Operation], precondition: ProfileChange.Precondition = .none,
        at now: Timestamp = Fixtures.now
    ) throws -> ProfileChange {
        ProfileChange(
            profile: try Fixtures.address(key), at: now, actor: "me", precondition: precondition,
            operations: operations)
    }

    // MARK: Profiles

    private func makesProfiles() async throws {
        try await found()
        let set = Fixtures.set(1, .integer(1))
        // Nothing is there yet.
        #expect(try await store.change(Fixtures.update("a@b.se", [set], precondition: .exists)) == .noProfile)
        #expect(try await store.data(of: Fixtures.address("a@b.se"), in: nil) == nil)
        #expect(try await store.profile(.address(Fixtures.address("a@b.se"))) == nil)
        // Each of the others makes it, also where it changes nothing else.
        let later = Fixtures.now.advanced(by: .seconds(7))
        #expect(
            try await store.change(operations("a@b.se", [], precondition: .isNew, at: later)) == .changed(position: nil)
        )
        #expect(try await store.change(operations("b@b.se", [])) == .changed(position: nil))
        #expect(try await store.change(Fixtures.update("c@b.se", [Fixtures.clear(1)])) == .changed(position: nil))
        try await expectChange(Fixtures.update("d@b.se", [set], precondition: .isNew))
        try await expectChange(Fixtures.update("e@b.se", [set]))
        let made = try #require(try await store.profile(.address(Fixtures.address("a@b.se"))))
        #expect(made.createdAt == later && made.state == .open)
        #expect(made.keys == [Profile.Key(keyspace: 1, text: "a@b.se")])
        for key in ["a@b.se", "b@b.se", "c@b.se"] {
            #expect(try await held(key) == [:], "\(key)")
            let found = try await store.data(of: Fixtures.address(key), in: nil)?.profile
            #expect(try await found == store.profile(.address(Fixtures.address(key))), "\(key)")
        }
        for key in ["d@b.se", "e@b.se"] { #expect(try await held(key) == [2: [.attribute(1): .integer(1)]]) }
        // Now all are there.
        for key in ["a@b.se", "d@b.se"] {
            let new = try Fixtures.update(key, [Fixtures.set(2, .integer(2))], precondition: .isNew)
            #expect(try await store.change(new) == .exists)
            #expect(try await store.change(operations(key, [.lock], precondition: .isNew)) == .exists)
            #expect(try await store.change(operations(key, [])) == .unchanged)
            #expect(try await store.change(operations(key, [], precondition: .exists)) == .unchanged)
        }
        #expect(try await held("a@b.se") == [:])
        try await expectChange(Fixtures.update("a@b.se", [set], precondition: .exists))
        #expect(try await held("a@b.se") == [2: [.attribute(1): .integer(1)]])
        #expect(
            try await store.profiles(
                ProfileSearch(account: 1, prefixes: [1: ""], limit: 9, timeMax: .seconds(9))
            ).profiles.count == 5)
    }

    private func postsToMade() async throws {
        try await found()
        let set = Fixtures.set(1, .string("x"))
        try await expectChange(Fixtures.update("a@b.se", [set]))
        #expect(try await store.append(Fixtures.batch("a@b.se", times: [1, 2])) == .stored)
        #expect(try await page(filter("a@b.se")).events.count == 2)
        #expect(try await store.append(Fixtures.batch("b@b.se", times: [1])) == .stored)
        #expect(try await held("b@b.se") == [:])
        let position = try await expectChange(Fixtures.update("b@b.se", [set], precondition: .exists))
        #expect(try await held("b@b.se") == [2: [.attribute(1): .string("x")]])
        let ids = try await page(filter("b@b.se")).events.map(\.id)
        #expect(ids.allSatisfy { $0 < position })
        // A profile that holds something and has no events has no counts, and is a profile.
        try await expectChange(Fixtures.update("c@b.se", [set]))
        #expect(try await page(filter("c@b.se")).events.isEmpty)
        #expect(try await store.counts(of: Fixtures.address("c@b.se")) == ProfileCounts(counts: [], lastSeenAt: nil))
        // The same key in another account is another profile.
        let own = try Fixtures.address("a@b.se")
        let elsewhere = ProfileAddress(account: 2, keyspace: 1, key: own.key, foundingID: own.foundingID)
        #expect(try await store.data(of: elsewhere, in: nil) == nil)
    }

    // MARK: Values

    private func setsAndClears() async throws {
        try await found()
        let edits = [Fixtures.set(1, .string("a")), Fixtures.set(3, .integer(3)), Fixtures.tag(3), Fixtures.tag(8)]
        var last = try await expectChange(Fixtures.update("a@b.se", edits))
        #expect(
            try await held("a@b.se")
                == [
                    2: [
                        .attribute(1): .string("a"), .attribute(3): .integer(3), .tag(3): .boolean(true),
                        .tag(8): .boolean(true),
                    ]
                ])
        // One of each kind: overwritten, cleared, left alone, new.
        let more = [
            Fixtures.set(1, .string("b")), Fixtures.clear(3), Fixtures.tag(8, false), Fixtures.set(2, .boolean(false)),
        ]
        var position = try await expectChange(Fixtures.update("a@b.se", more))
        #expect(position > last)
        last = position
        let expected: Held = [.attribute(1): .string("b"), .attribute(2): .boolean(false), .tag(3): .boolean(true)]
        #expect(try await held("a@b.se") == [2: expected])
        // What was cleared can be set again, to the same and to something else.
        position = try await expectChange(
            Fixtures.update("a@b.se", [Fixtures.set(3, .integer(3)), Fixtures.tag(8)]))
        #expect(position > last)
        #expect(
            try await held("a@b.se")
                == [2: expected.merging([.attribute(3): .integer(3), .tag(8): .boolean(true)]) { $1 }])
        try await expectChange(
            Fixtures.update("a@b.se", [1, 2, 3].map { Fixtures.clear($0) } + [3, 8].map { Fixtures.tag($0, false) }))
        #expect(try await held("a@b.se") == [:])
    }

    private func leavesNoTrace() async throws {
        try await found()
        let values: [FieldValue] = [.string("a"), .string(""), .integer(0), .double(0.5), .boolean(false)]
        let edits = values.enumerated().map { Fixtures.set(Int64($0.offset + 1), $0.element) } + [Fixtures.tag(1)]
        let first = try await expectChange(Fixtures.update("a@b.se", edits))
        let before = try await store.data(of: Fixtures.address("a@b.se"), in: nil)
        for again in [edits, [edits[2]], [], [Fixtures.clear(77), Fixtures.tag(77, false)]] {
            #expect(try await store.change(Fixtures.update("a@b.se", again, actor: "other")) == .unchanged)
        }
        #expect(try await store.data(of: Fixtures.address("a@b.se"), in: nil) == before)
        // Of several, only what changes is one.
        let second = try await expectChange(
            Fixtures.update("a@b.se", edits.dropLast() + [Fixtures.tag(1, false), Fixtures.clear(77)]))
        let filter = ProfileChangeFilter(profile: try Fixtures.address("a@b.se"), sections: [2], limit: 9)
        var changes = try #require(try await store.changes(filter)).changes
        #expect(changes.map(\.position) == [second, first])
        #expect(changes.first?.edits.map(\.field) == [.tag(1)])
        #expect(try await store.change(Fixtures.update("a@b.se", [Fixtures.tag(1, false)])) == .unchanged)
        // The same value under another version is another value.
        let version = try await expectChange(Fixtures.update("a@b.se", [Fixtures.set(1, .string("a"), version: 77)]))
        changes = try #require(try await store.changes(filter)).changes
        #expect(changes.map(\.position) == [version, second, first])
        // Positions that were not used are not lost: the next event has the next one.
        _ = try await store.append(Fixtures.batch("a@b.se", times: [1]))
        #expect(try await page(self.filter("a@b.se")).events.map { $0.id > version } == [true])
    }

    private func separatesSections() async throws {
        try await found()
        let two = try operations(
            "a@b.se",
            [
                .update(section: 2, [Fixtures.set(1, .integer(2)), Fixtures.tag(1)]),
                .update(section: 3, [Fixtures.set(1, .integer(3))]),
            ])
        try await expectChange(two)
        #expect(
            try await held("a@b.se")
                == [2: [.attribute(1): .integer(2), .tag(1): .boolean(true)], 3: [.attribute(1): .integer(3)]])
        try await expectChange(Fixtures.update("a@b.se", [Fixtures.clear(1), Fixtures.tag(2)], section: 3))
        try await expectChange(Fixtures.update("a@b.se", [Fixtures.tag(9)], section: 700))
        #expect(try await held("a@b.se")?[2]?.count == 2)
        #expect(try await held("a@b.se", in: [3]) == [3: [.tag(2): .boolean(true)]])
        #expect(try await held("a@b.se", in: [700, 2])?.keys.sorted() == [2, 700])
        #expect(try await held("a@b.se", in: [4]) == [:])
        #expect(try await held("a@b.se", in: []) == [:])
        let all = try await store.data(of: Fixtures.address("a@b.se"), in: nil)
        #expect(all?.sections.map(\.section) == [2, 3, 700])
    }

    private func isAllOrNothing() async throws {
        try await found()
        let tooMany = (0...Int64(Limits.profileFieldsMax)).map { Fixtures.tag($0) }
        let good = ProfileChange.Operation.update(section: 2, [Fixtures.set(1, .integer(2))])
        for (bad, outcome) in [
            ([.update(section: 3, tooMany)], ProfileChangeOutcome.full),
            ([.lock, .update(section: 3, [Fixtures.tag(1)])], .refused(.locked)),
        ] as [([ProfileChange.Operation], ProfileChangeOutcome)] {
            #expect(try await store.change(operations("a@b.se", [good] + bad)) == outcome)
            #expect(try await store.data(of: Fixtures.address("a@b.se"), in: nil) == nil)
        }
        try await expectChange(Fixtures.update("a@b.se", [Fixtures.set(1, .integer(1))]))
        for bad in [[.update(section: 3, tooMany)], [.lock, .update(section: 3, [Fixtures.tag(1)])]]
            as [[ProfileChange.Operation]]
        {
            _ = try await store.change(operations("a@b.se", [good] + bad))
            #expect(try await held("a@b.se") == [2: [.attribute(1): .integer(1)]])
            #expect(try await store.profile(.address(Fixtures.address("a@b.se")))?.state == .open)
        }
        // And all of it: the number is that of the last that changed something.
        let last = try await expectChange(
            operations("a@b.se", [good, .update(section: 3, [Fixtures.tag(1)]), .lock, .lock]))
        let filter = ProfileChangeFilter(profile: try Fixtures.address("a@b.se"), sections: [2, 3], limit: 9)
        let changes = try #require(try await store.changes(filter)).changes
        #expect(changes.prefix(3).map(\.position) == [last, last - 1, last - 2])
        #expect(changes.prefix(3).map(\.section) == [nil, 3, 2])
        #expect(try await store.data(of: Fixtures.address("a@b.se"), in: nil)?.profile.state == .locked)
    }

    public static let awkwardValues: [FieldValue] = [
        .string(""), .string("a"), .string("öäå 😀 \u{1F468}\u{200D}\u{1F467}"),
        .string("\u{10FFFF}\u{FFFD}\u{1}\u{7F}"),
        .string(" \n\t\"\\'"), .string("\\u0000"), .string(String(repeating: "😀", count: 1000)),
        .integer(0), .integer(-1), .integer(.max), .integer(.min), .integer(1 << 53), .double(0), .double(0.1),
        .double(-1.5), .double(.leastNonzeroMagnitude), .double(-.greatestFiniteMagnitude),
        .double(.greatestFiniteMagnitude), .double(1e300.nextUp), .boolean(true), .boolean(false),
    ]

    private func keepsValues() async throws {
        try await found()
        let values = Self.awkwardValues
        try await expectChange(
            Fixtures.update("a@b.se", values.enumerated().map { Fixtures.set(Int64($0.offset), $0.element) }))
        let fields = try #require(try await store.data(of: Fixtures.address("a@b.se"), in: [2])).sections[0].fields
        #expect(fields.map(\.value.value) == values)
        for (field, value) in zip(fields, values) {
            guard case (.string(let kept), .string(let set)) = (field.value.value, value) else { continue }
            #expect(kept.utf8.elementsEqual(set.utf8))
        }
        // Each of them in the place of each other, and in its own.
        for (index, value) in values.enumerated() {
            try await expectChange(Fixtures.update("b@b.se", [Fixtures.set(9, value, version: 1)]))
            #expect(
                try await store.change(Fixtures.update("b@b.se", [Fixtures.set(9, value, version: 1)])) == .unchanged)
            #expect(try await held("b@b.se") == [2: [.attribute(9): value]], "\(index)")
        }
        // The ends of what numbers and versions can be.
        let ends = [
            ProfileEdit(.attribute(ProfileField.numberMax), ProfileValue(version: .max, value: .integer(1))),
            ProfileEdit(.attribute(0), ProfileValue(version: 1, value: .integer(2))),
            ProfileEdit(
                .tag(ProfileField.numberMax), ProfileValue(version: Limits.versionIDMax, value: .boolean(true))),
        ]
        try await expectChange(Fixtures.update("c@b.se", ends))
        let read = try #require(try await store.data(of: Fixtures.address("c@b.se"), in: [2])).sections[0].fields
        #expect(read.map { ProfileEdit($0.field, $0.value) } == [ends[1], ends[0], ends[2]])
        // Two spellings of one letter are two values, though Swift takes them for one.
        for text in ["\u{E9}", "e\u{301}", "\u{E9}"] {
            try await expectChange(Fixtures.update("d@b.se", [Fixtures.set(1, .string(text))]))
            guard case .string(let kept)? = try await held("d@b.se")?[2]?[.attribute(1)] else {
                Issue.record("no text")
                return
            }
            #expect(kept.utf8.elementsEqual(text.utf8))
        }
    }

    // MARK: Refusals

    private func refusesUpdatesWhenLocked() async throws {
        try await found()
        try await expectChange(Fixtures.update("a@b.se", [Fixtures.tag(1)]))
        try await Fixtures.expectChanged(store.change(Fixtures.lock("a@b.se")))
        for precondition in [ProfileChange.Precondition.none, .exists] {
            for edits in [[Fixtures.tag(2)], [Fixtures.tag(1)], [Fixtures.tag(1, false)], []] {
                let change = try Fixtures.update("a@b.se", edits, precondition: precondition)
                #expect(try await store.change(change) == .refused(.locked))
            }
            let both = try operations("a@b.se", [.update(section: 2, [Fixtures.tag(2)]), .lock])
            #expect(try await store.change(both) == .refused(.locked))
            #expect(try await store.change(operations("a@b.se", [.lock], precondition: precondition)) == .unchanged)
        }
        #expect(try await store.change(operations("a@b.se", [], precondition: .isNew)) == .refused(.locked))
        #expect(try await held("a@b.se") == [2: [.tag(1): .boolean(true)]])
        let after = try operations("b@b.se", [.lock, .update(section: 2, [Fixtures.tag(2)])])
        #expect(try await store.change(after) == .refused(.locked))
        #expect(try await store.profile(.address(Fixtures.address("b@b.se"))) == nil)
        // Values come before the lock of the same change, and the profile may be new.
        try await expectChange(operations("b@b.se", [.update(section: 2, [Fixtures.tag(2)]), .lock]))
        #expect(try await held("b@b.se") == [2: [.tag(2): .boolean(true)]])
        let refused = AppendOutcome.refused([RefusedProfile(index: 0, state: .locked)])
        #expect(try await store.append(Fixtures.batch("b@b.se", times: [1])) == refused)
    }

    private func changesOnce() async throws {
        try await found()
        let key = Idempotency(key: "k", fingerprint: [1], answer: [7])
        let first = try Fixtures.update("a@b.se", [Fixtures.set(1, .integer(1))], idempotency: key)
        try await expectChange(first)
        try await expectChange(Fixtures.update("a@b.se", [Fixtures.set(1, .integer(2))]))
        // The first answer again, though the value is another by now; with other edits too, since the fingerprint counts.
        #expect(try await store.change(first) == .duplicate(answer: [7]))
        let same = try Fixtures.update("c@b.se", [Fixtures.set(1, .integer(3))], idempotency: key)
        #expect(try await store.change(same) == .duplicate(answer: [7]))
        #expect(try await held("a@b.se") == [2: [.attribute(1): .integer(2)]])
        #expect(try await held("c@b.se") == nil)
        let other = Idempotency(key: "k", fingerprint: [2], answer: [8])
        #expect(try await store.change(Fixtures.update("c@b.se", [Fixtures.tag(1)], idempotency: other)) == .conflict)
        #expect(try await held("c@b.se") == nil)
        #expect(try await store.outcome(account: 1, of: key, at: Fixtures.now) == .duplicate(answer: [7]))
        // One that made a profile and no more, and one that changed nothing, took effect too.
        for (name, outcome) in [("new", ProfileChangeOutcome.changed(position: nil)), ("same", .unchanged)] {
            let idempotency = Idempotency(key: name, fingerprint: [1], answer: [9])
            let change = try Fixtures.update("d@b.se", [Fixtures.clear(1)], idempotency: idempotency)
            #expect(try await store.change(change) == outcome)
            #expect(try await store.change(change) == .duplicate(answer: [9]))
        }
        // And what was refused by now is answered as before.
        try await Fixtures.expectChanged(store.change(Fixtures.lock("a@b.se")))
        #expect(try await store.change(first) == .duplicate(answer: [7]))
    }

    private func sharesKeys() async throws {
        try await found()
        let (one, two) = (
            Idempotency(key: "one", fingerprint: [1], answer: [1]),
            Idempotency(key: "two", fingerprint: [1], answer: [2])
        )
        #expect(try await store.append(Fixtures.batch("a@b.se", times: [1], idempotency: one)) == .stored)
        try await expectChange(Fixtures.update("a@b.se", [Fixtures.tag(1)], idempotency: two))
        let late = try Fixtures.update("a@b.se", [Fixtures.tag(2)], idempotency: one)
        #expect(try await store.change(late) == .duplicate(answer: [1]))
        let post = try Fixtures.batch("a@b.se", times: [2], idempotency: two)
        #expect(try await store.append(post) == .duplicate(answer: [2]))
        let former = Idempotency(key: "three", formerKey: "one", fingerprint: [1], answer: [3])
        #expect(
            try await store.change(Fixtures.update("a@b.se", [Fixtures.tag(2)], idempotency: former))
                == .duplicate(answer: [1]))
        // A day later they count no more.
        let nextDay = Fixtures.now.advanced(by: .seconds(24 * 3600 + 1))
        let again = try Fixtures.update("a@b.se", [Fixtures.tag(2)], at: nextDay, idempotency: two)
        try await expectChange(again)
        #expect(try await held("a@b.se")?[2]?.count == 2)
        #expect(try await store.change(again) == .duplicate(answer: [2]))
    }

    private func forgetsRefusedChanges() async throws {
        try await found()
        try await expectChange(Fixtures.update("there@b.se", [Fixtures.tag(1)]))
        try await expectChange(Fixtures.update("locked@b.se", [Fixtures.tag(1)]))
        try await Fixtures.expectChanged(store.change(Fixtures.lock("locked@b.se")))
        let key = Idempotency(key: "k", fingerprint: [1], answer: [])
        let tooMany = (0...Int64(Limits.profileFieldsMax)).map { Fixtures.tag($0) }
        let refused: [(ProfileChange, ProfileChangeOutcome)] = [
            (try Fixtures.update("a@b.se", [Fixtures.tag(1)], precondition: .exists, idempotency: key), .noProfile),
            (try Fixtures.update("there@b.se", [], precondition: .isNew, idempotency: key), .exists),
            (try Fixtures.update("locked@b.se", [Fixtures.tag(2)], idempotency: key), .refused(.locked)),
            (try Fixtures.update("a@b.se", tooMany, idempotency: key), .full),
        ]
        for (change, outcome) in refused + refused { #expect(try await store.change(change) == outcome) }
        #expect(try await store.outcome(account: 1, of: key, at: Fixtures.now) == nil)
        try await expectChange(Fixtures.update("a@b.se", [Fixtures.tag(1)], idempotency: key))
    }

    private func separatesCollisions() async throws {
        try await found()
        try await expectChange(Fixtures.update("a@b.se", [Fixtures.set(1, .string("a"))], id: 7))
        _ = try await store.append(Fixtures.batch("b@b.se", times: [1], id: 7))
        try await expectChange(Fixtures.update("c@b.se", [Fixtures.set(1, .string("c"))], id: 7, precondition: .isNew))
        try await expectChange(Fixtures.update("b@b.se", [Fixtures.set(1, .string("b"))], id: 7, precondition: .exists))
        for name in ["a", "b", "c"] {
            #expect(try await held("\(name)@b.se", id: 7) == [2: [.attribute(1): .string(name)]])
        }
        let fourth = try Fixtures.update("d@b.se", [Fixtures.tag(1)], id: 7, precondition: .exists)
        #expect(try await store.change(fourth) == .noProfile)
        try await Fixtures.expectChanged(store.change(Fixtures.lock("b@b.se", id: 7)))
        try await expectChange(Fixtures.update("c@b.se", [Fixtures.clear(1)], id: 7))
        #expect(
            try await store.change(Fixtures.update("b@b.se", [Fixtures.clear(1)], id: 7)) == .refused(.locked))
        #expect(try await held("c@b.se", id: 7) == [:])
        #expect(try await held("b@b.se", id: 7) == [2: [.attribute(1): .string("b")]])
    }

    private func boundsFields() async throws {
        try await found()
        let max = Int64(Limits.profileFieldsMax)
        try await expectChange(Fixtures.update("a@b.se", (1...max).map { Fixtures.set($0, .integer($0)) }))
        let more = Fixtures.tag(1)
        #expect(try await store.change(Fixtures.update("a@b.se", [more])) == .full)
        #expect(try await store.change(Fixtures.update("a@b.se", [Fixtures.set(1, .integer(7)), more])) == .full)
        #expect(try await held("a@b.se")?[2]?[.attribute(1)] == .integer(1))
        // What is held can be overwritten; a cleared field makes room, in the same change too; other sections have theirs.
        try await expectChange(Fixtures.update("a@b.se", [Fixtures.set(1, .integer(7)), Fixtures.clear(max + 9)]))
        try await expectChange(Fixtures.update("a@b.se", [more, Fixtures.clear(1)]))
        #expect(try await store.change(Fixtures.update("a@b.se", [Fixtures.set(1, .integer(1))])) == .full)
        try await expectChange(Fixtures.update("a@b.se", [more], section: 3))
        #expect(try await held("a@b.se", in: [2])?[2]?.count == Limits.profileFieldsMax)
    }

    private func storesLargeChanges() async throws {
        try await found()
        let text = String(repeating: "å😀", count: 100)
        let count = Int64(Limits.profileFieldsMax)
        let edits = (1...count).map { Fixtures.set($0, .string("\($0) \(text)")) }
        try await expectChange(Fixtures.update("a@b.se", edits))
        #expect(try await store.change(Fixtures.update("a@b.se", edits)) == .unchanged)
        let held = try #require(try await held("a@b.se")?[2])
        #expect(held.count == Int(count) && held[.attribute(count)] == .string("\(count) \(text)"))
        try await expectChange(Fixtures.update("a@b.se", edits.map { ProfileEdit($0.field, nil) }))
        #expect(try await self.held("a@b.se") == [:])
    }
}

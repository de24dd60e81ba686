import OvationCore
import Testing

/// All profiles of an account with what they hold, page by page. A test names a key as the tests of merged profiles do.
extension StoreContract {
    static let profileExportChecks: [Check] = [
        Check("an export gives every profile with what it holds, by rising id, in pages of any size") {
            try await $0.exportsProfiles()
        },
        Check("an export of profiles has the sections that it is asked for, and one account") {
            try await $0.exportsSections()
        },
        Check("a merged profile is given once, with all its keys, and its parts when they are parted") {
            try await $0.exportsMerged()
        },
        Check("erased profiles, those locked for good, and suppressions are in no export; a locked one holds nothing") {
            try await $0.exportsNobodyGone()
        },
        Check("a page of large profiles ends early, and the next goes on") { try await $0.boundsProfilePages() },
        Check("nobody is missing from an export during which people are merged and parted") {
            try await $0.exportsWhileMerging()
        },
        Check("each profile of an export is whole, while others change, merge, part and erase") {
            try await $0.exportsWhole()
        },
    ]

    // MARK: Looking

    /// All lines of an export.
    /// - Parameter between: runs between two pages.
    func exportedProfiles(
        limit: Int = 1000, bytesMax: Int = 1 << 20, sections: [Int64]? = nil, account: Int64 = 1,
        between: () async throws -> Void = {}
    ) async throws -> [ProfileData] {
        var range = ProfileExportRange(account: account, sections: sections, limit: limit, bytesMax: bytesMax)
        var lines: [ProfileData] = []
        while true {
            let page = try await store.profiles(of: range)
            #expect(page.profiles.count <= limit)
            #expect(page.places.count == page.profiles.count)
            for (place, data) in zip(page.places, page.profiles) {
                #expect(range.after.map { $0.value < place.value } ?? true)
                #expect(data.profile.members.contains { $0.id == place })
            }
            if range.since == .max { range.since = page.newest }
            lines += page.profiles
            guard let next = page.next else { return lines }
            #expect(range.after.map { $0.value < next.value } ?? true)
            range.after = next
            try await between()
        }
    }

    private func texts(_ data: ProfileData) -> [String] { data.profile.keys.map(\.text) }

    private func exportedTexts(
        limit: Int, between: () async throws -> Void = {}
    ) async throws -> [[String]] { try await exportedProfiles(limit: limit, between: between).map { texts($0) } }

    /// A profile with a value at an id of its own.
    private func put(_ key: String, at id: Int64, seconds: Int64 = 0) async throws {
        try await expectChange(
            ProfileChange(
                profile: Fixtures.address(key, id: id, keyspace: key.contains("@") ? 1 : 4),
                at: Fixtures.now.advanced(by: .seconds(seconds)), actor: "me", precondition: .none,
                operations: [.update(section: 2, [text(9, key)])]))
    }

    private func at(_ key: String, _ id: Int64) throws -> ProfileAddress {
        try Fixtures.address(key, id: id, keyspace: key.contains("@") ? 1 : 4)
    }

    private func change(
        _ key: String, at id: Int64, _ operation: ProfileChange.Operation
    ) async throws {
        Fixtures.expectChanged(
            try await store.change(
                ProfileChange(profile: at(key, id), at: Fixtures.now, actor: "me", operations: [operation])))
    }

    // MARK: What is there

    private func exportsProfiles() async throws {
        try await found()
        #expect(try await exportedProfiles(limit: 1) == [])
        let ids: [Int64] = [.max, 7, -7, .min, 0, 42, 1]
        for (number, id) in ids.enumerated() {
            let key = "p\(number)@b.se"
            switch number % 3 {
            case 0: _ = try await store.append(Fixtures.batch(key, times: [1], id: id))
            case 1: try await fill(key, id: id)
            default:
                _ = try await store.change(
                    Fixtures.update(key, [text(4, "four"), Fixtures.tag(4), text(3, "\u{0}ü")], id: id, actor: "you"))
                _ = try await store.change(Fixtures.update(key, [text(5, "five")], section: 3, id: id))
                _ = try await store.change(Fixtures.update(key, [text(4, "4"), Fixtures.clear(3)], id: id))
            }
        }
        var expected: [ProfileData] = []
        for (number, id) in ids.enumerated().sorted(by: { $0.element < $1.element }) {
            let address = try Fixtures.address("p\(number)@b.se", id: id)
            expected.append(try #require(try await store.data(of: address, in: nil)))
        }
        for limit in 1...8 {
            #expect(try await exportedProfiles(limit: limit) == expected, "\(limit)")
        }
        let last = try await store.profiles(of: ProfileExportRange(account: 1, after: ProfileID(.max)))
        #expect(last.profiles == [] && last.next == nil && last.newest > 0)
    }

    private func exportsSections() async throws {
        try await found()
        try await store.found(accounts: [2])
        try await fill("a@b.se")
        try await expectChange(Fixtures.update("a@b.se", [text(1, "three")], section: 3))
        _ = try await consent("a@b.se", .optOut, section: 0, place: ConsentPlace(topic: nil, channel: 1))
        for (sections, expected) in [(nil, [2, 3]), ([3], [3]), ([2, 0], [0, 2]), ([0], [0]), ([9], []), ([], [])]
            as [([Int64]?, [Int64])]
        {
            let lines = try await exportedProfiles(sections: sections)
            #expect(lines == [try await store.data(of: Fixtures.address("a@b.se"), in: sections)])
            #expect(lines.first?.sections.map(\.section) == expected)
        }
        #expect(try await exportedProfiles(account: 2) == [])
    }

    private func exportsMerged() async throws {
        try await found()
        for (id, key) in [(5, "web"), (2, "a@b.se"), (9, "other"), (3, "alone"), (7, "late")] as [(Int64, String)] {
            try await put(key, at: id)
        }
        try await change("web", at: 5, .merge(at("a@b.se", 2), Fixtures.mergeRules))
        try await change("other", at: 9, .merge(at("web", 5), Fixtures.mergeRules))
        try await change("late", at: 7, .addKey(at("more", 1), Fixtures.mergeRules))
        for limit in 1...6 {
            #expect(
                try await exportedTexts(limit: limit) == [["late", "more"], ["a@b.se", "web", "other"], ["alone"]])
        }
        for line in try await exportedProfiles() {
            let key = try #require(line.profile.keys.first)
            let id: Int64 = key.text == "a@b.se" ? 2 : key.text == "alone" ? 3 : 7
            #expect(try await store.data(of: at(key.text, id), in: nil) == line)
            #expect(line.sections.first?.fields.first?.value.value == .string(key.text))
        }
        try await change("other", at: 9, .restore)
        try await change("late", at: 7, .removeKey)
        #expect(try await exportedTexts(limit: 1) == [["more"], ["a@b.se", "web"], ["alone"], ["other"]])
    }

    private func exportsNobodyGone() async throws {
        try await found()
        for (number, key) in ["erased@b.se", "gone@b.se", "locked@b.se", "open@b.se"].enumerated() {
            try await fill(key, id: Int64(number))
        }
        let suppressed = Suppression.keyspace(ofChannel: 1)
        let block = ConsentEdit(
            ConsentPlace(topic: nil, channel: 1), Consent(.optOut, source: "test", reason: ""))
        _ = try await store.change(
            ProfileChange(
                profile: Fixtures.address(String(repeating: "a", count: 64), keyspace: suppressed), at: Fixtures.now,
                actor: "me", precondition: .none, operations: [.consent(section: 0, [block])]))
        try await expectErased("erased@b.se", id: 0)
        Fixtures.expectChanged(
            try await store.change(
                ProfileChange(
                    profile: Fixtures.address("gone@b.se", id: 1), at: Fixtures.now, actor: "me",
                    operations: [.erase(Fixtures.erasureID(2), formats: Fixtures.keyFormats, locking: true)])))
        _ = try await store.change(Fixtures.lock("locked@b.se", id: 2))
        func expectTwo() async throws {
            for limit in 1...3 {
                let lines = try await exportedProfiles(limit: limit)
                #expect(lines.map { texts($0) } == [["locked@b.se"], ["open@b.se"]])
                #expect(lines.map(\.profile.state) == [.locked, .open] && lines.map(\.sections.count) == [0, 1])
            }
        }
        try await expectTwo()
        for number in 1...2 { try await receipt(number) }
        try await expectTwo()
    }

    private func boundsProfilePages() async throws {
        try await found()
        let large = String(repeating: "x", count: 4000)
        for id in 1...12 as ClosedRange<Int64> {
            let edits = id == 4 ? [text(1, "small")] : [text(1, large + "\(id)"), text(2, large)]
            try await expectChange(Fixtures.update("p\(id)@b.se", edits, id: id))
        }
        var range = ProfileExportRange(account: 1, bytesMax: 20_000)
        var counts: [Int] = []
        var ids: [Int64] = []
        while true {
            let page = try await store.profiles(of: range)
            counts.append(page.profiles.count)
            ids += page.profiles.map(\.profile.id.value)
            guard let next = page.next else { break }
            range.after = next
        }
        #expect(ids == Array(1...12) && counts.count >= 4 && counts.allSatisfy { 1...4 ~= $0 }, "\(counts)")
        // One that is larger than a page is a page.
        range = ProfileExportRange(account: 1, bytesMax: 1)
        #expect(try await store.profiles(of: range).profiles.count == 1)
    }

    // MARK: While others change

    private func exportsWhileMerging() async throws {
        try await found()
        // Those that were made first stay when two are merged.
        for (seconds, id) in ([50, 10, 40, 20, 30, 60] as [Int64]).enumerated() {
            try await put("k\(id)", at: id, seconds: Int64(seconds))
        }
        let rules = Fixtures.mergeRules
        func key(_ id: Int64) -> String { "k\(id)" }
        var step = 0
        let lines = try await exportedTexts(limit: 1) {
            step += 1
            switch step {
            // 10 was read. 20 comes to it, so both are given again where 20 stands.
            case 1: try await change(key(10), at: 10, .merge(at(key(20), 20), rules))
            // 30 goes to 50, which is ahead.
            case 2: try await change(key(50), at: 50, .merge(at(key(30), 30), rules))
            // 30 was given with 50 as one. It is parted again, and 50 is still given.
            case 3: try await change(key(30), at: 30, .restore)
            // 60 goes to 10, which was read twice.
            case 4: try await change(key(10), at: 10, .merge(at(key(60), 60), rules))
            default: break
            }
        }
        #expect(
            lines == [
                ["k10"], ["k10", "k20"], ["k50", "k30"], ["k40"], ["k50"], ["k10", "k20", "k60"],
            ])
        // Members that were one before the export are given where the first of them stands, and not again when they are parted.
        var parted = false
        let next = try await exportedTexts(limit: 1) {
            if !parted { try await change(key(60), at: 60, .restore) }
            parted = true
        }
        #expect(next == [["k10", "k20", "k60"], ["k30"], ["k40"], ["k50"], ["k60"]])
    }

    private func exportsWhole() async throws {
        try await found()
        let fields: ClosedRange<Int64> = 4...8
        @Sendable func set(_ key: String, _ value: Int64) async throws {
            let edits = fields.map { Fixtures.set($0, .integer(value)) } + [Fixtures.tag(value)]
            _ = try await change(key, [.update(section: 2, edits)], precondition: .none)
        }
        let keys = (0..<24).map { "key\($0)" }
        for key in keys { try await set(key, 1) }
        // The first half is merged, and the second half erased.
        let stays = Set(keys.prefix(12))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (number, key) in keys.enumerated() {
                group.addTask {
                    for value in 2...9 as ClosedRange<Int64> { try await set(key, value * 100 + Int64(number)) }
                }
            }
            group.addTask {
                for round in 0..<30 {
                    let one = keys[round % 12]
                    if round.isMultiple(of: 3) {
                        _ = try await change(one, [.restore])
                    } else {
                        _ = try await merge(one, keys[(round * 5 + 1) % 12])
                    }
                }
            }
            group.addTask {
                for number in 12..<24 {
                    let erase = ProfileChange.Operation.erase(
                        Fixtures.erasureID(number), formats: Fixtures.keyFormats)
                    _ = try await change(keys[number], [erase])
                }
            }
            for limit in [1, 2, 5] {
                group.addTask {
                    for _ in 0..<6 {
                        let lines = try await exportedProfiles(limit: limit) { await Task.yield() }
                        for line in lines {
                            let held = line.sections.first?.fields.filter { $0.field.kind == .attribute } ?? []
                            #expect(held.isEmpty || held.count == fields.count)
                            #expect(held.allSatisfy { $0.value.value == held[0].value.value })
                        }
                        #expect(stays.isSubset(of: lines.flatMap { texts($0) }))
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}

public import OvationCore
import Testing

/// A random life of profiles that are merged, parted, locked and erased, on any number of stores at once, each answer
/// compared with a plain model.
public struct MemberHistory {
    private let seed: UInt64
    private let stores: [any Store]

    public init(seed: UInt64, on stores: [any Store]) {
        (self.seed, self.stores) = (seed, stores)
    }

    public func play(steps: Int) async throws {
        for store in stores { try await store.found(accounts: [1]) }
        var (random, model) = (SeededGenerator(seed: seed), MemberModel())
        var now = Fixtures.now
        for step in 0..<steps {
            now = now.advanced(by: .seconds(1))
            let address = try MemberHistory.address(&random)
            let about: Comment = "seed \(seed), step \(step)"
            if Int.random(in: 0..<5, using: &random) == 0 {
                let batch = try batch(address, now, &random)
                let expected = model.append(batch)
                for store in stores { try #require(try await store.append(batch) == expected, about) }
            } else {
                try await self.change(change(address, now, &random), &model, about)
            }
            for seen in [address, try MemberHistory.address(&random), try MemberHistory.address(&random)] {
                try await compare(seen, model, Int.random(in: 1...5, using: &random), about)
            }
            try await compareSearch(model, about)
            if step.isMultiple(of: 5) {
                try await compareExport(model, limit: Int.random(in: 1...4, using: &random), about)
            }
            for section in 2...3 as ClosedRange<Int64> {
                let expected = model.consentCounts(section)
                for store in stores {
                    try #require(try await store.consentCounts(account: 1, section: section) == expected, about)
                }
            }
        }
        for (id, counts) in model.erased {
            for store in stores {
                try await waitUntil { try await store.erasure(id, account: 1)?.completedAt != nil }
                #expect(try await store.erasure(id, account: 1)?.counts == counts, "seed \(seed)")
            }
        }
    }

    // MARK: Steps

    /// Three e-mail addresses and five other keys; some share a hash.
    private static func address(_ random: inout SeededGenerator) throws -> ProfileAddress {
        let number = Int.random(in: 0..<8, using: &random)
        return number < 3
            ? try Fixtures.address("p\(number)@b.se", id: [3, 5, 5][number])
            : try Fixtures.address("web\(number)", id: [Int64.max - 1, -7, -7, 3, 11][number - 3], keyspace: 4)
    }

    private func batch(
        _ address: ProfileAddress, _ now: Timestamp, _ random: inout SeededGenerator
    ) throws -> EventBatch {
        let times = (0..<Int.random(in: 1...3, using: &random)).map { _ in Int64.random(in: 0..<9, using: &random) }
        return EventBatch(
            profile: address, section: 2, receivedAt: now,
            events: times.enumerated().map { index, time in
                EventBatch.Row(
                    eventTime: Timestamp(milliseconds: time), version: Fixtures.versionID, dataEnd: 2 * (index + 1))
            }, data: Array(String(repeating: "{}", count: times.count).utf8), idempotency: nil)
    }

    private func edits(_ section: Int64, _ random: inout SeededGenerator) -> [ProfileEdit] {
        (0..<Int.random(in: 1...3, using: &random)).map { index in
            // Each section has its own attributes.
            let number = Int64(3 + 2 * index) + 8 * (section - 2)
            if Bool.random(using: &random) { return Fixtures.tag(number, Int.random(in: 0..<3, using: &random) > 0) }
            guard Int.random(in: 0..<3, using: &random) > 0 else { return Fixtures.clear(number) }
            // Attribute 3 tells persons apart: mostly it is the same.
            let value = Int.random(in: 0..<(number == 3 ? 8 : 2), using: &random) == 0 ? "x" : "y"
            return Fixtures.set(number, .string(value))
        }
    }

    private func change(
        _ address: ProfileAddress, _ now: Timestamp, _ random: inout SeededGenerator
    ) throws -> ProfileChange {
        let other = try MemberHistory.address(&random)
        let section = Int64.random(in: 2...3, using: &random)
        var precondition = ProfileChange.Precondition.exists
        let operations: [ProfileChange.Operation]
        switch Int.random(in: 0..<40, using: &random) {
        case 0..<6:
            precondition = .none
            operations = [.update(section: section, edits(section, &random))]
        case 6..<12:
            precondition = [.none, .exists].randomElement(using: &random) ?? .none
            operations = [Fixtures.consents(section: section, &random)]
        case 12..<22:
            precondition = .none
            operations = [.merge(other, Fixtures.mergeRules)]
        case 22..<26: operations = [.restore]
        case 26..<30: operations = [.unmerge]
        case 30..<33: operations = [.addKey(other, Fixtures.mergeRules)]
        case 33..<35: operations = [.removeKey]
        case 35..<38:
            operations = [
                .addKey(other, Fixtures.mergeRules), .update(section: section, edits(section, &random)), .removeKey,
            ]
        case 38 where Int.random(in: 0..<4, using: &random) == 0: operations = [.lock]
        default:
            // A key that is locked for good stays so: in a few lives only.
            let locking = seed.isMultiple(of: 3) && Int.random(in: 0..<3, using: &random) == 0
            operations = [
                .erase(ErasureID(using: &random), formats: Fixtures.keyFormats, locking: locking)
            ]
        }
        return ProfileChange(
            profile: address, at: now, actor: "me", precondition: precondition, operations: operations)
    }

    private func change(_ change: ProfileChange, _ model: inout MemberModel, _ about: Comment) async throws {
        let expected = model.change(change)
        for store in stores {
            let outcome = try await store.change(change)
            if case (.changed(.some), .changed(.some)) = (outcome, expected) { continue }
            if case (.consented, .consented) = (outcome, expected) { continue }
            try #require(outcome == expected, about)
        }
    }

    // MARK: Questions

    private func compare(
        _ address: ProfileAddress, _ model: MemberModel, _ limit: Int, _ about: Comment
    ) async throws {
        let member = model.find(address)
        for store in stores {
            let profile = try await store.profile(.address(address))
            try #require((profile == nil) == (member == nil), about)
            let data = try await store.data(of: address, in: nil)
            if let member, model.members[member].isEmptied {
                try #require(profile?.state == .locked && profile?.keys == [] && data == nil, about)
                try #require(try await store.counts(of: address) == nil, about)
                continue
            }
            try #require(data?.profile == profile, about)
            guard let profile, let data, let member else { continue }
            let expected = model.profile(member)
            try #require(profile.members.map(\.id) == expected.members.map(\.id), about)
            try #require(profile.members.map(\.key) == expected.members.map(\.key), about)
            try #require(profile.members.map(\.createdAt) == expected.members.map(\.createdAt), about)
            try #require(profile.state == expected.state, about)
            if let some = profile.members.last {
                try #require(try await store.profile(.id(some.id, account: 1)) == profile, about)
            }
            try compare(data, model.values(member), about)
            try #require(try await times(store, address, limit) == model.events(member), about)
            try #require(try await changes(store, address, limit) == model.changes(member), about)
            try await compareTimeline(store, address, limit, about)
            let counts = try #require(try await store.counts(of: address))
            try #require(counts.counts.reduce(0) { $0 + Int($1.events) } == model.events(member).count, about)
        }
    }

    /// Attributes 3 and 11 are mapped.
    private func compareSearch(_ model: MemberModel, _ about: Comment) async throws {
        for (section, number) in [(Int64(2), Int64(3)), (3, 11)] {
            for text in ["x", "y"] {
                let expected = model.members.indices.filter { place in
                    let member = model.members[place]
                    return !member.isEmptied && !member.isErased
                        && member.own[section]?[.attribute(number)]?.value == .string(text)
                }
                for store in stores {
                    let found = try await store.profiles(
                        ValueSearch(account: 1, texts: [number: text], isExact: true))
                    try #require(
                        found.matches.map(\.member.value).sorted() == expected.map { model.members[$0].id }.sorted(),
                        about)
                    for match in found.matches {
                        let place = try #require(model.members.firstIndex { $0.id == match.member.value })
                        let profile = model.profile(place)
                        try #require(match.profile.members.map(\.id) == profile.members.map(\.id), about)
                        try #require(match.profile.keys == profile.keys, about)
                    }
                }
            }
        }
    }

    /// Each profile once, by the lowest id of its members.
    private func compareExport(_ model: MemberModel, limit: Int, _ about: Comment) async throws {
        let roots = model.members.indices.filter { place in
            let member = model.members[place]
            return member.parent == nil && !member.isErased && !member.isEmptied
        }
        let expected = roots.map { root in
            (lowest: model.tree(root).map { model.members[$0].id }.min() ?? 0, root: root)
        }.sorted { $0.lowest < $1.lowest }
        for store in stores {
            let lines = try await StoreContract(store).exportedProfiles(limit: limit)
            try #require(lines.count == expected.count, about)
            for (line, (_, root)) in zip(lines, expected) {
                let profile = model.profile(root)
                try #require(line.profile.members.map(\.id) == profile.members.map(\.id), about)
                try #require(line.profile.keys == profile.keys && line.profile.state == profile.state, about)
                try compare(line, profile.state == .locked ? [:] : model.values(root), about)
            }
        }
    }

    private func compare(_ data: ProfileData, _ values: MemberModel.Values, _ about: Comment) throws {
        let expected = values.filter { !$0.value.isEmpty }
        try #require(data.sections.map(\.section) == expected.keys.sorted(), about)
        for section in data.sections {
            let held = expected[section.section] ?? [:]
            try #require(Set(section.fields.map(\.field)) == Set(held.keys), about)
            for field in section.fields {
                try #require(ProfileModel.text(field.value) == ProfileModel.text(held[field.field]?.value), about)
            }
        }
    }

    private func times(_ store: any Store, _ address: ProfileAddress, _ limit: Int) async throws -> [Timestamp] {
        var (times, position): ([Timestamp], EventPosition?) = ([], nil)
        repeat {
            let filter = EventFilter(profile: address, section: 2)
            let page = try #require(try await store.events(filter, after: position, limit: limit))
            times += page.events.map(\.eventTime)
            position = page.next
        } while position != nil
        return times
    }

    private func changes(
        _ store: any Store, _ address: ProfileAddress, _ limit: Int
    ) async throws -> [MemberModel.Row] {
        var filter = ProfileChangeFilter(profile: address, sections: [2, 3], limit: limit)
        var rows: [MemberModel.Row] = []
        repeat {
            let page = try #require(try await store.changes(filter))
            rows += page.changes.map { change in
                MemberModel.Row(
                    kind: change.kind,
                    edits: change.edits.map { MemberModel.edit($0.field, from: $0.from, to: $0.to) })
            }
            filter.before = page.next
        } while filter.before != nil
        return rows
    }

    /// Its pages are all events and all changes of the section, each once, newest first.
    private func compareTimeline(
        _ store: any Store, _ address: ProfileAddress, _ limit: Int, _ about: Comment
    ) async throws {
        var (items, position): ([TimelinePage.Item], TimelinePosition?) = ([], nil)
        let filter = EventFilter(profile: address, section: 2)
        repeat {
            let page = try #require(try await store.timeline(filter, after: position, limit: limit))
            items += page.items
            position = page.next
        } while position != nil
        let events = try #require(try await store.events(filter, after: nil, limit: 1000))
        let changes = try #require(
            try await store.changes(ProfileChangeFilter(profile: address, sections: [2], limit: 1000)))
        let all = events.events.map { TimelinePage.Item.event($0) } + changes.changes.map { .change($0) }
        try #require(items == all.sorted { $0.place > $1.place }, about)
    }
}

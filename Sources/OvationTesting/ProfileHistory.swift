public import OvationCore
import Testing

/// A random life of profiles on any number of stores at once, each answer compared with a plain model.
public struct ProfileHistory {
    /// A store, and the model's number for each of its positions.
    private final class Witness {
        let store: any Store
        private var numbers: [Int64: Int] = [:]

        init(_ store: any Store) { self.store = store }

        /// Positions that were not shown before are learnt.
        func number(_ position: Int64, expected: Int) -> Int {
            if numbers[position] == nil { numbers[position] = expected }
            return numbers[position] ?? 0
        }

        /// Whether positions rise as the model's numbers do.
        var isInOrder: Bool {
            let rising = numbers.sorted { $0.key < $1.key }.map(\.value)
            return rising == rising.sorted() && Set(rising).count == rising.count
        }
    }

    private let seed: UInt64
    private let lifetime: Duration
    private let witnesses: [Witness]

    /// - Parameter lifetime: of idempotency keys in these stores.
    public init(seed: UInt64, on stores: [any Store], lifetime: Duration) {
        self.seed = seed
        self.lifetime = lifetime
        witnesses = stores.map { Witness($0) }
    }

    public func play(steps: Int) async throws {
        for witness in witnesses { try await witness.store.found(accounts: [1, 2]) }
        var (random, model) = (SeededGenerator(seed: seed), ProfileModel(lifetime: lifetime))
        var now = Fixtures.now
        for step in 0..<steps {
            now = now.advanced(by: .seconds(1000 * Int.random(in: 0..<3, using: &random)))
            let address = try ProfileHistory.address(&random)
            let about: Comment = "seed \(seed), step \(step)"
            switch Int.random(in: 0..<20, using: &random) {
            case 0..<5: try await post(try batch(address, now, &random), &model, about)
            case 5: try await delete(address, now, &model, &random)
            case 6: try await change(erasure(address, now, &random), &model, about)
            default: try await change(change(address, now, &random), &model, about)
            }
            for seen in [address, try ProfileHistory.address(&random)] {
                try await compare(seen, model.life(seen), about, &random)
            }
            try await compareSearch(model, about, &random)
            try await compareConsentCounts(model, about)
        }
        try await compareReceipts(model)
        #expect(witnesses.allSatisfy { $0.isInOrder }, "seed \(seed)")
        // Lives were long enough to tell.
        #expect(model.lives.values.contains { $0.changes.count > 2 }, "seed \(seed)")
    }

    // MARK: Steps

    /// One id for two keys of each of two accounts.
    private static func address(_ random: inout SeededGenerator) throws -> ProfileAddress {
        let number = Int.random(in: 0..<6, using: &random)
        return ProfileAddress(
            account: Int.random(in: 0..<4, using: &random) == 0 ? 2 : 1, keyspace: 1,
            key: try ProfileKey("p\(number)@b.se", format: .email),
            foundingID: ProfileID([Int64.max - 1, -7, 3][number / 2]))
    }

    private func idempotency(_ random: inout SeededGenerator) -> Idempotency? {
        guard Int.random(in: 0..<3, using: &random) == 0 else { return nil }
        let (key, print) = (Int.random(in: 0..<6, using: &random), UInt8.random(in: 1...2, using: &random))
        return Idempotency(key: "k\(key)", fingerprint: [print], answer: [UInt8(key), print])
    }

    private func batch(
        _ address: ProfileAddress, _ now: Timestamp, _ random: inout SeededGenerator
    ) throws -> EventBatch {
        let times = (0..<Int.random(in: 0..<3, using: &random)).map { _ in Int64.random(in: 0..<20, using: &random) }
        let rows = times.enumerated().map { index, time in
            EventBatch.Row(
                eventTime: Timestamp(milliseconds: time), version: Fixtures.versionID, dataEnd: 2 * (index + 1))
        }
        return EventBatch(
            profile: address, section: 2, receivedAt: now, events: rows,
            data: Array(repeating: Array("{}".utf8), count: times.count).flatMap { $0 },
            idempotency: idempotency(&random))
    }

    private static let values: [FieldValue] = [
        .string("é"), .string("e\u{301}"), .string(""), .integer(1), .double(1), .boolean(true), .boolean(false),
        .string("A@b.se"), .string("a@b.se"), .integer(46_701_234_567), .string("+46 70 123 45 67"),
    ]

    private func edit(_ field: ProfileField, _ random: inout SeededGenerator) -> ProfileEdit {
        guard Int.random(in: 0..<4, using: &random) > 0 else { return ProfileEdit(field, nil) }
        let value: FieldValue =
            field.kind == .tag ? .boolean(true) : ProfileHistory.values.randomElement(using: &random) ?? .integer(0)
        return ProfileEdit(
            field, ProfileValue(version: field.kind == .tag ? 9 : Int64.random(in: 1...2, using: &random), value: value)
        )
    }

    private func change(
        _ address: ProfileAddress, _ now: Timestamp, _ random: inout SeededGenerator
    ) -> ProfileChange {
        var operations = [Int64(2), 3, 4].shuffled(using: &random).prefix(Int.random(in: 0...2, using: &random)).map {
            section in
            // Each section has its own attributes; the first three of them are mapped.
            let fields =
                (1...4).map { ProfileField.attribute(8 * section + $0) } + (1...3).map { ProfileField.tag($0) }
            let chosen = fields.shuffled(using: &random).prefix(Int.random(in: 0...4, using: &random))
            if Int.random(in: 0..<3, using: &random) == 0 { return Fixtures.consents(section: section, &random) }
            return ProfileChange.Operation.update(section: section, chosen.map { edit($0, &random) })
        }
        if Int.random(in: 0..<15, using: &random) == 0 {
            operations.insert(.lock, at: Int.random(in: 0...operations.count, using: &random))
        }
        let precondition: ProfileChange.Precondition =
            [.none, .none, .exists, .exists, .isNew].randomElement(using: &random) ?? .none
        return ProfileChange(
            profile: address, at: now, actor: "actor \(Int.random(in: 0..<4, using: &random))",
            precondition: precondition, idempotency: idempotency(&random), operations: operations)
    }

    private func erasure(
        _ address: ProfileAddress, _ now: Timestamp, _ random: inout SeededGenerator
    ) -> ProfileChange {
        let precondition: ProfileChange.Precondition = Int.random(in: 0..<5, using: &random) == 0 ? .isNew : .exists
        return ProfileChange(
            profile: address, at: now, actor: "actor", precondition: precondition, idempotency: idempotency(&random),
            operations: [.erase(ErasureID(using: &random), formats: Fixtures.keyFormats)])
    }

    private func post(_ batch: EventBatch, _ model: inout ProfileModel, _ about: Comment) async throws {
        let expected = model.append(batch)
        for witness in witnesses { try #require(try await witness.store.append(batch) == expected, about) }
    }

    private func change(_ change: ProfileChange, _ model: inout ProfileModel, _ about: Comment) async throws {
        let expected = model.change(change)
        for witness in witnesses {
            let outcome = try await witness.store.change(change)
            switch (outcome, expected.number) {
            case (.changed(let position?), let number?), (.consented(let position), let number?):
                switch (outcome, expected.outcome) {
                case (.changed, .changed), (.consented, .consented): break
                default: Issue.record("\(outcome) where \(expected.outcome) is right; \(about)")
                }
                try #require(witness.number(position, expected: number) == number, about)
            default: try #require(outcome == expected.outcome && expected.number == nil, about)
            }
        }
    }

    private func delete(
        _ address: ProfileAddress, _ now: Timestamp, _ model: inout ProfileModel, _ random: inout SeededGenerator
    ) async throws {
        var filter = EventFilter(profile: address, section: 2)
        filter.from = Timestamp(milliseconds: Int64.random(in: 0..<20, using: &random))
        for witness in witnesses {
            _ = try await witness.store.deleteEvents(
                filter, id: nil, recordedAs: { Act(.eventsDeleted, subject: "s", detail: "\($0)") }, at: now, by: "me")
        }
        model.deleteEvents(of: address, from: filter.from ?? now)
    }

    // MARK: Questions

    /// When all is removed.
    private func compareReceipts(_ model: ProfileModel) async throws {
        for (id, account, counts) in model.erased {
            for witness in witnesses {
                try await waitUntil { try await witness.store.erasure(id, account: account)?.completedAt != nil }
                #expect(try await witness.store.erasure(id, account: account)?.counts == counts, "seed \(seed)")
            }
        }
        for account in [Int64(1), 2] {
            let expected = model.erased.filter { $0.account == account }.map(\.id)
            for witness in witnesses {
                let found = try await witness.store.erasures(account: account, before: nil, limit: 1000)
                #expect(found.map(\.id) == expected.reversed(), "seed \(seed)")
            }
        }
    }

    private func compare(
        _ address: ProfileAddress, _ life: ProfileModel.Life?, _ about: Comment, _ random: inout SeededGenerator
    ) async throws {
        let sections = [Int64(2), 3, 4, 5].shuffled(using: &random).prefix(Int.random(in: 0...4, using: &random))
        let isAll = Bool.random(using: &random)
        let limit = Int.random(in: 1...9, using: &random)
        for witness in witnesses {
            let data = try await witness.store.data(of: address, in: isAll ? nil : Array(sections))
            try compare(data, life, isAll ? nil : Set(sections), witness, about)
            let changes = life?.changes.filter { $0.section.map { sections.contains($0) } ?? true }.reversed()
            try await compareChanges(
                ProfileChangeFilter(profile: address, sections: Array(sections), limit: limit),
                changes.map { Array($0) }, witness, about)
            let filter = EventFilter(profile: address, section: 2)
            let events = try await witness.store.events(filter, after: nil, limit: 1000)?.events
            let expected = life?.events.sorted { ($0.time, $0.number) > ($1.time, $1.number) }
            try #require(events?.map(\.eventTime) == expected?.map(\.time), about)
            for (event, its) in zip(events ?? [], expected ?? []) {
                try #require(witness.number(event.id, expected: its.number) == its.number, about)
            }
        }
    }

    /// Keys of the profiles that are found by what they hold, or by its beginning.
    private func compareSearch(
        _ model: ProfileModel, _ about: Comment, _ random: inout SeededGenerator
    ) async throws {
        let texts = ["é", "e\u{301}", "1", "a@b.se", "A@b.se", "46701234567", "a", "4", "e", "+"]
        var asked: [Int64: String] = [:]
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            asked[8 * Int64.random(in: 2...4, using: &random) + Int64.random(in: 1...4, using: &random)] =
                texts.randomElement(using: &random)
        }
        let search = ValueSearch(
            account: Int64.random(in: 1...2, using: &random), texts: asked, isExact: Bool.random(using: &random))
        let expected = model.holders(search).sorted()
        for witness in witnesses {
            let found = try await witness.store.profiles(search)
            let keys = found.matches.map { "\($0.profile.keys[0].text) \($0.attribute)" }
            try #require(keys.sorted() == expected && found.isComplete, about)
        }
    }

    private func compareConsentCounts(_ model: ProfileModel, _ about: Comment) async throws {
        for account in 1...2 as ClosedRange<Int64> {
            for section in 2...4 as ClosedRange<Int64> {
                let expected = model.consentCounts(account: account, section: section)
                for witness in witnesses {
                    let counts = try await witness.store.consentCounts(account: account, section: section)
                    try #require(counts == expected, about)
                }
            }
        }
    }

    private func compare(
        _ data: ProfileData?, _ life: ProfileModel.Life?, _ sections: Set<Int64>?, _ witness: Witness, _ about: Comment
    ) throws {
        try #require(data?.profile.createdAt == life?.createdAt && data?.profile.state == life?.state, about)
        guard let data, let life else { return }
        let held = life.held.filter { !$0.value.isEmpty && sections?.contains($0.key) != false }
        try #require(data.sections.map(\.section) == held.keys.sorted(), about)
        for section in data.sections {
            let expected = (held[section.section] ?? [:]).sorted {
                ($0.key.kind.rawValue, $0.key.number) < ($1.key.kind.rawValue, $1.key.number)
            }
            try #require(section.fields.map(\.field) == expected.map(\.key), about)
            for (field, expected) in zip(section.fields, expected.map(\.value)) {
                try #require(ProfileModel.text(field.value) == ProfileModel.text(expected.value), about)
                try #require(field.setAt == expected.at && field.actor == expected.actor, about)
                try #require(witness.number(field.position, expected: expected.number) == expected.number, about)
            }
        }
    }

    /// Page by page, to the end.
    private func compareChanges(
        _ filter: ProfileChangeFilter, _ expected: [ProfileModel.Change]?, _ witness: Witness, _ about: Comment
    ) async throws {
        var (filter, all) = (filter, [StoredProfileChange]())
        while true {
            let page = try await witness.store.changes(filter)
            try #require((page == nil) == (expected == nil), about)
            guard let page else { return }
            all += page.changes
            guard let next = page.next else { break }
            try #require(page.changes.count == filter.limit && page.changes.last?.position == next, about)
            filter.before = next
        }
        try #require(all.count == expected?.count, about)
        for (change, expected) in zip(all, expected ?? []) {
            try #require(witness.number(change.position, expected: expected.number) == expected.number, about)
            try #require(
                change.kind == expected.kind && change.section == expected.section && change.at == expected.at
                    && change.actor == expected.actor, about)
            try #require(change.edits.map(\.field) == expected.edits.map(\.field), about)
            for (edit, expected) in zip(change.edits, expected.edits) {
                try #require(ProfileModel.text(edit.from) == ProfileModel.text(expected.from), about)
                try #require(ProfileModel.text(edit.to) == ProfileModel.text(expected.to), about)
            }
        }
    }
}

import Foundation
import OvationCore
import OvationSQLite
import OvationTesting
import Testing

@testable import OvationPostgres

/// One random life on both engines, step by step, and every answer compared. Ids may differ and are compared by their
/// order.
@Suite("SQLite and PostgreSQL", .serialized)
struct BothStoresTests {
    /// An account's life on one store.
    private final class Life {
        let store: any Store
        /// Ids in the order in which this store showed them first, which must be the other's too.
        private var eventIDs: [Int64: Int] = [:]
        private(set) var rejectionIDs: [Rejection.ID] = []
        var cursors: [EventPosition?] = [nil]
        var exported: Int64 = 0
        var erasures = 0

        init(_ store: any Store) {
            self.store = store
        }

        func name(_ id: Int64) -> Int {
            eventIDs[id]
                ?? {
                    eventIDs[id] = eventIDs.count
                    return eventIDs.count - 1
                }()
        }

        func id(named name: Int) -> Int64 { eventIDs.first { $0.value == name }?.key ?? Int64.max / 2 }

        func note(rejection id: Rejection.ID) -> Int {
            rejectionIDs.append(id)
            return rejectionIDs.count - 1
        }

        func rejection(named name: Int) -> Rejection.ID {
            rejectionIDs.indices.contains(name) ? rejectionIDs[name] : Int64.max / 2
        }

        func name(rejection id: Rejection.ID) -> Int { rejectionIDs.firstIndex(of: id) ?? -1 }
    }

    /// One step, with everything that chance decides decided.
    private struct Step {
        let what: Int
        let key: String
        let section: Int64
        let versions: [Int64]
        let times: [Int64]
        let data: [String]
        let number: Int
        let flag: Bool
        let other: Bool
        let now: Timestamp

        init(_ random: inout SeededGenerator, now: Timestamp) {
            what = Int.random(in: 0..<30, using: &random)
            // Of two that differ in the end only, one stands where the range of the other's beginning ends.
            key = "p\(Int.random(in: 0..<6, using: &random))@b.s\(Bool.random(using: &random) ? "e" : "f")"
            section = Int64.random(in: 2...3, using: &random)
            let count = Int.random(in: 0..<6, using: &random)
            versions = (0..<count).map { _ in Int64.random(in: 11...13, using: &random) }
            times = (0..<count).map { _ in Int64.random(in: -2...30, using: &random) * 40_000_000 }
            let texts = ["{}", #"{"t":"öäå 😀 \u0000"}"#, #"{"n":1}"#]
            data = (0..<count).map { _ in texts.randomElement(using: &random) ?? "{}" }
            number = Int.random(in: 0..<10, using: &random)
            flag = Bool.random(using: &random)
            other = Bool.random(using: &random)
            self.now = now
        }

        /// One id for four keys, so that profiles collide, and no more of them than SQLite looks for.
        var address: ProfileAddress {
            get throws { try Fixtures.address(key, id: Int64(key.utf8.dropFirst().first ?? 0) % 9) }
        }

        /// The same profile of the account that no test asks about.
        var neighbour: ProfileAddress {
            get throws {
                let own = try address
                return ProfileAddress(account: 2, keyspace: own.keyspace, key: own.key, foundingID: own.foundingID)
            }
        }

        func batch(
            of profile: ProfileAddress? = nil, idempotency: Idempotency? = nil, replayOf: Rejection.ID? = nil
        ) throws -> EventBatch {
            var bytes: [UInt8] = []
            let rows = zip(zip(times, versions), data).map { row, text in
                bytes += text.utf8
                return EventBatch.Row(
                    eventTime: Timestamp(milliseconds: row.0), version: row.1, dataEnd: bytes.count)
            }
            return EventBatch(
                profile: try profile ?? address, section: section, receivedAt: now, events: rows, data: bytes,
                idempotency: idempotency, replayOf: replayOf)
        }

        /// Up to three fields in one section or in two.
        func update(idempotency: Idempotency?) throws -> ProfileChange {
            let values = [nil, FieldValue.string("öäå 😀 \(number % 2)"), .integer(Int64(number % 3)), .double(0.5)]
            func edits(_ section: Int64) -> [ProfileEdit] {
                times.prefix(3).enumerated().map { index, time in
                    // Each section has its own attributes.
                    let field = 8 * section + Int64(index) * 3 + time / 40_000_000 % 2 + 2
                    guard index < 2 else { return Fixtures.tag(field, number.isMultiple(of: 2)) }
                    return ProfileEdit(
                        .attribute(field),
                        values[(number + index) % 4].map { ProfileValue(version: versions[index], value: $0) })
                }
            }
            var operations: [ProfileChange.Operation] = [.update(section: section, edits(section))]
            if number > 6 { operations.append(.update(section: 5 - section, edits(5 - section).reversed())) }
            return ProfileChange(
                profile: try number == 9 ? neighbour : address, at: now, actor: "key \(number % 3)",
                precondition: number < 4 ? .exists : number == 4 ? .isNew : .none, idempotency: idempotency,
                operations: operations)
        }

        /// Of one profile, twice as many keys as a post has.
        func chunk() throws -> EventChunk {
            var profiles: [EventChunk.Profile] = []
            var (keys, rows, bytes): ([UInt8], [EventChunk.Row], [UInt8]) = ([], [], [])
            for index in 0..<4 {
                let start = keys.count
                let key = "p\((number + index) % 9)@b.s\(flag ? "e" : "f")"
                keys += key.utf8
                for (time, text) in zip(times, data) {
                    let from = bytes.count
                    bytes += text.utf8
                    rows.append(
                        EventChunk.Row(
                            eventTime: Timestamp(milliseconds: time), version: 12, data: from..<bytes.count))
                }
                let id = Int64(key.utf8.dropFirst().first ?? 0) % 9
                profiles.append(
                    EventChunk.Profile(
                        keyspace: 1, key: start..<keys.count, foundingID: ProfileID(id), rowsEnd: rows.count))
            }
            return EventChunk(
                account: 1, section: section, receivedAt: now, profiles: profiles, keys: keys, rows: rows, data: bytes,
                idempotency: other ? Idempotency(key: "c\(number)", fingerprint: [1], answer: [UInt8(number)]) : nil)
        }

        var filter: EventFilter {
            get throws {
                var filter = EventFilter(profile: try address, section: section)
                if flag { filter.versions = Array(Set(versions)).sorted() }
                if other, let time = times.first {
                    filter.from = Timestamp(milliseconds: time)
                    // Times are whole steps: an end right behind one, or on one, which it leaves out.
                    filter.to = Timestamp(milliseconds: time + 200_000_000 + Int64(times.count % 2))
                }
                return filter
            }
        }
    }

    @Test("answer alike, whatever comes", arguments: 1...14 as ClosedRange<UInt64>)
    func agree(seed: UInt64) async throws {
        let folder = try TemporaryFolder()
        var limits = seed.isMultiple(of: 2) ? Database.few : Database.crowded
        (limits.rejectionsMax, limits.recentEventsMax) = (12, 32)
        limits.idempotencyLifetime = .seconds(5000)
        let sqlite = try SQLiteStore(testing: folder.path + "/o.sqlite", limits: limits)
        defer { sqlite.close() }
        let database = try Database()
        defer { withExtendedLifetime(database) {} }
        let postgres = try database.open(limits)
        defer { postgres.close() }
        let lives = [Life(sqlite), Life(postgres)]
        let (_, entries) = try Catalogue(account: Fixtures.account).applying(
            Catalogue.founding, at: Fixtures.now, by: "server")
        for life in lives {
            try await life.store.commit(AccountChange(account: Fixtures.account, entries: entries))
            let other = Account(number: 2, name: "Neighbour", createdAt: Fixtures.now)
            try await life.store.commit(AccountChange(account: other, entries: []))
        }
        var random = SeededGenerator(seed: seed)
        var now = Fixtures.now
        for number in 0..<150 {
            // Whole steps, so that bounds of time are met exactly.
            now = now.advanced(by: .seconds(1000 * Int.random(in: 0..<4, using: &random)))
            let step = Step(&random, now: now)
            let answers = [try await answer(lives[0], step), try await answer(lives[1], step)]
            try #require(answers[0] == answers[1], "seed \(seed), step \(number), \(step)")
            let states = [try await state(lives[0], step), try await state(lives[1], step)]
            try #require(states[0] == states[1], "after seed \(seed), step \(number), \(step)")
        }
    }

    @Test("hold what a plain model says, whatever comes", arguments: 1...12 as ClosedRange<UInt64>)
    func hold(seed: UInt64) async throws {
        let folder = try TemporaryFolder()
        var limits = seed.isMultiple(of: 2) ? Database.few : Database.crowded
        limits.idempotencyLifetime = .seconds(5000)
        let sqlite = try SQLiteStore(testing: folder.path + "/o.sqlite", limits: limits)
        defer { sqlite.close() }
        let database = try Database()
        defer { withExtendedLifetime(database) {} }
        let postgres = try database.open(limits)
        defer { postgres.close() }
        try await ProfileHistory(seed: seed, on: [sqlite, postgres], lifetime: .seconds(5000)).play(steps: 120)
    }

    @Test("merge, part and erase profiles as a plain model says", arguments: 1...8 as ClosedRange<UInt64>)
    func merge(seed: UInt64) async throws {
        let folder = try TemporaryFolder()
        let limits = seed.isMultiple(of: 2) ? Database.few : Database.crowded
        let sqlite = try SQLiteStore(testing: folder.path + "/o.sqlite", limits: limits)
        defer { sqlite.close() }
        let database = try Database()
        defer { withExtendedLifetime(database) {} }
        let postgres = try database.open(limits)
        defer { postgres.close() }
        try await MemberHistory(seed: seed, on: [sqlite, postgres]).play(steps: 120)
    }

    // MARK: Steps

    private func answer(_ life: Life, _ step: Step) async throws -> String {
        switch step.what {
        case 0: return "\(try await life.store.append(step.batch(of: step.neighbour)))"
        case 1..<5: return "\(try await life.store.append(step.batch()))"
        case 5..<8: return "\(try await life.store.append(step.batch(idempotency: idempotency(step))))"
        case 8: return "\(try await life.store.append(step.chunk()))"
        case 9..<11:
            var post = Fixtures.refusedPost(key: step.key, section: step.section, receivedAt: step.now)
            post.body = Array((step.data.first ?? "\u{0}ÅB").utf8) + [0xFF]
            return "\(life.note(rejection: try await life.store.keep(post)))"
        case 11..<13:
            let id = life.rejection(named: life.rejectionIDs.count - 1 - step.number)
            let key = step.flag ? idempotency(step) : nil
            return "\(try await life.store.append(step.batch(idempotency: key, replayOf: id)))"
        case 13:
            let id = life.rejection(named: life.rejectionIDs.count - 1 - step.number)
            return "\(try await life.store.dismissRejection(id, account: 1))"
        case 14..<16: return try await delete(life, step)
        case 23: return try await erase(life, step)
        case 24: return try await lock(life, step)
        case 25...: return try await update(life, step)
        case 16:
            return
                "\(String(describing: try await life.store.outcome(account: 1, of: idempotency(step), at: step.now)))"
        case 17..<20: return try await page(life, step)
        case 20..<22: return try await export(life, step)
        default: return try await rejections(life, step)
        }
    }

    private func idempotency(_ step: Step) -> Idempotency {
        Idempotency(key: "k\(step.number)", fingerprint: [step.other ? 1 : 2], answer: [UInt8(step.number)])
    }

    /// Numbers differ, as ids do.
    private func lock(_ life: Life, _ step: Step) async throws -> String {
        let operations: [ProfileChange.Operation] = step.number == 0 ? [] : step.flag ? [.lock] : [.lock, .lock]
        let profile = try step.other ? step.address : step.neighbour
        let change = ProfileChange(profile: profile, at: step.now, actor: "key \(step.number)", operations: operations)
        switch try await life.store.change(change) {
        case .changed: return "changed"
        case .unchanged: return "unchanged"
        case .noProfile: return "no profile"
        case let other: return "\(other)"
        }
    }

    /// With its receipt, when all is removed: until then counts of events fall, on each store in its time.
    private func erase(_ life: Life, _ step: Step) async throws -> String {
        let profile = try step.other ? step.address : step.neighbour
        life.erasures += 1
        let id = Fixtures.erasureID(life.erasures)
        let change = ProfileChange(
            profile: profile, at: step.now, actor: "key \(step.number)",
            idempotency: step.flag ? idempotency(step) : nil, operations: [.erase(id, formats: Fixtures.keyFormats)])
        let outcome = try await life.store.change(change)
        guard case .changed = outcome else { return "\(outcome)" }
        var receipt: Erasure?
        try await waitUntil {
            receipt = try await life.store.erasure(id, account: profile.account)
            return receipt?.completedAt != nil
        }
        guard let receipt else { return "no receipt" }
        return "\(receipt.counts) \(receipt.requestedAt) \(receipt.actor)"
    }

    private func update(_ life: Life, _ step: Step) async throws -> String {
        switch try await life.store.change(step.update(idempotency: step.flag ? idempotency(step) : nil)) {
        case .changed(let position): "changed \(position.map { life.name($0) } ?? -1)"
        case let other: "\(other)"
        }
    }

    /// What a profile holds, and its history page by page.
    private func data(_ life: Life, _ step: Step) async throws -> String {
        let data = try await life.store.data(of: step.address, in: step.flag ? nil : [step.section])
        var lines = (data?.sections ?? []).map { section in
            "\(section.section): "
                + section.fields.map {
                    "\($0.field) \($0.value) \($0.setAt) \($0.actor) \(life.name($0.position))"
                }.joined(separator: ", ")
        }
        var filter = ProfileChangeFilter(
            profile: try step.address, sections: step.other ? [2, 3] : [step.section], limit: step.number + 1)
        repeat {
            let page = try await life.store.changes(filter)
            lines += (page?.changes ?? []).map {
                "\(life.name($0.position)) \($0.kind) \($0.section ?? 0) \($0.at) \($0.actor) \($0.edits)"
            }
            filter.before = page?.next
        } while filter.before != nil
        return "\(data == nil) " + lines.joined(separator: "\n")
    }

    private func delete(_ life: Life, _ step: Step) async throws -> String {
        let id = step.flag ? life.id(named: step.number) : nil
        let deletion = try await life.store.deleteEvents(
            step.filter, id: id, recordedAs: { Act(.eventsDeleted, subject: "s", detail: "\($0)") }, at: step.now,
            by: "me")
        return "\(String(describing: deletion))"
    }

    private func show(_ life: Life, _ event: StoredEvent) -> String {
        "\(life.name(event.id)) \(event.eventTime) \(event.receivedAt) \(event.version) \(event.data)"
    }

    /// One page after another, from where one was left before.
    private func page(_ life: Life, _ step: Step) async throws -> String {
        let position = life.cursors[step.number % life.cursors.count]
        guard let page = try await life.store.events(step.filter, after: position, limit: step.number + 1) else {
            return "nil"
        }
        if let next = page.next, life.cursors.count < 5 { life.cursors.append(next) }
        let next = page.next.map { "\($0.eventTime) \(life.name($0.id))" }
        return page.events.map { show(life, $0) }.joined(separator: "\n") + "\n\(next ?? "end")"
    }

    private func export(_ life: Life, _ step: Step) async throws -> String {
        var range = ExportRange(
            account: 1, section: step.section, after: step.flag ? life.exported : 0,
            versions: step.other ? Set(step.versions) : nil, limit: step.number + 1,
            bytesMax: step.flag ? 30 : 1_000_000)
        if step.number.isMultiple(of: 3), let time = step.times.first {
            (range.from, range.to) = (Timestamp(milliseconds: time), Timestamp(milliseconds: time + 200_000_000))
            if step.other { range.to = Timestamp(milliseconds: time + 200_000_001) }
        }
        var text = ""
        while true {
            let page = try await life.store.events(of: range)
            var start = 0
            for row in page.rows {
                let profile = page.profiles[row.profile]
                let key = String(decoding: page.keys[profile.key], as: UTF8.self)
                let data = String(decoding: page.data[start..<row.dataEnd], as: UTF8.self)
                start = row.dataEnd
                text += "\(life.name(row.id)) \(key) \(profile.keyspace) \(row.eventTime) \(row.version) \(data)\n"
            }
            range.through = range.through ?? page.newest
            guard let next = page.next else { break }
            range.after = next
        }
        if step.other { life.exported = range.through ?? 0 }
        return text
    }

    private func rejections(_ life: Life, _ step: Step) async throws -> String {
        var filter = RejectionFilter(
            account: 1, section: step.flag ? step.section : nil,
            receivedFrom: step.now.advanced(by: .zero - .seconds(1000 * step.number * step.times.count)))
        if step.other { filter.state = step.flag ? .open : .replayed }
        filter.text = [nil, "åb", "B.SE", "\u{0}", "zzz"][step.number % 5]
        let before = step.number < 3 ? life.rejection(named: life.rejectionIDs.count - 1) : nil
        let list = try await life.store.rejections(filter, before: before, limit: 5, bodyBytesMax: 3)
        let open = try await life.store.countOpenRejections(account: 1, from: filter.receivedFrom)
        let shown = list.map {
            "\(life.name(rejection: $0.id)) \($0.post) \($0.bodyBytes) \(String(describing: $0.replayedAt)) "
                + "\(String(describing: $0.replayedTo))"
        }
        return shown.joined(separator: "\n") + "\n\(open)"
    }

    /// What can be asked after every step.
    private func state(_ life: Life, _ step: Step) async throws -> String {
        let address = try step.address
        let events = try await life.store.events(
            EventFilter(profile: address, section: step.section), after: nil, limit: 1000)
        let beginning = [step.key, "p", String(step.key.prefix(2)), ""][step.number % 4]
        let found = try await life.store.profiles(
            ProfileSearch(account: 1, prefixes: [1: beginning], limit: step.times.count + 1, timeMax: .seconds(9)))
        // Of more than were asked for, SQLite gives any.
        let shown = found.isComplete ? "\(found)" : "\(found.profiles.count) of more"
        let log = try await life.store.log(LogRange(account: 1, order: .newestFirst(before: .max), limit: 3))
        let newest = life.rejection(named: life.rejectionIDs.count - 1)
        let rejection = try await life.store.rejection(newest, account: 1)
        let parts: [Any?] = [
            events?.events.map { show(life, $0) }, shown, log, try await life.store.usage(account: 1),
            try await life.store.counts(of: address), try await life.store.profile(.address(address)),
            try await life.store.days(step.filter), try await data(life, step), rejection?.post, rejection?.replayedAt,
            try await life.store.outcome(account: 1, of: idempotency(step), at: step.now),
        ]
        return parts.map { String(describing: $0) }.joined(separator: "\n")
    }
}

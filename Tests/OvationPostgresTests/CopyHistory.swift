import OvationCore
import OvationTesting
import Testing

/// A random life of a store, and everything that can be asked of it.
struct CopyHistory {
    let seed: UInt64
    private static let keys = (0..<9).map { "p\($0)@b.se" }
    /// Of profiles that are one at the end of each life.
    private static let mergedKeys = ["q6@b.se", "q7@b.se", "q8@b.se"]

    /// Of so many accounts; the second has the same keys as the first.
    func play(on store: any Store, steps: Int = 120, accounts: [Int64] = [1]) async throws {
        var random = SeededGenerator(seed: seed)
        for account in accounts { try await found(store, account) }
        for step in 0..<steps {
            let now = Fixtures.now.advanced(by: .seconds(step * 600))
            let account = accounts.randomElement(using: &random) ?? 1
            switch Int.random(in: 0..<16, using: &random) {
            case 0: _ = try await store.keep(refused(step, account, now))
            case 1: try await delete(store, account, now, &random)
            case 2: _ = try await store.append(chunk(step, account, now, &random))
            case 10 where step > 15:
                let key = CopyHistory.keys.randomElement(using: &random) ?? ""
                let profile = try CopyHistory.address(key, account)
                _ = try await store.change(
                    ProfileChange(profile: profile, at: now, actor: "client-\(account)", operations: [.lock]))
            case 8 where step > 15: _ = try await store.change(changeOfKeys(account, now, &random))
            case 9 where step > 15:
                let other = CopyHistory.keys.randomElement(using: &random) ?? ""
                _ = try await store.change(
                    merge(CopyHistory.keys.randomElement(using: &random) ?? "", other, account, now))
            case 11 where step > 15: try await erase(store, account, now, &random)
            case 12...: _ = try await store.change(update(step, account, now, &random))
            case 3:
                let batch = try batch(
                    step, account, now, replayOf: account == 1 ? Int64.random(in: 1...4, using: &random) : nil, &random)
                _ = try await store.append(batch)
            default: _ = try await store.append(batch(step, account, now, replayOf: nil, &random))
            }
        }
        for account in accounts {
            try await endMerged(store, account, &random)
            try await consent(store, account)
        }
    }

    /// A profile with events on all members, one of whose keys was taken from it; and one that is erased.
    private func endMerged(
        _ store: any Store, _ account: Int64, _ random: inout SeededGenerator
    ) async throws {
        let keys = CopyHistory.mergedKeys
        for key in keys + ["q5@b.se"] {
            let address = try CopyHistory.address(key, account)
            let batch = EventBatch(
                profile: address, section: 2, receivedAt: Fixtures.now,
                events: [EventBatch.Row(eventTime: Fixtures.now, version: 12, dataEnd: 2)], data: Array("{}".utf8),
                idempotency: nil)
            _ = try await store.append(batch)
        }
        for key in keys.dropFirst() { _ = try await store.change(merge(key, keys[0], account, Fixtures.now)) }
        _ = try await store.change(
            ProfileChange(
                profile: try CopyHistory.address(keys[2], account), at: Fixtures.now, actor: "client-\(account)",
                operations: [.removeKey]))
        _ = try await store.change(
            ProfileChange(
                profile: try CopyHistory.address("q5@b.se", account), at: Fixtures.now, actor: "client-\(account)",
                operations: [.erase(ErasureID(using: &random), formats: Fixtures.keyFormats)]))
    }

    /// Consents of a section and of the account, one that is lifted, and suppressions of two addresses, one of them lifted.
    private func consent(_ store: any Store, _ account: Int64) async throws {
        let all = ConsentPlace(topic: nil, channel: 1)
        let profile = try CopyHistory.address(CopyHistory.mergedKeys[0], account)
        let no = Consent(.optOut, source: "ü", reason: "said \u{0}so")
        let lift = Lift(source: "", reason: "called back")
        var steps: [(ProfileAddress, Int64, ConsentEdit)] = [
            (profile, 0, ConsentEdit(all, no)), (profile, 2, ConsentEdit(all, no)),
            (profile, 2, ConsentEdit(all, lift)),
            (profile, 3, ConsentEdit(ConsentPlace(topic: 5, channel: 1), no)),
        ]
        for number in 1...2 {
            let address = try CopyHistory.suppressed(number, account)
            steps.append((address, 0, ConsentEdit(all, no)))
            if number == 2 { steps.append((address, 0, ConsentEdit(all, lift))) }
        }
        for (profile, section, edit) in steps {
            let outcome = try await store.change(
                ProfileChange(
                    profile: profile, at: Fixtures.now, actor: "client-\(account)", precondition: .none,
                    operations: [.consent(section: section, [edit])]))
            switch outcome {
            case .consented, .changed: continue
            default: Issue.record("\(outcome)")
            }
        }
    }

    private static func suppressed(_ number: Int, _ account: Int64) throws -> ProfileAddress {
        let key = String(repeating: "\(number)", count: 64)
        let keyspace = Suppression.keyspace(ofChannel: 1)
        return ProfileAddress(
            account: account, keyspace: keyspace, key: try ProfileKey(key, format: .text),
            foundingID: ProfileID(1000 * account + Int64(number)))
    }

    /// All are e-mail addresses, so there are no rules by which they are two persons.
    private func merge(_ one: String, _ other: String, _ account: Int64, _ now: Timestamp) throws -> ProfileChange {
        ProfileChange(
            profile: try CopyHistory.address(one, account), at: now, actor: "client-\(account)", precondition: .none,
            operations: [.merge(try CopyHistory.address(other, account), MergeRules(identities: []))])
    }

    private func changeOfKeys(
        _ account: Int64, _ now: Timestamp, _ random: inout SeededGenerator
    ) throws -> ProfileChange {
        let keys = (0..<2).map { _ in CopyHistory.keys.randomElement(using: &random) ?? "" }
        let other = try CopyHistory.address(keys[1], account)
        let operations = [
            ProfileChange.Operation.unmerge, .restore, .removeKey, .addKey(other, MergeRules(identities: [])),
        ]
        return ProfileChange(
            profile: try CopyHistory.address(keys[0], account), at: now, actor: "client-\(account)",
            operations: [operations.randomElement(using: &random) ?? .unmerge])
    }

    private func found(_ store: any Store, _ number: Int64) async throws {
        let account = Account(number: number, name: "Köp \(number)", createdAt: Fixtures.now)
        let (_, entries) = try Catalogue(account: account).applying(Catalogue.founding, at: Fixtures.now, by: "server")
        var key = APIKey(
            clientID: "client-\(number)", account: number, name: "shop", role: .integration,
            sections: [try Discriminator("com.apsis1.sections.default")],
            keyspaces: [try Discriminator(Fixtures.emailKeyspace): .readWrite], secretHash: [1, 0, 255],
            createdAt: Fixtures.now)
        let other = APIKey(
            clientID: "admin-\(number)", account: number, name: "", role: .admin, sections: nil, keyspaces: nil,
            secretHash: [], previousSecret: APIKey.PreviousSecret(hash: [7], validUntil: Fixtures.now),
            createdAt: Fixtures.now, lastUsedAt: Fixtures.now, settingsHash: [9])
        key.revokedAt = Fixtures.now
        try await store.commit(
            AccountChange(
                account: account, entries: entries, acts: [Fixtures.act("Köp")], apiKeys: [key, other],
                signingKeys: [
                    SigningKey(id: "k\(number)", privateKeyPEM: "PEM", createdAt: Fixtures.now, retiredAt: Fixtures.now)
                ], mapped: MappedAttributes(custom: [20: .text, 28: .email])))
    }

    // MARK: Steps

    /// Few ids for many keys, so that profiles collide; and the ends of all numbers.
    static func address(_ key: String, _ account: Int64) throws -> ProfileAddress {
        let number = Int64(key.utf8.dropFirst().first ?? 0) - 48
        let id = [Int64.min, -1, .max - 1, 3, 3][Int(number % 5)] &+ account &- 1
        return ProfileAddress(
            account: account, keyspace: 1, key: try ProfileKey(key, format: .email), foundingID: ProfileID(id))
    }

    private func batch(
        _ step: Int, _ account: Int64, _ now: Timestamp, replayOf: Rejection.ID?, _ random: inout SeededGenerator
    ) throws -> EventBatch {
        let texts = ["{}", #"{"t":"öäå 😀 \u0000"}"#, #"{"n":1.50,"m":[ ]}"#]
        var (rows, bytes): ([EventBatch.Row], [UInt8]) = ([], [])
        for _ in 0..<Int.random(in: 0..<6, using: &random) {
            bytes += (texts.randomElement(using: &random) ?? "").utf8
            rows.append(
                EventBatch.Row(
                    eventTime: Timestamp(milliseconds: Int64.random(in: -3...30, using: &random) * 40_000_001),
                    version: Int64.random(in: 11...13, using: &random), dataEnd: bytes.count))
        }
        return EventBatch(
            profile: try CopyHistory.address(CopyHistory.keys.randomElement(using: &random) ?? "", account),
            section: Int64.random(in: 2...3, using: &random), receivedAt: now, events: rows, data: bytes,
            idempotency: CopyHistory.idempotency(step), replayOf: replayOf)
    }

    private func update(
        _ step: Int, _ account: Int64, _ now: Timestamp, _ random: inout SeededGenerator
    ) throws -> ProfileChange {
        let values = StoreContract.awkwardValues
        let section = Int64.random(in: 2...3, using: &random)
        let edits = (0..<Int64.random(in: 0..<5, using: &random)).map { place in
            // Each section has its own attributes.
            let field = 8 * section + place
            return Bool.random(using: &random)
                ? Fixtures.set(field, values.randomElement(using: &random) ?? .integer(0))
                : place > 2 ? Fixtures.tag(field) : Fixtures.clear(field)
        }
        return ProfileChange(
            profile: try CopyHistory.address(CopyHistory.keys.randomElement(using: &random) ?? "", account), at: now,
            actor: "client-\(Int.random(in: 1...3, using: &random))", precondition: .none,
            idempotency: CopyHistory.idempotency(step),
            operations: [.update(section: section, edits)])
    }

    static func idempotency(_ step: Int) -> Idempotency {
        Idempotency(key: "ké\(step)", fingerprint: [UInt8(step % 256), 0], answer: step % 3 == 0 ? [] : [0xFF, 0])
    }

    private func chunk(
        _ step: Int, _ account: Int64, _ now: Timestamp, _ random: inout SeededGenerator
    ) throws -> EventChunk {
        let addresses = try CopyHistory.keys.prefix(Int.random(in: 1...9, using: &random)).map {
            try CopyHistory.address($0, account)
        }.sorted { $0.foundingID.value < $1.foundingID.value }
        var profiles: [EventChunk.Profile] = []
        var (keys, rows, data): ([UInt8], [EventChunk.Row], [UInt8]) = ([], [], Array(#"{"a":1}"#.utf8))
        for address in addresses {
            let start = keys.count
            keys += address.key.text.utf8
            rows.append(
                EventChunk.Row(
                    eventTime: Timestamp(milliseconds: Int64(step)), version: 12, data: 0..<data.count))
            profiles.append(
                EventChunk.Profile(
                    keyspace: 1, key: start..<keys.count, foundingID: address.foundingID, rowsEnd: rows.count))
        }
        return EventChunk(
            account: account, section: 2, receivedAt: now, profiles: profiles, keys: keys, rows: rows, data: data,
            idempotency: nil)
    }

    private func refused(_ step: Int, _ account: Int64, _ now: Timestamp) -> RefusedPost {
        var post = Fixtures.refusedPost(key: "a\u{0}b", detail: "NUL \u{0}", receivedAt: now)
        post.account = account
        post.requestID = "r\u{0}\(step)"
        post.body = [0, 0xFF] + Array("body \(step)".utf8)
        return post
    }

    private func delete(
        _ store: any Store, _ account: Int64, _ now: Timestamp, _ random: inout SeededGenerator
    ) async throws {
        let key = CopyHistory.keys.randomElement(using: &random) ?? ""
        var filter = EventFilter(profile: try CopyHistory.address(key, account), section: 2)
        filter.from = Timestamp(milliseconds: Int64.random(in: 0...1_200_000_000, using: &random))
        _ = try await store.deleteEvents(
            filter, id: nil, recordedAs: { Act(.eventsDeleted, subject: "s", detail: "\($0)") }, at: now, by: "me"
        )
    }

    private func erase(
        _ store: any Store, _ account: Int64, _ now: Timestamp, _ random: inout SeededGenerator
    ) async throws {
        let profile = try CopyHistory.address(CopyHistory.keys.randomElement(using: &random) ?? "", account)
        _ = try await store.change(
            ProfileChange(
                profile: profile, at: now, actor: "client-\(account)",
                operations: [.erase(ErasureID(using: &random), formats: Fixtures.keyFormats)]))
    }

    // MARK: Questions

    /// Whatever a store answers, ids and positions included.
    static func answers(of store: any Store, accounts: [Int64] = [1], steps: Int = 120) async throws -> [String] {
        let contents = try await store.load()
        var answers = [
            "\(contents.accounts)", "\(contents.apiKeys)", "\(contents.signingKeys)", "\(contents.serverSecret)",
            "\(contents.definitions.sorted { $0.key < $1.key })",
            "\(try await store.lastSequences().mapValues(\.definitions).sorted { $0.key < $1.key })",
        ]
        for account in accounts {
            answers += try await erasures(store, account)
            answers += try await suppressions(store, account)
            for section in [Int64(2), 3] { answers += try await export(store, account, section) }
            for key in keys + mergedKeys { answers += try await profile(store, try address(key, account)) }
            let found = try await store.profiles(
                ProfileSearch(account: account, prefixes: [1: "p"], limit: 50, timeMax: .seconds(9)))
            let log = try await store.log(LogRange(account: account, order: .oldestFirst(after: 0), limit: 1000))
            answers += ["\(found)", "\(log)", "\(try await store.usage(account: account))"]
            answers += try await rejections(store, account)
            for step in 0..<steps {
                let outcome = try await store.outcome(account: account, of: idempotency(step), at: CopyPlace.end)
                answers.append("\(account) \(step) \(String(describing: outcome))")
            }
        }
        return answers
    }

    /// The list, and the history of each address.
    private static func suppressions(_ store: any Store, _ account: Int64) async throws -> [String] {
        let page = try await store.suppressions(SuppressionFilter(account: account, channel: 1, limit: 9))
        #expect(page.suppressions.count == 1)
        var answers = ["\(page)"]
        for number in 1...2 {
            let address = try suppressed(number, account)
            let changes = try await store.changes(
                ProfileChangeFilter(profile: address, sections: [], kinds: [.consent], limit: 9))
            #expect(changes?.changes.count == number)
            answers.append(String(describing: changes))
        }
        return answers
    }

    /// When all is removed: the copy goes on where the source was.
    private static func erasures(_ store: any Store, _ account: Int64) async throws -> [String] {
        var list: [Erasure] = []
        try await waitUntil {
            list = try await store.erasures(account: account, before: nil, limit: 1000)
            return list.allSatisfy { $0.completedAt != nil }
        }
        return list.map { "\($0.id) \($0.position) \($0.requestedAt) \($0.actor) \($0.counts)" }
    }

    private static func profile(_ store: any Store, _ address: ProfileAddress) async throws -> [String] {
        var answers = [
            String(describing: try await store.profile(.address(address))),
            String(describing: try await store.counts(of: address)),
            String(describing: try await store.data(of: address, in: nil)),
            String(describing: try await store.data(of: address, in: [0])),
            String(
                describing: try await store.changes(
                    ProfileChangeFilter(profile: address, sections: [2, 3], limit: 1000))),
        ]
        for section in [Int64(2), 3] {
            var filter = EventFilter(profile: address, section: section)
            answers.append(String(describing: try await store.days(filter)))
            var position: EventPosition?
            repeat {
                let page = try await store.events(filter, after: position, limit: 4)
                position = page?.next
                answers.append(String(describing: page))
            } while position != nil
            filter.versions = [12]
            answers.append(String(describing: try await store.events(filter, after: nil, limit: 1000)))
        }
        return answers
    }

    private static func export(_ store: any Store, _ account: Int64, _ section: Int64) async throws -> [String] {
        var range = ExportRange(account: account, section: section, after: 0, limit: 7, bytesMax: 1_000_000)
        var lines: [String] = []
        while true {
            let page = try await store.events(of: range)
            var start = 0
            for row in page.rows {
                let profile = page.profiles[row.profile]
                let key = String(decoding: page.keys[profile.key], as: UTF8.self)
                let data = String(decoding: page.data[start..<row.dataEnd], as: UTF8.self)
                start = row.dataEnd
                lines.append(
                    "\(row.id) \(key) \(profile.keyspace) \(row.eventTime) \(row.receivedAt) \(row.version) \(data)")
            }
            guard let next = page.next else { return lines }
            range.after = next
        }
    }

    private static func rejections(_ store: any Store, _ account: Int64) async throws -> [String] {
        let filter = RejectionFilter(account: account, section: nil, receivedFrom: Fixtures.now)
        let list = try await store.rejections(filter, before: nil, limit: 100, bodyBytesMax: 1000)
        return list.map { "\($0)" } + [
            "\(try await store.countOpenRejections(account: account, from: Fixtures.now))"
        ]
    }
}

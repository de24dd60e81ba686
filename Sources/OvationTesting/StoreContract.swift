public import OvationCore
public import Testing

/// What every store must do, whatever engine is behind it. An engine's test target runs each of these on itself.
public struct StoreContract: Sendable {
    public let store: any Store

    public init(_ store: any Store) {
        self.store = store
    }

    /// All of them, so that no engine can forget one.
    public static let checks =
        eventChecks + bulkChecks + profileChecks + profileChangeChecks + profileDataChecks + profileHistoryChecks
        + profileExportChecks
        + erasureChecks + erasureRemovalChecks + memberChecks + lockChecks + valueChecks + consentChecks
        + consentCountChecks
        + suppressionChecks
        + rejectionChecks + causeChecks
        + activityChecks + jobChecks

    private static let eventChecks: [Check] = [
        Check("a new store is empty and has a secret") { try await $0.startsEmpty() },
        Check("definitions and keys come back as they were committed") { try await $0.commitsDefinitions() },
        Check("an API key keeps its rotation and its last use") { try await $0.keepsRotation() },
        Check("the time of a key's last use changes nothing else of it") { try await $0.notesKeyUses() },
        Check("the log is read from either end, with notes or without") { try await $0.readsLog() },
        Check("a commit on an old sequence is refused whole") { try await $0.refusesTakenSequence() },
        Check("an appended event is readable at once, newest first") { try await $0.readsNewestFirst() },
        Check("an unknown profile is nil and not empty") { try await $0.knowsNoProfile() },
        Check("events come back byte for byte") { try await $0.keepsData() },
        Check("pages follow each other without gap or repeat while events arrive") { try await $0.pages() },
        Check("a page of large events ends early, and the next goes on") { try await $0.boundsPages() },
        Check("filters narrow by section, version and time") { try await $0.filters() },
        Check("an idempotency key stores once and repeats its answer") { try await $0.isIdempotent() },
        Check("the same idempotency key with another request is a conflict") { try await $0.findsConflict() },
        Check("an idempotency key is forgotten after its lifetime") { try await $0.forgetsIdempotency() },
        Check("a key that an older version kept answers the same request, and is no conflict to another") {
            try await $0.knowsFormerKeys()
        },
        Check("two keys with one founding id are two profiles") { try await $0.survivesCollision() },
        Check("deleting removes, logs and never gives an id again") { try await $0.deletes() },
        Check("many posts at once are all stored, in order of each caller") { try await $0.appendsConcurrently() },
        Check("a batch without events stores nothing and makes no profile") { try await $0.ignoresEmptyBatch() },
        Check("check() writes and reads") { try await $0.store.check() },
    ]

    public struct Check: Sendable, CustomTestStringConvertible {
        public let name: String
        private let body: @Sendable (StoreContract) async throws -> Void

        init(_ name: String, _ body: @escaping @Sendable (StoreContract) async throws -> Void) {
            self.name = name
            self.body = body
        }

        public var testDescription: String { name }

        public func run(on store: any Store) async throws {
            try await body(StoreContract(store))
        }
    }

    /// An account to belong to: profiles refer to it.
    func found() async throws {
        let (_, entries) = try Catalogue(account: Fixtures.account).applying(
            Catalogue.founding, at: Fixtures.now, by: "server")
        try await store.commit(AccountChange(account: Fixtures.account, entries: entries))
    }

    func filter(_ key: String, section: Int64 = 2) throws -> EventFilter {
        EventFilter(profile: try Fixtures.address(key), section: section)
    }

    func page(_ filter: EventFilter, limit: Int = 100) async throws -> EventPage {
        try #require(try await store.events(filter, after: nil, limit: limit))
    }
}

// MARK: - Definitions

extension StoreContract {
    private func startsEmpty() async throws {
        let contents = try await store.load()
        #expect(contents.accounts.isEmpty && contents.apiKeys.isEmpty && contents.signingKeys.isEmpty)
        #expect(contents.serverSecret.count == 32)
        #expect(try await store.load().serverSecret == contents.serverSecret)
    }

    private func commitsDefinitions() async throws {
        let (catalogue, entries) = try Catalogue(account: Fixtures.account).applying(
            Catalogue.founding, at: Fixtures.now, by: "server")
        var random = SeededGenerator(seed: 7)
        let plan = try catalogue.plan(toReach: Fixtures.model(), at: Fixtures.now, using: &random)
        let (_, more) = try catalogue.applying(plan.changes, at: Fixtures.now, by: "someone")
        let key = APIKey(
            clientID: "752cdd05-75e0-4f8a-bd08-62e3df753ff3", account: 1, name: "Shop", role: .integration,
            sections: [try Discriminator(Fixtures.section)],
            keyspaces: [try Discriminator(Fixtures.emailKeyspace): .read], secretHash: [1, 2, 255],
            createdAt: Fixtures.now)
        let signingKey = SigningKey(id: "k1", privateKeyPEM: "PEM", createdAt: Fixtures.now)
        try await store.commit(
            AccountChange(
                account: Fixtures.account, entries: entries, apiKeys: [key], signingKeys: [signingKey]))
        try await store.commit(AccountChange(account: Fixtures.account, entries: more))

        let contents = try await store.load()
        #expect(contents.accounts == [Fixtures.account])
        #expect(contents.definitions[1] == entries + more)
        #expect(contents.lastSequences[1] == AccountSequences(definitions: Int64(entries.count + more.count), keys: 1))
        #expect(contents.apiKeys == [key])
        #expect(contents.signingKeys == [signingKey])
        #expect(
            try await store.log(LogRange(account: 1, order: .oldestFirst(after: 5), limit: 2))
                == (entries + more)[5..<7].map { entry in
                    AuditEntry(
                        number: entry.sequence, at: entry.at, actor: entry.actor, content: .definition(entry.change))
                })

        var revoked = key
        revoked.revokedAt = Fixtures.now
        try await store.commit(AccountChange(account: Fixtures.account, entries: [], apiKeys: [revoked]))
        #expect(try await store.load().apiKeys == [revoked])
    }

    private func keepsRotation() async throws {
        try await found()
        var key = APIKey(
            clientID: "k", account: 1, name: "n", role: .admin, sections: nil, keyspaces: nil, secretHash: [1],
            createdAt: Fixtures.now)
        func saved() async throws -> APIKey? {
            try await store.commit(AccountChange(account: Fixtures.account, entries: [], apiKeys: [key]))
            return try await store.load().apiKeys.first
        }
        #expect(try await saved() == key)
        key.previousSecret = APIKey.PreviousSecret(hash: [0, 255], validUntil: Fixtures.now)
        key.secretHash = [2]
        key.lastUsedAt = Fixtures.now.advanced(by: .seconds(1))
        #expect(try await saved() == key)
        key.previousSecret = nil
        #expect(try await saved() == key)
    }

    private func notesKeyUses() async throws {
        try await found()
        var key = APIKey(
            clientID: "k", account: 1, name: "n", role: .admin, sections: nil, keyspaces: nil, secretHash: [1],
            createdAt: Fixtures.now)
        try await store.commit(AccountChange(account: Fixtures.account, entries: [], apiKeys: [key]))
        // Somebody else revoked it meanwhile.
        key.revokedAt = Fixtures.now
        try await store.commit(AccountChange(account: Fixtures.account, entries: [], apiKeys: [key]))
        let (early, late) = (Fixtures.now, Fixtures.now.advanced(by: .seconds(60)))
        for time in [late, early] {
            try await store.commit(
                AccountChange(account: Fixtures.account, entries: [], keyUses: ["k": time, "nobody": time]))
        }
        key.lastUsedAt = late
        #expect(try await store.load().apiKeys == [key])
        // That is no change of keys which others would have to read.
        #expect(try await store.lastSequences() == [1: AccountSequences(definitions: 6, keys: 2)])
    }

    private func readsLog() async throws {
        try await found()
        let acts = (0..<3).map { Fixtures.act("\($0)") }
        try await store.commit(AccountChange(account: Fixtures.account, entries: [], acts: acts))
        // With acts between them, definitions go on as if there were none.
        let change = CatalogueChange.section(.renamed(BuiltIn.sections[0].discriminator, name: "N"))
        let renamed = LogEntry(sequence: 7, at: Fixtures.now, actor: "b", change: change)
        try await store.commit(
            AccountChange(account: Fixtures.account, entries: [renamed], acts: [Fixtures.act("last")]))
        func numbers(
            _ order: LogRange.Order, limit: Int = 100, account: Int64 = 1, definitions: Bool = false
        ) async throws -> [Int64] {
            let range = LogRange(account: account, order: order, limit: limit, isDefinitionsOnly: definitions)
            return try await store.log(range).map(\.number)
        }
        #expect(try await numbers(.oldestFirst(after: 0)) == Array(1...11))
        #expect(try await numbers(.oldestFirst(after: 8)) == [9, 10, 11])
        #expect(try await numbers(.oldestFirst(after: 3), limit: 5) == [4, 5, 6, 7, 8])
        #expect(try await numbers(.newestFirst(before: .max)) == (1...11).reversed())
        #expect(try await numbers(.newestFirst(before: 8), limit: 3) == [7, 6, 5])
        #expect(try await numbers(.newestFirst(before: 1)) == [])
        #expect(try await numbers(.oldestFirst(after: 4), definitions: true) == [5, 6, 10])
        #expect(try await numbers(.newestFirst(before: .max), limit: 2, definitions: true) == [10, 6])
        #expect(try await numbers(.newestFirst(before: 6), limit: 2, definitions: true) == [5, 4])
        #expect(try await numbers(.oldestFirst(after: 0), limit: 0) == [])
        #expect(try await numbers(.oldestFirst(after: 0), account: 2) == [])
        let newest = try await store.log(LogRange(account: 1, order: .oldestFirst(after: 8), limit: 3))
        #expect(
            newest == [
                AuditEntry(number: 9, at: acts[2].at, actor: acts[2].actor, content: .act(acts[2].act)),
                AuditEntry(number: 10, at: Fixtures.now, actor: "b", content: .definition(change)),
                AuditEntry(number: 11, at: Fixtures.now, actor: "someone", content: .act(Fixtures.act("last").act)),
            ])
        #expect(try await store.load().definitions[1]?.map(\.sequence) == Array(1...7))
        #expect(try await store.lastSequences() == [1: AccountSequences(definitions: 7)])
    }

    private func refusesTakenSequence() async throws {
        try await found()
        let key = APIKey(
            clientID: "k", account: 1, name: "n", role: .admin, sections: nil, keyspaces: nil, secretHash: [1],
            createdAt: Fixtures.now)
        let change = CatalogueChange.section(.renamed(BuiltIn.sections[0].discriminator, name: "N"))
        let stale = LogEntry(sequence: 3, at: Fixtures.now, actor: "a", change: change)
        await #expect(throws: StoreFailure(.sequenceTaken, "")) {
            try await store.commit(
                AccountChange(
                    account: Fixtures.account, entries: [stale], acts: [Fixtures.act("a")], apiKeys: [key]))
        }
        // Of two who read the same keys, the second is told so. What it wanted to do is not done, and not noted.
        try await store.commit(
            AccountChange(
                account: Fixtures.account, entries: [], acts: [Fixtures.act("b")], apiKeys: [key], keysBefore: 0))
        let signingKey = SigningKey(id: "k1", privateKeyPEM: "PEM", createdAt: Fixtures.now)
        for before in [Int64(0), 2] {
            await #expect(throws: StoreFailure(.sequenceTaken, "")) {
                try await store.commit(
                    AccountChange(
                        account: Fixtures.account, entries: [], acts: [Fixtures.act("c")], signingKeys: [signingKey],
                        keysBefore: before))
            }
        }
        let contents = try await store.load()
        #expect(contents.apiKeys == [key] && contents.signingKeys.isEmpty)
        #expect(contents.lastSequences == [1: AccountSequences(definitions: 6, keys: 1)])
        let log = try await store.log(LogRange(account: 1, order: .oldestFirst(after: 6), limit: 10))
        #expect(log.map(\.subject) == ["b"])
    }
}

// MARK: - Events

extension StoreContract {
    private func readsNewestFirst() async throws {
        try await found()
        // Equal times: the later arrival is the newer one.
        #expect(try await store.append(Fixtures.batch("a@b.se", times: [20, 10, 20])) == .stored)
        let events = try await page(filter("a@b.se")).events
        #expect(events.map(\.eventTime.milliseconds) == [20, 20, 10])
        #expect(events[0].id > events[1].id)
        #expect(events.allSatisfy { $0.receivedAt == Fixtures.now && $0.version == Fixtures.versionID })
    }

    private func knowsNoProfile() async throws {
        try await found()
        #expect(try await store.events(filter("nobody@b.se"), after: nil, limit: 1) == nil)
        let deletion = try await store.deleteEvents(
            filter("nobody@b.se"), id: nil, recordedAs: { _ in Act(.eventsDeleted, subject: "", detail: "") },
            at: Fixtures.now, by: "a")
        #expect(deletion == nil)
    }

    private func keepsData() async throws {
        try await found()
        let texts = [
            #"{"t":"öäå 😀 \u0000 \" \\","n":-9223372036854775808,"d":1e-300,"b":true}"#, "{}",
            #"{"t":"\#(String(repeating: "x", count: 100_000))"}"#,
        ]
        for (index, text) in texts.enumerated() {
            _ = try await store.append(Fixtures.batch("a@b.se", times: [Int64(index)], data: text))
        }
        #expect(try await page(filter("a@b.se")).events.map(\.data) == texts.reversed())
    }

    private func pages() async throws {
        try await found()
        _ = try await store.append(Fixtures.batch("a@b.se", times: (0..<250).map { $0 / 7 }))
        var seen: [Int64] = []
        var position: EventPosition?
        repeat {
            let page = try #require(try await store.events(filter("a@b.se"), after: position, limit: 40))
            seen += page.events.map(\.id)
            position = page.next
            // Newer ones belong before the first page and must not disturb the next.
            _ = try await store.append(Fixtures.batch("a@b.se", times: [1000]))
        } while position != nil
        #expect(seen.count == 250 && Set(seen).count == 250)
        #expect(try await page(filter("a@b.se"), limit: 7).events.allSatisfy { $0.eventTime.milliseconds == 1000 })
    }

    private func boundsPages() async throws {
        try await found()
        let data = "{\"t\":\"" + String(repeating: "x", count: 90_000) + "\"}"
        for time in 0..<30 { _ = try await store.append(Fixtures.batch("a@b.se", times: [Int64(time)], data: data)) }
        var position: EventPosition?
        var times: [Int64] = []
        repeat {
            let page = try #require(try await store.events(filter("a@b.se"), after: position, limit: 1000))
            #expect(page.events.count <= 12)
            times += page.events.map(\.eventTime.milliseconds)
            position = page.next
        } while position != nil
        #expect(times == (0..<30).reversed())
    }

    private func filters() async throws {
        try await found()
        _ = try await store.append(Fixtures.batch("a@b.se", times: [1, 2, 3], version: 11))
        _ = try await store.append(Fixtures.batch("a@b.se", times: [2, 4], version: 12))
        _ = try await store.append(Fixtures.batch("a@b.se", times: [9], version: 11, section: 3))
        func times(_ change: (inout EventFilter) -> Void) async throws -> [Int64] {
            var filter = try filter("a@b.se")
            change(&filter)
            return try await page(filter).events.map(\.eventTime.milliseconds)
        }
        #expect(try await times { _ in } == [4, 3, 2, 2, 1])
        #expect(try await times { $0.section = 3 } == [9])
        #expect(try await times { $0.versions = [12] } == [4, 2])
        #expect(try await times { $0.versions = [] } == [])
        #expect(try await times { $0.from = Timestamp(milliseconds: 2) } == [4, 3, 2, 2])
        #expect(try await times { $0.to = Timestamp(milliseconds: 3) } == [2, 2, 1])
        #expect(
            try await times { filter in
                filter.from = Timestamp(milliseconds: 2)
                filter.to = Timestamp(milliseconds: 4)
                filter.versions = [11]
            } == [3, 2])
    }

    private func survivesCollision() async throws {
        try await found()
        for key in ["a@b.se", "c@d.se", "e@f.se"] {
            _ = try await store.append(Fixtures.batch(key, times: [Int64(key.utf8.first!)], id: 42))
        }
        for key in ["a@b.se", "c@d.se", "e@f.se"] {
            let filter = EventFilter(profile: try Fixtures.address(key, id: 42), section: 2)
            #expect(try await page(filter).events.map(\.eventTime.milliseconds) == [Int64(key.utf8.first!)])
        }
    }

    private func deletes() async throws {
        try await found()
        _ = try await store.append(Fixtures.batch("a@b.se", times: [1, 2, 3]))
        let newest = try await page(filter("a@b.se")).events[0]
        func delete(_ change: (inout EventFilter) -> Void = { _ in }, id: Int64? = nil) async throws -> Deletion? {
            var filter = try filter("a@b.se")
            change(&filter)
            return try await store.deleteEvents(
                filter, id: id,
                recordedAs: { Act(.eventsDeleted, subject: "s", detail: "\($0)") }, at: Fixtures.now, by: "me")
        }
        #expect(try await delete(id: newest.id)?.count == 1)
        #expect(try await delete(id: newest.id) == Deletion(count: 0, entry: nil))
        #expect(try await delete { $0.to = Timestamp(milliseconds: 2) }?.count == 1)
        #expect(try await page(filter("a@b.se")).events.map(\.eventTime.milliseconds) == [2])
        let entries = try await store.log(LogRange(account: 1, order: .oldestFirst(after: 6), limit: 10))
        #expect(entries.map(\.kind) == ["events.deleted", "events.deleted"])
        #expect(entries.map(\.number) == [7, 8])
        // For other servers there is nothing to read.
        let contents = try await store.load()
        #expect(contents.definitions[1]?.count == 6)
        #expect(contents.lastSequences[1] == AccountSequences(definitions: 6))

        _ = try await store.append(Fixtures.batch("a@b.se", times: [9]))
        #expect(try await page(filter("a@b.se")).events[0].id > newest.id)
    }

    private func appendsConcurrently() async throws {
        try await found()
        let store = store
        try await withThrowingTaskGroup(of: Void.self) { group in
            for caller in 0..<16 {
                group.addTask {
                    for number in 0..<25 {
                        let batch = try Fixtures.batch(
                            "c\(caller)@b.se", times: [1], data: "{\"n\":\(number)}")
                        #expect(try await store.append(batch) == .stored)
                    }
                }
            }
            try await group.waitForAll()
        }
        for caller in 0..<16 {
            let data = try await page(filter("c\(caller)@b.se")).events.map(\.data)
            #expect(data == (0..<25).reversed().map { "{\"n\":\($0)}" })
        }
    }

    private func ignoresEmptyBatch() async throws {
        try await found()
        #expect(try await store.append(Fixtures.batch("a@b.se", times: [])) == .stored)
        #expect(try await store.events(filter("a@b.se"), after: nil, limit: 1) == nil)
    }
}

// MARK: - Idempotency

extension StoreContract {
    private func isIdempotent() async throws {
        try await found()
        let key = Idempotency(key: "k", fingerprint: [1, 2], answer: Array("{}".utf8))
        #expect(try await store.outcome(account: 1, of: key, at: Fixtures.now) == nil)
        let batch = try Fixtures.batch("a@b.se", times: [1, 2], idempotency: key)
        #expect(try await store.append(batch) == .stored)
        #expect(try await store.append(batch) == .duplicate(answer: Array("{}".utf8)))
        #expect(try await page(filter("a@b.se")).events.count == 2)
        let replayed = AppendOutcome.duplicate(answer: Array("{}".utf8))
        #expect(try await store.outcome(account: 1, of: key, at: Fixtures.now) == replayed)

        let empty = Idempotency(key: "empty", fingerprint: [3], answer: [])
        let other = try Fixtures.batch("a@b.se", times: [3], idempotency: empty)
        #expect(try await store.append(other) == .stored)
        #expect(try await store.append(other) == .duplicate(answer: []))
    }

    private func findsConflict() async throws {
        try await found()
        let first = Idempotency(key: "k", fingerprint: [1], answer: [])
        let second = Idempotency(key: "k", fingerprint: [2], answer: [])
        _ = try await store.append(Fixtures.batch("a@b.se", times: [1], idempotency: first))
        let outcome = try await store.append(Fixtures.batch("a@b.se", times: [2], idempotency: second))
        #expect(outcome == .conflict)
        #expect(try await store.outcome(account: 1, of: second, at: Fixtures.now) == .conflict)
        #expect(try await page(filter("a@b.se")).events.count == 1)
    }

    private func knowsFormerKeys() async throws {
        try await found()
        func key(_ sent: String, _ fingerprint: UInt8, section: Int64 = 2) -> Idempotency {
            Idempotency(sent, of: "client", section: section, fingerprint: [fingerprint], answer: [])
        }
        let former = Idempotency(key: "k", fingerprint: [1], answer: [7])
        #expect(try await store.append(Fixtures.batch("a@b.se", times: [1], idempotency: former)) == .stored)
        #expect(try await store.outcome(account: 1, of: key("k", 1), at: Fixtures.now) == .duplicate(answer: [7]))
        #expect(try await store.outcome(account: 1, of: key("k", 2), at: Fixtures.now) == nil)
        let same = try Fixtures.batch("a@b.se", times: [1], idempotency: key("k", 1))
        #expect(try await store.append(same) == .duplicate(answer: [7]))
        let late = Fixtures.now.advanced(by: .seconds(25 * 3600))
        #expect(try await store.outcome(account: 1, of: key("k", 1), at: late) == nil)
        // Another request is not a repeat, and from then on owns the key.
        let other = try Fixtures.batch("a@b.se", times: [2], idempotency: key("k", 2))
        #expect(try await store.append(other) == .stored)
        #expect(try await store.append(other) == .duplicate(answer: []))
        #expect(try await store.append(Fixtures.batch("a@b.se", times: [3], idempotency: key("k", 3))) == .conflict)
        let elsewhere = try Fixtures.batch("a@b.se", times: [4], idempotency: key("k", 4, section: 3))
        #expect(try await store.append(elsewhere) == .stored)
        #expect(try await page(filter("a@b.se")).events.count == 3)
    }

    private func forgetsIdempotency() async throws {
        try await found()
        let key = Idempotency(key: "k", fingerprint: [1], answer: [])
        func append(hours: Int) async throws -> AppendOutcome {
            let at = Fixtures.now.advanced(by: .seconds(hours * 3600))
            return try await store.append(
                Fixtures.batch("a@b.se", times: [1], receivedAt: at, idempotency: key))
        }
        #expect(try await append(hours: 0) == .stored)
        #expect(try await append(hours: 23) == .duplicate(answer: []))
        #expect(try await append(hours: 25) == .stored)
        #expect(try await append(hours: 26) == .duplicate(answer: []))
    }
}

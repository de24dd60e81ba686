import Foundation
import GRDB
import Logging
import OvationCore
import OvationTesting
import Testing

@testable import OvationSQLite

@Suite("SQLite: damage")
struct DamageTests {
    private let folder: TemporaryFolder
    private var path: String { folder.path + "/ovation.sqlite" }
    private let keys = (0..<10).map { "p\($0)@example.com" }

    init() throws { folder = try TemporaryFolder() }

    /// Everything that can be asked of a store; what cannot be given is not compared.
    private struct Answers {
        var given: [String: String] = [:]
        var refused: [String: StoreFailure.Code] = [:]

        mutating func ask(_ question: String, _ answer: () async throws -> String) async throws {
            do {
                given[question] = try await answer()
            } catch let failure as StoreFailure {
                refused[question] = failure.code
            }
        }
    }

    private func answers(_ store: SQLiteStore) async throws -> Answers {
        var answers = Answers()
        for key in keys {
            let address = try Fixtures.address(key)
            let filter = EventFilter(profile: address, section: 2)
            try await answers.ask("events of \(key)") {
                text(of: try await store.events(filter, after: nil, limit: 1000)?.events)
            }
            try await answers.ask("counts of \(key)") {
                let counts = try await store.counts(of: address)
                return (counts?.counts ?? []).map { "\($0.version) \($0.events) \($0.newest.milliseconds)" }.joined()
            }
            try await answers.ask("days of \(key)") {
                (try await store.days(filter) ?? []).map { "\($0.day) \($0.events)" }.joined(separator: ",")
            }
            try await answers.ask("data of \(key)") {
                "\(try await store.data(of: address, in: nil)?.sections ?? [])"
            }
            try await answers.ask("changes of \(key)") {
                "\(try await store.changes(ProfileChangeFilter(profile: address, sections: [2, 3], limit: 99))?.changes ?? [])"
            }
            try await answers.ask("profile \(key)") {
                let profile = try await store.profile(.address(address))
                return "\(profile?.id.value ?? 0) \(profile?.keys.map(\.text) ?? [])"
            }
        }
        try await answers.ask("definitions") {
            let contents = try await store.load()
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            let log = try encoder.encode(contents.definitions[1]?.map(\.change))
            let keys = contents.apiKeys.map { "\($0.clientID) \($0.secretHash)" }
            return "\(contents.accounts.map(\.name)) \(log.hashValue) \(keys) \(contents.serverSecret)"
        }
        try await answers.ask("usage") {
            try await store.usage(account: 1).map { "\($0.version) \($0.events)" }.joined(separator: ",")
        }
        try await answers.ask("refused posts") {
            let filter = RejectionFilter(account: 1, section: nil, receivedFrom: Timestamp(milliseconds: 0))
            return try await store.rejections(filter, before: nil, limit: 100, bodyBytesMax: 400)
                .map { "\($0.id) \($0.post.detail) \($0.post.body)" }.joined(separator: ",")
        }
        try await answers.ask("export") {
            let range = ExportRange(account: 1, section: 2, limit: 10_000, bytesMax: 1 << 20)
            return String(decoding: try await store.events(of: range).data, as: UTF8.self)
        }
        try await answers.ask("search") {
            let search = ProfileSearch(account: 1, prefixes: [1: "p"], limit: 50, timeMax: .seconds(60))
            return try await store.profiles(search).profiles.map { "\($0.id.value) \($0.keys[0].text)" }.joined()
        }
        return answers
    }

    private func text(of events: [StoredEvent]?) -> String {
        (events ?? []).map { "\($0.id) \($0.eventTime.milliseconds) \($0.version) \($0.data)" }.joined(separator: ",")
    }

    private func fill() async throws {
        let store = try SQLiteStore(testing: path, limits: SQLiteStoreTests.crowded)
        try await store.foundWithDefinitions()
        for round in 0..<12 {
            for (number, key) in keys.enumerated() {
                let data = "{\"myTextField\":\"\(round) of \(key)\"}"
                _ = try await store.append(
                    Fixtures.batch(key, times: [Int64(round * 1000 + number)], data: data))
                let edits = [
                    Fixtures.set(Int64(round % 5), .string("\(key) \(round)")),
                    Fixtures.tag(Int64(round % 4), round < 6),
                ]
                _ = try await store.change(Fixtures.update(key, edits, section: Int64(2 + number % 2)))
            }
        }
        for number in 0..<5 { _ = try await store.keep(Fixtures.refusedPost(detail: "refused \(number)")) }
        store.close()
    }

    @Test("no byte that is wrong gives a wrong answer, and a deep look finds what is refused")
    func givesNothingWrong() async throws {
        try await fill()
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        let state = try Data(contentsOf: URL(fileURLWithPath: path + ".state"))
        let open = { try SQLiteStore(testing: path, limits: SQLiteStoreTests.crowded) }
        let store = try open()
        let expected = try await answers(store)
        store.close()
        #expect(expected.refused.isEmpty)
        let seed = UInt64.random(in: 0..<1_000_000)
        var random = SeededGenerator(seed: seed)
        var (refusedStarts, refusedAnswers, unseen) = (0, 0, 0)
        for round in 0..<200 {
            let position = Int.random(in: 0..<whole.count, using: &random)
            var damaged = whole
            damaged[position] ^= UInt8.random(in: 1...255, using: &random)
            try damaged.write(to: URL(fileURLWithPath: path))
            try state.write(to: URL(fileURLWithPath: path + ".state"))
            let about: Comment = "seed \(seed), round \(round), byte \(position)"
            let isFound = SQLiteDoctor.findings(path: path, isDeep: true).contains { !$0.isGood }
            let store: SQLiteStore
            do {
                store = try open()
            } catch {
                #expect(isFound, about)
                refusedStarts += 1
                continue
            }
            let found = try await answers(store)
            store.close()
            for (question, answer) in found.given { #expect(answer == expected.given[question], about) }
            #expect(found.refused.values.allSatisfy { $0 == .damaged }, about)
            if found.refused.isEmpty { unseen += 1 } else { #expect(isFound, about) }
            refusedAnswers += found.refused.isEmpty ? 0 : 1
        }
        // The test does not read bytes of free pages, of idempotency keys and the like.
        #expect(refusedStarts + refusedAnswers > 50, "\(refusedStarts), \(refusedAnswers), \(unseen), seed \(seed)")
    }

    @Test("a damaged event is named, and posts to other profiles are stored all the same")
    func namesTheEvent() async throws {
        try await fill()
        var whole = try Data(contentsOf: URL(fileURLWithPath: path))
        let text = Data("5 of p7@example.com".utf8)
        let place = try #require(whole.range(of: text))
        whole[place.lowerBound] = UInt8(ascii: "6")
        try whole.write(to: URL(fileURLWithPath: path))
        let store = try SQLiteStore(testing: path, limits: SQLiteStoreTests.crowded)
        let filter = EventFilter(profile: try Fixtures.address("p7@example.com"), section: 2)
        let failure = try await #require(throws: StoreFailure.self) {
            _ = try await store.events(filter, after: nil, limit: 100)
        }
        #expect(failure.code == .damaged)
        #expect(failure.subject?.hasPrefix("event ") == true)
        for number in 0..<40 {
            let key = "new\(number)@example.com"
            #expect(try await store.append(Fixtures.batch(key, times: [1])) == .stored)
            let filter = EventFilter(profile: try Fixtures.address(key), section: 2)
            #expect(try await store.events(filter, after: nil, limit: 10)?.events.count == 1)
        }
        store.close()
        let findings = SQLiteDoctor.findings(path: path, isDeep: true).filter { !$0.isGood }.map(\.text)
        #expect(findings.contains { $0.contains("cannot be read") }, "\(findings)")
    }

    @Test("a store of an earlier version gets its checksums at the first start, and nothing else changes")
    func upgrades() async throws {
        let older = try DatabaseQueue(path: path)
        try Schema.migrator.migrate(older, upTo: "003 timelines in sorted runs")
        try await older.write { database in
            try database.execute(
                sql: """
                    INSERT INTO account VALUES (1, 'one', 0);
                    INSERT INTO profile VALUES (-10, 1, 1, 'a@b.se', 0, NULL);
                    INSERT INTO event VALUES (1, -10, 2, 500, 1000, 11, '{"a":1}'), (2, -10, 2, 600, 1000, 11, '{"a":2}');
                    INSERT INTO version_usage VALUES (1, 11, 2, 1000);
                    """)
        }
        try older.close()
        let store = try SQLiteStore(testing: path)
        let filter = EventFilter(profile: try Fixtures.address("a@b.se", id: -10), section: 2)
        #expect(
            try await store.events(filter, after: nil, limit: 10)?.events.map(\.data) == [#"{"a":2}"#, #"{"a":1}"#])
        store.close()
        let header = try #require(StoreHeader([UInt8](Data(contentsOf: URL(fileURLWithPath: path)).prefix(100))))
        #expect(header.isSealed)
        let rights = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(rights == 0o600)
        #expect(SQLiteDoctor.findings(path: path, isDeep: true).allSatisfy { $0.isGood })
    }

    /// The newest event is read before a start notes that the store is open, refused posts are read after it.
    @Test(
        "a start that is refused for damage is refused again, and gives the damage no checksum",
        arguments: ["11 of p9@example.com", "refused 3"])
    func staysDamaged(_ text: String) async throws {
        try await fill()
        var whole = try Data(contentsOf: URL(fileURLWithPath: path))
        let place = try #require(whole.range(of: Data(text.utf8), options: .backwards))
        whole[place.lowerBound] ^= 1
        try whole.write(to: URL(fileURLWithPath: path))
        for _ in 0..<3 {
            let failure = try #require(throws: StoreFailure.self) {
                try SQLiteStore(testing: path, limits: SQLiteStoreTests.crowded)
            }
            #expect(failure.message.contains("is damaged"))
            #expect(SQLiteDoctor.findings(path: path, isDeep: true).contains { !$0.isGood })
        }
    }

    @Test("a mount point is read from the table of mounts as it is written there")
    func readsMounts() {
        let table = """
            22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
            40 22 254:0 /home/o.sqlite /data/o.sqlite rw - ext4 /dev/vda rw
            41 22 254:0 /a /with\\040a\\011blank\\134 rw shared:1 - ext4 /dev/vda rw
            """
        #expect(StoreFile.mountPoints(table) == ["/", "/data/o.sqlite", "/with a\tblank\\"])
    }

    @Test("the state beside a store is what was written, or nothing")
    func readsState() {
        let state = StoreState(
            id: "0123", isOpen: true, generation: 7, logSalts: LogSalts(first: 1, second: .max),
            progress: StoreProgress(event: .max, logEntry: 5, rejection: 6))
        #expect(StoreState(encoded: state.encoded) == state)
        var closed = state
        (closed.isOpen, closed.logSalts) = (false, nil)
        #expect(StoreState(encoded: closed.encoded) == closed)
        for byte in 0..<StoreState.size {
            var damaged = state.encoded
            damaged[byte] ^= 0x10
            #expect(StoreState(encoded: damaged) == nil)
        }
        #expect(StoreState(encoded: Array(state.encoded.dropLast())) == nil)
    }
}

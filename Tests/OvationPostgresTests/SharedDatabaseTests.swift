import Foundation
import Logging
import OvationCore
import OvationTesting
import Testing

@testable import OvationPostgres

/// Several servers on one database, and databases that cannot be used.
@Suite("PostgresStore: shared and refused databases", .serialized)
struct SharedDatabaseTests {
    private let database: Database

    init() throws {
        database = try Database()
    }

    private func events(_ store: PostgresStore, _ key: String) async throws -> [StoredEvent] {
        let filter = EventFilter(profile: try Fixtures.address(key), section: 2)
        return try await store.events(filter, after: nil, limit: 1000)?.events ?? []
    }

    @Test("servers that start at once make the tables once")
    func startTogether() async throws {
        let database = database
        let secrets = try await withThrowingTaskGroup(of: [UInt8].self) { group in
            for _ in 0..<4 {
                group.addTask {
                    let store = try database.open()
                    defer { store.close() }
                    return try await store.load().serverSecret
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(Set(secrets).count == 1)
        #expect(try database.query("SELECT count(*) FROM migration") == "\(Schema.migrations.count)")
    }

    @Test("rejections that an older version kept get their cause when a server is started")
    func fillsCauses() async throws {
        var store: PostgresStore?
        try await StoreContract.fillsCauses(
            opening: {
                let opened = try database.open()
                store = opened
                return opened
            }, closing: { _ in store?.close() }
        ) { _ in
            _ = try database.query(
                "UPDATE rejection SET cause = NULL, item_codes = NULL, event_types = NULL")
        }
    }

    @Test("a cause that two servers replay at once is stored once, and each says what it stored")
    func replaysACauseOnce() async throws {
        let stores = [try database.open(), try database.open()]
        defer { for store in stores { store.close() } }
        try await stores[0].found()
        var ids: [Rejection.ID] = []
        for _ in 0..<40 { ids.append(try await stores[0].keep(Fixtures.refusedPost())) }
        let outcomes = try await withThrowingTaskGroup(of: AppendOutcome.self) { group in
            for id in ids {
                for store in stores {
                    group.addTask { try await store.append(Fixtures.batch("a@b.se", times: [1, 2, 3], replayOf: id)) }
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes.count { $0 == .stored } == 40 && outcomes.count { $0 == .notOpen } == 40)
        var events: Set<Int64> = []
        for id in ids {
            let runs = try #require(try await stores[1].rejection(id, account: 1)).replayedEvents
            for run in runs { events.formUnion(run) }
        }
        #expect(events.count == 120)
        #expect(try await self.events(stores[0], "a@b.se").allSatisfy { events.contains($0.id) })
    }

    @Test("what one server acknowledged, the other reads at once, and ids rise in the order of arrival")
    func readsEachOther() async throws {
        let stores = [try database.open(), try database.open()]
        defer { for store in stores { store.close() } }
        try await stores[0].found()
        for number in 0..<20 {
            let batch = try Fixtures.batch("a@b.se", times: [7], data: "{\"n\":\(number)}")
            #expect(try await stores[number % 2].append(batch) == .stored)
            #expect(try await events(stores[1 - number % 2], "a@b.se").count == number + 1)
        }
        #expect(try await events(stores[0], "a@b.se").map(\.data) == (0..<20).reversed().map { "{\"n\":\($0)}" })
        #expect(try await stores[1].usage(account: 1).map(\.events) == [20])
    }

    @Test("events are counted over all servers, and over their starts")
    func countsTogether() async throws {
        let minute = Activity.minute(of: Fixtures.now)
        func expect(_ store: PostgresStore, _ counts: Activity.Counts) async throws {
            let activity = try await store.activity(account: 1, in: minute...minute)
            #expect(activity.minutes == [minute: counts] && activity.since == Fixtures.now)
        }
        for round in 0..<3 {
            // The second opens later, by another clock; the first one's time is everybody's.
            let later = Fixtures.now.advanced(by: .seconds(Int64(round)))
            let stores = [try database.open(), try database.open(now: later)]
            defer { for store in stores { store.close() } }
            if round == 0 { try await stores[0].found() }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<40 {
                    let batch = try Fixtures.batch("a\(number % 7)@b.se", times: [Int64(number)])
                    group.addTask { _ = try await stores[number % 2].append(batch) }
                    guard number % 4 == 0 else { continue }
                    group.addTask { _ = try await stores[number % 2].keep(Fixtures.refusedPost()) }
                }
                try await group.waitForAll()
            }
            for store in stores {
                let rounds = Int64(round + 1)
                try await expect(store, Activity.Counts(accepted: 40 * rounds, refused: 10 * rounds))
            }
        }
    }

    @Test("an idempotency key stores once, whichever servers it reaches at the same moment")
    func sharesIdempotency() async throws {
        let stores = [try database.open(), try database.open(), try database.open()]
        defer { for store in stores { store.close() } }
        try await stores[0].found()
        for round in 0..<20 {
            let key = Idempotency(key: "k\(round)", fingerprint: [1], answer: [UInt8(round)])
            let outcomes = try await withThrowingTaskGroup(of: AppendOutcome.self) { group in
                for (index, store) in stores.enumerated() {
                    // The same key with different profiles as well, so that it meets itself in different lanes.
                    let batch = try Fixtures.batch("p\(round % 2 == 0 ? 0 : index)@b.se", times: [1], idempotency: key)
                    group.addTask { try await store.append(batch) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(outcomes.filter { $0 == .stored }.count == 1, "\(outcomes)")
            #expect(outcomes.filter { $0 == .duplicate(answer: [UInt8(round)]) }.count == 2, "\(outcomes)")
        }
        #expect(try await stores[0].usage(account: 1).map(\.events) == [20])
    }

    @Test("servers that make the same new profiles at once make each once")
    func sharesProfiles() async throws {
        let stores = [try database.open(Database.crowded), try database.open()]
        defer { for store in stores { store.close() } }
        try await stores[0].found()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<60 {
                for (index, store) in stores.enumerated() {
                    // Few ids, so that many keys collide.
                    let key = index == 0 ? nil : Idempotency(key: "\(number)", fingerprint: [1], answer: [])
                    let batch = try Fixtures.batch(
                        "k\(number % 20)@b.se", times: [1], id: Int64(number % 20 % 5), idempotency: key)
                    group.addTask {
                        let outcome = try await store.append(batch)
                        #expect(outcome == .stored)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try database.query("SELECT count(*), count(DISTINCT key) FROM profile") == "20|20")
        let found = try await stores[0].profiles(
            ProfileSearch(account: 1, prefixes: [1: ""], limit: 50, timeMax: .seconds(9)))
        #expect(found.profiles.count == 20)
        for number in 0..<20 {
            let address = try Fixtures.address("k\(number)@b.se", id: Int64(number % 5))
            #expect(try await stores[1].counts(of: address)?.counts.map(\.events) == [6])
        }
    }

    @Test("the second of two changes of definitions on one number is refused")
    func ordersChanges() async throws {
        let stores = [try database.open(), try database.open()]
        defer { for store in stores { store.close() } }
        let (_, entries) = try Catalogue(account: Fixtures.account).applying(
            Catalogue.founding, at: Fixtures.now, by: "server")
        let change = AccountChange(account: Fixtures.account, entries: entries)
        let results = await withTaskGroup(of: Bool.self) { group in
            for store in stores {
                group.addTask {
                    do throws(StoreFailure) {
                        try await store.commit(change)
                        return true
                    } catch {
                        #expect(error.code == .sequenceTaken)
                        return false
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(results.filter { $0 }.count == 1)
        #expect(try await stores[0].load().definitions[1] == entries)
    }

    @Test("an export that goes on from the newest event it saw leaves out nothing, however many servers write")
    func exportsEverything() async throws {
        let stores = [try database.open(), try database.open(Database.crowded)]
        defer { for store in stores { store.close() } }
        try await stores[0].found()
        let posts = 120
        let seen = try await withThrowingTaskGroup(of: [Int64].self) { group in
            for (index, store) in stores.enumerated() {
                for poster in 0..<3 {
                    group.addTask {
                        for number in 0..<posts {
                            let key = "p\(index)-\(poster)-\(number % 7)@b.se"
                            _ = try await store.append(Fixtures.batch(key, times: [1, 2]))
                        }
                        return []
                    }
                }
            }
            group.addTask { try await Self.follow(stores[0], until: 2 * 3 * posts * 2) }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(seen.count == 2 * 3 * posts * 2 && Set(seen).count == seen.count && seen == seen.sorted())
    }

    /// Ids as they come, one export after the other.
    private static func follow(_ store: PostgresStore, until count: Int) async throws -> [Int64] {
        var seen: [Int64] = []
        var after: Int64 = 0
        while seen.count < count {
            let range = ExportRange(account: 1, section: 2, after: after, limit: 50, bytesMax: 1_000_000)
            let first = try await store.events(of: range)
            var (page, rest) = (first, range)
            seen += page.rows.map(\.id)
            rest.through = first.newest
            while let next = page.next {
                rest.after = next
                page = try await store.events(of: rest)
                seen += page.rows.map(\.id)
            }
            after = first.newest
        }
        return seen
    }

    // MARK: Databases that cannot be used

    private func refusal(_ target: String) -> StoreFailure? {
        do throws(StoreFailure) {
            let store = try PostgresStore(
                connection: target, limits: Database.few,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            store.close()
            return nil
        } catch {
            return error
        }
    }

    @Test("a database of a newer version is left as it is")
    func refusesNewer() async throws {
        try database.open().close()
        _ = try database.query("INSERT INTO migration (number, name) VALUES (999, 'the future')")
        let failure = try #require(refusal(database.target))
        #expect(failure.code == .unusable && failure.message.contains("newer Ovation"))
    }

    @Test("a user without rights is told what is missing, and a database that is not there is named")
    func refusesWithoutRights() async throws {
        _ = try database.query("CREATE ROLE guest\(getpid()) LOGIN")
        defer { _ = try? database.query("DROP ROLE guest\(getpid())") }
        // The last one counts.
        let guest = database.target + " user=guest\(getpid())"
        let rights = try #require(refusal(guest))
        #expect(rights.message.contains("permission denied") && rights.message.contains("grant it CREATE"))
        let nowhere = try #require(refusal(database.target + " dbname=nowhere"))
        #expect(nowhere.message.contains("nowhere") && nowhere.message.contains("does not exist"))
    }

    @Test("a database in another encoding is refused")
    func refusesEncoding() async throws {
        let name = "latin\(getpid())"
        _ = try database.server.query("CREATE DATABASE \(name) ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
        defer { _ = try? database.server.query("DROP DATABASE \(name)") }
        let failure = try #require(refusal(database.target + " dbname=\(name)"))
        #expect(failure.code == .unusable && failure.message.contains("UTF8"))
    }

    @Test("a database that only reads is told apart, and starts to work when it may write")
    func refusesReadOnly() async throws {
        let store = try database.open()
        defer { store.close() }
        try await store.found()
        let name = String(database.target.split(separator: " ")[1].dropFirst("dbname=".count))
        // From another database: on Citus it is then meant for the coordinator alone.
        _ = try database.server.query("ALTER DATABASE \(name) SET default_transaction_read_only = on")
        _ = try database.server.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '\(name)'")
        let batch = try Fixtures.batch("a@b.se", times: [1])
        do throws(StoreFailure) {
            _ = try await store.append(batch)
            Issue.record("it cannot be stored")
        } catch {
            #expect(error.code == .unavailable && error.message.contains("only reads"), "\(error)")
        }
        _ = try database.server.query("ALTER DATABASE \(name) RESET default_transaction_read_only")
        try await Self.eventually {
            do throws(StoreFailure) {
                return try await store.append(batch) == .stored
            } catch {
                return false
            }
        }
        #expect(try await events(store, "a@b.se").count == 1)
    }

    static func eventually(_ condition: () async throws -> Bool) async throws {
        try await waitUntil(condition)
    }
}

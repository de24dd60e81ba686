import Logging
import OvationCore
import OvationTesting
import Synchronization
import Testing

@testable import OvationPostgres

@Suite("PostgresStore: notices between servers", .serialized)
struct NoticeTests {
    /// Takes what a store tells.
    private struct Ear: Sendable {
        private let stream: AsyncStream<Void>

        init(_ store: PostgresStore) {
            stream = store.changes
        }

        /// Waits. false: it will tell nothing any more.
        func hears() async -> Bool {
            for await _ in stream { return true }
            return false
        }
    }

    /// Changes the definitions of account 1, as any edit does.
    private func change(_ store: PostgresStore, by entries: Int = 1) async throws {
        let last = try await store.lastSequences()[1]?.definitions ?? 0
        let change = CatalogueChange.section(.renamed(BuiltIn.sections[0].discriminator, name: "s"))
        let changes = (1...Int64(entries)).map {
            LogEntry(sequence: last + $0, at: Fixtures.now, actor: "me", change: change)
        }
        try await store.commit(AccountChange(account: Fixtures.account, entries: changes))
    }

    @Test("a change is heard of by every server that listens, its own included", .timeLimit(.minutes(30)))
    func tellsAll() async throws {
        let database = try Database()
        let stores = [try database.open(), try database.open(), try database.open()]
        defer { for store in stores { store.close() } }
        let ears = stores.map { Ear($0) }
        // The first is for what went by before there was a connection.
        for ear in ears { #expect(await ear.hears()) }
        for round in 0..<6 {
            try await change(stores[round % 3])
            for ear in ears { #expect(await ear.hears()) }
        }
    }

    @Test("a connection that was lost is made again, and what was missed meanwhile counts", .timeLimit(.minutes(30)))
    func comesBack() async throws {
        let database = try Database()
        let stores = [try database.open(), try database.open()]
        defer { for store in stores { store.close() } }
        let ear = Ear(stores[1])
        #expect(await ear.hears())
        let name = String(database.target.split(separator: " ")[1].dropFirst("dbname=".count))
        for _ in 0..<3 {
            let listening = "FROM pg_stat_activity WHERE datname = '\(name)' AND query LIKE 'LISTEN%'"
            try await SharedDatabaseTests.eventually {
                try database.server.query("SELECT count(*) \(listening)") == "1"
            }
            _ = try database.server.query("SELECT pg_terminate_backend(pid) \(listening)")
            #expect(await ear.hears(), "there is a connection again")
            try await change(stores[0])
            #expect(await ear.hears())
        }
    }

    @Test(
        "nothing listens before somebody wants to know, and a closed store ends what it told", .timeLimit(.minutes(30)))
    func ends() async throws {
        let database = try Database()
        let store = try database.open()
        let name = String(database.target.split(separator: " ")[1].dropFirst("dbname=".count))
        let count = "SELECT count(*) FROM pg_stat_activity WHERE datname = '\(name)' AND query LIKE 'LISTEN%'"
        try await store.check()
        #expect(try database.server.query(count) == "0")
        let ear = Ear(store)
        #expect(await ear.hears())
        #expect(try database.server.query(count) == "1")
        store.close()
        #expect(await !ear.hears())
        #expect(await !Ear(store).hears())
        #expect(try database.server.query(count) == "0")
    }
}

import OvationCore
import OvationTesting
import Testing

@testable import OvationPostgres

/// What a page of an export of profiles asks of the database.
@Suite("PostgresStore: exports of profiles")
struct ProfileExportTests {
    @Test("a page takes five round trips at most, however many profiles it has, and leaves no transaction behind")
    func sharesRoundTrips() async throws {
        let database = try Database()
        let store = try database.open()
        defer { store.close() }
        try await store.found()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<1000 {
                group.addTask {
                    let edits = [Fixtures.set(4, .integer(Int64(number))), Fixtures.tag(1)]
                    _ = try await store.change(Fixtures.update("p\(number)@b.se", edits, id: Int64(number * 2)))
                }
            }
            try await group.waitForAll()
        }
        let connection = try Session.open(ConnectionTarget(database.target), for: .reading, patience: .seconds(9))
        func cost(isSpread: Bool = false, limit: Int = 1000) throws -> [Int] {
            let before = connection.roundTrips
            let range = ProfileExportRange(account: 1, limit: limit)
            let page = try ProfileExportRows.page(connection, range, isSpread: isSpread)
            defer { try? connection.rollBackIfNeeded() }
            return [page.profiles.count, connection.roundTrips - before]
        }
        #expect(try cost() == [1000, 4])
        // On Citus the rows are read once more, before the snapshot begins.
        #expect(try cost(isSpread: true) == [1000, 5])
        #expect(try cost(limit: 3) == [3, 4])
        // Of a merged one, members stand elsewhere.
        let web = try Fixtures.address("web", id: 5000, keyspace: 4)
        try await Fixtures.expectChanged(
            store.change(
                ProfileChange(
                    profile: Fixtures.address("p0@b.se", id: 0), at: Fixtures.now, actor: "me",
                    operations: [.merge(web, Fixtures.mergeRules)])))
        #expect(try cost(limit: 3) == [3, 5])
        #expect(try cost() == [1000, 5])
        let page = try await store.profiles(of: ProfileExportRange(account: 1))
        #expect(page.profiles.count == 1000 && page.profiles[0].profile.keys.count == 2)
    }
}

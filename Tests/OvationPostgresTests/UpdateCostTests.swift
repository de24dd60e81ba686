import OvationCore
import OvationRows
import OvationTesting
import Testing

@testable import OvationPostgres

/// What a group asks of the database to change what profiles hold.
@Suite("PostgresStore: the cost of updates", .serialized)
struct UpdateCostTests {
    private let database: Database
    private let store: PostgresStore
    private let connection: PostgresConnection
    private let memory: LaneMemory

    init() async throws {
        database = try Database()
        store = try database.open()
        try await store.found()
        connection = try Session.open(ConnectionTarget(database.target), for: .writing, patience: .seconds(9))
        memory = LaneMemory(limits: Database.few, forgetting: store.forgetting)
        memory.forgetProfiles(stateNumber: try connection.run(ChangeSQL.stateNumber).int64(0, 0))
    }

    private struct Told {
        let cost: [Int]
        let outcomes: [ProfileChangeOutcome?]
    }

    /// Runs changes as a group of a lane, which answers nobody.
    private func run(_ changes: [ProfileChange], isSpread: Bool = false) async throws -> Told {
        var writes: [QueuedWrite] = []
        for change in changes { writes.append(.change(change, NobodyWaits())) }
        let before = (connection.roundTrips, connection.statements)
        let group = GroupTransaction(
            writes, on: connection, slot: 9000, isSpread: isSpread, memory, Database.few)
        try group.run()
        return Told(
            cost: [connection.roundTrips - before.0, connection.statements - before.1],
            outcomes: changes.indices.map { group.changeOutcomes[$0] })
    }

    private func updates(_ edits: [ProfileEdit], keys: Int = 20) throws -> [ProfileChange] {
        try (0..<keys).map { try Fixtures.update("p\($0)@b.se", edits) }
    }

    @Test("updates of a group share its two round trips, and a third where a value may be the same as before")
    func sharesRoundTrips() async throws {
        defer { store.close() }
        // Looks for old refused posts once.
        _ = try await run(updates([], keys: 1))
        // Begin, the lock, the members, the rows, which attributes are mapped, the numbers, the number of the transaction, profiles
        // made and found; changes, rows and commit.
        #expect(try await run(updates([Fixtures.set(5, .integer(1))])).cost == [2, 12])
        // The profiles are known by now.
        #expect(try await run(updates([Fixtures.set(5, .integer(2)), Fixtures.set(6, .integer(1))])).cost == [2, 10])
        #expect(try await run(updates([Fixtures.set(5, .integer(2)), Fixtures.set(6, .integer(3))])).cost == [3, 11])
        let same = try await run(updates([Fixtures.set(5, .integer(2)), Fixtures.clear(7)]))
        #expect(same.cost == [3, 9] && same.outcomes.allSatisfy { $0 == .unchanged })
        let exists = try updates([Fixtures.set(5, .integer(9))]).map {
            ProfileChange(profile: $0.profile, at: $0.at, actor: "me", precondition: .exists, operations: $0.operations)
        }
        #expect(try await run(exists).cost == [2, 9])
    }

    @Test(
        "values of default attributes that are mapped take one statement more, and a round trip where they are overwritten"
    )
    func writesValues() async throws {
        defer { store.close() }
        _ = try await run(updates([], keys: 1))
        _ = try await run(updates([Fixtures.tag(1)]))
        // Which they are is known without asking. The values are added.
        #expect(try await run(updates([Fixtures.set(3, .string("a"))])).cost == [2, 10])
        // What was there is read; it goes, and the new one is added.
        #expect(try await run(updates([Fixtures.set(3, .string("b"))])).cost == [3, 12])
        #expect(try await run(updates([Fixtures.clear(3)])).cost == [3, 11])
        #expect(try await run(updates([Fixtures.clear(3)])).cost == [2, 7])
    }

    @Test("where the tables are spread, profiles are looked for before the transaction, and made last")
    func spread() async throws {
        defer { store.close() }
        let change = try Fixtures.update("a@b.se", [Fixtures.tag(1)], precondition: .isNew)
        let made = try await run([change], isSpread: true)
        #expect(made.outcomes.allSatisfy(isChanged))
        memory.forgetProfiles(stateNumber: 0)
        #expect(try await run([change], isSpread: true).outcomes == [.exists])
        let none = try Fixtures.update("b@b.se", [Fixtures.clear(1)])
        #expect(try await run([none], isSpread: true).outcomes == [.changed(position: nil)])
        #expect(try await run([none], isSpread: true).outcomes == [.unchanged])
        memory.forgetProfiles(stateNumber: 0)
        #expect(try await run([none], isSpread: true).outcomes == [.unchanged])
        let missing = try Fixtures.update("c@b.se", [Fixtures.tag(1)], precondition: .exists)
        #expect(try await run([missing], isSpread: true).outcomes == [.noProfile])
        #expect(try await store.data(of: Fixtures.address("a@b.se"), in: nil)?.sections.map(\.section) == [2])
    }

    private func isChanged(_ outcome: ProfileChangeOutcome?) -> Bool {
        if case .changed(_?)? = outcome { true } else { false }
    }

    @Test("a page of changes is read in few round trips, by the longest history of a field")
    func readsTogether() async throws {
        defer { store.close() }
        for number in 0..<12 {
            // One field has twelve changes, and each of the others one.
            let edits = [Fixtures.set(1, .integer(Int64(number))), Fixtures.tag(Int64(number))]
            _ = try await store.change(Fixtures.update("a@b.se", edits))
        }
        for number in 0..<40 {
            _ = try await store.change(Fixtures.update("b@b.se", [Fixtures.tag(Int64(number))]))
        }
        let before = connection.roundTrips
        for key in ["a@b.se", "b@b.se"] {
            _ = try ProfileDataRows.data(connection, of: Fixtures.address(key), in: nil)
        }
        #expect(connection.roundTrips == before + 4)
        // Where all fields are of the page, they are read at once.
        let all = try ProfileDataRows.changes(
            connection, ProfileChangeFilter(profile: Fixtures.address("b@b.se"), sections: [2], limit: 50))
        #expect(all?.changes.count == 40 && all?.next == nil)
        #expect(connection.roundTrips == before + 6)
        // And what was there before.
        let page = try ProfileDataRows.changes(
            connection, ProfileChangeFilter(profile: Fixtures.address("a@b.se"), sections: [2], limit: 5))
        #expect(page?.changes.count == 5 && page?.next != nil)
        #expect(connection.roundTrips <= before + 9)
    }
}

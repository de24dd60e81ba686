import Foundation
import OvationCore
import OvationRows
import OvationTesting
import Testing

@testable import OvationPostgres

/// What a group does where Citus spreads the tables, looked at on a PostgreSQL that has no Citus: most test runs have none.
@Suite("PostgresStore: groups of spread tables", .serialized)
struct SpreadGroupTests {
    private let database: Database

    init() throws {
        // The test reads its log, so no other test may use it.
        database = try Database(server: PostgresServer())
    }

    private func run(_ batch: EventBatch, on connection: PostgresConnection) async throws {
        let memory = LaneMemory(
            limits: Limits(), forgetting: SharedForgetting(Forgetting(noted: nil, limits: Limits())))
        let write = QueuedWrite.append(batch, NobodyWaits())
        try GroupTransaction([write], on: connection, slot: 0, isSpread: true, memory, Limits()).run()
    }

    /// - Returns: what became of it.
    private func run(_ change: ProfileChange, on connection: PostgresConnection) async throws -> ProfileChangeOutcome? {
        let memory = LaneMemory(
            limits: Limits(), forgetting: SharedForgetting(Forgetting(noted: nil, limits: Limits())))
        memory.forgetProfiles(stateNumber: try connection.run(ChangeSQL.stateNumber).int64(0, 0))
        let write = QueuedWrite.change(change, NobodyWaits())
        let group = GroupTransaction([write], on: connection, slot: 0, isSpread: true, memory, Limits())
        try group.run()
        return group.changeOutcomes[0]
    }

    /// Names of the statements that groups of one write each ran, in their order.
    private func statements(_ work: (PostgresConnection) async throws -> Void) async throws -> [String] {
        let target = try ConnectionTarget(database.target)
        let name = database.target.split(separator: " ")[1].dropFirst("dbname=".count)
        try database.server.query("ALTER DATABASE \(name) SET log_statement = 'all'")
        let connection = try Session.open(target, for: .writing, patience: .seconds(15))
        try await work(connection)
        let log = try database.server.query("SELECT pg_read_file(current_setting('data_directory') || '/../log')")
        return log.split(separator: "\n").compactMap { line in
            line.components(separatedBy: "execute ").dropFirst().first.map { String($0.prefix { $0 != ":" }) }
        }
    }

    @Test("profiles are looked for before the transaction; where one is within it, its shard is written to first")
    func readsBefore() async throws {
        try database.open().close()
        // New, stored, and of a hash that another one has.
        let batches = try [("a@b.se", 7), ("a@b.se", 7), ("c@d.se", 7)].map { key, id in
            try Fixtures.batch(key, times: [1], id: id)
        }
        let names = try await statements { for batch in batches { try await run(batch, on: $0) } }
        #expect(names.filter { $0 == "commit" }.count == 3, "\(names)")
        #expect(names.filter { $0 == "find_profiles" }.count == 4, "\(names)")
        expectMarked(names)
    }

    private func expectMarked(_ names: [String]) {
        var isWithin = false
        var isMarked = false
        for name in names {
            switch name {
            case "begin": (isWithin, isMarked) = (true, false)
            case "mark_written": isMarked = true
            case "commit": isWithin = false
            case "find_profiles", "member_profiles": #expect(!isWithin || isMarked, "\(names)")
            default: break
            }
        }
    }

    @Test("a change of keys reads profiles in its transaction, and writes to their shards first")
    func marksMembers() async throws {
        try database.open().close()
        func change(_ key: String, _ operation: ProfileChange.Operation) throws -> ProfileChange {
            ProfileChange(
                profile: try Fixtures.address(key, id: 7), at: Fixtures.now, actor: "me", precondition: .none,
                operations: [operation])
        }
        let other = try Fixtures.address("web", id: 7, keyspace: 4)
        let names = try await statements { connection in
            // Both are new, and of one hash.
            for operation in [
                ProfileChange.Operation.merge(other, Fixtures.mergeRules), .lock,
            ] { Fixtures.expectChanged(try #require(try await run(change("a@b.se", operation), on: connection))) }
            let merge = try change("a@b.se", .merge(other, Fixtures.mergeRules))
            #expect(try await run(merge, on: connection) == .unchanged)
        }
        #expect(names.contains("find_profiles") && names.filter { $0 == "member_profiles" }.count == 3, "\(names)")
        expectMarked(names)
    }

    @Test("a read on a connection that is for one node asks for no profile of another, and is read elsewhere then")
    func readsOfOneNode() async throws {
        try database.open().close()
        let (mail, web) = (try Fixtures.address("a@b.se", id: 7), try Fixtures.address("web", id: 9, keyspace: 4))
        let alone = try Fixtures.address("c@d.se", id: 11)
        let connection = try Session.open(try ConnectionTarget(database.target), for: .writing, patience: .seconds(15))
        let merge = ProfileChange(
            profile: mail, at: Fixtures.now, actor: "me", precondition: .none,
            operations: [.merge(web, Fixtures.mergeRules)])
        Fixtures.expectChanged(try #require(try await run(merge, on: connection)))
        try await run(try Fixtures.batch("c@d.se", times: [1], id: 11), on: connection)
        func isOfOtherNodes(_ read: (PostgresConnection) throws -> OvationCore.Profile?) -> Bool {
            let result = Result { try read(connection) }
            guard case .failure(let failure as PostgresFailure) = result else { return false }
            return failure.isOfOtherNodes && !failure.profiles.isEmpty
        }
        for node in [7, 9, 11] as [Int64] {
            connection.isOfNode = { $0 == node }
            #expect(isOfOtherNodes { try ProfileRows.find($0, mail) })
            #expect(isOfOtherNodes { try ProfileRows.find($0, web) })
            #expect(isOfOtherNodes { try ProfileRows.find($0, id: 7, account: 1) })
            #expect(isOfOtherNodes { try ProfileRows.find($0, alone) } == (node != 11))
        }
        connection.isOfNode = { [7, 9].contains($0) }
        #expect(try ProfileRows.find(connection, mail)?.keys.count == 2)
        #expect(try ProfileRows.find(connection, id: 9, account: 1)?.keys.count == 2)
    }
}

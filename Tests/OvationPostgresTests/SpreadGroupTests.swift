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

    /// Names of the statements that groups of one post each ran, in their order.
    private func statements(_ batches: [EventBatch]) async throws -> [String] {
        let target = try ConnectionTarget(database.target)
        let name = database.target.split(separator: " ")[1].dropFirst("dbname=".count)
        try database.server.query("ALTER DATABASE \(name) SET log_statement = 'all'")
        let connection = try Session.open(target, for: .writing, patience: .seconds(15))
        for batch in batches {
            let memory = LaneMemory(
                limits: Limits(), forgetting: SharedForgetting(Forgetting(noted: nil, limits: Limits())))
            let outcome: Result<AppendOutcome, StoreFailure> = await withUnsafeContinuation { reply in
                let group = GroupTransaction(
                    [.append(batch, reply)], on: connection, slot: 0, isSpread: true, memory, Limits())
                do throws(PostgresFailure) {
                    try group.run()
                    reply.resume(returning: .success(.stored))
                } catch {
                    reply.resume(returning: .failure(StoreFailure(error)))
                }
            }
            #expect(throws: Never.self) { try outcome.get() }
        }
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
        let names = try await statements(batches)
        #expect(names.filter { $0 == "commit" }.count == 3, "\(names)")
        #expect(names.filter { $0 == "find_profiles" }.count == 4, "\(names)")
        var isWithin = false
        var isMarked = false
        for name in names {
            switch name {
            case "begin": (isWithin, isMarked) = (true, false)
            case "mark_written": isMarked = true
            case "commit": isWithin = false
            case "find_profiles": #expect(!isWithin || isMarked, "\(names)")
            default: break
            }
        }
    }
}

import GRDB
import Testing

@testable import OvationSQLite

@Suite("SQLite: suppressions")
struct SuppressionPlanTests {
    @Test("a page of suppressions is a range of an index, and nothing is sorted")
    func plans() throws {
        let queue = try DatabaseQueue()
        try Schema.migrator.migrate(queue)
        for sql in ConsentRows.selectSuppressions {
            let plan = try queue.read { database in
                try Row.fetchAll(database, sql: "EXPLAIN QUERY PLAN \(sql)", arguments: [1, -1, "a", 51])
                    .map { row -> String in row["detail"] }.joined(separator: "; ")
            }
            #expect(plan.contains("((account_id,keyspace,key)>(?,?,?))") && !plan.contains("B-TREE"), "\(plan)")
        }
    }
}

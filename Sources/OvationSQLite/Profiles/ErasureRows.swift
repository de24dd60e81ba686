import GRDB
import OvationCore

/// Reads erasures as rows.
enum ErasureRows {
    private static let columns = """
        position, erasure_id, requested_at, actor, completed_at, events, "values", tags, changes, rejections,
        consents
        """

    static func find(_ database: Database, _ id: ErasureID, account: Int64) throws -> Erasure? {
        let row = try Row.fetchOne(
            database, sql: "SELECT \(columns) FROM erasure WHERE erasure_id = ? AND account_id = ?",
            arguments: [id.text, account])
        return try row.map { try erasure($0, account: account) }
    }

    static func list(_ database: Database, account: Int64, before position: Int64?, limit: Int) throws -> [Erasure] {
        // A negative LIMIT would mean no limit at all.
        let rows = try Row.fetchAll(
            database,
            sql: "SELECT \(columns) FROM erasure WHERE account_id = ? AND position < ? ORDER BY position DESC LIMIT ?",
            arguments: [account, position ?? .max, max(limit, 0)])
        return try rows.map { try erasure($0, account: account) }
    }

    private static func erasure(_ row: Row, account: Int64) throws -> Erasure {
        let text: String = try row.decode(atIndex: 1)
        guard let id = ErasureID(text) else { throw StoreFailure(.damaged, "an erasure has no id") }
        let completedAt: Int64? = try row.decode(atIndex: 4)
        return Erasure(
            id: id, account: account, position: try row.decode(atIndex: 0),
            requestedAt: Timestamp(milliseconds: try row.decode(atIndex: 2)), actor: try row.decode(atIndex: 3),
            completedAt: completedAt.map { Timestamp(milliseconds: $0) },
            counts: Erasure.Counts(
                events: try row.decode(atIndex: 5), values: try row.decode(atIndex: 6),
                tags: try row.decode(atIndex: 7), consents: try row.decode(atIndex: 10),
                changes: try row.decode(atIndex: 8), rejections: try row.decode(atIndex: 9)))
    }
}

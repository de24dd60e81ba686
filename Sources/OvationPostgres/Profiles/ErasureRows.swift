import OvationCore

/// Reads the receipts of erasures.
enum ErasureRows {
    static func find(_ connection: PostgresConnection, _ id: ErasureID, account: Int64) throws -> Erasure? {
        let rows = try connection.run(ErasureSQL.find) {
            $0.add(account)
            $0.add(id.text)
        }
        return rows.count == 1 ? try erasure(rows, 0, account: account) : nil
    }

    static func list(
        _ connection: PostgresConnection, account: Int64, before position: Int64?, limit: Int
    ) throws -> [Erasure] {
        let rows = try connection.run(ErasureSQL.list) {
            $0.add(account)
            $0.add(position ?? .max)
            $0.add(Int64(max(limit, 0)))
        }
        return try (0..<rows.count).map { try erasure(rows, $0, account: account) }
    }

    private static func erasure(_ rows: PostgresResult, _ row: Int, account: Int64) throws -> Erasure {
        guard let id = ErasureID(rows.text(row, 0)) else {
            throw StoreFailure(.damaged, "the id of an erasure cannot be read")
        }
        return Erasure(
            id: id, account: account, position: rows.int64(row, 1), requestedAt: rows.time(row, 2),
            actor: rows.text(row, 3), completedAt: rows.timeOrNil(row, 4),
            counts: Erasure.Counts(
                events: rows.int64(row, 5), values: rows.int64(row, 6), tags: rows.int64(row, 7),
                consents: rows.int64(row, 10), changes: rows.int64(row, 8), rejections: rows.int64(row, 9)))
    }
}

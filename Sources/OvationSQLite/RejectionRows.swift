import Foundation
import GRDB
import OvationCore
import OvationRows

/// Refused posts as rows, read and removed. Their texts are what somebody sent, so they may hold any character, NUL
/// included, which GRDB would take for the end.
enum RejectionRows {
    static func list(
        _ database: Database, _ filter: RejectionFilter, before id: Rejection.ID?, limit: Int, bodyBytesMax: Int
    ) throws -> [Rejection] {
        let statement = try PreparedStatement(
            database,
            """
            SELECT rejection_id, section, keyspace, key, received_at, client_id, request_id, code, detail, errors,
                event_count, replayed_at, replayed_to, length(body), substr(body, 1, ?10)
            FROM rejection
            WHERE account_id = ?1 AND rejection_id < ?3 AND received_at >= ?4
                AND (?2 IS NULL OR section = ?2)
                AND (?5 IS NULL OR keyspace IN (SELECT value FROM json_each(?5)))
                AND (?6 IS NULL OR (replayed_at IS NOT NULL) = ?6)
                AND (?7 IS NULL OR code = ?7)
                AND (?8 IS NULL OR instr(lower(key), lower(?8)) OR instr(lower(code), lower(?8))
                    OR instr(lower(detail), lower(?8)) OR instr(lower(CAST(body AS TEXT)), lower(?8)))
            ORDER BY rejection_id DESC LIMIT ?9
            """)
        statement.bind(1, filter.account)
        statement.bind(3, id ?? Int64.max)
        statement.bind(4, filter.receivedFrom.milliseconds)
        // What is not bound is NULL, and asks for nothing.
        if let section = filter.section { statement.bind(2, section) }
        if let keyspaces = filter.keyspaces { statement.bind(5, text: EventRows.json(keyspaces)) }
        if let state = filter.state { statement.bind(6, state == .replayed ? 1 : 0) }
        if let code = filter.code { statement.bind(7, text: code.rawValue) }
        if let text = filter.text { statement.bind(8, text: text) }
        statement.bind(9, Int64(max(limit, 0)))
        statement.bind(10, Int64(max(bodyBytesMax, 0)))
        var rejections: [Rejection] = []
        while try statement.nextRow() { rejections.append(try rejection(statement, account: filter.account)) }
        return rejections
    }

    /// At most `max`: it is for a number beside a word, and not for counting.
    static func countOpen(_ database: Database, account: Int64, from: Timestamp, max: Int) throws -> Int {
        try Int.fetchOne(
            database,
            sql: """
                SELECT count(*) FROM (SELECT 1 FROM rejection
                    WHERE account_id = ? AND replayed_at IS NULL AND received_at >= ?
                    ORDER BY rejection_id DESC LIMIT ?)
                """,
            arguments: [account, from.milliseconds, max]) ?? 0
    }

    static func find(_ database: Database, _ id: Rejection.ID, account: Int64) throws -> Rejection? {
        let statement = try PreparedStatement(
            database,
            """
            SELECT rejection_id, section, keyspace, key, received_at, client_id, request_id, code, detail, errors,
                event_count, replayed_at, replayed_to, length(body), body
            FROM rejection WHERE rejection_id = ?1 AND account_id = ?2
            """)
        statement.bind(1, id)
        statement.bind(2, account)
        return try statement.nextRow() ? rejection(statement, account: account) : nil
    }

    static func discard(_ database: Database, _ id: Rejection.ID, account: Int64) throws -> Bool {
        try database.execute(
            sql: "DELETE FROM rejection WHERE rejection_id = ? AND account_id = ?", arguments: [id, account])
        return database.changesCount > 0
    }

    /// All that is past its age or number: at the start, when nobody waits and the limits may have changed.
    static func forget(_ database: Database, at now: Timestamp, countMax: Int, age: Duration) throws {
        try database.execute(
            sql: "DELETE FROM rejection WHERE received_at < ?",
            arguments: [now.advanced(by: .zero - age).milliseconds])
        try database.execute(
            sql: """
                DELETE FROM rejection WHERE rejection_id IN
                    (SELECT rejection_id FROM
                        (SELECT rejection_id,
                            row_number() OVER (PARTITION BY account_id ORDER BY rejection_id DESC) AS place
                        FROM rejection)
                    WHERE place > ?)
                """,
            arguments: [countMax])
    }

    private static func rejection(_ row: PreparedStatement, account: Int64) throws -> Rejection {
        let errors = try RowText.value([ItemError].self, of: row.text(9))
        let post = RefusedPost(
            account: account, section: row.int64(1), keyspace: row.int64(2), key: row.text(3),
            receivedAt: Timestamp(milliseconds: row.int64(4)), clientID: row.text(5), requestID: row.text(6),
            code: Problem.Code(rawValue: row.text(7)), detail: row.text(8), errors: errors,
            eventCount: Int(row.int64(10)), body: row.blob(14))
        return Rejection(
            id: row.int64(0), post: post, bodyBytes: Int(row.int64(13)),
            replayedAt: row.isNull(11) ? nil : Timestamp(milliseconds: row.int64(11)),
            replayedTo: row.isNull(12) ? nil : ProfileID(row.int64(12)))
    }
}

import GRDB
import OvationCore

/// Reads the outcomes of events by the minute.
enum ActivityRows {
    /// Notes, when a store is opened, that everything is counted from now on, if it was not before.
    static func begin(_ database: Database, at now: Timestamp) throws {
        try database.execute(
            sql: "INSERT OR IGNORE INTO setting (name, value) VALUES ('activity_since', ?)",
            arguments: [now.milliseconds])
    }

    static func read(_ database: Database, account: Int64, in minutes: ClosedRange<Int64>) throws -> Activity {
        let since = try Int64.fetchOne(database, sql: "SELECT value FROM setting WHERE name = 'activity_since'")
        var activity = Activity(since: Timestamp(milliseconds: since ?? 0))
        // SQLite sums in both directions, so that the result does not grow with the product of both.
        try rows(
            database,
            """
            SELECT minute, sum(accepted), sum(refused), sum(duplicates) FROM activity
            WHERE minute >= ?1 AND minute <= ?2 AND account_id = ?3 GROUP BY minute
            """, account, minutes
        ) { row in
            activity.add(counts(row, from: 1), minute: row.int64(0))
        }
        try rows(
            database,
            """
            SELECT section, version_id, sum(accepted), sum(refused), sum(duplicates) FROM activity
            WHERE minute >= ?1 AND minute <= ?2 AND account_id = ?3 GROUP BY section, version_id
            """, account, minutes
        ) { row in
            let (section, version) = (row.int64(0), row.int64(1))
            activity.add(counts(row, from: 2), of: version == 0 ? .section(section) : .version(version))
        }
        try rows(
            database,
            """
            SELECT version_id, minute, minute_events FROM version_usage
            WHERE account_id = ?3 AND minute >= ?1 AND minute <= ?2 AND minute_events > 0
            """, account, minutes
        ) { row in
            let counts = Activity.Counts(accepted: row.int64(2))
            activity.add(counts, minute: row.int64(1))
            activity.add(counts, of: .version(row.int64(0)))
        }
        return activity
    }

    private static func rows(
        _ database: Database, _ sql: StaticString, _ account: Int64, _ minutes: ClosedRange<Int64>,
        _ take: (PreparedStatement) -> Void
    ) throws {
        let statement = try PreparedStatement(database, sql)
        statement.bind(1, minutes.lowerBound)
        statement.bind(2, minutes.upperBound)
        statement.bind(3, account)
        while try statement.nextRow() { take(statement) }
    }

    private static func counts(_ row: PreparedStatement, from column: CInt) -> Activity.Counts {
        Activity.Counts(
            accepted: row.int64(column), refused: row.int64(column + 1), duplicates: row.int64(column + 2))
    }
}

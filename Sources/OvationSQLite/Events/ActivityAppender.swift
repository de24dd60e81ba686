import GRDB
import OvationCore
import OvationRows

/// Writes the outcomes of events by the minute, once for each group: minutes that have ended, refused and duplicate
/// events. Accepted events of the current minute are in the usage of their version (``UsageAppender``).
final class ActivityAppender {
    private let add: PreparedStatement
    private let forget: PreparedStatement
    /// The sums of this group.
    var tally = ActivityTally()
    /// No minute before this one is left.
    private var forgotten = Int64.min

    init(_ database: Database) throws {
        add = try PreparedStatement(
            database,
            """
            INSERT INTO activity (minute, account_id, section, version_id, accepted, refused, duplicates)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            ON CONFLICT (minute, account_id, section, version_id) DO UPDATE SET
                accepted = accepted + excluded.accepted, refused = refused + excluded.refused,
                duplicates = duplicates + excluded.duplicates
            """)
        forget = try PreparedStatement(
            database,
            """
            DELETE FROM activity WHERE (minute, account_id, section, version_id) IN
                (SELECT minute, account_id, section, version_id FROM activity
                WHERE minute < ?1 ORDER BY minute LIMIT ?2)
            """)
    }

    /// - Parameter time: the time that decides which minutes are old.
    func finishGroup(at time: Timestamp) throws {
        guard !tally.isEmpty else { return }
        for (key, counts) in tally.rows {
            add.bind(1, key.minute)
            add.bind(2, key.account)
            add.bind(3, key.section)
            add.bind(4, key.version)
            add.bind(5, counts.accepted)
            add.bind(6, counts.refused)
            add.bind(7, counts.duplicates)
            try add.run()
        }
        tally.removeAll()
        try forgetOld(at: time)
    }

    /// Runs once a minute, and until nothing is left.
    private func forgetOld(at time: Timestamp) throws {
        let oldest = Activity.minute(of: time) - Int64(Limits.activityMinutesKept)
        guard oldest > forgotten else { return }
        forget.bind(1, oldest)
        forget.bind(2, Int64(Limits.activityForgottenMax))
        try forget.run()
        if forget.changes < Limits.activityForgottenMax { forgotten = oldest }
    }

    func undoGroup() {
        tally.removeAll()
        forgotten = .min
    }
}

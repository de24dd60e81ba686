import OvationCore
import OvationRows

/// Reads the outcomes of events by the minute.
enum ActivityRows {
    /// Notes, when a store is opened, that everything is counted from now on, if it was not before.
    static func begin(_ connection: PostgresConnection, at now: Timestamp) throws(PostgresFailure) {
        _ = try connection.run(WriteSQL.beginActivity) {
            $0.add(withUnsafeBytes(of: now.milliseconds.bigEndian) { Array($0) })
        }
    }

    /// The rows in the slot of a writer, which no other writer has.
    static func runningMinutes(
        _ connection: PostgresConnection, slot: Int64
    ) throws(PostgresFailure) -> [UsageKey: RunningMinute] {
        let rows = try connection.run(WriteSQL.runningMinutes) { $0.add(slot) }
        var running: [UsageKey: RunningMinute] = [:]
        for row in 0..<rows.count {
            running[UsageKey(account: rows.int64(row, 0), version: rows.int64(row, 1))] = RunningMinute(
                minute: rows.int64(row, 2), events: rows.int64(row, 3))
        }
        return running
    }

    /// The sum over all slots, in one snapshot.
    static func read(
        _ connection: PostgresConnection, account: Int64, in minutes: ClosedRange<Int64>
    ) throws -> Activity {
        var range = Arguments()
        for number in [account, minutes.lowerBound, minutes.upperBound] { range.add(number) }
        let results = try connection.run([
            Command(ReadSQL.beginSnapshot), Command(ReadSQL.activitySince), Command(ReadSQL.activityByMinute, range),
            Command(ReadSQL.activityBySubject, range), Command(ReadSQL.runningActivity, range), Command(.rollback),
            // No event is counted both there and on a node.
            Command(NodeSQL.activity, range),
        ])
        let since = results[1].count == 1 ? results[1].bytes(0, 0).reduce(Int64(0)) { $0 << 8 | Int64($1) } : 0
        var activity = Activity(since: Timestamp(milliseconds: since))
        let (byMinute, bySubject) = (results[2], results[3])
        for row in 0..<byMinute.count {
            activity.add(counts(byMinute, row, from: 1), minute: byMinute.int64(row, 0))
        }
        for row in 0..<bySubject.count {
            let (section, version) = (bySubject.int64(row, 0), bySubject.int64(row, 1))
            activity.add(counts(bySubject, row, from: 2), of: version == 0 ? .section(section) : .version(version))
        }
        for running in [results[4], results[6]] {
            for row in 0..<running.count {
                let counts = Activity.Counts(accepted: running.int64(row, 2))
                activity.add(counts, minute: running.int64(row, 1))
                activity.add(counts, of: .version(running.int64(row, 0)))
            }
        }
        return activity
    }

    private static func counts(_ rows: PostgresResult, _ row: Int, from column: Int) -> Activity.Counts {
        Activity.Counts(
            accepted: rows.int64(row, column), refused: rows.int64(row, column + 1),
            duplicates: rows.int64(row, column + 2))
    }
}

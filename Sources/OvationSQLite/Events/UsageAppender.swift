import GRDB
import OvationCore
import OvationRows

/// Counts the events of each version that a group stores, and writes the sums once for the group: a hundred posts of
/// one event type change one row once. That row also has the current minute, so that counting by the minute changes no
/// other row.
final class UsageAppender {
    private struct Version: Hashable {
        let account: Int64
        let id: EventVersion.ID
    }

    private struct Tally {
        let version: Version
        /// The sums of this group.
        var events: Int64 = 0
        var lastReceivedAt = Int64.min
        /// The values of the row, and then with the sums of the group.
        var running: RunningMinute
    }

    private let add: PreparedStatement
    private let find: PreparedStatement
    private let activity: ActivityAppender
    /// The versions with posts since the start, or since a group was rolled back.
    private var tallies: [Tally] = []
    private var places: [Version: Int] = [:]
    /// Places of the versions in this group.
    private var touched: [Int] = []

    init(_ database: Database, activity: ActivityAppender) throws {
        self.activity = activity
        add = try PreparedStatement(
            database,
            """
            INSERT INTO version_usage (account_id, version_id, events, last_received_at, minute, minute_events)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            ON CONFLICT (account_id, version_id) DO UPDATE SET
                events = events + excluded.events,
                last_received_at = max(last_received_at, excluded.last_received_at),
                minute = excluded.minute, minute_events = excluded.minute_events
            """)
        find = try PreparedStatement(
            database, "SELECT minute, minute_events FROM version_usage WHERE account_id = ?1 AND version_id = ?2")
    }

    func count(_ batch: EventBatch) throws {
        // Most batches have events of one version: a run of them needs one look-up.
        var start = 0
        while start < batch.events.count {
            let version = batch.events[start].version
            var end = start + 1
            while end < batch.events.count, batch.events[end].version == version { end += 1 }
            try count(end - start, of: Version(account: batch.profile.account, id: version), at: batch.receivedAt)
            start = end
        }
    }

    func count(_ chunk: EventChunk) throws {
        var start = 0
        while start < chunk.rows.count {
            let version = chunk.rows[start].version
            var end = start + 1
            while end < chunk.rows.count, chunk.rows[end].version == version { end += 1 }
            try count(end - start, of: Version(account: chunk.account, id: version), at: chunk.receivedAt)
            start = end
        }
    }

    private func count(_ events: Int, of version: Version, at time: Timestamp) throws {
        let place = try places[version] ?? place(of: version)
        if tallies[place].events == 0 { touched.append(place) }
        tallies[place].events += Int64(events)
        tallies[place].lastReceivedAt = max(tallies[place].lastReceivedAt, time.milliseconds)
        tallies[place].running.add(events, at: Activity.minute(of: time)) { ended in
            activity.tally.add(accepted: ended.events, of: version.id, account: version.account, minute: ended.minute)
        }
    }

    /// For a version with its first post.
    private func place(of version: Version) throws -> Int {
        find.bind(1, version.account)
        find.bind(2, version.id)
        defer { find.reset() }
        let running =
            try find.nextRow() ? RunningMinute(minute: find.int64(0), events: find.int64(1)) : RunningMinute()
        tallies.append(Tally(version: version, running: running))
        places[version] = tallies.count - 1
        return tallies.count - 1
    }

    func finishGroup() throws {
        for place in touched {
            add.bind(1, tallies[place].version.account)
            add.bind(2, tallies[place].version.id)
            add.bind(3, tallies[place].events)
            add.bind(4, tallies[place].lastReceivedAt)
            add.bind(5, tallies[place].running.minute)
            add.bind(6, tallies[place].running.events)
            try add.run()
            tallies[place].events = 0
        }
        touched.removeAll(keepingCapacity: true)
    }

    /// The present values of the rows are read again.
    func undoGroup() {
        tallies.removeAll()
        places.removeAll()
        touched.removeAll()
    }
}

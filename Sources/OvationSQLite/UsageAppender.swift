import GRDB
import OvationCore

/// Counts what a group stores of each version, and writes it once for the group: a hundred posts of one event type
/// change one row once.
final class UsageAppender {
    private struct Version: Hashable {
        let account: Int64
        let id: EventVersion.ID
    }

    private struct Tally {
        var events: Int64 = 0
        var lastReceivedAt = Int64.min

        mutating func add(_ count: Int, at time: Timestamp) {
            events += Int64(count)
            lastReceivedAt = max(lastReceivedAt, time.milliseconds)
        }
    }

    private let add: PreparedStatement
    private var tallies: [Version: Tally] = [:]

    init(_ database: Database) throws {
        add = try PreparedStatement(
            database,
            """
            INSERT INTO version_usage (account_id, version_id, events, last_received_at) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (account_id, version_id) DO UPDATE SET
                events = events + excluded.events,
                last_received_at = max(last_received_at, excluded.last_received_at)
            """)
    }

    func count(_ batch: EventBatch) {
        // Most batches have events of one version: a run of them is one look-up.
        var start = 0
        while start < batch.events.count {
            let version = batch.events[start].version
            var end = start + 1
            while end < batch.events.count, batch.events[end].version == version { end += 1 }
            let key = Version(account: batch.profile.account, id: version)
            tallies[key, default: Tally()].add(end - start, at: batch.receivedAt)
            start = end
        }
    }

    func count(_ chunk: EventChunk) {
        var start = 0
        while start < chunk.rows.count {
            let version = chunk.rows[start].version
            var end = start + 1
            while end < chunk.rows.count, chunk.rows[end].version == version { end += 1 }
            let key = Version(account: chunk.account, id: version)
            tallies[key, default: Tally()].add(end - start, at: chunk.receivedAt)
            start = end
        }
    }

    func finishGroup() throws {
        for (version, tally) in tallies {
            add.bind(1, version.account)
            add.bind(2, version.id)
            add.bind(3, tally.events)
            add.bind(4, tally.lastReceivedAt)
            try add.run()
        }
        tallies.removeAll(keepingCapacity: true)
    }

    func undoGroup() {
        tallies.removeAll(keepingCapacity: true)
    }
}

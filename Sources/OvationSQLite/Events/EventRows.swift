import GRDB
import OvationCore
import OvationRows

/// Reads and removes events as rows. Every SQL text is constant: lists are passed as one JSON argument.
enum EventRows {
    /// Looks by the hash of the key, and continues from there if another profile has that hash, or had the key before.
    /// - Throws: ``Recent/PathIsLonger``.
    static func profile(_ database: Database, _ address: ProfileAddress, _ recent: Recent.Part) throws -> Int64? {
        let statement = try PreparedStatement(
            cached: database.cachedStatement(
                sql: "SELECT account_id = ?2 AND keyspace = ?3 AND key = ?4 FROM profile WHERE profile_id = ?1"))
        statement.bind(2, address.account)
        statement.bind(3, address.keyspace)
        statement.bind(4, text: address.key.text)
        defer { statement.reset() }
        var id = address.foundingID
        var steps = 0
        while true {
            guard steps < recent.steps else { throw Recent.PathIsLonger() }
            steps += 1
            if let row = recent.profiles[id.value] {
                if row.isOf(address) { return id.value }
            } else {
                statement.bind(1, id.value)
                guard try statement.nextRow() else { return nil }
                if statement.int64(0) == 1 { return id.value }
                statement.reset()
            }
            id = id.afterCollision
        }
    }

    /// - Throws: ``Recent/MembersAreMissing``.
    static func page(
        _ database: Database, _ tree: MemberTree, _ filter: EventFilter, _ recent: Recent.Part,
        after position: EventPosition?, limit: Int
    ) throws -> EventPage {
        let timeline = try Timeline(database, recent: recent.entries(of: tree))
        // One more event tells whether there is a next page.
        let entries = try timeline.newest(
            range(of: tree.root, filter, after: position), of: Array(tree.members.keys), limit: limit + 1)
        let statement = try PreparedStatement(
            cached: database.cachedStatement(sql: selectEvent))
        defer { statement.reset() }
        var events: [StoredEvent] = []
        events.reserveCapacity(min(limit, entries.count))
        var bytes = 0
        for entry in entries {
            guard events.count < limit, events.isEmpty || bytes < Limits.pageBytesMax else {
                let next = events.last.map { EventPosition(eventTime: $0.eventTime, id: $0.id) }
                return EventPage(events: events, next: next)
            }
            guard let event = try event(entry, statement) else {
                // It was deleted since memory was looked at. A run has the same state as the events.
                if entry.eventID > timeline.through { continue }
                throw damage(entry.eventID, "it is in the timeline and not among the events")
            }
            bytes += event.data.utf8.count
            events.append(event)
        }
        // One of them was deleted meanwhile, and there is more behind the last.
        let last = entries.count > limit ? events.last : nil
        return EventPage(events: events, next: last.map { EventPosition(eventTime: $0.eventTime, id: $0.id) })
    }

    private static let selectEvent =
        "SELECT received_at, data, profile_id, section, event_time, version_id FROM event WHERE event_id = ?1"

    /// nil: there is no such event.
    /// - Throws: `damaged`, naming the event, if the stored event differs from its entry in the timeline.
    private static func event(_ entry: TimelineEntry, _ statement: PreparedStatement) throws -> StoredEvent? {
        statement.bind(1, entry.eventID)
        defer { statement.reset() }
        do {
            guard try statement.nextRow() else { return nil }
        } catch {
            let failure = StoreFailure(error)
            throw failure.code == .damaged ? damage(entry.eventID, failure.message) : failure
        }
        guard statement.int64(2) == entry.profile, statement.int64(3) == entry.section,
            statement.int64(4) == entry.eventTime, statement.int64(5) == entry.version
        else { throw damage(entry.eventID, "it is not what the timeline says") }
        return StoredEvent(
            id: entry.eventID, eventTime: Timestamp(milliseconds: entry.eventTime),
            receivedAt: Timestamp(milliseconds: statement.int64(0)), version: entry.version, data: statement.text(1))
    }

    private static func damage(_ event: Int64, _ reason: String) -> StoreFailure {
        StoreFailure(.damaged, "event \(event): \(reason)", subject: "event \(event)")
    }

    /// The events that a delete removed.
    struct Removal {
        /// Their number for each version.
        var counts: [EventVersion.ID: Int] = [:]
        /// Those that memory may have, by profile.
        var recent: [Int64: Set<Int64>] = [:]
    }

    /// On the writer's connection, inside a transaction.
    /// - Throws: ``Recent/MembersAreMissing``.
    static func delete(
        _ database: Database, _ tree: MemberTree, _ filter: EventFilter, _ recent: Recent.Part, id: Int64?
    ) throws -> Removal {
        var range = range(of: tree.root, filter, after: nil)
        if let id {
            // By its time the event is found in the timeline, as in any other read.
            let time = try Int64.fetchOne(
                database, sql: "SELECT event_time FROM event WHERE event_id = ?", arguments: [id])
            guard let time, time >= range.oldest, time <= range.newest else { return Removal() }
            (range.oldest, range.newest) = (time, time)
        }
        let timeline = try Timeline(database, recent: recent.entries(of: tree))
        var removal = Removal()
        for member in tree.ids {
            range.profile = member
            try delete(database, range, timeline, id: id, &removal)
        }
        return removal
    }

    private static func delete(
        _ database: Database, _ range: TimelineRange, _ timeline: Timeline, id: Int64?, _ removal: inout Removal
    ) throws {
        let delete = try PreparedStatement(
            cached: database.cachedStatement(sql: "DELETE FROM event WHERE event_id = ?1"))
        defer { delete.reset() }
        var removed = 0
        try timeline.forEach(range) { entry in
            guard id == nil || entry.eventID == id else { return }
            delete.bind(1, entry.eventID)
            try delete.run()
            removal.counts[entry.version, default: 0] += 1
            removed += 1
        }
        guard removed > 0 else { return }
        try Timeline.remove(database, range) { id == nil || $0.eventID == id }
        let recent = timeline.unmerged(range).map(\.eventID).filter { id == nil || $0 == id }
        if !recent.isEmpty { removal.recent[range.profile] = Set(recent) }
    }

    static func range(
        of profile: Int64, _ filter: EventFilter, after position: EventPosition?
    ) -> TimelineRange {
        var range = TimelineRange(profile: profile, section: filter.section, versions: filter.versions)
        range.oldest = filter.from?.milliseconds ?? .min
        range.newest = newest(filter)
        if let position, position.eventTime.milliseconds <= range.newest {
            (range.newest, range.beforeID) = (position.eventTime.milliseconds, position.id)
        }
        return range
    }

    /// The latest time that a filter lets through.
    static func newest(_ filter: EventFilter) -> Int64 {
        guard let to = filter.to?.milliseconds else { return .max }
        return to == .min ? .min : to - 1
    }

    static func json(_ numbers: [Int64]) -> String {
        "[" + numbers.map(String.init).joined(separator: ",") + "]"
    }
}

import GRDB
import OvationCore

/// Events as rows, read and removed. Every text of SQL is constant: lists go in as one JSON argument.
enum EventRows {
    /// By the hash of its key, and on from there where another profile has that hash.
    static func profile(_ database: Database, _ address: ProfileAddress) throws -> Int64? {
        let statement = try database.cachedStatement(
            sql: "SELECT account_id = ? AND keyspace = ? AND key = ? FROM profile WHERE profile_id = ?")
        var id = address.foundingID
        while true {
            let isOurs = try Bool.fetchOne(
                statement, arguments: [address.account, address.keyspace, address.key.text, id.value])
            guard let isOurs else { return nil }
            if isOurs { return id.value }
            id = id.afterCollision
        }
    }

    static func page(
        _ database: Database, _ profile: Int64, _ filter: EventFilter, after position: EventPosition?, limit: Int
    ) throws -> EventPage {
        // One range of the index whatever is asked for. Among equal times the id decides.
        let newest = min(position?.eventTime.milliseconds ?? .max, newest(filter))
        let statement = try database.cachedStatement(sql: filter.versions == nil ? select : selectVersions)
        var arguments: StatementArguments = [
            "profile": profile, "section": filter.section, "oldest": filter.from?.milliseconds ?? .min,
            "newest": newest, "time": position?.eventTime.milliseconds ?? .max, "id": position?.id ?? .max,
            // One more tells whether there is a next page.
            "limit": limit + 1,
        ]
        if let versions = filter.versions { arguments += ["versions": json(versions)] }
        var events: [StoredEvent] = []
        var bytes = 0
        let rows = try Row.fetchCursor(statement, arguments: arguments)
        while let row = try rows.next() {
            guard events.count < limit, events.isEmpty || bytes < Limits.pageBytesMax else {
                let next = events.last.map { EventPosition(eventTime: $0.eventTime, id: $0.id) }
                return EventPage(events: events, next: next)
            }
            let event = StoredEvent(
                id: row[0], eventTime: Timestamp(milliseconds: row[1]), receivedAt: Timestamp(milliseconds: row[2]),
                version: row[3], data: row[4])
            bytes += event.data.utf8.count
            events.append(event)
        }
        return EventPage(events: events, next: nil)
    }

    /// How many went of each version.
    static func delete(
        _ database: Database, _ profile: Int64, _ filter: EventFilter, id: Int64?
    ) throws -> [EventVersion.ID: Int] {
        var arguments: StatementArguments = [
            "profile": profile, "section": filter.section, "oldest": filter.from?.milliseconds ?? .min,
            "newest": newest(filter), "versions": filter.versions.map(json),
        ]
        if let id { arguments += ["id": id] }
        // Counted before, since the index has the versions: what DELETE gives back of its rows it holds in memory.
        var counts: [EventVersion.ID: Int] = [:]
        let versions = try Int64.fetchCursor(
            database, sql: "SELECT version_id FROM event WHERE " + (id == nil ? matching : matchingID),
            arguments: arguments)
        while let version = try versions.next() { counts[version, default: 0] += 1 }
        guard !counts.isEmpty else { return [:] }
        try database.execute(
            sql: "DELETE FROM event WHERE " + (id == nil ? matching : matchingID), arguments: arguments)
        return counts
    }

    /// The latest time that a filter lets through.
    static func newest(_ filter: EventFilter) -> Int64 {
        guard let to = filter.to?.milliseconds else { return .max }
        return to == .min ? .min : to - 1
    }

    private static let matching = """
        profile_id = :profile AND section = :section AND event_time BETWEEN :oldest AND :newest
            AND (:versions IS NULL OR version_id IN (SELECT value FROM json_each(:versions)))
        """

    /// Finds one event by its id; only then is it asked whose it is.
    private static let matchingID = "event_id = :id AND " + matching

    static let select = """
        SELECT event_id, event_time, received_at, version_id, data FROM event
        WHERE profile_id = :profile AND section = :section AND event_time BETWEEN :oldest AND :newest
            AND (event_time < :time OR event_id < :id)
        ORDER BY event_time DESC, event_id DESC LIMIT :limit
        """

    /// SQLite goes to the table when it needs a column that the index lacks and not before (a deferred seek), so a row
    /// of another version costs a step in the index and no page of the table.
    static let selectVersions = """
        SELECT event_id, event_time, received_at, version_id, data FROM event
        WHERE profile_id = :profile AND section = :section AND event_time BETWEEN :oldest AND :newest
            AND (event_time < :time OR event_id < :id)
            AND version_id IN (SELECT value FROM json_each(:versions))
        ORDER BY event_time DESC, event_id DESC LIMIT :limit
        """

    static func json(_ numbers: [Int64]) -> String {
        "[" + numbers.map(String.init).joined(separator: ",") + "]"
    }
}

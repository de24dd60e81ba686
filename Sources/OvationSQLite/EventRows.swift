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
        let newest = min(position?.eventTime.milliseconds ?? .max, (filter.to?.milliseconds).map { $0 - 1 } ?? .max)
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

    static func delete(_ database: Database, _ profile: Int64, _ filter: EventFilter, id: Int64?) throws -> Int {
        try database.execute(
            sql: """
                DELETE FROM event WHERE profile_id = :profile AND section = :section
                    AND event_time BETWEEN :oldest AND :newest
                    AND (:id IS NULL OR event_id = :id)
                    AND (:versions IS NULL OR version_id IN (SELECT value FROM json_each(:versions)))
                """,
            arguments: [
                "profile": profile, "section": filter.section, "oldest": filter.from?.milliseconds ?? .min,
                "newest": (filter.to?.milliseconds).map { $0 - 1 } ?? .max, "id": id,
                "versions": filter.versions.map(json),
            ])
        return database.changesCount
    }

    static let select = """
        SELECT event_id, event_time, received_at, version_id, data FROM event
        WHERE profile_id = :profile AND section = :section AND event_time BETWEEN :oldest AND :newest
            AND (event_time < :time OR event_id < :id)
        ORDER BY event_time DESC, event_id DESC LIMIT :limit
        """

    private static let selectVersions = """
        SELECT event_id, event_time, received_at, version_id, data FROM event
        WHERE profile_id = :profile AND section = :section AND event_time BETWEEN :oldest AND :newest
            AND (event_time < :time OR event_id < :id)
            AND version_id IN (SELECT value FROM json_each(:versions))
        ORDER BY event_time DESC, event_id DESC LIMIT :limit
        """

    private static func json(_ versions: [EventVersion.ID]) -> String {
        "[" + versions.map(String.init).joined(separator: ",") + "]"
    }
}

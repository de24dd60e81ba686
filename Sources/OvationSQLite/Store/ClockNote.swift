import GRDB
import OvationCore

/// The last believed time, from which the next process continues (``Forgetting``). It is not copied: another machine
/// has another clock.
enum ClockNote {
    static let save: StaticString = "INSERT OR REPLACE INTO setting (name, value) VALUES ('believed_time', ?1)"

    static func read(_ database: Database) throws -> Timestamp? {
        try Int64.fetchOne(database, sql: "SELECT value FROM setting WHERE name = 'believed_time'")
            .map { Timestamp(milliseconds: $0) }
    }

    /// When a store is opened.
    /// - Returns: the time by which old things may be removed.
    static func open(_ database: Database, at now: Timestamp, _ limits: Limits) throws -> Timestamp {
        var forgetting = Forgetting(noted: try read(database), limits: limits)
        let time = forgetting.time(now)
        try database.execute(sql: "\(save)", arguments: [time.milliseconds])
        return time
    }
}

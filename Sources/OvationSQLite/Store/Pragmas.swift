import GRDB
import OvationCore

/// Every setting of SQLite, with its reason. The benchmark's plain table uses them too.
package enum Pragmas {
    /// Before the pool turns to WAL. Only matters for a new file.
    package static let onOpen = [
        // 4 kB is the page of the disk and of SQLite's own measurements.
        "PRAGMA page_size = 4096",
        // A reader that meets a checkpoint waits instead of failing.
        "PRAGMA busy_timeout = 10000",
        // Rows refer to accounts and profiles that exist.
        "PRAGMA foreign_keys = ON",
        // Deleted events must not linger in free pages.
        "PRAGMA secure_delete = ON",
        "PRAGMA temp_store = MEMORY",
        // 2 MB; a negative number means kibibytes. The system caches pages that SQLite does not, and one cache for all
        // is better than five. The connections that need more set it.
        "PRAGMA cache_size = -2048",
    ]

    /// On the writing connection, after the pool is open: the pool sets `synchronous = NORMAL` when it turns to WAL,
    /// and with that an acknowledged event could be lost with the power.
    package static let onWriter = [
        "PRAGMA synchronous = FULL",
        // 24 MB: it looks for the profile of each post.
        "PRAGMA cache_size = -24576",
        // After a checkpoint the log file shrinks to at most 64 MB.
        "PRAGMA journal_size_limit = 67108864",
    ]

    /// The promise of a 204 depends on these two: a store that cannot keep it does not start.
    static func verify(_ database: Database) throws {
        let mode = try String.fetchOne(database, sql: "PRAGMA journal_mode")
        let synchronous = try Int.fetchOne(database, sql: "PRAGMA synchronous")
        guard mode == "wal", synchronous == 2 else {
            throw StoreFailure(
                .unusable,
                "SQLite did not accept journal_mode=wal and synchronous=FULL (it has "
                    + "\(mode ?? "none") and \(synchronous ?? -1)); is the folder on a network file system?")
        }
    }
}

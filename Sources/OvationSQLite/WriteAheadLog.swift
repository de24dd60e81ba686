import GRDB
import GRDBSQLite

/// How long SQLite's write-ahead log is, and when it is copied into the file.
///
/// SQLite would do so inside of the commit that makes the log long enough, and so before the posts of that commit are
/// answered. Here it is done between groups. On the writer's thread, like all that writes.
final class WriteAheadLog {
    /// Pages of 4 kB in the log before they are copied: few enough that no post waits for long, and many enough that a
    /// page that is written in each group is copied once for all of them.
    static let pagesMax: CInt = 1000

    private let connection: OpaquePointer?
    private let pages: UnsafeMutablePointer<CInt>
    /// How long the log was after the last copy; a reader can keep it from beginning anew.
    private var kept: CInt = 0

    init(_ database: Database) {
        connection = database.sqliteConnection
        pages = .allocate(capacity: 1)
        pages.initialize(to: 0)
        // This also turns off SQLite's own checkpoints.
        sqlite3_wal_hook(
            connection,
            { pages, _, _, count in
                pages?.assumingMemoryBound(to: CInt.self).pointee = count
                return SQLITE_OK
            }, pages)
    }

    deinit {
        sqlite3_wal_hook(connection, nil, nil)
        pages.deallocate()
    }

    func checkpointIfLong() {
        // A log that has begun anew is shorter than what was kept.
        if pages.pointee < kept { kept = 0 }
        guard pages.pointee >= kept + WriteAheadLog.pagesMax else { return }
        var (length, copied): (CInt, CInt) = (0, 0)
        // That it failed is no failure of a post: the pages are in the log, and the next time comes soon.
        sqlite3_wal_checkpoint_v2(connection, nil, SQLITE_CHECKPOINT_PASSIVE, &length, &copied)
        kept = copied >= length ? 0 : length
    }
}

import GRDB
import GRDBSQLite
import OvationCore

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

    /// Copies all of the log into the file, syncs that, and empties the log; or says why not. What is in the log may be
    /// in the memory of the system only: a sync of it that failed is not made up for by a later one, since the system has
    /// given these pages up. The file is written and synced anew.
    static func empty(_ database: Database) throws {
        var (length, copied): (CInt, CInt) = (0, 0)
        let code = sqlite3_wal_checkpoint_v2(
            database.sqliteConnection, nil, SQLITE_CHECKPOINT_TRUNCATE, &length, &copied)
        guard code != SQLITE_BUSY else {
            throw StoreFailure(
                .unavailable, "another program reads the file, and its log cannot be emptied; wait until it has ended")
        }
        guard code == SQLITE_OK else {
            throw DatabaseError(
                resultCode: ResultCode(rawValue: sqlite3_extended_errcode(database.sqliteConnection)),
                message: String(cString: sqlite3_errmsg(database.sqliteConnection)))
        }
    }

    deinit {
        sqlite3_wal_hook(connection, nil, nil)
        pages.deallocate()
    }

    /// - Throws: what keeps the log from being copied. Nothing is lost by it.
    func checkpointIfLong() throws {
        // A log that has begun anew is shorter than what was kept.
        if pages.pointee < kept { kept = 0 }
        guard pages.pointee >= kept + WriteAheadLog.pagesMax else { return }
        var (length, copied): (CInt, CInt) = (0, 0)
        let code = sqlite3_wal_checkpoint_v2(connection, nil, SQLITE_CHECKPOINT_PASSIVE, &length, &copied)
        // After another thousand, whether it failed or a reader kept it from being copied to its end.
        kept = code == SQLITE_OK && copied >= length ? 0 : max(length, pages.pointee)
        guard code == SQLITE_OK || code == SQLITE_BUSY else {
            throw DatabaseError(
                resultCode: ResultCode(rawValue: sqlite3_extended_errcode(connection)),
                message: String(cString: sqlite3_errmsg(connection)))
        }
    }
}

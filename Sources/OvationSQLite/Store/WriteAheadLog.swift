import GRDB
import GRDBSQLite
import OvationCore

/// Measures SQLite's write-ahead log, and copies it into the file.
///
/// SQLite itself would copy it inside the commit that makes the log long enough, and so before the posts of that commit
/// are answered. This class does it between groups, on the writer's thread, like all writes.
final class WriteAheadLog {
    /// Pages of 4 kB in the log before it is copied: few enough that no post waits for long, and many enough that a
    /// page that each group writes is copied once for all of them.
    static let pagesMax: CInt = 1000

    private let connection: OpaquePointer?
    private let pages: UnsafeMutablePointer<CInt>
    /// The length of the log after the last copy; a reader can keep it from starting again.
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

    /// Copies all of the log into the file, syncs the file, and empties the log; or says why not. The content of the
    /// log may be in the system's memory only: after a failed sync, a later one does not help, since the system has
    /// dropped these pages. So the file is written and synced anew.
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

    /// - Throws: the reason why the log cannot be copied. Nothing is lost by it.
    func checkpointIfLong() throws {
        // A log that has started again is shorter than before.
        if pages.pointee < kept { kept = 0 }
        guard pages.pointee >= kept + WriteAheadLog.pagesMax else { return }
        var (length, copied): (CInt, CInt) = (0, 0)
        let code = sqlite3_wal_checkpoint_v2(connection, nil, SQLITE_CHECKPOINT_PASSIVE, &length, &copied)
        // After another thousand pages, whether the copy failed or a reader kept it from reaching the end.
        kept = code == SQLITE_OK && copied >= length ? 0 : max(length, pages.pointee)
        guard code == SQLITE_OK || code == SQLITE_BUSY else {
            throw DatabaseError(
                resultCode: ResultCode(rawValue: sqlite3_extended_errcode(connection)),
                message: String(cString: sqlite3_errmsg(connection)))
        }
    }
}

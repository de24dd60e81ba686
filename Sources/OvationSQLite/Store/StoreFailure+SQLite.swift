import CPageChecksums
import Foundation
import GRDB
import GRDBSQLite
import OvationCore

extension StoreFailure {
    /// The meaning of SQLite's codes for the caller.
    init(_ error: any Error) {
        switch error {
        case let failure as StoreFailure: self = failure
        case let error as DatabaseError where error.leavesRollback:
            self.init(
                .unavailable,
                "a program was stopped while it changed the file; start the server once, which takes that change back")
        case let error as DatabaseError:
            let message = "\(error.extendedResultCode): \(error.message ?? "")"
            switch error.resultCode {
            case .SQLITE_FULL: self.init(.full, message)
            case .SQLITE_NOTADB: self.init(.unusable, message)
            case .SQLITE_CORRUPT:
                let page = cpagechecksums_take_damaged_page()
                self.init(.damaged, page > 0 ? "page \(page) of the file is damaged" : message)
            default: self.init(.unavailable, message)
            }
        // A column has a value that its table does not allow.
        case is RowDecodingError: self.init(.damaged, "a row is damaged")
        default: self.init(.unavailable, "\(error)")
        }
    }
}

extension DatabaseError {
    /// Beside the file is the journal of a change that did not end, as of a first start that was killed. A connection that
    /// only reads cannot take the change back, and reads nothing.
    var leavesRollback: Bool { extendedResultCode == .SQLITE_READONLY_ROLLBACK }
}

extension StoreFailure {
    /// SQLite has a code for a full disk. It reports a full quota (EDQUOT) as any other failed write, but remembers the
    /// system's error.
    /// - Parameter database: the connection of the failed statement, with nothing run since but its rollback.
    init(_ error: any Error, on database: Database) {
        self.init(error)
        guard let error = error as? DatabaseError, error.resultCode == .SQLITE_IOERR,
            let connection = database.sqliteConnection,
            StoreFailure.systemErrors(of: connection).contains(EDQUOT)
        else { return }
        self = StoreFailure(.full, message)
    }

    /// The last error of the system for the file and its log. `sqlite3_system_errno` alone is not enough: a step of
    /// SQLite between a failed write and its own answer can fail too.
    private static func systemErrors(of connection: OpaquePointer) -> [CInt] {
        var errors = [sqlite3_system_errno(connection)]
        for operation in [SQLITE_FCNTL_FILE_POINTER, SQLITE_FCNTL_JOURNAL_POINTER] {
            var file: UnsafeMutablePointer<sqlite3_file>?
            var number: CInt = 0
            guard sqlite3_file_control(connection, "main", operation, &file) == SQLITE_OK, let file,
                let control = file.pointee.pMethods?.pointee.xFileControl,
                control(file, SQLITE_FCNTL_LAST_ERRNO, &number) == SQLITE_OK
            else { continue }
            errors.append(number)
        }
        return errors
    }
}

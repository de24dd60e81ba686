import GRDB
import GRDBSQLite

/// A transaction of the writer. Its three statements are compiled once; GRDB's own transactions compile them each time,
/// which is a fifth of the cost of a lone post.
final class WriteTransaction {
    private let connection: OpaquePointer?
    private let begin: PreparedStatement
    private let commit: PreparedStatement
    private let rollback: PreparedStatement

    init(_ database: Database) throws {
        connection = database.sqliteConnection
        begin = try PreparedStatement(database, "BEGIN IMMEDIATE TRANSACTION")
        commit = try PreparedStatement(database, "COMMIT TRANSACTION")
        rollback = try PreparedStatement(database, "ROLLBACK TRANSACTION")
    }

    /// Commits the work.
    /// - Throws: the first failure; then nothing of the work is stored.
    func run(_ work: () throws -> Void) throws {
        try begin.run()
        do {
            try work()
            // Some failures end the transaction by themselves. A commit after one of them would commit nothing.
            guard isOpen else { throw DatabaseError(resultCode: .SQLITE_ABORT, message: "the transaction was aborted") }
            try commit.run()
        } catch {
            // The thrown failure says more than that of the rollback. A transaction that stays open keeps the next one
            // from beginning.
            if isOpen { try? rollback.run() }
            throw error
        }
    }

    private var isOpen: Bool { sqlite3_get_autocommit(connection) == 0 }
}

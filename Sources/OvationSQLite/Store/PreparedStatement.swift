import GRDB
import GRDBSQLite
import OvationCore

/// A statement of the writer's hot path, or of a long scan, on SQLite's own interface.
///
/// GRDB opens, migrates, reads and administers; but it takes the arguments of each execution as an array of boxed
/// values, and the writer executes one insert for each event. Here a value goes from our bytes into SQLite without
/// another copy. Rows would cost as much in GRDB: a scan that counts a million events looks at one number of each. Use
/// it on the thread of its connection only, and finalise it before the connection closes; a reader's statement ends
/// with the read that made it.
final class PreparedStatement {
    private let handle: OpaquePointer
    /// The statement that owns the handle, if this object does not.
    private let owner: Statement?

    init(_ database: Database, _ sql: StaticString) throws {
        var handle: OpaquePointer?
        let code = sql.withUTF8Buffer { text in
            text.withMemoryRebound(to: CChar.self) { text in
                sqlite3_prepare_v3(
                    database.sqliteConnection, text.baseAddress, CInt(text.count),
                    CUnsignedInt(SQLITE_PREPARE_PERSISTENT),
                    &handle, nil)
            }
        }
        guard code == SQLITE_OK, let handle else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
        self.handle = handle
        owner = nil
    }

    /// A statement that the connection keeps. It still has the bindings and the position of its last use: bind each
    /// value, and call ``reset()`` when it is done.
    init(cached statement: Statement) {
        handle = statement.sqliteStatement
        owner = statement
        sqlite3_reset(handle)
    }

    deinit {
        if owner == nil { sqlite3_finalize(handle) }
    }

    func bind(_ index: CInt, _ value: Int64) {
        sqlite3_bind_int64(handle, index, value)
    }

    func bindNull(_ index: CInt) {
        sqlite3_bind_null(handle, index)
    }

    func bind(_ index: CInt, orNull value: Int64?) {
        if let value { bind(index, value) } else { bindNull(index) }
    }

    func bind(_ index: CInt, orNull text: String?) {
        if let text { bind(index, text: text) } else { bindNull(index) }
    }

    /// The bytes must live until ``run()`` or ``reset()`` returns.
    func bind(_ index: CInt, text: UnsafeBufferPointer<UInt8>) {
        text.withMemoryRebound(to: CChar.self) { text in
            // nil as destructor is SQLITE_STATIC: no copy.
            _ = sqlite3_bind_text(handle, index, text.baseAddress, CInt(text.count), nil)
        }
    }

    func bind(_ index: CInt, text: String) {
        var text = text
        text.withUTF8 { text in
            text.withMemoryRebound(to: CChar.self) { text in
                // -1 as destructor is SQLITE_TRANSIENT: SQLite makes a copy.
                _ = sqlite3_bind_text(
                    handle, index, text.baseAddress, CInt(text.count),
                    unsafeBitCast(-1, to: sqlite3_destructor_type.self))
            }
        }
    }

    func bind(_ index: CInt, blob: [UInt8]) {
        // A null pointer would bind NULL; an empty array may have one.
        guard !blob.isEmpty else {
            sqlite3_bind_zeroblob(handle, index, 0)
            return
        }
        sqlite3_bind_blob(
            handle, index, blob, CInt(blob.count), unsafeBitCast(-1, to: sqlite3_destructor_type.self))
    }

    /// Executes a statement that gives no rows.
    func run() throws {
        let code = sqlite3_step(handle)
        sqlite3_reset(handle)
        guard code == SQLITE_DONE else { throw failure(code) }
    }

    /// Moves to the first row and then to the next; false when there is none. Call ``reset()`` afterwards, unless the
    /// statement ends.
    func nextRow() throws -> Bool {
        let code = sqlite3_step(handle)
        switch code {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default:
            sqlite3_reset(handle)
            throw failure(code)
        }
    }

    func reset() {
        sqlite3_reset(handle)
    }

    func int64(_ column: CInt) -> Int64 {
        sqlite3_column_int64(handle, column)
    }

    func isNull(_ column: CInt) -> Bool {
        sqlite3_column_type(handle, column) == SQLITE_NULL
    }

    /// The whole text, even with a NUL inside.
    func text(_ column: CInt) -> String {
        withTextBytes(column) { String(decoding: $0, as: UTF8.self) }
    }

    /// The bytes belong to SQLite, and are valid until the next row.
    func withTextBytes<Result>(_ column: CInt, _ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        let start = sqlite3_column_text(handle, column)
        return body(UnsafeBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column))))
    }

    /// Rows that the last execution on this connection inserted, changed or removed.
    var changes: Int {
        Int(sqlite3_changes(sqlite3_db_handle(handle)))
    }

    /// Of the last insert on this connection.
    var lastInsertedRowID: Int64 {
        sqlite3_last_insert_rowid(sqlite3_db_handle(handle))
    }

    /// A blob, or a text directly from the page, without the copy that a closing NUL would need. The bytes belong to
    /// SQLite, and are valid until the next row.
    func withBytes<Result>(_ column: CInt, _ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        let start = sqlite3_column_blob(handle, column)
        return try body(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column))))
    }

    func blob(_ column: CInt) -> [UInt8] {
        guard let bytes = sqlite3_column_blob(handle, column) else { return [] }
        return Array(UnsafeRawBufferPointer(start: bytes, count: Int(sqlite3_column_bytes(handle, column))))
    }

    private func failure(_ code: CInt) -> DatabaseError {
        let connection = sqlite3_db_handle(handle)
        return DatabaseError(
            resultCode: ResultCode(rawValue: sqlite3_extended_errcode(connection)),
            message: String(cString: sqlite3_errmsg(connection)))
    }
}

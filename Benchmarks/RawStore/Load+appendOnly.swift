import GRDBSQLite
import OvationSQLite

extension Load {
    /// One table without an index, one thread, and groups that are always full: no store that keeps these rows in
    /// SQLite and syncs each group can be faster.
    func runAppendOnly() throws -> Figures {
        let table = try PlainTable(file: file)
        var dice = Dice(seed: 1)
        var milliseconds: [Float] = []
        let start = ContinuousClock.now
        let end = start + duration
        var before = start
        while before < end {
            try table.execute("BEGIN IMMEDIATE")
            for _ in 0..<posters {
                let profile = Dice.mixed(dice.next() % profiles &+ 1)
                let first = Load.firstTime + Int64(dice.next() % Load.year)
                for item in 0..<items {
                    try table.append(profile: Int64(bitPattern: profile), time: first + Int64(item) * 1000)
                }
            }
            try table.execute("COMMIT")
            let after = ContinuousClock.now
            // Every post of the group waited for all of it.
            milliseconds += [Float](repeating: Float((after - before) / .milliseconds(1)), count: posters)
            before = after
        }
        return Figures(milliseconds: milliseconds, elapsed: before - start)
    }
}

/// The columns of an event under the settings of the store, and nothing else.
private final class PlainTable {
    private let connection: OpaquePointer
    private let insert: OpaquePointer
    private var lastEventID: Int64 = 0

    init(file: String) throws {
        var connection: OpaquePointer?
        guard sqlite3_open(file, &connection) == SQLITE_OK, let connection else { throw PlainFailure(connection) }
        self.connection = connection
        for statement in Pragmas.onOpen + ["PRAGMA journal_mode = WAL"] + Pragmas.onWriter + [PlainTable.schema] {
            guard sqlite3_exec(connection, statement, nil, nil, nil) == SQLITE_OK else {
                throw PlainFailure(connection)
            }
        }
        var insert: OpaquePointer?
        guard sqlite3_prepare_v2(connection, PlainTable.insertion, -1, &insert, nil) == SQLITE_OK, let insert else {
            throw PlainFailure(connection)
        }
        self.insert = insert
    }

    deinit {
        sqlite3_finalize(insert)
        sqlite3_close(connection)
    }

    func execute(_ statement: String) throws {
        guard sqlite3_exec(connection, statement, nil, nil, nil) == SQLITE_OK else { throw PlainFailure(connection) }
    }

    func append(profile: Int64, time: Int64) throws {
        lastEventID += 1
        sqlite3_bind_int64(insert, 1, lastEventID)
        sqlite3_bind_int64(insert, 2, profile)
        sqlite3_bind_int64(insert, 3, 1)
        sqlite3_bind_int64(insert, 4, time)
        sqlite3_bind_int64(insert, 5, time)
        sqlite3_bind_int64(insert, 6, Load.version)
        let code = Load.data.withUnsafeBufferPointer { bytes in
            bytes.withMemoryRebound(to: CChar.self) { text in
                // nil as destructor is SQLITE_STATIC: no copy, since the row is written before the bytes go.
                sqlite3_bind_text(insert, 7, text.baseAddress, CInt(text.count), nil)
                return sqlite3_step(insert)
            }
        }
        sqlite3_reset(insert)
        guard code == SQLITE_DONE else { throw PlainFailure(connection) }
    }

    private static let schema = """
        CREATE TABLE event (
            event_id INTEGER PRIMARY KEY, profile_id INTEGER NOT NULL, section INTEGER NOT NULL,
            event_time INTEGER NOT NULL, received_at INTEGER NOT NULL, version_id INTEGER NOT NULL, data TEXT NOT NULL
        ) STRICT
        """
    private static let insertion = "INSERT INTO event VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
}

private struct PlainFailure: Error, CustomStringConvertible {
    let description: String

    init(_ connection: OpaquePointer?) {
        description = connection.map { String(cString: sqlite3_errmsg($0)) } ?? "SQLite could not open the file"
    }
}

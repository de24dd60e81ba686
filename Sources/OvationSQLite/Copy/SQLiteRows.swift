import Foundation
import GRDB
public import OvationCore
public import OvationRows

/// A SQLite store that this process alone reads or writes row by row.
public final class SQLiteRows: RowTarget {
    private let database: DatabaseQueue
    private let lock: StoreLock
    private let purpose: Purpose
    private let page: PageSize

    /// The sizes at which a page of rows ends.
    private struct PageSize: Sendable {
        let rows: Int
        let bytes: Int

        func isReached(by batch: RowBatch) -> Bool { batch.count >= rows || batch.bytes.count >= bytes }
    }

    public enum Purpose: Sendable {
        /// The source must exist and be of this version: a copy does not change its source.
        case source
        /// The target is made if it is missing.
        case target
    }

    /// Blocks.
    /// - Throws: `unusable` with a sentence for the operator.
    public init(
        path: String, as purpose: Purpose, rowsMax: Int = Limits.copyRowsMax, bytesMax: Int = Limits.copyBytesMax
    ) throws(StoreFailure) {
        page = PageSize(rows: rowsMax, bytes: bytesMax)
        guard purpose == .target || FileManager.default.fileExists(atPath: path) else {
            throw StoreFailure(.unusable, "\(path) does not exist; name the file of a store")
        }
        lock = try StoreLock(path)
        self.purpose = purpose
        do {
            try PageChecksums.register()
            let found = StoreOpening(path: lock.path, lock: lock)
            try found.verifyIsSettled()
            if found.fileBytes == nil { try StoreOpening.makeFile(lock) }
            database = try DatabaseQueue(path: lock.path, configuration: SQLiteRows.configuration)
            switch purpose {
            case .source:
                // It stays as it is, its log too.
                database.writeWithoutTransaction { PageChecksums.keepLog($0, true) }
                try database.read(SQLiteRows.verifyIsCurrent)
                _ = try database.read { try found.verifyNothingIsMissing($0) }
            case .target:
                StateFile.noteOpened(of: lock.path)
                try database.writeWithoutTransaction { [path = lock.path] database in
                    try SQLiteStore.verifyIsOurs(database, path: path)
                    if found.hasLog { try WriteAheadLog.empty(database) }
                    _ = try Row.fetchOne(database, sql: "PRAGMA journal_mode = WAL")
                }
                try Schema.migrator.migrate(database)
            }
        } catch {
            if purpose == .target { StateFile.noteClosed(of: lock.path) }
            throw StoreFailure(.unusable, "\(path) cannot be copied: \(StoreFailure(error).message)")
        }
    }

    private static var configuration: Configuration {
        var configuration = StoreOpening.configuration
        // Timelines are sorted in files, and not in memory.
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA cache_size = -24576") }
        return configuration
    }

    private static func verifyIsCurrent(_ database: Database) throws {
        guard try Int.fetchOne(database, sql: "PRAGMA application_id") == Schema.applicationID else {
            throw StoreFailure(.unusable, "it is no store of Ovation")
        }
        guard try !Schema.migrator.hasBeenSuperseded(database) else {
            throw StoreFailure(.unusable, "it was made by a newer Ovation; copy it with that version")
        }
        guard try Schema.migrator.hasCompletedMigrations(database) else {
            throw StoreFailure(
                .unusable, "it was made by an older Ovation; start 'ovation serve' on it once, stop it, and copy then")
        }
        if let refusal = CopyNote.refusal(toServe: try note(database)) { throw refusal }
    }

    /// Blocks.
    public func close() {
        try? database.close()
        if purpose == .target { StateFile.noteClosed(of: lock.path) }
        lock.release()
    }

    static func note(_ database: Database) throws -> [UInt8]? {
        try Data.fetchOne(
            database, sql: "SELECT value FROM setting WHERE name = ?", arguments: [CopyNote.settingName]
        ).map { Array($0) }
    }

    private func read<Value: Sendable>(
        _ query: @escaping @Sendable (Database) throws -> Value
    ) async throws(StoreFailure) -> Value {
        do {
            return try await database.read(query)
        } catch {
            throw StoreFailure(error)
        }
    }
}

// MARK: - Reading

extension SQLiteRows {
    public func origin() async throws(StoreFailure) -> RowOrigin {
        try await read { database in
            func number(_ sql: String) throws -> Int64 { try Int64.fetchOne(database, sql: sql) ?? 0 }
            let secret = try Data.fetchOne(database, sql: "SELECT value FROM setting WHERE name = 'server_secret'")
            guard let secret else {
                throw StoreFailure(.unusable, "the source was never served: there is nothing in it")
            }
            return RowOrigin(
                serverSecret: Array(secret),
                state: [
                    try AccountRows.entryCount(database),
                    try number("SELECT max(created_at) FROM idempotency"),
                    try number("SELECT max(last_used_at) FROM api_key"), try number("SELECT count(*) FROM rejection"),
                ],
                lastEventID: try StoreOpening.progress(database).event,
                lastRejectionID: try number("SELECT seq FROM sqlite_sequence WHERE name = 'rejection'"),
                eventCount: try number("SELECT sum(events) FROM version_usage"))
        }
    }

    public func rows(of kind: RowKind, after position: RowPosition?) async throws(StoreFailure) -> RowPage {
        try await read { [page] database in
            let position = position ?? .start
            switch kind {
            case .profile: return try SQLiteRows.profiles(database, after: position, page)
            case .event: return try SQLiteRows.events(database, after: position, page)
            default: return try SQLiteRows.page(database, kind, after: position, page)
            }
        }
    }

    private static func page(
        _ database: Database, _ kind: RowKind, after position: RowPosition, _ page: PageSize
    ) throws -> RowPage {
        let statement = try PreparedStatement(database, CopySQL.select(kind))
        statement.bind(1, position.first)
        statement.bind(2, position.second)
        statement.bind(3, text: position.text)
        var rows = RowBatch(kind)
        while try statement.nextRow() {
            if kind == .setting, !RowKind.copiedSettings.contains(statement.text(0)) { continue }
            rows.append(statement)
            if page.isReached(by: rows) { return RowPage(rows, next: rows.lastPosition) }
        }
        return RowPage(rows, next: nil)
    }

    /// First come the profiles in their final place, by id; then those in `profile_arrival`, in the order of arrival.
    /// `first` of the position says which.
    private static func profiles(
        _ database: Database, after position: RowPosition, _ page: PageSize
    ) throws -> RowPage {
        let isArrivals = position.first == 1
        let statement = try PreparedStatement(
            database, isArrivals ? CopySQL.selectArrivals : CopySQL.select(.profile))
        statement.bind(2, position.second)
        var rows = RowBatch(.profile)
        while try statement.nextRow() {
            rows.append(statement)
            guard page.isReached(by: rows) else { continue }
            let (last, isLast) = statement.int64(isArrivals ? 7 : 0).addingReportingOverflow(isArrivals ? 0 : 1)
            if isLast { break }
            return RowPage(rows, next: RowPosition(first: isArrivals ? 1 : 0, second: last, text: ""))
        }
        return RowPage(rows, next: isArrivals ? nil : RowPosition(first: 1, second: .min, text: ""))
    }

    private static func events(
        _ database: Database, after position: RowPosition, _ page: PageSize
    ) throws -> RowPage {
        let accounts = try EventAccounts(database)
        let statement = try PreparedStatement(database, CopySQL.select(.event))
        statement.bind(2, position.second)
        var rows = RowBatch(.event)
        while try statement.nextRow() {
            for column in 0..<5 { rows.append(statement.int64(CInt(column))) }
            rows.append(try accounts.account(of: statement.int64(1)))
            rows.append(statement.int64(6))
            statement.withBytes(7) { rows.append(bytes: $0) }
            if page.isReached(by: rows) { return RowPage(rows, next: rows.lastPosition) }
        }
        return RowPage(rows, next: nil)
    }

    /// The account and profile of an event. With one account, as nearly always, nothing is looked up.
    private struct EventAccounts {
        private let only: Int64?
        private let find: PreparedStatement
        private var arrived: [Int64: Int64] = [:]

        init(_ database: Database) throws {
            let accounts = try Int64.fetchAll(database, sql: "SELECT account_id FROM account LIMIT 2")
            only = accounts.count == 1 ? accounts[0] : nil
            find = try PreparedStatement(database, "SELECT account_id FROM profile WHERE profile_id = ?1")
            guard only == nil else { return }
            let arrivals = try PreparedStatement(database, "SELECT profile_id, account_id FROM profile_arrival")
            while try arrivals.nextRow() { arrived[arrivals.int64(0)] = arrivals.int64(1) }
        }

        func account(of profile: Int64) throws -> Int64 {
            if let account = only ?? arrived[profile] { return account }
            find.bind(1, profile)
            defer { find.reset() }
            guard try find.nextRow() else { throw StoreFailure(.unusable, "an event has no profile in the source") }
            return find.int64(0)
        }
    }
}

// MARK: - Writing

extension SQLiteRows {
    public func note() async throws(StoreFailure) -> CopyNote? {
        try await read { database in
            guard let encoded = try SQLiteRows.note(database) else { return nil }
            guard let note = CopyNote(encoded) else {
                throw StoreFailure(.unusable, "the target was begun by another version; go on with that one")
            }
            return note
        }
    }

    public func write(_ rows: RowBatch?, _ note: CopyNote) async throws(StoreFailure) {
        do {
            try await database.write { database in
                if let rows { try SQLiteRows.insert(database, rows) }
                try database.execute(
                    sql: "INSERT OR REPLACE INTO setting (name, value) VALUES (?, ?)",
                    arguments: [CopyNote.settingName, Data(note.encoded)])
            }
        } catch {
            throw StoreFailure(error)
        }
    }

    private static func insert(_ database: Database, _ rows: RowBatch) throws {
        guard !rows.isEmpty else { return }
        let statement = try PreparedStatement(database, CopySQL.insert(rows.kind))
        if rows.kind == .profileChange { try insertActors(database, of: rows) }
        let columns = rows.kind.columns
        try rows.bytes.withUnsafeBufferPointer { bytes in
            for row in 0..<rows.count {
                for (column, type) in columns.enumerated() {
                    let index = CInt(column + 1)
                    guard let content = rows.content(row, column) else {
                        statement.bindNull(index)
                        continue
                    }
                    let value = UnsafeBufferPointer(rebasing: bytes[content])
                    switch type {
                    case .integer: statement.bind(index, rows.integer(row, column) ?? 0)
                    case .text, .anyText: statement.bind(index, text: value)
                    case .bytes: statement.bind(index, blob: Array(value))
                    }
                }
                try statement.run()
            }
        }
    }

    /// The numbers of actors are of one file: a copy gives its own.
    private static func insertActors(_ database: Database, of changes: RowBatch) throws {
        let statement = try PreparedStatement(database, CopySQL.insertActor)
        for actor in Set((0..<changes.count).compactMap { changes.text($0, 6) }) {
            statement.bind(1, text: actor)
            try statement.run()
        }
    }

    public func makeReady(after origin: RowOrigin) async throws(StoreFailure) {
        do {
            try await database.write { database in
                try database.execute(
                    sql: "INSERT OR REPLACE INTO setting (name, value) VALUES ('last_event_id', ?)",
                    arguments: [origin.lastEventID])
                try database.execute(sql: "DELETE FROM sqlite_sequence WHERE name = 'rejection'")
                try database.execute(
                    sql: "INSERT INTO sqlite_sequence (name, seq) VALUES ('rejection', ?)",
                    arguments: [origin.lastRejectionID])
                // Made in one transaction, so it is there completely or not at all.
                let runs = try Int.fetchOne(database, sql: "SELECT count(*) FROM timeline_run") ?? 0
                if runs == 0 { try Timeline.build(database, from: Timeline.sortedEvents) }
                try MappedValueRows.fill(database, mapped: MappedValueRows.mapped(database))
                try ConsentCountRows.fill(database)
            }
        } catch {
            throw StoreFailure(error)
        }
    }
}

extension RowBatch {
    /// As many columns as the kind has.
    fileprivate mutating func append(_ statement: PreparedStatement) {
        for (column, type) in kind.columns.enumerated() {
            let index = CInt(column)
            switch type {
            case _ where statement.isNull(index): appendNull()
            case .integer: append(statement.int64(index))
            case .text, .anyText, .bytes: statement.withBytes(index) { append(bytes: $0) }
            }
        }
    }
}

import Foundation
import GRDB
public import Logging
public import OvationCore
import OvationRows

/// Definitions, profiles and events in one SQLite file. See DESIGN.md beside this file.
public final class SQLiteStore: Store {
    public let path: String
    let pool: DatabasePool
    private let writer: SQLiteWriter
    private let reader: SQLiteReader
    private let scanner: SQLiteReader
    private let recent = Recent()
    private let lock: FileLock

    /// Opens the file, or makes it with its folder, brings its tables up to date, and forgets refused posts that are
    /// past their time or number. Blocks.
    /// - Parameter now: nil is the time of the machine.
    /// - Throws: `unusable` with a sentence for the operator.
    public init(path: String, limits: Limits, logger: Logger, now: Timestamp? = nil) throws(StoreFailure) {
        self.path = path
        lock = try FileLock(path: path + ".lock")
        do {
            let isNew = !FileManager.default.fileExists(atPath: path)
            // The events are personal data: nobody else on the machine reads them. SQLite gives the files beside it
            // the same rights, so it has to be there first.
            if isNew {
                _ = FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600])
                try Folder.sync(Folder.of(path))
            }
            var configuration = Configuration()
            configuration.maximumReaderCount = SQLiteReader.Role.all.map(\.threads).reduce(0, +)
            configuration.foreignKeysEnabled = true
            configuration.prepareDatabase { database in
                for pragma in Pragmas.onOpen { try database.execute(sql: pragma) }
            }
            pool = try DatabasePool(path: path, configuration: configuration)
            try pool.writeWithoutTransaction { database in
                if !isNew {
                    try SQLiteStore.verifyIsOurs(database, path: path)
                    try SQLiteStore.verifyIsWhole(database)
                }
                for pragma in Pragmas.onWriter { _ = try Row.fetchOne(database, sql: pragma) }
                try Pragmas.verify(database)
            }
            // A new index over a large table is sorted in files, and not in memory as small things are.
            try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA temp_store = FILE") }
            try Schema.migrator.migrate(pool)
            try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA temp_store = MEMORY") }
            let opened = now ?? Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
            try pool.write { database in
                try AccountRows.makeServerSecret(database)
                try RejectionRows.forget(
                    database, at: try ClockNote.open(database, at: opened, limits), countMax: limits.rejectionsMax,
                    age: limits.rejectionAge)
            }
            try pool.read { [recent] in try recent.load($0) }
        } catch {
            let failure = StoreFailure(error)
            throw StoreFailure(.unusable, "\(path) cannot be used as a store: \(failure.message)")
        }
        writer = SQLiteWriter(pool: pool, recent: recent, limits: limits, logger: logger)
        reader = SQLiteReader(.rows, pool: pool, queueMax: limits.readerQueueMax, logger: logger)
        scanner = SQLiteReader(.scans, pool: pool, queueMax: limits.readerQueueMax, logger: logger)
    }

    /// Commits what waits and closes the file. Later calls throw `closed`. Blocks.
    public func close() {
        reader.close()
        scanner.close()
        writer.close()
        try? pool.close()
        lock.release()
    }

    static func verifyIsOurs(_ database: Database, path: String) throws {
        guard try !Schema.isBlank(database) else { return }
        guard try Int.fetchOne(database, sql: "PRAGMA application_id") == Schema.applicationID else {
            throw StoreFailure(.unusable, "it is a SQLite database of another program; name another file")
        }
        guard try !Schema.migrator.hasBeenSuperseded(database) else {
            throw StoreFailure(.unusable, "it was made by a newer Ovation; start that version")
        }
    }

    /// Not the target of a copy under way: rows are missing, and timelines.
    private static func verifyIsWhole(_ database: Database) throws {
        guard try database.tableExists("setting") else { return }
        if let refusal = CopyNote.refusal(toServe: try SQLiteRows.note(database)) { throw refusal }
    }
}

// MARK: - Events

extension SQLiteStore {
    public func append(_ batch: EventBatch) async throws(StoreFailure) -> AppendOutcome {
        try await writer.append(batch).get()
    }

    public func append(_ chunk: EventChunk) async throws(StoreFailure) -> AppendOutcome {
        try await writer.append(chunk).get()
    }

    public func events(of range: ExportRange) async throws(StoreFailure) -> ExportPage {
        try await scanner.read(after: { [recent] in recent.profiles.all }) { database, recent in
            try ExportRows.page(database, range, recent)
        }
    }

    public func outcome(
        account: Int64, of idempotency: Idempotency, at now: Timestamp
    ) async throws(StoreFailure) -> AppendOutcome? {
        try await write { _, appender in
            try appender.outcome(account: account, of: idempotency, at: now)
        }
    }

    public func events(
        _ filter: EventFilter, after position: EventPosition?, limit: Int
    ) async throws(StoreFailure) -> EventPage? {
        try await read(of: filter.profile, by: reader) { database, profile, recent in
            try EventRows.page(database, profile, filter, recent, after: position, limit: limit)
        }
    }

    public func deleteEvents(
        _ filter: EventFilter, id: Int64?, recordedAs note: @escaping @Sendable (Int) -> Note, at now: Timestamp,
        by actor: String
    ) async throws(StoreFailure) -> Deletion? {
        try await write { database, appender in
            let recent = appender.recent.part(for: filter.profile)
            guard let profile = try EventRows.profile(database, filter.profile, recent) else { return nil }
            let removal = try EventRows.delete(database, profile, filter, recent, id: id)
            let count = removal.counts.values.reduce(0, +)
            guard count > 0 else { return Deletion(count: 0, entry: nil) }
            appender.noteRemoved(removal.recent)
            try database.execute(
                sql: "INSERT OR REPLACE INTO setting (name, value) VALUES ('last_event_id', ?)",
                arguments: [appender.lastEventID])
            let account = filter.profile.account
            try ProfileRows.subtractUsage(database, removal.counts, account: account)
            let entry = LogEntry(
                sequence: try AccountRows.lastSequence(database, account: account) + 1, at: now, actor: actor,
                change: .noted(note(count)))
            try AccountRows.insert(database, entry, account: account)
            return Deletion(count: count, entry: entry)
        }
    }
}

// MARK: - Profiles

extension SQLiteStore {
    public func profile(_ reference: ProfileReference) async throws(StoreFailure) -> Profile? {
        switch reference {
        case .address(let address):
            try await reader.read(after: { [recent] in recent.part(for: address) }) { database, recent in
                try ProfileRows.find(database, address, recent)
            }
        case .id(let id, let account):
            try await reader.read(after: { [recent] in recent.profiles[id.value] }) { database, recent in
                try ProfileRows.find(database, id: id.value, account: account, recent)
            }
        }
    }

    public func profiles(_ search: ProfileSearch) async throws(StoreFailure) -> ProfileMatches {
        try await scanner.read { database in try ProfileRows.search(database, search) }
    }

    public func counts(of profile: ProfileAddress) async throws(StoreFailure) -> ProfileCounts? {
        try await read(of: profile, by: scanner) { database, profile, recent in
            try ProfileRows.counts(database, profile, recent)
        }
    }

    public func days(_ filter: EventFilter) async throws(StoreFailure) -> [EventDay]? {
        try await read(of: filter.profile, by: scanner) { database, profile, recent in
            try ProfileRows.days(database, profile, filter, recent)
        }
    }

    public func usage(account: Int64) async throws(StoreFailure) -> [VersionUsage] {
        try await reader.read { database in try ProfileRows.usage(database, account: account) }
    }
}

// MARK: - Refused posts

extension SQLiteStore {
    public func keep(_ post: RefusedPost) async throws(StoreFailure) -> Rejection.ID {
        try await writer.keep(try PackedRejection(post)).get()
    }

    public func rejections(
        _ filter: RejectionFilter, before id: Rejection.ID?, limit: Int, bodyBytesMax: Int
    ) async throws(StoreFailure) -> [Rejection] {
        try await reader.read { database in
            try RejectionRows.list(database, filter, before: id, limit: limit, bodyBytesMax: bodyBytesMax)
        }
    }

    public func countOpenRejections(
        account: Int64, from: Timestamp, max: Int
    ) async throws(StoreFailure) -> Int {
        try await reader.read { database in
            try RejectionRows.countOpen(database, account: account, from: from, max: max)
        }
    }

    public func rejection(_ id: Rejection.ID, account: Int64) async throws(StoreFailure) -> Rejection? {
        try await reader.read { database in try RejectionRows.find(database, id, account: account) }
    }

    public func discardRejection(_ id: Rejection.ID, account: Int64) async throws(StoreFailure) -> Bool {
        try await write { database, _ in try RejectionRows.discard(database, id, account: account) }
    }
}

// MARK: - Definitions

extension SQLiteStore {
    /// A lock on the file says that it is not.
    public var isShared: Bool { false }

    public func lastSequences() async throws(StoreFailure) -> [Int64: Int64] {
        try await reader.read { database in try AccountRows.lastSequences(database) }
    }

    public func load() async throws(StoreFailure) -> StoreContents {
        try await reader.read { database in try AccountRows.load(database) }
    }

    public func commit(_ change: AccountChange) async throws(StoreFailure) {
        try await write { database, _ in try AccountRows.commit(database, change) }
    }

    public func log(_ range: LogRange) async throws(StoreFailure) -> [LogEntry] {
        try await reader.read { database in try AccountRows.log(database, range) }
    }
}

// MARK: - The store itself

extension SQLiteStore {
    public func check() async throws(StoreFailure) {
        try await write { database, _ in
            try database.execute(
                sql: "INSERT OR REPLACE INTO setting (name, value) VALUES ('checked_at', unixepoch())")
        }
        _ = try await reader.read { database in
            try Int.fetchOne(database, sql: "SELECT value FROM setting WHERE name = 'checked_at'")
        }
    }

    public func statistics() -> StoreStatistics {
        var statistics = writer.statistics
        for suffix in ["", "-wal"] {
            let attributes = try? FileManager.default.attributesOfItem(atPath: path + suffix)
            statistics.bytesOnDisk += (attributes?[.size] as? Int64) ?? 0
        }
        return statistics
    }

    /// nil: there is no such profile.
    private func read<Value: Sendable>(
        of address: ProfileAddress, by reader: SQLiteReader,
        _ query: @escaping @Sendable (Database, Int64, Recent.Part) throws -> Value
    ) async throws(StoreFailure) -> Value? {
        try await reader.read(after: { [recent] in recent.part(for: address) }) { database, recent in
            guard let profile = try EventRows.profile(database, address, recent) else { return nil }
            return try query(database, profile, recent)
        }
    }

    /// One transaction on the writer's thread that gives something back.
    func write<Value: Sendable>(
        _ work: @escaping @Sendable (Database, EventAppender) throws -> Value
    ) async throws(StoreFailure) -> Value {
        let box = ResultBox<Value>()
        try await writer.perform { database, appender in box.set(try work(database, appender)) }.get()
        return box.take()
    }
}

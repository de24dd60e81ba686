import Foundation
import GRDB
public import Logging
public import OvationCore
import OvationRows

/// Definitions, profiles and events in one SQLite file. See DESIGN.md of this target.
public final class SQLiteStore: Store {
    /// With every link followed.
    public let path: String
    let pool: DatabasePool
    private let writer: SQLiteWriter
    private let reader: SQLiteReader
    private let scanner: SQLiteReader
    private let recent = Recent()
    private let lock: StoreLock
    private let state: StateFile
    private let ticker: Ticker

    /// Opens the file, or makes it with its folder, brings its tables up to date, and forgets refused posts that are
    /// past their time or number. Blocks.
    /// - Parameter now: nil is the time of the machine.
    /// - Throws: `unusable` with a sentence for the operator.
    public init(path: String, limits: Limits, logger: Logger, now: Timestamp? = nil) throws(StoreFailure) {
        lock = try StoreLock(path)
        self.path = lock.path
        // Threads and connections that a failed start must not leave behind.
        var undo: [() -> Void] = []
        do {
            let header = try StoreOpening.prepare(lock, logger: logger)
            var configuration = Configuration()
            configuration.maximumReaderCount = SQLiteReader.Role.all.map(\.threads).reduce(0, +)
            configuration.foreignKeysEnabled = true
            configuration.prepareDatabase { database in
                for pragma in Pragmas.onOpen { try database.execute(sql: pragma) }
            }
            let pool = try DatabasePool(path: self.path, configuration: configuration)
            self.pool = pool
            undo.append { [path = lock.path] in
                try? pool.close()
                // Otherwise the next start would take the log for one that another program has taken.
                StateFile.noteClosed(of: path)
            }
            let opened = now ?? Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
            state = try pool.writeWithoutTransaction { [path = lock.path] database in
                for pragma in Pragmas.onWriter { _ = try Row.fetchOne(database, sql: pragma) }
                try Pragmas.verify(database)
                return try SQLiteStore.begin(database, path, header, limits, at: opened)
            }
            try pool.read { [recent] in try recent.load($0) }
            // From here on everything that can fail fails here: a thread that has ended could report nothing.
            let reader = try SQLiteReader(.rows, pool: pool, limits: limits)
            self.reader = reader
            undo.append { reader.close() }
            let scanner = try SQLiteReader(.scans, pool: pool, limits: limits)
            self.scanner = scanner
            undo.append { scanner.close() }
            writer = try SQLiteWriter(
                pool: pool, recent: recent, state: state, file: try StoreWatch(path: self.path), limits: limits,
                logger: logger)
        } catch {
            let failure = StoreFailure(error)
            for step in undo.reversed() { step() }
            throw StoreFailure(.unusable, "\(self.path) cannot be used as a store: \(SQLiteStore.advice(failure))")
        }
        ticker = Ticker(name: "ovation-disk-watch", every: .milliseconds(250)) { [writer, reader, scanner] in
            writer.answerWhereTheDiskHangs()
            reader.refuseWhereTheDiskHangs()
            scanner.refuseWhereTheDiskHangs()
        }
    }

    /// Notes beside the file that it is open, and begins a log that is known to come from this start.
    private static func begin(
        _ database: Database, _ path: String, _ header: StoreHeader?, _ limits: Limits, at now: Timestamp
    ) throws -> StateFile {
        // This comes first: a process that finds the store open and without a log knows that another program may have
        // taken the log.
        let generation = (header?.generation ?? 0) &+ 1
        let state = try StateFile(
            of: path,
            StoreState(
                id: try StoreOpening.id(database), isOpen: true, generation: max(generation, 1), logSalts: nil,
                progress: try StoreOpening.progress(database)))
        try AccountRows.makeServerSecret(database)
        try RejectionRows.forget(
            database, at: try ClockNote.open(database, at: now, limits), countMax: limits.rejectionsMax,
            age: limits.rejectionAge)
        try ActivityRows.begin(database, at: now)
        try RejectionRows.fill(database)
        if header?.isSealed == true {
            try database.execute(sql: "PRAGMA user_version = \(StoreHeader.mark(ofStart: state.state.generation))")
        }
        try WriteAheadLog.empty(database)
        try database.execute(sql: SQLiteStore.proof)
        try state.beginLog(of: path)
        return state
    }

    /// Changes something each time, so that it is written and synced.
    private static let proof = """
        INSERT INTO setting (name, value) VALUES ('checked_at', unixepoch())
        ON CONFLICT DO UPDATE SET value = max(value + 1, excluded.value)
        """

    private static func advice(_ failure: StoreFailure) -> String {
        switch failure.code {
        case .full: "the disk is full (\(failure.message)); make room, and start again"
        case .damaged: "\(failure.message); restore a backup, or see what 'ovation doctor --deep' finds"
        default: failure.message
        }
    }

    /// Commits what waits and closes the file. Later calls throw `closed`. Blocks.
    public func close() {
        reader.close()
        scanner.close()
        writer.close()
        ticker.stop()
        try? pool.close()
        state.close()
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

    /// Must not be the target of an unfinished copy: rows and timelines are missing.
    static func verifyIsWhole(_ database: Database) throws {
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
            appender.noteLogEntries(1)
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

// MARK: - Activity

extension SQLiteStore {
    public func activity(account: Int64, in minutes: ClosedRange<Int64>) async throws(StoreFailure) -> Activity {
        try await reader.read { database in try ActivityRows.read(database, account: account, in: minutes) }
    }

    public func count(_ events: CountedEvents) async throws(StoreFailure) {
        try await writer.count(events).get()
    }
}

// MARK: - Refused posts

extension SQLiteStore {
    public func keep(
        _ post: RefusedPost, versions: [EventVersion.ID: Int]
    ) async throws(StoreFailure) -> Rejection.ID {
        try await writer.keep(try PackedRejection(post, versions: versions)).get()
    }

    public func rejections(
        _ filter: RejectionFilter, before id: Rejection.ID?, limit: Int, bodyBytesMax: Int
    ) async throws(StoreFailure) -> [Rejection] {
        try await reader.read { database in
            try RejectionRows.list(database, filter, before: id, limit: limit, bodyBytesMax: bodyBytesMax)
        }
    }

    public func rejections(
        _ range: RejectionRange, limit: Int, bodyBytesMax: Int
    ) async throws(StoreFailure) -> [Rejection] {
        try await reader.read { try RejectionRows.list($0, range, limit: limit, bodyBytesMax: bodyBytesMax) }
    }

    public func countRejections(_ range: RejectionRange) async throws(StoreFailure) -> Int {
        try await reader.read { try RejectionRows.count($0, range) }
    }

    public func rejectionCauses(
        _ filter: RejectionCauseFilter, limit: Int
    ) async throws(StoreFailure) -> RejectionCauses {
        try await reader.read { try RejectionRows.causes($0, filter, limit: limit) }
    }

    public func countOpenRejections(account: Int64, from: Timestamp) async throws(StoreFailure) -> Int {
        try await reader.read { try RejectionRows.countOpen($0, account: account, from: from) }
    }

    public func dismissRejections(_ ids: [Rejection.ID], account: Int64) async throws(StoreFailure) -> Int {
        try await write { database, _ in try RejectionRows.dismiss(database, ids, account: account) }
    }

    public func rejection(_ id: Rejection.ID, account: Int64) async throws(StoreFailure) -> Rejection? {
        try await reader.read { database in try RejectionRows.find(database, id, account: account) }
    }

    public func dismissRejection(_ id: Rejection.ID, account: Int64) async throws(StoreFailure) -> Bool {
        try await write { database, _ in try RejectionRows.dismiss(database, id, account: account) }
    }
}

// MARK: - Definitions

extension SQLiteStore {
    /// A lock on the file ensures that no other server writes.
    public var isShared: Bool { false }

    public func lastSequences() async throws(StoreFailure) -> [Int64: Int64] {
        try await reader.read { database in try AccountRows.lastSequences(database) }
    }

    public func load() async throws(StoreFailure) -> StoreContents {
        try await reader.read { database in try AccountRows.load(database) }
    }

    public func commit(_ change: AccountChange) async throws(StoreFailure) {
        try await write { database, appender in
            try AccountRows.commit(database, change)
            appender.noteLogEntries(change.entries.count)
        }
    }

    public func log(_ range: LogRange) async throws(StoreFailure) -> [LogEntry] {
        try await reader.read { database in try AccountRows.log(database, range) }
    }
}

// MARK: - The store itself

extension SQLiteStore {
    public func check() async throws(StoreFailure) {
        try await write { database, _ in
            try database.execute(sql: SQLiteStore.proof)
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

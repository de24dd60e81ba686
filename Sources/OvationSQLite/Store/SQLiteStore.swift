import Foundation
import GRDB
public import Logging
public import OvationCore
import OvationRows

/// Definitions, profiles and events in one SQLite file. See DESIGN.md of this target. What it does for each kind of thing
/// stands in the folder of that kind.
public final class SQLiteStore: Store {
    /// With every link followed.
    public let path: String
    let pool: DatabasePool
    let writer: SQLiteWriter
    let reader: SQLiteReader
    let scanner: SQLiteReader
    let recent = Recent()
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

// MARK: - Health

extension SQLiteStore: StoreHealth {
    public func check() async throws(StoreFailure) -> [String] {
        try await write { database, _ in
            try database.execute(sql: SQLiteStore.proof)
        }
        _ = try await reader.read { database in
            try Int.fetchOne(database, sql: "SELECT value FROM setting WHERE name = 'checked_at'")
        }
        return []
    }

    public func statistics() -> StoreStatistics {
        var statistics = writer.statistics
        for suffix in ["", "-wal"] {
            let attributes = try? FileManager.default.attributesOfItem(atPath: path + suffix)
            statistics.bytesOnDisk += (attributes?[.size] as? Int64) ?? 0
        }
        return statistics
    }
}

// MARK: - For all kinds of things

extension SQLiteStore {
    /// nil: there is no such profile.
    func read<Value: Sendable>(
        of address: ProfileAddress, by reader: SQLiteReader,
        _ query: @escaping @Sendable (Database, MemberTree, Recent.Part) throws -> Value
    ) async throws(StoreFailure) -> Value? {
        try await read(along: address, by: reader) { database, recent in
            guard let tree = try MemberRows.find(database, address, recent) else { return nil }
            return try query(database, tree, recent)
        }
    }

    private enum Attempt<Value: Sendable>: Sendable {
        case found(Value)
        case pathIsLonger
        case membersAreMissing(Set<Int64>)
    }

    /// Reads with so much of memory as the path of an address is long, and as its profile has members.
    func read<Value: Sendable>(
        along address: ProfileAddress, by reader: SQLiteReader,
        _ query: @escaping @Sendable (Database, Recent.Part) throws -> Value
    ) async throws(StoreFailure) -> Value {
        let result = await withUnsafeContinuation { continuation in
            read(along: address, by: reader, query) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    /// - Parameter reply: called once, on a thread of the reader.
    func read<Value: Sendable>(
        along address: ProfileAddress, by reader: SQLiteReader, steps: Int = Recent.stepsExpected,
        members: Set<Int64> = [], _ query: @escaping @Sendable (Database, Recent.Part) throws -> Value,
        reply: @escaping @Sendable (Result<Value, StoreFailure>) -> Void
    ) {
        reader.read(after: { [recent] in recent.part(for: address, steps: steps, members: members) }) {
            database, recent -> Attempt<Value> in
            do {
                return .found(try query(database, recent))
            } catch is Recent.PathIsLonger {
                return .pathIsLonger
            } catch let missing as Recent.MembersAreMissing {
                return .membersAreMissing(missing.members)
            }
        } reply: { [self] result in
            switch result {
            case .success(.found(let value)): reply(.success(value))
            case .success(.pathIsLonger):
                read(along: address, by: reader, steps: steps * 4, members: members, query, reply: reply)
            case .success(.membersAreMissing(let missing)):
                read(along: address, by: reader, steps: steps, members: missing, query, reply: reply)
            case .failure(let failure): reply(.failure(failure))
            }
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

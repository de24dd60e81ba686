import Foundation
import GRDB
import Logging
import OvationCore

/// Examines the parts of a store before SQLite looks at them, and whether they belong together: SQLite would use the
/// pages of any log that it finds, and would delete the log of an empty file.
struct StoreOpening {
    let path: String
    /// nil: there is no file, or it is empty.
    let header: StoreHeader?
    /// Bytes; nil if there is no file.
    let fileBytes: Int64?
    let logBytes: Int64
    let logSalts: LogSalts?
    let state: StoreState?
    /// The first pages, for every page size.
    private let beginning: [UInt8]

    /// - Parameter lock: its descriptor is used for reading; nil opens another, which stays open: closing it would drop
    ///   the locks that SQLite has on the file in this process.
    init(path: String, lock: StoreLock? = nil) {
        self.path = path
        // Read before the log: a server that begins a log writes this after it.
        state = StateFile.read(of: path)
        let descriptor = lock?.fileDescriptor ?? open(path, O_RDONLY | O_CLOEXEC)
        beginning = descriptor >= 0 ? StoreFile.bytes(descriptor, at: 0, 65_536) : []
        header = StoreHeader(beginning)
        fileBytes = StoreFile.size(path)
        logBytes = StoreFile.size(path + "-wal") ?? 0
        logSalts = LogSalts(
            Array(StoreFile.beginning(path + "-wal", 32).dropFirst(LogSalts.offset).prefix(LogSalts.count)))
    }

    var hasLog: Bool { logBytes > 0 }

    /// The log that the store was left with is missing: SQLite copied it into the file, in another program that knows
    /// no checksums.
    var isLogTaken: Bool { !hasLog && state?.isOpen == true }

    /// A backup in the place of the store that the state belongs to.
    var isBackup: Bool { header?.mark == StoreHeader.neverServed }

    /// - Throws: `unusable` with what is wrong and what to do.
    func verify() throws(StoreFailure) {
        guard let fileBytes, fileBytes > 0 else { return try verifyNothingIsLost() }
        if let header, header.isSealed {
            // With a log, the counts may be in it.
            guard hasLog || isLogTaken || isWhole(page: 1, of: header.pageSize) else { throw firstPage }
        } else if let header, header.application == UInt32(Schema.applicationID) {
            // The file is from an older version, or a copy; or its header is damaged.
            guard header.mark == 0, header.hasRoomForChecksums || !areOtherPagesSealed else { throw firstPage }
        } else {
            guard !areOtherPagesSealed else { throw firstPage }
        }
        guard hasLog else { return }
        guard !isBackup else {
            throw StoreFailure(
                .unusable,
                "it is a backup, and \(path)-wal beside it is the log of the store that was here before; move that "
                    + "file and \(path)-shm away")
        }
        guard let state else { return }
        guard state.isOpen else {
            throw foreignLog("the store was closed, and had no log then")
        }
        guard let expected = state.logSalts else { return }
        if let logSalts, !logSalts.follow(expected) {
            throw foreignLog("it is of another store, or of another time")
        }
        if let generation = header?.generation, generation != state.generation {
            throw foreignLog("the file is of another time than its log")
        }
    }

    /// For a caller that reads the file and does not serve it: only a server writes the checksums anew.
    func verifyIsSettled() throws(StoreFailure) {
        try verify()
        guard isLogTaken, header?.isSealed == true else { return }
        throw StoreFailure(.unusable, "another program has copied its log into it; start 'ovation serve' on it once")
    }

    private func verifyNothingIsLost() throws(StoreFailure) {
        let what = fileBytes == nil ? "there is no such file" : "the file is empty"
        guard !hasLog else {
            throw StoreFailure(
                .unusable,
                "\(what), but its log \(path)-wal has \(logBytes) bytes; put the file back, or move the log away to begin "
                    + "with nothing")
        }
        guard let state, state.progress != StoreProgress() else { return }
        throw StoreFailure(
            .unusable,
            "\(what), but a store was here with events up to \(state.progress.event); is the disk mounted? Put the file "
                + "or a backup back, or remove \(StateFile.path(of: path)) to begin with nothing")
    }

    private var firstPage: StoreFailure {
        StoreFailure(.damaged, "its first page is damaged; restore a backup")
    }

    private func foreignLog(_ why: String) -> StoreFailure {
        StoreFailure(
            .unusable,
            "its log \(path)-wal is not the one that belongs to it: \(why). Put the right one back, or a backup in place of "
                + "all; to go on without the log, move it and \(StateFile.path(of: path)) away")
    }

    /// If the header says that there are no checksums, the other pages tell whether there are: the switch for the check
    /// is in a page that may be damaged.
    private var areOtherPagesSealed: Bool {
        [2, 3].allSatisfy { isWhole(page: $0, of: 4096) && !page($0, of: 4096).allSatisfy { $0 == 0 } }
    }

    private func isWhole(page number: Int, of size: Int) -> Bool {
        let content = page(number, of: size)
        return content.count == size && PageChecksums.isWhole(content, UInt32(number))
    }

    private func page(_ number: Int, of size: Int) -> [UInt8] {
        Array(beginning.dropFirst((number - 1) * size).prefix(size))
    }

    /// Compares the store with its state.
    /// - Returns: warnings.
    func verify(_ progress: StoreProgress, of id: String) throws(StoreFailure) -> String? {
        guard let state, !isBackup else { return nil }
        guard state.id == id else {
            return "another store was here before; what it held is not in this one"
        }
        guard progress.isBehind(state.progress) else {
            return isLogTaken && state.logSalts != nil ? "another program has copied the log into the file" : nil
        }
        let events = state.progress.event - progress.event
        throw StoreFailure(
            .unusable,
            (events > 0
                ? "\(events) acknowledged events are missing, those after \(progress.event) up to \(state.progress.event)"
                : "acknowledged changes are missing")
                + ": its log \(path)-wal is \(hasLog ? "damaged" : "gone"), or the file is an older one. Put back what was "
                + "there, or a backup; to go on without what is missing, remove \(StateFile.path(of: path))")
    }
}

// MARK: - Getting ready

extension StoreOpening {
    /// Makes a file ready to be served: everything of its log is in it, its tables are of this version, and its pages
    /// have their checksums. Afterwards no connection has it open. Blocks.
    /// - Returns: what the file now says about itself.
    static func prepare(_ lock: StoreLock, logger: Logger) throws -> StoreHeader? {
        let path = lock.path
        try PageChecksums.register()
        let found = StoreOpening(path: path, lock: lock)
        try found.verify()
        if found.fileBytes == nil { try makeFile(lock) }
        if found.isBackup, let size = found.header?.pageSize {
            // From here on it is a store of its own, and may have a log.
            try StateFile.remove(of: path)
            try PageChecksums.mark(path, as: StoreHeader.mark(ofStart: 1), pageSize: size)
        }
        StateFile.noteOpened(of: path)
        // Before SQLite reads what the other program wrote.
        if found.isLogTaken, found.header?.isSealed == true {
            let pages = try PageChecksums.seal(path)
            if pages > 0 {
                logger.warning(
                    "another program wrote to the store; its pages got new checksums", metadata: ["pages": "\(pages)"])
            }
        }
        try? FileManager.default.removeItem(atPath: path + ".new")
        var isSettled = false
        let database = try DatabaseQueue(path: path, configuration: configuration)
        do {
            let warning = try bringUpToDate(database, found, &isSettled)
            if let warning { logger.warning("the store is not as it was left", metadata: ["warning": "\(warning)"]) }
            if found.header?.hasRoomForChecksums == false { try addChecksums(database, lock, logger) }
            try database.close()
        } catch {
            try? database.close()
            if isSettled {
                StateFile.noteClosed(of: path)
            } else {
                StateFile.restore(found.state, of: path)
            }
            throw error
        }
        let ready = StoreOpening(path: path, lock: lock).header
        guard let ready, ready.hasRoomForChecksums, !ready.isSealed else { return ready }
        try PageChecksums.seal(path)
        return StoreOpening(path: path, lock: lock).header
    }

    static func makeFile(_ lock: StoreLock) throws(StoreFailure) {
        // The events are personal data: no other user of the machine may read them. SQLite gives the files beside it
        // the same rights, so the file has to exist first.
        let descriptor = open(lock.path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StoreFailure(.unusable, "it cannot be made: \(StoreFile.reason(errno))")
        }
        close(descriptor)
        try lock.lockFile()
        try Folder.sync(Folder.of(lock.path))
    }

    /// For one connection that has the file alone.
    static var configuration: Configuration {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = true
        configuration.prepareDatabase { database in
            for pragma in Pragmas.onOpen { try database.execute(sql: pragma) }
            PageChecksums.reserve(database)
            // A new index over a large table is sorted in files, and not in memory like small ones.
            try database.execute(sql: "PRAGMA temp_store = FILE; PRAGMA synchronous = FULL")
        }
        return configuration
    }

    /// - Parameter isSettled: whether the file is complete without its log, and nothing of it is missing.
    private static func bringUpToDate(
        _ queue: DatabaseQueue, _ found: StoreOpening, _ isSettled: inout Bool
    ) throws -> String? {
        var warning: String?
        try queue.writeWithoutTransaction { database in
            // A person who is told that the log is not complete must find it unchanged.
            PageChecksums.keepLog(database, true)
            if found.fileBytes ?? 0 > 0 {
                try SQLiteStore.verifyIsOurs(database, path: found.path)
                try SQLiteStore.verifyIsWhole(database)
            }
            warning = try found.verifyNothingIsMissing(database)
            if found.hasLog { try WriteAheadLog.empty(database) }
            PageChecksums.keepLog(database, false)
            isSettled = true
            _ = try Row.fetchOne(database, sql: "PRAGMA journal_mode = WAL")
        }
        try Schema.migrator.migrate(queue)
        try queue.writeWithoutTransaction { try WriteAheadLog.empty($0) }
        return warning
    }

    /// Runs before anything is changed. A store that has a state has all tables of this version or of a later one.
    /// - Returns: warnings.
    func verifyNothingIsMissing(_ database: Database) throws -> String? {
        guard state != nil, try database.tableExists("rejection") else { return nil }
        return try verify(try StoreOpening.progress(database), of: try StoreOpening.id(database))
    }

    /// If there is no room for a second file, the store continues without checksums.
    private static func addChecksums(_ queue: DatabaseQueue, _ lock: StoreLock, _ logger: Logger) throws {
        let path = lock.path
        let bytes = StoreFile.size(path) ?? 0
        logger.notice(
            "the store is rewritten once, to add checksums", metadata: ["megabytes": "\(bytes >> 20)"])
        do {
            let copy = try queue.writeWithoutTransaction { try PageChecksums.add(to: path, $0) }
            try queue.close()
            guard rename(copy, path) == 0 else {
                throw StoreFailure(.unavailable, "\(copy) cannot be renamed: \(StoreFile.reason(errno))")
            }
            try lock.lockFile()
            try Folder.sync(Folder.of(path))
        } catch let error where StoreFailure(error).code == .full {
            logger.warning(
                "there is no room for checksums; the store continues without them, and the next start tries again",
                metadata: ["needed_megabytes": "\(bytes >> 20)"])
        }
    }

    /// Made with the store. Not a secret.
    static func id(_ database: Database) throws -> String {
        try String.fetchOne(database, sql: "SELECT value FROM setting WHERE name = 'store_id'") ?? ""
    }

    static func progress(_ database: Database) throws -> StoreProgress {
        func number(_ sql: String) throws -> Int64 { try Int64.fetchOne(database, sql: sql) ?? 0 }
        // A store of an older version knows no changes of profiles.
        let hasChanges = try database.tableExists("profile_change")
        return StoreProgress(
            event: max(
                try number("SELECT max(event_id) FROM event"),
                hasChanges ? try number("SELECT max(position) FROM profile_change") : 0,
                try number("SELECT value FROM setting WHERE name = 'last_event_id'")),
            logEntry: try AccountRows.entryCount(database),
            rejection: try number("SELECT seq FROM sqlite_sequence WHERE name = 'rejection'"))
    }
}

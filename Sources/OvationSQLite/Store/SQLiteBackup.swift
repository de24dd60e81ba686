import Foundation
import GRDB
public import OvationCore

/// A copy of a store as it was at one moment, made while a server writes to it or not.
///
/// The store is opened to be read only: a connection that neither writes nor copies the log into the file does no harm to
/// the server that does (rule 8 of DESIGN.md).
public struct SQLiteBackup: Sendable {
    public let events: Int
    public let profiles: Int
    public let bytes: Int64

    /// 16 MB between two looks at how far it is.
    private static let pagesPerStep: CInt = 4096

    /// Blocks. The file gets its name when it is complete, on the disk and checked.
    /// - Parameter progress: called with the bytes copied and the bytes in all.
    /// - Throws: with a sentence for the operator.
    public init(
        of path: String, to destination: String, progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void
    ) throws(StoreFailure) {
        let path = try StoreFile.realPath(path)
        guard FileManager.default.fileExists(atPath: path) else {
            throw StoreFailure(.unusable, "\(path) does not exist; name the file of a store with --store")
        }
        // Under another name SQLite would not find the log, and the newest posts would be missing.
        try StoreFile.verify(path)
        try PageChecksums.register()
        let found = try SQLiteBackup.settled(path)
        guard !FileManager.default.fileExists(atPath: destination) else {
            throw StoreFailure(.unusable, "\(destination) is there already; name another file")
        }
        let part = destination + ".part"
        var isNamed = false
        do {
            // The file of a killed backup. A journal of another part would be taken for this one's.
            SQLiteBackup.remove(part)
            // Personal data: no other user of the machine may read them. The file is made here and now: it must not be
            // one that another user put there.
            let made = open(part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
            guard made >= 0 else {
                throw StoreFailure(.unavailable, "the file cannot be made; is there such a folder?")
            }
            Foundation.close(made)
            try SQLiteBackup.copy(path, part, progress)
            // The file that replaces it may be compared with the store it came from.
            if found.header?.hasRoomForChecksums == true {
                try PageChecksums.seal(part, as: StoreHeader.neverServed)
            }
            (events, profiles) = try SQLiteBackup.check(part)
            try StoreFile.sync(part)
            guard rename(part, destination) == 0 else {
                throw StoreFailure(.unavailable, "it cannot be renamed: \(String(cString: strerror(errno)))")
            }
            isNamed = true
            try Folder.sync(Folder.of(destination))
            bytes = try FileManager.default.attributesOfItem(atPath: destination)[.size] as? Int64 ?? 0
        } catch {
            // A failed backup leaves no file, whichever name it has by then.
            SQLiteBackup.remove(part)
            if isNamed { SQLiteBackup.remove(destination) }
            let failure = StoreFailure(error)
            throw StoreFailure(failure.code, "\(destination) was not written: \(failure.message)")
        }
    }

    /// A server that starts, stops, or starts its log again writes file, log and state one after the other.
    private static func settled(_ path: String) throws(StoreFailure) -> StoreOpening {
        for _ in 0..<20 {
            let found = StoreOpening(path: path)
            do throws(StoreFailure) {
                try found.verifyIsSettled()
                return found
            } catch {
                usleep(100_000)
            }
        }
        let found = StoreOpening(path: path)
        try found.verifyIsSettled()
        return found
    }

    /// With the files that SQLite puts beside an open file.
    private static func remove(_ path: String) {
        for suffix in ["", "-journal", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) }
    }

    private static func copy(
        _ path: String, _ part: String, _ progress: @escaping @Sendable (Int, Int) -> Void
    ) throws {
        var reading = Configuration()
        reading.readonly = true
        reading.busyMode = .timeout(10)
        let source = try DatabaseQueue(path: path, configuration: reading)
        defer { try? source.close() }
        let target = try DatabaseQueue(path: part)
        defer { try? target.close() }
        try source.read { database in
            guard try Int.fetchOne(database, sql: "PRAGMA application_id") == Schema.applicationID else {
                throw StoreFailure(.unusable, "\(path) is no store of Ovation")
            }
            // From here on this connection sees one state, whatever is written meanwhile.
            let pageSize = try Int.fetchOne(database, sql: "PRAGMA page_size") ?? 4096
            try target.writeWithoutTransaction { copy in
                do {
                    try database.backup(to: copy, pagesPerStep: pagesPerStep) { step in
                        progress(step.completedPageCount * pageSize, step.totalPageCount * pageSize)
                    }
                } catch {
                    throw StoreFailure(error, on: copy)
                }
                // One file, without a log beside it. The server changes it back.
                _ = try Row.fetchOne(copy, sql: "PRAGMA journal_mode = DELETE")
            }
        }
    }

    private static func check(_ path: String) throws -> (events: Int, profiles: Int) {
        let copy = try DatabaseQueue(path: path)
        defer { try? copy.close() }
        return try copy.read { database in
            let audit = try StoreAudit(database)
            guard audit.faults.isEmpty else {
                throw StoreFailure(
                    .damaged,
                    "the store is damaged (\(audit.faults.joined(separator: "; "))): restore the last good backup")
            }
            return (audit.events, audit.profiles)
        }
    }
}

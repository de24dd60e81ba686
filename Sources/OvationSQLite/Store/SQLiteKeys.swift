import Foundation
import GRDB
public import OvationCore

/// Reads the keys of a store that a server may have open, and nothing else.
public enum SQLiteKeys {
    /// Blocks.
    /// - Throws: with a sentence for the operator.
    public static func read(path: String) throws(StoreFailure) -> StoreContents {
        let path = try StoreFile.realPath(path)
        guard FileManager.default.fileExists(atPath: path) else {
            throw StoreFailure(.unusable, "\(path) does not exist; name the store of the server with --store")
        }
        // Under another name SQLite would not find the log.
        try StoreFile.verify(path)
        guard FileManager.default.isReadableFile(atPath: path) else {
            throw StoreFailure(
                .unusable, "\(path) is not readable for you; run this as the user of the server")
        }
        try PageChecksums.register()
        do {
            var reading = Configuration()
            reading.readonly = true
            reading.busyMode = .timeout(10)
            let queue = try DatabaseQueue(path: path, configuration: reading)
            defer { try? queue.close() }
            return try queue.read { database in
                guard try Int.fetchOne(database, sql: "PRAGMA application_id") == Schema.applicationID else {
                    throw StoreFailure(.unusable, "\(path) is no store of Ovation")
                }
                return try AccountRows.load(database)
            }
        } catch {
            throw StoreFailure(error)
        }
    }
}

import Foundation
import GRDB
import OvationCore

/// What can be told of a store from outside, without disturbing a server that has it open.
public enum SQLiteDoctor {
    public struct Finding: Sendable {
        public let isGood: Bool
        public let text: String
    }

    public static func findings(path: String) -> [Finding] {
        var findings = [library()]
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        guard FileManager.default.fileExists(atPath: path) else {
            findings.append(Finding(isGood: true, text: "\(path) does not exist yet; 'ovation serve' makes it"))
            return findings
        }
        findings.append(space(folder))
        do {
            // Held only while the file is looked at; a running server holds it all the time.
            let lock = try FileLock(path: path + ".lock")
            findings += try withExtendedLifetime(lock) { try inspect(path) }
        } catch let failure as StoreFailure where failure.message.contains("another process") {
            findings.append(Finding(isGood: true, text: "\(path) is open in a server; its own checks run at /ready"))
        } catch {
            findings.append(Finding(isGood: false, text: "\(path): \(StoreFailure(error).message)"))
        }
        return findings
    }

    private static func library() -> Finding {
        let version = (try? DatabaseQueue().read { try String.fetchOne($0, sql: "SELECT sqlite_version()") }) ?? "none"
        let parts = version.split(separator: ".").compactMap { Int($0) }
        let isGood = parts.lexicographicallyPrecedes([3, 38]) == false
        return Finding(
            isGood: isGood,
            text: "SQLite \(version)" + (isGood ? "" : " is too old; 3.38 or newer is needed"))
    }

    private static func space(_ folder: String) -> Finding {
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: folder)
        let free = (attributes?[.systemFreeSize] as? Int64) ?? 0
        return Finding(
            isGood: free > 1 << 30,
            text: "\(free >> 20) MiB free in \(folder)" + (free > 1 << 30 ? "" : "; make room, or move the store"))
    }

    /// A profile that is being moved is in both tables.
    static func counts(_ database: Database) throws -> (events: Int, profiles: Int) {
        let events = try Int.fetchOne(database, sql: "SELECT count(*) FROM event") ?? 0
        // A store of an older version, which no server has brought up to date yet.
        guard try database.tableExists("profile_arrival") else {
            return (events, try Int.fetchOne(database, sql: "SELECT count(*) FROM profile") ?? 0)
        }
        let profiles = try Int.fetchOne(
            database,
            sql: """
                SELECT (SELECT count(*) FROM profile) + (SELECT count(*) FROM profile_arrival AS arrived
                    WHERE NOT EXISTS (SELECT 1 FROM profile WHERE profile.profile_id = arrived.profile_id))
                """)
        return (events, profiles ?? 0)
    }

    private static func inspect(_ path: String) throws -> [Finding] {
        var configuration = Configuration()
        configuration.readonly = true
        return try DatabaseQueue(path: path, configuration: configuration).read { database in
            guard try !Schema.isBlank(database) else {
                return [Finding(isGood: true, text: "\(path) is empty; 'ovation serve' makes its tables")]
            }
            let isOurs = try Int.fetchOne(database, sql: "PRAGMA application_id") == Schema.applicationID
            guard isOurs else { return [Finding(isGood: false, text: "\(path) is not an Ovation store")] }
            let verdict = try String.fetchOne(database, sql: "PRAGMA quick_check(1)") ?? "no answer"
            let (events, profiles) = try counts(database)
            if let refusal = CopyNote.refusal(toServe: try SQLiteRows.note(database)) {
                return [Finding(isGood: false, text: "\(path): \(refusal.message)")]
            }
            return [
                Finding(
                    isGood: verdict == "ok",
                    text: verdict == "ok"
                        ? "\(path) is sound: \(events) events of \(profiles) profiles"
                        : "\(path) is damaged (\(verdict)); restore a backup")
            ]
        }
    }
}

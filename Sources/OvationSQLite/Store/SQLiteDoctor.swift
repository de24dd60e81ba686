import Foundation
import GRDB
import OvationCore
import OvationRows

/// Examines a store from outside, without disturbing a server that has it open.
public enum SQLiteDoctor {
    public struct Finding: Sendable {
        public let isGood: Bool
        public let text: String
    }

    /// - Parameter isDeep: read everything and compare it, which takes as long as reading the file.
    public static func findings(path: String, isDeep: Bool = false) -> [Finding] {
        var findings = [library()]
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        guard FileManager.default.fileExists(atPath: path) else {
            let isLost = StoreFile.size(path + "-wal") ?? 0 > 0 || StateFile.read(of: path) != nil
            findings.append(
                isLost
                    ? Finding(isGood: false, text: "\(path) is missing, and parts of a store are beside where it was")
                    : Finding(isGood: true, text: "\(path) does not exist yet; 'ovation serve' makes it"))
            return findings
        }
        findings.append(space(folder))
        do throws(StoreFailure) {
            let path = try StoreFile.realPath(path)
            try PageChecksums.register()
            // Held only while the file is examined; a running server holds it all the time.
            do throws(StoreFailure) {
                let lock = try StoreLock(path)
                defer { lock.release() }
                let found = StoreOpening(path: path, lock: lock)
                try found.verify()
                guard !found.isLogTaken || found.header?.isSealed == false else {
                    return findings + [
                        Finding(
                            isGood: true,
                            text: "\(path): another program has copied its log into it; the next start writes its "
                                + "checksums anew, and tells if anything is missing")
                    ]
                }
                findings += try inspect(path, isDeep: isDeep)
                if found.header?.hasRoomForChecksums == false {
                    findings.append(
                        Finding(
                            isGood: true,
                            text: "it has no checksums yet; the next start adds them, with room for a second file"))
                }
            } catch  where error.code == .inUse {
                findings.append(
                    Finding(isGood: true, text: "\(path) is open in a server; its own checks run at /ready"))
                if isDeep { findings += try inspect(path, isDeep: true) }
            }
        } catch {
            findings.append(Finding(isGood: false, text: "\(path): \(error.message)"))
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
        // The row of an erased profile stays, and is none; a profile of several members is one.
        var isThere = try database.tableExists("erasure") ? "WHERE state <> 2" : ""
        if try database.tableExists("profile_member") {
            isThere += " AND profile_id NOT IN (SELECT profile_id FROM profile_member WHERE parent_id IS NOT NULL)"
        }
        let profiles = try Int.fetchOne(
            database,
            sql: """
                SELECT (SELECT count(*) FROM profile \(isThere)) + (SELECT count(*) FROM profile_arrival AS arrived
                    WHERE NOT EXISTS (SELECT 1 FROM profile WHERE profile.profile_id = arrived.profile_id))
                """)
        return (events, profiles ?? 0)
    }

    private static func inspect(_ path: String, isDeep: Bool) throws(StoreFailure) -> [Finding] {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(10)
        var findings: [Finding]?
        do {
            let database = try DatabaseQueue(path: path, configuration: configuration)
            defer { try? database.close() }
            try database.read { findings = try inspect($0, path, isDeep: isDeep) }
        } catch let error as DatabaseError where error.leavesRollback {
            return [
                Finding(
                    isGood: true,
                    text: "\(path): a program was stopped while it changed the file; the next start takes that change "
                        + "back")
            ]
        } catch {
            // A transaction in which a page could not be read cannot be ended either.
            guard let findings else { throw StoreFailure(error) }
            return findings
        }
        return findings ?? []
    }

    private static func inspect(_ database: Database, _ path: String, isDeep: Bool) throws -> [Finding] {
        guard try !Schema.isBlank(database) else {
            return [Finding(isGood: true, text: "\(path) is empty; 'ovation serve' makes its tables")]
        }
        let isOurs = try Int.fetchOne(database, sql: "PRAGMA application_id") == Schema.applicationID
        guard isOurs else { return [Finding(isGood: false, text: "\(path) is not an Ovation store")] }
        if let refusal = CopyNote.refusal(toServe: try SQLiteRows.note(database)) {
            return [Finding(isGood: false, text: "\(path): \(refusal.message)")]
        }
        guard !isDeep else {
            let audit = try StoreAudit(database)
            guard audit.faults.isEmpty else {
                return audit.faults.map { Finding(isGood: false, text: "\(path): \($0); restore a backup") }
            }
            return [
                Finding(
                    isGood: true,
                    text:
                        "\(path) is sound: all of \(audit.events) events of \(audit.profiles) profiles were read, and "
                        + "fit to their timelines and counts")
            ]
        }
        let verdict = try String.fetchOne(database, sql: "PRAGMA quick_check(1)") ?? "no answer"
        guard verdict == "ok" else {
            return [Finding(isGood: false, text: "\(path) is damaged (\(verdict)); restore a backup")]
        }
        let (events, profiles) = try counts(database)
        return [Finding(isGood: true, text: "\(path) is sound: \(events) events of \(profiles) profiles")]
    }
}

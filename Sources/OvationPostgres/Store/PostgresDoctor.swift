import CLibpq
import Foundation
import OvationCore
import OvationRows

/// Examines a database from outside: whether it can be a store, and what its settings mean for acknowledged events.
public enum PostgresDoctor {
    public struct Finding: Sendable {
        public let isGood: Bool
        public let text: String
    }

    static let settings = Statement(
        "doctor_settings",
        """
        SELECT name, coalesce(reset_val, '') FROM pg_settings WHERE name IN ('synchronous_commit', 'fsync',
            'full_page_writes', 'server_encoding', 'synchronous_standby_names', 'max_connections')
        """)
    static let facts = Statement(
        "doctor_facts",
        """
        SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on',
            to_regnamespace('ovation') IS NOT NULL, has_database_privilege(current_database(), 'CREATE'),
            coalesce(has_schema_privilege(to_regnamespace('ovation')::oid, 'USAGE'), false),
            (extract(epoch FROM now()) * 1000)::bigint,
            (SELECT count(*) FROM pg_stat_activity), (SELECT extversion FROM pg_extension WHERE extname = 'citus'),
            current_user::text, to_regclass('ovation.migration') IS NOT NULL
        """)

    static let note = Statement("doctor_note", "SELECT value FROM ovation.setting WHERE name = 'copy'")

    public static func findings(connection text: String) -> [Finding] {
        var findings = [Finding(isGood: true, text: "libpq \(PQlibVersion() / 10_000).\(PQlibVersion() % 10_000)")]
        do {
            let target = try ConnectionTarget(text)
            do {
                findings += try inspect(target)
            } catch {
                let failure = (error as? PostgresFailure).map { StoreFailure($0) } ?? error as? StoreFailure
                findings.append(Finding(isGood: false, text: "\(target): \(failure?.message ?? "\(error)")"))
            }
        } catch {
            findings.append(Finding(isGood: false, text: error.message))
        }
        return findings
    }

    private static func inspect(_ target: ConnectionTarget) throws -> [Finding] {
        let connection = try PostgresConnection(target, patience: .seconds(10))
        let sent = Date().timeIntervalSince1970 * 1000
        let results = try connection.run([Command(settings), Command(facts)])
        let took = Date().timeIntervalSince1970 * 1000 - sent
        let rows = results[0]
        let values = Dictionary(
            (0..<rows.count).map { (rows.text($0, 0), rows.text($0, 1)) }, uniquingKeysWith: { $1 })
        let facts = results[1]
        var findings = [version(connection, target)]
        findings += durability(values)
        findings.append(
            Finding(
                isGood: values["server_encoding"] == "UTF8",
                text: values["server_encoding"] == "UTF8"
                    ? "the database is in UTF8"
                    : "the database is in \(values["server_encoding"] ?? "?"); make one with 'createdb --encoding=UTF8'"
            ))
        findings += rights(facts)
        findings.append(clock(Double(facts.int64(0, 5)) - sent, within: took))
        let isCitus = facts.textOrNil(0, 7) != nil
        let nodes = isCitus ? try connection.run(CitusSQL.facts).int64(0, 2) : 0
        findings.append(connections(values, used: facts.int64(0, 6), nodes: Int(nodes)))
        if isCitus { findings += try citus(connection, target, hasTables: facts.bool(0, 9)) }
        if facts.bool(0, 9) { findings += [try migrations(connection)] + (try copy(connection)) }
        return findings
    }

    private static func version(_ connection: PostgresConnection, _ target: ConnectionTarget) -> Finding {
        let isGood = connection.serverVersion >= Session.versionMin
        let version = "PostgreSQL \(connection.serverVersion / 10_000).\(connection.serverVersion % 10_000)"
        return Finding(
            isGood: isGood,
            text: "\(target) answers: \(version)" + (isGood ? "" : " is too old; 13 or newer is needed"))
    }

    private static func durability(_ values: [String: String]) -> [Finding] {
        var findings: [Finding] = []
        for (name, why) in [
            ("fsync", "a power cut can destroy the database; turn it on and restart PostgreSQL"),
            ("full_page_writes", "a power cut can damage pages; turn it on"),
        ] {
            let isOn = values[name] == "on"
            findings.append(Finding(isGood: isOn, text: isOn ? "\(name) is on" : "\(name) is off: \(why)"))
        }
        let commit = values["synchronous_commit"] ?? "?"
        let isWeak = ["off", "local", "remote_write"].contains(commit)
        findings.append(
            Finding(
                isGood: true,
                text: isWeak
                    ? "synchronous_commit is '\(commit)'; Ovation's own sessions set it to 'on'"
                    : "synchronous_commit is '\(commit)'"))
        let standbys = values["synchronous_standby_names"] ?? ""
        findings.append(
            Finding(
                isGood: true,
                text: standbys.isEmpty
                    ? "no synchronous standby: what is acknowledged survives a crash, and not the loss of this disk"
                    : "synchronous standbys: \(standbys)"))
        return findings
    }

    private static func rights(_ facts: PostgresResult) -> [Finding] {
        let user = facts.text(0, 8)
        if facts.bool(0, 0) || facts.bool(0, 1) {
            return [
                Finding(
                    isGood: false,
                    text:
                        "this server only reads; name the primary, or several hosts with target_session_attrs=read-write"
                )
            ]
        }
        let mayUse = facts.bool(0, 2) ? facts.bool(0, 4) : facts.bool(0, 3)
        let advice =
            facts.bool(0, 2)
            ? "has no right to the schema 'ovation'; make it the owner: ALTER SCHEMA ovation OWNER TO …"
            : "may not make the schema 'ovation'; make it the owner of the database, or GRANT CREATE ON DATABASE"
        return [Finding(isGood: mayUse, text: "the user '\(user)' \(mayUse ? "has the rights it needs" : advice)")]
    }

    private static func clock(_ difference: Double, within took: Double) -> Finding {
        let seconds = max(abs(difference) - took, 0) / 1000
        return Finding(
            isGood: seconds < 5,
            text: seconds < 5
                ? "the clocks agree"
                : "the clocks differ by \(Int(seconds)) seconds; keep both by NTP")
    }

    /// - Parameter nodes: of Citus.
    static func connectionsNeeded(_ limits: Limits, nodes: Int) -> Int {
        let lanes = LaneAssignment.count(lanes: limits.writerLanes, nodes: nodes)
        let readers = limits.databaseReaders + (nodes > 0 ? limits.nodeReaders * (nodes + 1) : 0)
        // And those who listen, and who remove what erased profiles had.
        return lanes + readers + 2
    }

    private static func connections(_ values: [String: String], used: Int64, nodes: Int) -> Finding {
        let needed = Int64(connectionsNeeded(Limits(), nodes: nodes))
        let most = Int64(values["max_connections"] ?? "") ?? 0
        let isGood = most - used >= needed
        return Finding(
            isGood: isGood,
            text: "\(used) of \(most) connections are in use; a server of Ovation takes \(needed)"
                + (isGood ? "" : "; raise max_connections"))
    }

    /// Whether it is the target of a copy that has not ended.
    private static func copy(_ connection: PostgresConnection) throws -> [Finding] {
        let rows = try connection.run(note)
        let refusal = CopyNote.refusal(toServe: rows.count == 0 ? nil : rows.bytes(0, 0))
        return refusal.map { [Finding(isGood: false, text: $0.message)] } ?? []
    }

    private static func migrations(_ connection: PostgresConnection) throws -> Finding {
        let rows = try connection.run(Migrator.applied)
        let known = Schema.migrations.map(\.number)
        let newer = (0..<rows.count).map { rows.int64($0, 0) }.filter { !known.contains($0) }
        return Finding(
            isGood: newer.isEmpty,
            text: newer.isEmpty
                ? "the tables are those of migration \(rows.count); this version knows \(known.count)"
                : "the tables were made by a newer Ovation; start that version")
    }
}

import Foundation
import Logging
import OvationCore

/// Brings the tables up to date, however many servers start at once.
enum Migrator {
    /// Applied migrations, if there is a ledger.
    static let applied = Statement("migrations_applied", "SELECT number, name FROM ovation.migration ORDER BY number")
    static let note = Statement(
        "migration_note", "INSERT INTO ovation.migration (number, name) VALUES ($1::bigint, $2::text)")
    static let encoding = Statement("encoding", "SELECT current_setting('server_encoding')")
    static let hasLedger = Statement(
        "migration_ledger",
        "SELECT to_regclass('ovation.migration') IS NOT NULL, to_regnamespace('ovation') IS NOT NULL")

    /// How long one statement of a migration, or the wait for another server that migrates, may take.
    private static let patience = Duration.seconds(3600)
    static let unbounded = Statement(
        "migration_session",
        "SELECT set_config('lock_timeout', '0', false), set_config('idle_in_transaction_session_timeout', '0', false)")

    /// One transaction for each migration, each under a lock that all servers know.
    static func migrate(_ connection: PostgresConnection, logger: Logger) throws {
        guard try connection.run(encoding).text(0, 0) == "UTF8" else {
            throw StoreFailure(.unusable, "the database is not in UTF8; make one with 'createdb --encoding=UTF8'")
        }
        try connection.run([Command(unbounded)])
        while try applyNext(connection, logger) {}
        try connection.run([Command(Session.settings)])
        try makeSecret(connection)
    }

    /// false: nothing was left to do.
    private static func applyNext(_ connection: PostgresConnection, _ logger: Logger) throws -> Bool {
        do {
            let ledger = try connection.run(
                [Command(.begin), Command(Locks.migration), Command(hasLedger)], patience: patience)
            var done: [(number: Int64, name: String)] = []
            if ledger[2].bool(0, 0) {
                let rows = try connection.run(applied)
                done = (0..<rows.count).map { (rows.int64($0, 0), rows.text($0, 1)) }
            } else {
                let statements = Schema.ledger.enumerated().map { Statement("migration_0_\($0)", $1) }
                // A table that exists needs no right to make it.
                try connection.run(statements.dropFirst(ledger[2].bool(0, 1) ? 1 : 0).map { Command($0) })
            }
            try verify(done)
            guard let next = Schema.migrations.first(where: { $0.number > done.last?.number ?? 0 }) else {
                try connection.run([Command(.commit)])
                return false
            }
            logger.info("bringing the tables up to date", metadata: ["migration": "\(next.number) \(next.name)"])
            let statements = next.statements.enumerated().map { Statement("migration_\(next.number)_\($0)", $1) }
            let note = Command(note) {
                $0.add(next.number)
                $0.add(next.name)
            }
            try connection.run(statements.map { Command($0) }, patience: patience)
            try next.fill?(connection)
            try connection.run([note, Command(.commit)], patience: patience)
            return true
        } catch {
            try connection.rollBackIfNeeded()
            throw error
        }
    }

    private static func verify(_ done: [(number: Int64, name: String)]) throws(StoreFailure) {
        for (number, name) in done where !Schema.migrations.contains(where: { $0.number == number }) {
            throw StoreFailure(
                .unusable, "the database was made by a newer Ovation (migration \(number), \(name)); start that version"
            )
        }
    }

    /// Made with the store, and never changed. All servers use the first server's secret.
    private static func makeSecret(_ connection: PostgresConnection) throws {
        var random = SystemRandomNumberGenerator()
        let secret = (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }
        _ = try connection.run(AccountSQL.makeServerSecret) { $0.add(secret) }
    }
}

import Foundation
import GRDB
import OvationCore
import OvationRows

/// Accounts, their logs and keys as rows. Not on the path of an event, so Codable may serve here.
enum AccountRows {
    static func load(_ database: Database) throws -> StoreContents {
        StoreContents(
            accounts: try accounts(database), definitions: try definitions(database),
            lastSequences: try lastSequences(database), apiKeys: try apiKeys(database),
            signingKeys: try signingKeys(database), serverSecret: try serverSecret(database))
    }

    /// - Parameter condition: which rows of the log there are to be read; all, where nothing is said.
    static func definitions(
        _ database: Database, where condition: String = "true"
    ) throws -> [Int64: [LogEntry]] {
        var log: [Int64: [LogEntry]] = [:]
        let rows = try Row.fetchCursor(
            database,
            sql: """
                SELECT account_id, sequence, at, actor, change FROM catalogue_log
                WHERE \(condition) ORDER BY account_id, sequence
                """)
        while let row = try rows.next() { log[try row.decode(atIndex: 0), default: []].append(try entry(row)) }
        return log
    }

    static func accounts(_ database: Database) throws -> [Account] {
        try Row.fetchAll(database, sql: "SELECT account_id, name, created_at FROM account ORDER BY 1").map { row in
            Account(
                number: try row.decode(atIndex: 0), name: try row.decode(atIndex: 1),
                createdAt: Timestamp(milliseconds: try row.decode(atIndex: 2)))
        }
    }

    static func apiKeys(_ database: Database) throws -> [APIKey] {
        try Row.fetchAll(database, sql: "SELECT * FROM api_key ORDER BY created_at, client_id").map(apiKey)
    }

    private static func signingKeys(_ database: Database) throws -> [SigningKey] {
        try Row.fetchAll(database, sql: "SELECT * FROM signing_key ORDER BY created_at, key_id").map(signingKey)
    }

    static func lastSequences(_ database: Database) throws -> [Int64: AccountSequences] {
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT account_id, key_changes, (
                    SELECT max(sequence) FROM catalogue_log WHERE catalogue_log.account_id = account.account_id)
                FROM account
                """)
        var sequences: [Int64: AccountSequences] = [:]
        for row in rows {
            let definitions: Int64? = try row.decode(atIndex: 2)
            sequences[try row.decode(atIndex: 0)] = AccountSequences(
                definitions: definitions ?? 0, keys: try row.decode(atIndex: 1))
        }
        return sequences
    }

    /// How many entries the audit trails of all accounts have. It never goes down. Of stores from before acts had a table
    /// of their own, too.
    static func entryCount(_ database: Database) throws -> Int64 {
        let hasActs = try database.tableExists("act")
        return try Int64.fetchAll(database, sql: "SELECT account_id FROM account").reduce(0) { count, account in
            let last =
                hasActs ? try lastNumber(database, account: account) : try lastSequence(database, account: account)
            return count + last
        }
    }

    static func commit(_ database: Database, _ change: AccountChange) throws {
        let account = change.account
        try database.execute(
            sql: "INSERT INTO account (account_id, name, created_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            arguments: [account.number, account.name, account.createdAt.milliseconds])
        if let first = change.entries.first {
            guard try lastSequence(database, account: account.number) + 1 == first.sequence else {
                throw StoreFailure(.sequenceTaken, "the log of the account went on")
            }
        }
        if change.changesKeys { try noteKeyChange(database, change) }
        if let mapped = change.mapped { try MappedValueRows.set(mapped, account: account.number, database) }
        var number = try lastNumber(database, account: account.number)
        for entry in change.entries {
            number += 1
            try insert(database, entry, number: number, account: account.number)
        }
        for entry in change.acts {
            number += 1
            try insert(database, entry, number: number, account: account.number)
        }
        for key in change.apiKeys { try insert(database, key) }
        for (clientID, time) in change.keyUses {
            try database.execute(
                sql: """
                    UPDATE api_key SET last_used_at = max(ifnull(last_used_at, ?1), ?1)
                    WHERE client_id = ?2 AND account_id = ?3
                    """,
                arguments: [time.milliseconds, clientID, account.number])
        }
        for key in change.signingKeys {
            try database.execute(
                sql: """
                    INSERT OR REPLACE INTO signing_key (key_id, private_pem, created_at, retired_at)
                    VALUES (?, ?, ?, ?)
                    """,
                arguments: [
                    key.id, key.privateKeyPEM, key.createdAt.milliseconds, key.retiredAt?.milliseconds,
                ])
        }
    }

    private static func noteKeyChange(_ database: Database, _ change: AccountChange) throws {
        let before = try Int64.fetchOne(
            database, sql: "SELECT key_changes FROM account WHERE account_id = ?", arguments: [change.account.number])
        guard change.keysBefore == nil || change.keysBefore == before else {
            throw StoreFailure(.sequenceTaken, "the keys of the account have changed")
        }
        try database.execute(
            sql: "UPDATE account SET key_changes = key_changes + 1 WHERE account_id = ?",
            arguments: [change.account.number])
    }

    // MARK: The audit trail

    static func log(_ database: Database, _ range: LogRange) throws -> [AuditEntry] {
        let number: Int64
        let isNewestFirst: Bool
        switch range.order {
        case .oldestFirst(let after): (number, isNewestFirst) = (after, false)
        case .newestFirst(let before): (number, isNewestFirst) = (before, true)
        }
        // A negative LIMIT would mean no limit at all.
        let limit = max(range.limit, 0)
        return try Row.fetchAll(
            database, sql: logQuery(isNewestFirst: isNewestFirst, isDefinitionsOnly: range.isDefinitionsOnly),
            arguments: [range.account, number, limit]
        ).map(auditEntry)
    }

    /// Both logs in the order of the numbers they share. SQLite merges the two along their indexes.
    static func logQuery(isNewestFirst: Bool, isDefinitionsOnly: Bool) -> String {
        let range = "WHERE account_id = ?1 AND number \(isNewestFirst ? "<" : ">") ?2"
        let definitions = "SELECT number, at, actor, change, NULL, NULL, NULL FROM catalogue_log \(range)"
        let acts = "SELECT number, at, actor, NULL, act, subject, detail FROM act \(range)"
        return (isDefinitionsOnly ? definitions : definitions + " UNION ALL " + acts)
            + " ORDER BY number\(isNewestFirst ? " DESC" : "") LIMIT ?3"
    }

    static func lastSequence(_ database: Database, account: Int64) throws -> Int64 {
        try Int64.fetchOne(
            database, sql: "SELECT max(sequence) FROM catalogue_log WHERE account_id = ?", arguments: [account]) ?? 0
    }

    /// The number of the newest entry of the audit trail.
    static func lastNumber(_ database: Database, account: Int64) throws -> Int64 {
        try Int64.fetchOne(
            database,
            sql: """
                SELECT max(ifnull((SELECT max(number) FROM catalogue_log WHERE account_id = ?1), 0),
                    ifnull((SELECT max(number) FROM act WHERE account_id = ?1), 0))
                """, arguments: [account]) ?? 0
    }

    private static func insert(_ database: Database, _ entry: LogEntry, number: Int64, account: Int64) throws {
        try database.execute(
            sql: """
                INSERT INTO catalogue_log (account_id, sequence, number, at, actor, change) VALUES (?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                account, entry.sequence, number, entry.at.milliseconds, entry.actor, try RowText.text(of: entry.change),
            ])
    }

    static func insert(_ database: Database, _ entry: ActEntry, number: Int64, account: Int64) throws {
        try database.execute(
            sql: "INSERT INTO act (account_id, number, at, actor, act, subject, detail) VALUES (?, ?, ?, ?, ?, ?, ?)",
            arguments: [
                account, number, entry.at.milliseconds, entry.actor, entry.act.kind.rawValue, entry.act.subject,
                entry.act.detail,
            ])
    }

    // MARK: Rows

    private static func entry(_ row: Row) throws -> LogEntry {
        LogEntry(
            sequence: try row.decode(atIndex: 1), at: Timestamp(milliseconds: try row.decode(atIndex: 2)),
            actor: try row.decode(atIndex: 3),
            change: try RowText.value(CatalogueChange.self, of: try row.decode(atIndex: 4)))
    }

    private static func auditEntry(_ row: Row) throws -> AuditEntry {
        let change: String? = try row.decode(atIndex: 3)
        let content: AuditEntry.Content =
            if let change {
                .definition(try RowText.value(CatalogueChange.self, of: change))
            } else {
                .act(
                    Act(
                        Act.Kind(rawValue: try row.decode(atIndex: 4)), subject: try row.decode(atIndex: 5),
                        detail: try row.decode(atIndex: 6)))
            }
        return AuditEntry(
            number: try row.decode(atIndex: 0), at: Timestamp(milliseconds: try row.decode(atIndex: 1)),
            actor: try row.decode(atIndex: 2), content: content)
    }

    private static func insert(_ database: Database, _ key: APIKey) throws {
        try database.execute(
            sql: """
                INSERT OR REPLACE INTO api_key
                    (client_id, account_id, name, role, sections, keyspaces, secret_hash, created_at, revoked_at,
                    previous_secret_hash, previous_secret_until, last_used_at, settings_hash)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                key.clientID, key.account, key.name, key.role.rawValue,
                try RowText.text(ofSections: key.sections), try RowText.text(ofKeyspaces: key.keyspaces),
                Data(key.secretHash), key.createdAt.milliseconds, key.revokedAt?.milliseconds,
                key.previousSecret.map { Data($0.hash) }, key.previousSecret?.validUntil.milliseconds,
                key.lastUsedAt?.milliseconds, key.settingsHash.map { Data($0) },
            ])
    }

    private static func apiKey(_ row: Row) throws -> APIKey {
        let hash: Data = try row.decode(forColumn: "secret_hash")
        let settingsHash: Data? = try row.decode(forColumn: "settings_hash")
        let previousHash: Data? = try row.decode(forColumn: "previous_secret_hash")
        let previousUntil: Int64? = try row.decode(forColumn: "previous_secret_until")
        return APIKey(
            clientID: try row.decode(forColumn: "client_id"), account: try row.decode(forColumn: "account_id"),
            name: try row.decode(forColumn: "name"),
            role: try RowText.role(of: try row.decode(forColumn: "role")),
            sections: try RowText.sections(of: try row.decode(forColumn: "sections")),
            keyspaces: try RowText.keyspaces(of: try row.decode(forColumn: "keyspaces")),
            secretHash: Array(hash),
            previousSecret: previousHash.flatMap { hash in
                previousUntil.map {
                    APIKey.PreviousSecret(hash: Array(hash), validUntil: Timestamp(milliseconds: $0))
                }
            },
            createdAt: Timestamp(milliseconds: try row.decode(forColumn: "created_at")),
            revokedAt: time(try row.decode(forColumn: "revoked_at")),
            lastUsedAt: time(try row.decode(forColumn: "last_used_at")), settingsHash: settingsHash.map { Array($0) })
    }

    private static func time(_ milliseconds: Int64?) -> Timestamp? {
        milliseconds.map { Timestamp(milliseconds: $0) }
    }

    private static func signingKey(_ row: Row) throws -> SigningKey {
        SigningKey(
            id: try row.decode(forColumn: "key_id"), privateKeyPEM: try row.decode(forColumn: "private_pem"),
            createdAt: Timestamp(milliseconds: try row.decode(forColumn: "created_at")),
            retiredAt: time(try row.decode(forColumn: "retired_at")))
    }

    /// Made with the store, and never changed.
    static func makeServerSecret(_ database: Database) throws {
        try database.execute(
            sql: "INSERT INTO setting (name, value) VALUES ('server_secret', randomblob(32)) ON CONFLICT DO NOTHING")
    }

    static func serverSecret(_ database: Database) throws -> [UInt8] {
        let secret = try Data.fetchOne(database, sql: "SELECT value FROM setting WHERE name = 'server_secret'")
        return Array(secret ?? Data())
    }
}

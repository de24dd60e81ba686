import Foundation
import GRDB
import OvationCore
import OvationRows

/// Accounts, the catalogue log and keys as rows. Not on the path of an event, so Codable may serve here.
enum AccountRows {
    static func load(_ database: Database) throws -> StoreContents {
        var log: [Int64: [LogEntry]] = [:]
        let rows = try Row.fetchCursor(
            database,
            sql: """
                SELECT account_id, sequence, at, actor, change FROM catalogue_log
                WHERE is_note = 0 ORDER BY account_id, sequence
                """)
        while let row = try rows.next() { log[try row.decode(atIndex: 0), default: []].append(try entry(row)) }
        let accounts = try Row.fetchAll(database, sql: "SELECT account_id, name, created_at FROM account ORDER BY 1")
            .map { row in
                Account(
                    number: try row.decode(atIndex: 0), name: try row.decode(atIndex: 1),
                    createdAt: Timestamp(milliseconds: try row.decode(atIndex: 2)))
            }
        return StoreContents(
            accounts: accounts, definitions: log, lastSequences: try lastSequences(database),
            apiKeys: try Row.fetchAll(database, sql: "SELECT * FROM api_key ORDER BY created_at, client_id")
                .map(apiKey),
            signingKeys: try Row.fetchAll(database, sql: "SELECT * FROM signing_key ORDER BY created_at, key_id")
                .map(signingKey),
            serverSecret: try serverSecret(database))
    }

    static func lastSequences(_ database: Database) throws -> [Int64: Int64] {
        var sequences: [Int64: Int64] = [:]
        for account in try Int64.fetchAll(database, sql: "SELECT account_id FROM account") {
            sequences[account] = try lastSequence(database, account: account)
        }
        return sequences
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
        for entry in change.entries { try insert(database, entry, account: account.number) }
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

    static func log(_ database: Database, _ range: LogRange) throws -> [LogEntry] {
        let sequence: Int64
        let sql: String
        switch range.order {
        case .oldestFirst(let after):
            sequence = after
            sql = range.isDefinitionsOnly ? oldestDefinitions : oldestEntries
        case .newestFirst(let before):
            sequence = before
            sql = range.isDefinitionsOnly ? newestDefinitions : newestEntries
        }
        // A negative LIMIT would mean no limit at all.
        let limit = max(range.limit, 0)
        return try Row.fetchAll(database, sql: sql, arguments: [range.account, sequence, limit]).map(entry)
    }

    private static let oldestEntries = """
        SELECT account_id, sequence, at, actor, change FROM catalogue_log
        WHERE account_id = ? AND sequence > ? ORDER BY sequence LIMIT ?
        """

    private static let newestEntries = """
        SELECT account_id, sequence, at, actor, change FROM catalogue_log
        WHERE account_id = ? AND sequence < ? ORDER BY sequence DESC LIMIT ?
        """

    // The partial index by name, so that no note is looked at however many there are: left alone, SQLite takes the
    // primary key.

    static let oldestDefinitions = """
        SELECT account_id, sequence, at, actor, change FROM catalogue_log INDEXED BY catalogue_log_definitions
        WHERE account_id = ? AND is_note = 0 AND sequence > ? ORDER BY sequence LIMIT ?
        """

    static let newestDefinitions = """
        SELECT account_id, sequence, at, actor, change FROM catalogue_log INDEXED BY catalogue_log_definitions
        WHERE account_id = ? AND is_note = 0 AND sequence < ? ORDER BY sequence DESC LIMIT ?
        """

    static func lastSequence(_ database: Database, account: Int64) throws -> Int64 {
        try Int64.fetchOne(
            database, sql: "SELECT max(sequence) FROM catalogue_log WHERE account_id = ?", arguments: [account]) ?? 0
    }

    static func insert(_ database: Database, _ entry: LogEntry, account: Int64) throws {
        try database.execute(
            sql: """
                INSERT INTO catalogue_log (account_id, sequence, at, actor, is_note, change) VALUES (?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                account, entry.sequence, entry.at.milliseconds, entry.actor, entry.change.isNote,
                try RowText.text(of: entry.change),
            ])
    }

    // MARK: Rows

    private static func entry(_ row: Row) throws -> LogEntry {
        LogEntry(
            sequence: try row.decode(atIndex: 1), at: Timestamp(milliseconds: try row.decode(atIndex: 2)),
            actor: try row.decode(atIndex: 3),
            change: try RowText.value(CatalogueChange.self, of: try row.decode(atIndex: 4)))
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

    private static func serverSecret(_ database: Database) throws -> [UInt8] {
        let secret = try Data.fetchOne(database, sql: "SELECT value FROM setting WHERE name = 'server_secret'")
        return Array(secret ?? Data())
    }
}

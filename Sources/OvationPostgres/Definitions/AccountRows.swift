import Foundation
import OvationCore
import OvationRows

/// Accounts, the catalogue log and keys as rows. Not on the path of an event, so Codable may serve here.
enum AccountRows {
    /// All from one moment, since the rows belong together.
    static func load(_ connection: PostgresConnection) throws -> StoreContents {
        let results = try connection.run([
            Command(AccountSQL.snapshot), Command(AccountSQL.accounts), Command(AccountSQL.definitions),
            Command(AccountSQL.lastSequences), Command(AccountSQL.apiKeys), Command(AccountSQL.signingKeys),
            Command(AccountSQL.serverSecret), Command(.commit),
        ])
        let accounts = (0..<results[1].count).map { row in
            Account(number: results[1].int64(row, 0), name: results[1].text(row, 1), createdAt: results[1].time(row, 2))
        }
        var log: [Int64: [LogEntry]] = [:]
        for row in 0..<results[2].count {
            log[results[2].int64(row, 0), default: []].append(try entry(results[2], row))
        }
        guard results[6].count == 1 else { throw StoreFailure(.unusable, "the store has no server secret") }
        return StoreContents(
            accounts: accounts, definitions: log, lastSequences: sequences(results[3]),
            apiKeys: try (0..<results[4].count).map { try apiKey(results[4], $0) },
            signingKeys: (0..<results[5].count).map { signingKey(results[5], $0) },
            serverSecret: results[6].bytes(0, 0))
    }

    static func sequences(_ rows: PostgresResult) -> [Int64: Int64] {
        Dictionary((0..<rows.count).map { (rows.int64($0, 0), rows.int64($0, 1)) }, uniquingKeysWith: { $1 })
    }

    static func log(_ connection: PostgresConnection, _ range: LogRange) throws -> [LogEntry] {
        let statement: Statement
        let sequence: Int64
        switch range.order {
        case .oldestFirst(let after):
            sequence = after
            statement = range.isDefinitionsOnly ? AccountSQL.oldestDefinitions : AccountSQL.oldestEntries
        case .newestFirst(let before):
            sequence = before
            statement = range.isDefinitionsOnly ? AccountSQL.newestDefinitions : AccountSQL.newestEntries
        }
        let rows = try connection.run(statement) {
            $0.add(range.account)
            $0.add(sequence)
            $0.add(Int64(max(range.limit, 0)))
        }
        return try (0..<rows.count).map { try entry(rows, $0) }
    }

    // MARK: Changing

    /// - Parameter isRepeat: an earlier try may have been committed.
    static func commit(_ connection: PostgresConnection, _ change: AccountChange, isRepeat: Bool) throws {
        let account = change.account
        let last = try connection.run([
            Command(.begin), Command(Locks.log) { $0.add(account.number) },
            Command(AccountSQL.insertAccount) {
                $0.add(account.number)
                $0.add(account.name)
                $0.add(account.createdAt.milliseconds)
            },
            Command(AccountSQL.lastSequence) { $0.add(account.number) },
        ])[3].int64(0, 0)
        if let first = change.entries.first, last + 1 != first.sequence {
            let isOurs = try isRepeat && has(connection, change.entries, account: account.number)
            try connection.rollBackIfNeeded()
            if isOurs { return }
            throw StoreFailure(.sequenceTaken, "the log of the account went on")
        }
        var commands: [Command] = []
        if !change.entries.isEmpty { commands.append(try insert(change.entries, account: account.number)) }
        for key in change.apiKeys { commands.append(try save(key)) }
        if !change.keyUses.isEmpty {
            let uses = change.keyUses.sorted { $0.key < $1.key }
            commands.append(
                Command(AccountSQL.noteKeyUses) {
                    $0.add(account.number)
                    $0.add(uses.map(\.key))
                    $0.add(uses.map(\.value.milliseconds))
                })
        }
        for key in change.signingKeys { commands.append(save(key)) }
        // Times of use change nothing that other servers would have to read.
        if !change.entries.isEmpty { commands.append(Command(AccountSQL.tell)) }
        try connection.run(commands + [Command(.commit)])
    }

    static func insert(_ entries: [LogEntry], account: Int64) throws -> Command {
        let changes = try entries.map { try RowText.text(of: $0.change) }
        return Command(AccountSQL.insertEntries) {
            $0.add(account)
            $0.add(entries.map(\.sequence))
            $0.add(entries.map(\.at.milliseconds))
            $0.add(entries.map(\.actor))
            $0.add(entries.map { $0.change.isNote ? Int64(1) : 0 })
            $0.add(changes)
        }
    }

    /// Whether exactly these entries are in the log.
    static func has(_ connection: PostgresConnection, _ entries: [LogEntry], account: Int64) throws -> Bool {
        guard let first = entries.first else { return false }
        let range = LogRange(account: account, order: .oldestFirst(after: first.sequence - 1), limit: entries.count)
        return try log(connection, range) == entries
    }

    private static func save(_ key: APIKey) throws -> Command {
        let sections = try RowText.text(ofSections: key.sections)
        let keyspaces = try RowText.text(ofKeyspaces: key.keyspaces)
        return Command(AccountSQL.saveAPIKey) {
            $0.add(key.clientID)
            $0.add(key.account)
            $0.add(key.name)
            $0.add(key.role.rawValue)
            $0.add(orNull: sections)
            $0.add(orNull: keyspaces)
            $0.add(key.secretHash)
            $0.add(key.createdAt.milliseconds)
            $0.add(key.revokedAt?.milliseconds)
            $0.add(orNull: key.previousSecret?.hash)
            $0.add(key.previousSecret?.validUntil.milliseconds)
            $0.add(key.lastUsedAt?.milliseconds)
            $0.add(orNull: key.settingsHash)
        }
    }

    private static func save(_ key: SigningKey) -> Command {
        Command(AccountSQL.saveSigningKey) {
            $0.add(key.id)
            $0.add(key.privateKeyPEM)
            $0.add(key.createdAt.milliseconds)
            $0.add(key.retiredAt?.milliseconds)
        }
    }

    // MARK: Rows

    private static func entry(_ rows: PostgresResult, _ row: Int) throws -> LogEntry {
        LogEntry(
            sequence: rows.int64(row, 1), at: rows.time(row, 2), actor: rows.text(row, 3),
            change: try RowText.value(CatalogueChange.self, of: rows.text(row, 4)))
    }

    private static func apiKey(_ rows: PostgresResult, _ row: Int) throws -> APIKey {
        APIKey(
            clientID: rows.text(row, 0), account: rows.int64(row, 1), name: rows.text(row, 2),
            role: try RowText.role(of: rows.text(row, 3)),
            sections: try RowText.sections(of: rows.textOrNil(row, 4)),
            keyspaces: try RowText.keyspaces(of: rows.textOrNil(row, 5)),
            secretHash: rows.bytes(row, 6),
            previousSecret: rows.bytesOrNil(row, 9).flatMap { hash in
                rows.timeOrNil(row, 10).map { APIKey.PreviousSecret(hash: hash, validUntil: $0) }
            },
            createdAt: rows.time(row, 7), revokedAt: rows.timeOrNil(row, 8), lastUsedAt: rows.timeOrNil(row, 11),
            settingsHash: rows.bytesOrNil(row, 12))
    }

    private static func signingKey(_ rows: PostgresResult, _ row: Int) -> SigningKey {
        SigningKey(
            id: rows.text(row, 0), privateKeyPEM: rows.text(row, 1), createdAt: rows.time(row, 2),
            retiredAt: rows.timeOrNil(row, 3))
    }
}

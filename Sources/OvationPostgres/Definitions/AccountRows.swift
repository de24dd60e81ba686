import Foundation
import OvationCore
import OvationRows

/// Accounts, the log of definitions and keys as rows. Not on the path of an event, so Codable may serve here.
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

    static func sequences(_ rows: PostgresResult) -> [Int64: AccountSequences] {
        let sequences = (0..<rows.count).map { row in
            (rows.int64(row, 0), AccountSequences(definitions: rows.int64(row, 1), keys: rows.int64(row, 2)))
        }
        return Dictionary(sequences, uniquingKeysWith: { $1 })
    }

    // MARK: Changing

    /// - Parameter isRepeat: an earlier try may have been committed.
    static func commit(_ connection: PostgresConnection, _ change: AccountChange, isRepeat: Bool) throws {
        let account = change.account
        let found = try connection.run(
            [
                Command(.begin), Command(Locks.log) { $0.add(account.number) },
                Command(AccountSQL.insertAccount) {
                    $0.add(account.number)
                    $0.add(account.name)
                    $0.add(account.createdAt.milliseconds)
                }, Command(AccountSQL.lastSequence) { $0.add(account.number) },
            ] + AuditRows.questions(account: account.number))
        let (next, hasTakenOver) = try AuditRows.nextNumber(
            connection, found.suffix(AuditRows.questionCount), account: account.number)
        let keyChanges = try connection.run(AccountSQL.keyChanges) { $0.add(account.number) }.int64(0, 0)
        let state = State(lastSequence: found[3].int64(0, 0), keyChanges: keyChanges)
        if try isRepeat && wasCommitted(connection, change, state) { return try connection.rollBackIfNeeded() }
        do throws(StoreFailure) {
            try state.allow(change)
        } catch {
            // What older servers wrote is taken over all the same: the caller reads it, and tries again.
            if hasTakenOver {
                try connection.run([Command(.commit)])
            } else {
                try connection.rollBackIfNeeded()
            }
            throw error
        }
        if let mapped = change.mapped { try MappedValueRows.set(mapped, account: account.number, connection) }
        var commands: [Command] = []
        if !change.entries.isEmpty {
            commands.append(try insert(change.entries, from: next, account: account.number))
        }
        if !change.acts.isEmpty {
            let number = next + Int64(change.entries.count)
            commands.append(AuditRows.insert(change.acts, from: number, account: account.number))
        }
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
        if change.changesKeys { commands.append(noteKeyChanges(1, account: account.number)) }
        // Times of use and acts change nothing that others would have to read.
        if !change.entries.isEmpty || change.changesKeys { commands.append(Command(AccountSQL.tell)) }
        try connection.run(commands + [Command(.commit)])
    }

    /// How far definitions and keys have come, under the lock of the account's log.
    private struct State {
        let lastSequence: Int64
        let keyChanges: Int64

        func allow(_ change: AccountChange) throws(StoreFailure) {
            if let first = change.entries.first, lastSequence + 1 != first.sequence {
                throw StoreFailure(.sequenceTaken, "the log of the account went on")
            }
            if change.changesKeys, let before = change.keysBefore, before != keyChanges {
                throw StoreFailure(.sequenceTaken, "the keys of the account have changed")
            }
        }
    }

    /// Whether an earlier try of the same change was committed: its entries stand in the log, or its acts among the newest.
    private static func wasCommitted(
        _ connection: PostgresConnection, _ change: AccountChange, _ state: State
    ) throws -> Bool {
        if let first = change.entries.first {
            return try first.sequence <= state.lastSequence
                && has(connection, change.entries, account: change.account.number)
        }
        return try !change.acts.isEmpty
            && AuditRows.has(connection, change.acts, account: change.account.number)
    }

    static func noteKeyChanges(_ count: Int, account: Int64) -> Command {
        Command(AccountSQL.noteKeyChange) {
            $0.add(account)
            $0.add(Int64(count))
        }
    }

    /// - Parameter number: of the first of them, in the audit trail.
    private static func insert(_ entries: [LogEntry], from number: Int64, account: Int64) throws -> Command {
        let changes = try entries.map { try RowText.text(of: $0.change) }
        return Command(AccountSQL.insertEntries) {
            $0.add(account)
            $0.add(entries.map(\.sequence))
            $0.add(entries.indices.map { number + Int64($0) })
            $0.add(entries.map(\.at.milliseconds))
            $0.add(entries.map(\.actor))
            $0.add(changes)
        }
    }

    /// Whether exactly these entries stand in the log.
    private static func has(_ connection: PostgresConnection, _ entries: [LogEntry], account: Int64) throws -> Bool {
        guard let first = entries.first else { return false }
        let rows = try connection.run(AccountSQL.entries) {
            $0.add(account)
            $0.add(first.sequence)
            $0.add(Int64(entries.count))
        }
        return try (0..<rows.count).map { try entry(rows, $0) } == entries
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

import OvationCore
import OvationRows

/// The audit trail as rows of two tables: changes of definitions, and acts. Each entry has a number in the one order of
/// its account. All numbers are drawn under ``Locks/log``, so they are committed in their order.
enum AuditRows {
    /// Both tables as they are at one moment: an entry that was committed between two questions would be passed over.
    static func log(_ connection: PostgresConnection, _ range: LogRange) throws -> [AuditEntry] {
        let number: Int64
        let isNewestFirst: Bool
        switch range.order {
        case .oldestFirst(let after): (number, isNewestFirst) = (after, false)
        case .newestFirst(let before): (number, isNewestFirst) = (before, true)
        }
        let limit = max(range.limit, 0)
        func command(_ statement: Statement, limit: Int) -> Command {
            Command(statement) {
                $0.add(range.account)
                $0.add(number)
                $0.add(Int64(limit))
            }
        }
        let results = try connection.run([
            Command(AccountSQL.snapshot),
            command(isNewestFirst ? AuditSQL.newestDefinitions : AuditSQL.oldestDefinitions, limit: limit),
            command(
                isNewestFirst ? AuditSQL.newestActs : AuditSQL.oldestActs, limit: range.isDefinitionsOnly ? 0 : limit),
            Command(.commit),
        ])
        let definitions = try (0..<results[1].count).map { try definition(results[1], $0) }
        let acts = (0..<results[2].count).map { act(results[2], $0) }
        let merged = (definitions + acts).sorted { ($0.number < $1.number) != isNewestFirst }
        return Array(merged.prefix(limit))
    }

    private static func definition(_ rows: PostgresResult, _ row: Int) throws -> AuditEntry {
        AuditEntry(
            number: rows.int64(row, 0), at: rows.time(row, 1), actor: rows.text(row, 2),
            content: .definition(try RowText.value(CatalogueChange.self, of: rows.text(row, 3))))
    }

    private static func act(_ rows: PostgresResult, _ row: Int) -> AuditEntry {
        AuditEntry(
            number: rows.int64(row, 0), at: rows.time(row, 1), actor: rows.text(row, 2),
            content: .act(
                Act(Act.Kind(rawValue: rows.text(row, 3)), subject: rows.text(row, 4), detail: rows.text(row, 5))))
    }

    // MARK: Writing

    /// - Parameter number: of the first of them.
    static func insert(_ entries: [ActEntry], from number: Int64, account: Int64) -> Command {
        insert(entries.enumerated().map { ($1, number + Int64($0)) }, account: account)
    }

    private static func insert(_ entries: [(entry: ActEntry, number: Int64)], account: Int64) -> Command {
        Command(AuditSQL.insertActs) {
            $0.add(account)
            $0.add(entries.map(\.number))
            $0.add(entries.map(\.entry.at.milliseconds))
            $0.add(entries.map(\.entry.actor))
            $0.add(entries.map(\.entry.act.kind.rawValue))
            $0.add(entries.map(\.entry.act.subject))
            $0.add(entries.map(\.entry.act.detail))
        }
    }

    /// Whether these are among the newest acts of an account. Inside a transaction.
    static func has(_ connection: PostgresConnection, _ entries: [ActEntry], account: Int64) throws -> Bool {
        let rows = try connection.run(AuditSQL.newestActs) {
            $0.add(account)
            $0.add(Int64.max)
            $0.add(Int64(entries.count + newestActs))
        }
        let found = (0..<rows.count).compactMap { row -> ActEntry? in
            let entry = act(rows, row)
            guard case .act(let act) = entry.content else { return nil }
            return ActEntry(at: entry.at, actor: entry.actor, act: act)
        }
        return entries.allSatisfy(found.contains)
    }

    /// More acts than other servers commit while a try is repeated.
    private static let newestActs = 1000

    /// Whether the trail has this act under its number. Inside a transaction.
    static func has(_ connection: PostgresConnection, _ entry: AuditEntry, account: Int64) throws -> Bool {
        let rows = try connection.run(AuditSQL.newestActs) {
            $0.add(account)
            $0.add(entry.number + 1)
            $0.add(1)
        }
        return rows.count == 1 && act(rows, 0) == entry
    }
}

// MARK: - Numbers

extension AuditRows {
    /// What ``nextNumber(_:_:account:)`` wants answered, under the lock of the account's log.
    static func questions(account: Int64) -> [Command] {
        [
            Command(AuditSQL.lastNumber) { $0.add(account) },
            Command(AuditSQL.ofOlder) {
                $0.add(account)
                $0.add(batch)
            },
        ]
    }

    static let questionCount = 2

    /// The number that the next entry gets. What older servers wrote meanwhile gets numbers before it.
    /// - Returns: the number, and whether there was anything to take over.
    static func nextNumber(
        _ connection: PostgresConnection, _ answers: ArraySlice<PostgresResult>, account: Int64
    ) throws -> (number: Int64, hasTakenOver: Bool) {
        var answers = answers
        var hasTakenOver = false
        while true {
            let (next, rows) = (answers[answers.startIndex].int64(0, 0) + 1, answers[answers.startIndex + 1])
            guard rows.count > 0 else { return (next, hasTakenOver) }
            hasTakenOver = true
            try connection.run(try takingOver(rows, from: next, account: account))
            answers = try connection.run(questions(account: account))[...]
        }
    }
}

// MARK: - What older servers wrote

/// Up to migration 3 acts were notes in the log of definitions, and what an entry had was its sequence alone. Servers of
/// that time write so until the last of them is stopped, also to tables that a newer one has brought up to date.
extension AuditRows {
    private static let batch: Int64 = 1000

    private struct OlderNote: Decodable {
        struct Content: Decodable {
            let subject: String
            let detail: String
        }
        let kind: String
        let note: Content
    }

    /// Whether there is something to take over.
    static func hasEntriesOfOlder(_ connection: PostgresConnection) throws -> Bool {
        try connection.run(AuditSQL.accountsOfOlder).count > 0
    }

    /// Gives the entries of older servers their numbers, and copies their notes to the acts. A store that was just brought
    /// up to date has all its entries numbered as before: there are no numbers yet, and the log had no gaps. An account in
    /// whose log somebody writes just now is left out, since that can take minutes and others wait for this connection.
    static func takeOver(_ connection: PostgresConnection) throws {
        let accounts = try connection.run(AuditSQL.accountsOfOlder)
        for row in 0..<accounts.count {
            let account = accounts.int64(row, 0)
            let begun = try connection.run([Command(.begin), Command(Locks.tryLog) { $0.add(account) }])
            if begun[1].bool(0, 0) {
                let answers = try connection.run(questions(account: account))[...]
                _ = try nextNumber(connection, answers, account: account)
            }
            try connection.run([Command(.commit)])
        }
    }

    /// Keys may have changed with a note, so servers are told to read them.
    private static func takingOver(_ rows: PostgresResult, from first: Int64, account: Int64) throws -> [Command] {
        var notes: [(entry: ActEntry, number: Int64)] = []
        for row in 0..<rows.count {
            guard let text = rows.textOrNil(row, 3) else { continue }
            let note = try RowText.value(OlderNote.self, of: text)
            let act = Act(Act.Kind(rawValue: note.kind), subject: note.note.subject, detail: note.note.detail)
            notes.append((ActEntry(at: rows.time(row, 1), actor: rows.text(row, 2), act: act), first + Int64(row)))
        }
        let numbering = Command(AuditSQL.number) {
            $0.add(account)
            $0.add((0..<rows.count).map { rows.int64($0, 0) })
            $0.add((0..<rows.count).map { first + Int64($0) })
        }
        guard !notes.isEmpty else { return [numbering] }
        let keyChanges = notes.count { $0.entry.act.kind != .eventsDeleted }
        return [
            numbering, insert(notes, account: account), AccountRows.noteKeyChanges(keyChanges, account: account),
            Command(AccountSQL.tell),
        ]
    }
}

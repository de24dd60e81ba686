import Dispatch
public import Logging
public import OvationCore
public import OvationRows

/// A store in PostgreSQL that is read or written row by row, while no server is connected to it.
///
/// All its work runs on one serial queue, since libpq blocks. The connection is used on that queue alone, so the class
/// may be shared.
public final class PostgresRows: RowTarget, @unchecked Sendable {
    private let queue = DispatchQueue(label: "ovation-copy")
    private var connection: PostgresConnection?
    private let rowsMax: Int
    private let bytesMax: Int

    public enum Purpose: Sendable {
        /// The source must exist and be of this version: a copy does not change its source.
        case source
        /// Its tables are made if they are missing.
        case target
    }

    /// The time for one batch, in case the database or the connection is gone.
    private static let patience = Duration.seconds(300)
    private static let patienceToAnalyze = Duration.seconds(3600)
    /// Rows for kinds that may have large texts, and have no sum of bytes.
    private static let textRowsMax = 1000

    /// Connects. Blocks.
    /// - Throws: `unusable` or `unavailable`, with a sentence for the operator.
    public init(
        connection text: String, as purpose: Purpose, rowsMax: Int = Limits.copyRowsMax,
        bytesMax: Int = Limits.copyBytesMax, logger: Logger
    ) throws(StoreFailure) {
        (self.rowsMax, self.bytesMax) = (rowsMax, bytesMax)
        let target = try ConnectionTarget(text)
        do {
            let connection = try Session.open(target, for: .writing, patience: PostgresRows.patience)
            try connection.run([Command(CopySQL.session)])
            try PostgresRows.lock(connection)
            // What a server was about to commit on a node when it ended.
            if try ShardMap.read(connection) != nil {
                _ = try connection.run(CitusSQL.settle)
                try connection.run([Command(Locks.awaitOrder)])
                try NodeSQL.awaitOrders(connection)
            }
            switch purpose {
            case .source: try PostgresRows.verifyIsCurrent(connection)
            case .target:
                try Migrator.migrate(connection, logger: logger)
                // Empty tables are spread at once; full ones would have to be rewritten.
                try PostgresDistribution.spreadIfEmpty(connection, logger: logger)
            }
            self.connection = connection
        } catch {
            let failure = PostgresRows.failure(error)
            throw StoreFailure(failure.code, "\(target) cannot be copied: \(failure.message)")
        }
    }

    private static func lock(_ connection: PostgresConnection) throws {
        do {
            try connection.run([Command(Locks.beAlone)])
        } catch  where error.state == "55P03" {
            throw StoreFailure(
                .unusable,
                "a server of Ovation is connected to it, or another copy is under way. Stop them, and wait until their "
                    + "connections are gone: pg_stat_activity shows them under the application name 'ovation'")
        }
    }

    private static func verifyIsCurrent(_ connection: PostgresConnection) throws {
        guard try connection.run(Migrator.hasLedger).bool(0, 0) else {
            throw StoreFailure(.unusable, "it is no store of Ovation: there is no schema 'ovation' in it")
        }
        let done = try connection.run(Migrator.applied).column(0)
        let known = Schema.migrations.map(\.number)
        guard done.allSatisfy(known.contains) else {
            throw StoreFailure(.unusable, "it was made by a newer Ovation; copy it with that version")
        }
        guard known.allSatisfy(done.contains) else {
            throw StoreFailure(
                .unusable, "it was made by an older Ovation; start 'ovation serve' on it once, stop it, and copy then")
        }
        guard try !AuditRows.hasEntriesOfOlder(connection) else {
            throw StoreFailure(
                .unusable,
                "an older Ovation was the last to write to it; start 'ovation serve' on it once, stop it, and copy then"
            )
        }
        if let refusal = try refusalToServe(connection) { throw refusal }
    }

    /// nil: a server may open it.
    static func refusalToServe(_ connection: PostgresConnection) throws(PostgresFailure) -> StoreFailure? {
        let rows = try connection.run(CopySQL.note)
        return CopyNote.refusal(toServe: rows.count == 0 ? nil : rows.bytes(0, 0))
    }

    /// Blocks.
    public func close() {
        queue.sync {
            // The session may outlive its connection by a moment, and the next server should not find its lock.
            _ = try? connection?.run([Command(Locks.beAloneNoMore)])
            connection = nil
        }
    }

    private static func failure(_ error: any Error) -> StoreFailure {
        switch error {
        case let failure as StoreFailure: failure
        case let failure as PostgresFailure: StoreFailure(failure)
        default: StoreFailure(.unavailable, "\(error)")
        }
    }

    private func run<Value: Sendable>(
        _ work: @escaping @Sendable (PostgresConnection) throws -> Value
    ) async throws(StoreFailure) -> Value {
        let result: Result<Value, StoreFailure> = await withUnsafeContinuation { reply in
            queue.async { [self] in
                guard let connection else {
                    return reply.resume(returning: .failure(StoreFailure(.closed, "the store is closed")))
                }
                let result = Result { try work(connection) }
                // If that fails, the connection is gone, and its next use will report it.
                if case .failure = result { try? connection.rollBackIfNeeded() }
                reply.resume(returning: result.mapError(PostgresRows.failure))
            }
        }
        return try result.get()
    }
}

// MARK: - Reading

extension PostgresRows {
    public func origin() async throws(StoreFailure) -> RowOrigin {
        try await run { connection in
            let facts = try connection.run([
                Command(AccountSQL.serverSecret), Command(CopySQL.auditCount), Command(CopySQL.newestKey),
                Command(CopySQL.newestUse), Command(CopySQL.rejectionCount), Command(CopySQL.eventCount),
                Command(ReadSQL.lastDrawn), Command(CopySQL.lastRejection),
            ])
            guard facts[0].count == 1 else { throw StoreFailure(.unusable, "the store has no server secret") }
            let drawn = facts[6].int64(0, 0)
            return RowOrigin(
                serverSecret: facts[0].bytes(0, 0),
                state: facts[1...4].map { $0.int64(0, 0) },
                lastEventID: drawn == 0 ? 0 : drawn + Schema.eventBlock - 1, lastRejectionID: facts[7].int64(0, 0),
                eventCount: facts[5].int64(0, 0))
        }
    }

    public func rows(of kind: RowKind, after position: RowPosition?) async throws(StoreFailure) -> RowPage {
        try await run { [rowsMax, bytesMax] connection in
            let hasBytes = [.event, .profileChange, .rejection].contains(kind)
            let limit = Int64(hasBytes || kind == .profile ? rowsMax : min(rowsMax, PostgresRows.textRowsMax))
            let result = try connection.run(CopySQL.select(kind)) { arguments in
                let start = position ?? .start
                let (first, second, text) = kind.key
                if first != nil { arguments.add(start.first) }
                if second != nil { arguments.add(start.second) }
                if text != nil { arguments.add(start.text) }
                arguments.add(limit)
                if hasBytes { arguments.add(Int64(bytesMax)) }
            }
            return PostgresRows.page(result, kind, limit: Int(limit), cut: hasBytes ? kind.columns.count - 1 : nil)
        }
    }

    /// - Parameter cut: the column that is NULL when a page has enough bytes.
    private static func page(_ result: PostgresResult, _ kind: RowKind, limit: Int, cut: Int?) -> RowPage {
        var rows = RowBatch(kind)
        let width = kind.columns.count
        let end = (0..<result.count).first { row in cut.map { result.isNull(row, $0) } ?? false } ?? result.count
        for row in 0..<end {
            if kind == .setting, !RowKind.copiedSettings.contains(result.text(row, 0)) { continue }
            for column in 0..<width {
                if result.isNull(row, column) {
                    rows.appendNull()
                } else {
                    result.withBytes(row, column) { rows.append(bytes: UnsafeRawBufferPointer($0)) }
                }
            }
        }
        guard end < result.count || result.count == limit, var next = rows.lastPosition else {
            return RowPage(rows, next: nil)
        }
        if kind == .profile {
            // The next page begins with that row.
            let (id, isLast) = next.second.addingReportingOverflow(1)
            if isLast { return RowPage(rows, next: nil) }
            next.second = id
        }
        return RowPage(rows, next: next)
    }
}

// MARK: - Writing

extension PostgresRows {
    public func note() async throws(StoreFailure) -> CopyNote? {
        try await run { connection in
            let rows = try connection.run(CopySQL.note)
            guard rows.count == 1 else { return nil }
            guard let note = CopyNote(rows.bytes(0, 0)) else {
                throw StoreFailure(.unusable, "the target was begun by another version; go on with that one")
            }
            return note
        }
    }

    public func write(_ rows: RowBatch?, _ note: CopyNote) async throws(StoreFailure) {
        try await run { connection in
            var commands = [Command(.begin)]
            if let rows, !rows.isEmpty { commands.append(PostgresRows.insert(rows)) }
            commands += [Command(CopySQL.saveNote) { $0.add(note.encoded) }, Command(.commit)]
            try connection.run(commands)
        }
    }

    /// A column is an array; its elements are sent as they are in the batch.
    private static func insert(_ rows: RowBatch) -> Command {
        Command(CopySQL.insert(rows.kind)) { arguments in
            for (column, type) in rows.kind.columns.enumerated() {
                let element: Arguments.Element =
                    switch type {
                    case .integer: .integer
                    case .text: .text
                    // Texts of PostgreSQL cannot contain NUL.
                    case .anyText, .bytes: .bytes
                    }
                arguments.addList(of: element, count: rows.count) { list in
                    for row in 0..<rows.count { list.append(encoded: rows.bytes[rows.encoded(row, column)]) }
                }
            }
        }
    }

    public func makeReady(after origin: RowOrigin) async throws(StoreFailure) {
        try await run { connection in
            if origin.lastEventID > 0 {
                _ = try connection.run(CopySQL.setLastEvent) { $0.add(origin.lastEventID) }
            }
            if origin.lastRejectionID > 0 {
                _ = try connection.run(CopySQL.setLastRejection) { $0.add(origin.lastRejectionID) }
            }
            _ = try connection.run(CopySQL.setStateNumber)
            try MappedValueRows.fill(connection)
            try ConsentCountRows.fill(connection)
            try connection.run(CopySQL.analyze.map { Command($0) }, patience: PostgresRows.patienceToAnalyze)
        }
    }
}

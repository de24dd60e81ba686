import OvationCore
import OvationRows

/// Reads and removes refused posts as rows.
enum RejectionRows {
    /// Rejections that a search of their texts reads at once.
    private static let searchedAtOnce = 20

    static func list(
        _ connection: PostgresConnection, _ filter: RejectionFilter, before id: Rejection.ID?, limit: Int,
        bodyBytesMax: Int
    ) throws -> [Rejection] {
        let limit = max(limit, 0)
        let cut = min(max(bodyBytesMax, 0), Int(Int32.max))
        guard let text = filter.text, !text.isEmpty else {
            let rows = try rows(connection, filter, before: id ?? .max, limit: limit, bodyBytes: cut)
            return try (0..<rows.count).map { try rejection(rows, $0, account: filter.account) }
        }
        // Bodies can contain any byte, and PostgreSQL cannot search such bytes ignoring case. There are at most
        // `rejectionsMax` of them.
        let wanted = FoldedText(text.utf8)
        var found: [Rejection] = []
        var before = id ?? .max
        while found.count < limit {
            let rows = try rows(connection, filter, before: before, limit: searchedAtOnce, bodyBytes: Int(Int32.max))
            for row in 0..<rows.count where found.count < limit && matches(rows, row, wanted) {
                found.append(try rejection(rows, row, account: filter.account, bodyBytesMax: cut))
            }
            guard rows.count == searchedAtOnce else { break }
            before = rows.int64(rows.count - 1, 0)
        }
        return found
    }

    private static func rows(
        _ connection: PostgresConnection, _ filter: RejectionFilter, before id: Rejection.ID, limit: Int,
        bodyBytes: Int
    ) throws -> PostgresResult {
        try connection.run(ReadSQL.rejections) {
            $0.add(filter.account)
            $0.add(id)
            $0.add(filter.receivedFrom.milliseconds)
            $0.add(filter.section)
            $0.add(orNull: filter.keyspaces)
            if let state = filter.state { $0.add(state == .replayed) } else { $0.addNull() }
            $0.add(orNull: filter.code?.rawValue)
            $0.add(Int64(limit))
            $0.add(Int64(bodyBytes))
            $0.add(orNull: filter.cause?.rawValue)
            $0.add(orNull: filter.itemCode.map { RejectionText.searched($0.rawValue) })
            $0.add(orNull: filter.eventType.map(RejectionText.searched))
        }
    }

    static func countOpen(_ connection: PostgresConnection, account: Int64, from: Timestamp) throws -> Int {
        let rows = try connection.run(ReadSQL.countOpenRejections) {
            $0.add(account)
            $0.add(from.milliseconds)
        }
        return Int(rows.int64(0, 0))
    }

    // MARK: Causes

    static func list(
        _ connection: PostgresConnection, _ range: RejectionRange, limit: Int, bodyBytesMax: Int
    ) throws -> [Rejection] {
        let rows = try connection.run(ReadSQL.rejectionsOfCause) {
            add(range, to: &$0)
            $0.add(Int64(max(limit, 0)))
            $0.add(Int64(min(max(bodyBytesMax, 0), Int(Int32.max))))
        }
        return try (0..<rows.count).map { try rejection(rows, $0, account: range.account) }
    }

    static func count(_ connection: PostgresConnection, _ range: RejectionRange) throws -> Int {
        Int(try connection.run(ReadSQL.countRejectionsOfCause) { add(range, to: &$0) }.int64(0, 0))
    }

    private static func add(_ range: RejectionRange, to arguments: inout Arguments) {
        arguments.add(range.account)
        arguments.add(range.cause.rawValue)
        arguments.add(range.after)
        arguments.add(range.through)
        arguments.add(range.receivedFrom.milliseconds)
    }

    static func causes(
        _ connection: PostgresConnection, _ filter: RejectionCauseFilter, limit: Int
    ) throws -> RejectionCauses {
        let rows = try connection.run(ReadSQL.rejectionCauses) {
            $0.add(filter.account)
            $0.add(orNull: filter.cause?.rawValue)
            $0.add(filter.receivedFrom.milliseconds)
            $0.add(orNull: filter.sections)
            $0.add(orNull: filter.code?.rawValue)
            $0.add(orNull: filter.itemCode.map { RejectionText.searched($0.rawValue) })
            $0.add(orNull: filter.eventType.map(RejectionText.searched))
            $0.add(Int64(max(limit, 0)))
        }
        let items = try (0..<rows.count).map { row in
            let type = RejectionText.words(of: rows.text(row, 10)).first
            return RejectionCauses.Item(
                cause: RejectionCause(
                    section: rows.int64(row, 7), code: Problem.Code(rawValue: rows.text(row, 8)),
                    error: try RowText.value([ItemError].self, of: rows.text(row, 9)).first,
                    eventType: type == "" ? nil : type, clientID: rows.text(row, 11)),
                rejections: Int(rows.int64(row, 0)), events: Int(rows.int64(row, 1)), first: rows.time(row, 2),
                last: rows.time(row, 3), newest: rows.int64(row, 4))
        }
        return RejectionCauses(
            items: items, causes: rows.count == 0 ? 0 : Int(rows.int64(0, 5)),
            rejections: rows.count == 0 ? 0 : Int(rows.int64(0, 6)))
    }

    /// Few, since each comes with its body.
    private static let filledAtOnce = 20

    /// Marks rejections that an older version kept, some at a time, before the store serves. Several servers may do so
    /// at once: each leaves those that another has marked.
    static func fill(_ connection: PostgresConnection) throws {
        var catalogues: [Int64: Catalogue]?
        while true {
            let rows = try connection.run(ReadSQL.rejectionsWithoutCause) { $0.add(Int64(filledAtOnce)) }
            guard rows.count > 0 else { return }
            let known = try catalogues ?? self.catalogues(connection)
            catalogues = known
            let marks = try (0..<rows.count).map { row in
                let errors = try RowText.value([ItemError].self, of: rows.text(row, 5))
                return RejectionMarks(
                    RefusedPost(
                        account: rows.int64(row, 0), section: rows.int64(row, 2), keyspace: 0, key: "",
                        receivedAt: Timestamp(milliseconds: 0), clientID: rows.text(row, 3), requestID: "",
                        code: Problem.Code(rawValue: rows.text(row, 4)), detail: "", errors: errors,
                        eventTypes: RejectionText.eventTypes(
                            of: errors, body: rows.bytes(row, 6), in: known[rows.int64(row, 0)],
                            section: rows.int64(row, 2)), eventCount: 0, body: []))
            }
            _ = try connection.run(WriteSQL.markRejections) {
                $0.add(rows.column(0))
                $0.add(rows.column(1))
                $0.add(marks.map(\.cause))
                $0.add(marks.map(\.itemCodes))
                $0.add(marks.map(\.eventTypes))
            }
        }
    }

    private static func catalogues(_ connection: PostgresConnection) throws -> [Int64: Catalogue] {
        let contents = try AccountRows.load(connection)
        var catalogues: [Int64: Catalogue] = [:]
        for account in contents.accounts {
            catalogues[account.number] = try Catalogue(
                account: account, definitions: contents.definitions[account.number] ?? [],
                lastSequence: contents.lastSequences[account.number]?.definitions ?? 0)
        }
        return catalogues
    }

    static func find(_ connection: PostgresConnection, _ id: Rejection.ID, account: Int64) throws -> Rejection? {
        let rows = try connection.run(ReadSQL.rejection) {
            $0.add(account)
            $0.add(id)
        }
        return rows.count == 1 ? try rejection(rows, 0, account: account) : nil
    }

    /// Removes everything past its age or number. It runs at the start, when the limits may have changed.
    /// - Parameter now: the time by ``Forgetting``; it is noted.
    static func forget(_ connection: PostgresConnection, at now: Timestamp, limits: Limits) throws {
        try connection.run([
            Command(.begin), Command(Locks.rejections),
            Command(WriteSQL.forgetAllOldRejections) {
                $0.add(now.advanced(by: .zero - limits.rejectionAge).milliseconds)
            },
            Command(WriteSQL.forgetAllManyRejections) { $0.add(Int64(limits.rejectionsMax)) }, ClockNote.save(now),
            Command(.commit),
        ])
    }

    private static func rejection(
        _ rows: PostgresResult, _ row: Int, account: Int64, bodyBytesMax: Int = .max
    ) throws -> Rejection {
        let errors = try RowText.value([ItemError].self, of: rows.text(row, 9))
        let post = RefusedPost(
            account: account, section: rows.int64(row, 1), keyspace: rows.int64(row, 2), key: rows.text(row, 3),
            receivedAt: rows.time(row, 4), clientID: rows.text(row, 5), requestID: rows.text(row, 6),
            code: Problem.Code(rawValue: rows.text(row, 7)), detail: rows.text(row, 8), errors: errors,
            eventTypes: rows.isNull(row, 15) ? [] : RejectionText.words(of: rows.text(row, 15)),
            eventCount: Int(rows.int64(row, 10)),
            body: rows.withBytes(row, 16) { Array($0.prefix(bodyBytesMax)) })
        return Rejection(
            id: rows.int64(row, 0), post: post, bodyBytes: Int(rows.int64(row, 13)),
            replayedAt: rows.timeOrNil(row, 11), replayedTo: rows.int64OrNil(row, 12).map { ProfileID($0) },
            replayedEvents: rows.isNull(row, 14) ? [] : RejectionText.runs(of: rows.text(row, 14)))
    }

    // MARK: Texts

    private static func matches(_ rows: PostgresResult, _ row: Int, _ wanted: FoldedText) -> Bool {
        [3, 7, 8, 16].contains { column in rows.withBytes(row, column) { wanted.isContained(in: $0) } }
    }

    /// A text to look for, ignoring the case of ASCII letters.
    struct FoldedText {
        private let bytes: [UInt8]

        init(_ text: some Sequence<UInt8>) {
            bytes = text.map(FoldedText.folded)
        }

        func isContained(in text: UnsafeBufferPointer<UInt8>) -> Bool {
            guard let first = bytes.first else { return true }
            guard text.count >= bytes.count else { return false }
            for start in 0...(text.count - bytes.count) where FoldedText.folded(text[start]) == first {
                var index = 1
                while index < bytes.count, FoldedText.folded(text[start + index]) == bytes[index] { index += 1 }
                if index == bytes.count { return true }
            }
            return false
        }

        private static func folded(_ byte: UInt8) -> UInt8 {
            byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte
        }
    }
}

import Foundation
import GRDB
import OvationCore
import OvationRows

/// Reads and removes refused posts as rows. Clients wrote their texts, so they may contain any character, NUL included,
/// which GRDB would take for the end.
enum RejectionRows {
    private static let columns = """
        rejection_id, section, keyspace, key, received_at, client_id, request_id, code, detail, errors, event_count,
        replayed_at, replayed_to, length(body), replayed_events, event_types
        """

    static func list(
        _ database: Database, _ filter: RejectionFilter, before id: Rejection.ID?, limit: Int, bodyBytesMax: Int
    ) throws -> [Rejection] {
        // Marked rejections are found in the index of the marks, without reading every row past its body.
        let isMarked = filter.cause != nil || filter.itemCode != nil || filter.eventType != nil
        let statement = PreparedStatement(cached: try database.cachedStatement(sql: isMarked ? marked : listed))
        defer { statement.reset() }
        statement.bind(1, filter.account)
        statement.bind(3, id ?? Int64.max)
        statement.bind(4, filter.receivedFrom.milliseconds)
        // NULL means no filter.
        statement.bind(2, orNull: filter.section)
        statement.bind(5, orNull: filter.keyspaces.map(EventRows.json))
        statement.bind(6, orNull: filter.state.map { $0 == .replayed ? 1 : 0 })
        statement.bind(7, orNull: filter.code?.rawValue)
        statement.bind(8, orNull: filter.text)
        statement.bind(9, Int64(max(limit, 0)))
        statement.bind(10, bytes(bodyBytesMax))
        if isMarked {
            statement.bind(11, orNull: filter.cause?.rawValue)
            statement.bind(12, orNull: filter.itemCode.map { RejectionText.searched($0.rawValue) })
            statement.bind(13, orNull: filter.eventType.map(RejectionText.searched))
        }
        var rejections: [Rejection] = []
        while try statement.nextRow() { rejections.append(try rejection(statement, account: filter.account)) }
        return rejections
    }

    /// SQLite would take the low half of a larger number.
    private static func bytes(_ max: Int) -> Int64 { Int64(min(Swift.max(max, 0), Int(Int32.max))) }

    /// Those of an erased profile are gone, removed or not.
    private static let isThere = """
        NOT EXISTS (SELECT 1 FROM erased_rejection AS erased WHERE erased.rejection_id = rejection.rejection_id)
        """

    private static let filtered = """
        SELECT \(columns), substr(body, 1, ?10) FROM rejection
        WHERE account_id = ?1 AND rejection_id < ?3 AND received_at >= ?4 AND \(isThere)
            AND (?2 IS NULL OR section = ?2)
            AND (?5 IS NULL OR keyspace IN (SELECT value FROM json_each(?5)))
            AND (?6 IS NULL OR (replayed_at IS NOT NULL) = ?6)
            AND (?7 IS NULL OR code = ?7)
            AND (?8 IS NULL OR instr(lower(key), lower(?8)) OR instr(lower(code), lower(?8))
                OR instr(lower(detail), lower(?8)) OR instr(lower(CAST(body AS TEXT)), lower(?8)))
        """

    private static let listed = filtered + " ORDER BY rejection_id DESC LIMIT ?9"

    private static let marked =
        filtered + """
             AND rejection_id IN (
                SELECT rejection_id FROM rejection INDEXED BY rejection_by_cause
                WHERE account_id = ?1 AND cause BETWEEN coalesce(?11, '') AND coalesce(?11, 'g')
                    AND (?12 IS NULL OR instr(item_codes, ?12)) AND (?13 IS NULL OR instr(event_types, ?13)))
            ORDER BY rejection_id DESC LIMIT ?9
            """

    // MARK: Causes

    static func list(
        _ database: Database, _ range: RejectionRange, limit: Int, bodyBytesMax: Int
    ) throws -> [Rejection] {
        let statement = PreparedStatement(
            cached: try database.cachedStatement(
                sql: """
                    SELECT \(columns), substr(body, 1, ?7) FROM rejection INDEXED BY rejection_by_cause
                    WHERE \(ofRange) ORDER BY rejection_id LIMIT ?6
                    """))
        defer { statement.reset() }
        bind(range, to: statement)
        statement.bind(6, Int64(max(limit, 0)))
        statement.bind(7, bytes(bodyBytesMax))
        var rejections: [Rejection] = []
        while try statement.nextRow() { rejections.append(try rejection(statement, account: range.account)) }
        return rejections
    }

    static func count(_ database: Database, _ range: RejectionRange) throws -> Int {
        let statement = PreparedStatement(
            cached: try database.cachedStatement(
                sql: "SELECT count(*) FROM rejection INDEXED BY rejection_by_cause WHERE \(ofRange)"))
        defer { statement.reset() }
        bind(range, to: statement)
        return try statement.nextRow() ? Int(statement.int64(0)) : 0
    }

    private static let ofRange = """
        account_id = ?1 AND cause = ?2 AND replayed_at IS NULL AND rejection_id > ?3 AND rejection_id <= ?4
            AND received_at >= ?5 AND \(isThere)
        """

    private static func bind(_ range: RejectionRange, to statement: PreparedStatement) {
        statement.bind(1, range.account)
        statement.bind(2, text: range.cause.rawValue)
        statement.bind(3, range.after)
        statement.bind(4, range.through)
        statement.bind(5, range.receivedFrom.milliseconds)
    }

    /// Counts along the index, in its order; for the causes that are listed it reads the newest rejection.
    static func causes(
        _ database: Database, _ filter: RejectionCauseFilter, limit: Int
    ) throws -> RejectionCauses {
        let statement = PreparedStatement(
            cached: try database.cachedStatement(
                sql: """
                    WITH found AS (
                        SELECT count(*) AS rejections, sum(event_count) AS events, min(received_at) AS first,
                            max(received_at) AS last, max(rejection_id) AS newest
                        FROM rejection INDEXED BY rejection_by_cause
                        WHERE account_id = ?1 AND cause BETWEEN coalesce(?2, '') AND coalesce(?2, 'g')
                            AND replayed_at IS NULL AND received_at >= ?3 AND \(isThere)
                            AND (?4 IS NULL OR section IN (SELECT value FROM json_each(?4)))
                            AND (?5 IS NULL OR code = ?5)
                        GROUP BY cause
                        HAVING (?6 IS NULL OR max(instr(item_codes, ?6)) > 0)
                            AND (?7 IS NULL OR max(instr(event_types, ?7)) > 0)
                    ), listed AS (
                        SELECT *, count(*) OVER () AS causes, sum(rejections) OVER () AS total FROM found
                        ORDER BY rejections DESC, newest DESC LIMIT ?8
                    )
                    SELECT rejections, events, first, last, newest, causes, total, section, code,
                        json_extract(errors, '$[0]'), event_types, client_id
                    FROM listed JOIN rejection ON rejection_id = newest ORDER BY rejections DESC, newest DESC
                    """))
        defer { statement.reset() }
        statement.bind(1, filter.account)
        statement.bind(2, orNull: filter.cause?.rawValue)
        statement.bind(3, filter.receivedFrom.milliseconds)
        statement.bind(4, orNull: filter.sections.map(EventRows.json))
        statement.bind(5, orNull: filter.code?.rawValue)
        statement.bind(6, orNull: filter.itemCode.map { RejectionText.searched($0.rawValue) })
        statement.bind(7, orNull: filter.eventType.map(RejectionText.searched))
        statement.bind(8, Int64(max(limit, 0)))
        var items: [RejectionCauses.Item] = []
        var (causes, total) = (0, 0)
        while try statement.nextRow() {
            (causes, total) = (Int(statement.int64(5)), Int(statement.int64(6)))
            let type = RejectionText.words(of: statement.text(10)).first
            items.append(
                RejectionCauses.Item(
                    cause: RejectionCause(
                        section: statement.int64(7), code: Problem.Code(rawValue: statement.text(8)),
                        error: statement.isNull(9) ? nil : try RowText.value(ItemError.self, of: statement.text(9)),
                        eventType: type == "" ? nil : type, clientID: statement.text(11)),
                    rejections: Int(statement.int64(0)), events: Int(statement.int64(1)),
                    first: Timestamp(milliseconds: statement.int64(2)),
                    last: Timestamp(milliseconds: statement.int64(3)), newest: statement.int64(4)))
        }
        return RejectionCauses(items: items, causes: causes, rejections: total)
    }

    /// Marks rejections that an older version kept, some at a time, before the store serves.
    static func fill(_ database: Database) throws {
        let missing = "SELECT 1 FROM rejection INDEXED BY rejection_without_cause WHERE cause IS NULL LIMIT 1"
        guard try Int.fetchOne(database, sql: missing) != nil else { return }
        let contents = try AccountRows.load(database)
        var catalogues: [Int64: Catalogue] = [:]
        for account in contents.accounts {
            catalogues[account.number] = try Catalogue(
                account: account, definitions: contents.definitions[account.number] ?? [],
                lastSequence: contents.lastSequences[account.number]?.definitions ?? 0)
        }
        let find = try PreparedStatement(
            database,
            """
            SELECT rejection_id, account_id, section, client_id, code, errors, body
            FROM rejection INDEXED BY rejection_without_cause WHERE cause IS NULL ORDER BY rejection_id LIMIT ?1
            """)
        let mark = try PreparedStatement(
            database,
            "UPDATE rejection SET cause = ?2, item_codes = ?3, event_types = ?4 WHERE rejection_id = ?1")
        var isDone = false
        while !isDone {
            try database.inTransaction {
                find.bind(1, Int64(filledAtOnce))
                var found: [(id: Rejection.ID, marks: RejectionMarks)] = []
                while try find.nextRow() {
                    let errors = try RowText.value([ItemError].self, of: find.text(5))
                    let post = RefusedPost(
                        account: find.int64(1), section: find.int64(2), keyspace: 0, key: "",
                        receivedAt: Timestamp(milliseconds: 0), clientID: find.text(3), requestID: "",
                        code: Problem.Code(rawValue: find.text(4)), detail: "", errors: errors,
                        eventTypes: RejectionText.eventTypes(
                            of: errors, body: find.blob(6), in: catalogues[find.int64(1)], section: find.int64(2)),
                        eventCount: 0, body: [])
                    found.append((find.int64(0), RejectionMarks(post)))
                }
                find.reset()
                for (id, marks) in found {
                    mark.bind(1, id)
                    mark.bind(2, text: marks.cause)
                    mark.bind(3, text: marks.itemCodes)
                    mark.bind(4, text: marks.eventTypes)
                    try mark.run()
                }
                isDone = found.count < filledAtOnce
                return .commit
            }
        }
    }

    private static let filledAtOnce = 500

    static func countOpen(_ database: Database, account: Int64, from: Timestamp) throws -> Int {
        try Int.fetchOne(
            database,
            sql: """
                SELECT count(*) FROM rejection INDEXED BY rejection_by_cause
                WHERE account_id = ? AND replayed_at IS NULL AND received_at >= ? AND \(isThere)
                """,
            arguments: [account, from.milliseconds]) ?? 0
    }

    static func find(_ database: Database, _ id: Rejection.ID, account: Int64) throws -> Rejection? {
        let statement = try PreparedStatement(
            database,
            """
            SELECT rejection_id, section, keyspace, key, received_at, client_id, request_id, code, detail, errors,
                event_count, replayed_at, replayed_to, length(body), replayed_events, event_types, body
            FROM rejection WHERE rejection_id = ?1 AND account_id = ?2
                AND rejection_id NOT IN (SELECT rejection_id FROM erased_rejection WHERE rejection_id = ?1)
            """)
        statement.bind(1, id)
        statement.bind(2, account)
        return try statement.nextRow() ? rejection(statement, account: account) : nil
    }

    static func dismiss(_ database: Database, _ id: Rejection.ID, account: Int64) throws -> Bool {
        try database.execute(
            sql: "DELETE FROM rejection WHERE rejection_id = ? AND account_id = ? AND \(isThere)",
            arguments: [id, account])
        return database.changesCount > 0
    }

    static func dismiss(_ database: Database, _ ids: [Rejection.ID], account: Int64) throws -> Int {
        try database.execute(
            sql: """
                DELETE FROM rejection
                WHERE rejection_id IN (SELECT value FROM json_each(?)) AND account_id = ? AND replayed_at IS NULL
                    AND \(isThere)
                """,
            arguments: [EventRows.json(ids), account])
        return database.changesCount
    }

    /// Removes everything past its age or number. It runs at the start, when no post waits and the limits may have
    /// changed.
    static func forget(_ database: Database, at now: Timestamp, countMax: Int, age: Duration) throws {
        try database.execute(
            sql: "DELETE FROM rejection WHERE received_at < ?",
            arguments: [now.advanced(by: .zero - age).milliseconds])
        try database.execute(
            sql: """
                DELETE FROM rejection WHERE rejection_id IN
                    (SELECT rejection_id FROM
                        (SELECT rejection_id,
                            row_number() OVER (PARTITION BY account_id ORDER BY rejection_id DESC) AS place
                        FROM rejection)
                    WHERE place > ?)
                """,
            arguments: [countMax])
    }

    private static func rejection(_ row: PreparedStatement, account: Int64) throws -> Rejection {
        let errors = try RowText.value([ItemError].self, of: row.text(9))
        let post = RefusedPost(
            account: account, section: row.int64(1), keyspace: row.int64(2), key: row.text(3),
            receivedAt: Timestamp(milliseconds: row.int64(4)), clientID: row.text(5), requestID: row.text(6),
            code: Problem.Code(rawValue: row.text(7)), detail: row.text(8), errors: errors,
            eventTypes: row.isNull(15) ? [] : RejectionText.words(of: row.text(15)),
            eventCount: Int(row.int64(10)), body: row.blob(16))
        return Rejection(
            id: row.int64(0), post: post, bodyBytes: Int(row.int64(13)),
            replayedAt: row.isNull(11) ? nil : Timestamp(milliseconds: row.int64(11)),
            replayedTo: row.isNull(12) ? nil : ProfileID(row.int64(12)),
            replayedEvents: row.isNull(14) ? [] : RejectionText.runs(of: row.text(14)))
    }
}

import GRDB
import OvationCore
import OvationRows

/// The writer's work with refused posts: it keeps them, closes them when they are replayed, and removes old ones.
final class RejectionAppender {
    /// The most rejections that one kept post removes, of those past their age and of those beyond the maximum.
    static let forgottenEach = 10

    private let insert: PreparedStatement
    private let close: PreparedStatement
    private let noteProfile: PreparedStatement
    private let forgetOld: PreparedStatement
    private let forgetMany: PreparedStatement
    private let findOldest: PreparedStatement
    private let countMax: Int
    private let age: Duration
    /// Posts kept in this transaction, by account.
    private var kept: [Int64: Int] = [:]
    /// The arrival of the oldest rejection that a look would find, or an earlier time; nil if there is none. Most
    /// groups remove nothing, and finding that out in the table costs a sixth of a lone post.
    private var oldest: Int64?

    init(_ database: Database, countMax: Int, age: Duration) throws {
        self.countMax = countMax
        self.age = age
        insert = try PreparedStatement(
            database,
            """
            INSERT INTO rejection (account_id, section, keyspace, key, received_at, client_id, request_id, code, detail,
                errors, event_count, body, cause, item_codes, event_types)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
            """)
        close = try PreparedStatement(
            database,
            """
            UPDATE rejection SET replayed_at = ?3
            WHERE rejection_id = ?1 AND account_id = ?2 AND replayed_at IS NULL
                AND NOT EXISTS (SELECT 1 FROM erased_rejection WHERE rejection_id = ?1)
            """)
        noteProfile = try PreparedStatement(
            database, "UPDATE rejection SET replayed_to = ?2, replayed_events = ?3 WHERE rejection_id = ?1")
        // The first in the table are the oldest, whatever their account.
        forgetOld = try PreparedStatement(
            database,
            """
            DELETE FROM rejection WHERE rejection_id IN
                (SELECT rejection_id FROM
                    (SELECT rejection_id, received_at FROM rejection ORDER BY rejection_id LIMIT ?2)
                WHERE received_at < ?1)
            """)
        forgetMany = try PreparedStatement(
            database,
            """
            DELETE FROM rejection WHERE rejection_id IN
                (SELECT rejection_id FROM rejection WHERE account_id = ?1
                ORDER BY rejection_id DESC LIMIT ?3 OFFSET ?2)
            """)
        findOldest = try PreparedStatement(
            database,
            """
            SELECT min(received_at) FROM
                (SELECT received_at FROM rejection ORDER BY rejection_id LIMIT ?1)
            """)
        oldest = try readOldest()
    }

    private func readOldest() throws -> Int64? {
        findOldest.bind(1, Int64(Self.forgottenEach))
        defer { findOldest.reset() }
        return try findOldest.nextRow() && !findOldest.isNull(0) ? findOldest.int64(0) : nil
    }

    func keep(_ rejection: PackedRejection) throws -> Rejection.ID {
        let post = rejection.post
        insert.bind(1, post.account)
        insert.bind(2, post.section)
        insert.bind(3, post.keyspace)
        insert.bind(4, text: post.key)
        insert.bind(5, post.receivedAt.milliseconds)
        insert.bind(6, text: post.clientID)
        insert.bind(7, text: post.requestID)
        insert.bind(8, text: post.code.rawValue)
        insert.bind(9, text: post.detail)
        insert.bind(10, text: rejection.errors)
        insert.bind(11, Int64(post.eventCount))
        insert.bind(12, blob: post.body)
        insert.bind(13, text: rejection.marks.cause)
        insert.bind(14, text: rejection.marks.itemCodes)
        insert.bind(15, text: rejection.marks.eventTypes)
        try insert.run()
        kept[post.account, default: 0] += 1
        oldest = min(oldest ?? .max, post.receivedAt.milliseconds)
        return insert.lastInsertedRowID
    }

    /// false: it is not there, or was replayed before.
    func close(_ id: Rejection.ID, account: Int64, at now: Timestamp) throws -> Bool {
        close.bind(1, id)
        close.bind(2, account)
        close.bind(3, now.milliseconds)
        try close.run()
        return close.changes == 1
    }

    /// Notes the profile and the events of a rejection that was closed before in the same transaction.
    func note(_ profile: Int64, _ events: ClosedRange<Int64>, of id: Rejection.ID) throws {
        noteProfile.bind(1, id)
        noteProfile.bind(2, profile)
        noteProfile.bind(3, text: RejectionText.text(of: [events]))
        try noteProfile.run()
    }

    /// Runs once for each group, so that the cost of looking is shared like the sync.
    func finishGroup(at now: Timestamp) throws {
        let count = kept.values.reduce(0, +)
        let limit = now.advanced(by: .zero - age).milliseconds
        if let found = oldest, found < limit {
            forgetOld.bind(1, limit)
            forgetOld.bind(2, Int64(Self.forgottenEach * max(count, 1)))
            try forgetOld.run()
            oldest = try readOldest()
        }
        for (account, count) in kept {
            forgetMany.bind(1, account)
            forgetMany.bind(2, Int64(countMax))
            forgetMany.bind(3, Int64(Self.forgottenEach * count))
            try forgetMany.run()
        }
        kept = [:]
    }

    func undoGroup() {
        kept = [:]
        // The rejections that it removed are there again.
        oldest = .min
    }
}

import GRDB
import OvationCore
import Synchronization

/// Profiles that are new: durable in the table `profile_arrival` in the order in which they came, and not yet in
/// `profile`, whose order is that of hashes.
///
/// A new profile in `profile` is a page somewhere in the file for each; many of them sorted share pages. As with
/// ``Memtable``, readers ask here before their snapshot begins.
final class RecentProfiles: Sendable {
    struct Row: Sendable {
        var id: Int64
        var account: Int64
        var keyspace: Int64
        var key: String
        /// Milliseconds since 1970.
        var createdAt: Int64
        /// Where it stands in `profile_arrival`.
        var arrival: Int64 = 0

        func isOf(_ address: ProfileAddress) -> Bool {
            account == address.account && keyspace == address.keyspace && key == address.key.text
        }
    }

    private let rows = Mutex<[Int64: Row]>([:])

    var count: Int { rows.withLock { $0.count } }

    var all: [Int64: Row] { rows.withLock { $0 } }

    var ids: [Int64] { rows.withLock { Array($0.keys) } }

    subscript(id: Int64) -> Row? { rows.withLock { $0[id] } }

    /// What was here when the store was last open.
    func load(_ database: Database) throws {
        let arrivals = try PreparedStatement(
            database, "SELECT profile_id, account_id, keyspace, key, created_at, arrival FROM profile_arrival")
        var rows: [Int64: Row] = [:]
        while try arrivals.nextRow() {
            rows[arrivals.int64(0)] = Row(
                id: arrivals.int64(0), account: arrivals.int64(1), keyspace: arrivals.int64(2), key: arrivals.text(3),
                createdAt: arrivals.int64(4), arrival: arrivals.int64(5))
        }
        add(rows)
    }

    /// After the commit that stored them, and before it is answered.
    func add(_ new: [Int64: Row]) {
        guard !new.isEmpty else { return }
        rows.withLock { $0.merge(new) { _, new in new } }
    }

    /// After the commit that moved the last of them.
    func remove(_ ids: [Int64]) {
        rows.withLock { rows in
            // A profile is in one batch only, so an empty table is made anew rather than emptied one by one.
            if ids.count == rows.count {
                rows = [:]
            } else {
                for id in ids { rows[id] = nil }
            }
        }
    }
}

/// Moves recent profiles into the table that is found by hash, sorted, a few in each transaction. On the writer's
/// thread.
final class ProfileMover {
    /// Profiles that are moved for each one that comes.
    private static let movedPerProfile = 2
    /// Profiles in a transaction of its own, when nobody waits.
    private static let idleProfiles = 512

    private let database: Database
    private let recent: RecentProfiles
    private let capacity: Int
    private let insert: PreparedStatement
    /// Being moved, in the order of the table.
    private var ids: [Int64] = []
    private var position = 0
    private var lastArrival: Int64 = 0
    private var isMoved = false

    /// - Parameter capacity: how many come together before they are moved.
    init(_ database: Database, recent: RecentProfiles, capacity: Int) throws {
        self.database = database
        self.recent = recent
        self.capacity = capacity
        insert = try PreparedStatement(
            database,
            """
            INSERT OR IGNORE INTO profile (profile_id, account_id, keyspace, key, created_at)
            VALUES (?1, ?2, ?3, ?4, ?5)
            """)
    }

    var isIdle: Bool { ids.isEmpty && recent.count < capacity }

    /// Inside the transaction of a group that made so many profiles, or none when nobody waits.
    func work(forNew count: Int) throws {
        guard !isMoved else { return }
        if ids.isEmpty {
            guard recent.count >= capacity else { return }
            ids = recent.ids.sorted()
            position = 0
            lastArrival = 0
        }
        let end = min(position + count * ProfileMover.movedPerProfile, ids.count)
        try move(upTo: end)
        if position == ids.count {
            try database.execute(sql: "DELETE FROM profile_arrival WHERE arrival <= ?", arguments: [lastArrival])
            isMoved = true
        }
    }

    func workIdly() throws { try work(forNew: ProfileMover.idleProfiles / ProfileMover.movedPerProfile) }

    func didCommit() {
        guard isMoved else { return }
        recent.remove(ids)
        reset()
    }

    /// What was moved since the last commit is not; to move it again changes nothing.
    func reset() {
        ids = []
        position = 0
        isMoved = false
    }

    private func move(upTo end: Int) throws {
        while position < end {
            if let row = recent[ids[position]] {
                insert.bind(1, row.id)
                insert.bind(2, row.account)
                insert.bind(3, row.keyspace)
                insert.bind(4, text: row.key)
                insert.bind(5, row.createdAt)
                try insert.run()
                lastArrival = max(lastArrival, row.arrival)
            }
            position += 1
        }
    }
}

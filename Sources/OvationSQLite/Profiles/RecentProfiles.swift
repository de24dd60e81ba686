import Foundation
import GRDB
import OvationCore
import Synchronization

/// New profiles: durable in the table `profile_arrival` in the order in which they came, and not yet in `profile`,
/// which is in the order of hashes.
///
/// Each new profile in `profile` changes a page somewhere in the file; many of them, sorted, share pages. As with
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

        /// All bytes at once, since each post to a recent profile asks.
        func hasKey(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
            let isSame = key.utf8.withContiguousStorageIfAvailable { own in
                guard own.count == bytes.count, let ours = own.baseAddress, let theirs = bytes.baseAddress else {
                    return own.isEmpty && bytes.isEmpty
                }
                return memcmp(ours, theirs, own.count) == 0
            }
            return isSame ?? key.utf8.elementsEqual(bytes)
        }

        func isOf(_ address: ProfileAddress) -> Bool {
            account == address.account && keyspace == address.keyspace && key == address.key.text
        }
    }

    /// Rows as they were at one moment.
    struct Rows: Sendable {
        /// Takes new profiles.
        fileprivate var growing: [Int64: Row] = [:]
        /// On their way into `profile`; it takes no new ones.
        fileprivate var moving: [Int64: Row] = [:]

        subscript(id: Int64) -> Row? { growing[id] ?? moving[id] }

        /// In no order, each once.
        func ids(from start: Int64) -> [Int64] {
            growing.keys.filter { $0 >= start } + moving.keys.filter { $0 >= start && growing[$0] == nil }
        }
    }

    private let rows = Mutex(Rows())

    /// The number of profiles that are not on their way.
    var count: Int { rows.withLock { $0.growing.count } }

    var isMoving: Bool { rows.withLock { !$0.moving.isEmpty } }

    var all: Rows { rows.withLock { $0 } }

    subscript(id: Int64) -> Row? { rows.withLock { $0[id] } }

    /// The profiles that were here when the store was last open. All of them are open: a profile that was changed is in its
    /// place, and an arrival that is left of it says nothing any more.
    func load(_ database: Database) throws {
        let arrivals = try PreparedStatement(
            database,
            """
            SELECT profile_id, account_id, keyspace, key, created_at, arrival FROM profile_arrival AS arrived
            WHERE NOT EXISTS (SELECT 1 FROM profile WHERE profile.profile_id = arrived.profile_id AND state <> 0)
            """)
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
        rows.withLock { $0.growing.merge(new) { _, new in new } }
    }

    /// After the commit that put them in their place in `profile`.
    func remove(_ ids: Set<Int64>) {
        guard !ids.isEmpty else { return }
        rows.withLock { rows in
            for id in ids {
                rows.growing.removeValue(forKey: id)
                rows.moving.removeValue(forKey: id)
            }
        }
    }

    /// Sets those apart that are to be moved, and gives them.
    func beginMove() -> [Int64: Row] {
        rows.withLock { rows in
            // Left over when a transaction failed.
            if rows.moving.isEmpty { swap(&rows.growing, &rows.moving) }
            return rows.moving
        }
    }

    /// After the commit that moved the last of them.
    func endMove() {
        // Freeing a large table takes a moment, which no reader should wait for.
        let moved = rows.withLock { rows in
            defer { rows.moving = [:] }
            return rows.moving
        }
        _ = consume moved
    }
}

/// Moves recent profiles into the table that is ordered by hash, sorted, a few in each transaction; then removes them
/// from the table of arrivals, also a few in each transaction. Runs on the writer's thread.
final class ProfileMover {
    /// Profiles that are moved for each one that comes.
    private static let movedPerProfile = 2
    /// Arrivals that are removed for each new profile: they are next to each other.
    private static let forgottenPerProfile = 8
    /// The number moved in a separate transaction, when no post waits.
    private static let idleProfiles = 128

    private let database: Database
    private let recent: RecentProfiles
    private let capacity: Int
    private let place: PreparedStatement
    private let forget: PreparedStatement
    /// Being moved, in the order of the table.
    private var rows: [RecentProfiles.Row] = []
    private var position = 0
    private var isMoved = false
    /// Arrivals up to this one are in `profile` and can be removed; nil when they are gone.
    private var movedArrival: Int64?
    /// Whether the last of them are removed in the transaction under way.
    private var isForgotten = false

    /// A row that is there already was moved before, and may have been changed since.
    static let insert: StaticString = """
        INSERT OR IGNORE INTO profile (profile_id, account_id, keyspace, key, created_at) VALUES (?1, ?2, ?3, ?4, ?5)
        """

    static func bind(_ row: RecentProfiles.Row, to insert: PreparedStatement) {
        insert.bind(1, row.id)
        insert.bind(2, row.account)
        insert.bind(3, row.keyspace)
        insert.bind(4, text: row.key)
        insert.bind(5, row.createdAt)
    }

    /// - Parameter capacity: how many come together before they are moved.
    init(_ database: Database, recent: RecentProfiles, capacity: Int) throws {
        self.database = database
        self.recent = recent
        self.capacity = capacity
        place = try PreparedStatement(database, ProfileMover.insert)
        forget = try PreparedStatement(
            database,
            """
            DELETE FROM profile_arrival WHERE arrival IN
                (SELECT arrival FROM profile_arrival WHERE arrival <= ?1 ORDER BY arrival LIMIT ?2)
            """)
    }

    var isIdle: Bool { rows.isEmpty && movedArrival == nil && recent.count < capacity && !recent.isMoving }

    /// Whether the table of arrivals still has profiles that memory does not.
    var leavesArrivals: Bool { movedArrival != nil }

    /// Inside the transaction of a group that made so many profiles, or none when nobody waits.
    func work(forNew count: Int) throws {
        if let movedArrival {
            try forget(through: movedArrival, atMost: count * ProfileMover.forgottenPerProfile)
        } else if !isMoved {
            if rows.isEmpty {
                guard recent.count >= capacity || recent.isMoving else { return }
                rows = recent.beginMove().values.sorted { $0.id < $1.id }
                position = 0
            }
            try move(upTo: min(position + count * ProfileMover.movedPerProfile, rows.count))
            isMoved = position == rows.count
        }
    }

    func workIdly() throws { try work(forNew: ProfileMover.idleProfiles) }

    func didCommit() {
        if isForgotten { (movedArrival, isForgotten) = (nil, false) }
        guard isMoved else { return }
        movedArrival = rows.lazy.map(\.arrival).max()
        recent.endMove()
        reset()
    }

    /// What was done since the last commit is not done; to do it again changes nothing.
    func reset() {
        rows = []
        position = 0
        isMoved = false
        isForgotten = false
    }

    private func move(upTo end: Int) throws {
        while position < end {
            ProfileMover.bind(rows[position], to: place)
            try place.run()
            position += 1
        }
    }

    /// After a crash in between, or a failed transaction, there are arrivals that are already moved. The next start
    /// moves them again, which changes nothing.
    private func forget(through arrival: Int64, atMost count: Int) throws {
        guard count > 0 else { return }
        forget.bind(1, arrival)
        forget.bind(2, Int64(count))
        try forget.run()
        if forget.changes < count { isForgotten = true }
    }
}

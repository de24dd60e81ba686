import GRDB
import OvationCore
import OvationRows

/// Profiles as the writer finds, makes and changes them; and what a transaction has to remember of them until its commit.
final class ProfileAppender {
    /// Where a key leads.
    enum Found {
        case open(Int64)
        case closed(Int64, ProfileState)
        /// There is no such profile; it would get this id.
        case free(ProfileID)

        var id: Int64 {
            switch self {
            case .open(let id), .closed(let id, _): id
            case .free(let id): id.value
            }
        }

        var state: ProfileState {
            if case .closed(_, let state) = self { state } else { .open }
        }
    }

    private let find: PreparedStatement
    private let insert: PreparedStatement
    private let place: PreparedStatement
    private let forgetArrival: PreparedStatement
    private let forgetArrivalOf: PreparedStatement
    private let setState: PreparedStatement
    private let setKey: PreparedStatement
    /// Made when it is first needed.
    private var knownLockedKeys: LockedKeys?
    private let database: Database
    let data: ProfileDataAppender
    let members: MemberAppender
    let consentCounts: ConsentCountAppender
    private let recent: RecentProfiles
    private let mover: ProfileMover
    private var lastArrival: Int64
    /// What the transaction adds to memory once it is committed, and what it takes away.
    private var new: [Int64: RecentProfiles.Row] = [:]
    private var placed: Set<Int64> = []

    init(_ database: Database, recent: RecentProfiles, mover: ProfileMover) throws {
        self.database = database
        self.recent = recent
        self.mover = mover
        find = try PreparedStatement(
            database,
            """
            SELECT account_id = ?2 AND keyspace = ?3 AND key = ?4, state, CASE WHEN state = 1 THEN key END
            FROM profile WHERE profile_id = ?1
            """)
        insert = try PreparedStatement(
            database,
            """
            INSERT INTO profile_arrival (profile_id, account_id, keyspace, key, created_at, arrival)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            """)
        place = try PreparedStatement(database, ProfileMover.insert)
        forgetArrival = try PreparedStatement(database, "DELETE FROM profile_arrival WHERE arrival = ?1")
        forgetArrivalOf = try PreparedStatement(database, "DELETE FROM profile_arrival WHERE profile_id = ?1")
        setState = try PreparedStatement(database, "UPDATE profile SET state = ?2 WHERE profile_id = ?1")
        setKey = try PreparedStatement(database, "UPDATE profile SET key = ?2 WHERE profile_id = ?1")
        data = try ProfileDataAppender(database)
        members = try MemberAppender(database)
        consentCounts = try ConsentCountAppender(database)
        lastArrival = try Int64.fetchOne(database, sql: "SELECT max(arrival) FROM profile_arrival") ?? 0
    }

    /// How many profiles the transaction has made.
    var newCount: Int { new.count }

    /// By the hash of its key, and on from there where another profile has that hash.
    func find(
        account: Int64, keyspace: Int64, key: UnsafeBufferPointer<UInt8>, from founding: ProfileID
    ) throws -> Found {
        var id = founding
        while true {
            if let row = inMemory(id.value) {
                if row.account == account, row.keyspace == keyspace, row.hasKey(key) {
                    return .open(id.value)
                }
            } else {
                find.bind(1, id.value)
                find.bind(2, account)
                find.bind(3, keyspace)
                find.bind(4, text: key)
                defer { find.reset() }
                guard try find.nextRow() else { return .free(id) }
                if find.int64(0) == 1 {
                    let state = find.int64(1)
                    // No version writes a number that it does not know, so this one is not open in any case.
                    return state == 0 ? .open(id.value) : .closed(id.value, ProfileState(rawValue: state) ?? .locked)
                }
                if !find.isNull(2), try isMark(find.text(2), of: key, account: account, keyspace: keyspace) {
                    return .closed(id.value, .locked)
                }
            }
            id = id.afterCollision
        }
    }

    /// Whether this stayed of the key when it was locked for good.
    private func isMark(
        _ text: String, of key: UnsafeBufferPointer<UInt8>, account: Int64, keyspace: Int64
    ) throws -> Bool {
        guard LockedKeys.isMark(text) else { return false }
        // A key was checked when it came.
        let key = String(decoding: key, as: UTF8.self)
        return try text == lockedKeys().mark(account: account, keyspace: keyspace, key: key)
    }

    func lockedKeys() throws -> LockedKeys {
        if let knownLockedKeys { return knownLockedKeys }
        let keys = LockedKeys(serverSecret: try AccountRows.serverSecret(database))
        knownLockedKeys = keys
        return keys
    }

    func find(_ address: ProfileAddress, from id: ProfileID) throws -> Found {
        var key = address.key.text
        return try key.withUTF8 { try find(account: address.account, keyspace: address.keyspace, key: $0, from: id) }
    }

    /// The key and the time of making of a profile that is there.
    func row(of id: Int64) throws -> (key: Profile.Key?, createdAt: Timestamp) {
        guard let row = inMemory(id) else { return try members.row(of: id) }
        return (Profile.Key(keyspace: row.keyspace, text: row.key), Timestamp(milliseconds: row.createdAt))
    }

    /// Whether it is new, and nothing was changed of it as a whole.
    func isInMemory(_ id: Int64) -> Bool { inMemory(id) != nil }

    /// What is in memory is open: a profile that is changed is put in its place first.
    private func inMemory(_ id: Int64) -> RecentProfiles.Row? {
        if !placed.isEmpty, placed.contains(id) { return nil }
        return (new.isEmpty ? nil : new[id]) ?? recent[id]
    }

    /// - Parameter free: where ``find(account:keyspace:key:from:)`` found nobody.
    func make(
        account: Int64, keyspace: Int64, key: UnsafeBufferPointer<UInt8>, at free: ProfileID, _ now: Timestamp
    ) throws -> Int64 {
        var id = free
        // A neighbour in the same chunk may have the same hash, and have been made since.
        while new[id.value] != nil {
            guard case .free(let next) = try find(account: account, keyspace: keyspace, key: key, from: id) else {
                break
            }
            id = next
        }
        // Given here and never twice while the process lives: a move removes all up to one of them.
        lastArrival += 1
        insert.bind(1, id.value)
        insert.bind(2, account)
        insert.bind(3, keyspace)
        insert.bind(4, text: key)
        insert.bind(5, now.milliseconds)
        insert.bind(6, lastArrival)
        try insert.run()
        new[id.value] = RecentProfiles.Row(
            id: id.value, account: account, keyspace: keyspace, key: String(decoding: key, as: UTF8.self),
            createdAt: now.milliseconds, arrival: lastArrival)
        return id.value
    }

    /// What was written is on disk.
    func didCommit() {
        recent.add(new)
        recent.remove(placed)
        data.didCommit()
        forget()
    }

    /// What the transaction left to remember.
    func forget() {
        new.removeAll(keepingCapacity: true)
        placed.removeAll(keepingCapacity: true)
        data.forget()
        consentCounts.forget()
    }

    /// To be called before a row is changed: it then stands in `profile` alone, whether it was moved there or not, so
    /// that nothing else has to be changed, and nothing that is moved later can bring back what it was.
    func putInPlace(_ id: Int64) throws {
        guard placed.insert(id).inserted else { return }
        if let row = new.removeValue(forKey: id) ?? recent[id] {
            ProfileMover.bind(row, to: place)
            try place.run()
            forgetArrival.bind(1, row.arrival)
            try forgetArrival.run()
        } else if mover.leavesArrivals {
            forgetArrivalOf.bind(1, id)
            try forgetArrivalOf.run()
        }
    }

    func set(_ state: ProfileState, of id: Int64) throws {
        try putInPlace(id)
        setState.bind(1, id)
        setState.bind(2, state.rawValue)
        try setState.run()
        if state == .erased { try emptyKey(of: id) }
    }

    /// No key is empty, so every look-up walks past the row from here on.
    func emptyKey(of id: Int64) throws { try set(key: "", of: id) }

    func set(key: String, of id: Int64) throws {
        try putInPlace(id)
        setKey.bind(1, id)
        setKey.bind(2, text: key)
        try setKey.run()
    }
}

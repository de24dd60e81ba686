import Foundation
import GRDB
import OvationCore
import OvationRows

/// The writer's work with erased profiles: it notes an erasure in the commit that erases the profile, and removes later, some
/// rows at a time, what the profile had. How far it has come is in the rows that are left, so a start goes on by itself.
final class ErasureAppender {
    /// What a step may cost that a group of posts waits for, and one when no post waits: a row of a usual size costs one, a
    /// larger one costs more.
    static let costInGroup = 32
    static let idleCost = 512
    /// The time between two steps that groups wait for. Each step adds pages to the log, and the log is copied for every
    /// thousand pages: with a step in each group, so many groups wait for a copy that it shows among a hundred posts.
    static let pauseInGroups = Duration.milliseconds(25)
    /// Bytes for which a row costs one more.
    private static let bytesPerCost = 4096

    /// An erasure that is not complete.
    private struct Open {
        let position: Int64
        let account: Int64
        /// The member that is next; the canonical one is the last, since it leads to the others.
        let profile: Int64
        let isCanonical: Bool
    }

    private let database: Database
    private let memtable: Memtable
    private let data: ProfileDataAppender
    private let oldest: PreparedStatement
    /// Whether there may be an erasure that is not complete.
    private(set) var hasOpen = true
    private var nextInGroup = ContinuousClock.now

    init(_ database: Database, memtable: Memtable, _ data: ProfileDataAppender) throws {
        self.database = database
        self.data = data
        self.memtable = memtable
        oldest = try PreparedStatement(
            database,
            """
            SELECT position, account_id, profile_id, (SELECT member.profile_id FROM profile_member AS member
                WHERE root_id = erasure.profile_id AND member.profile_id <> root_id LIMIT 1)
            FROM erasure WHERE completed_at IS NULL ORDER BY position LIMIT 1
            """)
    }

    // MARK: In the commit that erases

    /// Writes the erasure and its entry in the audit trail, and hides the refused posts of the profile.
    /// - Parameters:
    ///   - formats: of keyspaces by number.
    ///   - profile: as it was.
    ///   - position: of the change that erases its canonical member.
    func note(
        _ id: ErasureID, formats: [Int64: KeyFormat], of change: ProfileChange, _ profile: Profile,
        at position: Int64
    ) throws {
        let account = change.profile.account
        let rejections = try hideRejections(of: profile, account: account, formats, position)
        try database.execute(
            sql: """
                INSERT INTO erasure (position, erasure_id, account_id, profile_id, requested_at, actor, events, "values",
                    tags, consents, changes, rejections)
                VALUES (?, ?, ?, ?, ?, ?, 0, 0, 0, 0, 0, ?)
                """,
            arguments: [position, id.text, account, profile.id.value, change.at.milliseconds, change.actor, rejections])
        let number = try AccountRows.lastNumber(database, account: account) + 1
        try AccountRows.insert(
            database, ActEntry(at: change.at, actor: change.actor, act: Erasure.act(id)), number: number,
            account: account)
        hasOpen = true
    }

    /// Keys of refused posts are as they were sent, so each is compared in its normal form. There are not more than the
    /// server keeps of an account.
    private func hideRejections(
        of profile: Profile, account: Int64, _ formats: [Int64: KeyFormat], _ position: Int64
    ) throws -> Int {
        let keys = Dictionary(grouping: profile.keys, by: \.keyspace).mapValues { Set($0.map(\.text)) }
        let members = Set(profile.members.map(\.id.value))
        let kept = try PreparedStatement(
            database,
            """
            SELECT rejection_id, keyspace, key, replayed_to FROM rejection AS kept
            WHERE account_id = ?1 AND (keyspace IN (SELECT value FROM json_each(?2))
                    OR replayed_to IN (SELECT value FROM json_each(?3)))
                AND NOT EXISTS (SELECT 1 FROM erased_rejection AS erased WHERE erased.rejection_id = kept.rejection_id)
            """)
        kept.bind(1, account)
        kept.bind(2, text: EventRows.json(Array(keys.keys)))
        kept.bind(3, text: EventRows.json(Array(members)))
        var found: [Int64] = []
        while try kept.nextRow() {
            let isReplayedTo = !kept.isNull(3) && members.contains(kept.int64(3))
            let keyspace = kept.int64(1)
            guard isReplayedTo || isKey(kept.text(2), of: keys[keyspace], formats[keyspace] ?? .text) else { continue }
            found.append(kept.int64(0))
        }
        for id in found {
            try database.execute(
                sql: "INSERT INTO erased_rejection (rejection_id, position) VALUES (?, ?)", arguments: [id, position])
        }
        return found.count
    }

    private func isKey(_ raw: String, of keys: Set<String>?, _ format: KeyFormat) -> Bool {
        guard let keys, let key = try? ProfileKey(raw, format: format) else { return false }
        return keys.contains(key.text)
    }

    // MARK: Afterwards

    /// Removes some of what is left of erased profiles. Runs inside a transaction that comes after the one that erased
    /// them: from then on nothing is added to what they have.
    /// - Parameters:
    ///   - committed: the highest position of the transactions before.
    ///   - removesEvents: whether timelines may change; a run that is written from memory would have to begin again.
    /// - Returns: events that were removed, by profile, which memory may have; nil: timelines are as they were.
    func work(cost: Int, committed: Int64, removesEvents: Bool) throws -> [Int64: Set<Int64>]? {
        guard hasOpen else { return nil }
        var removed: [Int64: Set<Int64>]?
        var left = cost
        while left > 0 {
            guard let erasure = try oldestOpen() else {
                hasOpen = false
                break
            }
            guard erasure.position <= committed else { break }
            try removeRejections(of: erasure, &left)
            if removesEvents, left > 0, let events = try removeEvents(of: erasure, &left) {
                removed = (removed ?? [:]).merging([erasure.profile: events]) { $0.union($1) }
            }
            guard removesEvents, left > 0 else { break }
            try removeChanges(of: erasure, &left)
            guard left > 0 else { break }
            try forgetMember(erasure.profile)
            if erasure.isCanonical { try complete(erasure) }
            left -= 1
        }
        return removed
    }

    /// Whether a group is to do a step. It is asked once for each.
    func isDueInGroup(at now: ContinuousClock.Instant) -> Bool {
        guard hasOpen, now >= nextInGroup else { return false }
        nextInGroup = now + ErasureAppender.pauseInGroups
        return true
    }

    /// What was done is not done.
    func undo() { hasOpen = true }

    private func oldestOpen() throws -> Open? {
        defer { oldest.reset() }
        guard try oldest.nextRow() else { return nil }
        let isCanonical = oldest.isNull(3)
        return Open(
            position: oldest.int64(0), account: oldest.int64(1), profile: oldest.int64(isCanonical ? 2 : 3),
            isCanonical: isCanonical)
    }

    private func removeRejections(of erasure: Open, _ left: inout Int) throws {
        let next = try cached(
            """
            SELECT rejection_id, (SELECT length(body) FROM rejection WHERE rejection.rejection_id = hidden.rejection_id)
            FROM erased_rejection AS hidden WHERE position = ?1 LIMIT 1
            """)
        let remove = try cached("DELETE FROM rejection WHERE rejection_id = ?1")
        let forget = try cached("DELETE FROM erased_rejection WHERE rejection_id = ?1")
        while left > 0 {
            next.bind(1, erasure.position)
            guard try next.nextRow() else { break }
            let (id, bytes) = (next.int64(0), Int(next.int64(1)))
            next.reset()
            for statement in [remove, forget] {
                statement.bind(1, id)
                try statement.run()
            }
            left -= 1 + bytes / ErasureAppender.bytesPerCost
        }
        next.reset()
    }

    /// First those that no run has, the last that came first: to look in each step for the newest of them would take longer
    /// the more there are. Then from the end of the timeline, so that what is left of it is still one stretch.
    /// - Returns: those that memory may have; nil: there are none.
    private func removeEvents(of erasure: Open, _ left: inout Int) throws -> Set<Int64>? {
        let recent = try remove(memtable.entries(of: erasure.profile, limit: left), of: erasure, &left)
        guard left > 0 else { return Set(recent.map(\.eventID)) }
        let merged = try remove(
            Timeline(database, recent: [:]).newest(TimelineRange(profile: erasure.profile), limit: left), of: erasure,
            &left)
        if let first = merged.first, let last = merged.last {
            try Timeline.remove(database, from: last, through: first)
        }
        return recent.isEmpty && merged.isEmpty ? nil : Set(recent.map(\.eventID))
    }

    /// - Returns: those that cost no more than is left, from the first on.
    private func remove(
        _ entries: [TimelineEntry], of erasure: Open, _ left: inout Int
    ) throws -> ArraySlice<TimelineEntry> {
        let size = try cached("SELECT data FROM event WHERE event_id = ?1")
        let delete = try cached("DELETE FROM event WHERE event_id = ?1")
        var counts: [EventVersion.ID: Int] = [:]
        var removed = 0
        for entry in entries where left > 0 {
            size.bind(1, entry.eventID)
            let bytes = try size.nextRow() ? size.withBytes(0) { $0.count } : 0
            size.reset()
            delete.bind(1, entry.eventID)
            try delete.run()
            counts[entry.version, default: 0] += delete.changes
            removed += 1
            left -= 1 + bytes / ErasureAppender.bytesPerCost
        }
        try ProfileRows.subtractUsage(database, counts, account: erasure.account)
        try add("events = events + ?", counts.values.reduce(0, +), to: erasure)
        return entries.prefix(removed)
    }

    /// From the newest to the oldest: each leads to those before it.
    private func removeChanges(of erasure: Open, _ left: inout Int) throws {
        let next = try cached("SELECT section, fields FROM profile_data WHERE profile_id = ?1 LIMIT 1")
        let read = try cached("SELECT edits FROM profile_change WHERE position = ?1")
        let remove = try cached("DELETE FROM profile_change WHERE position = ?1")
        let mapped = try data.mapped(account: erasure.account)
        while left > 0 {
            next.bind(1, erasure.profile)
            guard try next.nextRow() else { break }
            let section = next.int64(0)
            var index = try next.fieldIndex(1)
            next.reset()
            var held = HeldCounts()
            var changes = 0
            while left > 0, let position = index.newestPosition {
                read.bind(1, position)
                guard try read.nextRow() else { throw StoreFailure.missing(change: position) }
                let edits = try read.packedEdits(0, at: position)
                read.reset()
                let taken = index.takeBack(edits, at: position)
                let values = edits.mappedValues(of: taken, in: erasure.profile, mapped)
                for value in values { try data.remove(value, account: erasure.account) }
                left -= values.count
                held.add(taken, of: edits)
                remove.bind(1, position)
                try remove.run()
                changes += 1
                left -= 1 + edits.edits.count / 16
            }
            try save(index, section, of: erasure)
            try add("changes = changes + ?", changes, to: erasure)
            try add("\"values\" = \"values\" + ?", Int(held.values), to: erasure)
            try add("tags = tags + ?", Int(held.tags), to: erasure)
            try add("consents = consents + ?", Int(held.consents), to: erasure)
        }
        next.reset()
    }

    /// Nothing is left of it.
    private func forgetMember(_ id: Int64) throws {
        let remove = try cached("DELETE FROM profile_member WHERE profile_id = ?1")
        remove.bind(1, id)
        try remove.run()
    }

    private func save(_ index: FieldIndex, _ section: Int64, of erasure: Open) throws {
        guard index.entries.isEmpty else {
            return try database.execute(
                sql: "UPDATE profile_data SET fields = ? WHERE profile_id = ? AND section = ?",
                arguments: [Data(index.bytes), erasure.profile, section])
        }
        try database.execute(
            sql: "DELETE FROM profile_data WHERE profile_id = ? AND section = ?", arguments: [erasure.profile, section])
    }

    private func add(_ change: String, _ count: Int, to erasure: Open) throws {
        guard count > 0 else { return }
        try database.execute(
            sql: "UPDATE erasure SET \(change) WHERE position = ?", arguments: [count, erasure.position])
    }

    /// By the machine's clock, and not before the erasure was asked for.
    private func complete(_ erasure: Open) throws {
        let now = Int64(Date().timeIntervalSince1970 * 1000)
        try database.execute(
            sql: "UPDATE erasure SET completed_at = max(requested_at, ?) WHERE position = ?",
            arguments: [now, erasure.position])
    }

    private func cached(_ sql: String) throws -> PreparedStatement {
        try PreparedStatement(cached: database.cachedStatement(sql: sql))
    }
}

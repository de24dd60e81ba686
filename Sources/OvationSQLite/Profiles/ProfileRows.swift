import GRDB
import OvationCore
import OvationRows

/// Reads profiles as a whole: their keys, and counts of their events.
enum ProfileRows {
    static func find(_ database: Database, _ address: ProfileAddress, _ recent: Recent.Part) throws -> Profile? {
        guard let id = try EventRows.profile(database, address, recent) else { return nil }
        return try find(database, id: id, account: address.account, recent.profiles[id])
    }

    /// A profile that was locked for good: nothing is left of it but that. nil: the key is not locked.
    static func findLocked(
        _ database: Database, _ address: ProfileAddress, _ recent: Recent.Part
    ) throws -> Profile? {
        let statement = try PreparedStatement(
            cached: database.cachedStatement(
                sql: "SELECT CASE WHEN state = 1 THEN key END, created_at FROM profile WHERE profile_id = ?1"))
        defer { statement.reset() }
        var (id, mark): (ProfileID, String?) = (address.foundingID, nil)
        while true {
            statement.reset()
            statement.bind(1, id.value)
            guard try statement.nextRow() else {
                // It is in memory, and open.
                guard recent.profiles[id.value] != nil else { return nil }
                id = id.afterCollision
                continue
            }
            if !statement.isNull(0), LockedKeys.isMark(statement.text(0)) {
                if mark == nil {
                    mark = LockedKeys(serverSecret: try AccountRows.serverSecret(database)).mark(of: address)
                }
                if statement.text(0) == mark {
                    return Profile(
                        id: id, key: nil, createdAt: Timestamp(milliseconds: statement.int64(1)), state: .locked)
                }
            }
            id = id.afterCollision
        }
    }

    /// - Parameter id: of any member.
    static func find(
        _ database: Database, id: Int64, account: Int64, _ recent: RecentProfiles.Row?
    ) throws -> Profile? {
        if let recent {
            // A member of several has left memory: its row was put into `profile` when it was joined.
            return recent.account == account ? Profile(recent) : nil
        }
        let row = try Row.fetchOne(
            database,
            SQLRequest(
                sql: """
                    SELECT keyspace, key, created_at, state FROM profile
                    WHERE profile_id = ? AND account_id = ? AND state <> 2 AND NOT (state = 1 AND substr(key, 1, 1) = char(1))
                    """,
                arguments: [id, account], cached: true))
        return try row.map { row in
            if let profile = try MemberRows.profile(database, of: id) { return profile }
            return Profile(
                RecentProfiles.Row(
                    id: id, account: account, keyspace: try row.decode(atIndex: 0), key: try row.decode(atIndex: 1),
                    createdAt: try row.decode(atIndex: 2)),
                state: try row.decode(atIndex: 3))
        }
    }

    /// Those of them that are neither erased nor locked. The state of a member is that of its whole profile.
    /// - Parameter recent: those that were in memory before the snapshot; in the file they may have been closed since.
    static func open(
        _ database: Database, among ids: [ProfileID], account: Int64, _ recent: [Int64: RecentProfiles.Row]
    ) throws -> Set<ProfileID> {
        let statement = try PreparedStatement(
            cached: database.cachedStatement(
                sql: """
                    SELECT asked.value, profile.account_id = ?2 AND profile.state <> 2
                        AND coalesce(root.state, profile.state) = 0
                    FROM json_each(?1) AS asked JOIN profile ON profile.profile_id = asked.value
                    LEFT JOIN profile_member AS member ON member.profile_id = profile.profile_id
                    LEFT JOIN profile AS root ON root.profile_id = member.root_id
                    """))
        defer { statement.reset() }
        statement.bind(1, text: EventRows.json(ids.map(\.value)))
        statement.bind(2, account)
        var open = Set(recent.filter { $0.value.account == account }.keys)
        while try statement.nextRow() {
            if statement.int64(1) == 1 { open.insert(statement.int64(0)) } else { open.remove(statement.int64(0)) }
        }
        return Set(open.map { ProfileID($0) })
    }

    // MARK: Counting

    /// - Throws: ``Recent/MembersAreMissing``.
    static func counts(_ database: Database, _ tree: MemberTree, _ recent: Recent.Part) throws -> ProfileCounts {
        struct SectionVersion: Hashable {
            let section: Int64
            let version: EventVersion.ID
        }
        struct Tally {
            var events: Int64 = 0
            var newest = Int64.min

            mutating func add(_ time: Int64) {
                events += 1
                newest = max(newest, time)
            }
        }
        var counts: [SectionVersion: Tally] = [:]
        var lastEvent: Int64 = 0
        let timeline = try Timeline(database, recent: recent.entries(of: tree))
        for member in tree.members.keys {
            try timeline.forEach(TimelineRange(profile: member)) { entry in
                let place = SectionVersion(section: entry.section, version: entry.version)
                // Changed in place: one look-up for each event.
                counts[place, default: Tally()].add(entry.eventTime)
                lastEvent = max(lastEvent, entry.eventID)
            }
        }
        let lastSeenAt = try Int64.fetchOne(
            database, sql: "SELECT received_at FROM event WHERE event_id = ?", arguments: [lastEvent])
        return ProfileCounts(
            counts: counts.map { place, count in
                ProfileCounts.Count(
                    section: place.section, version: place.version, events: count.events,
                    newest: Timestamp(milliseconds: count.newest))
            }.sorted { ($0.section, $0.version) < ($1.section, $1.version) },
            lastSeenAt: lastSeenAt.map { Timestamp(milliseconds: $0) })
    }

    /// - Throws: ``Recent/MembersAreMissing``.
    static func days(
        _ database: Database, _ tree: MemberTree, _ filter: EventFilter, _ recent: Recent.Part
    ) throws -> [EventDay] {
        var counts: [Int64: Int64] = [:]
        let timeline = try Timeline(database, recent: recent.entries(of: tree))
        var range = EventRows.range(of: tree.root, filter, after: nil)
        // Neighbours are mostly from one day. They are counted together, with one look-up for all of them.
        var (day, count) = (Int64.min, Int64(0))
        for member in tree.members.keys {
            range.profile = member
            try timeline.forEach(range) { entry in
                let its = dayOf(entry.eventTime)
                if its != day {
                    if count > 0 { counts[day, default: 0] += count }
                    (day, count) = (its, 0)
                }
                count += 1
            }
        }
        if count > 0 { counts[day, default: 0] += count }
        return counts.sorted { $0.key < $1.key }.map { EventDay(day: $0.key, events: $0.value) }
    }

    /// Days since 1970-01-01, rounded down also before it.
    private static func dayOf(_ milliseconds: Int64) -> Int64 {
        let (day, rest) = milliseconds.quotientAndRemainder(dividingBy: 86_400_000)
        return rest < 0 ? day - 1 : day
    }

    static func usage(_ database: Database, account: Int64) throws -> [VersionUsage] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT version_id, events, last_received_at FROM version_usage WHERE account_id = ? ORDER BY version_id
                """,
            arguments: [account]
        ).map { row in
            VersionUsage(
                version: try row.decode(atIndex: 0), events: try row.decode(atIndex: 1),
                lastSeenAt: Timestamp(milliseconds: try row.decode(atIndex: 2)))
        }
    }

    /// The time of the last event stays as it is.
    static func subtractUsage(_ database: Database, _ counts: [EventVersion.ID: Int], account: Int64) throws {
        for (version, count) in counts {
            try database.execute(
                sql: "UPDATE version_usage SET events = max(events - ?, 0) WHERE account_id = ? AND version_id = ?",
                arguments: [count, account, version])
        }
    }

    // MARK: Searching

    /// The number of profiles between two looks at the clock.
    private static let stride = 1024

    private static let selectProfiles: StaticString =
        "SELECT keyspace, key, profile_id, created_at, state FROM profile WHERE account_id = ?1"

    /// A profile that is being moved is in both tables.
    private static let selectArrivals: StaticString = """
        SELECT keyspace, key, profile_id, created_at, 0 FROM profile_arrival AS arrival WHERE account_id = ?1
            AND NOT EXISTS (SELECT 1 FROM profile WHERE profile.profile_id = arrival.profile_id)
        """

    /// Looks at each profile: an index over keys would cost every new profile a page somewhere in the file. Ids are
    /// hashes, so a search that ends early has seen an even sample of all keys.
    static func search(_ database: Database, _ search: ProfileSearch) throws -> ProfileMatches {
        let prefixes = search.prefixes.mapValues { Array($0.utf8) }
        let end = ContinuousClock.now.advanced(by: search.timeMax)
        // By id: a profile of several members is found by each of its keys.
        var matches: [ProfileID: Profile] = [:]
        var isComplete = true
        var looked = 0
        for sql in [selectProfiles, selectArrivals] {
            let profiles = try PreparedStatement(database, sql)
            profiles.bind(1, search.account)
            while isComplete, !prefixes.isEmpty, try profiles.nextRow() {
                if looked.isMultiple(of: stride), ContinuousClock.now >= end {
                    isComplete = false
                    break
                }
                looked += 1
                let keyspace = profiles.int64(0)
                // A profile that was erased, and a member whose key was taken from it, have an empty key.
                guard let prefix = prefixes[keyspace],
                    profiles.withTextBytes(1, { !$0.isEmpty && !LockedKeys.isMark($0) && $0.starts(with: prefix) })
                else { continue }
                let profile = try profile(database, profiles, account: search.account)
                guard matches[profile.id] != nil || matches.count < search.limit else {
                    isComplete = false
                    break
                }
                matches[profile.id] = profile
            }
        }
        return ProfileMatches(profiles: sorted(matches.values, by: prefixes), isComplete: isComplete)
    }

    /// The whole profile of a row that was found.
    private static func profile(
        _ database: Database, _ row: PreparedStatement, account: Int64
    ) throws -> Profile {
        let id = row.int64(2)
        if let profile = try MemberRows.profile(database, of: id) { return profile }
        return Profile(
            RecentProfiles.Row(
                id: id, account: account, keyspace: row.int64(0), key: row.text(1), createdAt: row.int64(3)),
            state: row.int64(4))
    }

    /// By the bytes of the first key that was looked for, as SQLite compares; a key that two keyspaces have, by keyspace.
    private static func sorted(
        _ profiles: some Sequence<Profile>, by prefixes: [Int64: [UInt8]]
    ) -> [Profile] {
        func isBefore(_ left: Profile.Key, _ right: Profile.Key) -> Bool {
            guard left.text == right.text else { return left.text.utf8.lexicographicallyPrecedes(right.text.utf8) }
            return left.keyspace < right.keyspace
        }
        let found = profiles.compactMap { profile in
            profile.keys.filter { key in prefixes[key.keyspace].map { key.text.utf8.starts(with: $0) } ?? false }
                .min(by: isBefore).map { (key: $0, profile: profile) }
        }
        return found.sorted { isBefore($0.key, $1.key) }.map(\.profile)
    }
}

extension Profile {
    /// - Parameter state: as it is stored; what is in memory is open.
    init(_ row: RecentProfiles.Row, state: Int64 = ProfileState.open.rawValue) {
        self.init(
            id: ProfileID(row.id), key: Profile.Key(keyspace: row.keyspace, text: row.key),
            createdAt: Timestamp(milliseconds: row.createdAt), state: ProfileState(rawValue: state) ?? .locked)
    }
}

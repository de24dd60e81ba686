import GRDB
import OvationCore

/// What is read of profiles as a whole: who they are, and what their events amount to.
enum ProfileRows {
    static func find(_ database: Database, _ reference: ProfileReference) throws -> Profile? {
        let id: Int64
        let account: Int64
        switch reference {
        case .address(let address):
            guard let found = try EventRows.profile(database, address) else { return nil }
            (id, account) = (found, address.account)
        case .id(let given, let its):
            (id, account) = (given.value, its)
        }
        let row = try Row.fetchOne(
            database,
            sql: "SELECT keyspace, key, created_at FROM profile WHERE profile_id = ? AND account_id = ?",
            arguments: [id, account])
        return row.map { row in
            Profile(
                id: ProfileID(id), keys: [Profile.Key(keyspace: row[0], text: row[1])],
                createdAt: Timestamp(milliseconds: row[2]))
        }
    }

    // MARK: Counting

    // Both walk the covering index row by row. GROUP BY would sort every event first, in memory and ten times slower.

    static let selectCounts: StaticString =
        "SELECT section, version_id, event_time, event_id FROM event WHERE profile_id = ?1"

    static let selectDays: StaticString = """
        SELECT event_time, version_id FROM event
        WHERE profile_id = ?1 AND section = ?2 AND event_time BETWEEN ?3 AND ?4 ORDER BY event_time
        """

    static func counts(_ database: Database, _ profile: Int64) throws -> ProfileCounts {
        struct Place: Hashable {
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
        var counts: [Place: Tally] = [:]
        var lastEvent: Int64 = 0
        let events = try PreparedStatement(database, selectCounts)
        events.bind(1, profile)
        while try events.nextRow() {
            let place = Place(section: events.int64(0), version: events.int64(1))
            // Changed where it stands: one look-up for each event.
            counts[place, default: Tally()].add(events.int64(2))
            lastEvent = max(lastEvent, events.int64(3))
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

    static func days(_ database: Database, _ profile: Int64, _ filter: EventFilter) throws -> [EventDay] {
        let versions = filter.versions.map(Set.init)
        var days: [EventDay] = []
        var (day, count) = (Int64.min, Int64(0))
        let events = try PreparedStatement(database, selectDays)
        events.bind(1, profile)
        events.bind(2, filter.section)
        events.bind(3, filter.from?.milliseconds ?? Int64.min)
        events.bind(4, EventRows.newest(filter))
        while try events.nextRow() {
            if let versions, !versions.contains(events.int64(1)) { continue }
            let its = dayOf(events.int64(0))
            if its != day {
                if count > 0 { days.append(EventDay(day: day, events: count)) }
                (day, count) = (its, 0)
            }
            count += 1
        }
        if count > 0 { days.append(EventDay(day: day, events: count)) }
        return days
    }

    /// Days since 1970-01-01, downwards before it too.
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
        ).map { VersionUsage(version: $0[0], events: $0[1], lastSeenAt: Timestamp(milliseconds: $0[2])) }
    }

    /// When the last one was received stays: it was.
    static func subtractUsage(_ database: Database, _ counts: [EventVersion.ID: Int], account: Int64) throws {
        for (version, count) in counts {
            try database.execute(
                sql: "UPDATE version_usage SET events = max(events - ?, 0) WHERE account_id = ? AND version_id = ?",
                arguments: [count, account, version])
        }
    }

    // MARK: Searching

    /// How many profiles are looked at between two looks at the clock.
    private static let stride = 1024

    /// Looks at each profile: an index over keys would cost every new profile a page somewhere in the file. Ids are
    /// hashes, so a search that ends early has seen an even part of all keys.
    static func search(_ database: Database, _ search: ProfileSearch) throws -> ProfileMatches {
        let prefixes = search.prefixes.mapValues { Array($0.utf8) }
        let end = ContinuousClock.now.advanced(by: search.timeMax)
        var matches: [Profile] = []
        var isComplete = true
        var looked = 0
        let profiles = try PreparedStatement(
            database, "SELECT keyspace, key, profile_id, created_at FROM profile WHERE account_id = ?1")
        profiles.bind(1, search.account)
        while !prefixes.isEmpty, try profiles.nextRow() {
            if looked.isMultiple(of: stride), ContinuousClock.now >= end {
                isComplete = false
                break
            }
            looked += 1
            let keyspace = profiles.int64(0)
            guard let prefix = prefixes[keyspace], profiles.withTextBytes(1, { $0.starts(with: prefix) }) else {
                continue
            }
            guard matches.count < search.limit else {
                isComplete = false
                break
            }
            matches.append(
                Profile(
                    id: ProfileID(profiles.int64(2)),
                    keys: [Profile.Key(keyspace: keyspace, text: profiles.text(1))],
                    createdAt: Timestamp(milliseconds: profiles.int64(3))))
        }
        return ProfileMatches(profiles: matches.sorted(by: isBefore), isComplete: isComplete)
    }

    /// By the bytes of the key, as SQLite compares; a key that two keyspaces have, by keyspace.
    private static func isBefore(_ left: Profile, _ right: Profile) -> Bool {
        let (left, right) = (left.keys[0], right.keys[0])
        guard left.text == right.text else { return left.text.utf8.lexicographicallyPrecedes(right.text.utf8) }
        return left.keyspace < right.keyspace
    }
}

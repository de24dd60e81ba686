import OvationCore
import OvationRows

/// Reads profiles as a whole: their keys, and counts of their events.
enum ProfileRows {
    static func find(_ connection: PostgresConnection, _ address: ProfileAddress) throws -> Profile? {
        try EventRows.read(connection, of: address, { _, _ in [] }, \.profile) ?? findLocked(connection, address)
    }

    /// A profile that was locked for good: nothing is left of it but that. nil: the key is not locked.
    private static func findLocked(_ connection: PostgresConnection, _ address: ProfileAddress) throws -> Profile? {
        var (id, mark): (ProfileID, String?) = (address.foundingID, nil)
        while true {
            try connection.verifyIsOfNode([id.value])
            let rows = try connection.run(ReadSQL.lockedProfile) { $0.add(id.value) }
            guard rows.count == 1 else { return nil }
            if LockedKeys.isMark(rows.text(0, 0)) {
                if mark == nil {
                    let secret = try connection.run([Command(AccountSQL.serverSecret)])[0].bytes(0, 0)
                    mark = LockedKeys(serverSecret: secret).mark(of: address)
                }
                if rows.text(0, 0) == mark {
                    return Profile(id: id, key: nil, createdAt: rows.time(0, 1), state: .locked)
                }
            }
            id = id.afterCollision
        }
    }

    static func find(_ connection: PostgresConnection, id: Int64, account: Int64) throws -> Profile? {
        let results = try connection.run([
            Command(ReadSQL.profileByID) {
                $0.add(id)
                $0.add(account)
            }, MemberRows.find([id]),
        ])
        guard results[0].count == 1 else { return nil }
        if results[1].count > 0 {
            try connection.verifyIsOfNode(try MemberRows.trees(results[1]).flatMap(\.ids))
            if let profile = try MemberRows.profiles(connection, of: [id])[id] { return profile }
        }
        let row = results[0]
        return Profile(
            id: ProfileID(id), key: MemberRows.key(row.int64(0, 0), row.text(0, 1)), createdAt: row.time(0, 2),
            state: ProfileState(stored: row.int64(0, 3)))
    }

    /// Those of them that are neither erased nor locked. The state of a member is that of its whole profile.
    static func open(
        _ connection: PostgresConnection, among ids: [ProfileID], account: Int64
    ) throws -> Set<ProfileID> {
        let asked = ids.map(\.value)
        let roots = try MemberRows.trees(try connection.run([MemberRows.find(asked)])[0])
            .reduce(into: [Int64: Int64]()) { roots, tree in
                for member in tree.members.keys { roots[member] = tree.root }
            }
        let rows = try connection.run(ReadSQL.openProfiles) {
            $0.add(Set(asked + asked.compactMap { roots[$0] }).sorted())
            $0.add(account)
        }
        let open = Set((0..<rows.count).map { rows.int64($0, 0) })
        return Set(ids.filter { open.contains(roots[$0.value] ?? $0.value) })
    }

    // MARK: Counting

    static func counts(_ connection: PostgresConnection, of address: ProfileAddress) throws -> ProfileCounts? {
        func command(_ member: Int64) -> Command { Command(ReadSQL.counts) { $0.add(member) } }
        return try EventRows.read(connection, of: address, { member, _ in [command(member)] }) { found in
            var counts: [CountPlace: (events: Int64, newest: Timestamp)] = [:]
            var last: (event: Int64, member: Int64)?
            for (member, results) in zip(found.tree.ids, found.results) {
                let rows = results[0]
                for row in 0..<rows.count {
                    let place = CountPlace(section: rows.int64(row, 0), version: rows.int64(row, 1))
                    let count = counts[place] ?? (0, rows.time(row, 3))
                    counts[place] = (count.events + rows.int64(row, 2), max(count.newest, rows.time(row, 3)))
                    if last.map({ $0.event < rows.int64(row, 4) }) ?? true { last = (rows.int64(row, 4), member) }
                }
            }
            guard let last else { return ProfileCounts(counts: [], lastSeenAt: nil) }
            let seen = try connection.run(ReadSQL.receivedAt) {
                $0.add(address.account)
                $0.add(last.event)
                $0.add(last.member)
            }
            return ProfileCounts(
                counts: counts.sorted { $0.key < $1.key }.map {
                    ProfileCounts.Count(
                        section: $0.key.section, version: $0.key.version, events: $0.value.events,
                        newest: $0.value.newest)
                }, lastSeenAt: seen.count == 1 ? seen.time(0, 0) : nil)
        }
    }

    private struct CountPlace: Hashable, Comparable {
        let section: Int64
        let version: EventVersion.ID

        static func < (left: CountPlace, right: CountPlace) -> Bool {
            (left.section, left.version) < (right.section, right.version)
        }
    }

    static func days(_ connection: PostgresConnection, _ filter: EventFilter) throws -> [EventDay]? {
        func command(_ member: Int64) -> Command {
            Command(ReadSQL.days) {
                $0.add(member)
                $0.add(filter.section)
                $0.add(filter.from?.milliseconds ?? .min)
                $0.add(EventRows.newest(filter))
                $0.add(orNull: filter.versions)
            }
        }
        return try EventRows.read(connection, of: filter.profile, { member, _ in [command(member)] }) { found in
            var days: [Int64: Int64] = [:]
            for rows in found.results.map({ $0[0] }) {
                for row in 0..<rows.count { days[rows.int64(row, 0), default: 0] += rows.int64(row, 1) }
            }
            return days.sorted { $0.key < $1.key }.map { EventDay(day: $0.key, events: $0.value) }
        }
    }

    static func usage(_ connection: PostgresConnection, account: Int64) throws -> [VersionUsage] {
        var arguments = Arguments()
        arguments.add(account)
        var usage: [EventVersion.ID: (events: Int64, last: Timestamp)] = [:]
        for rows in try connection.run([Command(ReadSQL.usage, arguments), Command(NodeSQL.usage, arguments)]) {
            for row in 0..<rows.count {
                let before = usage[rows.int64(row, 0)]
                let last = rows.time(row, 2)
                usage[rows.int64(row, 0)] = (
                    (before?.events ?? 0) + rows.int64(row, 1), before.map { max($0.last, last) } ?? last
                )
            }
        }
        return usage.sorted { $0.key < $1.key }.map {
            VersionUsage(version: $0.key, events: max($0.value.events, 0), lastSeenAt: $0.value.last)
        }
    }

    // MARK: Searching

    static func search(_ connection: PostgresConnection, _ search: ProfileSearch) throws -> ProfileMatches {
        let end = ContinuousClock.now.advanced(by: search.timeMax)
        var matches: [Profile] = []
        var isComplete = true
        for (keyspace, prefix) in search.prefixes.sorted(by: { $0.key < $1.key }) {
            let left = Int((end - ContinuousClock.now) / .milliseconds(1))
            guard left > 0, let found = try range(connection, search, keyspace, prefix, milliseconds: left) else {
                isComplete = false
                break
            }
            matches += found
        }
        matches.sort(by: isBefore)
        if matches.count > search.limit {
            isComplete = false
            matches.removeLast(matches.count - search.limit)
        }
        return ProfileMatches(profiles: try whole(connection, matches), isComplete: isComplete)
    }

    /// Each profile once, where the first of its keys was found.
    private static func whole(_ connection: PostgresConnection, _ matches: [Profile]) throws -> [Profile] {
        guard !matches.isEmpty else { return [] }
        let profiles = try MemberRows.profiles(connection, of: matches.map(\.id.value))
        var seen: Set<Int64> = []
        return matches.map { profiles[$0.id.value] ?? $0 }.filter { seen.insert($0.id.value).inserted }
    }

    /// One more than the limit. nil: the time was over.
    private static func range(
        _ connection: PostgresConnection, _ search: ProfileSearch, _ keyspace: Int64, _ prefix: String,
        milliseconds: Int
    ) throws -> [Profile]? {
        do throws(PostgresFailure) {
            let end = prefix.firstNotBeginningSo
            // A separate transaction, so that the limit of time is for this search only.
            let rows = try connection.run([
                Command(ReadSQL.searchTimeout) { $0.add(String(milliseconds)) },
                Command(end == nil ? ReadSQL.searchToEnd : ReadSQL.search) {
                    $0.add(search.account)
                    $0.add(keyspace)
                    $0.add(prefix)
                    $0.add(Int64(search.limit) + 1)
                    if let end { $0.add(end) }
                },
            ])[1]
            return (0..<rows.count).filter { !LockedKeys.isMark(rows.text($0, 1)) }.map { row in
                Profile(
                    id: ProfileID(rows.int64(row, 0)), key: Profile.Key(keyspace: keyspace, text: rows.text(row, 1)),
                    createdAt: rows.time(row, 2), state: ProfileState(stored: rows.int64(row, 3)))
            }
        } catch {
            guard error.state == "57014" else { throw error }
            return nil
        }
    }

    /// By the bytes of the key; a key that two keyspaces have, by keyspace.
    private static func isBefore(_ left: Profile, _ right: Profile) -> Bool {
        let (left, right) = (left.keys[0], right.keys[0])
        guard left.text == right.text else { return left.text.utf8.lexicographicallyPrecedes(right.text.utf8) }
        return left.keyspace < right.keyspace
    }
}

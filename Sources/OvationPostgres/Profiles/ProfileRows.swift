import OvationCore

/// Reads profiles as a whole: their keys, and counts of their events.
enum ProfileRows {
    static func find(_ connection: PostgresConnection, _ address: ProfileAddress) throws -> Profile? {
        try read(connection, of: address, { _ in [] }) { profile, _ in profile }
    }

    /// With its rows, as ``EventRows/read(_:of:_:_:)`` asks for them. nil: there is no such profile.
    static func read<Value>(
        _ connection: PostgresConnection, of address: ProfileAddress, _ commands: (_ profile: Int64) -> [Command],
        _ read: (Profile, [PostgresResult]) throws -> Value
    ) throws -> Value? {
        try EventRows.read(connection, of: address, commands) { id, found, results in
            try read(
                profile(
                    id, keyspace: address.keyspace, key: address.key.text, found.time(0, 1), found.int64(0, 2)),
                results)
        }
    }

    static func find(_ connection: PostgresConnection, id: Int64, account: Int64) throws -> Profile? {
        let row = try connection.run(ReadSQL.profileByID) {
            $0.add(id)
            $0.add(account)
        }
        guard row.count == 1 else { return nil }
        return profile(id, keyspace: row.int64(0, 0), key: row.text(0, 1), row.time(0, 2), row.int64(0, 3))
    }

    private static func profile(
        _ id: Int64, keyspace: Int64, key: String, _ createdAt: Timestamp, _ state: Int64
    ) -> Profile {
        Profile(
            id: ProfileID(id), key: Profile.Key(keyspace: keyspace, text: key), createdAt: createdAt,
            state: ProfileState(stored: state))
    }

    // MARK: Counting

    static func counts(_ connection: PostgresConnection, of address: ProfileAddress) throws -> ProfileCounts? {
        func command(_ profile: Int64) -> Command { Command(ReadSQL.counts) { $0.add(profile) } }
        return try EventRows.read(connection, of: address, { [command($0)] }) { profile, results in
            let rows = results[0]
            let counts = (0..<rows.count).map { row in
                ProfileCounts.Count(
                    section: rows.int64(row, 0), version: rows.int64(row, 1), events: rows.int64(row, 2),
                    newest: rows.time(row, 3))
            }
            guard let last = (0..<rows.count).map({ rows.int64($0, 4) }).max() else {
                return ProfileCounts(counts: [], lastSeenAt: nil)
            }
            let seen = try connection.run(ReadSQL.receivedAt) {
                $0.add(address.account)
                $0.add(last)
                $0.add(profile)
            }
            return ProfileCounts(counts: counts, lastSeenAt: seen.count == 1 ? seen.time(0, 0) : nil)
        }
    }

    static func days(_ connection: PostgresConnection, _ filter: EventFilter) throws -> [EventDay]? {
        func command(_ profile: Int64) -> Command {
            Command(ReadSQL.days) {
                $0.add(profile)
                $0.add(filter.section)
                $0.add(filter.from?.milliseconds ?? .min)
                $0.add(EventRows.newest(filter))
                $0.add(orNull: filter.versions)
            }
        }
        return try EventRows.read(connection, of: filter.profile, { [command($0)] }) { _, results in
            (0..<results[0].count).map { EventDay(day: results[0].int64($0, 0), events: results[0].int64($0, 1)) }
        }
    }

    static func usage(_ connection: PostgresConnection, account: Int64) throws -> [VersionUsage] {
        let rows = try connection.run(ReadSQL.usage) { $0.add(account) }
        return (0..<rows.count).map { row in
            VersionUsage(
                version: rows.int64(row, 0), events: max(rows.int64(row, 1), 0), lastSeenAt: rows.time(row, 2))
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
        return ProfileMatches(profiles: matches, isComplete: isComplete)
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
            return (0..<rows.count).map { row in
                profile(
                    rows.int64(row, 0), keyspace: keyspace, key: rows.text(row, 1), rows.time(row, 2),
                    rows.int64(row, 3))
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

extension String {
    /// In the order of code points, which is the order of UTF-8: the first text after all texts that begin with this
    /// one. nil: there is none.
    var firstNotBeginningSo: String? {
        var scalars = Array(unicodeScalars)
        while let last = scalars.popLast() {
            // Surrogates are not characters.
            let next = last.value == 0xD7FF ? 0xE000 : last.value + 1
            guard let scalar = Unicode.Scalar(next) else { continue }
            var text = String.UnicodeScalarView()
            text.append(contentsOf: scalars)
            text.append(scalar)
            return String(text)
        }
        return nil
    }
}

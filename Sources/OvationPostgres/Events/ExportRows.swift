import OvationCore

/// Events in the order of their arrival, a page at a time, so that no transaction stays open for a slow reader.
enum ExportRows {
    /// Ids that one page looks at, if few of the events match.
    static let idsLookedAtMax: Int64 = 1 << 20

    /// - Parameter isSpread: whether Citus spreads the tables.
    static func page(_ connection: PostgresConnection, _ range: ExportRange, isSpread: Bool) throws -> ExportPage {
        let newest = try newest(connection, range, isSpread: isSpread, ReadSQL.newestEvent)
        let last = min(range.through ?? newest, newest)
        guard range.after < last else {
            return ExportPage(rows: [], profiles: [], keys: [], data: [], next: nil, newest: newest)
        }
        // After a gap without events, the page begins at the next event.
        let first = try connection.run(ReadSQL.nextEvent) {
            $0.add(range.account)
            $0.add(range.after)
        }
        guard let start = first.int64OrNil(0, 0), start <= last else {
            return ExportPage(rows: [], profiles: [], keys: [], data: [], next: nil, newest: newest)
        }
        let end = start > last - idsLookedAtMax ? last : start + idsLookedAtMax
        func filter(through end: Int64) -> Arguments {
            var arguments = Arguments()
            arguments.add(range.account)
            arguments.add(start - 1)
            arguments.add(end)
            arguments.add(range.section)
            arguments.add(range.from?.milliseconds ?? .min)
            arguments.add(EventRows.newest(before: range.to))
            arguments.add(orNull: range.versions.map { Array($0) })
            return arguments
        }
        var narrowed = filter(through: end)
        // One more event tells whether there is a next page.
        narrowed.add(Int64(range.limit) + 1)
        let sizes = try connection.run([Command(ReadSQL.exportSizes, narrowed)])[0]
        let count = fitting(sizes, range)
        guard count > 0 else {
            return ExportPage(
                rows: [], profiles: [], keys: [], data: [], next: end < last ? end : nil, newest: newest)
        }
        let rows = try connection.run([Command(ReadSQL.export, filter(through: sizes.int64(count - 1, 0)))])[0]
        let next = count < sizes.count ? sizes.int64(count - 1, 0) : end < last ? end : nil
        return try page(connection, rows, next: next, newest: newest)
    }

    /// The number of rows that fit into a page; at least one.
    static func fitting(_ sizes: PostgresResult, _ range: ExportRange) -> Int {
        var (count, bytes): (Int, Int64) = (0, 0)
        while count < min(sizes.count, range.limit), count == 0 || bytes < range.bytesMax {
            bytes += sizes.int64(count, 1)
            count += 1
        }
        return count
    }

    /// The newest event that certainly has no uncommitted event before it.
    ///
    /// Several writers draw ids and commit independently. A page up to the highest visible id would leave out for good
    /// an event with an earlier id that is committed later. So the first page waits for the transactions that have
    /// drawn ids; the later pages end at the event that the first one found. On Citus a node that was lost within a
    /// commit may still have to finish it.
    /// - Parameter statement: finds the newest one up to an id.
    static func newest(
        _ connection: PostgresConnection, _ range: ExportRange, isSpread: Bool, _ statement: Statement
    ) throws -> Int64 {
        if let through = range.through { return through }
        let drawn = try connection.run([
            Command(Locks.awaitOrderBriefly), Command(Locks.awaitOrder), Command(ReadSQL.lastDrawn),
        ])[2].int64(0, 0)
        if isSpread {
            // What was prepared and is decided holds locks of nodes until it is finished.
            _ = try connection.run(CitusSQL.settle)
            // Lanes that write to nodes by themselves hold the lock there, and have drawn their numbers behind it.
            try NodeSQL.awaitOrders(connection)
        }
        guard drawn > 0 else { return 0 }
        let newest = try connection.run(statement) {
            $0.add(range.account)
            $0.add(drawn + Schema.eventBlock - 1)
        }
        return newest.int64OrNil(0, 0) ?? 0
    }

    private static func page(
        _ connection: PostgresConnection, _ found: PostgresResult, next: Int64?, newest: Int64
    ) throws -> ExportPage {
        let profiles = try Profiles(connection, ids: Set((0..<found.count).map { found.int64($0, 1) }).sorted())
        var data: [UInt8] = []
        var rows: [ExportPage.Row] = []
        rows.reserveCapacity(found.count)
        for row in 0..<found.count {
            guard let profile = profiles.indexes[found.int64(row, 1)] else { continue }
            found.withBytes(row, 5) { data.append(contentsOf: $0) }
            rows.append(
                ExportPage.Row(
                    id: found.int64(row, 0), eventTime: found.time(row, 2), receivedAt: found.time(row, 3),
                    version: found.int64(row, 4), profile: profile, dataEnd: data.count))
        }
        return ExportPage(
            rows: rows, profiles: profiles.list, keys: profiles.keys, data: data, next: next, newest: newest)
    }

    /// A key that leads to each profile; without those that are not there any more.
    static func keys(_ connection: PostgresConnection, _ ids: Set<Int64>) throws -> [Int64: Profile.Key] {
        let found = try Profiles(connection, ids: ids.sorted())
        return found.indexes.mapValues { index in
            let profile = found.list[index]
            return Profile.Key(
                keyspace: profile.keyspace, text: String(decoding: found.keys[profile.key], as: UTF8.self))
        }
    }

    /// The profiles of a page, each looked up once.
    private struct Profiles {
        var indexes: [Int64: Int] = [:]
        var list: [ExportPage.Profile] = []
        var keys: [UInt8] = []

        init(_ connection: PostgresConnection, ids: [Int64]) throws {
            guard !ids.isEmpty else { return }
            let rows = try connection.run(ReadSQL.profileKeys) { $0.add(ids) }
            var without: [Int64] = []
            for row in 0..<rows.count {
                if let key = MemberRows.key(rows.int64(row, 1), rows.text(row, 2)) {
                    add(key, of: rows.int64(row, 0))
                } else {
                    without.append(rows.int64(row, 0))
                }
            }
            guard !without.isEmpty else { return }
            // The key was taken from the member: its events are known by the first key that the profile has.
            let profiles = try MemberRows.profiles(connection, of: without)
            for id in without { if let key = profiles[id]?.keys.first { add(key, of: id) } }
        }

        private mutating func add(_ key: Profile.Key, of id: Int64) {
            let start = keys.count
            keys.append(contentsOf: key.text.utf8)
            indexes[id] = list.count
            list.append(ExportPage.Profile(keyspace: key.keyspace, key: start..<keys.count))
        }
    }
}

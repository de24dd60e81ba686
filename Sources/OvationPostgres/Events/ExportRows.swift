import OvationCore

/// Events in the order of their arrival, a page at a time, so that no transaction stays open while somebody reads
/// slowly.
enum ExportRows {
    /// Ids that one page looks at, in case that few of the events are wanted.
    static let idsLookedAtMax: Int64 = 1 << 20

    /// - Parameter isSpread: whether Citus spreads the tables.
    static func page(_ connection: PostgresConnection, _ range: ExportRange, isSpread: Bool) throws -> ExportPage {
        let newest = try newest(connection, range, isSpread: isSpread)
        let last = min(range.through ?? newest, newest)
        guard range.after < last else {
            return ExportPage(rows: [], profiles: [], keys: [], data: [], next: nil, newest: newest)
        }
        // Where nothing came for long, the page begins at what came next.
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
        // One more tells whether it goes on.
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

    /// How many of the events fit into a page; one at least.
    private static func fitting(_ sizes: PostgresResult, _ range: ExportRange) -> Int {
        var (count, bytes): (Int, Int64) = (0, 0)
        while count < min(sizes.count, range.limit), count == 0 || bytes < range.bytesMax {
            bytes += sizes.int64(count, 1)
            count += 1
        }
        return count
    }

    /// The newest event of which it is certain that none before it is still to come.
    ///
    /// Several writers draw ids and commit in their own time. A page up to the highest id that it sees would leave out for
    /// good what was drawn before and is committed after. So the first page waits for those that have drawn ids; the
    /// ones after it are bounded by what the first one found. On Citus a node that went away within a commit may still have
    /// to end it.
    private static func newest(
        _ connection: PostgresConnection, _ range: ExportRange, isSpread: Bool
    ) throws -> Int64 {
        if let through = range.through { return through }
        let drawn = try connection.run([
            Command(Locks.awaitOrderBriefly), Command(Locks.awaitOrder), Command(ReadSQL.lastDrawn),
        ])[2].int64(0, 0)
        if isSpread { _ = try connection.run(CitusSQL.settle) }
        guard drawn > 0 else { return 0 }
        let newest = try connection.run(ReadSQL.newestEvent) {
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

    /// Those of a page, each looked up once.
    private struct Profiles {
        var indexes: [Int64: Int] = [:]
        var list: [ExportPage.Profile] = []
        var keys: [UInt8] = []

        init(_ connection: PostgresConnection, ids: [Int64]) throws {
            guard !ids.isEmpty else { return }
            let rows = try connection.run(ReadSQL.profileKeys) { $0.add(ids) }
            for row in 0..<rows.count {
                let start = keys.count
                rows.withBytes(row, 2) { keys.append(contentsOf: $0) }
                indexes[rows.int64(row, 0)] = list.count
                list.append(ExportPage.Profile(keyspace: rows.int64(row, 1), key: start..<keys.count))
            }
        }
    }
}

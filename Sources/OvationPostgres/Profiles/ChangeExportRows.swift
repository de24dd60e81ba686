import OvationCore
import OvationRows

/// Changes of profiles in the order in which they were made, a page at a time.
enum ChangeExportRows {
    /// - Parameter isSpread: whether Citus spreads the tables.
    static func page(
        _ connection: PostgresConnection, _ range: ExportRange, isSpread: Bool
    ) throws -> ChangeExportPage {
        let newest = try ExportRows.newest(connection, range, isSpread: isSpread, ReadSQL.newestChange)
        let last = min(range.through ?? newest, newest)
        let nothing = ChangeExportPage(rows: [], next: nil, newest: newest)
        guard range.after < last else { return nothing }
        // After a gap without changes, the page begins at the next one.
        let first = try connection.run(ReadSQL.nextChange) {
            $0.add(range.account)
            $0.add(range.after)
        }
        guard let start = first.int64OrNil(0, 0), start <= last else { return nothing }
        let end = start > last - ExportRows.idsLookedAtMax ? last : start + ExportRows.idsLookedAtMax
        func filter(through end: Int64) -> Arguments {
            var arguments = Arguments()
            arguments.add(range.account)
            arguments.add(start - 1)
            arguments.add(end)
            arguments.add(range.section)
            arguments.add(range.from?.milliseconds ?? .min)
            arguments.add(EventRows.newest(before: range.to))
            return arguments
        }
        var narrowed = filter(through: end)
        // One more change tells whether there is a next page.
        narrowed.add(Int64(range.limit) + 1)
        let sizes = try connection.run([Command(ReadSQL.exportChangeSizes, narrowed)])[0]
        let count = ExportRows.fitting(sizes, range)
        let rest = end < last ? end : nil
        guard count > 0 else { return ChangeExportPage(rows: [], next: rest, newest: newest) }
        let through = sizes.int64(count - 1, 0)
        let found = try connection.run([Command(ReadSQL.exportChanges, filter(through: through))])[0]
        return ChangeExportPage(
            rows: try rows(connection, found), next: count < sizes.count ? through : rest,
            newest: newest)
    }

    private static func rows(
        _ connection: PostgresConnection, _ found: PostgresResult
    ) throws -> [ChangeExportPage.Row] {
        let all = try (0..<found.count).map { try edits(found, $0, 5, of: found.int64($0, 0)) }
        var earlier: [Int64: PackedEdits] = [:]
        let positions = Set(all.flatMap { $0.edits.compactMap(\.previous) })
        if !positions.isEmpty {
            let rows = try connection.run(DataSQL.edits) { $0.add(positions.sorted()) }
            for row in 0..<rows.count {
                earlier[rows.int64(row, 0)] = try edits(rows, row, 1, of: rows.int64(row, 0))
            }
        }
        // The keys come last: a profile whose changes were removed meanwhile has none by then.
        let keys = try ExportRows.keys(connection, Set((0..<found.count).map { found.int64($0, 1) }))
        return try (0..<found.count).compactMap { row -> ChangeExportPage.Row? in
            guard let key = keys[found.int64(row, 1)], !Suppression.isKeyspace(key.keyspace) else { return nil }
            let position = found.int64(row, 0)
            guard let kind = ProfileChange.Kind(rawValue: found.text(row, 2)) else { throw damage(position) }
            let own = try all[row].edits.map { edit in
                if let previous = edit.previous, earlier[previous] == nil { throw damage(previous) }
                return StoredProfileChange.Edit(
                    field: edit.field, from: edit.previous.flatMap { earlier[$0]?[edit.field]?.value }, to: edit.value)
            }
            return ChangeExportPage.Row(
                change: StoredProfileChange(
                    position: position, kind: kind, section: found.int64(row, 6), at: found.time(row, 3),
                    actor: found.text(row, 4), edits: own), key: key)
        }
    }

    private static func edits(
        _ rows: PostgresResult, _ row: Int, _ column: Int, of position: Int64
    ) throws -> PackedEdits {
        guard let edits = rows.withBytes(row, column, { PackedEdits(bytes: $0) }) else { throw damage(position) }
        return edits
    }

    private static func damage(_ position: Int64) -> StoreFailure {
        StoreFailure(.damaged, "change \(position) of a profile cannot be read")
    }
}

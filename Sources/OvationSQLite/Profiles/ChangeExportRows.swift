import GRDB
import OvationCore
import OvationRows

/// Changes of profiles in the order in which they were made, a page at a time.
enum ChangeExportRows {
    // The columns of the filters come first: a row that does not match is not read to its end.
    private static let selectChanges: StaticString = """
        SELECT position, section, at, profile_id, kind, client_id, edits
        FROM profile_change JOIN actor ON actor_id = actor
        WHERE position > ?1 AND position <= ?2 ORDER BY position
        """

    /// A row before its profile is known.
    private struct Found {
        let position: Int64
        let section: Int64
        let at: Int64
        let profile: Int64
        let kind: ProfileChange.Kind
        let actor: String
        let edits: PackedEdits
    }

    /// - Parameter recent: from before the snapshot of this database began.
    static func page(
        _ database: Database, _ range: ExportRange, _ recent: RecentProfiles.Rows
    ) throws -> ChangeExportPage {
        let newest = try Int64.fetchOne(database, sql: "SELECT max(position) FROM profile_change") ?? 0
        let (found, next) = try changes(database, range, through: min(range.through ?? newest, newest))
        let keys = try ExportRows.keys(database, Set(found.map(\.profile)), of: range.account, recent)
        let before = try PreparedStatement(database, "SELECT edits FROM profile_change WHERE position = ?1")
        var rows: [ChangeExportPage.Row] = []
        for change in found {
            guard let key = keys[change.profile], !Suppression.isKeyspace(key.keyspace) else { continue }
            rows.append(ChangeExportPage.Row(change: try stored(change, before), key: key))
        }
        return ChangeExportPage(rows: rows, next: next, newest: newest)
    }

    private static func changes(
        _ database: Database, _ range: ExportRange, through: Int64
    ) throws -> ([Found], next: Int64?) {
        let oldest = range.from?.milliseconds ?? .min
        let end = range.to?.milliseconds ?? .max
        var (found, lookedAt, bytes, last) = ([Found](), 0, 0, range.after)
        let changes = try PreparedStatement(database, selectChanges)
        changes.bind(1, range.after)
        changes.bind(2, through)
        while try changes.nextRow() {
            guard lookedAt < ExportRows.lookedAtMax, found.count < range.limit,
                found.isEmpty || bytes < range.bytesMax
            else { return (found, last) }
            lookedAt += 1
            last = changes.int64(0)
            guard !changes.isNull(1) else { continue }
            let section = changes.int64(1)
            guard section == range.section || section == 0 else { continue }
            let at = changes.int64(2)
            guard at >= oldest, range.to == nil || at < end else { continue }
            guard let kind = ProfileChange.Kind(rawValue: changes.text(4)) else {
                throw StoreFailure.missing(change: last)
            }
            bytes += changes.withBytes(6) { $0.count }
            found.append(
                Found(
                    position: last, section: section, at: at, profile: changes.int64(3), kind: kind,
                    actor: changes.text(5),
                    edits: try changes.packedEdits(6, at: last)))
        }
        return (found, nil)
    }

    private static func stored(
        _ change: Found, _ before: PreparedStatement
    ) throws -> StoredProfileChange {
        var earlier: [Int64: PackedEdits] = [:]
        for position in Set(change.edits.edits.compactMap(\.previous)) {
            before.bind(1, position)
            defer { before.reset() }
            guard try before.nextRow() else { throw StoreFailure.missing(change: position) }
            earlier[position] = try before.packedEdits(0, at: position)
        }
        return StoredProfileChange(
            position: change.position, kind: change.kind, section: change.section,
            at: Timestamp(milliseconds: change.at),
            actor: change.actor,
            edits: change.edits.edits.map { edit in
                StoredProfileChange.Edit(
                    field: edit.field, from: edit.previous.flatMap { earlier[$0]?[edit.field]?.value }, to: edit.value)
            })
    }
}

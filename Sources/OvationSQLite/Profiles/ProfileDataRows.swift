import GRDB
import OvationCore
import OvationRows

/// Reads what profiles hold, and what was changed of them. Changes are found from the indexes, and from each change those
/// before it, by their positions.
enum ProfileDataRows {
    static func data(
        _ database: Database, of address: ProfileAddress, in sections: [Int64]?, _ recent: Recent.Part
    ) throws -> ProfileData? {
        guard let profile = try ProfileRows.find(database, address, recent) else { return nil }
        let changes = try Changes(database, of: profile.id.value)
        let held = try indexes(database, of: profile.id.value, in: sections).map { section, index in
            let entries = index.entries.filter { !$0.isCleared }
            let found = try changes.changes(at: entries.map(\.position))
            let fields = try entries.map { entry in
                guard let change = found[entry.position], let value = change.edits[entry.field]?.value else {
                    throw StoreFailure.missing(change: entry.position)
                }
                return HeldField(
                    field: entry.field, value: value, setAt: change.at, actor: change.actor, position: entry.position)
            }
            return ProfileData.Section(
                section: section,
                fields: fields.sorted {
                    ($0.field.kind.rawValue, $0.field.number) < ($1.field.kind.rawValue, $1.field.number)
                })
        }
        return ProfileData(profile: profile, sections: held.filter { !$0.fields.isEmpty })
    }

    static func changes(
        _ database: Database, _ profile: Int64, _ filter: ProfileChangeFilter
    ) throws -> ProfileChangePage {
        let changes = try Changes(database, of: profile)
        let life = try indexes(database, of: profile, in: [0])
        let all = try indexes(database, of: profile, in: filter.sections) + life
        var trail = ChangeTrail(all.map(\.index))
        var page: [StoredProfileChange] = []
        while let position = trail.next() {
            let isOfPage = filter.before.map { position < $0 } ?? true
            if isOfPage, page.count == filter.limit {
                return ProfileChangePage(changes: page, next: page.last?.position)
            }
            // Those of the pages before are read too: they lead to the others.
            let change = try changes.change(at: position)
            trail.follow(change.edits)
            if isOfPage { page.append(try changes.stored(change)) }
        }
        return ProfileChangePage(changes: page, next: nil)
    }

    /// Ordered by section; nil means all but the one for the profile as a whole.
    private static func indexes(
        _ database: Database, of profile: Int64, in sections: [Int64]?
    ) throws -> [(section: Int64, index: FieldIndex)] {
        let statement = try PreparedStatement(
            cached: database.cachedStatement(sql: sections == nil ? selectAll : selectSome))
        statement.bind(1, profile)
        if let sections { statement.bind(2, text: EventRows.json(sections)) }
        defer { statement.reset() }
        var indexes: [(section: Int64, index: FieldIndex)] = []
        while try statement.nextRow() { indexes.append((statement.int64(0), try statement.fieldIndex(1))) }
        return indexes
    }

    private static let selectAll =
        "SELECT section, fields FROM profile_data WHERE profile_id = ?1 AND section > 0 ORDER BY section"

    private static let selectSome = """
        SELECT section, fields FROM profile_data
        WHERE profile_id = ?1 AND section IN (SELECT value FROM json_each(?2)) ORDER BY section
        """

    /// A row of `profile_change`.
    private struct Change {
        let position: Int64
        let kind: ProfileChange.Kind
        let section: Int64?
        let at: Timestamp
        let actor: String
        let edits: PackedEdits
    }

    /// The changes of one profile, by position.
    private struct Changes {
        private let profile: Int64
        private let select: PreparedStatement

        init(_ database: Database, of profile: Int64) throws {
            self.profile = profile
            select = try PreparedStatement(
                cached: database.cachedStatement(
                    sql: """
                        SELECT kind, section, at, client_id, edits, profile_id
                        FROM profile_change JOIN actor ON actor_id = actor WHERE position = ?1
                        """))
        }

        func change(at position: Int64) throws -> Change {
            select.bind(1, position)
            defer { select.reset() }
            guard try select.nextRow(), select.int64(5) == profile,
                let kind = ProfileChange.Kind(rawValue: select.text(0))
            else { throw StoreFailure.missing(change: position) }
            return Change(
                position: position, kind: kind, section: select.isNull(1) ? nil : select.int64(1),
                at: Timestamp(milliseconds: select.int64(2)), actor: select.text(3),
                edits: try select.packedEdits(4, at: position))
        }

        /// Each once, however many fields lead to it.
        func changes(at positions: [Int64]) throws -> [Int64: Change] {
            try Set(positions).reduce(into: [:]) { $0[$1] = try change(at: $1) }
        }

        /// With what was there before, from the changes before.
        func stored(_ change: Change) throws -> StoredProfileChange {
            let before = try changes(at: change.edits.edits.compactMap(\.previous))
            let edits = try change.edits.edits.filter { $0.field != .life }.map { edit in
                var from: ProfileValue?
                if let previous = edit.previous {
                    guard let former = before[previous]?.edits[edit.field] else {
                        throw StoreFailure.missing(change: previous)
                    }
                    from = former.value
                }
                return StoredProfileChange.Edit(field: edit.field, from: from, to: edit.value)
            }
            return StoredProfileChange(
                position: change.position, kind: change.kind, section: change.section, at: change.at,
                actor: change.actor, edits: edits)
        }
    }
}

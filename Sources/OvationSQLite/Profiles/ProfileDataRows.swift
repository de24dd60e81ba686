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
        return try data(database, of: profile, in: sections)
    }

    /// - Parameter takes: the fields that are read, with their section.
    static func data(
        _ database: Database, of profile: Profile, in sections: [Int64]?,
        where takes: (ProfileField, _ section: Int64) -> Bool = { _, _ in true }
    ) throws -> ProfileData {
        let tree = try MemberTree(of: profile)
        let changes = try Changes(database)
        let held = try indexes(database, of: tree, in: sections).map { section, indexes in
            let entries = MergedIndex(tree, indexes).entries.filter {
                !$0.entry.isCleared && $0.entry.field != .life && takes($0.entry.field, section)
            }
            let found = try changes.changes(at: entries.map { Place(member: $0.member, position: $0.entry.position) })
            let fields = try entries.map { held in
                let (field, position) = (held.entry.field, held.entry.position)
                guard let change = found[position], let value = change.edits[field]?.value else {
                    throw StoreFailure.missing(change: position)
                }
                return HeldField(
                    field: field, value: value, setAt: change.at, actor: change.actor, position: position)
            }
            return ProfileData.Section(
                section: section,
                fields: fields.sorted {
                    ($0.field.kind.rawValue, $0.field.number) < ($1.field.kind.rawValue, $1.field.number)
                })
        }
        return ProfileData(profile: profile, sections: held.filter { !$0.fields.isEmpty })
    }

    /// Of all members together, each with what the profile had before.
    static func changes(
        _ database: Database, _ tree: MemberTree, _ filter: ProfileChangeFilter
    ) throws -> ProfileChangePage {
        let changes = try Changes(database)
        let all = try indexes(database, of: tree, in: filter.sections) + indexes(database, of: tree, in: [0])
        var trail = ChangeTrail(all.flatMap(\.indexes.values), kinds: filter.kinds)
        var former = FormerEntries(tree, all)
        var page: [StoredProfileChange] = []
        while let position = trail.next() {
            // Those of the pages before are read too: they lead to the others.
            let change = try changes.change(at: position, of: tree)
            if filter.ends(at: change.at) { break }
            trail.follow(change.edits)
            defer { former.pass(change.edits, section: change.section, member: change.member) }
            guard filter.takes(position, at: change.at) else { continue }
            if page.count == filter.limit { return ProfileChangePage(changes: page, next: page.last?.position) }
            let before = former.before(
                change.edits, at: position, section: change.section, member: change.member
            ).filter { trail.leads($0.key) }
            page.append(try changes.stored(change, before, where: trail.leads))
        }
        return ProfileChangePage(changes: page, next: nil)
    }

    /// Ordered by section, with the index of each member that has one; nil means all but the one for the profile as a
    /// whole.
    private static func indexes(
        _ database: Database, of tree: MemberTree, in sections: [Int64]?
    ) throws -> [(section: Int64, indexes: [Int64: FieldIndex])] {
        let statement = try PreparedStatement(
            cached: database.cachedStatement(sql: sections == nil ? selectAll : selectSome))
        if let sections { statement.bind(2, text: EventRows.json(sections)) }
        defer { statement.reset() }
        var indexes: [Int64: [Int64: FieldIndex]] = [:]
        for member in tree.members.keys {
            statement.bind(1, member)
            while try statement.nextRow() {
                indexes[statement.int64(0), default: [:]][member] = try statement.fieldIndex(1)
            }
            statement.reset()
        }
        return indexes.sorted { $0.key < $1.key }.map { (section: $0.key, indexes: $0.value) }
    }

    private static let selectAll =
        "SELECT section, fields FROM profile_data WHERE profile_id = ?1 AND section > 0"

    private static let selectSome = """
        SELECT section, fields FROM profile_data
        WHERE profile_id = ?1 AND section IN (SELECT value FROM json_each(?2))
        """

    /// A row of `profile_change`.
    private struct Change {
        let position: Int64
        let member: Int64
        let kind: ProfileChange.Kind
        let section: Int64?
        let at: Timestamp
        let actor: String
        let edits: PackedEdits
    }

    /// A change, and the member that it has to be of.
    private struct Place: Hashable {
        let member: Int64
        let position: Int64
    }

    /// The changes of profiles, by position.
    private struct Changes {
        private let select: PreparedStatement

        init(_ database: Database) throws {
            select = try PreparedStatement(
                cached: database.cachedStatement(
                    sql: """
                        SELECT kind, section, at, client_id, edits, profile_id
                        FROM profile_change JOIN actor ON actor_id = actor WHERE position = ?1
                        """))
        }

        func change(at position: Int64, of tree: MemberTree) throws -> Change {
            select.bind(1, position)
            defer { select.reset() }
            guard try select.nextRow(), tree.members[select.int64(5)] != nil,
                let kind = ProfileChange.Kind(rawValue: select.text(0))
            else { throw StoreFailure.missing(change: position) }
            return Change(
                position: position, member: select.int64(5), kind: kind,
                section: select.isNull(1) ? nil : select.int64(1), at: Timestamp(milliseconds: select.int64(2)),
                actor: select.text(3), edits: try select.packedEdits(4, at: position))
        }

        /// Each once, however many fields lead to it.
        func changes(at places: [Place]) throws -> [Int64: Change] {
            try Set(places).reduce(into: [:]) {
                $0[$1.position] = try change(at: $1.position, of: MemberTree(alone: $1.member))
            }
        }

        /// With what was there before, from the changes before.
        func stored(
            _ change: Change, _ before: [ProfileField: FormerEntry], where isMeant: (ProfileField) -> Bool
        ) throws -> StoredProfileChange {
            let places = before.values.flatMap { $0.positions.map { Place(member: $0.key, position: $0.value) } }
            let earlier = try changes(at: places)
            let edits = try change.edits.edits.filter { $0.field != .life && isMeant($0.field) }.map { edit in
                let from = try before[edit.field]?.value { _, position in
                    guard let former = earlier[position]?.edits[edit.field] else {
                        throw StoreFailure.missing(change: position)
                    }
                    return former.value
                }
                return StoredProfileChange.Edit(field: edit.field, from: from, to: edit.value)
            }
            return StoredProfileChange(
                position: change.position, kind: change.kind, section: change.section, at: change.at,
                actor: change.actor, edits: edits)
        }
    }
}

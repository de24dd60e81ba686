import OvationCore
import OvationRows

/// Reads what profiles hold, and what was changed of them. The indexes of a profile are read by one statement, so they are of
/// one moment; the changes that they name are never written again.
enum ProfileDataRows {
    /// In two round trips; three for a profile of several members.
    static func data(
        _ connection: PostgresConnection, of address: ProfileAddress, in sections: [Int64]?
    ) throws -> ProfileData? {
        try read(connection, of: address, in: sections) { found, indexes in
            let held = Held(indexes, of: found.tree)
            var changes = Changes(connection, of: found.tree)
            try changes.read(held.positions)
            return ProfileData(profile: found.profile, sections: try held.sections(from: changes))
        }
    }

    /// Of whole profiles together, in two round trips.
    /// - Parameter takes: the fields that are read, with their section.
    static func data(
        _ connection: PostgresConnection, of profiles: [Profile], in sections: [Int64],
        where takes: (ProfileField, _ section: Int64) -> Bool
    ) throws -> [ProfileData] {
        guard !profiles.isEmpty else { return [] }
        let rows = try connection.run(DataSQL.fieldsOfMany) {
            $0.add(profiles.flatMap { $0.members.map(\.id.value) }.sorted())
            $0.add(orNull: sections)
        }
        let fields = try Fields(rows)
        let held = try profiles.map { profile in
            guard let tree = MemberTree(membersOf: profile) else {
                throw StoreFailure(.damaged, "the members of a profile are not whole")
            }
            return Held(fields.indexes(of: tree), of: tree, where: takes)
        }
        var changes = Changes(connection, of: Set(profiles.flatMap { $0.members.map(\.id.value) }))
        try changes.read(held.flatMap(\.positions))
        return try zip(profiles, held).map { ProfileData(profile: $0, sections: try $1.sections(from: changes)) }
    }

    /// The indexes of many profiles, by member.
    struct Fields {
        private var indexes: [Int64: [(section: Int64, index: FieldIndex)]] = [:]

        init(_ rows: PostgresResult) throws { try add(rows) }

        /// - Parameter rows: of ``DataSQL/fieldsOfMany``.
        mutating func add(_ rows: PostgresResult) throws {
            for row in 0..<rows.count {
                indexes[rows.int64(row, 0), default: []].append((rows.int64(row, 1), try index(rows, row, 2)))
            }
        }

        func indexes(of tree: MemberTree) -> Indexes {
            var indexes: Indexes = [:]
            for member in tree.members.keys {
                for (section, index) in self.indexes[member] ?? [] { indexes[section, default: [:]][member] = index }
            }
            return indexes
        }
    }

    /// The fields that a whole profile has, before their values are read.
    struct Held {
        private let entries: [(section: Int64, held: [FieldIndex.Entry])]

        init(
            _ indexes: Indexes, of tree: MemberTree,
            where takes: (ProfileField, _ section: Int64) -> Bool = { _, _ in true }
        ) {
            entries = indexes.sorted { $0.key < $1.key }.compactMap { section, indexes in
                let entries =
                    tree.count == 1
                    ? indexes[tree.root]?.entries ?? [] : MergedIndex(tree, indexes).entries.map(\.entry)
                let held = entries.filter { !$0.isCleared && $0.field != .life && takes($0.field, section) }
                return held.isEmpty ? nil : (section, held)
            }
        }

        /// The changes that have the values.
        var positions: [Int64] { entries.flatMap { $0.held.map(\.position) } }

        func sections(from changes: Changes) throws -> [ProfileData.Section] {
            try entries.map { section, held in
                let fields = try held.map { entry in
                    let change = try changes.change(at: entry.position)
                    guard let value = change.edits[entry.field]?.value else {
                        throw ProfileDataRows.missing(entry.position)
                    }
                    return HeldField(
                        field: entry.field, value: value, setAt: change.at, actor: change.actor,
                        position: entry.position)
                }
                return ProfileData.Section(
                    section: section,
                    fields: fields.sorted {
                        ($0.field.kind.rawValue, $0.field.number) < ($1.field.kind.rawValue, $1.field.number)
                    })
            }
        }
    }

    /// A change says where those before it are, so it takes as many round trips as the longest history of one field on the
    /// page has changes, and two more.
    static func changes(
        _ connection: PostgresConnection, _ filter: ProfileChangeFilter
    ) throws -> ProfileChangePage? {
        let sections = Array(Set(filter.sections + [0])).sorted()
        return try read(connection, of: filter.profile, in: sections) { found, indexes in
            var changes = Changes(connection, of: found.tree)
            var trail = ChangeTrail(indexes.values.flatMap(\.values), kinds: filter.kinds)
            var former = FormerEntries(found.tree, indexes.map { (section: $0.key, indexes: $0.value) })
            var page: [(change: Change, before: [ProfileField: FormerEntry])] = []
            var next: Int64?
            while let position = trail.next() {
                if !changes.has(position) { try changes.read([position] + trail.upcoming(filter.limit)) }
                // Those of the pages before are read too: they lead to the others.
                let change = try changes.change(at: position)
                if filter.ends(at: change.at) { break }
                trail.follow(change.edits)
                defer { former.pass(change.edits, section: change.section, member: change.member) }
                guard filter.takes(position, at: change.at) else { continue }
                if page.count == filter.limit {
                    next = page.last?.change.position
                    break
                }
                let before = former.before(
                    change.edits, at: position, section: change.section, member: change.member
                ).filter { trail.leads($0.key) }
                page.append((change, before))
            }
            try changes.read(page.flatMap { $0.before.values.flatMap(\.positions.values) })
            return ProfileChangePage(
                changes: try page.map { try changes.stored($0.change, $0.before, where: trail.leads) }, next: next)
        }
    }

    /// By section and member.
    typealias Indexes = [Int64: [Int64: FieldIndex]]

    private static func read<Value>(
        _ connection: PostgresConnection, of address: ProfileAddress, in sections: [Int64]?,
        _ read: (EventRows.Found, Indexes) throws -> Value
    ) throws -> Value? {
        func command(_ member: Int64) -> Command {
            Command(DataSQL.fields) {
                $0.add(member)
                $0.add(orNull: sections)
            }
        }
        while true {
            var id: ProfileID?
            do {
                return try EventRows.read(connection, of: address, { member, _ in [command(member)] }) { found in
                    id = found.profile.id
                    return try read(found, try indexes(found))
                }
            } catch let failure as StoreFailure where failure.code == .damaged {
                // The changes of a profile that is erased go while one reads. Then the key is looked for anew.
                guard let id, try ProfileRows.find(connection, id: id.value, account: address.account) == nil
                else { throw failure }
            }
        }
    }

    private static func indexes(_ found: EventRows.Found) throws -> Indexes {
        var indexes: Indexes = [:]
        for (member, results) in zip(found.tree.ids, found.results) {
            let rows = results[0]
            for row in 0..<rows.count {
                indexes[rows.int64(row, 0), default: [:]][member] = try index(rows, row, 1)
            }
        }
        return indexes
    }

    private static func index(_ rows: PostgresResult, _ row: Int, _ column: Int) throws -> FieldIndex {
        guard let index = rows.withBytes(row, column, { FieldIndex(bytes: $0) }) else {
            throw StoreFailure(.damaged, "what a profile holds cannot be read")
        }
        return index
    }

    fileprivate static func missing(_ position: Int64) -> StoreFailure {
        StoreFailure(.damaged, "change \(position) of a profile is missing, and the profile holds what it set")
    }

    /// A row of `profile_change`.
    struct Change {
        let position: Int64
        let member: Int64
        let kind: ProfileChange.Kind
        let section: Int64?
        let at: Timestamp
        let actor: String
        let edits: PackedEdits
    }

    /// The changes of some members that were read so far.
    struct Changes {
        private let connection: PostgresConnection
        private let members: Set<Int64>
        private var rows: [Int64: Change] = [:]

        init(_ connection: PostgresConnection, of members: Set<Int64>) {
            (self.connection, self.members) = (connection, members)
        }

        init(_ connection: PostgresConnection, of tree: MemberTree) {
            self.init(connection, of: Set(tree.members.keys))
        }

        func has(_ position: Int64) -> Bool { rows[position] != nil }

        /// In one round trip, or none.
        mutating func read(_ positions: [Int64]) throws {
            let missing = Set(positions).filter { rows[$0] == nil }
            guard !missing.isEmpty else { return }
            let found = try connection.run(DataSQL.changes) { $0.add(missing.sorted()) }
            for row in 0..<found.count {
                let position = found.int64(row, 0)
                guard members.contains(found.int64(row, 6)),
                    let kind = ProfileChange.Kind(rawValue: found.text(row, 1)),
                    let edits = found.withBytes(row, 5, { PackedEdits(bytes: $0) })
                else { throw StoreFailure(.damaged, "change \(position) of a profile cannot be read") }
                rows[position] = Change(
                    position: position, member: found.int64(row, 6), kind: kind, section: found.int64OrNil(row, 2),
                    at: found.time(row, 3), actor: found.text(row, 4), edits: edits)
            }
        }

        func change(at position: Int64) throws -> Change {
            guard let change = rows[position] else { throw ProfileDataRows.missing(position) }
            return change
        }

        /// With what was there before, from the changes before.
        func stored(
            _ change: Change, _ before: [ProfileField: FormerEntry], where isMeant: (ProfileField) -> Bool
        ) throws -> StoredProfileChange {
            let edits = try change.edits.edits.filter { $0.field != .life && isMeant($0.field) }.map { edit in
                let from = try before[edit.field]?.value { _, position in try value(of: edit.field, at: position) }
                return StoredProfileChange.Edit(field: edit.field, from: from, to: edit.value)
            }
            return StoredProfileChange(
                position: change.position, kind: change.kind, section: change.section, at: change.at,
                actor: change.actor, edits: edits)
        }

        private func value(of field: ProfileField, at position: Int64) throws -> ProfileValue? {
            guard let edit = try change(at: position).edits[field] else { throw ProfileDataRows.missing(position) }
            return edit.value
        }
    }
}

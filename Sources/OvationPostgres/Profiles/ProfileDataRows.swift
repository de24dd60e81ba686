import OvationCore
import OvationRows

/// Reads what profiles hold, and what was changed of them. The indexes of a profile are read by one statement, so they are of
/// one moment; the changes that they name are never written again.
enum ProfileDataRows {
    /// In two round trips.
    static func data(
        _ connection: PostgresConnection, of address: ProfileAddress, in sections: [Int64]?
    ) throws -> ProfileData? {
        try read(connection, of: address, in: sections) { profile, indexes in
            var changes = Changes(connection, of: profile.id.value)
            try changes.read(indexes.flatMap { $0.index.entries.filter { !$0.isCleared }.map(\.position) })
            let held = try indexes.map { section, index in
                let fields = try index.entries.filter { !$0.isCleared }.map { entry in
                    let change = try changes.change(at: entry.position)
                    guard let value = change.edits[entry.field]?.value else { throw missing(entry.position) }
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
            return ProfileData(profile: profile, sections: held.filter { !$0.fields.isEmpty })
        }
    }

    /// A change says where those before it are, so it takes as many round trips as the longest history of one field on the
    /// page has changes, and two more.
    static func changes(
        _ connection: PostgresConnection, _ filter: ProfileChangeFilter
    ) throws -> ProfileChangePage? {
        try read(connection, of: filter.profile, in: Array(Set(filter.sections + [0])).sorted()) { profile, indexes in
            var changes = Changes(connection, of: profile.id.value)
            var trail = ChangeTrail(indexes.map(\.index))
            var page: [Change] = []
            var next: Int64?
            while let position = trail.next() {
                let isOfPage = filter.before.map { position < $0 } ?? true
                if isOfPage, page.count == filter.limit {
                    next = page.last?.position
                    break
                }
                if !changes.has(position) { try changes.read([position] + trail.upcoming(filter.limit)) }
                // Those of the pages before are read too: they lead to the others.
                let change = try changes.change(at: position)
                trail.follow(change.edits)
                if isOfPage { page.append(change) }
            }
            try changes.read(page.flatMap { $0.edits.edits.filter { $0.field != .life }.compactMap(\.previous) })
            return ProfileChangePage(changes: try page.map { try changes.stored($0) }, next: next)
        }
    }

    private static func read<Value>(
        _ connection: PostgresConnection, of address: ProfileAddress, in sections: [Int64]?,
        _ read: (Profile, [(section: Int64, index: FieldIndex)]) throws -> Value
    ) throws -> Value? {
        func command(_ id: Int64) -> Command {
            Command(DataSQL.fields) {
                $0.add(id)
                $0.add(orNull: sections)
            }
        }
        while true {
            var found: ProfileID?
            do {
                return try ProfileRows.read(connection, of: address, { [command($0)] }) { profile, results in
                    found = profile.id
                    return try read(profile, try indexes(results[0]))
                }
            } catch let failure as StoreFailure where failure.code == .damaged {
                // The changes of a profile that is erased go while one reads. Then the key is looked for anew.
                guard let found, try ProfileRows.find(connection, id: found.value, account: address.account) == nil
                else { throw failure }
            }
        }
    }

    private static func indexes(_ rows: PostgresResult) throws -> [(section: Int64, index: FieldIndex)] {
        try (0..<rows.count).map { row in
            guard let index = rows.withBytes(row, 1, { FieldIndex(bytes: $0) }) else {
                throw StoreFailure(.damaged, "what a profile holds cannot be read")
            }
            return (rows.int64(row, 0), index)
        }.sorted { $0.0 < $1.0 }
    }

    fileprivate static func missing(_ position: Int64) -> StoreFailure {
        StoreFailure(.damaged, "change \(position) of a profile is missing, and the profile holds what it set")
    }

    /// A row of `profile_change`.
    fileprivate struct Change {
        let position: Int64
        let kind: ProfileChange.Kind
        let section: Int64?
        let at: Timestamp
        let actor: String
        let edits: PackedEdits
    }

    /// The changes of one profile that were read so far.
    private struct Changes {
        private let connection: PostgresConnection
        private let profile: Int64
        private var rows: [Int64: Change] = [:]

        init(_ connection: PostgresConnection, of profile: Int64) {
            (self.connection, self.profile) = (connection, profile)
        }

        func has(_ position: Int64) -> Bool { rows[position] != nil }

        /// In one round trip, or none.
        mutating func read(_ positions: [Int64]) throws {
            let missing = Set(positions).filter { rows[$0] == nil }
            guard !missing.isEmpty else { return }
            let found = try connection.run(DataSQL.changes) { $0.add(missing.sorted()) }
            for row in 0..<found.count {
                let position = found.int64(row, 0)
                guard found.int64(row, 6) == profile, let kind = ProfileChange.Kind(rawValue: found.text(row, 1)),
                    let edits = found.withBytes(row, 5, { PackedEdits(bytes: $0) })
                else { throw StoreFailure(.damaged, "change \(position) of a profile cannot be read") }
                rows[position] = Change(
                    position: position, kind: kind, section: found.int64OrNil(row, 2), at: found.time(row, 3),
                    actor: found.text(row, 4), edits: edits)
            }
        }

        func change(at position: Int64) throws -> Change {
            guard let change = rows[position] else { throw ProfileDataRows.missing(position) }
            return change
        }

        /// With what was there before, from the changes before.
        func stored(_ change: Change) throws -> StoredProfileChange {
            let edits = try change.edits.edits.filter { $0.field != .life }.map { edit in
                StoredProfileChange.Edit(
                    field: edit.field, from: try edit.previous.flatMap { try value(of: edit.field, at: $0) },
                    to: edit.value)
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

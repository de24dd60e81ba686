import OvationCore
import OvationRows

/// Counts of consents as rows: read, and made from what profiles hold. See rule 23 of DESIGN.md.
enum ConsentCountRows {
    static func read(
        _ connection: PostgresConnection, account: Int64, section: Int64
    ) throws -> [ConsentCount] {
        let rows = try connection.run(ConsentSQL.read) {
            $0.add(account)
            $0.add(section)
        }
        return (0..<rows.count).compactMap { row in
            guard let type = ConsentType(rawValue: rows.int64(row, 1)) else { return nil }
            let key = ConsentCountKey(account: account, section: section, place: rows.int64(row, 0), type: type)
            return key.count(rows.int64(row, 2))
        }
    }

    /// nil: nothing changes.
    static func add(_ changes: ConsentCountChanges, slot: Int64) -> Command? {
        let changed = changes.changed
        guard !changed.isEmpty else { return nil }
        return Command(ConsentSQL.add) {
            $0.add(slot)
            $0.add(changed.map(\.key.account))
            $0.add(changed.map(\.key.section))
            $0.add(changed.map(\.key.place))
            $0.add(changed.map(\.key.type.rawValue))
            $0.add(changed.map(\.change))
        }
    }

    // MARK: Making

    /// Makes the rows anew, all in the slot that no lane has.
    static func fill(_ connection: PostgresConnection) throws {
        let counts = try recount(connection)
        try connection.run([Command(ConsentSQL.clear)] + [add(counts, slot: 0)].compactMap { $0 }, patience: patience)
    }

    private static let patience = Duration.seconds(3600)

    /// Rows of `profile_data` in a round trip.
    private static let step: Int64 = 1000

    /// The counts by what open profiles hold, from the changes, some at a time.
    static func recount(_ connection: PostgresConnection) throws -> ConsentCountChanges {
        var counts = ConsentCountChanges()
        var done: Set<Int64> = []
        var place = GroupData.Place(profile: .min, section: .min)
        while true {
            let rows = try connection.run(MappedValueSQL.indexes) {
                $0.add(place.profile)
                $0.add(place.section)
                $0.add(step)
            }
            var alone: [GroupData.Place: FieldIndex] = [:]
            for row in 0..<rows.count {
                place = GroupData.Place(profile: rows.int64(row, 0), section: rows.int64(row, 1))
                let index = try index(rows, row)
                if !index.consentPositions.isEmpty { alone[place] = index }
            }
            try count(connection, alone, &done, &counts)
            guard rows.count == step else { return counts }
        }
    }

    private static func index(_ rows: PostgresResult, _ row: Int) throws(PostgresFailure) -> FieldIndex {
        guard let index = rows.withBytes(row, 2, { FieldIndex(bytes: $0) }) else {
            throw .damaged("what a profile holds cannot be read")
        }
        return index
    }

    /// - Parameter done: the canonical members of profiles that were counted as a whole.
    private static func count(
        _ connection: PostgresConnection, _ found: [GroupData.Place: FieldIndex], _ done: inout Set<Int64>,
        _ counts: inout ConsentCountChanges
    ) throws {
        guard !found.isEmpty else { return }
        let ids = Set(found.keys.map(\.profile))
        let trees = try MemberRows.trees(try connection.run([MemberRows.find(Array(ids))])[0])
        let merged = Set(trees.flatMap(\.members.keys))
        var wholes: [GroupData.Place: [FieldIndex]] = [:]
        for (place, index) in found where !merged.contains(place.profile) { wholes[place] = [index] }
        for tree in trees where done.insert(tree.root).inserted {
            let rows = try connection.run(MemberSQL.data) { $0.add(tree.members.keys.sorted()) }
            for row in 0..<rows.count {
                let place = GroupData.Place(profile: tree.root, section: rows.int64(row, 1))
                wholes[place, default: []].append(try index(rows, row))
            }
        }
        try count(connection, wholes, &counts)
    }

    /// - Parameter wholes: by canonical member and section, what all members have.
    private static func count(
        _ connection: PostgresConnection, _ wholes: [GroupData.Place: [FieldIndex]],
        _ counts: inout ConsentCountChanges
    ) throws {
        let stored = MemberRows.members(
            try connection.run(MemberSQL.profiles) { $0.add(Set(wholes.keys.map(\.profile)).sorted()) })
        var fields: [Int64: [(field: ProfileField, section: Int64)]] = [:]
        for (place, indexes) in wholes where stored[place.profile]?.state == .open {
            let keyspace = stored[place.profile]?.key?.keyspace ?? 0
            let section = ConsentCount.section(place.section, ofKeyspace: keyspace)
            for entry in FieldIndex.consents(of: indexes) {
                fields[entry.position, default: []].append((entry.field, section))
            }
        }
        let rows = try connection.run(MappedValueSQL.changes) { $0.add(fields.keys.sorted()) }
        guard rows.count == fields.count else { throw PostgresFailure.damaged("a change of a profile is missing") }
        for row in 0..<rows.count {
            guard let edits = rows.withBytes(row, 2, { PackedEdits(bytes: $0) }) else {
                throw PostgresFailure.damaged("a change of a profile cannot be read")
            }
            for (field, section) in fields[rows.int64(row, 0)] ?? [] {
                counts.add(1, edits[field]?.value, in: field, section: section, account: rows.int64(row, 1))
            }
        }
    }
}

import OvationCore
import OvationRows

/// Whole profiles by rising id, a page at a time, in one snapshot and five round trips: the profiles, their members with what
/// they hold, the members that stand elsewhere, the sizes of the changes, and those that fit. See rule 24 of DESIGN.md.
enum ProfileExportRows {
    /// Rows that one page looks at. What they hold is read for all of them.
    static let rowsMax = 1000
    /// What a field takes beside its value.
    private static let bytesPerField = 80

    /// - Parameter isSpread: whether Citus spreads the tables.
    static func page(
        _ connection: PostgresConnection, _ range: ProfileExportRange, isSpread: Bool
    ) throws -> ProfileExportPage {
        let limit = max(1, min(range.limit, rowsMax))
        let profiles = Command(DataSQL.profilesFrom) {
            $0.add(range.after.map { $0.value == .max ? .max : $0.value + 1 } ?? .min)
            $0.add(Int64(limit) + 1)
        }
        // The snapshot is one of the coordinator. A profile that a node has and the snapshot does not would stand alone in it.
        let before = isSpread ? ids(try connection.run([profiles])[0]) : nil
        let results = try connection.run([
            Command(ReadSQL.beginSnapshot), Command(DataSQL.newestOfAll), profiles,
        ])
        let (newest, rows) = (results[1].int64OrNil(0, 0) ?? 0, results[2])
        var next = rows.count > limit ? rows.int64(limit - 1, 0) : nil
        var stored: [Int64: StoredMember] = [:]
        for row in 0..<min(rows.count, limit) where range.after?.value != .max {
            let id = rows.int64(row, 0)
            guard before?.contains(id) ?? true, let member = member(rows, row, of: range.account) else { continue }
            stored[id] = member
        }
        var found = try Found(connection, range, stored)
        let count = try found.count(connection, bytesMax: range.bytesMax)
        if count < found.profiles.count {
            next = found.profiles[count - 1].place
            found.profiles.removeLast(found.profiles.count - count)
        }
        return ProfileExportPage(
            profiles: try found.data(connection), places: found.profiles.map { ProfileID($0.place) },
            next: next.map { ProfileID($0) }, newest: newest)
    }

    private static func ids(_ rows: PostgresResult) -> Set<Int64> {
        Set((0..<rows.count).map { rows.int64($0, 0) })
    }

    /// nil: it is not exported.
    private static func member(_ rows: PostgresResult, _ row: Int, of account: Int64) -> StoredMember? {
        let state = ProfileState(stored: rows.int64(row, 3))
        guard rows.int64(row, 1) == account, !Suppression.isKeyspace(rows.int64(row, 2)), state != .erased,
            !rows.withBytes(row, 5, { LockedKeys.isMark($0) })
        else { return nil }
        return StoredMember(
            key: MemberRows.key(rows.int64(row, 2), rows.text(row, 5)), createdAt: rows.time(row, 4), state: state)
    }

    /// The profiles of a page, before their values are read.
    private struct Found {
        struct Whole {
            /// The member at which it was met.
            let place: Int64
            let profile: Profile
            let held: ProfileDataRows.Held
        }

        /// By rising place.
        var profiles: [Whole] = []

        /// - Parameter stored: the rows of the page.
        init(
            _ connection: PostgresConnection, _ range: ProfileExportRange, _ stored: [Int64: StoredMember]
        ) throws {
            guard !stored.isEmpty else { return }
            let ids = stored.keys.sorted()
            let results = try connection.run([MemberRows.find(ids), Found.fields(of: ids, range)])
            var (stored, fields) = (stored, try ProfileDataRows.Fields(results[1]))
            let whole = try Found.whole(ids, try MemberRows.trees(results[0]), since: range.since)
            let elsewhere = Set(whole.flatMap(\.tree.members.keys)).subtracting(ids).sorted()
            if !elsewhere.isEmpty {
                let results = try connection.run([
                    Command(MemberSQL.profiles) { $0.add(elsewhere) }, Found.fields(of: elsewhere, range),
                ])
                stored.merge(MemberRows.members(results[0])) { own, _ in own }
                try fields.add(results[1])
            }
            profiles = try whole.map { place, tree in
                let profile = try tree.profile(stored)
                let indexes = profile.state == .locked ? [:] : fields.indexes(of: tree)
                return Whole(place: place, profile: profile, held: ProfileDataRows.Held(indexes, of: tree))
            }
        }

        private static func fields(of ids: [Int64], _ range: ProfileExportRange) -> Command {
            Command(DataSQL.fieldsOfMany) {
                $0.add(ids)
                $0.add(orNull: range.sections)
            }
        }

        /// The profiles that are given in this page, each once, where it was met.
        private static func whole(
            _ ids: [Int64], _ trees: [MemberTree], since: Int64
        ) throws -> [(place: Int64, tree: MemberTree)] {
            var treeOf: [Int64: MemberTree] = [:]
            for tree in trees { for id in tree.members.keys { treeOf[id] = tree } }
            var given: Set<Int64> = []
            return ids.compactMap { id in
                guard let tree = treeOf[id] else { return (id, MemberTree(alone: id)) }
                guard !given.contains(tree.root), tree.isExported(at: id, since: since) else { return nil }
                given.insert(tree.root)
                return (id, tree)
            }
        }

        /// How many profiles fit into a page; at least one. Values are asked for by their sizes first.
        func count(_ connection: PostgresConnection, bytesMax: Int) throws -> Int {
            let upper = count(bytesMax: bytesMax) { _ in 0 }
            let positions = Set(profiles.prefix(upper).flatMap(\.held.positions))
            guard !positions.isEmpty else { return upper }
            let rows = try connection.run(DataSQL.sizes) { $0.add(positions.sorted()) }
            var sizes: [Int64: Int] = [:]
            for row in 0..<rows.count { sizes[rows.int64(row, 0)] = Int(rows.int64(row, 1)) }
            return min(upper, count(bytesMax: bytesMax) { sizes[$0] ?? 0 })
        }

        private func count(bytesMax: Int, _ size: (_ position: Int64) -> Int) -> Int {
            var (count, bytes) = (0, 0)
            while count < profiles.count, count == 0 || bytes < bytesMax {
                let positions = profiles[count].held.positions
                bytes += ProfileExportRows.bytesPerField * (positions.count + profiles[count].profile.members.count)
                bytes += Set(positions).reduce(0) { $0 + size($1) }
                count += 1
            }
            return count
        }

        func data(_ connection: PostgresConnection) throws -> [ProfileData] {
            var changes = ProfileDataRows.Changes(
                connection, of: Set(profiles.flatMap { $0.profile.members.map(\.id.value) }))
            try changes.read(profiles.flatMap(\.held.positions))
            return try profiles.map {
                ProfileData(profile: $0.profile, sections: try $0.held.sections(from: changes))
            }
        }
    }
}

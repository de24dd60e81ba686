import OvationCore
import OvationRows

/// Values of mapped attributes as rows: read by a search, and made from what profiles hold. See rule 22 of DESIGN.md.
enum MappedValueRows {
    // MARK: Searching

    /// In three round trips at most: the values, the members of their profiles, and the profiles.
    static func search(_ connection: PostgresConnection, _ search: ValueSearch) throws -> ValueMatches {
        let limit = min(search.limit, Limits.valueMatchesMax)
        let texts = search.texts.sorted { $0.key < $1.key }
        guard !texts.isEmpty else { return ValueMatches(matches: [], isComplete: true) }
        let results = try connection.run(
            texts.map { attribute, text in
                let end = search.isExact ? nil : text.firstNotBeginningSo
                let range = end == nil ? MappedValueSQL.rangeToEnd : MappedValueSQL.range
                return Command(search.isExact ? MappedValueSQL.exact : range) {
                    $0.add(search.account)
                    $0.add(attribute)
                    $0.add(text)
                    $0.add(Int64(limit) + 1)
                    if let end { $0.add(end) }
                }
            })
        let rows = zip(texts, results).flatMap { asked, rows in
            (0..<rows.count).map { row in
                MappedValue(profile: rows.int64(row, 0), attribute: asked.key, text: rows.text(row, 1))
            }
        }.sorted { $0.isBefore($1) }
        let shown = rows.prefix(limit)
        let profiles = try profiles(connection, of: Set(shown.map(\.profile)))
        let matches = shown.compactMap { row in
            profiles[row.profile].map {
                ValueMatch(
                    profile: $0, member: ProfileID(row.profile), attribute: row.attribute, value: row.text)
            }
        }
        return ValueMatches(matches: matches, isComplete: rows.count <= limit)
    }

    /// By member. One that was erased leaves its values behind it for a while, and is left out.
    static func profiles(
        _ connection: PostgresConnection, of members: Set<Int64>
    ) throws -> [Int64: Profile] {
        guard !members.isEmpty else { return [:] }
        let trees = try MemberRows.trees(try connection.run([MemberRows.find(Array(members))])[0])
        let all = members.union(trees.flatMap(\.members.keys)).sorted()
        let stored = MemberRows.members(try connection.run(MemberSQL.profiles) { $0.add(all) })
        var profiles: [Int64: Profile] = [:]
        for id in members where stored[id]?.isThere == true {
            let tree = trees.first { $0.members[id] != nil } ?? MemberTree(alone: id)
            profiles[id] = try tree.profile(stored)
        }
        return profiles
    }

    // MARK: Which attributes

    static func mapped(_ rows: PostgresResult) throws(PostgresFailure) -> [Int64: MappedAttributes] {
        var formats: [Int64: [Int64: KeyFormat]] = [:]
        for row in 0..<rows.count {
            guard let format = KeyFormat(rawValue: rows.text(row, 2)) else {
                throw .damaged("the format of a mapped attribute cannot be read")
            }
            formats[rows.int64(row, 0), default: [:]][rows.int64(row, 1)] = format
        }
        return formats.mapValues { MappedAttributes(custom: $0) }
    }

    static func stored(
        _ connection: PostgresConnection, account: Int64
    ) throws(PostgresFailure) -> StoredMappings {
        let rows = try connection.run(MappedValueSQL.stored) { $0.add(account) }
        var mappings: [Int64: StoredMappings.Mapping] = [:]
        for row in 0..<rows.count {
            guard let format = KeyFormat(rawValue: rows.text(row, 1)),
                let state = MappingState(rawValue: rows.int64(row, 2))
            else { throw .damaged("a mapped attribute cannot be read") }
            mappings[rows.int64(row, 0)] = StoredMappings.Mapping(format: format, state: state)
        }
        return StoredMappings(mappings)
    }

    /// From the commit of this on, the values of these attributes are kept by every group: those under way end before it.
    static func begin(_ new: [Int64: KeyFormat], account: Int64, _ connection: PostgresConnection) throws {
        let new = new.sorted { $0.key < $1.key }
        let insertion = Command(MappedValueSQL.begin) {
            $0.add(account)
            $0.add(new.map(\.key))
            $0.add(new.map(\.value.rawValue))
        }
        try connection.run(
            [Command(.begin), Command(Locks.awaitOrder), insertion, Command(.commit)], patience: patience)
    }

    /// Keeps which attributes of an account are mapped, in the commit of the definitions. The values of those that are new are
    /// there already; those of attributes that are mapped no more are removed afterwards. To be called under the lock of the
    /// account's log. If something is different, no group is under way from here on to the end of the transaction.
    static func set(_ mapped: MappedAttributes, account: Int64, _ connection: PostgresConnection) throws {
        let stored = try stored(connection, account: account)
        let (gone, filled) = (stored.gone(mapped), stored.filled(mapped))
        let rewritten = stored.toRewrite(mapped)
        guard !gone.isEmpty || !filled.isEmpty || !rewritten.isEmpty else { return }
        var commands = [
            Command(Locks.awaitOrder), setState(gone, .leaving, account), setState(filled, .whole, account),
        ]
        if !rewritten.isEmpty {
            let new = rewritten.sorted { $0.key < $1.key }
            commands.append(
                Command(MappedValueSQL.removeAll) {
                    $0.add(account)
                    $0.add(new.map(\.key))
                })
            commands.append(
                Command(MappedValueSQL.rewrite) {
                    $0.add(account)
                    $0.add(new.map(\.key))
                    $0.add(new.map(\.value.rawValue))
                })
        }
        try connection.run(commands, patience: patience)
        if !rewritten.isEmpty { try fill(connection) { $0 == account && rewritten[$1] != nil } }
    }

    static func setState(_ attributes: [Int64], _ state: MappingState, _ account: Int64) -> Command {
        Command(MappedValueSQL.setState) {
            $0.add(account)
            $0.add(attributes)
            $0.add(state.rawValue)
        }
    }

    /// Removes some values of an attribute that leaves, and the attribute with the last of them.
    /// - Returns: false: it has left, or is mapped again.
    static func removeSome(of attribute: Int64, account: Int64, _ connection: PostgresConnection) throws -> Bool {
        let removed = try connection.run(MappedValueSQL.removeSome) {
            $0.add(account)
            $0.add(attribute)
            $0.add(Int64(MappingState.step))
        }
        guard removed.int64(0, 0) < Int64(MappingState.step) else { return true }
        _ = try connection.run(MappedValueSQL.forget) {
            $0.add(account)
            $0.add(attribute)
        }
        return false
    }

    /// For a statement about all values of an attribute, and for the groups that are under way.
    private static let patience = Duration.seconds(3600)

    // MARK: Making

    /// Makes the values of some profiles behind a place, of attributes that are being filled. No group is under way meanwhile, and
    /// nothing is removed of an erased profile: what is read is so when the values are written.
    /// - Returns: where to go on; nil: all are made.
    static func fillSome(
        behind place: GroupData.Place, of attributes: [Int64: KeyFormat], account: Int64,
        _ connection: PostgresConnection
    ) throws -> GroupData.Place? {
        try connection.run(
            [Command(.begin), Command(Locks.awaitOrder), Command(Locks.erasures)], patience: patience)
        // Another server may have mapped them in another way meanwhile.
        let stored = try stored(connection, account: account)
        let attributes = attributes.filter {
            stored.mappings[$0.key] == StoredMappings.Mapping(format: $0.value, state: .filling)
        }
        let wanted = [account: MappedAttributes(custom: attributes)]
        let (values, last) = try some(connection, wanted, behind: place, limit: MappingState.step)
        let added = values.filter { $0.account == account && attributes[$0.value.attribute] != nil }
        try connection.run((added.isEmpty ? [] : [insert(added)]) + [Command(.commit)], patience: patience)
        return last
    }

    /// Makes the rows anew from what profiles hold; those that are there stay.
    /// - Parameter isWanted: of which attributes of an account.
    static func fill(
        _ connection: PostgresConnection, mapped: [Int64: MappedAttributes]? = nil,
        _ isWanted: (_ account: Int64, _ attribute: Int64) -> Bool = { _, _ in true }
    ) throws {
        try forEach(connection, mapped) { values in
            let wanted = values.filter { isWanted($0.account, $0.value.attribute) }
            if !wanted.isEmpty { try connection.run([insert(wanted)], patience: patience) }
        }
    }

    typealias Owned = (account: Int64, value: MappedValue)

    static func insert(_ values: [Owned]) -> Command { command(MappedValueSQL.insert, values) }

    static func remove(_ values: [Owned]) -> Command { command(MappedValueSQL.remove, values) }

    private static func command(_ statement: Statement, _ values: [Owned]) -> Command {
        Command(statement) {
            $0.add(values.map(\.account))
            $0.add(values.map(\.value.attribute))
            $0.add(values.map(\.value.text))
            $0.add(values.map(\.value.profile))
        }
    }

    /// Every value of a mapped attribute that a member holds, from the changes, some at a time.
    /// - Parameter mapped: nil: as they are stored.
    static func forEach(
        _ connection: PostgresConnection, _ mapped: [Int64: MappedAttributes]? = nil, _ body: ([Owned]) throws -> Void
    ) throws {
        let mapped = try mapped ?? self.mapped(try connection.run([Command(MappedValueSQL.all)])[0])
        var place: GroupData.Place? = GroupData.Place(profile: .min, section: .min)
        while let behind = place {
            let (values, last) = try some(connection, mapped, behind: behind, limit: MappingState.step)
            if !values.isEmpty { try body(values) }
            place = last
        }
    }

    /// - Returns: the place of the last row that was looked at, as far as there may be more.
    private static func some(
        _ connection: PostgresConnection, _ mapped: [Int64: MappedAttributes], behind place: GroupData.Place, limit: Int
    ) throws -> (values: [Owned], last: GroupData.Place?) {
        let any = MappedAttributes(custom: mapped.values.reduce(into: [:]) { $0.merge($1.custom) { $1 } })
        let rows = try connection.run(MappedValueSQL.indexes) {
            $0.add(place.profile)
            $0.add(place.section)
            $0.add(Int64(limit))
        }
        var last = place
        var fields: [Int64: (profile: Int64, fields: [ProfileField])] = [:]
        for row in 0..<rows.count {
            last = GroupData.Place(profile: rows.int64(row, 0), section: rows.int64(row, 1))
            guard let index = rows.withBytes(row, 2, { FieldIndex(bytes: $0) }) else {
                throw PostgresFailure.damaged("what a profile holds cannot be read")
            }
            for entry in index.mappedEntries(any) {
                fields[entry.position, default: (last.profile, [])].fields.append(entry.field)
            }
        }
        return (fields.isEmpty ? [] : try values(connection, fields, mapped), rows.count < limit ? nil : last)
    }

    private static func values(
        _ connection: PostgresConnection, _ fields: [Int64: (profile: Int64, fields: [ProfileField])],
        _ mapped: [Int64: MappedAttributes]
    ) throws -> [Owned] {
        let rows = try connection.run(MappedValueSQL.changes) { $0.add(fields.keys.sorted()) }
        guard rows.count == fields.count else { throw PostgresFailure.damaged("a change of a profile is missing") }
        var values: [Owned] = []
        for row in 0..<rows.count {
            guard let held = fields[rows.int64(row, 0)],
                let edits = rows.withBytes(row, 2, { PackedEdits(bytes: $0) })
            else { throw PostgresFailure.damaged("a change of a profile cannot be read") }
            let account = rows.int64(row, 1)
            values += edits.mappedValues(
                of: held.fields, in: held.profile, mapped[account] ?? MappedAttributes()
            ).map { (account, $0) }
        }
        return values
    }
}

extension StoredMember {
    /// Whether readers find it.
    fileprivate var isThere: Bool {
        state != .erased && !(state == .locked && key.map { LockedKeys.isMark($0.text) } ?? false)
    }
}

import OvationCore
import OvationRows

/// What a group reads of what profiles hold before it changes them. See rule 19 of DESIGN.md.
struct GroupData {
    /// A row of `profile_data`.
    struct Place: Hashable, Comparable {
        let profile: Int64
        /// 0: the profile as a whole.
        let section: Int64

        static func < (left: Place, right: Place) -> Bool {
            (left.profile, left.section) < (right.profile, right.section)
        }
    }

    /// Locked, or not there.
    private(set) var asked: Set<Place> = []
    /// Of the rows that are there.
    private(set) var indexes: [Place: FieldIndex] = [:]
    /// By position, of what the indexes are unsure of.
    private(set) var edits: [Int64: PackedEdits] = [:]
    /// Profiles of several members, by each member.
    private(set) var trees: [Int64: MemberTree] = [:]
    /// Of whole profiles, for a change of keys.
    private(set) var members: [Int64: StoredMember] = [:]
    /// What rules ask of these profiles is in these changes.
    var positions: Set<Int64> = []
    /// As far as the group's changes ask, by account.
    private(set) var mapped: [Int64: MappedAttributes] = [:]
    /// The sections in which profiles have or had something, as far as whole profiles were read.
    private(set) var sections: [Int64: Set<Int64>] = [:]
    /// Whether the last question was about whole profiles too.
    private(set) var asksForWholes = false
    /// What changes before in the group make of profiles of several members.
    private var changed: [Place: FieldIndex] = [:]

    /// The indexes as the changes before leave them.
    var current: [Place: FieldIndex] { changed.isEmpty ? indexes : indexes.merging(changed) { $1 } }

    mutating func ask(for places: Set<Place>, andWholes asksForWholes: Bool = false) {
        asked.formUnion(places)
        self.asksForWholes = asksForWholes
    }

    mutating func note(_ draft: ProfileDraft) {
        changed.merge(draft.indexes) { $1 }
        edits.merge(draft.edits) { $1 }
    }

    /// The position of what a whole profile has in a field; nil: nothing.
    func position(of field: ProfileField, section: Int64, profile: Int64) -> Int64? {
        let tree = trees[profile] ?? MemberTree(alone: profile)
        var found: [Int64: FieldIndex] = [:]
        for id in tree.members.keys { found[id] = indexes[Place(profile: id, section: section)] }
        guard let entry = MergedIndex(tree, found)[field]?.entry, !entry.isCleared else { return nil }
        return entry.position
    }

    /// Rows of ``MemberSQL/trees``.
    mutating func note(trees rows: PostgresResult) throws(PostgresFailure) {
        for tree in try MemberRows.trees(rows) {
            for id in tree.members.keys { trees[id] = tree }
        }
        // What is asked of a profile is asked of all its members.
        for place in asked {
            guard let tree = trees[place.profile] else { continue }
            for id in tree.members.keys { asked.insert(Place(profile: id, section: place.section)) }
        }
    }

    /// Rows of `profile_data`. Each profile is asked for all sections that any of them needs.
    mutating func note(indexes rows: PostgresResult) throws(PostgresFailure) {
        for row in 0..<rows.count {
            let place = Place(profile: rows.int64(row, 0), section: rows.int64(row, 1))
            guard asked.contains(place) else { continue }
            guard let index = rows.withBytes(row, 2, { FieldIndex(bytes: $0) }) else {
                throw .damaged("what a profile holds cannot be read")
            }
            indexes[place] = index
        }
    }

    /// Rows of `profile_data`: all that some profiles have.
    mutating func note(whole rows: PostgresResult) throws(PostgresFailure) {
        for row in 0..<rows.count {
            let place = GroupData.Place(profile: rows.int64(row, 0), section: rows.int64(row, 1))
            asked.insert(place)
            sections[place.profile, default: []].insert(place.section)
        }
        try note(indexes: rows)
    }

    /// Where the consents are that a whole profile, or a part of it, has.
    func consentPositions(of profile: Int64) -> Set<Int64> {
        let tree = trees[profile] ?? MemberTree(alone: profile)
        var positions: Set<Int64> = []
        for id in tree.members.keys {
            for section in sections[id] ?? [] {
                positions.formUnion(indexes[Place(profile: id, section: section)]?.consentPositions ?? [])
            }
        }
        return positions
    }

    /// Rows of ``MappedValueSQL/formats``.
    mutating func note(mapped rows: PostgresResult) throws(PostgresFailure) {
        mapped = try MappedValueRows.mapped(rows)
    }

    mutating func note(members new: [Int64: StoredMember]) { members.merge(new) { $1 } }

    mutating func note(edits rows: PostgresResult) throws(PostgresFailure) {
        for row in 0..<rows.count {
            guard let read = rows.withBytes(row, 1, { PackedEdits(bytes: $0) }) else {
                throw .damaged("a change of a profile cannot be read")
            }
            edits[rows.int64(row, 0)] = read
        }
    }
}

extension GroupTransaction {
    /// The rows that the group's changes need, by the ids that their profiles most likely have. Its locks come before the
    /// numbers of changes: who comes second has the higher ones. nil: no change needs any.
    func lockData() -> [Command] {
        var (places, wholes): (Set<GroupData.Place>, Set<Int64>) = ([], [])
        for (index, post) in posts.enumerated() {
            guard case .change(let change, _) = post, let need = needs[index].first else { continue }
            let profile = wanted[need].id ?? wanted[need].candidate.value
            places.formUnion(change.sections.map { GroupData.Place(profile: profile, section: $0) })
            if change.endsConsents { wholes.insert(profile) }
        }
        let locks = lock(places, reading: wholes)
        // Default attributes are known without asking. A change that maps others waits for the groups under way.
        let asked = Set(posts.flatMap(\.customAttributes)).sorted()
        guard !asked.isEmpty else { return locks }
        return locks + [Command(MappedValueSQL.formats) { $0.add(asked) }]
    }

    /// The members come first: while this transaction has the lock of rule 6, nobody changes them.
    /// - Parameter wholes: profiles of which all sections are read too.
    private func lock(_ places: Set<GroupData.Place>, reading wholes: Set<Int64>) -> [Command] {
        guard !places.isEmpty else { return [] }
        data.ask(for: places, andWholes: !wholes.isEmpty)
        let profiles = Set(places.map(\.profile)).sorted()
        return [
            Command(MemberSQL.lockedTrees) { $0.add(profiles) },
            Command(DataSQL.lock) {
                $0.add(profiles)
                $0.add(Set(places.map(\.section)).sorted())
            },
        ] + (wholes.isEmpty ? [] : [Command(DataSQL.whole) { $0.add(wholes.sorted()) }])
    }

    /// - Parameter results: of ``lockData()``.
    func note(data results: [PostgresResult]) throws(PostgresFailure) {
        guard results.count >= 2 else { return }
        try data.note(trees: results[0])
        try data.note(indexes: results[1])
        var rest = results.dropFirst(2)
        if data.asksForWholes { try data.note(whole: rest.removeFirst()) }
        if let mapped = rest.first { try data.note(mapped: mapped) }
    }

    /// Locks what is still to be locked of the profiles that are changed: for most groups nothing.
    func readData() throws(PostgresFailure) {
        var (missing, wholes): (Set<GroupData.Place>, Set<Int64>) = ([], [])
        var changes = 0
        forEachChange { change, profile, _ in
            changes += change.operations.count
            guard let id = profile.id, !profile.isMade else { return }
            let places = Set(change.sections.map { GroupData.Place(profile: id, section: $0) })
            if change.endsConsents, !places.isSubset(of: data.asked) { wholes.insert(id) }
            missing.formUnion(places)
        }
        missing.subtract(data.asked)
        let locks = lock(missing, reading: wholes)
        guard !locks.isEmpty else { return }
        // Another profile has the hash of the key, or had it when this one was looked for. Numbers that were drawn before
        // such a lock could be lower than those of a change that was written meanwhile.
        let results = try connection.run(locks + [drawEvents(changes)])
        try note(data: Array(results.dropLast()))
        changeIDs = IDBlocks(starts: results[locks.count].column(0).sorted())
    }

    /// Reads the edits that an index is unsure of, those that have what rules ask for, those with the values of mapped
    /// attributes that are overwritten, and those with consents that will count otherwise: for most groups none.
    func readEdits() throws(PostgresFailure) {
        var unsure = data.positions
        forEachChange { change, profile, others in
            guard let id = profile.id else { return }
            let profiles = [id] + others
            for operation in change.operations {
                switch operation {
                case .update(let section, let edits):
                    let index = data.indexes[GroupData.Place(profile: id, section: section)] ?? FieldIndex()
                    unsure.formUnion(index.unsure(of: edits))
                    let mapped = data.mapped[change.profile.account] ?? MappedAttributes()
                    unsure.formUnion(index.mappedPositions(of: edits, mapped))
                    unsure.formUnion(
                        edits.filter { $0.field.kind == .consent }
                            .compactMap { data.position(of: $0.field, section: section, profile: id) })
                // Which consent may follow is a question of the one that is there.
                case .consent(let section, let edits):
                    unsure.formUnion(
                        edits.compactMap { data.position(of: $0.place.field, section: section, profile: id) })
                case .lock, .erase, .merge, .restore:
                    // Of a closed one nothing counts, and what it had may be being removed.
                    for id in profiles where id != profile.id || profile.state == .open {
                        unsure.formUnion(data.consentPositions(of: id))
                    }
                case .unmerge, .addKey, .removeKey: continue
                }
            }
        }
        guard !unsure.isEmpty else { return }
        let rows = try connection.run(DataSQL.edits) { $0.add(unsure.sorted()) }
        try data.note(edits: rows)
        guard rows.count == unsure.count else { throw .damaged("a change of a profile is missing") }
    }

    /// Those that are not answered yet, each with its profile and the ids of other ones that it is about and that are open.
    private func forEachChange(_ body: (ProfileChange, Wanted, _ others: [Int64]) -> Void) {
        for (index, post) in posts.enumerated() where mustStore(index) {
            guard case .change(let change, _) = post, let need = needs[index].first else { continue }
            let others = needs[index].dropFirst().map { wanted[$0] }.filter { $0.state == .open }
            body(change, wanted[need], others.compactMap(\.id))
        }
    }
}

extension QueuedWrite {
    /// Attributes that it sets or clears, but for the default ones that are mapped in every account.
    fileprivate var customAttributes: [Int64] {
        guard case .change(let change, _) = self else { return [] }
        return change.operations.flatMap { operation in
            guard case .update(_, let edits) = operation else { return [Int64]() }
            return edits.filter {
                $0.field.kind == .attribute && BuiltInAttribute.keyFormat(ofAttribute: $0.field.number) == nil
            }.map(\.field.number)
        }
    }
}

extension ProfileChange {
    /// Whether no consent of the profile counts any more from here on. All that it has is asked for then.
    var endsConsents: Bool {
        operations.contains { operation in
            switch operation {
            case .lock, .erase: true
            // What these ask for they read when they know whom they are about.
            case .update, .consent, .merge, .unmerge, .restore, .addKey, .removeKey: false
            }
        }
    }

    /// Whose rows of `profile_data` it may change.
    var sections: [Int64] {
        operations.compactMap { operation in
            switch operation {
            case .update(let section, _), .consent(let section, _): section
            // An erasure writes none, and has to know the members.
            case .lock, .erase: 0
            // Their group reads what it needs when it knows whom they are about.
            case .merge, .unmerge, .restore, .addKey, .removeKey: nil
            }
        }
    }
}

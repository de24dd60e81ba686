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
    fileprivate(set) var asked: Set<Place> = []
    /// Of the rows that are there.
    fileprivate(set) var indexes: [Place: FieldIndex] = [:]
    /// By position, of what the indexes are unsure of.
    fileprivate(set) var edits: [Int64: PackedEdits] = [:]

    /// Of a profile, by section.
    func indexes(of profile: Int64, in sections: [Int64]) -> [Int64: FieldIndex] {
        var found: [Int64: FieldIndex] = [:]
        for section in sections { found[section] = indexes[Place(profile: profile, section: section)] }
        return found
    }
}

extension GroupTransaction {
    /// The rows that the group's changes need, by the ids that their profiles most likely have. Its locks come before the
    /// numbers of changes: who comes second has the higher ones. nil: no change needs any.
    func lockData() -> Command? {
        var places: Set<GroupData.Place> = []
        for (index, post) in posts.enumerated() {
            guard case .change(let change, _) = post, let need = needs[index].first else { continue }
            let profile = wanted[need].id ?? wanted[need].candidate.value
            places.formUnion(change.sections.map { GroupData.Place(profile: profile, section: $0) })
        }
        return lock(places)
    }

    private func lock(_ places: Set<GroupData.Place>) -> Command? {
        guard !places.isEmpty else { return nil }
        data.asked.formUnion(places)
        return Command(DataSQL.lock) {
            $0.add(Set(places.map(\.profile)).sorted())
            $0.add(Set(places.map(\.section)).sorted())
        }
    }

    func note(data rows: PostgresResult) throws(PostgresFailure) {
        for row in 0..<rows.count {
            let place = GroupData.Place(profile: rows.int64(row, 0), section: rows.int64(row, 1))
            // Each profile is asked for all sections that any of them needs.
            guard data.asked.contains(place) else { continue }
            guard let index = rows.withBytes(row, 2, { FieldIndex(bytes: $0) }) else {
                throw .damaged("what a profile holds cannot be read")
            }
            data.indexes[place] = index
        }
    }

    /// Reads what is still to be known of the profiles that are changed: for most groups nothing, or the edits that an index
    /// is unsure of.
    func readData() throws(PostgresFailure) {
        var missing: Set<GroupData.Place> = []
        var changes = 0
        forEachChange { change, profile in
            changes += change.operations.count
            guard let id = profile.id, !profile.isMade else { return }
            missing.formUnion(change.sections.map { GroupData.Place(profile: id, section: $0) })
        }
        missing.subtract(data.asked)
        if let lock = lock(missing) {
            // Another profile has the hash of the key, or had it when this one was looked for. Numbers that were drawn before
            // such a lock could be lower than those of a change that was written meanwhile.
            let results = try connection.run([lock, drawEvents(changes)])
            try note(data: results[0])
            changeIDs = IDBlocks(starts: results[1].column(0).sorted())
        }
        var unsure: Set<Int64> = []
        forEachChange { change, profile in
            guard let id = profile.id else { return }
            for case .update(let section, let edits) in change.operations {
                unsure.formUnion(
                    data.indexes[GroupData.Place(profile: id, section: section)]?.unsure(of: edits) ?? [])
            }
        }
        guard !unsure.isEmpty else { return }
        let rows = try connection.run(DataSQL.edits) { $0.add(unsure.sorted()) }
        for row in 0..<rows.count {
            guard let edits = rows.withBytes(row, 1, { PackedEdits(bytes: $0) }) else {
                throw .damaged("a change of a profile cannot be read")
            }
            data.edits[rows.int64(row, 0)] = edits
        }
        guard rows.count == unsure.count else { throw .damaged("a change of a profile is missing") }
    }

    /// Those that are not answered yet.
    private func forEachChange(_ body: (ProfileChange, Wanted) -> Void) {
        for (index, post) in posts.enumerated() where mustStore(index) {
            if case .change(let change, _) = post, let need = needs[index].first { body(change, wanted[need]) }
        }
    }
}

extension ProfileChange {
    /// Whose rows of `profile_data` it may change.
    var sections: [Int64] {
        operations.compactMap { operation in
            switch operation {
            case .update(let section, _): section
            case .lock: 0
            // Nobody else has a group under way, and its rows are removed afterwards.
            case .erase, .merge, .unmerge, .restore, .addKey, .removeKey: nil
            }
        }
    }
}

import OvationCore
import OvationRows

extension ProfileAppender {
    enum Decision {
        case write(ProfileDraft)
        /// Nothing is to be written, and no key to be remembered.
        case refuse(ProfileChangeOutcome)
    }

    /// Writes nothing.
    /// - Parameter position: the next number of the sequence that gives events their ids.
    func decide(_ change: ProfileChange, from position: Int64) throws -> Decision {
        let found = try find(change.profile, from: change.profile.foundingID)
        switch (change.precondition, found) {
        case (.exists, .free): return .refuse(.noProfile)
        case (.isNew, .open): return .refuse(.exists)
        // That it takes nothing says more.
        case (.isNew, .closed(_, let state)): return .refuse(.refused(state))
        // Nobody is made to be erased.
        case (_, .free) where change.erasure != nil: return .refuse(.noProfile)
        default: break
        }
        var draft = ProfileDraft(
            of: found.id, in: try tree(of: found), found.state, at: change.at, firstPosition: position)
        if case .free(let id) = found { draft.found(change.profile, at: id) }
        for operation in change.operations {
            if let refusal = try apply(operation, of: change, &draft) { return .refuse(refusal) }
        }
        return .write(draft)
    }

    /// - Returns: nil: it is in the draft, or changes nothing.
    private func apply(
        _ operation: ProfileChange.Operation, of change: ProfileChange, _ draft: inout ProfileDraft
    ) throws -> ProfileChangeOutcome? {
        switch operation {
        case .update(let section, let edits): try update(section, edits, of: change, &draft)
        case .consent(let section, let edits): try consent(section, edits, of: change, &draft)
        case .lock: try lock(of: change, &draft)
        case .erase(_, _, let locking): try erase(change, locking: locking, &draft)
        case .merge(let other, let rules): try merge(other, rules, of: change, &draft)
        case .unmerge: try unmerge(change.profile, &draft)
        case .restore: try restore(of: change, &draft)
        case .addKey(let address, let rules): try addKey(address, rules, of: change, &draft)
        case .removeKey: try removeKey(&draft)
        }
    }

    /// Runs inside the group's transaction.
    func write(_ draft: ProfileDraft, of change: ProfileChange) throws {
        for founding in draft.foundings {
            var key = founding.address.key.text
            let id = try key.withUTF8 { key in
                try make(
                    account: founding.address.account, keyspace: founding.address.keyspace, key: key, at: founding.id,
                    change.at)
            }
            if founding.isInPlace { try putInPlace(id) }
        }
        for member in draft.emptied { try emptyKey(of: member) }
        for row in draft.rows {
            if let state = row.state { try set(state, of: row.profile) }
            try data.insert(row, of: change)
        }
        consentCounts.note(draft.consentCounts)
        for (member, mark) in draft.marks { try set(key: mark, of: member) }
        for (place, index) in draft.indexes { try data.save(index, of: place.profile, section: place.section) }
        if !draft.values.isEmpty { try data.write(draft.values, account: change.profile.account) }
        for (member, membership) in draft.memberships {
            try putInPlace(member)
            try members.write(membership, of: member)
        }
    }

    // MARK: As the draft has it so far

    func index(of section: Int64, of member: Int64, in draft: ProfileDraft) throws -> FieldIndex {
        if let index = draft.indexes[ProfileDraft.Place(profile: member, section: section)] { return index }
        guard !draft.foundings.contains(where: { $0.id.value == member }) else { return FieldIndex() }
        return try data.index(of: member, section: section)
    }

    /// Of a whole profile.
    func index(of section: Int64, of tree: MemberTree, in draft: ProfileDraft) throws -> MergedIndex {
        var indexes: [Int64: FieldIndex] = [:]
        for member in tree.members.keys { indexes[member] = try index(of: section, of: member, in: draft) }
        return MergedIndex(tree, indexes)
    }

    func edits(at position: Int64, in draft: ProfileDraft) throws -> PackedEdits {
        let drafted = draft.rows.first { $0.position == position }
        return try drafted?.edits ?? data.edits(at: position)
    }

    /// Adds what became of a member as a whole.
    /// - Parameter other: the member of the other side, of a merge or its end.
    func note(
        _ kind: ProfileChange.Kind, state: ProfileState? = nil, of member: Int64, with other: Int64? = nil,
        _ draft: inout ProfileDraft
    ) throws {
        var index = try index(of: 0, of: member, in: draft)
        let edits = index.noteLife(at: draft.position, with: other)
        draft.add(kind, state: state, of: member, index, edits)
    }
}

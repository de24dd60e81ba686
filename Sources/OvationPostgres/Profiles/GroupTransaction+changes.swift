import OvationCore
import OvationRows

/// Changes of profiles, in the last steps of their group.
extension GroupTransaction {
    /// What is written of a change.
    struct PlannedChange {
        let change: ProfileChange
        let draft: ProfileDraft
    }

    /// Decides what becomes of each change. Asks nothing.
    func decideChanges() {
        for (index, post) in posts.enumerated() {
            guard case .change(let change, _) = post else { continue }
            switch outcomes[index] {
            case .duplicate(let answer)?: changeOutcomes[index] = .duplicate(answer: answer)
            case nil: changeOutcomes[index] = decide(change, at: index)
            case .stored?, .notOpen?, .refused?, .conflict?: changeOutcomes[index] = .conflict
            }
        }
    }

    private func decide(_ change: ProfileChange, at index: Int) -> ProfileChangeOutcome {
        let profile = wanted[needs[index][0]]
        switch change.precondition {
        case .exists where profile.id == nil: return .noProfile
        // That it takes nothing says more.
        case .isNew where profile.id != nil && profile.state != .open: return .refused(profile.state)
        case .isNew where profile.id != nil && !profile.isMade: return .exists
        case .exists, .isNew, .none: break
        }
        var draft = draft(of: change, at: index)
        if profile.id == nil, change.makesMembers { draft.found(change.profile) }
        var ids = changeIDs ?? eventIDs
        for operation in change.operations {
            if let refusal = draft.apply(operation, &ids) { return refusal }
        }
        // A change that a new profile refuses has made none.
        guard profile.id != nil || change.makesMembers else { return .noProfile }
        if changeIDs == nil { eventIDs = ids } else { changeIDs = ids }
        planned.append(PlannedChange(change: change, draft: draft))
        if !draft.trees.isEmpty { data.note(draft) }
        if let last = draft.rows.last {
            return draft.givesConsent ? .consented(position: last.position) : .changed(position: last.position)
        }
        return profile.isMade || !draft.founded.isEmpty ? .changed(position: nil) : .unchanged
    }

    func draft(of change: ProfileChange, at index: Int) -> ProfileDraft {
        let own = wanted[needs[index][0]]
        let member = own.id ?? own.candidate.value
        var (leading, free): ([Profile.Key: Int64], [Profile.Key: Int64]) = ([:], [:])
        for need in needs[index] {
            let key = Profile.Key(keyspace: wanted[need].address.keyspace, text: wanted[need].address.key)
            if let id = wanted[need].id { leading[key] = id } else { free[key] = wanted[need].candidate.value }
        }
        var members = data.members
        if members[member] == nil {
            members[member] = StoredMember(key: change.profile.profileKey, createdAt: change.at, state: own.state)
        }
        return ProfileDraft(
            change, member: member, members: members, trees: leading.values.compactMap { data.trees[$0] },
            leading: leading, free: free, stored: data.current, sections: data.sections, edits: data.edits,
            lockedKeys: memory.lockedKeys,
            mapped: data.mapped[change.profile.account] ?? MappedAttributes())
    }

    func addChanges(to round: inout Round) {
        let rows = planned.flatMap { planned in planned.draft.rows.map { (planned, $0) } }
        guard let first = rows.first else { return }
        if mark == nil { mark = .change(profile: first.1.profile, position: first.1.position) }
        for (_, row) in rows {
            guard let state = row.state else { continue }
            newStates[row.profile] = state
            newStateNumber = max(newStateNumber ?? 0, row.position)
            if let mark = row.mark {
                round.add(
                    Command(ErasureSQL.lockProfile) {
                        $0.add(row.profile)
                        $0.add(state.rawValue)
                        $0.add(mark)
                    })
                continue
            }
            round.add(
                Command(state == .locked ? ChangeSQL.setState : ErasureSQL.emptyProfile) {
                    $0.add(row.profile)
                    $0.add(state.rawValue)
                })
        }
        round.add(
            Command(ChangeSQL.insertChanges) {
                $0.add(rows.map(\.1.position))
                $0.add(rows.map(\.0.change.profile.account))
                $0.add(rows.map(\.1.profile))
                $0.add(rows.map(\.1.kind.rawValue))
                $0.add(rows.map { $0.1.state?.rawValue ?? -1 })
                $0.add(rows.map(\.0.change.at.milliseconds))
                $0.add(rows.map(\.0.change.actor))
                $0.add(rows.map { $0.1.section ?? -1 })
                $0.add(bytesOf: rows) { $0.1.edits.bytes }
            })
        addData(to: &round)
        addValues(to: &round)
        addConsentCounts(to: &round)
        addMembers(to: &round)
        if let newStateNumber { round.add(Command(ChangeSQL.setStateNumber) { $0.add(newStateNumber) }) }
    }

    /// The indexes, by rising place.
    private func addData(to round: inout Round) {
        let changed = planned.flatMap { planned in
            planned.draft.indexes.map { ($0.key, $0.value) }
        }.sorted { $0.0 < $1.0 }
        let isThere = changed.map { data.indexes[$0.0] != nil }
        for (statement, places) in [
            (DataSQL.insert, zip(changed, isThere).filter { !$0.1 }.map(\.0)),
            (DataSQL.save, zip(changed, isThere).filter(\.1).map(\.0)),
        ] where !places.isEmpty {
            round.add(
                Command(statement) {
                    $0.add(places.map(\.0.profile))
                    $0.add(places.map(\.0.section))
                    $0.add(bytesOf: places) { $0.1.bytes }
                })
        }
    }

    /// Each group writes those of profiles that it has locked.
    private func addValues(to round: inout Round) {
        func owned(_ values: (MappedValueChanges) -> [MappedValue]) -> [MappedValueRows.Owned] {
            planned.flatMap { planned in
                values(planned.draft.values).map { (planned.change.profile.account, $0) }
            }
        }
        let (removed, added) = (owned(\.removed), owned(\.added))
        if !removed.isEmpty { round.add(MappedValueRows.remove(removed)) }
        if !added.isEmpty { round.add(MappedValueRows.insert(added)) }
    }

    /// Of the lane's slot, which no other writer has.
    private func addConsentCounts(to round: inout Round) {
        var changes = ConsentCountChanges()
        for planned in planned { changes.add(planned.draft.consentCounts) }
        if let counts = ConsentCountRows.add(changes, slot: slot) { round.add(counts) }
    }

    /// Whether it adds rows that were not there to be locked: another transaction may make them first.
    var addsData: Bool {
        planned.contains { $0.draft.indexes.keys.contains { data.indexes[$0] == nil } }
    }
}

extension ProfileChangeOutcome {
    /// Whether nothing is written and no key is remembered, for a reason that this transaction found.
    var isRefusal: Bool {
        switch self {
        case .noProfile, .exists, .refused, .full, .different, .tooManyMembers, .canonical, .taken, .lastKey,
            .consentRefused:
            true
        case .changed, .consented, .unchanged, .duplicate, .conflict: false
        }
    }
}

extension ProfileState {
    /// No version writes a number that it does not know, so this one is not open in any case.
    init(stored number: Int64) {
        self = ProfileState(rawValue: number) ?? .locked
    }
}

import OvationCore
import OvationRows

/// Changes of profiles, in the last steps of their group.
extension GroupTransaction {
    /// What is written of a change.
    struct PlannedChange {
        let change: ProfileChange
        let profile: Int64
        let draft: ProfileDraft
    }

    /// Decides what becomes of each change. Asks nothing.
    func decideChanges() {
        for (index, post) in posts.enumerated() {
            guard case .change(let change, _) = post else { continue }
            switch outcomes[index] {
            case .duplicate(let answer)?: changeOutcomes[index] = .duplicate(answer: answer)
            case nil: changeOutcomes[index] = decide(change, wanted[needs[index][0]])
            case .stored?, .notOpen?, .refused?, .conflict?: changeOutcomes[index] = .conflict
            }
        }
    }

    private func decide(_ change: ProfileChange, _ profile: Wanted) -> ProfileChangeOutcome {
        switch change.precondition {
        case .exists where profile.id == nil: return .noProfile
        case .isNew where profile.id != nil && !profile.isMade: return .exists
        case .exists, .isNew, .none: break
        }
        let stored = profile.id.map { data.indexes(of: $0, in: change.sections) }
        var draft = ProfileDraft(state: profile.state, stored: stored ?? [:], edits: data.edits)
        var ids = changeIDs ?? eventIDs
        for operation in change.operations {
            if let refusal = draft.apply(operation, &ids) { return refusal }
        }
        // A change that a new profile refuses has made none.
        guard let id = profile.id else { return .noProfile }
        if changeIDs == nil { eventIDs = ids } else { changeIDs = ids }
        planned.append(PlannedChange(change: change, profile: id, draft: draft))
        if let last = draft.rows.last { return .changed(position: last.position) }
        return profile.isMade ? .changed(position: nil) : .unchanged
    }

    func addChanges(to round: inout Round) {
        let rows = planned.flatMap { planned in planned.draft.rows.map { (planned, $0) } }
        guard let first = rows.first else { return }
        if mark == nil { mark = .change(profile: first.0.profile, position: first.1.position) }
        for (planned, row) in rows {
            guard let state = row.state else { continue }
            newStates[planned.profile] = state
            newStateNumber = max(newStateNumber ?? 0, row.position)
            round.add(
                Command(state == .erased ? ErasureSQL.emptyProfile : ChangeSQL.setState) {
                    $0.add(planned.profile)
                    $0.add(state.rawValue)
                })
        }
        round.add(
            Command(ChangeSQL.insertChanges) {
                $0.add(rows.map(\.1.position))
                $0.add(rows.map(\.0.change.profile.account))
                $0.add(rows.map(\.0.profile))
                $0.add(rows.map(\.1.kind.rawValue))
                $0.add(rows.map { $0.1.state?.rawValue ?? -1 })
                $0.add(rows.map(\.0.change.at.milliseconds))
                $0.add(rows.map(\.0.change.actor))
                $0.add(rows.map { $0.1.section ?? -1 })
                $0.add(bytesOf: rows) { $0.1.edits.bytes }
            })
        addData(to: &round)
        if let newStateNumber { round.add(Command(ChangeSQL.setStateNumber) { $0.add(newStateNumber) }) }
    }

    /// The indexes, by rising place.
    private func addData(to round: inout Round) {
        let changed = planned.flatMap { planned in
            planned.draft.indexes.map { (GroupData.Place(profile: planned.profile, section: $0.key), $0.value) }
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

    /// Whether it adds rows that were not there to be locked: another transaction may make them first.
    var addsData: Bool {
        planned.contains { planned in
            planned.draft.indexes.keys.contains {
                data.indexes[GroupData.Place(profile: planned.profile, section: $0)] == nil
            }
        }
    }
}

extension ProfileChangeOutcome {
    /// Whether nothing is written and no key is remembered, for a reason that this transaction found.
    var isRefusal: Bool {
        switch self {
        case .noProfile, .exists, .refused, .full, .different, .tooManyMembers, .canonical, .taken, .lastKey: true
        case .changed, .unchanged, .duplicate, .conflict: false
        }
    }
}

extension ProfileState {
    /// No version writes a number that it does not know, so this one is not open in any case.
    init(stored number: Int64) {
        self = ProfileState(rawValue: number) ?? .locked
    }
}

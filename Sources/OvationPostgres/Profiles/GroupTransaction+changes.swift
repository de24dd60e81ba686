import OvationCore
import OvationRows

/// Changes of profiles, in step 4 of their group. An operation has a file of its own beside this one.
extension GroupTransaction {
    /// A profile that is being changed, as far as the operations before have come.
    struct ChangeTarget {
        let id: Int64
        var state: ProfileState
    }

    /// What is written of an operation that changed something.
    private struct Change {
        let position: Int64
        let profile: Int64
        let change: ProfileChange
        let operation: ProfileChange.Operation
    }

    func addChanges(to round: inout Round) {
        var written: [Change] = []
        for (index, post) in posts.enumerated() {
            guard case .change(let change, _) = post else { continue }
            let profile = wanted[needs[index][0]]
            guard let id = profile.id else {
                changeOutcomes[index] = .noProfile
                continue
            }
            changeOutcomes[index] = .unchanged
            var target = ChangeTarget(id: id, state: profile.state)
            for operation in change.operations {
                let isChanged =
                    switch operation {
                    case .update, .erase: preconditionFailure("not built yet")
                    case .lock: lock(&target, in: &round)
                    }
                guard isChanged else { continue }
                let position = eventIDs.next()
                written.append(Change(position: position, profile: id, change: change, operation: operation))
                changeOutcomes[index] = .changed(position: position)
                if operation.state != nil { newStateNumber = position }
            }
        }
        guard let first = written.first else { return }
        if mark == nil { mark = .change(position: first.position) }
        round.add(insert(written))
        if let newStateNumber { round.add(Command(ChangeSQL.setStateNumber) { $0.add(newStateNumber) }) }
    }

    func set(_ state: ProfileState, of target: inout ChangeTarget, in round: inout Round) {
        let id = target.id
        round.add(
            Command(ChangeSQL.setState) {
                $0.add(id)
                $0.add(state.rawValue)
            })
        target.state = state
        newStates[id] = state
    }

    private func insert(_ changes: [Change]) -> Command {
        Command(ChangeSQL.insertChanges) {
            $0.add(changes.map(\.position))
            $0.add(changes.map(\.change.profile.account))
            $0.add(changes.map(\.profile))
            $0.add(changes.map(\.operation.kind.rawValue))
            $0.add(changes.map { $0.operation.state?.rawValue ?? -1 })
            $0.add(changes.map(\.change.at.milliseconds))
            $0.add(changes.map(\.change.actor))
        }
    }
}

extension ProfileState {
    /// No version writes a number that it does not know, so this one is not open in any case.
    init(stored number: Int64) {
        self = ProfileState(rawValue: number) ?? .locked
    }
}

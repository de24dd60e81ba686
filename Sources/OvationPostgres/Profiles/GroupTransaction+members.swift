import OvationCore
import OvationRows

/// Changes that are about whole profiles: which keys lead to them, and which members they have. Such a change has a group of
/// its own, which has the order lock alone. See rule 21 of DESIGN.md.
extension GroupTransaction {
    /// Reads the members of the profiles that the change is about, and what is asked of them. No round trip, but for such a
    /// change.
    func readMembers() throws(PostgresFailure) {
        for (index, post) in posts.enumerated() where mustStore(index) {
            guard case .change(let change, _) = post, isAboutMembers(change, at: index) else { continue }
            guard posts.count == 1 else { throw .mustBeAlone }
            try findFreeIDs(for: change)
            // There is nothing to read for a refusal.
            if change.precondition == .exists, wanted[needs[index][0]].id == nil { return }
            try readMembers(for: change)
        }
    }

    /// Whether a profile has several members is certain by now.
    private func isAboutMembers(_ change: ProfileChange, at index: Int) -> Bool {
        // Whether it was locked for good before says the row.
        if change.makesMembers || change.erasure?.locking == true { return true }
        guard change.touchesState, let id = wanted[needs[index][0]].id else { return false }
        return data.trees[id] != nil
    }

    /// Each new profile needs an id that nobody has.
    private func findFreeIDs(for change: ProfileChange) throws(PostgresFailure) {
        if let id = wanted[needs[0][0]].id, change.operations.contains(.unmerge) {
            // The key is to lead to a new profile, behind the one that it leads to.
            var new = Wanted(
                address: wanted[needs[0][0]].address, createdAt: change.at, candidate: ProfileID(id),
                isConditional: true)
            new.leave(id)
            need(new, of: 0)
        }
        while true {
            while hasUnasked { try findInside() }
            guard let (first, second) = newWithOneID() else { return }
            wanted[second].leave(wanted[first].candidate.value)
        }
    }

    /// Two that are not there and would get the same id.
    private func newWithOneID() -> (Int, Int)? {
        let new = Set(needs[0]).filter { wanted[$0].id == nil }.sorted()
        guard new.count == 2, wanted[new[0]].candidate == wanted[new[1]].candidate else { return nil }
        return (new[0], new[1])
    }

    private func readMembers(for change: ProfileChange) throws(PostgresFailure) {
        let named = Set(needs[0].compactMap { wanted[$0].id })
        try data.note(trees: try connection.run([MemberRows.find(Array(named))])[0])
        let members = named.union(named.flatMap { data.trees[$0].map { Array($0.members.keys) } ?? [] }).sorted()
        let sections = Set(change.rules.flatMap(\.attributes).map(\.section) + change.sections + [0]).sorted()
        data.ask(
            for: Set(
                members.flatMap { id in sections.map { GroupData.Place(profile: id, section: $0) } }))
        var round = Round()
        for id in members { mark(id, in: &round) }
        let (rows, indexes) = (
            round.add(Command(MemberSQL.profiles) { $0.add(members) }),
            round.add(Command(MemberSQL.data) { $0.add(members) })
        )
        // At most one for each member, or two for the ends of a merge, and one for each section.
        let drawn = round.add(drawEvents(members.count + change.operations.count + 2))
        let results = try connection.run(round.commands)
        data.note(members: MemberRows.members(results[rows]))
        guard members.allSatisfy({ data.members[$0] != nil }) else {
            throw .damaged("a member of a profile is missing")
        }
        try data.note(whole: results[indexes])
        changeIDs = IDBlocks(starts: results[drawn].column(0).sorted())
        let draft = draft(of: change, at: 0)
        for rules in change.rules {
            for id in named { data.positions.formUnion(draft.positions(draft.tree(of: id), rules)) }
        }
    }

    func addMembers(to round: inout Round) {
        let saved = planned.flatMap(\.draft.savedMembers)
        let removed = planned.flatMap(\.draft.removedMembers)
        if !saved.isEmpty {
            round.add(
                Command(MemberSQL.save) {
                    $0.add(saved.map(\.id))
                    $0.add(saved.map(\.root))
                    $0.add(saved.map { $0.place.parent ?? $0.id })
                    $0.add(saved.map(\.place.joined))
                })
        }
        if !removed.isEmpty { round.add(Command(MemberSQL.remove) { $0.add(removed) }) }
    }
}

extension ProfileChange {
    /// Whether it can change which members profiles have. Such a change makes the profiles that it needs itself.
    var makesMembers: Bool { touchesKeys && erasure == nil }

    /// A second profile that it is about; nil: there is none.
    var other: ProfileAddress? {
        for operation in operations {
            switch operation {
            case .merge(let other, _), .addKey(let other, _): return other
            case .update, .consent, .lock, .erase, .unmerge, .restore, .removeKey: continue
            }
        }
        return nil
    }

    fileprivate var rules: [MergeRules] {
        operations.compactMap { operation in
            switch operation {
            case .merge(_, let rules), .addKey(_, let rules): rules
            case .update, .consent, .lock, .erase, .unmerge, .restore, .removeKey: nil
            }
        }
    }
}

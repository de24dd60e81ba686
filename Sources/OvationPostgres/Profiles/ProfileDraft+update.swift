import OvationCore
import OvationRows

extension ProfileDraft {
    /// What changes nothing leaves no row.
    mutating func update(
        _ section: Int64, _ edits: [ProfileEdit], _ ids: inout IDBlocks
    ) -> ProfileChangeOutcome? {
        guard state == .open else { return .refused(state) }
        let tree = tree(of: member)
        let whole = tree.count > 1 ? (index: merged(section, tree), member: member) : nil
        var index = index(of: section, in: member)
        let before = index
        let held = whole?.index.heldCount ?? index.heldCount
        var left = ids
        let position = left.next()
        guard let changed = index.apply(edits, at: position, knowing: self.edits, in: whole) else { return nil }
        // A profile that has too many, from a version with another limit, can lose some.
        let count = whole?.index.heldCount(after: changed) ?? index.heldCount
        guard count <= max(held, Limits.profileFieldsMax) else { return .full }
        let known = self.edits
        values.add(changed, of: member, from: before, mapped) { known[$0] }
        consentCounts.add(
            changed, section: change.profile.countedSection(section), account: change.profile.account
        ) { field in
            guard let entry = whole.map({ $0.index[field]?.entry }) ?? before[field], !entry.isCleared else {
                return nil
            }
            return known[entry.position]?[field]?.value
        }
        ids = left
        add(section, index, changed, at: position)
        return nil
    }
}

extension ProfileChange {
    /// Whether the group makes a profile that is not there: there is nothing in its operations that a new profile refuses.
    var makesProfile: Bool {
        // A change of keys makes what it needs itself, when it knows whether it takes effect.
        guard precondition != .exists, !touchesKeys else { return false }
        // Nearly always: a new profile has room, and takes what does not come behind a lock.
        let fields = operations.reduce(0) { $0 + $1.fieldCount }
        if fields <= Limits.profileFieldsMax, !touchesState { return true }
        var draft = ProfileDraft(self, member: 0, members: [0: StoredMember(createdAt: at, state: .open)])
        var ids = IDBlocks(starts: operations.indices.map { Int64($0 + 1) * Schema.eventBlock })
        return operations.allSatisfy { draft.apply($0, &ids) == nil }
    }
}

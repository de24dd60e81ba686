import OvationCore
import OvationRows

extension ProfileAppender {
    /// Two that are one already stay as they are. A lock spreads to the other one, and the two stay two.
    func merge(
        _ address: ProfileAddress, _ rules: MergeRules, of change: ProfileChange, _ draft: inout ProfileDraft
    ) throws -> ProfileChangeOutcome? {
        let found = try find(address, in: draft)
        guard draft.tree.members[found.id] == nil else { return nil }
        if case .free(let id) = found { draft.found(address, at: id) }
        let other = try tree(of: found)
        switch (draft.state, found.state) {
        case (.open, .open): break
        case (.open, _):
            try lock(draft.tree, of: change, &draft)
            return nil
        case (_, .open):
            try lock(other, of: change, &draft)
            return nil
        default: return nil
        }
        let (one, two) = (try side(draft.tree, rules, in: draft), try side(other, rules, in: draft))
        if let keyspace = rules.difference(one, two) { return .different(keyspace: keyspace) }
        guard draft.tree.count + other.count <= Limits.profileMembersMax else { return .tooManyMembers }
        for section in rules.sections {
            let (own, others) = (
                try index(of: section, of: draft.tree, in: draft), try index(of: section, of: other, in: draft)
            )
            guard own.heldCount(with: others) <= Limits.profileFieldsMax else { return .full }
        }
        let isCanonical = rules.isCanonical(one, over: two)
        let (canonical, joined) = isCanonical ? (draft.tree, other) : (other, draft.tree)
        for tree in [canonical, joined] { try countConsents(of: tree, -1, change, &draft) }
        draft.tree = draft.join(joined, to: canonical, at: draft.position)
        try countConsents(of: draft.tree, 1, change, &draft)
        try note(.merged, of: joined.root, with: canonical.root, &draft)
        try note(.merged, of: canonical.root, with: joined.root, &draft)
        return nil
    }
}

import OvationCore
import OvationRows

extension ProfileAppender {
    /// Cuts what was joined last above the member of the key.
    func restore(of change: ProfileChange, _ draft: inout ProfileDraft) throws -> ProfileChangeOutcome? {
        guard draft.state == .open else { return .refused(draft.state) }
        guard draft.tree.count > 1 else { return nil }
        guard let joined = draft.tree.lastJoined(above: draft.member) else { return .canonical }
        var rest = draft.tree
        let part = rest.cut(joined)
        for tree in [part, rest] where try profile(tree, in: draft).keys.isEmpty { return .lastKey }
        try countConsents(of: draft.tree, -1, change, &draft)
        for tree in [part, rest] { try countConsents(of: tree, 1, change, &draft) }
        draft.part(part, rest)
        draft.tree = part
        try note(.restored, of: part.root, with: rest.root, &draft)
        try note(.restored, of: rest.root, with: part.root, &draft)
        return nil
    }
}

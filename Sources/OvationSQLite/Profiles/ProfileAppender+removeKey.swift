import OvationCore
import OvationRows

extension ProfileAppender {
    /// The key of the change; another one has to lead to the profile.
    func removeKey(_ draft: inout ProfileDraft) throws -> ProfileChangeOutcome? {
        guard draft.state == .open else { return .refused(draft.state) }
        draft.emptyKey(of: draft.member)
        guard draft.tree.count > 1, try !profile(draft.tree, in: draft).keys.isEmpty else { return .lastKey }
        try note(.keyRemoved, of: draft.member, &draft)
        return nil
    }
}

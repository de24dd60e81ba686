import OvationCore

extension ProfileAppender {
    /// A locked profile stays: without its key it would take data again.
    func erase(_ draft: inout ProfileDraft) throws -> ProfileChangeOutcome? {
        guard draft.state == .open else { return .refused(draft.state) }
        draft.erase(try profile(draft.tree, in: draft))
        return nil
    }
}

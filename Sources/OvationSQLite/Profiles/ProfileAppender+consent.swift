import OvationCore
import OvationRows

extension ProfileAppender {
    /// Decides from what the whole profile has, and writes to the member of the key.
    func consent(
        _ section: Int64, _ asked: [ConsentEdit], of change: ProfileChange, _ draft: inout ProfileDraft
    ) throws -> ProfileChangeOutcome? {
        guard draft.state == .open else { return .refused(draft.state) }
        let whole = try index(of: section, of: draft.tree, in: draft)
        let decision = try ConsentDecision(asked) { field in
            guard let held = whole[field]?.entry, !held.isCleared else { return nil }
            return try edits(at: held.position, in: draft)[field]?.value
        }
        if let refusal = decision.refusal { return refusal }
        if decision.isMade { draft.noteConsent() }
        return try update(section, decision.edits, of: change, &draft)
    }
}

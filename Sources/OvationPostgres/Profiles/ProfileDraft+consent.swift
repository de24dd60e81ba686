import OvationCore
import OvationRows

extension ProfileDraft {
    /// Decides from what the whole profile has, and writes to the member of the key.
    mutating func consent(
        _ section: Int64, _ asked: [ConsentEdit], _ ids: inout IDBlocks
    ) -> ProfileChangeOutcome? {
        guard state == .open else { return .refused(state) }
        let whole = merged(section, tree(of: member))
        let decision = ConsentDecision(asked) { field in
            guard let held = whole[field]?.entry, !held.isCleared else { return nil }
            return edits[held.position]?[field]?.value
        }
        if let refusal = decision.refusal { return refusal }
        if decision.isMade { noteConsent() }
        return update(section, decision.edits, &ids)
    }
}

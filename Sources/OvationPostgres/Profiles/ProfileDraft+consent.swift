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

    /// Counts all consents of a profile, which are those that its members have by the draft so far.
    /// - Parameter profiles: 1: they count from here on; -1: they do not any more.
    mutating func countConsents(of tree: MemberTree, _ profiles: Int64) {
        for section in sections(of: tree) {
            for entry in FieldIndex.consents(of: tree.members.keys.map { index(of: section, in: $0) }) {
                consentCounts.add(
                    profiles, edits[entry.position]?[entry.field]?.value, in: entry.field,
                    section: change.profile.countedSection(section), account: change.profile.account)
            }
        }
    }
}

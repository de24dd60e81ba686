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

    /// Counts all consents of a profile, which are those that its members have by the draft so far.
    /// - Parameter profiles: 1: they count from here on; -1: they do not any more.
    func countConsents(
        of tree: MemberTree, _ profiles: Int64, _ change: ProfileChange, _ draft: inout ProfileDraft
    ) throws {
        var sections: Set<Int64> = []
        for member in tree.members.keys { sections.formUnion(try data.sections(of: member)) }
        for place in draft.indexes.keys where tree.members[place.profile] != nil { sections.insert(place.section) }
        for section in sections {
            let indexes = try tree.members.keys.map { try index(of: section, of: $0, in: draft) }
            for entry in FieldIndex.consents(of: indexes) {
                draft.consentCounts.add(
                    profiles, try edits(at: entry.position, in: draft)[entry.field]?.value, in: entry.field,
                    section: change.profile.countedSection(section), account: change.profile.account)
            }
        }
    }
}

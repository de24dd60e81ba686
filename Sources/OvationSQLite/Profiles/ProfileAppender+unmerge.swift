import OvationCore
import OvationRows

extension ProfileAppender {
    /// The member stays without its key, and a new profile is made for that.
    func unmerge(_ address: ProfileAddress, _ draft: inout ProfileDraft) throws -> ProfileChangeOutcome? {
        guard draft.state == .open else { return .refused(draft.state) }
        guard draft.tree.count > 1 else { return nil }
        let member = draft.member
        guard member != draft.tree.root else { return .canonical }
        draft.emptyKey(of: member)
        guard try !profile(draft.tree, in: draft).keys.isEmpty else { return .lastKey }
        let new = ProfileID(try find(address, behind: member, in: draft).id)
        // A reader that looked at memory before sees the key leave, so it has to find it in the file.
        draft.found(address, at: new, inPlace: true)
        try note(.unmerged, of: member, with: new.value, &draft)
        try note(.unmerged, of: new.value, with: member, &draft)
        return nil
    }
}

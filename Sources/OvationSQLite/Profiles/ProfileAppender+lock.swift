import OvationCore
import OvationRows

extension ProfileAppender {
    /// Locking again changes nothing.
    func lock(of change: ProfileChange, _ draft: inout ProfileDraft) throws -> ProfileChangeOutcome? {
        guard draft.state != .locked else { return nil }
        try lock(draft.tree, of: change, &draft)
        draft.state = .locked
        return nil
    }

    /// All members of a profile that is open: each post asks the row of its own key only.
    func lock(_ tree: MemberTree, of change: ProfileChange, _ draft: inout ProfileDraft) throws {
        try countConsents(of: tree, -1, change, &draft)
        for member in tree.ids { try note(.locked, state: .locked, of: member, &draft) }
    }
}

import OvationCore
import OvationRows

extension ProfileAppender {
    /// A locked profile stays: without its key it would take data again. It can be locked for good, once.
    func erase(_ change: ProfileChange, locking: Bool, _ draft: inout ProfileDraft) throws -> ProfileChangeOutcome? {
        guard locking else {
            guard draft.state == .open else { return .refused(draft.state) }
            try countConsents(of: draft.tree, -1, change, &draft)
            draft.erase(try profile(draft.tree, in: draft), leaving: nil)
            return nil
        }
        let profile = try profile(draft.tree, in: draft)
        guard !profile.keys.contains(where: { LockedKeys.isMark($0.text) }) else { return nil }
        // One that is locked already does not count.
        if draft.state == .open { try countConsents(of: draft.tree, -1, change, &draft) }
        let lockedKeys = try lockedKeys()
        let marks = profile.members.map { member in
            (member.id.value, lockedKeys.mark(of: member.key, account: change.profile.account))
        }
        draft.erase(profile, leaving: Dictionary(uniqueKeysWithValues: marks))
        return nil
    }
}

import OvationCore
import OvationRows

extension ProfileAppender {
    /// A locked profile stays: without its key it would take data again. It can be locked for good, once.
    func erase(_ change: ProfileChange, locking: Bool, _ draft: inout ProfileDraft) throws -> ProfileChangeOutcome? {
        guard locking else {
            guard draft.state == .open else { return .refused(draft.state) }
            draft.erase(try profile(draft.tree, in: draft), leaving: nil)
            return nil
        }
        let profile = try profile(draft.tree, in: draft)
        guard !profile.keys.contains(where: { LockedKeys.isMark($0.text) }) else { return nil }
        let lockedKeys = try lockedKeys()
        let marks = profile.members.map { member in
            (member.id.value, lockedKeys.mark(of: member.key, account: change.profile.account))
        }
        draft.erase(profile, leaving: Dictionary(uniqueKeysWithValues: marks))
        return nil
    }
}

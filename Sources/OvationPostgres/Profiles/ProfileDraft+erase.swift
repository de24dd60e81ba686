import OvationCore
import OvationRows

extension ProfileDraft {
    /// A locked profile stays: without its key it would take data again. It can be locked for good, once.
    mutating func erase(locking: Bool, _ ids: inout IDBlocks) -> ProfileChangeOutcome? {
        guard state == .open || locking else { return .refused(state) }
        if let key = members[member]?.key, LockedKeys.isMark(key.text) { return nil }
        let tree = tree(of: member)
        // One that is locked already does not count.
        if state == .open { countConsents(of: tree, -1) }
        // The canonical one last, as it is removed last.
        for id in tree.ids.dropFirst() + [tree.root] {
            let mark = locking ? lockedKeys?.mark(of: members[id]?.key, account: change.profile.account) : nil
            noteErasure(of: id, leaving: mark, at: ids.next())
        }
        return nil
    }
}

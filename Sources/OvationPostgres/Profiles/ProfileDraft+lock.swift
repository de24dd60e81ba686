import OvationCore
import OvationRows

extension ProfileDraft {
    mutating func lock(_ ids: inout IDBlocks) -> ProfileChangeOutcome? {
        lock(tree(of: member), &ids)
        return nil
    }

    /// Locking again changes nothing.
    mutating func lock(_ tree: MemberTree, _ ids: inout IDBlocks) {
        // One that is locked already does not count.
        if state(of: tree.root) == .open { countConsents(of: tree, -1) }
        for id in tree.ids where state(of: id) != .locked { note(.locked, of: id, state: .locked, at: ids.next()) }
    }
}

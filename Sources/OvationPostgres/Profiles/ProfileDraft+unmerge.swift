import OvationCore
import OvationRows

extension ProfileDraft {
    mutating func unmerge(_ ids: inout IDBlocks) -> ProfileChangeOutcome? {
        guard state == .open else { return .refused(state) }
        let tree = tree(of: member)
        guard tree.count > 1 else { return nil }
        guard tree.root != member else { return .canonical }
        guard hasKey(tree, but: member) else { return .lastKey }
        let new = freeID(of: change.profile)
        note(.unmerged, of: member, with: new, state: .open, at: ids.next())
        found(change.profile)
        note(.unmerged, of: new, with: member, at: ids.next())
        return nil
    }
}

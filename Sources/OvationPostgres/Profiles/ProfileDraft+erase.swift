import OvationCore
import OvationRows

extension ProfileDraft {
    mutating func erase(_ ids: inout IDBlocks) -> ProfileChangeOutcome? {
        guard state == .open else { return .refused(state) }
        let tree = tree(of: member)
        // The canonical one last, as it is removed last.
        for id in tree.ids.dropFirst() + [tree.root] { noteErasure(of: id, at: ids.next()) }
        return nil
    }
}

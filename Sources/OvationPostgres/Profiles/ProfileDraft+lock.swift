import OvationCore
import OvationRows

extension ProfileDraft {
    /// Locking again changes nothing.
    mutating func lock(_ ids: inout IDBlocks) -> ProfileChangeOutcome? {
        guard state != .locked else { return nil }
        var index = index(of: 0)
        let position = ids.next()
        let changed = index.noteLife(at: position)
        add(.lock, in: nil, index, changed, at: position)
        return nil
    }
}

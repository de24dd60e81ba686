import OvationCore
import OvationRows

extension ProfileDraft {
    /// Leaves the row of the change alone: what the profile holds is removed after the commit.
    mutating func erase(_ operation: ProfileChange.Operation, _ ids: inout IDBlocks) -> ProfileChangeOutcome? {
        guard state == .open else { return .refused(state) }
        add(operation, in: nil, nil, .erasure, at: ids.next())
        return nil
    }
}

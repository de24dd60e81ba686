import OvationCore
import OvationRows

extension ProfileAppender {
    /// Locking again changes nothing.
    func lock(_ draft: inout ProfileDraft) throws -> ProfileChangeOutcome? {
        guard draft.state != .locked else { return nil }
        var index = try index(of: 0, in: draft)
        let edits = index.noteLife(at: draft.position)
        draft.add(.lock, section: nil, index, edits)
        draft.state = .locked
        return nil
    }
}

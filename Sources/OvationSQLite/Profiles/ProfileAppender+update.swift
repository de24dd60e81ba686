import OvationCore
import OvationRows

extension ProfileAppender {
    /// What changes nothing leaves no row.
    func update(
        _ section: Int64, _ edits: [ProfileEdit], _ draft: inout ProfileDraft
    ) throws -> ProfileChangeOutcome? {
        guard draft.state == .open else { return .refused(draft.state) }
        var index = try index(of: section, in: draft)
        let held = index.heldCount
        var known: [Int64: PackedEdits] = [:]
        for position in index.unsure(of: edits) where known[position] == nil {
            let drafted = draft.rows.first { $0.position == position }
            known[position] = try drafted?.edits ?? data.edits(at: position)
        }
        guard let changed = index.apply(edits, at: draft.position, knowing: known) else { return nil }
        // A profile that has too many, from a version with another limit, can lose some.
        guard index.heldCount <= max(held, Limits.profileFieldsMax) else { return .full }
        draft.add(.update(section: section, edits), section: section, index, changed)
        return nil
    }
}

import OvationCore
import OvationRows

extension ProfileAppender {
    /// What changes nothing leaves no row.
    func update(
        _ section: Int64, _ edits: [ProfileEdit], of change: ProfileChange, _ draft: inout ProfileDraft
    ) throws -> ProfileChangeOutcome? {
        guard draft.state == .open else { return .refused(draft.state) }
        let member = draft.member
        var index = try index(of: section, of: member, in: draft)
        let before = index
        var unsure: [Int64: PackedEdits] = [:]
        for position in index.unsure(of: edits) where unsure[position] == nil {
            unsure[position] = try self.edits(at: position, in: draft)
        }
        let whole = draft.tree.count > 1 ? try self.index(of: section, of: draft.tree, in: draft) : nil
        let held = whole?.heldCount ?? index.heldCount
        guard
            let changed = index.apply(
                edits, at: draft.position, knowing: unsure, in: whole.map { (index: $0, member: member) })
        else { return nil }
        // A profile that has too many, from a version with another limit, can lose some.
        let count = whole?.heldCount(after: changed) ?? index.heldCount
        guard count <= max(held, Limits.profileFieldsMax) else { return .full }
        let mapped = try data.mapped(account: change.profile.account)
        let known = draft
        try draft.values.add(changed, of: member, from: before, mapped) { try self.edits(at: $0, in: known) }
        try draft.consentCounts.add(
            changed, section: change.profile.countedSection(section), account: change.profile.account
        ) { field in
            guard let entry = whole.map({ $0[field]?.entry }) ?? before[field], !entry.isCleared else { return nil }
            return try self.edits(at: entry.position, in: known)[field]?.value
        }
        draft.add(.updated, of: member, section: section, index, changed)
        return nil
    }
}

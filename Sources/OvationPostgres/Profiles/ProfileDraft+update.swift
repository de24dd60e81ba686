import OvationCore
import OvationRows

extension ProfileDraft {
    /// What changes nothing leaves no row.
    mutating func update(
        _ section: Int64, _ edits: [ProfileEdit], _ ids: inout IDBlocks
    ) -> ProfileChangeOutcome? {
        guard state == .open else { return .refused(state) }
        var index = index(of: section)
        let held = index.heldCount
        var left = ids
        let position = left.next()
        guard let changed = index.apply(edits, at: position, knowing: self.edits) else { return nil }
        // A profile that has too many, from a version with another limit, can lose some.
        guard index.heldCount <= max(held, Limits.profileFieldsMax) else { return .full }
        ids = left
        add(.update(section: section, edits), in: section, index, changed, at: position)
        return nil
    }
}

extension ProfileChange {
    /// Whether it makes a profile that is not there: there is nothing in its operations that a new profile refuses.
    var makesProfile: Bool {
        guard precondition != .exists, erasure == nil else { return false }
        // Nearly always: a new profile has room, and takes what does not come behind a lock.
        let fields = operations.reduce(0) { $0 + $1.fieldCount }
        if fields <= Limits.profileFieldsMax, !touchesState { return true }
        var draft = ProfileDraft(state: .open, stored: [:], edits: [:])
        var ids = IDBlocks(starts: operations.indices.map { Int64($0 + 1) * Schema.eventBlock })
        return operations.allSatisfy { draft.apply($0, &ids) == nil }
    }
}

import OvationCore
import OvationRows

/// A change of a profile as its group will write it. All of it is decided before anything is sent, since a group has no way
/// to take back a part. An operation has a file of its own beside this one.
struct ProfileDraft {
    /// A row of `profile_change`.
    struct Row {
        let position: Int64
        let kind: ProfileChange.Kind
        let state: ProfileState?
        /// nil: it is about the profile as a whole.
        let section: Int64?
        let edits: PackedEdits
    }

    /// As far as the operations before have come.
    private(set) var state: ProfileState
    /// Of the sections that are changed; 0 for the profile as a whole.
    private(set) var indexes: [Int64: FieldIndex] = [:]
    private(set) var rows: [Row] = []
    private let stored: [Int64: FieldIndex]
    /// By position, of what the indexes are unsure of.
    private(set) var edits: [Int64: PackedEdits]

    /// - Parameter stored: the indexes of the profile, whose rows this transaction has locked.
    init(state: ProfileState, stored: [Int64: FieldIndex], edits: [Int64: PackedEdits]) {
        (self.state, self.stored, self.edits) = (state, stored, edits)
    }

    /// Draws a number where something changes.
    /// - Returns: why nothing of the change may be written. nil: it may.
    mutating func apply(
        _ operation: ProfileChange.Operation, _ ids: inout IDBlocks
    ) -> ProfileChangeOutcome? {
        switch operation {
        case .update(let section, let edits): update(section, edits, &ids)
        case .lock: lock(&ids)
        case .erase: erase(operation, &ids)
        case .merge, .unmerge, .restore, .addKey, .removeKey: preconditionFailure("not built")
        }
    }

    /// Of a section; 0 for the profile as a whole.
    func index(of section: Int64) -> FieldIndex { indexes[section] ?? stored[section] ?? FieldIndex() }

    /// - Parameter index: nil: it stays as it is.
    mutating func add(
        _ operation: ProfileChange.Operation, in section: Int64?, _ index: FieldIndex?, _ changed: PackedEdits,
        at position: Int64
    ) {
        rows.append(
            Row(
                position: position, kind: operation.kind, state: operation.state, section: section, edits: changed))
        if let index { indexes[section ?? 0] = index }
        edits[position] = changed
        if let state = operation.state { self.state = state }
    }
}

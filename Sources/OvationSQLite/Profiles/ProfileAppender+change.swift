import OvationCore
import OvationRows

/// A change of a profile as it will be written. All of it is decided before anything is written, since a group has no way
/// to take back a part.
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

    let found: ProfileAppender.Found
    /// As far as the operations before have come.
    var state: ProfileState
    /// Of the sections that are changed; 0 for the profile as a whole.
    var indexes: [Int64: FieldIndex] = [:]
    var rows: [Row] = []
    private let firstPosition: Int64

    init(_ found: ProfileAppender.Found, firstPosition: Int64) {
        self.found = found
        self.firstPosition = firstPosition
        if case .closed(_, let state) = found { self.state = state } else { state = .open }
    }

    /// nil: the profile is not there yet.
    var profile: Int64? {
        switch found {
        case .open(let id), .closed(let id, _): id
        case .free: nil
        }
    }

    /// The number of the next row.
    var position: Int64 { firstPosition + Int64(rows.count) }

    /// The index stays as it is: it leads to the changes that are to be removed.
    mutating func addErasure() {
        rows.append(Row(position: position, kind: .erased, state: .erased, section: nil, edits: .erasure))
        state = .erased
    }

    mutating func add(_ operation: ProfileChange.Operation, section: Int64?, _ index: FieldIndex, _ edits: PackedEdits)
    {
        rows.append(
            Row(position: position, kind: operation.kind, state: operation.state, section: section, edits: edits))
        indexes[section ?? 0] = index
    }

    var outcome: ProfileChangeOutcome {
        if let last = rows.last { return .changed(position: last.position) }
        return profile == nil ? .changed(position: nil) : .unchanged
    }
}

extension ProfileAppender {
    enum Decision {
        case write(ProfileDraft)
        /// Nothing is to be written, and no key to be remembered.
        case refuse(ProfileChangeOutcome)
    }

    /// Writes nothing.
    /// - Parameter position: the next number of the sequence that gives events their ids.
    func decide(_ change: ProfileChange, from position: Int64) throws -> Decision {
        let profile = change.profile
        var key = profile.key.text
        let found = try key.withUTF8 {
            try find(account: profile.account, keyspace: profile.keyspace, key: $0, from: profile.foundingID)
        }
        var draft = ProfileDraft(found, firstPosition: position)
        switch change.precondition {
        case .exists where draft.profile == nil: return .refuse(.noProfile)
        case .isNew where draft.profile != nil: return .refuse(.exists)
        case .exists, .isNew, .none: break
        }
        // Nobody is made to be erased.
        if change.erasure != nil, draft.profile == nil { return .refuse(.noProfile) }
        for operation in change.operations {
            let refusal =
                switch operation {
                case .update(let section, let edits): try update(section, edits, &draft)
                case .lock: try lock(&draft)
                case .erase: erase(&draft)
                case .merge, .unmerge, .restore, .addKey, .removeKey: preconditionFailure("not built")
                }
            if let refusal { return .refuse(refusal) }
        }
        return .write(draft)
    }

    /// Runs inside the group's transaction.
    func write(_ draft: ProfileDraft, of change: ProfileChange) throws {
        let address = change.profile
        let id: Int64
        switch draft.found {
        case .open(let found), .closed(let found, _): id = found
        case .free(let free):
            var key = address.key.text
            id = try key.withUTF8 { key in
                try make(account: address.account, keyspace: address.keyspace, key: key, at: free, change.at)
            }
        }
        for row in draft.rows {
            if let state = row.state { try set(state, of: id) }
            try data.insert(row, of: change, id)
        }
        for (section, index) in draft.indexes { try data.save(index, of: id, section: section) }
    }

    /// Of a section, as the draft has it so far; 0 for the profile as a whole.
    func index(of section: Int64, in draft: ProfileDraft) throws -> FieldIndex {
        if let index = draft.indexes[section] { return index }
        guard let profile = draft.profile else { return FieldIndex() }
        return try data.index(of: profile, section: section)
    }
}

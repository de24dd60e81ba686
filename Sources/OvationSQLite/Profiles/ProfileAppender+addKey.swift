import OvationCore
import OvationRows

extension ProfileAppender {
    /// Makes a member without data, and joins it.
    func addKey(
        _ address: ProfileAddress, _ rules: MergeRules, of change: ProfileChange, _ draft: inout ProfileDraft
    ) throws -> ProfileChangeOutcome? {
        guard draft.state == .open else { return .refused(draft.state) }
        let found = try find(address, in: draft)
        guard draft.tree.members[found.id] == nil else { return nil }
        guard case .free(let id) = found else { return found.state == .open ? .taken : .refused(found.state) }
        let new = MergeRules.Side(profile: Profile(id: id, key: Profile.Key(address), createdAt: draft.at))
        if let keyspace = rules.difference(try side(behind: change, rules, draft), new) {
            return .different(keyspace: keyspace)
        }
        guard draft.tree.count < Limits.profileMembersMax else { return .tooManyMembers }
        draft.found(address, at: id)
        draft.tree = draft.join(MemberTree(alone: id.value), to: draft.tree, at: draft.position)
        try note(.keyAdded, of: id.value, &draft)
        return nil
    }

    /// As the profile is when the change is through: a key is moved with the value that it stands for.
    private func side(
        behind change: ProfileChange, _ rules: MergeRules, _ draft: ProfileDraft
    ) throws -> MergeRules.Side {
        var after = draft
        if change.operations.contains(.removeKey) { after.emptyKey(of: draft.member) }
        var side = try side(draft.tree, rules, in: after)
        for case .update(let section, let edits) in change.operations {
            for edit in edits where edit.field.kind == .attribute {
                let attribute = MergeRules.Attribute(section: section, number: edit.field.number)
                guard rules.attributes.contains(attribute) else { continue }
                side.values[attribute] = edit.value?.value
            }
        }
        return side
    }
}

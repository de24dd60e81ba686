import OvationCore
import OvationRows

extension ProfileDraft {
    mutating func addKey(
        _ address: ProfileAddress, _ rules: MergeRules, _ ids: inout IDBlocks
    ) -> ProfileChangeOutcome? {
        guard state == .open else { return .refused(state) }
        var tree = tree(of: member)
        if let other = memberLed(by: address) {
            guard tree.members[other] == nil else { return nil }
            return state(of: other) == .locked ? .refused(.locked) : .taken
        }
        let new = Profile(id: ProfileID(freeID(of: address)), key: address.profileKey, createdAt: change.at)
        if let keyspace = rules.difference(sideAfterwards(rules, ids), MergeRules.Side(profile: new)) {
            return .different(keyspace: keyspace)
        }
        guard tree.count < Limits.profileMembersMax else { return .tooManyMembers }
        let (id, position) = (found(address), ids.next())
        note(.keyAdded, of: id, at: position)
        tree.join(MemberTree(alone: id), at: position)
        set(tree)
        return nil
    }

    /// The profile as it is when the change is through: a key may be added together with the value that it stands for, and
    /// take the place of the one before.
    private func sideAfterwards(_ rules: MergeRules, _ ids: IDBlocks) -> MergeRules.Side {
        var (after, left) = (self, ids)
        for operation in change.operations {
            switch operation {
            // What refuses the change is found when it comes to it.
            case .update(let section, let edits): _ = after.update(section, edits, &left)
            // Rules ask for values of attributes alone.
            case .consent: break
            case .removeKey: after.forgetKey(of: member)
            case .lock, .erase, .merge, .unmerge, .restore, .addKey: break
            }
        }
        return after.side(after.tree(of: member), rules)
    }

    mutating func removeKey(_ ids: inout IDBlocks) -> ProfileChangeOutcome? {
        guard state == .open else { return .refused(state) }
        guard hasKey(tree(of: member), but: member) else { return .lastKey }
        note(.keyRemoved, of: member, state: .open, at: ids.next())
        return nil
    }
}

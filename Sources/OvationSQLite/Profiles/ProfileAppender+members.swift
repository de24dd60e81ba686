import OvationCore
import OvationRows

/// What operations ask about profiles of several members.
extension ProfileAppender {
    /// Asks the file only for a profile that may have others.
    func tree(of found: Found) throws -> MemberTree {
        switch found {
        case .free(let id): MemberTree(alone: id.value)
        // A member of several has left memory: its row was put into `profile` when it was joined.
        case .open(let id) where isInMemory(id): MemberTree(alone: id)
        case .open(let id), .closed(let id, _): try members.tree(of: id)
        }
    }

    /// Where a key leads, as the draft has it so far.
    /// - Parameter start: nil: from where its path begins.
    func find(_ address: ProfileAddress, behind start: Int64? = nil, in draft: ProfileDraft) throws -> Found {
        var id = start.map { ProfileID($0).afterCollision } ?? address.foundingID
        while true {
            let found = try find(address, from: id)
            if case .free(let free) = found {
                // Two that are made at once may have the same hash.
                guard let founding = draft.foundings.first(where: { $0.id == free }) else { return found }
                if founding.address == address { return .open(free.value) }
            } else if !draft.emptied.contains(found.id) {
                return found
            }
            id = ProfileID(found.id).afterCollision
        }
    }

    /// A whole profile, as the draft has it so far.
    func profile(_ tree: MemberTree, in draft: ProfileDraft) throws -> Profile {
        Profile(
            members: try tree.ids.map { id in
                let row = try row(of: id, in: draft)
                return ProfileMember(
                    id: ProfileID(id), key: draft.emptied.contains(id) ? nil : row.key, createdAt: row.createdAt,
                    joining: tree.members[id]?.joining)
            })
    }

    private func row(of id: Int64, in draft: ProfileDraft) throws -> (key: Profile.Key?, createdAt: Timestamp) {
        if let founding = draft.foundings.first(where: { $0.id.value == id }) {
            return (Profile.Key(founding.address), draft.at)
        }
        return try row(of: id)
    }

    /// What rules ask of a profile, as the draft has it so far.
    func side(_ tree: MemberTree, _ rules: MergeRules, in draft: ProfileDraft) throws -> MergeRules.Side {
        var side = MergeRules.Side(profile: try profile(tree, in: draft))
        for (section, attributes) in Dictionary(grouping: rules.attributes, by: \.section) {
            let index = try index(of: section, of: tree, in: draft)
            for attribute in attributes {
                let field = ProfileField.attribute(attribute.number)
                guard let held = index[field], !held.entry.isCleared else { continue }
                let position = held.entry.position
                guard let value = try edits(at: position, in: draft)[field]?.value else {
                    throw StoreFailure.missing(change: position)
                }
                side.values[attribute] = value.value
            }
        }
        return side
    }
}

extension Profile.Key {
    init(_ address: ProfileAddress) {
        self.init(keyspace: address.keyspace, text: address.key.text)
    }
}

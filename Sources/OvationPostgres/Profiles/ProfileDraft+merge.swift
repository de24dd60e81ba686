import OvationCore
import OvationRows

extension ProfileDraft {
    mutating func merge(
        _ address: ProfileAddress, _ rules: MergeRules, _ ids: inout IDBlocks
    ) -> ProfileChangeOutcome? {
        let other = memberLed(by: address) ?? found(address)
        let (own, others) = (tree(of: member), tree(of: other))
        guard own.root != others.root else { return nil }
        guard state == .open, state(of: other) == .open else {
            lock(own, &ids)
            lock(others, &ids)
            return nil
        }
        let (one, two) = (side(own, rules), side(others, rules))
        if let keyspace = rules.difference(one, two) { return .different(keyspace: keyspace) }
        guard own.count + others.count <= Limits.profileMembersMax else { return .tooManyMembers }
        for section in rules.sections {
            let count = merged(section, own).heldCount(with: merged(section, others))
            guard count <= Limits.profileFieldsMax else { return .full }
        }
        var (canonical, joined) = rules.isCanonical(one, over: two) ? (own, others) : (others, own)
        let position = ids.next()
        note(.merged, of: joined.root, with: canonical.root, at: position)
        note(.merged, of: canonical.root, with: joined.root, at: ids.next())
        for tree in [canonical, joined] { countConsents(of: tree, -1) }
        forget(treeOf: joined.root)
        canonical.join(joined, at: position)
        set(canonical)
        countConsents(of: canonical, 1)
        return nil
    }

    // MARK: What the rules ask

    func side(_ tree: MemberTree, _ rules: MergeRules) -> MergeRules.Side {
        var side = MergeRules.Side(profile: profile(tree))
        forEachHeld(tree, rules) { attribute, position in
            side.values[attribute] = edits[position]?[.attribute(attribute.number)]?.value?.value
        }
        return side
    }

    /// The changes that set what the rules ask for.
    func positions(_ tree: MemberTree, _ rules: MergeRules) -> Set<Int64> {
        var positions: Set<Int64> = []
        forEachHeld(tree, rules) { positions.insert($1) }
        return positions
    }

    private func forEachHeld(
        _ tree: MemberTree, _ rules: MergeRules, _ body: (MergeRules.Attribute, _ position: Int64) -> Void
    ) {
        for (section, attributes) in Dictionary(grouping: rules.attributes, by: \.section) {
            let merged = merged(section, tree)
            for attribute in attributes {
                guard let held = merged[.attribute(attribute.number)], !held.entry.isCleared else { continue }
                body(attribute, held.entry.position)
            }
        }
    }

    private func profile(_ tree: MemberTree) -> Profile {
        Profile(
            members: tree.ids.map {
                ProfileMember(
                    id: ProfileID($0), key: members[$0]?.key, createdAt: members[$0]?.createdAt ?? change.at)
            }, state: state(of: tree.root))
    }
}

package import OvationCore

/// The members of one profile, as the table `profile_member` has them: each but the canonical one was joined to another. A
/// profile of one member has no rows there.
package struct MemberTree: Sendable, Equatable {
    package struct Member: Sendable, Equatable {
        /// The member that it was joined to; nil: it is the canonical one.
        package var parent: Int64?
        /// The position of the change that joined it; 0 for the canonical one.
        package var joined: Int64

        package init(parent: Int64?, joined: Int64) {
            self.parent = parent
            self.joined = joined
        }
    }

    /// The canonical member.
    package private(set) var root: Int64
    /// By id, the canonical one among them.
    package private(set) var members: [Int64: Member]

    /// A profile of one member.
    package init(alone id: Int64) {
        root = id
        members = [id: Member(parent: nil, joined: 0)]
    }

    /// nil: these are not the members of one profile.
    package init?(_ members: [Int64: Member]) {
        let roots = members.filter { $0.value.parent == nil }
        guard roots.count == 1, let root = roots.first?.key else { return nil }
        self.root = root
        self.members = members
        for id in members.keys {
            // In the order of joining upwards, so nobody meets himself.
            let path = path(from: id)
            guard path.last == root else { return nil }
        }
    }

    /// nil: they are not the members of one profile.
    package init?(membersOf profile: Profile) {
        guard profile.members.count > 1 else {
            self.init(alone: profile.id.value)
            return
        }
        let members = profile.members.map { member in
            (
                member.id.value,
                Member(parent: member.joining?.parent.value, joined: member.joining?.position ?? 0)
            )
        }
        self.init(Dictionary(members) { $1 })
    }

    package var count: Int { members.count }

    /// The canonical one first, then in the order in which they were joined.
    package var ids: [Int64] {
        members.sorted { ($0.value.joined, $0.key) < ($1.value.joined, $1.key) }.map(\.key)
    }

    /// From a member up to the canonical one, as far as it goes; both included.
    private func path(from id: Int64) -> [Int64] {
        var path = [id]
        while let parent = members[path[path.count - 1]]?.parent, path.count <= members.count, members[parent] != nil {
            path.append(parent)
        }
        return path
    }

    // MARK: Changing

    /// Joins another profile to the canonical member.
    /// - Parameter position: of the change.
    package mutating func join(_ other: MemberTree, at position: Int64) {
        members.merge(other.members) { own, _ in own }
        members[other.root] = Member(parent: root, joined: position)
    }

    /// The member that was joined last, of this one and those between it and the canonical one; nil: it is the canonical one.
    package func lastJoined(above id: Int64) -> Int64? {
        path(from: id).filter { $0 != root }.max { (members[$0]?.joined ?? 0) < (members[$1]?.joined ?? 0) }
    }

    /// Takes a member out, with all that was joined to it.
    /// - Parameter id: not the canonical one.
    /// - Returns: what was taken out. This is what is left.
    package mutating func cut(_ id: Int64) -> MemberTree {
        precondition(id != root, "the canonical member is taken out of nothing")
        var part = MemberTree(alone: id)
        for (member, joining) in members where member != id && path(from: member).contains(id) {
            part.members[member] = joining
        }
        for member in part.members.keys { members[member] = nil }
        return part
    }

    /// What the profile of a member was at a position: those of these members that were joined before.
    func part(of id: Int64, before position: Int64) -> MemberTree {
        var tree = self
        for (member, joining) in members where joining.parent != nil && joining.joined >= position {
            tree.members[member] = Member(parent: nil, joined: 0)
        }
        let root = tree.path(from: id).last
        tree.members = tree.members.filter { tree.path(from: $0.key).last == root }
        tree.root = root ?? id
        return tree
    }

    /// Whether an export that began after a change gives the profile where it meets this member. Members that were one by then
    /// are met at the lowest of them. What was joined since could have been a profile of its own where that was met.
    /// - Parameter position: of that change.
    package func isExported(at id: Int64, since position: Int64) -> Bool {
        count == 1 || part(of: id, before: position == .max ? .max : position + 1).members.keys.min() == id
    }

    /// The members that were joined to each, in the order in which they were.
    fileprivate var children: [Int64: [(id: Int64, joined: Int64)]] {
        var children: [Int64: [(id: Int64, joined: Int64)]] = [:]
        for id in ids {
            if let member = members[id], let parent = member.parent {
                children[parent, default: []].append((id, member.joined))
            }
        }
        return children
    }
}

/// Where the values of a whole profile are in one section: for each field the member that has it. See rule 20 of Core's
/// DESIGN.md.
package struct MergedIndex: Sendable, Equatable {
    package struct Entry: Sendable, Equatable {
        package let member: Int64
        package let entry: FieldIndex.Entry

        package init(member: Int64, entry: FieldIndex.Entry) {
            self.member = member
            self.entry = entry
        }
    }

    /// By rising packed number of the field. Those that were cleared are among them.
    package let entries: [Entry]
    private let places: [ProfileField: Int]

    /// - Parameter indexes: of this section, by member; those that have none may be left out.
    package init(_ tree: MemberTree, _ indexes: [Int64: FieldIndex]) {
        let fields = Set(indexes.values.flatMap { $0.entries.map(\.field) }).sorted { $0.packed < $1.packed }
        let children = tree.children
        entries = fields.compactMap { field in
            field.kind == .consent
                ? MergedIndex.newest(field, indexes) : MergedIndex.entry(of: field, in: tree.root, children, indexes)
        }
        places = Dictionary(uniqueKeysWithValues: entries.enumerated().map { ($1.entry.field, $0) })
    }

    package subscript(field: ProfileField) -> Entry? { places[field].map { entries[$0] } }

    // MARK: Counting

    private func isHeld(_ field: ProfileField) -> Bool { self[field].map { !$0.entry.isCleared } ?? false }

    /// How many fields have a value.
    package var heldCount: Int { entries.count { !$0.entry.isCleared } }

    /// The same after a change, which is newer than all that is here.
    package func heldCount(after changed: PackedEdits) -> Int {
        changed.edits.reduce(heldCount) { $0 + ($1.value == nil ? 0 : 1) - (isHeld($1.field) ? 1 : 0) }
    }

    /// The same of this profile and another one together.
    package func heldCount(with other: MergedIndex) -> Int {
        heldCount + other.entries.count { !$0.entry.isCleared && !isHeld($0.entry.field) }
    }

    // MARK: Making

    /// Of a consent the last change counts, whenever it was joined: nobody is written to who said no last.
    private static func newest(_ field: ProfileField, _ indexes: [Int64: FieldIndex]) -> Entry? {
        indexes.compactMap { member, index in index[field].map { Entry(member: member, entry: $0) } }
            .max { $0.entry.position < $1.entry.position }
    }

    /// What was touched since it was joined counts by its position. What is from before counts only where there is a gap: the
    /// member that was joined first fills it.
    private static func entry(
        of field: ProfileField, in member: Int64, _ children: [Int64: [(id: Int64, joined: Int64)]],
        _ indexes: [Int64: FieldIndex]
    ) -> Entry? {
        var newest = indexes[member]?[field].map { Entry(member: member, entry: $0) }
        var before: [(joined: Int64, entry: Entry)] = []
        for child in children[member] ?? [] {
            guard let found = entry(of: field, in: child.id, children, indexes) else { continue }
            if found.entry.position < child.joined {
                before.append((child.joined, found))
            } else if (newest?.entry.position ?? 0) < found.entry.position {
                newest = found
            }
        }
        if let newest, !newest.entry.isCleared { return newest }
        // What was cleared since the joining is no gap.
        let cleared = newest?.entry.position ?? 0
        return before.first { $0.joined > cleared && !$0.entry.entry.isCleared }?.entry ?? newest
            ?? before.first?.entry
    }
}

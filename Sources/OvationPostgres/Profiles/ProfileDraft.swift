import OvationCore
import OvationRows

/// A change of a profile as its group will write it. All of it is decided before anything is sent, since a group has no way
/// to take back a part. An operation has a file of its own beside this one.
struct ProfileDraft {
    /// A row of `profile_change`.
    struct Row {
        let position: Int64
        /// The member that it is about.
        let profile: Int64
        let kind: ProfileChange.Kind
        /// That the member has since. Open: its key was taken from it.
        let state: ProfileState?
        /// nil: it is about the profile as a whole.
        let section: Int64?
        let edits: PackedEdits
        /// What stays of the member's key: it is locked for good.
        var mark: String?
    }

    /// A profile that the change makes.
    struct Founded {
        let id: Int64
        let address: ProfileAddress
    }

    let change: ProfileChange
    /// The one whose key names the profile.
    let member: Int64
    /// As far as the operations before have come, like all that follows.
    private(set) var members: [Int64: StoredMember]
    /// Profiles of several members, by the canonical one.
    private(set) var trees: [Int64: MemberTree]
    /// Of the sections that are changed; 0 for the profile as a whole.
    private(set) var indexes: [GroupData.Place: FieldIndex] = [:]
    private(set) var rows: [Row] = []
    /// Of mapped attributes.
    var values = MappedValueChanges()
    var consentCounts = ConsentCountChanges()
    private(set) var founded: [Founded] = []
    /// The keys of profiles that are erased, as they were.
    private(set) var erasedKeys: [Profile.Key] = []
    /// By position, of what the indexes are unsure of.
    private(set) var edits: [Int64: PackedEdits]
    /// Whether the profile gets a consent where it had none.
    private(set) var givesConsent = false
    private let stored: [GroupData.Place: FieldIndex]
    /// In which each member has or had something, of profiles that were read as a whole.
    private let sections: [Int64: Set<Int64>]
    private let treesBefore: [Int64: MemberTree]
    /// Which member a key leads to.
    private var leading: [Profile.Key: Int64] = [:]
    /// The id that a new profile with a key would get.
    private let free: [Profile.Key: Int64]
    /// nil: no change of this kind is asked about keys.
    let lockedKeys: LockedKeys?
    let mapped: MappedAttributes

    /// - Parameters:
    ///   - stored: the indexes of the profile, whose rows nobody else writes until the transaction is over.
    ///   - members: of all profiles that the change is about; without them it changes what one member holds, and no more.
    ///   - trees: of profiles of several members.
    ///   - leading: the members that are there of the keys that the change names.
    ///   - free: for those that are not there.
    init(
        _ change: ProfileChange, member: Int64, members: [Int64: StoredMember], trees: [MemberTree] = [],
        leading: [Profile.Key: Int64] = [:], free: [Profile.Key: Int64] = [:],
        stored: [GroupData.Place: FieldIndex] = [:], sections: [Int64: Set<Int64>] = [:],
        edits: [Int64: PackedEdits] = [:], lockedKeys: LockedKeys? = nil, mapped: MappedAttributes = MappedAttributes()
    ) {
        (self.change, self.member, self.members) = (change, member, members)
        (self.lockedKeys, self.mapped) = (lockedKeys, mapped)
        self.trees = Dictionary(trees.map { ($0.root, $0) }) { $1 }
        treesBefore = self.trees
        (self.leading, self.free, self.stored, self.edits) = (leading, free, stored, edits)
        self.sections = sections
    }

    /// Draws a number where something changes.
    /// - Returns: why nothing of the change may be written. nil: it may.
    mutating func apply(
        _ operation: ProfileChange.Operation, _ ids: inout IDBlocks
    ) -> ProfileChangeOutcome? {
        switch operation {
        case .update(let section, let edits): update(section, edits, &ids)
        case .consent(let section, let edits): consent(section, edits, &ids)
        case .lock: lock(&ids)
        case .erase(_, _, let locking): erase(locking: locking, &ids)
        case .merge(let other, let rules): merge(other, rules, &ids)
        case .unmerge: unmerge(&ids)
        case .restore: restore(&ids)
        case .addKey(let address, let rules): addKey(address, rules, &ids)
        case .removeKey: removeKey(&ids)
        }
    }

    // MARK: Looking

    var state: ProfileState { state(of: member) }

    func state(of id: Int64) -> ProfileState { members[id]?.state ?? .open }

    /// Of a section; 0 for the profile as a whole.
    func index(of section: Int64, in id: Int64) -> FieldIndex {
        let place = GroupData.Place(profile: id, section: section)
        return indexes[place] ?? stored[place] ?? FieldIndex()
    }

    /// The profile that has this member.
    func tree(of id: Int64) -> MemberTree {
        trees.values.first { $0.members[id] != nil } ?? MemberTree(alone: id)
    }

    /// What a whole profile has in a section.
    func merged(_ section: Int64, _ tree: MemberTree) -> MergedIndex {
        var found: [Int64: FieldIndex] = [:]
        for id in tree.members.keys {
            let index = index(of: section, in: id)
            if !index.entries.isEmpty { found[id] = index }
        }
        return MergedIndex(tree, found)
    }

    /// In which one of these members has or had something.
    func sections(of tree: MemberTree) -> Set<Int64> {
        var found = Set(indexes.keys.filter { tree.members[$0.profile] != nil }.map(\.section))
        for id in tree.members.keys { found.formUnion(sections[id] ?? []) }
        return found
    }

    /// Whether a key leads to a profile without some of its members.
    func hasKey(_ tree: MemberTree, but id: Int64? = nil) -> Bool {
        tree.members.keys.contains { $0 != id && members[$0]?.key != nil }
    }

    /// nil: it leads to none.
    func memberLed(by address: ProfileAddress) -> Int64? { leading[address.profileKey] }

    func freeID(of address: ProfileAddress) -> Int64 { free[address.profileKey] ?? address.foundingID.value }

    // MARK: Noting

    /// - Returns: the id of the new profile.
    @discardableResult
    mutating func found(_ address: ProfileAddress) -> Int64 {
        let id = freeID(of: address)
        members[id] = StoredMember(key: address.profileKey, createdAt: change.at, state: .open)
        leading[address.profileKey] = id
        founded.append(Founded(id: id, address: address))
        return id
    }

    mutating func noteConsent() { givesConsent = true }

    /// As if it were taken from it already.
    mutating func forgetKey(of id: Int64) { members[id]?.key = nil }

    mutating func set(_ tree: MemberTree) { trees[tree.root] = tree }

    mutating func forget(treeOf root: Int64) { trees[root] = nil }

    /// What was changed in a section.
    mutating func add(_ section: Int64, _ index: FieldIndex, _ changed: PackedEdits, at position: Int64) {
        indexes[GroupData.Place(profile: member, section: section)] = index
        add(
            Row(
                position: position, profile: member, kind: .updated, state: nil, section: section, edits: changed))
    }

    /// What became of a member as a whole.
    /// - Parameter other: of the other side.
    mutating func note(
        _ kind: ProfileChange.Kind, of id: Int64, with other: Int64? = nil, state: ProfileState? = nil,
        at position: Int64
    ) {
        var index = index(of: 0, in: id)
        let changed = index.noteLife(at: position, with: other)
        indexes[GroupData.Place(profile: id, section: 0)] = index
        add(Row(position: position, profile: id, kind: kind, state: state, section: nil, edits: changed))
    }

    /// Leaves the row of the change alone: what the member holds is removed after the commit.
    /// - Parameter mark: what stays of its key, if it is locked for good; nil: nothing.
    mutating func noteErasure(of id: Int64, leaving mark: String?, at position: Int64) {
        if let key = members[id]?.key { erasedKeys.append(key) }
        add(
            Row(
                position: position, profile: id, kind: mark == nil ? .erased : .locked,
                state: mark == nil ? .erased : .locked, section: nil, edits: .erasure, mark: mark))
    }

    private mutating func add(_ row: Row) {
        rows.append(row)
        edits[row.position] = row.edits
        guard let state = row.state else { return }
        members[row.profile]?.state = state
        if state != .locked { members[row.profile]?.key = nil }
    }

    // MARK: What is written of members

    struct SavedMember {
        let id: Int64
        let root: Int64
        let place: MemberTree.Member
    }

    /// Rows of `profile_member` that are new or other than before.
    var savedMembers: [SavedMember] {
        let before = ProfileDraft.places(treesBefore)
        return ProfileDraft.places(trees).filter { id, now in
            before[id].map { ($0.root, $0.place) != (now.root, now.place) } ?? true
        }.values.sorted { $0.id < $1.id }
    }

    /// Of members that stand alone from here on.
    var removedMembers: [Int64] {
        let now = ProfileDraft.places(trees)
        return ProfileDraft.places(treesBefore).keys.filter { now[$0] == nil }.sorted()
    }

    private static func places(_ trees: [Int64: MemberTree]) -> [Int64: SavedMember] {
        var places: [Int64: SavedMember] = [:]
        for tree in trees.values where tree.count > 1 {
            for (id, place) in tree.members { places[id] = SavedMember(id: id, root: tree.root, place: place) }
        }
        return places
    }
}

extension ProfileAddress {
    var profileKey: Profile.Key { Profile.Key(keyspace: keyspace, text: key.text) }
}

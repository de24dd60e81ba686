import OvationCore
import OvationRows

/// A change of a profile as it will be written. All of it is decided before anything is written, since a group has no way
/// to take back a part.
struct ProfileDraft {
    /// A row of `profile_change`.
    struct Row {
        let position: Int64
        /// The member that it is about.
        let profile: Int64
        let kind: ProfileChange.Kind
        let state: ProfileState?
        /// nil: it is about the profile as a whole.
        let section: Int64?
        let edits: PackedEdits
    }

    /// A profile to make.
    struct Founding {
        let address: ProfileAddress
        let id: ProfileID
        /// Whether it stands in `profile` from its first commit on, and not among the arrivals.
        let isInPlace: Bool
    }

    /// A section of a member; 0 for the member as a whole.
    struct Place: Hashable {
        let profile: Int64
        let section: Int64
    }

    let at: Timestamp
    /// The member that the key of the change leads to.
    let member: Int64
    /// The members of its profile, as far as the operations before have come.
    var tree: MemberTree
    /// Of the profile, likewise.
    var state: ProfileState
    private(set) var foundings: [Founding] = []
    private(set) var rows: [Row] = []
    /// Of the sections that are changed.
    private(set) var indexes: [Place: FieldIndex] = [:]
    /// Of mapped attributes.
    var values = MappedValueChanges()
    var consentCounts = ConsentCountChanges()
    /// Members that lose their key.
    private(set) var emptied: Set<Int64> = []
    /// What members that are locked for good have in place of their key.
    private(set) var marks: [Int64: String] = [:]
    /// What is to be in `profile_member` of each of these members; nil: nothing, since it stands alone.
    private(set) var memberships: [Int64: MemberAppender.Membership?] = [:]
    /// The profile that is erased, as it was.
    private(set) var erased: (profile: Profile, position: Int64)?
    /// Whether the profile gets a consent where it had none.
    private var givesConsent = false
    private let firstPosition: Int64

    /// - Parameters:
    ///   - member: that the key of the change leads to, or would lead to if it were made.
    ///   - firstPosition: the next number of the sequence that gives events their ids.
    init(of member: Int64, in tree: MemberTree, _ state: ProfileState, at: Timestamp, firstPosition: Int64) {
        (self.member, self.tree, self.state, self.at) = (member, tree, state, at)
        self.firstPosition = firstPosition
    }

    /// The number of the next row.
    var position: Int64 { firstPosition + Int64(rows.count) }

    var outcome: ProfileChangeOutcome {
        if let last = rows.last {
            return givesConsent ? .consented(position: last.position) : .changed(position: last.position)
        }
        return foundings.isEmpty ? .unchanged : .changed(position: nil)
    }

    mutating func found(_ address: ProfileAddress, at id: ProfileID, inPlace isInPlace: Bool = false) {
        foundings.append(Founding(address: address, id: id, isInPlace: isInPlace))
    }

    mutating func noteConsent() { givesConsent = true }

    mutating func emptyKey(of member: Int64) { emptied.insert(member) }

    mutating func add(
        _ kind: ProfileChange.Kind, state: ProfileState? = nil, of profile: Int64, section: Int64? = nil,
        _ index: FieldIndex, _ edits: PackedEdits
    ) {
        rows.append(
            Row(position: position, profile: profile, kind: kind, state: state, section: section, edits: edits))
        indexes[Place(profile: profile, section: section ?? 0)] = index
    }

    /// Indexes stay as they are: they lead to the changes that are to be removed.
    /// - Parameters:
    ///   - profile: as it was; the first row is that of its canonical member.
    ///   - marks: nil: it is erased; otherwise it is locked for good, and this stays of the keys of its members.
    mutating func erase(_ profile: Profile, leaving marks: [Int64: String]?) {
        erased = (profile, position)
        state = marks == nil ? .erased : .locked
        self.marks = marks ?? [:]
        for member in profile.members {
            rows.append(
                Row(
                    position: position, profile: member.id.value, kind: marks == nil ? .erased : .locked, state: state,
                    section: nil, edits: .erasure))
        }
    }

    /// Joins another profile to a tree. Both are whole.
    mutating func join(_ other: MemberTree, to tree: MemberTree, at position: Int64) -> MemberTree {
        var joined = tree
        joined.join(other, at: position)
        for id in other.members.keys { note(id, in: joined) }
        note(joined.root, in: joined)
        return joined
    }

    /// Notes two profiles that were one.
    mutating func part(_ one: MemberTree, _ other: MemberTree) {
        for tree in [one, other] {
            for id in tree.members.keys { note(id, in: tree) }
        }
    }

    private mutating func note(_ id: Int64, in tree: MemberTree) {
        let membership = tree.members[id].map { MemberAppender.Membership(root: tree.root, member: $0) }
        memberships[id] = .some(tree.count == 1 ? nil : membership)
    }
}

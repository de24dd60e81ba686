import OvationCore
import OvationRows

/// Posts up to the size of a group; or one change of definitions, or of which keys lead where. Of what only one post of a transaction can claim, the
/// second waits, and is then told what became of the first. What comes after a change of a profile waits for the next
/// group, and so does a change that comes after a post to it.
///
/// If the tables are spread, a group goes to one node: the oldest post says which. Posts to other nodes keep their
/// places, so the next group begins with the oldest of them. All posts of one profile go to one node, and stay in their
/// order.
///
/// A group that begins with a post which its lane can store on the node by itself takes such posts only. What it leaves of a
/// profile goes before what comes later to that profile. Any other group takes such posts too.
struct GroupLimits {
    private let eventsMax: Int
    private let shards: ShardMap?
    private let isOnNode: Bool
    /// Whether it has only posts for the node. nil: it has nothing yet.
    private var isForNode: Bool?
    /// By their founding ids: profiles of which something was left.
    private var left: Set<Int64> = []
    private var size = 0
    private var count = 0
    private var isFull = false
    private var claims: Set<Claim> = []
    private var node: Int64?
    /// By their founding ids: the profiles that the group posts to, and those that it changes.
    private var posted: Set<Int64> = []
    private var changed: Set<Int64> = []
    private var hasChunk = false

    /// - Parameter isOnNode: whether the lane can store posts on its node by itself.
    init(eventsMax: Int, shards: ShardMap?, isOnNode: Bool = false) {
        self.eventsMax = eventsMax
        self.shards = shards
        self.isOnNode = isOnNode
    }

    mutating func admit(_ needs: GroupNeeds) -> Admission {
        guard !isFull else { return .end }
        if isForNode == true, case .profile(let id) = needs.reach, !needs.isForNode || left.contains(id) {
            left.insert(id)
            return .leave
        }
        switch (needs.reach, shards) {
        case (.alone, _):
            isFull = true
            return count == 0 ? .take : .end
        case (.profile(let id), let shards?):
            let its = shards.node(of: id)
            guard node == nil || node == its else { return .leave }
            node = its
        case (.profiles, _?):
            guard node == nil else { return .end }
            isFull = true
        case (.profile, nil), (.profiles, nil), (.coordinator, _): break
        }
        guard size == 0 || size + needs.size <= eventsMax, isApart(needs) else { return .end }
        guard needs.claims.allSatisfy({ claims.insert($0).inserted }) else { return .end }
        size += needs.size
        count += 1
        if isForNode == nil { isForNode = isOnNode && needs.isForNode }
        note(needs)
        return .take
    }

    /// Whether the group has nothing of a profile that it changes, so that within it, nothing depends on what came first.
    private func isApart(_ needs: GroupNeeds) -> Bool {
        switch needs.reach {
        case .profile(let id) where needs.isChange: !hasChunk && !posted.contains(id) && !changed.contains(id)
        case .profile(let id): changed.isEmpty || !changed.contains(id)
        case .profiles: changed.isEmpty
        case .alone, .coordinator: true
        }
    }

    private mutating func note(_ needs: GroupNeeds) {
        switch needs.reach {
        case .profile(let id) where needs.isChange: changed.insert(id)
        case .profile(let id): posted.insert(id)
        case .profiles: hasChunk = true
        case .alone, .coordinator: break
        }
    }
}

/// What a waiting write needs from the group that takes it.
struct GroupNeeds {
    enum Reach {
        /// A separate transaction.
        case alone
        /// The machine that has this profile.
        case profile(Int64)
        /// Any machines.
        case profiles
        /// Only the machine that all commits need.
        case coordinator
    }

    let reach: Reach
    var size = 0
    var claims: [Claim] = []
    /// Of a profile, and not a post to it.
    var isChange = false
    /// A lane can store it on its node by itself.
    var isForNode = false
}

extension PostgresWriter.Work {
    var needs: GroupNeeds {
        switch self {
        case .change: GroupNeeds(reach: .alone)
        case .post(let post):
            GroupNeeds(
                reach: post.reach, size: post.size, claims: post.claims, isChange: post.isChange,
                isForNode: post.isForNode)
        }
    }
}

extension QueuedWrite {
    fileprivate var reach: GroupNeeds.Reach {
        switch self {
        case .append(let batch, _): .profile(batch.profile.foundingID.value)
        case .appendChunk: .profiles
        case .change(let change, _): change.makesMembers ? .alone : .profile(change.profile.foundingID.value)
        case .keep, .count: .coordinator
        }
    }
}

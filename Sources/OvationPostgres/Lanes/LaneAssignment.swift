import OvationCore

/// What a lane is for.
enum LanePlace: Hashable, Sendable {
    /// Any writes, since everything is on one machine.
    case any
    /// What no node is needed for.
    case coordinator
    /// What can be for several nodes.
    case nodes
    /// Posts to profiles of one node of Citus, and changes of them.
    case node(Int64)
}

/// Where a write goes: those of equal places go to one lane.
enum WritePlace: Sendable {
    /// By its founding id.
    case profile(Int64)
    case account(Int64)
    /// By any number; it can be for several nodes.
    case nodes(Int64)
}

/// Assigns writes to lanes. All posts of one profile go to one lane while any of them waits or is under way.
///
/// If the tables are spread, each node has lanes of its own, and nobody else's writes go to them: if the node is away, only
/// they stand still. Two more lanes are for what needs no node, and for what needs several. A shard that was moved gets a lane
/// of its new node as soon as nothing of it waits or is under way in the old one.
struct LaneAssignment {
    typealias Instant = ContinuousClock.Instant

    private let writerLanes: Int
    /// What each lane is for. Lanes are added for new nodes, and stay.
    private(set) var places: [LanePlace]
    private var lanesOfNodes: [Int64: [Int]] = [:]
    /// The shards as they are now; groups are made by them. nil: the tables are on one machine.
    private(set) var shards: ShardMap?
    /// The shards by which writes are counted. They differ in more than their nodes only after shards were split.
    private var counted: ShardMap?
    /// Of each shard, by its lowest hash: its lane, the one that it is to have, and what waits or is under way.
    private var lanes: [Int32: Int] = [:]
    private var targets: [Int32: Int] = [:]
    private var counts: [Int32: Int] = [:]
    private var readAt = Instant.now

    /// - Parameter lanes: on one machine, and those of all nodes together while that is at least one for each.
    init(lanes: Int, shards: ShardMap?) {
        writerLanes = max(lanes, 1)
        places = shards == nil ? Array(repeating: .any, count: writerLanes) : [.coordinator, .nodes]
        (self.shards, counted) = (shards, shards)
        addLanes()
        self.lanes = targets
    }

    /// Of all lanes that a server begins with.
    static func count(lanes: Int, nodes: Int) -> Int {
        nodes == 0 ? max(lanes, 1) : 2 + nodes * ownLanes(lanes, nodes)
    }

    private static func ownLanes(_ lanes: Int, _ nodes: Int) -> Int { max(lanes / nodes, 1) }

    private mutating func addLanes() {
        guard let shards else { return }
        for node in shards.nodes where lanesOfNodes[node.number] == nil {
            let own = LaneAssignment.ownLanes(writerLanes, shards.nodes.count)
            lanesOfNodes[node.number] = Array(places.count..<(places.count + own))
            places += Array(repeating: .node(node.number), count: own)
        }
        targets = shards.ranks.mapValues { place in
            let own = lanesOfNodes[place.node] ?? [0]
            return own[place.rank % own.count]
        }
    }

    /// Its lane, until it has left.
    mutating func enter(_ place: WritePlace) -> Int {
        guard counted != nil else { return LaneAssignment.lane(of: place.number, among: writerLanes) }
        switch place {
        case .account: return places.firstIndex(of: .coordinator) ?? 0
        case .nodes: return places.firstIndex(of: .nodes) ?? 0
        case .profile(let id):
            let shard = shard(of: id)
            if counts[shard] == nil, let target = targets[shard] { lanes[shard] = target }
            counts[shard, default: 0] += 1
            return lanes[shard] ?? 0
        }
    }

    /// It was answered.
    mutating func leave(_ place: WritePlace) {
        guard case .profile(let id) = place, let shard = counted?.shard(of: id), let count = counts[shard] else {
            return
        }
        counts[shard] = count == 1 ? nil : count - 1
    }

    /// After a split they are other shards, whose writes were not counted: these have their lanes when nothing waits at all.
    private mutating func shard(of profile: Int64) -> Int32 {
        if let shards, counts.isEmpty { counted = shards }
        return counted?.shard(of: profile) ?? 0
    }

    /// Ids are hashes, so on one machine the lanes can be any part of them.
    private static func lane(of number: Int64, among lanes: Int) -> Int {
        Int(UInt64(bitPattern: number) % UInt64(lanes))
    }

    /// The node that a lane is for, while it has shards.
    func node(of lane: Int) -> ShardMap.Node? {
        guard case .node(let number) = places[lane] else { return nil }
        return shards?.node(number)
    }

    func lanes(of node: Int64) -> [Int] { lanesOfNodes[node] ?? [] }

    /// Whether it is time to look for moved shards; true for one caller.
    mutating func mustRead(at now: Instant) -> Bool {
        guard shards != nil, readAt.advanced(by: Limits.shardsPoll) <= now else { return false }
        readAt = now
        return true
    }

    /// New nodes get lanes, at the end.
    /// - Returns: whether the shards have changed.
    mutating func note(_ new: ShardMap) -> Bool {
        guard shards != nil, shards != new else { return false }
        shards = new
        addLanes()
        return true
    }
}

extension WritePlace {
    fileprivate var number: Int64 {
        switch self {
        case .profile(let number), .account(let number), .nodes(let number): number
        }
    }
}

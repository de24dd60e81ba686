import OvationCore

/// Maps profiles to machines if Citus spreads the tables: a shard is a range of ``profileHash(_:)``, and is on one
/// node.
struct ShardMap: Equatable, Sendable {
    struct Shard: Equatable, Sendable {
        /// The lowest hash of the shard; it ends before the lowest hash of the next one.
        let first: Int32
        /// Number of the node, as Citus counts groups of machines.
        let node: Int64
    }

    private let firsts: [Int32]
    /// Of each shard: the place of its node among all nodes.
    private let nodes: [Int]
    /// Of each shard: how many come before it on its node.
    private let ranks: [Int]
    let nodeCount: Int

    /// nil: there are no shards.
    init?(_ shards: [Shard]) {
        guard !shards.isEmpty else { return nil }
        let sorted = shards.sorted { $0.first < $1.first }
        let numbers = Set(shards.map(\.node)).sorted()
        var counts = Array(repeating: 0, count: numbers.count)
        var (nodes, ranks): ([Int], [Int]) = ([], [])
        for shard in sorted {
            let node = numbers.firstIndex(of: shard.node) ?? 0
            nodes.append(node)
            ranks.append(counts[node])
            counts[node] += 1
        }
        firsts = sorted.map(\.first)
        (self.nodes, self.ranks, nodeCount) = (nodes, ranks, numbers.count)
    }

    private func shard(of profile: Int64) -> Int {
        let hash = profileHash(profile)
        var (low, high) = (0, firsts.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if firsts[middle] <= hash { low = middle } else { high = middle }
        }
        return low
    }

    /// The place of its node among all nodes.
    func node(of profile: Int64) -> Int { nodes[shard(of: profile)] }

    /// Each node has its own lanes while there are enough, so that only the lanes of a node that is away stand still.
    func lane(of profile: Int64, lanes: Int) -> Int {
        let shard = shard(of: profile)
        let node = nodes[shard]
        guard nodeCount < lanes else { return node % lanes }
        let own = (lanes - node + nodeCount - 1) / nodeCount
        return node + nodeCount * (ranks[shard] % own)
    }
}

extension ShardMap {
    /// nil: the tables are on one machine.
    static func read(_ connection: PostgresConnection) throws(PostgresFailure) -> ShardMap? {
        guard try connection.run(CitusSQL.isThere).bool(0, 0) else { return nil }
        let rows = try connection.run(CitusSQL.shards)
        return ShardMap(
            (0..<rows.count).map { Shard(first: Int32(clamping: rows.int64($0, 0)), node: rows.int64($0, 1)) })
    }
}

/// PostgreSQL's hash of a `bigint` (`hashint8`), by which Citus finds the shard of a row. It is the last step of Bob
/// Jenkins's lookup3 over the two halves combined. It never changes, since hash partitions on disks depend on it.
func profileHash(_ value: Int64) -> Int32 {
    let bits = UInt64(bitPattern: value)
    let (low, high) = (UInt32(truncatingIfNeeded: bits), UInt32(truncatingIfNeeded: bits >> 32))
    // A number that fits into 32 bits has the same hash as the 32-bit number.
    let word = low ^ (value >= 0 ? high : ~high)
    let start: UInt32 = 0x9E37_79B9 &+ 4 &+ 3_923_095
    var (a, b, c) = (start &+ word, start, start)
    func mix(_ target: inout UInt32, _ source: UInt32, by count: UInt32) {
        target ^= source
        target &-= source << count | source >> (32 - count)
    }
    mix(&c, b, by: 14)
    mix(&a, c, by: 11)
    mix(&b, a, by: 25)
    mix(&c, b, by: 16)
    mix(&a, c, by: 4)
    mix(&b, a, by: 14)
    mix(&c, b, by: 24)
    return Int32(bitPattern: c)
}

import OvationCore

/// Maps profiles to machines if Citus spreads the tables: a shard is a range of ``profileHash(_:)``, and is on one
/// node.
struct ShardMap: Equatable, Sendable {
    struct Shard: Equatable, Sendable {
        /// The lowest hash of the shard; it ends before the lowest hash of the next one.
        let first: Int32
        /// Number of the node.
        let node: Int64
    }

    struct Node: Equatable, Sendable {
        /// As Citus counts groups of machines.
        let number: Int64
        /// Host and port, as Citus knows them.
        let name: String
        /// An id that belongs there, for asking whether the node answers.
        let example: Int64

        /// nil: Citus has no primary there.
        var address: (host: String, port: String)? {
            guard let colon = name.lastIndex(of: ":"), colon > name.startIndex else { return nil }
            return (String(name[..<colon]), String(name[name.index(after: colon)...]))
        }
    }

    /// By rising number.
    let nodes: [Node]
    private let firsts: [Int32]
    /// Of each shard: the place of its node among ``nodes``.
    private let owners: [Int]

    /// nil: there are no shards.
    init?(_ shards: [Shard], names: [Int64: String] = [:]) {
        guard !shards.isEmpty else { return nil }
        let sorted = shards.sorted { $0.first < $1.first }
        let numbers = Set(shards.map(\.node)).sorted()
        let owners = sorted.map { numbers.firstIndex(of: $0.node) ?? 0 }
        let firsts = sorted.map(\.first)
        (self.firsts, self.owners) = (firsts, owners)
        var examples: [Int: Int64] = [:]
        var id: Int64 = 0
        while examples.count < numbers.count, id < ShardMap.examplesMax {
            let owner = owners[ShardMap.shard(of: id, firsts)]
            examples[owner] = examples[owner] ?? id
            id += 1
        }
        nodes = numbers.enumerated().map { place, number in
            Node(number: number, name: names[number] ?? "node \(number)", example: examples[place] ?? 0)
        }
    }

    /// A node with one shard of a thousand is found among so many ids.
    private static let examplesMax: Int64 = 20_000

    /// The lowest and the highest hashes of the shards that these are in, each once.
    func bounds(of ids: some Sequence<Int64>) -> (lowest: [Int64], highest: [Int64]) {
        let places = Set(ids.map { ShardMap.shard(of: $0, firsts) }).sorted()
        return (
            places.map { Int64(firsts[$0]) },
            places.map { $0 + 1 < firsts.count ? Int64(firsts[$0 + 1]) - 1 : Int64(Int32.max) }
        )
    }

    /// A number of slots of a lane on that node, which no other slot leads to. nil: there is none.
    func slot(of slot: Int64, on node: Int64) -> Int64? {
        stride(from: slot, to: slot + ShardMap.examplesMax * Locks.slotsMax, by: Int(Locks.slotsMax))
            .first { self.node(of: $0) == node }
    }

    /// The lowest hash of its shard.
    func shard(of profile: Int64) -> Int32 { firsts[ShardMap.shard(of: profile, firsts)] }

    /// Of each shard, by its lowest hash: its node, and how many shards come before it there.
    var ranks: [Int32: (node: Int64, rank: Int)] {
        var counts: [Int: Int] = [:]
        var found: [Int32: (node: Int64, rank: Int)] = [:]
        for (first, owner) in zip(firsts, owners) {
            found[first] = (nodes[owner].number, counts[owner, default: 0])
            counts[owner, default: 0] += 1
        }
        return found
    }

    private static func shard(of profile: Int64, _ firsts: [Int32]) -> Int {
        let hash = profileHash(profile)
        var (low, high) = (0, firsts.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if firsts[middle] <= hash { low = middle } else { high = middle }
        }
        return low
    }

    /// The place of its node among all nodes.
    func place(of profile: Int64) -> Int { owners[ShardMap.shard(of: profile, firsts)] }

    /// The number of its node.
    func node(of profile: Int64) -> Int64 { nodes[place(of: profile)].number }

    func node(_ number: Int64) -> Node? { nodes.first { $0.number == number } }
}

extension ShardMap {
    /// nil: the tables are on one machine.
    static func read(_ connection: PostgresConnection) throws(PostgresFailure) -> ShardMap? {
        guard try connection.run(CitusSQL.isThere).bool(0, 0) else { return nil }
        let rows = try connection.run(CitusSQL.shards)
        return ShardMap(
            (0..<rows.count).map { Shard(first: Int32(clamping: rows.int64($0, 0)), node: rows.int64($0, 1)) },
            names: Dictionary(
                (0..<rows.count).map { (rows.int64($0, 1), rows.text($0, 2)) }, uniquingKeysWith: { $1 }))
    }
}

extension ShardMap.Node {
    /// On a new connection, whose session has no connection to the node yet: it would wait on one to a node that is frozen.
    func verifyAnswers(_ connection: PostgresConnection) throws(PostgresFailure) {
        let rows = try connection.run(CitusSQL.reaches) { $0.add(number) }
        if rows.count == 1, !rows.bool(0, 0) {
            throw PostgresFailure(state: PostgresFailure.nodeAway, message: "the node \(name) does not answer")
        }
    }
}

extension NodeSQL {
    /// Numbers are drawn without a commit on the coordinator. So after a crash it may not know that it has given them, and would
    /// give them again. A lane calls this on each new connection before it draws: the connection is younger than the last start.
    static func raiseNumbersAfterStart(_ connection: PostgresConnection) throws(PostgresFailure) {
        guard try connection.run(isStarted).bool(0, 0) else { return }
        try connection.run([
            Command(.begin), Command(Locks.awaitOrder),
            Command(raiseNumbers) { $0.add(blocksAfterStart * Schema.eventBlock) }, Command(noteStart),
            Command(.commit),
        ])
    }

    /// Returns when what was under way on any node is committed or will never be.
    static func awaitOrders(_ connection: PostgresConnection) throws(PostgresFailure) {
        let rows = try connection.run(awaitOrders)
        guard rows.count > 0 else { return }
        throw PostgresFailure(
            state: PostgresFailure.nodeAway,
            message: "the node \(rows.text(0, 0)) did not finish what is under way: \(rows.textOrNil(0, 1) ?? "")")
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

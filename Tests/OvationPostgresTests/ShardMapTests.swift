import OvationCore
import OvationTesting
import Testing

@testable import OvationPostgres

/// Which machine has what, as Citus tells it; and who goes with whom because of it.
@Suite("ShardMap")
struct ShardMapTests {
    @Test("an id has the hash that PostgreSQL gives it")
    func hashes() throws {
        var random = SeededGenerator(seed: 7)
        var ids: [Int64] = [0, 1, -1, 77, -77, .max, .min, .min + 1, 1 << 31, 1 << 32, -1 << 31, -1 << 32, 0xFFFF_FFFF]
        ids += (0..<2000).map { _ in Int64.random(in: .min ... .max, using: &random) }
        ids += (0..<200).map { _ in Int64.random(in: -100_000...100_000, using: &random) }
        let list = ids.map { "(\($0))" }.joined(separator: ",")
        let rows = try PostgresServer.shared.get().query("SELECT hashint8(id) FROM (VALUES \(list)) AS list (id)")
        #expect(rows.split(separator: "\n").map { Int32($0) } == ids.map { profileHash($0) })
    }

    /// Shards of equal size, given to nodes in turn.
    private static func map(shards: Int, nodes: Int) throws -> ShardMap {
        let width = (Int64(UInt32.max) + 1) / Int64(shards)
        return try #require(
            ShardMap(
                (0..<shards).map { number in
                    let first = Int64(Int32.min) + Int64(number) * width
                    return ShardMap.Shard(first: Int32(first), node: Int64(10 + number % nodes))
                }.shuffled()))
    }

    @Test("a profile is on the node of the shard with its hash")
    func findsNodes() throws {
        let map = try Self.map(shards: 32, nodes: 3)
        var random = SeededGenerator(seed: 3)
        for _ in 0..<2000 {
            let id = Int64.random(in: .min ... .max, using: &random)
            let shard = (Int64(profileHash(id)) - Int64(Int32.min)) / (1 << 27)
            #expect(map.place(of: id) == Int(shard % 3) && map.node(of: id) == 10 + shard % 3)
        }
        #expect(map.nodes.map(\.number) == [10, 11, 12])
        #expect(map.nodes.allSatisfy { map.node(of: $0.example) == $0.number })
    }

    @Test(
        "each node has lanes of its own, however many nodes there are, and all lanes have work", arguments: 1...9, 1...5
    )
    func givesLanes(nodes: Int, lanes: Int) throws {
        let map = try Self.map(shards: 32, nodes: nodes)
        var assignment = LaneAssignment(lanes: lanes, shards: map)
        var random = SeededGenerator(seed: 5)
        var seen: [Int: Set<Int64>] = [:]
        for _ in 0..<3000 {
            let id = Int64.random(in: .min ... .max, using: &random)
            let lane = assignment.enter(.profile(id))
            #expect(assignment.places[lane] == .node(map.node(of: id)))
            #expect(assignment.node(of: lane)?.number == map.node(of: id))
            seen[lane, default: []].insert(map.node(of: id))
        }
        #expect(seen.count == nodes * max(lanes / nodes, 1) && seen.values.allSatisfy { $0.count == 1 })
        #expect(assignment.places.count == LaneAssignment.count(lanes: lanes, nodes: nodes))
        // What no node is needed for, and what can need several, goes to none of them.
        for id in [-9, 0, 9] as [Int64] {
            #expect(assignment.places[assignment.enter(.account(id))] == .coordinator)
            #expect(assignment.places[assignment.enter(.nodes(id))] == .nodes)
        }
    }

    @Test("the doctor counts the connections of a server as the guide for Citus does")
    func countsConnections() {
        let needed = [0, 1, 2, 4, 5, 6].map { PostgresDoctor.connectionsNeeded(Limits(), nodes: $0) }
        #expect(needed == [10, 16, 18, 22, 25, 28])
    }

    @Test("shards have bounds, which end where the next one begins")
    func hasBounds() throws {
        let map = try #require(
            ShardMap([.init(first: .min, node: 1), .init(first: 0, node: 2), .init(first: 1 << 30, node: 1)]))
        let ids = (0..<1000 as Range<Int64>)
        let (lowest, highest) = map.bounds(of: ids)
        #expect(lowest == [Int64(Int32.min), 0, 1 << 30] && highest == [-1, (1 << 30) - 1, Int64(Int32.max)])
        for id in ids.prefix(50) {
            let (one, other) = map.bounds(of: [id, id])
            #expect(one.count == 1 && one[0] <= Int64(profileHash(id)) && Int64(profileHash(id)) <= other[0])
        }
    }

    @Test("a lane has a slot on each node, and no two lanes have the same")
    func hasSlots() throws {
        let map = try Self.map(shards: 8, nodes: 3)
        var seen: Set<Int64> = []
        for slot in [0, 1, 7, 9_999] as [Int64] {
            for node in map.nodes {
                let own = try #require(map.slot(of: slot, on: node.number))
                #expect(map.node(of: own) == node.number && own % Locks.slotsMax == slot && seen.insert(own).inserted)
            }
        }
        #expect(map.slot(of: 1, on: 99) == nil)
    }

    @Test("a node has an address, where Citus has one for it")
    func hasAddresses() throws {
        let names: [Int64: String] = [1: "db1.example.com:5432", 2: "?", 3: "::1:5433"]
        let shards = [(Int32.min, 1), (0, 2), (9, 3)].map { ShardMap.Shard(first: $0, node: $1) }
        let nodes = try #require(ShardMap(shards, names: names)).nodes
        #expect(nodes.map { $0.address?.host } == ["db1.example.com", nil, "::1"])
        #expect(nodes.map { $0.address?.port } == ["5432", nil, "5433"])
        let target = try ConnectionTarget(
            "postgres://me:secret@a,b:1,2/events?hostaddr=1.2.3.4,1.2.3.5&sslmode=require")
        let other = target.at(host: "db1.example.com", port: "5432")
        #expect("\(other)" == "postgres://me@db1.example.com:5432/events")
        #expect(other.value(of: "hostaddr") == nil && other.value(of: "password") == "secret")
        #expect(other.value(of: "sslmode") == "require" && other.value(of: "connect_timeout") == "2")
    }

    @Test("without shards there is no map")
    func isNothing() {
        #expect(ShardMap([]) == nil)
    }

    // MARK: Lanes while shards move

    @Test(
        "a shard that was moved gets a lane of its new node when nothing of it waits or is under way, and others at once"
    )
    func handsOver() throws {
        let (old, new) = (try Self.map(shards: 4, nodes: 1), try Self.map(shards: 4, nodes: 2))
        var assignment = LaneAssignment(lanes: 4, shards: old)
        #expect(assignment.places.count == 2 + 4)
        let moved = (0..<1000 as Range<Int64>).filter { new.node(of: $0) == 11 }
        let id = try #require(moved.first)
        let same = try #require(moved.dropFirst().first { new.shard(of: $0) == new.shard(of: id) })
        let other = try #require(moved.first { new.shard(of: $0) != new.shard(of: id) })
        func place(_ id: Int64) -> LanePlace { assignment.places[assignment.enter(.profile(id))] }
        #expect(place(id) == .node(10) && place(id) == .node(10))
        #expect(assignment.note(old) == false && assignment.note(new) == true && assignment.shards == new)
        #expect(assignment.lanes(of: 11).count == 2 && assignment.lanes(of: 10).count == 4)
        // Two of the shard are not answered yet, so a third one has to come behind them.
        #expect(place(same) == .node(10) && place(other) == .node(11))
        assignment.leave(.profile(id))
        assignment.leave(.profile(same))
        #expect(place(id) == .node(10))
        assignment.leave(.profile(id))
        assignment.leave(.profile(id))
        #expect(place(id) == .node(11))
    }

    @Test("after shards were split, they get their lanes when nothing waits")
    func splits() throws {
        let (old, new) = (try Self.map(shards: 2, nodes: 1), try Self.map(shards: 4, nodes: 2))
        var assignment = LaneAssignment(lanes: 2, shards: old)
        let ids = (0..<100 as Range<Int64>).filter { new.node(of: $0) == 11 }
        let (id, other) = (try #require(ids.first), try #require(ids.last))
        let lane = assignment.enter(.profile(id))
        _ = assignment.note(new)
        #expect(assignment.enter(.profile(id)) == lane)
        assignment.leave(.profile(id))
        assignment.leave(.profile(id))
        #expect(assignment.places[assignment.enter(.profile(other))] == .node(11))
    }

    @Test("one of the callers looks for moved shards; none does if there are no shards")
    func asksNowAndThen() throws {
        var assignment = LaneAssignment(lanes: 4, shards: try Self.map(shards: 4, nodes: 2))
        let later = ContinuousClock.now.advanced(by: .seconds(6))
        #expect(!assignment.mustRead(at: .now) && assignment.mustRead(at: later) && !assignment.mustRead(at: later))
        var plain = LaneAssignment(lanes: 4, shards: nil)
        #expect(!plain.mustRead(at: later) && plain.enter(.profile(-1)) == 3 && plain.enter(.account(6)) == 2)
        #expect(plain.places == [.any, .any, .any, .any] && plain.enter(.nodes(5)) == 1)
    }
}

/// What a lane takes together where tables are spread.
@Suite("Groups of one node")
struct NodeGroupTests {
    private let shards: ShardMap

    init() throws {
        shards = try #require(ShardMap([.init(first: .min, node: 1), .init(first: 0, node: 2)]))
    }

    /// The n-th id of a node.
    private func id(_ number: Int, on node: Int) -> Int64 {
        let ids = (0..<1000 as Range<Int64>).filter { shards.place(of: $0) == node }
        return ids[number]
    }

    /// Places of what is taken together, one group after the other, from a line that nothing is added to.
    private func groups(
        _ needs: [GroupNeeds], eventsMax: Int = 10, isSpread: Bool = true, isOnNode: Bool = false
    ) -> [[Int]] {
        var pool = ConnectionPool<Int>(slots: 1, waitingMax: .max, patience: .seconds(1))
        for place in needs.indices { #expect(pool.offer(place, at: .now) == nil) }
        var groups: [[Int]] = []
        while pool.waitingCount > 0, groups.count < 20 {
            var limits = GroupLimits(eventsMax: eventsMax, shards: isSpread ? shards : nil, isOnNode: isOnNode)
            groups.append(pool.take { limits.admit(needs[$0]) })
        }
        return groups
    }

    private func post(_ number: Int, on node: Int, events: Int = 1, claims: [Claim] = []) -> GroupNeeds {
        GroupNeeds(reach: .profile(id(number, on: node)), size: events, claims: claims)
    }

    @Test("the oldest post says which node, the others of it come along, and the next group begins with what was left")
    func areOfOneNode() {
        let needs = [
            post(0, on: 0), post(0, on: 1), post(1, on: 0), post(1, on: 1), post(0, on: 0), post(0, on: 1),
        ]
        #expect(groups(needs) == [[0, 2, 4], [1, 3, 5]])
        #expect(groups(needs, isSpread: false) == [[0, 1, 2, 3, 4, 5]])
    }

    @Test(
        "a group that a lane stores on its node takes nothing else, and nothing overtakes a post to the same profile")
    func keepToTheNode() {
        func plain(_ number: Int) -> GroupNeeds {
            GroupNeeds(reach: .profile(id(number, on: 0)), size: 1, isForNode: true)
        }
        let change = GroupNeeds(reach: .profile(id(3, on: 0)), size: 1, isChange: true)
        let needs = [plain(0), post(1, on: 0), plain(1), plain(2), change, plain(3), plain(0)]
        #expect(groups(needs, isOnNode: true) == [[0, 3, 6], [1, 2, 4], [5]])
        #expect(groups(needs) == [[0, 1, 2, 3, 4], [5, 6]])
        // What comes first decides.
        #expect(groups([post(1, on: 0), plain(0), plain(2)], isOnNode: true) == [[0, 1, 2]])
        let chunk = GroupNeeds(reach: .profiles, size: 4)
        #expect(groups([plain(0), chunk, plain(1)], isOnNode: true) == [[0], [1], [2]])
    }

    @Test("a full group leaves later posts waiting, so no post of a profile overtakes another")
    func keepOrder() {
        let needs = [
            post(0, on: 0, events: 6), post(0, on: 1), post(0, on: 0, events: 6), post(0, on: 0), post(0, on: 1),
        ]
        #expect(groups(needs) == [[0], [1, 4], [2, 3]])
    }

    @Test("of two that claim the same, the second waits")
    func keepClaims() {
        let claim = [Claim.key(account: 1, "k")]
        let needs = [post(0, on: 0, claims: claim), post(1, on: 0, claims: claim), post(0, on: 1)]
        #expect(groups(needs) == [[0], [1], [2]])
    }

    @Test("refused posts go with any group; what is of all nodes, or a change, goes without posts of one")
    func mixWhatMay() {
        let keep = GroupNeeds(reach: .coordinator, size: 1)
        let chunk = GroupNeeds(reach: .profiles, size: 4)
        let change = GroupNeeds(reach: .alone)
        #expect(groups([keep, post(0, on: 1), post(0, on: 0), keep]) == [[0, 1, 3], [2]])
        #expect(groups([post(0, on: 1), chunk, post(1, on: 1)]) == [[0], [1], [2]])
        #expect(groups([keep, chunk, chunk]) == [[0, 1], [2]])
        #expect(groups([post(0, on: 1), change, post(0, on: 1)]) == [[0], [1], [2]])
        #expect(groups([post(0, on: 1), chunk, post(1, on: 0)], isSpread: false) == [[0, 1, 2]])
    }

    @Test(
        "a change of a profile goes with posts to others, and with nothing else of its profile",
        arguments: [true, false])
    func keepChangesApart(isSpread: Bool) {
        func change(_ number: Int) -> GroupNeeds {
            GroupNeeds(reach: .profile(id(number, on: 0)), size: 1, isChange: true)
        }
        let chunk = GroupNeeds(reach: .profiles, size: 4)
        func expect(_ needs: [GroupNeeds], _ expected: [[Int]]) {
            #expect(groups(needs, isSpread: isSpread) == expected)
        }
        expect([post(0, on: 0), change(1), post(2, on: 0), change(3)], [[0, 1, 2, 3]])
        expect([post(0, on: 0), change(0), post(0, on: 0)], [[0], [1], [2]])
        expect([change(0), change(0)], [[0], [1]])
        expect([chunk, change(0), chunk], [[0], [1], [2]])
        expect([change(0), post(1, on: 0), post(0, on: 0)], [[0, 1], [2]])
    }
}

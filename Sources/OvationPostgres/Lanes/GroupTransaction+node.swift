import OvationCore
import OvationRows

/// A group of posts that a lane stores on the node of their profiles by itself. See rule 26 of DESIGN.md.
extension GroupTransaction {
    /// Where a group is stored that is not stored through the coordinator. The group's connection is to the node.
    struct Node {
        let coordinator: PostgresConnection
        let number: Int64
        /// Host and port.
        let name: String
        let shards: ShardMap
    }

    /// What a row of `node_usage` counts, within a slot.
    private struct NodeUsageKey: Hashable {
        let usage: UsageKey
        let minute: Int64
    }

    /// Three round trips: the lock and the profiles on the node, the numbers on the coordinator, and all that is stored on the
    /// node. What is not as for most groups is left to the coordinator.
    func runOnNode(_ node: Node) throws(PostgresFailure) {
        // A key whose hash another key has can lead anywhere.
        guard wanted.allSatisfy({ node.shards.node(of: $0.id ?? $0.candidate.value) == node.number }) else {
            throw .throughCoordinator("a profile is on another node")
        }
        try beginOnNode(node)
        guard stateNumber == memory.known.stateNumber else {
            throw .throughCoordinator("the state of a profile has changed")
        }
        guard !hasUnasked else { throw .throughCoordinator("two keys have one hash") }
        try judge()
        try resolve()
        try commitOnNode(node.shards)
    }

    /// The lock comes before the numbers: who holds it alone knows that no number drawn before is still to be committed here.
    private func beginOnNode(_ node: Node) throws(PostgresFailure) {
        var round = Round()
        round.add(Command(.begin))
        round.add(Command(Locks.awaitOrderBriefly))
        round.add(Command(Locks.shareOrder))
        let find = addProfiles(to: &round, inserting: { _ in false })
        let results = try connection.run(round.commands)
        if let find { note(found: results[find.rows], made: nil) }
        let drawn: PostgresResult
        do throws(PostgresFailure) {
            drawn = try node.coordinator.run(NodeSQL.drawEvents) {
                $0.add(blocks(of: posts.reduce(0) { $0 + $1.positions }))
                $0.add(node.number)
            }
        } catch {
            // The lane finds it closed, and opens another.
            if error.isConnectionLost { node.coordinator.close() }
            throw .throughCoordinator("\(error)")
        }
        eventIDs = IDBlocks(starts: drawn.column(0).sorted())
        stateNumber = drawn.int64(0, 1)
        guard drawn.textOrNil(0, 2) == node.name else { throw .throughCoordinator("the node has another address") }
    }

    private func commitOnNode(_ shards: ShardMap) throws(PostgresFailure) {
        guard let events = events() else { return try connection.rollBackIfNeeded() }
        var round = Round()
        if let profiles = newProfiles() { round.add(profiles) }
        round.add(events)
        for command in nodeUsage() { round.add(command) }
        let (lowest, highest) = shards.bounds(of: wanted.compactMap(\.id) + [slot])
        round.add(
            Command(NodeSQL.verifyIsHere) {
                $0.add(lowest)
                $0.add(highest)
            })
        round.add(Command(.commit))
        try connection.run(round.commands)
    }

    private func nodeUsage() -> [Command] {
        var tallies: [NodeUsageKey: (events: Int64, last: Int64)] = [:]
        forEachEvent { post, _, _, _, version in
            let key = NodeUsageKey(
                usage: UsageKey(account: post.account, version: version), minute: Activity.minute(of: post.receivedAt))
            let (events, last) = tallies[key] ?? (0, .min)
            tallies[key] = (events + 1, max(last, post.receivedAt.milliseconds))
        }
        return tallies.map {
            NodeUsage.add(slot, $0.key.usage, minute: $0.key.minute, events: $0.value.events, last: $0.value.last)
        }
    }

    /// The same as the proof of a group that was stored through the coordinator: one more commit that waits for the standby.
    func proveOnNode(on connection: PostgresConnection) throws(PostgresFailure) {
        guard let post = posts.first else { return }
        let proof = NodeUsage.add(
            slot, UsageKey(account: post.account, version: 0), minute: 0, events: 0, last: post.receivedAt.milliseconds)
        try connection.run([Command(.begin), proof, Command(.commit)])
    }
}

/// The rows of usage that lanes write on their nodes.
enum NodeUsage {
    static func add(_ slot: Int64, _ key: UsageKey, minute: Int64, events: Int64, last: Int64) -> Command {
        Command(NodeSQL.addUsage) {
            for number in [slot, key.account, key.version, minute, events, last] { $0.add(number) }
        }
    }

    /// Adds up the minutes of a slot that are kept no longer.
    static func fold(_ connection: PostgresConnection, slot: Int64, before minute: Int64) throws(PostgresFailure) {
        let old = try connection.run([
            Command(.begin),
            Command(NodeSQL.takeOldUsage) {
                $0.add(slot)
                $0.add(minute)
            },
        ])[1]
        var sums: [UsageKey: (events: Int64, last: Int64)] = [:]
        for row in 0..<old.count {
            let key = UsageKey(account: old.int64(row, 0), version: old.int64(row, 1))
            let (events, last) = sums[key] ?? (0, .min)
            sums[key] = (events + old.int64(row, 2), max(last, old.int64(row, 3)))
        }
        try connection.run(
            sums.map { add(slot, $0.key, minute: 0, events: $0.value.events, last: $0.value.last) } + [Command(.commit)]
        )
    }
}

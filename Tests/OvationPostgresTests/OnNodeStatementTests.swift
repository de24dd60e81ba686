import Foundation
import OvationCore
import OvationRows
import OvationTesting
import Testing

@testable import OvationPostgres

/// What a lane does on a node of Citus, looked at on one PostgreSQL that has no Citus: it is the coordinator and the node, and has
/// tables like those in which Citus says where shards are.
@Suite("PostgresStore: statements on nodes", .serialized)
struct OnNodeStatementTests {
    private let database: Database
    private let memory = LaneMemory(
        limits: Limits(), forgetting: SharedForgetting(Forgetting(noted: nil, limits: Limits())))
    private let shards: ShardMap
    /// Ids on the node 1, and one on the node 2.
    private let ids: [Int64]
    private let elsewhere: Int64

    init() throws {
        // The test reads its log, so no other test may use it.
        database = try Database(server: PostgresServer())
        let map = try #require(ShardMap([.init(first: .min, node: 1), .init(first: 0, node: 2)]))
        let all = (0..<200 as Range<Int64>)
        ids = all.filter { map.node(of: $0) == 1 }
        elsewhere = all.first { map.node(of: $0) == 2 } ?? 0
        shards = map
        try database.open().close()
        for statement in [
            "CREATE TABLE pg_dist_shard (logicalrelid regclass, shardid bigint, shardminvalue text, shardmaxvalue text)",
            "CREATE TABLE pg_dist_placement (shardid bigint, groupid integer)",
            "CREATE TABLE pg_dist_local_group (groupid integer)",
            "CREATE TABLE pg_dist_node (groupid integer, nodename text, nodeport integer, noderole text)",
            "INSERT INTO pg_dist_node VALUES (1, 'a', 1, 'primary'), (2, 'b', 2, 'primary')",
            "INSERT INTO pg_dist_shard VALUES ('event', 1, '-2147483648', '-1'), ('event', 2, '0', '2147483647')",
            "INSERT INTO pg_dist_placement VALUES (1, 1), (2, 2)", "INSERT INTO pg_dist_local_group VALUES (1)",
        ] { _ = try database.query(statement) }
    }

    private func connect() throws -> PostgresConnection {
        try Session.open(try ConnectionTarget(database.target), for: .writing, patience: .seconds(15))
    }

    private func group(_ batches: [EventBatch]) throws -> GroupTransaction {
        let slot = try #require(shards.slot(of: 0, on: 1))
        return GroupTransaction(
            batches.map { .append($0, NobodyWaits()) }, on: try connect(), slot: slot, isSpread: true, memory, Limits(),
            node: GroupTransaction.Node(coordinator: try connect(), number: 1, name: "a:1", shards: shards))
    }

    private func failure(of batch: EventBatch) throws -> PostgresFailure? {
        let group = try group([batch])
        do throws(PostgresFailure) {
            try group.run()
            return nil
        } catch {
            try group.connection.rollBackIfNeeded()
            return error
        }
    }

    private func stored() throws -> String {
        try database.query(
            "SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM profile), (SELECT coalesce(sum(events), 0) FROM node_usage)"
        )
    }

    @Test("the lock comes before the numbers, and the look at the shards behind everything that is stored")
    func runsInOrder() throws {
        let name = try database.query("SELECT current_database()")
        try database.server.query("ALTER DATABASE \(name) SET log_statement = 'all'")
        for time in [1, 2] as [Int64] {
            try group([try Fixtures.batch("a@b.se", times: [time], id: ids[0])]).run()
        }
        let log = try database.server.query("SELECT pg_read_file(current_setting('data_directory') || '/../log')")
        let names = log.split(separator: "\n").compactMap { line in
            line.components(separatedBy: "execute ").dropFirst().first.map { String($0.prefix { $0 != ":" }) }
        }
        let groups = names.split(separator: "begin").map { $0.prefix { $0 != "commit" } }
            .filter { $0.contains("insert_events") }.map(Array.init)
        let expected = [
            "lock_order_timeout", "lock_order_shared", "find_profiles", "node_draw_events", "insert_new_profiles",
            "insert_events", "node_add_usage", "node_verify_is_here",
        ]
        #expect(groups == [expected, expected.filter { !$0.contains("profiles") }])
        #expect(try stored() == "2|1|2")
    }

    @Test("where a shard has been moved or split meanwhile, nothing is stored")
    func looksAtShards() throws {
        let batch = try Fixtures.batch("a@b.se", times: [1], id: ids[0])
        for (change, back) in [
            ("UPDATE pg_dist_placement SET groupid = 2", "UPDATE pg_dist_placement SET groupid = shardid"),
            ("UPDATE pg_dist_local_group SET groupid = 2", "UPDATE pg_dist_local_group SET groupid = 1"),
            (
                "UPDATE pg_dist_shard SET shardmaxvalue = '-9' WHERE shardid = 1",
                "UPDATE pg_dist_shard SET shardmaxvalue = '-1' WHERE shardid = 1"
            ),
            ("INSERT INTO pg_dist_placement VALUES (1, 2)", "DELETE FROM pg_dist_placement WHERE shardid <> groupid"),
        ] {
            _ = try database.query(change)
            #expect(try failure(of: batch)?.isOfMovedShard == true, "\(change)")
            #expect(try stored() == "0|0|0", "\(change)")
            _ = try database.query(back)
        }
        #expect(try failure(of: batch) == nil)
        #expect(try stored() == "1|1|1")
    }

    @Test(
        "what only the coordinator can say is left to it: other states, one hash of two keys, profiles of other nodes")
    func leavesOthers() throws {
        #expect(try failure(of: Fixtures.batch("a@b.se", times: [1], id: ids[0])) == nil)
        #expect(try failure(of: Fixtures.batch("c@d.se", times: [1], id: ids[0]))?.isThroughCoordinator == true)
        #expect(try failure(of: Fixtures.batch("e@f.se", times: [1], id: elsewhere))?.isThroughCoordinator == true)
        let twins = try ["g@h.se", "i@j.se"].map { try Fixtures.batch($0, times: [1], id: ids[1]) }
        let group = try group(twins)
        #expect(throws: PostgresFailure.self) { try group.run() }
        try group.connection.rollBackIfNeeded()
        _ = try database.query("SELECT setval('profile_state', 64)")
        #expect(try failure(of: Fixtures.batch("a@b.se", times: [2], id: ids[0]))?.isThroughCoordinator == true)
        #expect(try stored() == "1|1|1")
    }

    @Test("a post to a locked profile that the lane does not know is refused, and the others of its group are stored")
    func refuses() throws {
        #expect(try failure(of: Fixtures.batch("a@b.se", times: [1], id: ids[0])) == nil)
        _ = try database.query("UPDATE profile SET state = 1")
        memory.forgetProfiles(stateNumber: 0)
        let other = try Fixtures.batch("c@d.se", times: [1], id: ids[1])
        let group = try group([try Fixtures.batch("a@b.se", times: [2], id: ids[0]), other])
        try group.run()
        #expect(group.outcomes == [.refused([RefusedProfile(index: 0, state: .locked)]), nil])
        #expect(try stored() == "2|2|2")
        // Of these nothing is stored, and no transaction is left open.
        let refused = try self.group([try Fixtures.batch("a@b.se", times: [3], id: ids[0])])
        try refused.run()
        #expect(!refused.connection.isInTransaction && refused.outcomes.count == 1 && refused.outcomes[0] != nil)
        #expect(try stored() == "2|2|2")
    }

    @Test("a number is drawn only when nobody holds the lock of the node alone")
    func waitsForTheLock() throws {
        let holder = try connect()
        try holder.run([Command(.begin), Command(Locks.awaitOrder)])
        let drawn = try database.query("SELECT last_value, is_called FROM event_block")
        let batch = try Fixtures.batch("a@b.se", times: [1], id: ids[0])
        #expect(try failure(of: batch)?.isLockTimeout == true)
        #expect(try database.query("SELECT last_value, is_called FROM event_block") == drawn)
        try holder.run([Command(.rollback)])
        #expect(try failure(of: batch) == nil)
    }

    @Test("after each start of the coordinator, once, numbers go on far above the last one")
    func raisesNumbers() throws {
        func last() throws -> Int64 {
            let text = try database.query("SELECT last_value FROM event_block")
            return try #require(Int64(text))
        }
        func raise(_ count: Int) throws {
            for _ in 0..<count { try NodeSQL.raiseNumbersAfterStart(try connect()) }
        }
        // Of a new store nothing was drawn.
        let first = try last()
        try raise(2)
        #expect(try last() == first)
        #expect(try failure(of: Fixtures.batch("a@b.se", times: [1], id: ids[0])) == nil)
        for isSessionKilled in [false, true, false] {
            let drawn = try last()
            if isSessionKilled {
                try crashSession()
            } else {
                try database.server.stop("immediate")
                try database.server.start()
            }
            try raise(3)
            #expect(try last() >= drawn + NodeSQL.blocksAfterStart * Schema.eventBlock)
            #expect(try last() < drawn + 2 * NodeSQL.blocksAfterStart * Schema.eventBlock)
        }
        // What one has done while another one waited for the lock is not done again.
        let (holder, raised) = (try connect(), try last())
        try holder.run([Command(NodeSQL.raiseNumbers) { $0.add(1) }])
        #expect(try last() == raised)
    }

    /// PostgreSQL then ends all sessions, repeats its log, and goes on in the same process.
    private func crashSession() throws {
        let session = try connect()
        let process = try session.run(Statement("test_process", "SELECT pg_backend_pid()::bigint")).int64(0, 0)
        kill(pid_t(process), SIGKILL)
        let isGone = "SELECT count(*) FROM pg_stat_activity WHERE pid = \(process)"
        for _ in 0..<600 where (try? database.query(isGone)) != "0" { Thread.sleep(forTimeInterval: 0.1) }
    }

    @Test("minutes that are kept no longer are added up, and nothing is lost of the counts")
    func foldsMinutes() throws {
        let connection = try connect()
        let (one, two) = (UsageKey(account: 1, version: 11), UsageKey(account: 1, version: 12))
        try connection.run([
            NodeUsage.add(3, one, minute: 5, events: 2, last: 7), NodeUsage.add(3, one, minute: 6, events: 3, last: 6),
            NodeUsage.add(3, one, minute: 9, events: 4, last: 9), NodeUsage.add(3, two, minute: 5, events: 1, last: 1),
            NodeUsage.add(4, one, minute: 5, events: 10, last: 2), NodeUsage.add(3, one, minute: 9, events: 1, last: 8),
        ])
        for _ in 0..<2 {
            try NodeUsage.fold(connection, slot: 3, before: 9)
            let rows = try database.query("SELECT * FROM node_usage ORDER BY 1, 2, 3, 4")
            #expect(rows == "3|1|11|0|5|7\n3|1|11|9|5|9\n3|1|12|0|1|1\n4|1|11|5|10|2")
        }
        let usage = try ProfileRows.usage(connection, account: 1)
        #expect(usage.map(\.events) == [20, 1] && usage.map(\.lastSeenAt.milliseconds) == [9, 1])
        let activity = try ActivityRows.read(connection, account: 1, in: 5...9)
        #expect(activity.accepted(of: 5) == 10 && activity.accepted(of: 9) == 5 && activity.accepted(of: 6) == 0)
        // A copy has one sum for each version.
        _ = try database.query(
            "INSERT INTO version_usage (slot, account_id, version_id, events, last_received_at) VALUES (3, 1, 11, 5, 7)"
        )
        let sums = try connection.run(CopySQL.select(.usage)) {
            for number in [0, 0, 10] as [Int64] { $0.add(number) }
        }
        #expect(sums.column(1) == [11, 12] && sums.column(2) == [25, 1] && sums.column(3) == [9, 1])
        #expect(try connection.run(CopySQL.eventCount).int64(0, 0) == 26)
    }

    @Test("a lane goes to the node that it means, and not again at once to one that it cannot reach")
    func findsTheNode() throws {
        let target = try ConnectionTarget(database.target)
        func way(to number: Int64, name: String) -> (way: NodeWay, node: ShardMap.Node) {
            (NodeWay(target, limits: Limits()), ShardMap.Node(number: number, name: name, example: 0))
        }
        let folder = try #require(target.value(of: "host"))
        let (good, node) = way(to: 1, name: folder + ":5432")
        let coordinator = try connect()
        let connection = try #require(try good.open(to: node, of: coordinator))
        #expect(try good.open(to: node, of: coordinator) === connection && good.mayBeOpen)
        #expect(try good.openAgain() !== connection)
        // Nodes of another store have the same numbers.
        let other = try Database(server: database.server)
        try other.open().close()
        let stranger = try Session.open(try ConnectionTarget(other.target), for: .writing, patience: .seconds(15))
        let (wrong, same) = way(to: 1, name: folder + ":5432")
        #expect(throws: PostgresFailure.self) { try wrong.open(to: same, of: stranger) }
        #expect(wrong.connection == nil)
        for (number, name) in [(2, folder + ":5432"), (1, folder + ":1"), (1, "?")] as [(Int64, String)] {
            let (bad, node) = way(to: number, name: name)
            #expect(throws: PostgresFailure.self) { try bad.open(to: node, of: coordinator) }
            bad.fail()
            #expect(try bad.open(to: node, of: coordinator) == nil && !bad.mayBeOpen && bad.connection == nil)
        }
    }

    @Test("a group is not stored on a node that Citus has at another address meanwhile")
    func noticesAnotherAddress() throws {
        _ = try database.query("UPDATE pg_dist_node SET nodeport = 7 WHERE groupid = 1")
        let batch = try Fixtures.batch("a@b.se", times: [1], id: ids[0])
        #expect(try failure(of: batch)?.isThroughCoordinator == true)
        #expect(try stored() == "0|0|0")
    }
}

extension Activity {
    fileprivate func accepted(of minute: Int64) -> Int64 { minutes[minute]?.accepted ?? 0 }
}

import Foundation
import Logging
import OvationCore
import OvationRows

/// A lane's way straight to the node that it is for: a second connection beside the one to the coordinator. It belongs to the
/// lane's thread. Where the node cannot be reached, everything goes through the coordinator.
final class NodeWay {
    private let target: ConnectionTarget
    private let limits: Limits
    private var node: ShardMap.Node?
    private(set) var connection: PostgresConnection?
    /// The number of the connection on the node, or of the last one: tells whether it still lives.
    private(set) var sign: Int64 = 0
    /// The server of that connection, which the coordinator knows as the node.
    private var server: String?
    private var failures = 0
    private var retryAt: ContinuousClock.Instant?
    /// Of the slot on the node: the minutes before this one are added up.
    private var folded: (slot: Int64, minute: Int64)?

    /// Each try can take two seconds, in which the lane's posts wait.
    private static let retryMax = Duration.seconds(600)
    /// After a wait for a lock that took too long.
    static let pause = Duration.seconds(2)

    init(_ target: ConnectionTarget, limits: Limits) {
        (self.target, self.limits) = (target, limits)
    }

    /// Whether it is worth gathering posts for it.
    var mayBeOpen: Bool { retryAt.map { $0 <= .now } ?? true }

    /// The connection, or a new one, unless it has failed a while ago.
    func open(to node: ShardMap.Node, of coordinator: PostgresConnection) throws(PostgresFailure) -> PostgresConnection?
    {
        if self.node?.number != node.number || self.node?.name != node.name {
            close()
            (self.node, server, failures, retryAt) = (node, nil, 0, nil)
        }
        guard mayBeOpen else { return nil }
        if let connection { return connection }
        let (new, server) = try connect()
        // The name may lead elsewhere from this machine than from the coordinator's.
        let isFree = try coordinator.run(NodeSQL.isFree) {
            $0.add(node.example)
            $0.add(sign)
        }.bool(0, 1)
        guard !isFree else {
            close()
            throw NodeWay.isAnother
        }
        self.server = server
        return new
    }

    /// A new connection to the same server.
    func openAgain() throws(PostgresFailure) -> PostgresConnection {
        let (new, server) = try connect()
        guard server == self.server else {
            close()
            throw NodeWay.isAnother
        }
        return new
    }

    private static let isAnother = PostgresFailure(
        connection: "another server of PostgreSQL answers at that address")

    private func connect() throws(PostgresFailure) -> (PostgresConnection, server: String) {
        close()
        guard let node, let (host, port) = node.address else { throw PostgresFailure(connection: "it has no address") }
        let new = try Session.open(
            target.at(host: host, port: port), for: .writing, patience: limits.databaseAnswerMax)
        let sign = Int64.random(in: 0...Int64(Int32.max))
        let found = try new.run([
            Command(NodeSQL.identity), Command(Locks.beAlive) { $0.add(sign) }, Command(NodeSQL.settings),
        ])[0]
        guard found.int64(0, 0) == node.number else { throw NodeWay.isAnother }
        // It may not have what its primary has committed.
        guard !found.bool(0, 1) else { throw PostgresFailure(connection: "a standby answers at that address") }
        (connection, self.sign) = (new, sign)
        return (new, found.text(0, 2))
    }

    func close() {
        connection?.close()
        connection = nil
    }

    /// It is not tried again for a while, which doubles with each failure.
    func fail() {
        close()
        rest(for: min(.seconds(1 << min(failures, 10)), NodeWay.retryMax))
        failures += 1
    }

    /// A group was stored.
    func succeed() { failures = 0 }

    func rest(for duration: Duration) { retryAt = ContinuousClock.now.advanced(by: duration) }

    /// Ends a transaction that failed; if that fails too, the connection is of no use.
    func rollBack() {
        do throws(PostgresFailure) {
            try connection?.rollBackIfNeeded()
        } catch {
            close()
        }
    }

    /// Once a minute, after a commit.
    func fold(slot: Int64, before minute: Int64) throws(PostgresFailure) {
        guard let connection, folded.map({ $0 != (slot, minute) }) ?? true else { return }
        try NodeUsage.fold(connection, slot: slot, before: minute)
        folded = (slot, minute)
    }
}

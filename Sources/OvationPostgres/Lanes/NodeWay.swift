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
    private var failures = 0
    private var retryAt: ContinuousClock.Instant?
    /// Of the slot on the node: the minutes before this one are added up.
    private var folded: (slot: Int64, minute: Int64)?

    private static let retryMax = Duration.seconds(30)
    /// After a lock that somebody held for long.
    static let pause = Duration.seconds(2)

    init(_ target: ConnectionTarget, limits: Limits) {
        (self.target, self.limits) = (target, limits)
    }

    /// Whether it is worth gathering posts for it.
    var mayBeOpen: Bool { retryAt.map { $0 <= .now } ?? true }

    /// The connection, or a new one, unless it has failed a moment ago.
    func open(to node: ShardMap.Node) throws(PostgresFailure) -> PostgresConnection? {
        if self.node?.number != node.number || self.node?.name != node.name {
            close()
            (self.node, failures, retryAt) = (node, 0, nil)
        }
        guard mayBeOpen else { return nil }
        if let connection { return connection }
        return try connect()
    }

    /// A new connection to the same node.
    @discardableResult
    func connect() throws(PostgresFailure) -> PostgresConnection {
        close()
        guard let node, let (host, port) = node.address else { throw PostgresFailure(connection: "it has no address") }
        let connection = try Session.open(
            target.at(host: host, port: port), for: .writing, patience: limits.databaseAnswerMax)
        let sign = Int64.random(in: 0...Int64(Int32.max))
        let results = try connection.run([Command(NodeSQL.identity), Command(Locks.beAlive) { $0.add(sign) }])
        guard results[0].int64(0, 0) == node.number else {
            throw PostgresFailure(connection: "another server of PostgreSQL answers at that address")
        }
        (self.connection, self.sign, failures) = (connection, sign, 0)
        return connection
    }

    func close() {
        connection?.close()
        connection = nil
    }

    /// It is not tried again for a while, which doubles with each failure.
    func fail() {
        close()
        rest(for: min(.seconds(1 << min(failures, 6)), NodeWay.retryMax))
        failures += 1
    }

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

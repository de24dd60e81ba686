import OvationCore

/// A failure that PostgreSQL, or the connection to it, reported.
struct PostgresFailure: Error {
    /// SQLSTATE: five characters that never change, unlike the text beside them. Empty if the connection failed.
    let state: String
    /// Without the details, which can quote rows.
    let message: String
    /// The connection is of no use any more.
    let isConnectionLost: Bool
    /// A commit was under way when the connection broke.
    var isInDoubt = false
    private(set) var profiles: [Int64] = []

    init(state: String, message: String) {
        self.state = state
        self.message = message
        isConnectionLost = PostgresFailure.endsConnection(state)
    }

    init(connection message: String, isInDoubt: Bool = false) {
        state = ""
        self.message = message
        isConnectionLost = true
        self.isInDoubt = isInDoubt
    }

    /// The same transaction may succeed when it runs again: a deadlock, or a row that changed meanwhile.
    var isWorthRepeating: Bool { state == "40P01" || state == "40001" }

    /// Somebody else has held a lock for too long.
    var isLockTimeout: Bool { state == "55P03" }

    /// The server is there, and a machine behind it is not: one of the nodes among which Citus spreads the tables.
    var isNodeAway: Bool { state == PostgresFailure.nodeAway || state == "08000" }
    static let nodeAway = "08006"

    /// For statements with many rows, Citus passes on the message of a node without its code (XX000): another
    /// transaction made the profile meanwhile (23505), a deadlock, or a lost node. In all these cases it is worth
    /// trying a rolled-back group again.
    var isUnclearOfNode: Bool { !isDiskFull && (state == "XX000" || state == "23505") }

    /// PostgreSQL has a code for a full disk, and none for a full quota (EDQUOT): that is recognised by the text of the
    /// system, in any message.
    var isDiskFull: Bool { state == "53100" || message.contains(PostgresFailure.quotaExceeded) }
    private static let quotaExceeded = "Disk quota exceeded"

    /// A value of one post cannot be stored; the other posts of the group can.
    var isAboutData: Bool { state.hasPrefix("22") || state.hasPrefix("23") || isDamage }

    /// There is such a row already.
    var isDuplicate: Bool { state == "23505" }

    /// Of PostgreSQL's own, and of what is not what was written.
    var isDamage: Bool { state == PostgresFailure.damage }
    private static let damage = "XX001"

    /// - Parameter message: what cannot be read, without anything of what is stored.
    static func damaged(_ message: String) -> PostgresFailure { PostgresFailure(state: damage, message: message) }

    /// A change is about a profile of several members, and so has to be the only one of its group.
    static let mustBeAlone = PostgresFailure(state: alone, message: "a change of a whole profile is not alone")
    var isOfCompany: Bool { state == PostgresFailure.alone }
    private static let alone = "alone"

    /// What a group of posts needs, only the coordinator can say, or do for several nodes.
    static func throughCoordinator(_ message: String) -> PostgresFailure {
        PostgresFailure(state: coordinator, message: message)
    }
    var isThroughCoordinator: Bool { state == PostgresFailure.coordinator }
    private static let coordinator = "coordinator"

    /// A shard is not on the node where a group meant to write to it (``NodeSQL/verifyIsHere``).
    var isOfMovedShard: Bool { state == "22012" }

    /// A read on a connection that is for one node needs others too.
    /// - Parameter profiles: of whose nodes.
    static func ofOtherNodes(_ profiles: [Int64]) -> PostgresFailure {
        var failure = PostgresFailure(state: elsewhere, message: "a profile is on several nodes")
        failure.profiles = profiles
        return failure
    }

    var isOfOtherNodes: Bool { state == PostgresFailure.elsewhere }
    private static let elsewhere = "elsewhere"

    /// The server is going down, or is not the one that takes writes: another connection may find a better one. A
    /// server never reports a failure of its own connection (08006, 08000): these codes concern one behind it.
    private static func endsConnection(_ state: String) -> Bool {
        state.hasPrefix("08P") || state.hasPrefix("57P") || state == "25006"
    }
}

extension PostgresFailure: CustomStringConvertible {
    var description: String { state.isEmpty ? message : "\(state): \(message)" }
}

extension StoreFailure {
    /// The meaning for the caller, with what an operator can do if that is known.
    init(_ failure: PostgresFailure) {
        if failure.isInDoubt {
            self.init(.outcomeUnknown, "the connection broke during a commit: \(failure)")
            return
        }
        self.init(failure.isDiskFull ? .full : failure.isDamage ? .damaged : .unavailable, failure.advised)
    }
}

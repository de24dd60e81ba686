import OvationCore

/// What PostgreSQL or the way to it said.
struct PostgresFailure: Error {
    /// SQLSTATE: five characters that never change, as the words beside them may. Empty where the connection failed.
    let state: String
    /// Without the details, which can quote rows.
    let message: String
    /// The connection is of no use any more.
    let isConnectionLost: Bool
    /// A commit was on its way when the connection went.
    var isInDoubt = false

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

    /// The same transaction may well succeed when it is run again: a deadlock, or a row that changed meanwhile.
    var isWorthRepeating: Bool { state == "40P01" || state == "40001" }

    /// Somebody else has held a lock for too long.
    var isLockTimeout: Bool { state == "55P03" }

    /// The server is there, and a machine behind it is not: one of the nodes among which Citus spreads the tables.
    var isNodeAway: Bool { state == "08006" || state == "08000" }

    /// Citus passes on what a node said of many rows, and loses its code (XX000): that somebody else made a profile meanwhile
    /// (23505), a deadlock, that the node went. All of them are worth another try of a group that was rolled back.
    var isUnclearOfNode: Bool { !isDiskFull && (state == "XX000" || state == "23505") }

    /// PostgreSQL has a code for a disk without room, and none for a user who has used up his part of it (EDQUOT): that is
    /// known by the words of the system, in whichever message they stand.
    var isDiskFull: Bool { state == "53100" || message.contains(PostgresFailure.quotaExceeded) }
    private static let quotaExceeded = "Disk quota exceeded"

    /// Something of one post cannot be stored, and its neighbours are not to blame.
    var isAboutData: Bool { state.hasPrefix("22") || state.hasPrefix("23") }

    /// The server is going down, or is not the one that takes writes: another connection may find a better one. No server
    /// says of its own connection that it failed (08006, 08000): that is said of one behind it.
    private static func endsConnection(_ state: String) -> Bool {
        state.hasPrefix("08P") || state.hasPrefix("57P") || state == "25006"
    }
}

extension PostgresFailure: CustomStringConvertible {
    var description: String { state.isEmpty ? message : "\(state): \(message)" }
}

extension StoreFailure {
    /// What it means for the caller, with what an operator can do where that is known.
    init(_ failure: PostgresFailure) {
        if failure.isInDoubt {
            self.init(.outcomeUnknown, "the connection broke during a commit: \(failure)")
            return
        }
        self.init(failure.isDiskFull ? .full : .unavailable, failure.advised)
    }
}

import CLibpq
import Foundation
import OvationCore

/// A SQL text with the name under which a connection has prepared it. Every text is constant.
struct Statement: Sendable {
    let name: String
    let sql: String

    init(_ name: String, _ sql: String) {
        self.name = name
        self.sql = sql
    }

    static let begin = Statement("begin", "BEGIN")
    static let commit = Statement("commit", "COMMIT")
    static let rollback = Statement("rollback", "ROLLBACK")
}

/// One execution of a statement.
struct Command {
    let statement: Statement
    var arguments: Arguments

    init(_ statement: Statement, _ arguments: Arguments = Arguments()) {
        self.statement = statement
        self.arguments = arguments
    }

    init(_ statement: Statement, _ add: (inout Arguments) -> Void) {
        self.init(statement)
        add(&arguments)
    }
}

/// A connection of libpq in pipeline mode: everything that is sent together costs one round trip.
///
/// It belongs to one thread, which blocks while it waits; every wait has an end.
final class PostgresConnection {
    /// nil: it was closed. libpq treats nil as a broken connection.
    private var handle: OpaquePointer?
    private var prepared: Set<String> = []
    private let patience: Duration
    /// Whether a profile is on the one node of Citus that this connection is for. nil: it is for all.
    var isOfNode: ((Int64) -> Bool)?
    /// The reason why the outcome of a commit is unknown, or why the commit may be missing on a standby, as PostgreSQL
    /// warned.
    private var doubt: String?

    /// Blocks, by `connect_timeout` for each host at most.
    init(_ target: ConnectionTarget, patience: Duration) throws(PostgresFailure) {
        self.patience = patience
        let handle = try PostgresConnection.open(target)
        self.handle = handle
        guard PQsetnonblocking(handle, 1) == 0, PQenterPipelineMode(handle) == 1 else {
            throw PostgresFailure(connection: "libpq could not turn to pipeline mode")
        }
        // Without it libpq prints warnings on standard error.
        PQsetNoticeReceiver(
            handle,
            { context, notice in
                guard let context, let notice else { return }
                Unmanaged<PostgresConnection>.fromOpaque(context).takeUnretainedValue().heed(notice)
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    deinit {
        close()
    }

    /// Other holders cannot use it any more, and its session is told to end. A session that waits for a standby, or is
    /// frozen, does not notice that.
    func close() {
        PQfinish(handle)
        handle = nil
    }

    private static func open(_ target: ConnectionTarget) throws(PostgresFailure) -> OpaquePointer {
        let keywords = target.options.map { strdup($0.keyword) }
        let values = target.options.map { strdup($0.value) }
        defer { for text in keywords + values { free(text) } }
        let handle = PQconnectdbParams(
            keywords.map { UnsafePointer($0) } + [nil], values.map { UnsafePointer($0) } + [nil], 0)
        guard let handle else { throw PostgresFailure(connection: "there is no memory for a connection") }
        guard PQstatus(handle) == CONNECTION_OK else {
            defer { PQfinish(handle) }
            // The message quotes the text that it took for a host.
            throw PostgresFailure(connection: target.hidingSecrets(in: message(of: handle)))
        }
        return handle
    }

    /// What was asked of the server so far: what a group costs is counted by these.
    private(set) var roundTrips = 0
    private(set) var statements = 0

    /// 150000 is 15.0.
    var serverVersion: Int { Int(PQserverVersion(handle)) }

    /// Whether a transaction is open, failed or not.
    var isInTransaction: Bool {
        let status = PQtransactionStatus(handle)
        return status == PQTRANS_INTRANS || status == PQTRANS_INERROR
    }

    /// Runs commands in one round trip, and returns the result of each. Outside an open transaction they are one
    /// transaction.
    /// - Throws: the first failure; later commands were not run. Roll back an open transaction then.
    @discardableResult
    func run(_ commands: [Command], patience: Duration? = nil) throws(PostgresFailure) -> [PostgresResult] {
        let deadline = ContinuousClock.now.advanced(by: patience ?? self.patience)
        roundTrips += 1
        statements += commands.count
        doubt = nil
        do throws(PostgresFailure) {
            let preparing = try send(commands)
            try flush(until: deadline)
            return try receive(commands.count, preparing, until: deadline)
        } catch {
            let hasCommit = commands.contains { $0.statement.name == Statement.commit.name }
            // A read-only server has refused the commands before the commit, and so the commit.
            guard error.isConnectionLost, error.state != "25006", hasCommit else { throw error }
            throw PostgresFailure(connection: error.description, isInDoubt: true)
        }
    }

    func run(_ statement: Statement, _ add: (inout Arguments) -> Void = { _ in }) throws(PostgresFailure)
        -> PostgresResult
    {
        try run([Command(statement, add)])[0]
    }

    /// On a connection that is for one node, asks for no profile that is on another one, which may be away.
    func verifyIsOfNode(_ profiles: some Sequence<Int64>) throws(PostgresFailure) {
        guard let isOfNode, !profiles.allSatisfy(isOfNode) else { return }
        throw .ofOtherNodes(Array(profiles))
    }

    /// Ends a transaction that failed. If even that fails, the connection is of no use.
    func rollBackIfNeeded() throws(PostgresFailure) {
        guard isInTransaction else { return }
        try run([Command(.rollback)])
    }
}

// MARK: - Sending

extension PostgresConnection {
    /// Returns the names that are being prepared, by the place of the command that needs them.
    private func send(_ commands: [Command]) throws(PostgresFailure) -> [Int: String] {
        var preparing: [Int: String] = [:]
        for (index, command) in commands.enumerated() {
            let statement = command.statement
            if !prepared.contains(statement.name), !preparing.values.contains(statement.name) {
                guard PQsendPrepare(handle, statement.name, statement.sql, 0, nil) == 1 else { throw lost() }
                preparing[index] = statement.name
            }
            try send(command)
        }
        guard PQpipelineSync(handle) == 1 else { throw lost() }
        return preparing
    }

    private func send(_ command: Command) throws(PostgresFailure) {
        let arguments = command.arguments
        let count = arguments.values.count
        let isSent = arguments.bytes.withUnsafeBufferPointer { bytes in
            // An empty value is not NULL, so its pointer must not be null.
            "".withCString { empty in
                let start = bytes.baseAddress.map { UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self) } ?? empty
                let pointers = arguments.values.map { range in range.map { start + $0.lowerBound } }
                let lengths = arguments.values.map { CInt($0?.count ?? 0) }
                let formats = [CInt](repeating: 1, count: count)
                return PQsendQueryPrepared(
                    handle, command.statement.name, CInt(count), pointers, lengths, formats, 1)
            }
        }
        guard isSent == 1 else { throw lost() }
    }

    private func flush(until deadline: ContinuousClock.Instant) throws(PostgresFailure) {
        while true {
            switch PQflush(handle) {
            case 0: return
            case 1:
                // The other side may have to write before it can continue to read.
                let ready = try wait(for: Int16(POLLIN | POLLOUT), until: deadline)
                if ready & Int16(POLLIN) != 0, PQconsumeInput(handle) == 0 { throw lost() }
            default: throw lost()
            }
        }
    }
}

// MARK: - Receiving

extension PostgresConnection {
    private func receive(
        _ count: Int, _ preparing: [Int: String], until deadline: ContinuousClock.Instant
    ) throws(PostgresFailure) -> [PostgresResult] {
        var results: [PostgresResult] = []
        results.reserveCapacity(count)
        var failure: PostgresFailure?
        for index in 0..<count {
            if let name = preparing[index] {
                if try nextResult(&failure, until: deadline) != nil { prepared.insert(name) }
            }
            if let result = try nextResult(&failure, until: deadline) { results.append(result) }
        }
        try awaitSync(until: deadline)
        if let failure { throw failure }
        guard results.count == count else { throw lost() }
        if let doubt { throw PostgresFailure(connection: doubt, isInDoubt: true) }
        return results
    }

    /// The result of one command. nil: it failed, or was not run because one before it failed.
    private func nextResult(
        _ failure: inout PostgresFailure?, until deadline: ContinuousClock.Instant
    ) throws(PostgresFailure) -> PostgresResult? {
        var kept: PostgresResult?
        while let result = try read(until: deadline) {
            switch PQresultStatus(result) {
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK: kept = PostgresResult(result)
            case PGRES_PIPELINE_ABORTED: PQclear(result)
            default:
                let found = PostgresConnection.failure(of: result)
                PQclear(result)
                if PQstatus(handle) != CONNECTION_OK { throw lost(found.description) }
                failure = failure ?? found
            }
        }
        return kept
    }

    private func awaitSync(until deadline: ContinuousClock.Instant) throws(PostgresFailure) {
        // Nothing else is left, but nil ends the results of a command.
        for _ in 0..<4 {
            guard let result = try read(until: deadline) else { continue }
            defer { PQclear(result) }
            if PQresultStatus(result) == PGRES_PIPELINE_SYNC { return }
            if PQstatus(handle) != CONNECTION_OK { throw lost() }
        }
        throw lost("the answers of PostgreSQL came in no order")
    }

    /// nil: the results of one command are at their end.
    private func read(until deadline: ContinuousClock.Instant) throws(PostgresFailure) -> OpaquePointer? {
        while PQisBusy(handle) == 1 {
            _ = try wait(for: Int16(POLLIN), until: deadline)
            if PQconsumeInput(handle) == 0 { throw lost() }
        }
        let result = PQgetResult(handle)
        if result == nil, PQstatus(handle) != CONNECTION_OK { throw lost() }
        return result
    }

    /// Blocks until the socket can be read or written.
    private func wait(
        for events: Int16, until deadline: ContinuousClock.Instant
    ) throws(PostgresFailure) -> Int16 {
        var descriptor = pollfd(fd: PQsocket(handle), events: events, revents: 0)
        while true {
            let left = (deadline - ContinuousClock.now) / .milliseconds(1)
            guard left > 0 else {
                throw PostgresFailure(connection: "PostgreSQL did not answer in time")
            }
            let count = poll(&descriptor, 1, CInt(min(left.rounded(.up), 60_000)))
            if count > 0 { return descriptor.revents }
            if count < 0, errno != EINTR { throw lost() }
        }
    }
}

// MARK: - Notices

extension PostgresConnection {
    enum Wait {
        case notice
        case silence
        case woken
    }

    /// Blocks until a notice comes that this connection listens for, or the signal, or the end of this time.
    func awaitNotice(for duration: Duration, orUntil signal: WakeSignal) throws(PostgresFailure) -> Wait {
        let deadline = ContinuousClock.now.advanced(by: duration)
        var descriptors = [
            pollfd(fd: PQsocket(handle), events: Int16(POLLIN), revents: 0),
            pollfd(fd: signal.descriptor, events: Int16(POLLIN), revents: 0),
        ]
        while true {
            if takeNotices() { return .notice }
            let left = (deadline - ContinuousClock.now) / .milliseconds(1)
            guard left > 0 else { return .silence }
            if poll(&descriptors, 2, CInt(min(left.rounded(.up), 60_000))) < 0, errno != EINTR { throw lost() }
            if descriptors[1].revents != 0 { return .woken }
            if descriptors[0].revents != 0, PQconsumeInput(handle) == 0 { throw lost() }
        }
    }

    private func takeNotices() -> Bool {
        var hasSome = false
        while let notice = PQnotifies(handle) {
            PQfreemem(notice)
            hasSome = true
        }
        return hasSome
    }
}

// MARK: - Failures

extension PostgresConnection {
    private func heed(_ notice: OpaquePointer) {
        guard let text = PQresultErrorField(notice, PostgresConnection.field("V")), String(cString: text) == "WARNING",
            let file = PQresultErrorField(notice, PostgresConnection.field("F"))
        else { return }
        // The text can be in any language, so a warning is recognised by its source.
        doubt = PostgresConnection.doubts[String(cString: file)] ?? doubt
    }

    /// The only warnings that change the meaning of a commit.
    private static let doubts = [
        // The commit is on its own disk, but the wait for the standby was cancelled.
        "syncrep.c": "the standby did not confirm a commit",
        // Citus decided to commit, and a node that had prepared does not answer.
        "remote_transaction.c": "a node of Citus did not confirm a commit",
        "transaction_recovery.c": "a node of Citus cannot be asked what became of a commit",
    ]

    private func lost(_ message: String? = nil) -> PostgresFailure {
        PostgresFailure(connection: message ?? PostgresConnection.message(of: handle))
    }

    private static func message(of handle: OpaquePointer?) -> String {
        let text = PostgresConnection.oneLine(String(cString: PQerrorMessage(handle)))
        return text.isEmpty ? "the connection to PostgreSQL is broken" : text
    }

    /// libpq writes a line for each address that it tried, and below them hints that begin with a tab.
    static func oneLine(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("\t") }
            .map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: "; ")
    }

    private static func failure(of result: OpaquePointer) -> PostgresFailure {
        let state = PQresultErrorField(result, field("C")).map { String(cString: $0) }
        let message = PQresultErrorField(result, field("M")).map { String(cString: $0) }
        guard let state else {
            return PostgresFailure(connection: oneLine(String(cString: PQresultErrorMessage(result))))
        }
        return PostgresFailure(state: state, message: message.map(oneLine) ?? "no message")
    }

    /// libpq names the parts of a message by letters.
    private static func field(_ letter: Unicode.Scalar) -> CInt { CInt(letter.value) }
}

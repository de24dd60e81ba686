import Foundation
import Synchronization

/// A real PostgreSQL for the tests of one process: in a folder of its own, on a socket in it, and gone with the process.
///
/// It does not sync its files, since nothing here survives anyway.
///
/// With `OVATION_TEST_CITUS_URL`, a connection string of a coordinator of Citus, the shared one is that, and each database
/// is made on the coordinator and on all nodes that it knows.
public final class PostgresServer: Sendable {
    /// The first caller starts it.
    public static let shared = Result {
        if let coordinator = ProcessInfo.processInfo.environment["OVATION_TEST_CITUS_URL"] {
            try PostgresServer(coordinator: coordinator)
        } else {
            try PostgresServer()
        }
    }

    /// Whether the shared server is a coordinator of Citus.
    public static var isCitus: Bool { ProcessInfo.processInfo.environment["OVATION_TEST_CITUS_URL"] != nil }

    private let folder: String
    /// Connection strings without a database: the coordinator of Citus first, then its nodes. None: there is no Citus.
    private let nodes: [String]
    private let user: [String]
    private let databases = Mutex(0)

    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    private init(coordinator: String) throws {
        (folder, user) = ("", [])
        let asked = """
            SELECT 'host=' || nodename || ' port=' || nodeport || ' user=' || current_user FROM pg_dist_node
            ORDER BY groupid
            """
        nodes = try PostgresServer.psql(asked, coordinator).split(separator: "\n").map(String.init)
        guard nodes.count > 1 else { throw Failure(description: "the coordinator knows itself and at least one node") }
    }

    public init() throws {
        nodes = []
        folder = FileManager.default.temporaryDirectory.path + "/ovation-pg-" + UUID().uuidString.prefix(8)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        // PostgreSQL does not run as root; Debian's package makes a user for it.
        let isRoot = geteuid() == 0
        user =
            isRoot ? ["/usr/bin/setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] : ["/usr/bin/env"]
        if isRoot { try PostgresServer.run(["/usr/bin/chown", "postgres:postgres", folder]) }
        try endWithThisProcess()
        try PostgresServer.run(
            user + [
                PostgresServer.binary("initdb"), "-N", "-D", folder + "/data", "-A", "trust", "-U", "ovation", "-E",
                "UTF8", "--locale=C.UTF-8",
            ])
        try start()
    }

    /// A new, empty database, as a connection string.
    public func makeDatabase() throws -> String {
        let number = databases.withLock { number in
            number += 1
            return number
        }
        guard let coordinator = nodes.first else {
            try query("CREATE DATABASE test\(number)")
            return "host=\(folder) dbname=test\(number) user=ovation"
        }
        let name = "ovation_test_\(getpid())_\(number)"
        for node in nodes {
            try PostgresServer.psql("CREATE DATABASE \(name)", node + " dbname=postgres")
            try PostgresServer.psql("CREATE EXTENSION citus", node + " dbname=\(name)")
        }
        for (index, node) in nodes.enumerated() {
            let place = node.split(separator: " ").map { $0.drop { $0 != "=" }.dropFirst() }
            let add = index == 0 ? "citus_set_coordinator_host" : "citus_add_node"
            let sql = "SELECT \(add)('\(place[0])', \(place[1]))"
            do {
                try PostgresServer.psql(sql, coordinator + " dbname=\(name)")
            } catch {
                // Tests that make their databases at the same time can meet in what Citus shares between databases.
                try PostgresServer.psql(sql, coordinator + " dbname=\(name)")
            }
        }
        let words = coordinator.split(separator: " ")
        return "\(words[0]) dbname=\(name) \(words[2]) \(words[1])"
    }

    /// On a Citus that others use too, nothing is left behind.
    public func drop(database target: String) {
        guard !nodes.isEmpty else { return }
        let name = target.split(separator: " ")[1].dropFirst("dbname=".count)
        for node in nodes {
            _ = try? PostgresServer.psql("DROP DATABASE IF EXISTS \(name) WITH (FORCE)", node + " dbname=postgres")
        }
    }

    /// Rows as text, fields apart by `|`.
    @discardableResult
    public func query(_ sql: String, in database: String? = nil) throws -> String {
        try PostgresServer.psql(
            sql,
            database ?? nodes.first.map { $0 + " dbname=postgres" } ?? "host=\(folder) dbname=postgres user=ovation")
    }

    @discardableResult
    private static func psql(_ sql: String, _ target: String) throws -> String {
        try run([binary("psql"), "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql, target])
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    public func start() throws {
        let settings = [
            "listen_addresses=", "unix_socket_directories=\(folder)", "fsync=off", "full_page_writes=off",
            "max_connections=400", "shared_buffers=64MB",
        ]
        try control(["-w", "-l", folder + "/log", "-o", settings.map { "-c \($0)" }.joined(separator: " "), "start"])
    }

    /// - Parameter mode: `fast`, or `immediate` for no good-bye at all.
    public func stop(_ mode: String = "fast") throws {
        try control(["-w", "-m", mode, "stop"])
    }

    // MARK: Processes

    /// Where Debian puts its versions, the newest first; or wherever programs are.
    private static func binary(_ name: String) -> String {
        let root = "/usr/lib/postgresql"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        let newest = versions.compactMap { Int($0) }.max().map { "\(root)/\($0)/bin/\(name)" }
        return newest ?? "/usr/bin/\(name)"
    }

    private func control(_ arguments: [String]) throws {
        try PostgresServer.run(user + [PostgresServer.binary("pg_ctl"), "-D", folder + "/data"] + arguments)
    }

    /// However this process ends, somebody stops the server and removes its folder.
    private func endWithThisProcess() throws {
        let script = """
            while [ -d "/proc/$1" ]; do sleep 0.5; done; "$2" -D "$3/data" -m immediate stop; rm -rf "$3"
            """
        try PostgresServer.spawn(
            // In a session of its own, so that who kills this process with its group does not reach it.
            ["/usr/bin/setsid"] + user
                + ["/bin/sh", "-c", script, "sh", "\(getpid())", PostgresServer.binary("pg_ctl"), folder],
            output: "/dev/null")
    }

    @discardableResult
    private static func run(_ command: [String]) throws -> String {
        // A file and not a pipe: what is started here goes on and would keep it open.
        let path = FileManager.default.temporaryDirectory.path + "/ovation-out-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: path) }
        let process = try spawn(command, output: path)
        var status: CInt = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        let text = String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
        guard status == 0 else { throw Failure(description: command.joined(separator: " ") + "\n" + text) }
        return text
    }

    /// Without Foundation's Process, which takes a child as running as long as a grandchild is.
    @discardableResult
    private static func spawn(_ command: [String], output: String) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // Its user may have no right to the folder that the tests run in.
        let command = ["/usr/bin/env", "--chdir=/"] + command
        var arguments = command.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var process: pid_t = 0
        let code = posix_spawn(&process, command[0], &actions, nil, &arguments, environ)
        guard code == 0 else { throw Failure(description: "\(command[0]): \(String(cString: strerror(code)))") }
        return process
    }
}

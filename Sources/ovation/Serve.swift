import ArgumentParser
import CMalloc
import Configuration
import Foundation
import Logging
import NIOCore
import OvationCore
import OvationServer
import OvationWire
import ServiceLifecycle
import Synchronization
import UnixSignals

/// Reads settings, wires the parts together, and runs them until a signal comes.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the server.",
        discussion: """
            Every option can also be set in the environment (OVATION_PORT=9000) or in a YAML file given with --config \
            (port: 9000); flags win over the environment, and the environment over the file. The file and the \
            environment also take admin_client_id and admin_client_secret, which set the admin API key instead of \
            making one; body_bytes_max, bodies_bytes_max, items_max, import_file_bytes_max, event_time_ahead_days, \
            connections_max, \
            idle_timeout_seconds, body_timeout_seconds, answer_timeout_seconds, rejections_max (0 keeps no refused \
            posts), rejections_days, session_idle_minutes, session_hours and trusted_proxies.

            A secret can also come from a file: OVATION_ADMIN_CLIENT_SECRET_FILE names the file that has the secret, and \
            OVATION_STORE_FILE the one that has the connection string.

            On the first start, and whenever it is started from a terminal, it prints a link that opens the console \
            once, within the hour. 'ovation console' prints another while the server runs.

            It listens on sockets that systemd hands over (LISTEN_FDS) instead of host and port.
            """)

    @Option(
        help: """
            Where everything is kept: sqlite:PATH, or a connection string of PostgreSQL such as \
            postgres://user@host/database. (default: sqlite:./ovation-data/ovation.sqlite)
            """)
    var store: String?
    @Option(help: "Address to listen on. (default: 127.0.0.1)")
    var host: String?
    @Option(help: "Port to listen on; 0 picks a free one. (default: 8080)")
    var port: Int?
    @Option(help: "Port of a second listener that alone has /health, /ready and /metrics.")
    var adminPort: Int?
    @Option(
        help: ArgumentHelp(
            "A Unix socket to listen on too, such as unix:/run/ovation/ovation.sock.", valueName: "unix:path"))
    var listen: String?
    @Option(
        help: ArgumentHelp(
            "What paths begin with for others, where a proxy gives the server a part of a host, such as /ovation.",
            valueName: "path"))
    var basePath: String?
    @Option(help: "Name of the region that tokens are good for: eu, apac or your own. (default: eu)")
    var region: String?
    @Option(help: "YAML data model to apply at start; see 'ovation model'.")
    var model: String?
    @Option(
        help: ArgumentHelp(
            """
            Folder for the files of imports. Servers that share a store can share it. (default: beside the store, or \
            ./ovation-data/files)
            """, valueName: "folder"))
    var files: String?
    @Option(
        help: ArgumentHelp(
            "Hosts that the server may tell of an export of a profile, separated by commas, such as example.com,10.0.0.7:8443. "
                + "(default: none)", valueName: "hosts"))
    var callbackHosts: String?
    @Option(help: "Serve the console under /console: true or false. (default: true)")
    var console: String?
    @Option(help: "trace, debug, info, notice, warning, error or critical. (default: info)")
    var logLevel: String?
    @Option(help: "Form of the log: text, or json with one object a line. (default: text)")
    var logFormat: String?
    @Option(help: "YAML file with settings.")
    var config: String?

    func run() async throws {
        Serve.giveMemoryBack()
        let file = try SettingText.flag(config, "--config") ?? SettingText.environment()["OVATION_CONFIG"]
        let settings = try await Settings.read(
            flags: flags, file: file.map { try SettingText.path($0, "The configuration file") })
        let logger = Serve.logger(settings)
        let handed = try HandedSocket.all(SettingText.environment())
        let entrances = Entrances(settings, handed)
        let filesMax = Serve.raiseFileLimit(toHold: settings.limits.connectionsMax * entrances.count)
        var configuration = try ServerConfiguration(
            host: settings.host, port: settings.port, adminPort: settings.adminPort, region: settings.region,
            limits: settings.limits, version: Ovation.version, isConsoleOn: settings.isConsoleOn,
            trustedProxies: settings.trustedProxies, basePath: settings.basePath)
        let model = try settings.modelFile.map { try ModelFile.read($0) }
        let ports = try PortReservation(host: settings.host, ports: entrances.ports)
        let unixSocket = try settings.unixSocket.map { try UnixSocket($0) }
        defer { unixSocket?.remove() }
        let location = try StoreLocation(settings.store)
        configuration.files = settings.files ?? location.filesFolder
        if !settings.callbackHosts.isEmpty {
            configuration.callbacks = Callbacks(hosts: settings.callbackHosts, sender: CallbackCalls())
        }
        let store = try location.open(settings.limits, logger)
        defer { store.close() }
        if let filesMax {
            configuration.limits.connectionsMax = try Serve.connections(
                of: settings, within: filesMax, on: entrances.count, warning: logger)
        }
        for warning in FileAccess.warnings(location.files + [settings.secretFile].compactMap { $0 }) {
            logger.warning("\(warning)")
        }

        try ports.hold()
        try unixSocket?.hold()
        let server = try await Serve.found(store, configuration, settings, logger)
        let plan = try await model.asyncMap { try await server.apply($0) }
        // A person at the terminal may come in; a person who reads a log later may not.
        let link =
            server.isFirstStart || Output.isTerminal
            ? server.makeConsoleLink(as: settings.admin?.clientID) : nil
        let banner = Banner(
            settings: settings, newAdminKey: server.newAdminKey, model: model, appliedSteps: plan?.steps.count,
            consoleLink: link, host: entrances.host, unixSockets: entrances.unixSockets)
        // The next moment the server itself takes them.
        _ = consume ports
        try await run(
            server, banner, entrances, sockets: handed.map(\.bound) + (unixSocket.map { [$0.bound] } ?? []), logger)
    }

    /// A first admin key is stored only when it has been shown.
    private static func found(
        _ store: any Store, _ configuration: ServerConfiguration, _ settings: Settings, _ logger: Logger
    ) async throws -> Server {
        let isShown = Atomic(false)
        do {
            let server = try await Server(
                store: store, configuration: configuration, admin: settings.admin, logger: logger
            ) { key in
                // Not twice where several servers begin on one store.
                if isShown.exchange(true, ordering: .relaxed) { return }
                try Banner.announce(key)
            }
            if isShown.load(ordering: .relaxed), server.newAdminKey == nil { try? Banner.withdraw() }
            return server
        } catch let failure as StoreFailure where isShown.load(ordering: .relaxed) {
            try? Banner.withdraw()
            throw CommandFailure("The store cannot be used: \(failure.message).")
        } catch let failure as OutputFailure {
            throw CommandFailure(
                "The admin API key of a new store cannot be shown, so none was made: \(failure) Start with a standard output "
                    + "that somebody reads, or set OVATION_ADMIN_CLIENT_ID and OVATION_ADMIN_CLIENT_SECRET.")
        }
    }

    private func run(
        _ server: Server, _ banner: Banner, _ entrances: Entrances, sockets: [BoundSocket], _ logger: Logger
    ) async throws {
        let supervisor = ServiceSupervisor(SettingText.environment())
        let announce: @Sendable (Int?) async -> Void = { port in
            // Nobody needs it to be served.
            supervisor?.ready()
            do {
                try Output.print(lines: banner.text(port: port))
                try Output.flush()
            } catch {
                logger.warning("the address could not be printed", metadata: ["reason": "\(error)"])
            }
        }
        var listeners: [any Service] = []
        if entrances.areHanded {
            let port = entrances.handedPort
            listeners.append(server.listener(on: sockets) { await announce(port) })
        } else {
            listeners.append(server.application { await announce($0) })
            if !sockets.isEmpty { listeners.append(server.listener(on: sockets)) }
        }
        // Stopped in the opposite order: the last requests are noted too.
        var services: [any Service] = [
            server.keyUseRecorder, server.eventRetention, server.jobRunner, Together(services: listeners),
        ]
        if let follower = server.definitionsFollower { services.append(follower) }
        if let supervisor { services.append(supervisor) }
        if let admin = server.adminApplication() { services.append(admin) }
        var configuration = ServiceGroupConfiguration(
            services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        configuration.maximumGracefulShutdownDuration = Limits.shutdownTimeout
        do {
            try await ServiceGroup(configuration: configuration).run()
        } catch let error as IOError where Serve.isAboutListening(error) {
            let ports = entrances.ports.map { "\($0.port) (\($0.option))" }
            throw CommandFailure(
                "\(entrances.settings.host) port \(ports.joined(separator: " or ")) cannot be listened on (\(error)). Is another "
                    + "server running there? Choose another with --port.")
        }
        logger.info("stopped")
    }

    /// Whether the system refused the address, or its port, to this process.
    private static func isAboutListening(_ error: IOError) -> Bool {
        [EADDRINUSE, EADDRNOTAVAIL, EACCES, EPERM, EAFNOSUPPORT].contains(error.errnoCode)
    }

    private static func logger(_ settings: Settings) -> Logger {
        let format = settings.logFormat
        LoggingSystem.bootstrap { label in
            switch format {
            case .text: StreamLogHandler.standardError(label: label)
            case .json: JSONLogHandler()
            }
        }
        var logger = Logger(label: "ovation")
        logger.logLevel = settings.logLevel
        return logger
    }

    private var flags: [Settings.Key: ConfigContent] {
        var flags: [Settings.Key: ConfigContent] = [:]
        if let store { flags[.store] = .string(store) }
        if let host { flags[.host] = .string(host) }
        if let port { flags[.port] = .int(port) }
        if let adminPort { flags[.adminPort] = .int(adminPort) }
        if let listen { flags[.listen] = .string(listen) }
        if let basePath { flags[.basePath] = .string(basePath) }
        if let region { flags[.region] = .string(region) }
        if let model { flags[.model] = .string(model) }
        if let files { flags[.files] = .string(files) }
        if let callbackHosts { flags[.callbackHosts] = .string(callbackHosts) }
        if let console { flags[.console] = .string(console) }
        if let logLevel { flags[.logLevel] = .string(logLevel) }
        if let logFormat { flags[.logFormat] = .string(logFormat) }
        return flags
    }
}

extension Optional where Wrapped: Sendable {
    fileprivate func asyncMap<Result>(_ transform: (Wrapped) async throws -> Result) async rethrows -> Result? {
        guard let value = self else { return nil }
        return try await transform(value)
    }
}

extension Serve {
    /// Bodies and chunks of megabytes come and go on several threads. glibc raises the size from which on it asks the
    /// system for memory of its own each time such a one is freed, and from then on keeps them: after an import of a
    /// million events the server held 140 MB, with this 56 MB.
    private static func giveMemoryBack() {
        cmalloc_give_back(128 * 1024, 256 * 1024)
    }

    /// Each connection is an open file, and many systems give a process 1,024 of them until it asks for more.
    /// - Returns: how many files may be open now; nil where the system does not say.
    private static func raiseFileLimit(toHold connections: Int) -> Int? {
        #if canImport(Glibc)
            let files = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
            let files = RLIMIT_NOFILE
        #endif
        var limit = rlimit()
        // Besides connections: the store, its log, sockets that listen.
        let wanted = rlim_t(connections + 256 + spareFiles)
        guard getrlimit(files, &limit) == 0 else { return nil }
        if limit.rlim_cur < wanted {
            limit.rlim_cur = min(wanted, limit.rlim_max)
            guard setrlimit(files, &limit) == 0, getrlimit(files, &limit) == 0 else { return nil }
        }
        return Int(clamping: limit.rlim_cur)
    }

    /// Files that are opened once the server runs: three for each event loop, the sockets that listen and what they accept
    /// at a time, further connections of the store, and some to spare.
    private static var spareFiles: Int { 3 * ProcessInfo.processInfo.activeProcessorCount + 2 * 17 + 32 }

    /// As many connections as there are files for. With one more, each look for the next would fail at once, and be
    /// repeated at once: a processor would do nothing else.
    private static func connections(
        of settings: Settings, within filesMax: Int, on listeners: Int, warning logger: Logger
    ) throws -> Int {
        // The store is open, and so is everything else that was there before.
        let open = (try? FileManager.default.contentsOfDirectory(atPath: "/dev/fd").count) ?? 64
        let free = (filesMax - open - spareFiles) / listeners
        let admin = settings.adminPort == nil ? 0 : Limits.adminConnections(of: free)
        guard free - admin >= 8 else {
            throw CommandFailure(
                "This process may open \(filesMax) files, and needs \(open + spareFiles + 16 * listeners) at least. Raise the limit: "
                    + "'ulimit -n', LimitNOFILE= of systemd, '--ulimit nofile=' of a container.")
        }
        guard free - admin < settings.limits.connectionsMax else { return settings.limits.connectionsMax }
        logger.warning(
            """
            fewer connections are held than connections_max says, since the process may not open more files; raise its \
            hard limit (ulimit -Hn)
            """,
            metadata: [
                "connections_max": "\(settings.limits.connectionsMax)", "held": "\(free - admin)",
                "files": "\(filesMax)",
            ])
        return free - admin
    }
}

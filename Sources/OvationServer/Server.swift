public import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore
import OvationConsole
public import OvationCore
import OvationWire
public import ServiceLifecycle

/// The settings of one server. Those without a default are required.
public struct ServerConfiguration: Sendable {
    public var host: String
    public var port: Int
    /// The port for `/health`, `/ready` and `/metrics`; nil: the main listener with the rest.
    public var adminPort: Int?
    /// Lower-case letters, digits and '-'. Tokens carry it, so that a server does not accept those of another region.
    public var region: String
    public var limits: Limits
    public var version: String
    /// Whether the console's pages are served on the main listener.
    public var isConsoleOn: Bool
    /// Proxies that the server trusts to say where a request comes from.
    public var trustedProxies: [AddressRange]
    /// The prefix of paths behind a proxy.
    public var basePath: BasePath
    /// The folder with the files of jobs; it is made when it is needed. nil: the server takes no imports and no exports.
    public var files: String?
    /// nil: nobody outside is told of anything.
    public var callbacks: Callbacks?
    /// Whether plain writes are answered without the framework. Tests turn it off, and compare.
    package var hasFastRequests = true

    public init(
        host: String, port: Int, adminPort: Int? = nil, region: String, limits: Limits = Limits(), version: String,
        isConsoleOn: Bool = true, trustedProxies: [AddressRange] = [], basePath: BasePath = .none,
        files: String? = nil
    ) throws(Problem) {
        guard !region.isEmpty, region.utf8.count <= 40,
            region.utf8.allSatisfy({ (97...122).contains($0) || (48...57).contains($0) || $0 == 45 })
        else {
            throw Problem(.invalidParameter, "A region is a word of a-z, 0-9 and '-', such as eu or apac.")
        }
        self.host = host
        self.port = port
        self.adminPort = adminPort
        self.region = region
        self.limits = limits
        self.version = version
        self.isConsoleOn = isConsoleOn
        self.trustedProxies = trustedProxies
        self.basePath = basePath
        self.files = files
    }
}

/// The application: a store behind the API. Knows no engine and reads no settings.
public struct Server: Sendable {
    /// Made when the store was empty and no admin key was given: shown once, stored nowhere.
    public let newAdminKey: AdminCredentials?
    /// Whether the store was empty.
    public let isFirstStart: Bool
    private let configuration: ServerConfiguration
    private let store: any Store
    private let directory: Directory
    private let signer: TokenSigner
    private let isShared: Bool
    private let clock: WallClock
    /// Runs as long as the server does.
    public let jobRunner: JobRunner
    private let routes: @Sendable () -> Routes
    private let pipeline: Pipeline
    /// nil where it is turned off.
    private let console: Console?
    private let logger: Logger

    /// Loads the store, and founds it when it is empty.
    /// - Parameter announce: shows the admin key that is about to be made, with its secret; what it throws stops the
    ///   founding before anything is stored.
    /// - Parameter makeSigningKey: the first key that tokens are signed with; nil makes a new one.
    public init(
        store: any Store, configuration: ServerConfiguration, admin: AdminCredentials? = nil,
        clock: WallClock = .system, logger: Logger,
        announce: @escaping @Sendable (AdminCredentials) throws -> Void = { _ in },
        makeSigningKey: (@Sendable (Timestamp) throws -> SigningKey)? = nil
    ) async throws {
        let (contents, isFirstStart, newAdminKey) = try await Founding(
            store: store, clock: clock, logger: logger, announce: announce,
            makeSigningKey: makeSigningKey ?? TokenSigner.makeKey
        ).load(admin: admin)
        let directory = try Directory(store: store, contents: contents, logger: logger)
        let signIns = SignInLog(
            directory: directory, clients: ClientAddress(trusted: configuration.trustedProxies), logger: logger)
        let signer = try await TokenSigner(region: configuration.region, keys: contents.signingKeys)
        let metrics = ServerMetrics()
        let secretHash = SecretHash(serverSecret: contents.serverSecret)
        let journal = PostJournal(
            store: store, metrics: metrics, feed: LiveFeed(), limits: configuration.limits, logger: logger)
        let sessions = configuration.isConsoleOn ? ConsoleSessions(limits: configuration.limits) : nil
        let dependencies = Dependencies(
            store: store, directory: directory, signer: signer, secretHash: secretHash, signIns: signIns,
            sessions: sessions, journal: journal, clock: clock, startedAt: clock.now(), limits: configuration.limits,
            bodies: BodyBudget(bytesMax: configuration.limits.bodiesBytes), version: configuration.version,
            basePath: configuration.basePath, files: JobFiles(folder: configuration.files),
            callbacks: configuration.callbacks)
        self.newAdminKey = newAdminKey
        self.isFirstStart = isFirstStart
        self.configuration = configuration
        self.store = store
        self.directory = directory
        self.signer = signer
        isShared = store.isShared
        self.clock = clock
        self.logger = logger
        routes = { Routes(dependencies: dependencies) }
        let pipeline = Pipeline(
            authentication: BearerAuthentication(signer: signer, directory: directory), metrics: metrics,
            bodies: dependencies.bodies, clock: clock, logger: logger, refusals: RefusalLog(logger))
        self.pipeline = pipeline
        jobRunner = JobRunner(dependencies)
        console =
            try sessions.map { sessions in
                try Console(
                    pages: ConsolePages(basePath: configuration.basePath.text),
                    reference: Reference(version: configuration.version, basePath: configuration.basePath),
                    sessions: sessions,
                    api: LocalAPI(routes: Routes(dependencies: dependencies), pipeline: pipeline), feed: journal.feed,
                    directory: directory,
                    secretHash: secretHash, signIns: signIns, metrics: metrics, limits: configuration.limits,
                    bodies: dependencies.bodies,
                    version: configuration.version, region: configuration.region, basePath: configuration.basePath,
                    clock: clock, logger: logger)
            }
    }

    /// Changes the definitions of the first account to those of a model, for `serve --model`.
    public func apply(_ model: Model) async throws -> ModelPlan {
        guard let account = directory.accounts.first?.catalogue.account.number else { return ModelPlan() }
        return try await directory.apply(
            model, EditContext(account: account, actor: "server", now: clock.now()))
    }

    /// Path below the base path of a link that signs in to the console once, within the hour, as an admin key.
    /// - Parameter clientID: nil for the oldest admin key of the first account.
    /// - Returns: nil without a console or without such a key.
    public func makeConsoleLink(as clientID: String? = nil) -> String? {
        guard let console, let account = directory.accounts.first?.catalogue.account.number else { return nil }
        let admins = directory.apiKeys(ofAccount: account).filter { $0.role == .admin && $0.revokedAt == nil }
        guard let key = clientID.map({ id in admins.first { $0.clientID == id } }) ?? admins.first else { return nil }
        return ConsolePath.enter + console.sessions.makeLink(clientID: key.clientID, at: clock.now())
    }

    /// The services that run beside the listeners, and stop after them.
    public var keyUseRecorder: KeyUseRecorder { KeyUseRecorder(directory: directory) }

    /// Runs as long as the server does.
    public var eventRetention: EventRetention {
        EventRetention(store: store, directory: directory, clock: clock, logger: logger)
    }

    /// nil where no other server can change anything.
    public var definitionsFollower: DefinitionsFollower? {
        isShared ? DefinitionsFollower(directory: directory, signer: signer, logger: logger) : nil
    }

    /// The main listener.
    /// - Parameter onRunning: called with the port that was bound.
    public func application(
        onRunning: @escaping @Sendable (Int) async -> Void = { _ in }
    ) -> some ApplicationProtocol {
        application(
            responder(of: mainEndpoints, console: console), port: configuration.port,
            connectionsMax: configuration.limits.connectionsMax, onRunning: onRunning)
    }

    /// What the main listener answers, on sockets that are bound already: beside it, or instead of it.
    /// - Parameter onRunning: called when connections are taken.
    public func listener(
        on sockets: [BoundSocket], onRunning: @escaping @Sendable () async -> Void = {}
    ) -> some Service {
        let responder = responder(of: mainEndpoints, console: console)
        return SocketListener(
            sockets: sockets, responder: responder, fastRequests: fastRequests(of: responder),
            limits: configuration.limits,
            clock: clock, logger: logger, onRunning: onRunning)
    }

    /// The admin listener; nil when there is none of its own.
    public func adminApplication() -> (some ApplicationProtocol)? {
        configuration.adminPort.map { port in
            application(
                responder(of: Server.adminEndpoints, console: nil), port: port,
                connectionsMax: Limits.adminConnections(of: configuration.limits.connectionsMax), onRunning: { _ in })
        }
    }

    private static let adminEndpoints: [Endpoint] = [.health, .ready, .metrics]

    private var mainEndpoints: [Endpoint] {
        let isSplit = configuration.adminPort != nil
        return Endpoint.allCases.filter { !isSplit || !Server.adminEndpoints.contains($0) }
    }

    private func responder(of endpoints: [Endpoint], console: Console?) -> ServerResponder {
        let handlers = routes().handlers.filter { endpoints.contains($0.key) }
        for endpoint in endpoints where handlers[endpoint] == nil {
            preconditionFailure("Nothing answers \(endpoint.label).")
        }
        return ServerResponder(
            pipeline: pipeline, endpoints: endpoints, handlers: handlers, console: console,
            basePath: configuration.basePath)
    }

    private func fastRequests(of responder: ServerResponder) -> FastRequests? {
        configuration.hasFastRequests ? responder.fastRequests() : nil
    }

    private func application(
        _ responder: ServerResponder, port: Int, connectionsMax: Int,
        onRunning: @escaping @Sendable (Int) async -> Void
    ) -> Application<ServerResponder> {
        Application(
            responder: responder,
            server: .pinned(fastRequests: fastRequests(of: responder), limits: configuration.limits),
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: port), serverName: ServerHeaders.name, backlog: 1024,
                reuseAddress: true,
                availableConnectionsDelegate: MaximumAvailableConnections(connectionsMax)),
            onServerRunning: { channel in await onRunning(channel.localAddress?.port ?? port) },
            logger: logger)
    }
}

import Hummingbird
import Logging
import NIOCore
import NIOPosix
import OvationCore
import OvationSQLite
import OvationTesting
import ServiceLifecycle
import Testing

@testable import OvationServer

/// A server on a port of its own, spoken to over sockets, byte by byte.
struct LiveServer {
    let port: Int
    /// The same server without a socket.
    let test: TestServer

    /// Runs a test against a server that has the article's definitions.
    static func run<Value: Sendable>(
        hasFastRequests: Bool, limits: Limits = Limits(), basePath: BasePath = .none,
        _ test: @escaping @Sendable (LiveServer) async throws -> Value
    ) async throws -> Value {
        let folder = try TemporaryFolder()
        let clock = TestClock()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let store = try SQLiteStore(testing: folder.path + "/ovation.sqlite", limits: limits, now: clock.now)
        defer { store.close() }
        var configuration = try ServerConfiguration(
            host: "127.0.0.1", port: 0, region: "eu", limits: limits, version: "test", basePath: basePath)
        configuration.hasFastRequests = hasFastRequests
        let server = try await Server(
            store: store, configuration: configuration,
            admin: AdminCredentials(clientID: TestServer.clientID, clientSecret: TestServer.clientSecret),
            clock: WallClock { clock.now }, logger: logger, makeSigningKey: TestServer.signingKey)
        _ = try await server.apply(Fixtures.model())
        let client = try await RouterClient(server.application())
        let stranger = TestServer(client: client, clock: clock, store: store, adminToken: "")
        let token = try await stranger.token(clientID: TestServer.clientID, secret: TestServer.clientSecret)
        let (ports, running) = AsyncStream.makeStream(of: Int.self)
        let services = ServiceGroup(
            configuration: .init(
                services: [server.application { running.yield($0) }], logger: logger))
        let sameServer = TestServer(client: client, clock: clock, store: store, adminToken: token)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { running.finish() }
                try await services.run()
            }
            let port = try #require(await ports.first { _ in true })
            let result: Result<Value, any Error>
            do {
                result = .success(try await test(LiveServer(port: port, test: sameServer)))
            } catch {
                result = .failure(error)
            }
            await services.triggerGracefulShutdown()
            try await group.waitForAll()
            withExtendedLifetime(folder) {}
            return try result.get()
        }
    }

    /// Sends pieces over one connection, one after the other.
    /// - Parameter isCut: the client sends nothing more then, and says so.
    /// - Returns: all that the server sends until it closes.
    func exchange(_ pieces: [[UInt8]], isCut: Bool = false) async throws -> String {
        let connection = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: false)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let answers = Answers(channel.eventLoop.makePromise(of: String.self))
                    try channel.pipeline.syncOperations.addHandler(answers)
                    return (channel, answers.promise.futureResult)
                }
            }
        let (channel, answers) = connection
        // A test that waits for ever says nothing.
        channel.eventLoop.scheduleTask(in: .seconds(600)) { channel.close(promise: nil) }
        try await LiveServer.send(pieces[...], on: channel).get()
        if isCut { try? await channel.close(mode: .output).get() }
        return try await answers.get()
    }

    /// The event loop sends the pieces. A task would wait for all the other tests' tasks between two of them.
    private static func send(_ pieces: ArraySlice<[UInt8]>, on channel: any NIOCore.Channel) -> EventLoopFuture<Void> {
        guard let piece = pieces.first else { return channel.eventLoop.makeSucceededVoidFuture() }
        return channel.writeAndFlush(ByteBuffer(bytes: piece)).flatMapErrorThrowing { _ in
            // The server may have closed already.
        }.flatMap {
            // So that the server reads some of them by themselves.
            channel.eventLoop.scheduleTask(in: .microseconds(200)) {}.futureResult
        }.flatMap {
            send(pieces.dropFirst(), on: channel)
        }
    }

    private final class Answers: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        let promise: EventLoopPromise<String>
        private var bytes = ByteBuffer()

        init(_ promise: EventLoopPromise<String>) { self.promise = promise }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var part = unwrapInboundIn(data)
            bytes.writeBuffer(&part)
        }

        func channelInactive(context: ChannelHandlerContext) { promise.succeed(String(buffer: bytes)) }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}

import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization

@testable import OvationClient

/// A server on a port of its own that answers as a test says.
final class ScriptedServer: Sendable {
    struct Asked: Sendable {
        let method: String
        let path: String
        let query: String
        let headers: HTTPFields
        let body: String
        /// Of the client's end of the connection.
        let port: Int

        var token: String? { headers[.authorization] }
    }

    struct Reply: Sendable {
        var status = 200
        var body = ""
        /// Instead of `body`.
        var bytes: [UInt8]?
        var headers: HTTPFields = [:]
        /// The connection is closed after the body, though the answer is not at its end.
        var breaks = false
        /// The answer begins and never goes on.
        var hangs = false

        static func json(_ body: String, status: Int = 200) -> Reply { Reply(status: status, body: body) }
    }

    private struct Break: Error {}

    private struct Context: RequestContext {
        var coreContext: CoreRequestContextStorage
        let port: Int

        init(source: ApplicationRequestContextSource) {
            coreContext = .init(source: source)
            port = source.channel.remoteAddress?.port ?? 0
        }
    }

    private let calls = Mutex<[Asked]>([])
    /// Answers that hang wait for it.
    private let end = AsyncStream.makeStream(of: Void.self)

    /// All calls so far.
    var asked: [Asked] { calls.withLock { $0 } }

    /// Those that are not for a token.
    var askedForMore: [Asked] { asked.filter { $0.path != "/oauth/token" } }

    private static func start(
        answer: @escaping @Sendable (Asked, Int) -> Reply, token: Reply?,
        _ test: @escaping @Sendable (ScriptedServer, String) async throws -> Void
    ) async throws {
        let server = ScriptedServer()
        let responder = CallbackResponder<Context> { request, context in
            let body = try await request.body.collect(upTo: 1 << 20)
            let asked = Asked(
                method: request.method.rawValue, path: request.uri.path, query: request.uri.query ?? "",
                headers: request.headers, body: String(buffer: body), port: context.port)
            let number = server.askedForMore.count
            server.calls.withLock { $0.append(asked) }
            let tokens = server.asked.count - server.askedForMore.count
            let reply =
                asked.path == "/oauth/token"
                ? token ?? .json(#"{"access_token":"token-\#(tokens)"}"#) : answer(asked, number)
            let buffer = ByteBuffer(bytes: reply.bytes ?? Array(reply.body.utf8))
            let content =
                if reply.breaks || reply.hangs {
                    ResponseBody { writer in
                        try await writer.write(buffer)
                        if reply.hangs { for await _ in server.end.stream {} }
                        throw Break()
                    }
                } else {
                    ResponseBody(byteBuffer: buffer)
                }
            return Response(status: .init(code: reply.status), headers: reply.headers, body: content)
        }
        let (ports, running) = AsyncStream.makeStream(of: Int.self)
        let application = Application(
            responder: responder, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in running.yield(channel.localAddress?.port ?? 0) },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let services = ServiceGroup(
            configuration: .init(
                services: [application], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { running.finish() }
                try await services.run()
            }
            let result = await Result {
                for await port in ports {
                    try await test(server, "http://127.0.0.1:\(port)")
                    break
                }
            }
            server.end.continuation.finish()
            await services.triggerGracefulShutdown()
            try await group.waitForAll()
            try result.get()
        }
    }

    /// Runs a test with a server and a client of it. The client does not wait between two attempts.
    /// - Parameters:
    ///   - answer: to all calls but those for a token, with their number, from 0.
    ///   - token: the answer to those; without one they get `token-1`, `token-2` and so on.
    static func run(
        answer: @escaping @Sendable (Asked, Int) -> Reply,
        credentials: APIClient.Credentials = .key(id: "id", secret: "s"), token: Reply? = nil,
        _ test: @escaping @Sendable (ScriptedServer, APIClient) async throws -> Void
    ) async throws {
        try await start(answer: answer, token: token) { server, address in
            let connections = HTTPConnections()
            let client = APIClient(
                address: address, credentials: credentials, userAgent: "test/1", connections: connections,
                sleep: { _ in })
            let result = await Result { try await test(server, client) }
            await connections.shutdown()
            try result.get()
        }
    }
}

extension Result where Success == Void, Failure == any Error {
    fileprivate init(_ act: () async throws -> Void) async {
        do {
            try await act()
            self = .success(())
        } catch {
            self = .failure(error)
        }
    }
}

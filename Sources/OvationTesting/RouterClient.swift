public import HTTPTypes
public import Hummingbird
import HummingbirdCore
import NIOCore
import NIOEmbedded
import Synchronization

/// Sends requests to an application without a socket.
public struct RouterClient: Sendable {
    private let respond: @Sendable (Request) async throws -> Response

    /// - Parameter application: one without services.
    public init<App: ApplicationProtocol>(_ application: App) async throws
    where App.Responder.Context: InitializableFromSource<ApplicationRequestContextSource> {
        precondition(application.services.isEmpty, "Services are not started here.")
        let (responder, logger) = (try await application.responder, application.logger)
        respond = { request in
            let source = ApplicationRequestContextSource(channel: NIOAsyncTestingChannel(), logger: logger)
            return try await responder.respond(to: request, context: App.Responder.Context(source: source))
        }
    }

    /// One request. Its body arrives in parts, as from a socket.
    public func send(
        _ method: HTTPRequest.Method, _ path: String, headers: HTTPFields = [:], body: [UInt8]? = nil
    ) async throws -> RouterAnswer {
        var headers = headers
        if let body { headers[.contentLength] = String(body.count) }
        let parts = AsyncStream<ByteBuffer> { parts in
            var rest = (body ?? [])[...]
            while !rest.isEmpty {
                parts.yield(ByteBuffer(bytes: rest.prefix(32 << 10)))
                rest = rest.dropFirst(32 << 10)
            }
            parts.finish()
        }
        let response = try await respond(
            Request(
                head: HTTPRequest(
                    method: method, scheme: "http", authority: "localhost", path: path, headerFields: headers),
                body: RequestBody(asyncSequence: parts)))
        let writer = Writer()
        try await response.body.write(writer)
        return RouterAnswer(status: response.status, headers: response.headers, body: writer.bytes.withLock { $0 })
    }

    private final class Writer: ResponseBodyWriter {
        let bytes = Mutex<[UInt8]>([])

        func write(_ buffer: ByteBuffer) async throws {
            bytes.withLock { $0.append(contentsOf: buffer.readableBytesView) }
        }

        func finish(_ trailers: HTTPFields?) async throws {}
    }
}

/// What an application answered.
public struct RouterAnswer: Sendable {
    public let status: HTTPResponse.Status
    public let headers: HTTPFields
    public let body: [UInt8]
}

import HTTPTypes
import Hummingbird
import NIOCore
import OvationCore
import OvationWire

/// The API's endpoints, called in this process for somebody who is signed in to the console: the same code, the same
/// checks and the same words as over HTTP, without a token. So the console can do nothing that the API cannot.
struct LocalAPI: Sendable {
    private let handlers: [Endpoint: any EndpointHandler]

    init(routes: Routes) {
        handlers = routes.handlers.filter { $0.key.scope != .open }
    }

    struct Caller: Sendable {
        let identity: Identity
        let requestID: String
        let receivedAt: Timestamp
    }

    /// - Throws: what the endpoint throws; never a response that is an error.
    @discardableResult
    func call(
        _ endpoint: Endpoint, _ parameters: KeyValuePairs<String, String> = [:], query: [(String, String)] = [],
        body: JSONValue? = nil, headers: HTTPFields = [:], as caller: Caller
    ) async throws -> JSONValue {
        let response = try await respond(
            endpoint, parameters, query: query, body: body.map(JSONWriter.write) ?? [], headers: headers, as: caller)
        let bytes = try await LocalAPI.bytes(of: response)
        return bytes.isEmpty ? .null : try JSONValue(parsing: bytes)
    }

    /// The answer as it would go over the wire.
    func respond(
        _ endpoint: Endpoint, _ parameters: KeyValuePairs<String, String> = [:], query: [(String, String)] = [],
        body: [UInt8] = [], headers: HTTPFields = [:], as caller: Caller
    ) async throws -> Response {
        guard let handler = handlers[endpoint] else { throw Problem(.notFound, "There is no such endpoint.") }
        return try await handler.respond(
            to: makeCall(endpoint, parameters, query: query, body: body, headers: headers, as: caller))
    }

    /// The call as the endpoint sees it, for answers that need more than one body.
    func makeCall(
        _ endpoint: Endpoint, _ parameters: KeyValuePairs<String, String> = [:], query: [(String, String)] = [],
        body: [UInt8] = [], headers: HTTPFields = [:], as caller: Caller
    ) -> Call {
        // What a form leaves empty was not chosen; the API takes an empty filter for a mistake.
        let pairs = query.filter { !$0.1.isEmpty }.map { "\($0.0)=\(PercentEncoding.encode(segment: $0.1))" }
        let path = endpoint.path(parameters) + (pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&"))
        let request = Request(
            head: HTTPRequest(method: endpoint.method, scheme: nil, authority: nil, path: path, headerFields: headers),
            body: RequestBody(buffer: ByteBuffer(bytes: body)))
        let encoded = Dictionary(
            parameters.map { ($0.key, PercentEncoding.encode(segment: $0.value)) }, uniquingKeysWith: { $1 })
        return Call(
            endpoint: endpoint, request: request, path: PathParameters { encoded[$0].map { $0[...] } },
            identity: caller.identity, requestID: caller.requestID, receivedAt: caller.receivedAt)
    }

    static func bytes(of response: Response) async throws -> [UInt8] {
        let collector = Collector()
        try await response.body.write(collector)
        return Array(collector.buffer.readableBytesView)
    }

    /// The body of an answer, kept instead of sent.
    private final class Collector: ResponseBodyWriter {
        var buffer = ByteBuffer()

        func write(_ part: ByteBuffer) async throws { buffer.writeImmutableBuffer(part) }
        func finish(_ trailingHeaders: HTTPFields?) async throws {}
    }
}

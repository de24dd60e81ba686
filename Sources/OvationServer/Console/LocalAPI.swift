import HTTPTypes
import Hummingbird
import NIOCore
import OvationCore
import OvationWire

/// The API's endpoints, called in this process for somebody who is signed in to the console: the same code, the same
/// checks and the same words as over HTTP, without a token. So the console can do nothing that the API cannot.
///
/// A call names the type that answers the endpoint, and so the compiler knows the body that it takes and the one that it
/// answers with. Bodies are handed over as values; no text is made of them.
struct LocalAPI: Sendable {
    private let endpoints: [ObjectIdentifier: (endpoint: Endpoint, handler: any EndpointHandler)]
    private let handlers: [Endpoint: any EndpointHandler]
    private let pipeline: Pipeline

    init(routes: Routes, pipeline: Pipeline) {
        handlers = routes.handlers
        self.pipeline = pipeline
        let known = handlers.filter { $0.key.scope != .open }
        endpoints = Dictionary(
            uniqueKeysWithValues: known.map { endpoint, handler in
                (ObjectIdentifier(type(of: handler)), (endpoint, handler))
            })
    }

    struct Caller: Sendable {
        let identity: Identity
        let requestID: String
        let receivedAt: Timestamp
    }

    /// What goes with a call beside its body.
    struct Parts {
        var path: KeyValuePairs<String, String> = [:]
        var query: [(String, String)] = []
        var headers: HTTPFields = [:]
        var body: (any Body)?
    }

    /// - Throws: what the endpoint throws.
    func call<Handler: BodyEndpoint>(
        _ type: Handler.Type, _ parts: Parts, as caller: Caller
    ) async throws -> Handler.Output {
        let (handler, call) = try prepare(type, parts, caller)
        guard let body = try await handler.answer(to: call).body else {
            throw Problem(.internalError, "The endpoint answered without a body.")
        }
        return body
    }

    /// The answer as it would go over the wire.
    /// - Throws: what the endpoint throws; never a response that is an error.
    @discardableResult
    func respond<Handler: EndpointHandler>(
        _ type: Handler.Type, _ parts: Parts = Parts(), as caller: Caller
    ) async throws -> Response {
        let (handler, call) = try prepare(type, parts, caller)
        return try await handler.respond(to: call)
    }

    /// The answer as a client over HTTP gets it: a refusal is one too. What is counted and logged is the same.
    /// - Parameter head: with the path of that endpoint.
    func send(_ head: HTTPRequest, _ body: ByteBuffer, to endpoint: Endpoint, as caller: Caller) async -> Response {
        let request = Request(head: head, body: RequestBody(buffer: body))
        guard let handler = handlers[endpoint],
            let (_, path) = EndpointTable([endpoint]).find(endpoint.method, request.uri.path)
        else { return pipeline.respondToUnknown(request, among: []) }
        return await pipeline.respond(
            to: request, path: path, endpoint: endpoint, handler: handler,
            as: endpoint.scope == .open ? nil : caller.identity)
    }

    private func prepare<Handler: EndpointHandler>(
        _ type: Handler.Type, _ parts: Parts, _ caller: Caller
    ) throws -> (Handler, Call) {
        guard let found = endpoints[ObjectIdentifier(type)], let handler = found.handler as? Handler else {
            throw Problem(.notFound, "There is no such endpoint.")
        }
        return (handler, makeCall(found.endpoint, parts, as: caller))
    }

    /// The call as the endpoint sees it.
    func makeCall(_ endpoint: Endpoint, _ parts: Parts, as caller: Caller) -> Call {
        // What a form leaves empty was not chosen; the API takes an empty filter for a mistake.
        let pairs = parts.query.filter { !$0.1.isEmpty }.map { "\($0.0)=\(PercentEncoding.encode(segment: $0.1))" }
        let path = endpoint.path(parts.path) + (pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&"))
        let request = Request(
            head: HTTPRequest(
                method: endpoint.method, scheme: nil, authority: nil, path: path, headerFields: parts.headers),
            body: RequestBody(buffer: ByteBuffer()))
        let encoded = Dictionary(
            parts.path.map { ($0.key, PercentEncoding.encode(segment: $0.value)) }, uniquingKeysWith: { $1 })
        return Call(
            endpoint: endpoint, request: request, path: PathParameters { encoded[$0].map { $0[...] } },
            identity: caller.identity, requestID: caller.requestID, receivedAt: caller.receivedAt,
            body: parts.body.map { .value(GivenBody($0)) } ?? .request(nil))
    }
}

extension HTTPFields {
    /// Asks an endpoint to check everything and to change nothing.
    static let validateOnly: HTTPFields = [.prefer: "validate-only"]
}

extension Visit {
    /// What an endpoint answers.
    @discardableResult
    func call<Handler: BodyEndpoint>(
        _ handler: Handler.Type, _ path: KeyValuePairs<String, String> = [:], query: [(String, String)] = [],
        headers: HTTPFields = [:]
    ) async throws -> Handler.Output {
        try await console.api.call(handler, .init(path: path, query: query, headers: headers), as: caller)
    }

    /// The same of an endpoint that reads a body.
    @discardableResult
    func call<Handler: BodyEndpoint & InputEndpoint>(
        _ handler: Handler.Type, _ path: KeyValuePairs<String, String> = [:], body: Handler.Input,
        headers: HTTPFields = [:]
    ) async throws -> Handler.Output {
        try await console.api.call(handler, .init(path: path, headers: headers, body: body), as: caller)
    }

    /// The answer as it is, such as a file.
    func respond<Handler: EndpointHandler>(
        _ handler: Handler.Type, _ path: KeyValuePairs<String, String>
    ) async throws -> Response {
        try await console.api.respond(handler, .init(path: path), as: caller)
    }

    /// Calls an endpoint that answers with nothing.
    func act<Handler: EndpointHandler>(
        _ handler: Handler.Type, _ path: KeyValuePairs<String, String>, query: [(String, String)] = [],
        headers: HTTPFields = [:]
    ) async throws {
        try await console.api.respond(handler, .init(path: path, query: query, headers: headers), as: caller)
    }

    /// The same of an endpoint that reads a body.
    func act<Handler: InputEndpoint>(
        _ handler: Handler.Type, _ path: KeyValuePairs<String, String>, body: Handler.Input, headers: HTTPFields = [:]
    ) async throws {
        try await console.api.respond(handler, .init(path: path, headers: headers, body: body), as: caller)
    }
}

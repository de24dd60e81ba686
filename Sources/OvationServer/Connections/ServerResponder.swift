import HTTPTypes
import Hummingbird
import HummingbirdCore
import OvationCore
import OvationWire

/// Finds what answers a request: an endpoint, a page of the console, or nothing.
///
/// An endpoint is found in one walk over the path. The framework's router compares each segment with each of its neighbours
/// as strings, which with all our paths took as long as decoding and checking an event; so there is none.
struct ServerResponder: HTTPResponder {
    private let pipeline: Pipeline
    private let endpoints: [Endpoint]
    private let table: EndpointTable
    private let handlers: [Endpoint: any EndpointHandler]
    private let console: Console?
    private let basePath: BasePath

    init(
        pipeline: Pipeline, endpoints: [Endpoint], handlers: [Endpoint: any EndpointHandler], console: Console?,
        basePath: BasePath
    ) {
        self.pipeline = pipeline
        self.endpoints = endpoints
        self.handlers = handlers
        self.console = console
        self.basePath = basePath
        table = EndpointTable(endpoints)
    }

    /// What takes plain writes before they get here.
    func fastRequests() -> FastRequests {
        FastRequests(
            pipeline: pipeline, table: table, endpoints: handlers.compactMapValues { $0 as? any FastEndpoint },
            basePath: basePath)
    }

    @concurrent
    func respond(to request: Request, context: ServerContext) async throws -> Response {
        if basePath.isEmpty { return await answer(request, context) }
        var response = await answer(basePath.entered(request), context)
        basePath.leave(&response)
        return response
    }

    private func answer(_ request: Request, _ context: ServerContext) async -> Response {
        if request.head.isBodyHeldBack { context.connection.tell(.bodyWanted) }
        guard let (endpoint, path) = table.find(request.method, request.uri.path), let handler = handlers[endpoint]
        else {
            return await respondToOthers(request, on: context.connection)
        }
        return await pipeline.respond(
            to: request, path: path, endpoint: endpoint, handler: handler, connection: context.connection)
    }

    /// Everything that is not exactly the path and method of an endpoint.
    private func respondToOthers(_ request: Request, on connection: Connection) async -> Response {
        var path = request.uri.path
        if request.uri.hasExtraSlashes {
            // For a proxy that guards paths, `//metrics` is not `/metrics`, so it must not be the same here.
            guard request.uri.mayHaveExtraSlashes else { return pipeline.respondToUnknown(request, among: []) }
            path = "/" + path.split(separator: "/").joined(separator: "/")
        }
        if let response = await respond(to: request, as: request.method, path, on: connection) { return response }
        if request.method == .head, let response = await respond(to: request, as: .get, path, on: connection) {
            return response.createHeadResponse()
        }
        if let console, path.hasPrefix(ConsolePath.overview + "/") { return console.respondToUnknown(request) }
        return pipeline.respondToUnknown(request, among: endpoints)
    }

    /// nil: nothing answers.
    private func respond(
        to request: Request, as method: HTTPRequest.Method, _ path: String, on connection: Connection
    ) async -> Response? {
        if let (endpoint, parameters) = table.find(method, path), let handler = handlers[endpoint] {
            return await pipeline.respond(
                to: request, path: parameters, endpoint: endpoint, handler: handler, connection: connection)
        }
        guard let console, let (route, parameters) = ConsoleRoute.find(method, path) else { return nil }
        return await console.respond(
            to: request, path: parameters, route: route,
            remoteAddress: console.signIns.address(of: request, on: connection))
    }
}

extension URI {
    fileprivate var hasExtraSlashes: Bool {
        path.first != "/" && path != "*" || path.contains("//") || path.utf8.count > 1 && path.last == "/"
    }

    /// One of the vendor's modules sends them on the paths of the vendor's API, and nowhere else.
    fileprivate var mayHaveExtraSlashes: Bool {
        let first = path.split(separator: "/", maxSplits: 1).first
        return path.first == "/" && (first == "audience" || first == "oauth")
    }
}

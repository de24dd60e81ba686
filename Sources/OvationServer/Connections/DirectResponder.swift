import Hummingbird
import HummingbirdCore
import OvationCore
import OvationWire

/// Finds the endpoint of a request in one walk over its path, and leaves everything else to the router: other methods,
/// `HEAD`, paths with empty segments, the console, and paths that do not exist.
///
/// The router compares each segment with each of its neighbours as strings, which with all our paths took as long as
/// decoding and checking an event.
struct DirectResponder<Other: HTTPResponder>: HTTPResponder where Other.Context == ServerContext {
    private let pipeline: Pipeline
    private let table: EndpointTable
    private let handlers: [Endpoint: any EndpointHandler]
    private let otherwise: Other

    init(
        pipeline: Pipeline, table: EndpointTable, handlers: [Endpoint: any EndpointHandler], otherwise: Other
    ) {
        self.pipeline = pipeline
        self.table = table
        self.handlers = handlers
        self.otherwise = otherwise
    }

    @concurrent
    func respond(to request: Request, context: ServerContext) async throws -> Response {
        if request.head.isBodyHeldBack { context.connection.tell(.bodyWanted) }
        guard let (endpoint, path) = table.find(request.method, request.uri.path), let handler = handlers[endpoint]
        else {
            // For a proxy that guards paths, `//metrics` is not `/metrics`, so it must not be the same here.
            guard !request.uri.hasExtraSlashes || request.uri.mayHaveExtraSlashes else {
                return pipeline.respondToUnknown(request, among: [])
            }
            return try await otherwise.respond(to: request, context: context)
        }
        return await pipeline.respond(
            to: request, path: path, endpoint: endpoint, handler: handler, connection: context.connection)
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

import Hummingbird
import OvationCore
import OvationWire

/// Finds the endpoint of a request in one walk over its path, and leaves everything else to the router: other methods,
/// `HEAD`, paths with empty segments, the console, and what does not exist.
///
/// The router compares each segment with each of its neighbours as strings, which with all our paths took as long as to
/// decode and check an event.
struct DirectResponder<Other: HTTPResponder>: HTTPResponder where Other.Context == ServerContext {
    private let pipeline: Pipeline
    private let table: EndpointTable
    private let handlers: [Endpoint: any EndpointHandler]
    private let otherwise: Other

    init(
        pipeline: Pipeline, table: EndpointTable, handlers: [(Endpoint, any EndpointHandler)], otherwise: Other
    ) {
        self.pipeline = pipeline
        self.table = table
        self.handlers = Dictionary(uniqueKeysWithValues: handlers)
        self.otherwise = otherwise
    }

    @concurrent
    func respond(to request: Request, context: ServerContext) async throws -> Response {
        if request.head.isBodyHeldBack { context.connection.tell(.bodyWanted) }
        guard let (endpoint, path) = table.find(request.method, request.uri.path), let handler = handlers[endpoint]
        else {
            return try await otherwise.respond(to: request, context: context)
        }
        return await pipeline.respond(
            to: request, path: path, endpoint: endpoint, handler: handler, connection: context.connection)
    }
}

import Hummingbird
import OvationWire

/// `GET /health`: the process is alive and answers.
struct Health: EndpointHandler {
    func respond(to call: Call) async throws -> Response {
        .json(.object([.init("healthy", .bool(true))]))
    }
}

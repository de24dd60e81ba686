import Hummingbird
import OvationWire

/// `GET /`: what this server is. Clients probe the bare host before they use it.
struct About: EndpointHandler {
    let version: String
    let region: String

    func respond(to call: Call) async throws -> Response {
        .json(
            .object([
                .init("name", .string("Ovation")), .init("version", .string(version)),
                .init("region", .string(region)), .init("api", .string("/openapi.json")),
                .init("token", .string("/oauth/token")),
            ]))
    }
}

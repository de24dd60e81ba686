import Hummingbird
import OvationWire

/// `GET /openapi.json`: the API as its endpoints and bodies describe themselves.
struct OpenAPI: EndpointHandler {
    private let document: [UInt8]

    init(version: String, basePath: BasePath) {
        document = JSONWriter.write(OpenAPIDocument.json(version: version, basePath: basePath.text))
    }

    func respond(to call: Call) async throws -> Response {
        .bytes(document)
    }
}

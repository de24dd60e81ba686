import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// `GET /openapi.json`: OpenAPI 3.1, made from `Endpoint` so that it cannot forget one.
struct OpenAPI: EndpointHandler {
    let document: [UInt8]

    init(version: String) {
        document = JSONWriter.write(OpenAPI.document(version: version))
    }

    func respond(to call: Call) async throws -> Response {
        .bytes(document)
    }

    static func document(version: String) -> JSONValue {
        var paths: [JSONValue.Member] = []
        for path in Endpoint.allCases.map(\.path).uniqued() {
            let operations = Endpoint.allCases.filter { $0.path == path }.map { endpoint in
                JSONValue.Member(endpoint.method.rawValue.lowercased(), operation(endpoint))
            }
            paths.append(.init(path, .object(operations)))
        }
        // The file is part of the binary; a test reads it.
        let components = (try? JSONValue(parsing: PackageResources.schemas_json)) ?? .null
        return .object([
            .init("openapi", .string("3.1.0")),
            .init(
                "info",
                .object([
                    .init("title", .string("Ovation")), .init("version", .string(version)),
                    .init(
                        "description",
                        .string("A self-hosted audience event store, wire-compatible with the APSIS One API.")),
                    .init(
                        "license",
                        .object([.init("name", .string("Apache-2.0")), .init("identifier", .string("Apache-2.0"))])),
                ])),
            .init("paths", .object(paths)),
            .init("components", components),
        ])
    }

    private static func operation(_ endpoint: Endpoint) -> JSONValue {
        let text = endpoint.documentation
        var members: [JSONValue.Member] = [
            .init("operationId", .string(endpoint.rawValue)),
            .init("summary", .string(text.summary)),
            .init("tags", .array([.string(text.tag)])),
        ]
        let parameters = pathParameters(of: endpoint) + text.query.map { reference("parameters", $0) }
        if !parameters.isEmpty { members.append(.init("parameters", .array(parameters))) }
        if let schema = text.request {
            let content = text.requestTypes.map { type in
                JSONValue.Member(type, .object([.init("schema", reference("schemas", schema))]))
            }
            members.append(
                .init(
                    "requestBody",
                    .object([.init("required", .bool(!text.isRequestOptional)), .init("content", .object(content))])))
        }
        var responses = text.responses.map { response in
            JSONValue.Member(String(response.status), responseJSON(response))
        }
        responses.append(.init("default", reference("responses", "Problem")))
        members.append(.init("responses", .object(responses)))
        let security: [JSONValue] = endpoint.scope == .open ? [] : [.object([.init("bearer", .array([]))])]
        members.append(.init("security", .array(security)))
        return .object(members)
    }

    private static func responseJSON(_ response: EndpointDocumentation.Response) -> JSONValue {
        var members: [JSONValue.Member] = [.init("description", .string(response.description))]
        let text = JSONValue.object([.init("schema", .object([.init("type", .string("string"))]))])
        var content: [JSONValue.Member] = []
        if let schema = response.schema {
            let media = JSONValue.object([.init("schema", reference("schemas", schema))])
            content = (["application/json"] + response.otherTypes).map { .init($0, media) }
        }
        if let type = response.textType { content.append(.init(type, text)) }
        if let type = response.otherTextType { content.append(.init(type, text)) }
        if !content.isEmpty { members.append(.init("content", .object(content))) }
        return .object(members)
    }

    private static func pathParameters(of endpoint: Endpoint) -> [JSONValue] {
        endpoint.path.split(separator: "/").filter { $0.first == "{" }.map { segment in
            reference("parameters", String(segment.dropFirst().dropLast()))
        }
    }

    private static func reference(_ kind: String, _ name: String) -> JSONValue {
        .object([.init("$ref", .string("#/components/\(kind)/\(name)"))])
    }
}

extension Sequence where Element: Hashable {
    /// Each element once, in the order of its first.
    fileprivate func uniqued() -> [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}

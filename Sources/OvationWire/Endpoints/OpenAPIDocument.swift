import HTTPTypes

/// The API as OpenAPI 3.1: derived from the endpoints and from the bodies that they name, so it cannot forget one.
public enum OpenAPIDocument {
    /// - Parameters:
    ///   - version: of the server.
    ///   - basePath: what all paths of the server begin with, such as `/ovation`; empty where they begin with nothing.
    public static func json(version: String, basePath: String = "") -> JSONValue {
        .object([
            .init("openapi", "3.1.0"),
            .init(
                "info",
                .object([
                    .init("title", "Ovation"), .init("version", .string(version)),
                    .init(
                        "description", "A self-hosted audience event store, wire-compatible with the APSIS One API."),
                    .init(
                        "license",
                        .object([.init("name", "Apache-2.0"), .init("identifier", "Apache-2.0")])),
                ])),
            .init(
                "servers",
                [
                    .object([
                        .init("url", .string(basePath.isEmpty ? "/" : basePath)),
                        .init("description", "The server that gave this document."),
                    ])
                ]),
            .init("tags", tags), .init("paths", paths), .init("components", components),
        ])
    }

    private static let tags = JSONValue.array(
        Endpoint.Tag.allCases.map { tag in
            .object([.init("name", .string(tag.rawValue)), .init("description", .string(tag.description))])
        })

    // MARK: Operations

    private static let paths: JSONValue = {
        var paths: [JSONValue.Member] = []
        var seen: Set<String> = []
        for endpoint in Endpoint.allCases where seen.insert(endpoint.path).inserted {
            let operations = Endpoint.allCases.filter { $0.path == endpoint.path }.map { endpoint in
                JSONValue.Member(endpoint.method.rawValue.lowercased(), operation(endpoint.spec))
            }
            paths.append(.init(endpoint.path, .object(operations)))
        }
        return .object(paths)
    }()

    private static func operation(_ spec: EndpointSpec) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init("operationId", .string(spec.operationID)), .init("tags", [.string(spec.tag.rawValue)]),
            .init("summary", .string(spec.summary)), .init("description", .string(spec.description)),
        ]
        if !spec.parameters.isEmpty { members.append(.init("parameters", .array(spec.parameters.map(parameter)))) }
        if let body = spec.body {
            members.append(
                .init(
                    "requestBody",
                    .object([
                        .init("description", .string(body.description)), .init("required", .bool(body.isRequired)),
                        .init("content", content(body.content)),
                    ])))
        }
        var responses = spec.answers.map { answer in
            var members = [JSONValue.Member("description", .string(answer.description))]
            if !answer.content.isEmpty { members.append(.init("content", content(answer.content))) }
            return JSONValue.Member(String(answer.status), .object(members))
        }
        responses.append(.init("default", .object([.init("$ref", "#/components/responses/Problem")])))
        members.append(.init("responses", .object(responses)))
        members.append(.init("security", security(spec)))
        return .object(members)
    }

    private static func parameter(_ parameter: Parameter) -> JSONValue {
        .object([
            .init("name", .string(parameter.name)), .init("in", .string(parameter.location.rawValue)),
            .init("required", .bool(parameter.isRequired)), .init("description", .string(parameter.description)),
            .init("schema", parameter.schema.json), .init("example", parameter.schema.example),
        ])
    }

    private static func content(_ content: [(type: String, schema: Schema)]) -> JSONValue {
        .object(content.map { .init($0.type, .object([.init("schema", $0.schema.json)])) })
    }

    // MARK: Who may call

    /// Words of the claim `scope` of tokens. Every token has the first two.
    private static let scopes: KeyValuePairs<String, JSONValue> = [
        "audience.read": "Read definitions, profiles and events, as far as the API key is not limited.",
        "audience.write": "Post events, as far as the API key is not limited.",
        "audience.admin": "Change definitions and API keys, delete events, and read all; for API keys of role admin.",
    ]

    private static func security(_ spec: EndpointSpec) -> JSONValue {
        let scope: JSONValue
        switch spec.scope {
        case .open: return []
        case .token: scope = spec.method == .get ? "audience.read" : "audience.write"
        case .admin: scope = "audience.admin"
        }
        return [.object([.init("clientCredentials", [scope])]), .object([.init("bearer", [])])]
    }

    private static let securitySchemes = JSONValue.object([
        .init(
            "clientCredentials",
            .object([
                .init("type", "oauth2"),
                .init("description", "Id and secret of an API key, exchanged for a token that is valid for a day."),
                .init(
                    "flows",
                    .object([
                        .init(
                            "clientCredentials",
                            .object([
                                .init("tokenUrl", .string(Endpoint.createToken.path)),
                                .init("scopes", .object(scopes.map { .init($0.key, $0.value) })),
                            ]))
                    ])),
            ])),
        .init(
            "bearer",
            .object([
                .init("type", "http"), .init("scheme", "bearer"), .init("bearerFormat", "JWT"),
                .init("description", "A token from POST /oauth/token."),
            ])),
    ])

    // MARK: Bodies

    private static let components = JSONValue.object([
        .init("securitySchemes", securitySchemes),
        .init(
            "responses",
            .object([
                .init(
                    "Problem",
                    .object([
                        .init("description", "Refused. The body says what, where and why."),
                        .init(
                            "content", content([("application/problem+json", .reference(Bodies.Problem.self))])),
                    ]))
            ])),
        .init("schemas", .object(schemas.map { .init($0.schemaName, definition(of: $0)) })),
    ])

    private static func definition(of schema: any NamedSchema.Type) -> JSONValue {
        var definition = schema.definition
        definition.add("examples", [definition.example])
        return definition.json
    }

    /// Every schema that an endpoint names, or that is a part of one, by its name.
    public static let schemas: [any NamedSchema.Type] = {
        var found: [String: any NamedSchema.Type] = [:]
        var waiting: [any NamedSchema.Type] = [Bodies.Problem.self]
        for spec in Endpoint.allCases.map(\.spec) {
            waiting += spec.besides + (spec.body?.content.flatMap(\.schema.parts) ?? [])
            waiting += spec.parameters.flatMap(\.schema.parts)
            waiting += spec.answers.flatMap { $0.content.flatMap(\.schema.parts) }
        }
        while let next = waiting.popLast() {
            guard found.updateValue(next, forKey: next.schemaName) == nil else { continue }
            waiting += next.definition.parts
        }
        return found.sorted { $0.key < $1.key }.map(\.value)
    }()
}

import HTTPTypes
import Hummingbird
import OvationConsole
import OvationWire
import Synchronization

/// `GET /docs`: the reference, made from the API's own document when it is asked for first. It is the same for everybody.
final class Reference: Sendable {
    private let version: String
    private let basePath: BasePath
    private let html = Mutex<String?>(nil)

    init(version: String, basePath: BasePath) {
        self.version = version
        self.basePath = basePath
    }

    @Sendable static func show(_ arrival: Arrival) async throws -> Response {
        let console = arrival.console
        var response = Response.html(console.reference.html(with: console.pages))
        response.headers[.cacheControl] = "no-cache"
        return response
    }

    private func html(with pages: ConsolePages) -> String {
        html.withLock { html in
            if let html { return html }
            let page = ReferenceDocument(OpenAPIDocument.json(version: version)).page(
                version: version, basePath: basePath.text)
            let text = pages.renderBare(page, csrf: "")
            html = text
            return text
        }
    }
}

/// The API's document as the values of a page.
struct ReferenceDocument {
    private let json: JSONValue
    private let schemas: JSONValue

    init(_ json: JSONValue) {
        self.json = json
        schemas = json["components"]?["schemas"] ?? .object([])
    }

    func page(version: String, basePath: String = "") -> ReferencePage {
        ReferencePage(
            version: version,
            token: "export OVATION_URL=http://127.0.0.1:8080\(basePath)\n"
                + SampleCommands.token(
                    baseURL: "\"$OVATION_URL\"", clientID: "$OVATION_CLIENT_ID", clientSecret: "$OVATION_CLIENT_SECRET")
                + "\nexport TOKEN",
            parts: parts, bodies: (schemas.members ?? []).map(body), errors: ErrorGroup.all)
    }

    // MARK: Endpoints

    /// The document is read as its readers have it, by the names of OpenAPI, so that the page cannot say anything else. A test
    /// holds each endpoint to having its part.
    private var parts: [ReferencePage.Part] {
        let operations = (json["paths"]?.members ?? []).flatMap { path in
            (path.value.members ?? []).map { (path: path.name, method: $0.name.uppercased(), json: $0.value) }
        }
        return (json["tags"]?.array ?? []).enumerated().map { number, tag in
            let name = tag["name"]?.string ?? ""
            let endpoints = operations.filter { $0.json["tags"]?.array?.first?.string == name }
            return ReferencePage.Part(
                id: "part-\(number + 1)", name: name, description: tag["description"]?.string ?? "",
                endpoints: endpoints.map { endpoint($0.path, $0.method, $0.json) })
        }.filter { !$0.endpoints.isEmpty }
    }

    private func endpoint(_ path: String, _ method: String, _ json: JSONValue) -> ReferencePage.Endpoint {
        let parameters = json["parameters"]?.array ?? []
        let needsToken = json["security"]?.array?.isEmpty == false
        let content = json["requestBody"]?["content"]?.members ?? []
        let samples = ReferenceSamples(
            method: method, path: ReferenceDocument.path(path, parameters), needsToken: needsToken,
            body: sample(of: content))
        return ReferencePage.Endpoint(
            id: json["operationId"]?.string ?? "", method: method, path: path,
            summary: json["summary"]?.string ?? "", description: json["description"]?.string ?? "",
            access: ReferenceDocument.access(json), parameters: parameters.map(parameter),
            bodyDescription: json["requestBody"]?["description"]?.string, bodyKinds: kinds(content),
            answers: (json["responses"]?.members ?? []).map(answer), samples: samples.all,
            tryHref: ReferenceDocument.isEndless(json)
                ? nil : ConsolePath.docs + (json["operationId"]?.string ?? ""))
    }

    private static func isEndless(_ json: JSONValue) -> Bool {
        (json["responses"]?.members ?? []).contains { $0.value["content"]?["text/event-stream"] != nil }
    }

    private static func access(_ json: JSONValue) -> String {
        let scopes = json["security"]?.array?.compactMap { $0["clientCredentials"]?.array?.first?.string } ?? []
        switch scopes.first {
        case nil: return "It needs no token."
        case "audience.admin": return "It needs the token of an admin API key."
        default: return "It needs a token."
        }
    }

    private func parameter(_ json: JSONValue) -> ReferencePage.Member {
        ReferencePage.Member(
            name: json["name"]?.string ?? "", kind: kind(json["schema"]),
            place: "in the \(json["in"]?.string ?? "")", isRequired: json["required"]?.bool == true,
            description: json["description"]?.string ?? "")
    }

    private func answer(_ member: JSONValue.Member) -> ReferencePage.Answer {
        let isRefusal = member.name == "default"
        let json =
            isRefusal ? self.json["components"]?["responses"]?["Problem"] ?? member.value : member.value
        return ReferencePage.Answer(
            status: isRefusal ? "4xx, 5xx" : member.name, description: json["description"]?.string ?? "",
            kinds: kinds(json["content"]?.members ?? []))
    }

    /// The path with the examples of what is required in it.
    private static func path(_ template: String, _ parameters: [JSONValue]) -> String {
        var path = template
        var query: [String] = []
        for parameter in parameters where parameter["required"]?.bool == true {
            let name = parameter["name"]?.string ?? ""
            let value = PercentEncoding.encode(segment: text(parameter["example"]))
            switch parameter["in"]?.string {
            case "path": path = path.replacing("{\(name)}", with: value)
            case "query": query.append("\(name)=\(value)")
            default: break
            }
        }
        return query.isEmpty ? path : path + "?" + query.joined(separator: "&")
    }

    private static func text(_ value: JSONValue?) -> String {
        switch value {
        case .string(let text), .number(let text): text
        case .array(let values): text(values.first)
        default: ""
        }
    }

    private func sample(of content: [JSONValue.Member]) -> ReferenceSamples.Content? {
        guard let first = content.first else { return nil }
        guard first.name == "application/json", let name = ReferenceDocument.name(first.value["schema"]) else {
            return .file("events.ndjson")
        }
        return .json(schemas[name]?["examples"]?.array?.first ?? .object([]))
    }

    // MARK: Bodies

    private func body(_ member: JSONValue.Member) -> ReferencePage.Body {
        let required = Set((member.value["required"]?.array ?? []).compactMap(\.string))
        let members = (member.value["properties"]?.members ?? []).map { property in
            ReferencePage.Member(
                name: property.name, kind: kind(property.value), isRequired: required.contains(property.name),
                description: property.value["description"]?.string ?? "")
        }
        return ReferencePage.Body(
            name: member.name, description: member.value["description"]?.string ?? "",
            kind: members.isEmpty ? kind(member.value) : nil, members: members)
    }

    private func kinds(_ content: [JSONValue.Member]) -> [ReferencePage.Kind] {
        content.map { type in
            let kind = kind(type.value["schema"])
            return ReferencePage.Kind(
                text: kind.body == nil ? type.name : "\(kind.text) (\(type.name))", body: kind.body)
        }
    }

    /// What a schema allows, in words.
    private func kind(_ schema: JSONValue?) -> ReferencePage.Kind {
        guard let schema else { return ReferencePage.Kind(text: "anything") }
        if let name = ReferenceDocument.name(schema) { return ReferencePage.Kind(text: name, body: name) }
        if let choices = schema["anyOf"]?.array ?? schema["oneOf"]?.array {
            let kinds = choices.map { kind($0) }
            return ReferencePage.Kind(
                text: kinds.map(\.text).joined(separator: " or "), body: kinds.lazy.compactMap(\.body).first)
        }
        if let parts = schema["allOf"]?.array, let first = parts.first { return kind(first) }
        if let words = schema["enum"]?.array {
            return ReferencePage.Kind(text: words.map { ReferenceDocument.text($0) }.joined(separator: ", "))
        }
        let types = schema["type"]?.array?.compactMap(\.string) ?? [schema["type"]?.string].compactMap { $0 }
        if types.contains("array") {
            let items = kind(schema["items"])
            return ReferencePage.Kind(text: "list of \(items.text)", body: items.body)
        }
        if types.contains("object"), let values = schema["additionalProperties"], values.members != nil {
            let values = kind(values)
            return ReferencePage.Kind(text: "object of \(values.text)", body: values.body)
        }
        let format = schema["format"]?.string.map { " (\($0))" } ?? ""
        return ReferencePage.Kind(text: (types.isEmpty ? "anything" : types.joined(separator: " or ")) + format)
    }

    private static func name(_ schema: JSONValue?) -> String? {
        schema?["$ref"]?.string?.split(separator: "/").last.map(String.init)
    }
}

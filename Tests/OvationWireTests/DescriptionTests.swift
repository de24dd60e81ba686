import OvationCore
import OvationWire
import Testing

@Suite("The API describes itself")
struct DescriptionTests {
    private static let document = OpenAPIDocument.json(version: "test")

    /// Every schema in a document that stands somewhere as the value of a member of `properties`, with where it stands.
    private func properties(_ value: JSONValue, _ place: String) -> [(place: String, schema: JSONValue)] {
        switch value {
        case .object(let members):
            return members.flatMap { member -> [(place: String, schema: JSONValue)] in
                // An example can have anything in it.
                guard !["example", "examples"].contains(member.name) else { return [] }
                let inner = properties(member.value, place + "/" + member.name)
                guard member.name == "properties" else { return inner }
                return inner + (member.value.members ?? []).map { ("\(place)/\($0.name)", $0.value) }
            }
        case .array(let values): return values.flatMap { properties($0, place) }
        default: return []
        }
    }

    @Test("every endpoint, parameter, body, member and word list is described in a sentence or a phrase of its own")
    func descriptions() {
        for spec in Endpoint.allCases.map(\.spec) {
            #expect(!spec.summary.isEmpty && !spec.summary.hasSuffix("."), "\(spec.name)")
            #expect(spec.description.hasSuffix(".") && spec.description != spec.summary, "\(spec.name)")
            #expect(spec.parameters.allSatisfy { !$0.description.isEmpty }, "\(spec.name)")
            #expect(!spec.answers.isEmpty && spec.answers.allSatisfy { !$0.description.isEmpty }, "\(spec.name)")
            #expect(spec.body?.description.isEmpty != true, "\(spec.name)")
        }
        let found = properties(Self.document, "")
        #expect(found.count > 200)
        for (place, schema) in found {
            #expect(schema["description"]?.string?.isEmpty == false, "\(place)")
        }
        for schema in Self.document["components"]?["schemas"]?.members ?? [] {
            #expect(schema.value["description"]?.string?.isEmpty == false, "\(schema.name)")
        }
        #expect(Endpoint.Tag.allCases.allSatisfy { !$0.description.isEmpty })
    }

    @Test("what stands in braces in a path is described, and nothing else is said to stand there")
    func pathParameters() {
        for spec in Endpoint.allCases.map(\.spec) {
            let braces = spec.path.split(separator: "/").filter { $0.first == "{" }.map { $0.dropFirst().dropLast() }
            let described = spec.parameters.filter { $0.location == .path }
            #expect(Set(braces.map(String.init)) == Set(described.map(\.name)), "\(spec.name)")
            #expect(described.count == braces.count && described.allSatisfy(\.isRequired), "\(spec.name)")
            let names = spec.parameters.map { "\($0.location) \($0.name)" }
            #expect(Set(names).count == names.count, "\(spec.name): \(names)")
        }
    }

    @Test("operations have names that generators of clients cut well into words")
    func operationIDs() {
        let names = Endpoint.allCases.map(\.spec.operationID)
        #expect(Set(names.map { $0.lowercased() }).count == names.count)
        for name in names {
            #expect(name.first?.isLowercase == true && name.allSatisfy { $0.isASCII && $0.isLetter }, "\(name)")
            // Two capitals beside each other are one word to some and two to others.
            #expect(!zip(name, name.dropFirst()).contains { $0.isUppercase && $1.isUppercase }, "\(name)")
            // A verb alone would not say of what.
            #expect(name.contains { $0.isUppercase }, "\(name)")
        }
    }

    @Test("every reference leads somewhere, and every schema is referred to or named by an endpoint")
    func references() {
        let text = String(decoding: JSONWriter.write(Self.document), as: UTF8.self)
        let references = Set(
            text.split(separator: "\"$ref\":\"#/components/").dropFirst().map { String($0.prefix { $0 != "\"" }) })
        #expect(references.count > 60)
        for reference in references {
            let parts = reference.split(separator: "/").map(String.init)
            #expect(Self.document["components"]?[parts[0]]?[parts[1]] != nil, "\(reference)")
        }
        let besides = Set(Endpoint.allCases.flatMap(\.spec.besides).map { $0.schemaName })
        for name in OpenAPIDocument.schemas.map({ $0.schemaName }) {
            #expect(references.contains("schemas/\(name)") || besides.contains(name), "\(name)")
        }
    }

    private func readsItsExample<Example: Body>(_ body: Example.Type) throws {
        let example = body.definition.example
        #expect(try Example(json: example).json == example, "\(body)")
        // A member that has to be there and is not is missed.
        for member in example.members ?? [] {
            let isRequired = body.definition.json["required"]?.array?.contains(.string(member.name)) == true
            let rest = JSONValue.object((example.members ?? []).filter { $0.name != member.name })
            guard isRequired, member.value != .null else { continue }
            if isNullable(body, member.name) { continue }
            #expect(throws: Problem.self, "\(body) \(member.name)") { _ = try Example(json: rest) }
        }
    }

    private func isNullable(_ body: any Body.Type, _ name: String) -> Bool {
        let schema = body.definition.json["properties"]?[name]
        let types = schema?["type"]?.array ?? (schema?["anyOf"]?.array ?? []).compactMap { $0["type"] }
        return types.contains("null")
    }

    @Test("every body reads its own example and writes it as it was")
    func examples() throws {
        let bodies = OpenAPIDocument.schemas.compactMap { $0 as? any Body.Type }
        #expect(bodies.count > 50)
        for body in bodies { try readsItsExample(body) }
    }

    @Test("the codes of problems are all in the document, which leaves room for those to come")
    func codes() {
        let schemas = Self.document["components"]?["schemas"]
        let words = schemas?["ProblemCode"]?["enum"]?.array?.compactMap(\.string) ?? []
        #expect(words == Problem.Code.allCases.map(\.rawValue) && words.count > 60)
        let code = schemas?["Problem"]?["properties"]?["code"]?["anyOf"]?.array
        #expect(code?.contains { $0["type"] == "string" && $0["enum"] == nil } == true)
        // A code or none is one choice, and not a choice in a choice.
        #expect(schemas?["RejectionCause"]?["properties"]?["item_code"]?["anyOf"]?.array?.count == 3)
    }

    @Test("the document says where tokens come from, and which endpoints ask for one of an admin")
    func security() {
        let schemes = Self.document["components"]?["securitySchemes"]
        let flow = schemes?["clientCredentials"]?["flows"]?["clientCredentials"]
        #expect(flow?["tokenUrl"]?.string == "/oauth/token")
        #expect(schemes?["bearer"]?["scheme"]?.string == "bearer")
        for endpoint in Endpoint.allCases {
            let method = endpoint.label.prefix { $0 != " " }.lowercased()
            let operation = Self.document["paths"]?[endpoint.path]?[method]
            let asked = (operation?["security"]?.array ?? []).compactMap {
                $0["clientCredentials"]?.array?.first?.string
            }
            switch endpoint.scope {
            case .open: #expect(operation?["security"]?.array?.isEmpty == true, "\(endpoint)")
            case .token: #expect(asked == [method == "get" ? "audience.read" : "audience.write"], "\(endpoint)")
            case .admin: #expect(asked == ["audience.admin"], "\(endpoint)")
            }
            for scope in asked { #expect(flow?["scopes"]?[scope] != nil, "\(scope)") }
        }
        #expect(Self.document["servers"]?.array?.first?["url"]?.string == "/")
    }
}

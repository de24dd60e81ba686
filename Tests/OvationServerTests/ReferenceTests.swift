import Foundation
import HTTPTypes
import OvationTesting
import OvationWire
import Testing

@testable import OvationConsole
@testable import OvationServer

@Suite("The reference as a page")
struct ReferenceTests {
    private static let document = OpenAPIDocument.json(version: "1")

    @Test("it has every endpoint, every body and every code, each at a place of its own")
    func whole() async throws {
        try await TestServer.run { server async throws in
            let answer = try await server.send(.get, "/docs", token: nil)
            #expect(answer.status == .ok && answer.header("Content-Type") == "text/html; charset=utf-8")
            let ids = answer.text.matches(of: /\ id="([^"]+)"/).map { String($0.1) }
            #expect(Set(ids).count == ids.count, "an id is given twice")
            let links = answer.text.matches(of: /\ href="#([^"]+)"/).map { String($0.1) }
            #expect(links.allSatisfy { ids.contains($0) || $0 == "main" }, "\(links.filter { !ids.contains($0) })")
            for endpoint in Endpoint.allCases { #expect(ids.contains(endpoint.spec.operationID)) }
            for schema in OpenAPIDocument.schemas { #expect(ids.contains("body-\(schema.schemaName)")) }
            let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent().appending(path: "docs/errors.md")
            let codes = try String(contentsOf: file, encoding: .utf8).matches(of: /(?m)^\| `([a-z_]+)` \|/).map { $0.1 }
            #expect(codes.count > 60)
            for code in codes { #expect(ids.contains("error-\(code)"), "\(code)") }
            #expect(answer.text.contains("The body is not JSON (RFC 8259)"))
            #expect(try await server.send(.head, "/docs", token: nil).status == .ok)
        }
    }

    @Test("each endpoint has its parameters, its body, its answers, and examples in four languages")
    func endpoints() throws {
        let page = ReferenceDocument(Self.document).page(version: "1")
        let endpoints = page.parts.flatMap(\.endpoints)
        #expect(endpoints.count == Endpoint.allCases.count)
        #expect(endpoints.allSatisfy { $0.samples.map(\.language) == ["curl", "Python", "JavaScript", "PHP"] })
        #expect(endpoints.flatMap(\.samples).allSatisfy { !$0.code.contains("{keyspace}") })
        let post = try #require(endpoints.first { $0.id == "postEvents" })
        #expect(post.method == "POST" && post.access == "It needs a token.")
        #expect(
            post.parameters.map(\.name) == ["keyspace", "key", "section", "Prefer", "Idempotency-Key"])
        #expect(post.parameters[0].isRequired && post.parameters[0].place == "in the path")
        #expect(post.parameters[3].kind.text == "handling=lenient, validate-only")
        #expect(post.bodyKinds == [.init(text: "PostEvents (application/json)", body: "PostEvents")])
        #expect(post.answers.map(\.status) == ["204", "207", "4xx, 5xx"])
        #expect(post.answers[2].kinds.first?.body == "Problem")
        #expect(endpoints.first { $0.id == "createSection" }?.access == "It needs the token of an admin API key.")
        #expect(endpoints.first { $0.id == "getHealth" }?.access == "It needs no token.")
        let body = try #require(page.bodies.first { $0.name == "PostEvents" })
        #expect(body.members.map(\.kind) == [.init(text: "list of PostedEvent", body: "PostedEvent")])
        #expect(body.members[0].isRequired)
    }

    @Test("examples write what is in a body as their language does")
    func samples() {
        let body = JSONValue.object([
            .init("it's", .array([.bool(true), .null, .number("1.50")])), .init("none", .object([])), .init("q", "\"$"),
        ])
        let samples = ReferenceSamples(method: "PUT", path: "/a%40b", needsToken: true, body: .json(body)).all
        #expect(samples[0].code.contains("--url \"$OVATION_URL\"'/a%40b'"))
        #expect(samples[0].code.contains("\"it'\\''s\""))
        #expect(
            samples[1].code.contains("True,\n            None,\n            1.50\n")
                && samples[1].code.contains("\"none\": {}"))
        #expect(samples[2].code.contains("\"none\": {}") && samples[2].code.contains("process.env.TOKEN"))
        #expect(samples[3].code.contains("'none' => new stdClass()") && samples[3].code.contains("'q' => '\"$'"))
        let bare = ReferenceSamples(method: "GET", path: "/", needsToken: false, body: nil).all
        #expect(bare.allSatisfy { !$0.code.contains("TOKEN") && !$0.code.contains("json") })
    }

    @Test("a browser is led from the bare host to the console, and other clients are not")
    func root() async throws {
        try await TestServer.run { server async throws in
            let browsers = [
                "text/html", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
                "application/xhtml+xml, Text/HTML;level=1",
            ]
            for accept in browsers {
                let answer = try await server.send(.get, "/", token: nil, headers: [("Accept", accept)])
                #expect(answer.status == .seeOther && answer.header("Location") == "/console", "\(accept)")
                #expect(answer.header("Vary") == "Accept")
            }
            let others = [
                "*/*", "application/json", "application/json, text/html", "text/html, image/gif, image/jpeg, */*; q=.2",
            ]
            for accept in others {
                let answer = try await server.send(.get, "/", token: nil, headers: [("Accept", accept)])
                #expect(answer.status == .ok && answer.text.contains("\"name\":\"Ovation\""), "\(accept)")
            }
            #expect(try await server.send(.get, "/", token: nil).status == .ok)
        }
    }

    @Test("there is an icon where browsers look for one")
    func icon() async throws {
        try await TestServer.run { server async throws in
            let answer = try await server.send(.get, "/favicon.ico", token: nil)
            #expect(answer.status == .ok && answer.header("Content-Type") == "image/svg+xml")
            #expect(answer.text.contains("<svg"))
        }
    }
}

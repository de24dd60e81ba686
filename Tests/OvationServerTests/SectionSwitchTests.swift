import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

@Suite("Sections in the console")
struct SectionSwitchTests {
    private static let types = "/console/sections/\(Fixtures.section)/event-types"
    private static let founding = "com.apsis1.sections.default"
    private static let nothing = Model(keyspaces: [], sections: [])

    private static func makeSection(_ name: String, _ server: TestServer) async throws -> String {
        let made = try await server.send(.post, "/audience/sections", body: "{\"name\":\"\(name)\"}")
        return try #require(made.json["discriminator"]?.string)
    }

    @Test("an account of one section has no switch: there is nothing to choose")
    func one() async throws {
        try await TestServer.run(model: Self.nothing) { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            let path = "/console/sections/\(Self.founding)/event-types"
            #expect(try await !client.get(path).text.contains("<ul aria-label=\"Sections\">"))
            _ = try await Self.makeSection("Second", server)
            #expect(try await client.get(path).text.contains("<ul aria-label=\"Sections\">"))
        }
    }

    @Test("the switch is on pages of one section alone, and leads to the same kind of page")
    func acts() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            let shop = try await Self.makeSection("Shop & <b>", server)
            let paths = ConsoleRoute.all.filter { $0.method == .get && !$0.path.contains("{") }.map(\.path)
                .filter { !["/console/live/stream", "/console/sign-in", "/console/model.yaml"].contains($0) }
            for path in paths + ["/console/rejections?section=\(shop)"] {
                let text = try await client.get(path).text
                #expect(!text.contains("<ul aria-label=\"Sections\">"), "\(path) is of all sections")
            }
            for (path, other) in [
                ("", ""), ("/new", "/new"), ("/\(Fixtures.eventType)", ""), ("/\(Fixtures.eventType)/edit", ""),
            ] {
                let text = try await client.get(Self.types + path).text
                #expect(text.contains("<ul aria-label=\"Sections\">"), "\(path)")
                #expect(text.contains("href=\"/console/sections/\(shop)/event-types\(other)\">Shop &amp; &lt;b&gt;"))
            }
        }
    }

    @Test("the navigation leads back to the section that was looked at last")
    func remembers() async throws {
        try await TestServer.run { server async throws in
            let shop = try await Self.makeSection("Shop", server)
            var client = try await ConsoleClient.signedIn(to: server)
            let entry = { (section: String) in "<a href=\"/console/sections/\(section)/event-types\"><svg" }
            #expect(try await client.get("/console/live").text.contains(entry(Self.founding)))
            _ = try await client.get("/console/sections/\(shop)/event-types")
            #expect(try await client.get("/console/live").text.contains(entry(shop)))
            var other = try await ConsoleClient.signedIn(to: server)
            #expect(try await other.get("/console/live").text.contains(entry(Self.founding)), "each for himself")
        }
    }

    @Test("the first steps open the section and the event type that were made, by the names that people gave")
    func firstSteps() async throws {
        try await TestServer.run(model: Self.nothing) { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            let shop = try await Self.makeSection("Ärmel & Söhne", server)
            let new = "href=\"/console/sections/\(shop)/event-types/new\""
            var text = try await client.get("/console").text
            #expect(text.contains(new) && text.contains("Ärmel &amp; Söhne"), "the section that was made last")
            let body = #"{"name":"coffee","category":"signal","fields":{"a":"string"},"draft":true}"#
            let draft = try await server.send(.post, "/audience/sections/\(shop)/events", body: body).json
            let discriminator = try #require(draft["discriminator"]?.string)
            let page = "/console/sections/\(shop)/event-types/\(discriminator)"
            text = try await client.get("/console").text
            #expect(text.contains("href=\"\(page)\"") && text.contains("‘coffee’ has no current version"))
            _ = try await Self.makeSection("Empty", server)
            let id = draft["drafts"]?.array?.first?["id"]?.string ?? ""
            let address = "/audience/sections/\(shop)/events/\(discriminator)/versions/\(id)/publish"
            #expect(try await server.send(.post, address).status == .ok)
            text = try await client.get("/console").text
            #expect(text.contains("href=\"\(page)\">Open ‘coffee’"))
            #expect(text.contains("/sections/\(shop)/events"), "and the command posts there")
        }
    }
}

import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@Suite("Drafts are for admins")
struct DraftTests {
    private static let draftType = "com.apsis1.events.signal.custom-hidden-type-abcdefghij"
    private static let profile = "/audience/keyspaces/\(Fixtures.emailKeyspace)/profiles/steve%40apsis.com"

    @Test("an integration sees nothing of a draft, of its fields, and of the events that admins try it with")
    func hidden() async throws {
        try await TestServer.run { server async throws in
            let hidden =
                #"{"name":"hidden type","discriminator":"\#(Self.draftType)","category":"signal","draft":true,"#
                + #""version_id":901,"fields":{"hiddenField":"string"},"#
                + #""keyspace_permissions":[{"keyspace_discriminator":"\#(Fixtures.emailKeyspace)","read":true,"write":true}]}"#
            #expect(try await server.send(.post, TestServer.definitionsPath, body: hidden).status == .created)
            let next = #"{"draft":true,"version_id":902,"fields":{"hiddenField":"string"}}"#
            let added = try await server.send(
                .post, TestServer.definitionsPath + "/\(Fixtures.eventType)/versions", body: next)
            #expect(added.status == .created, "\(added.text)")
            let posts = [
                TestServer.item(), TestServer.item(#"{"hiddenField":"hidden value"}"#, version: "901"),
                TestServer.item(#"{"hiddenField":"hidden value"}"#, version: "902"),
            ]
            for post in posts { #expect(try await server.post(TestServer.items(post)).status == .noContent) }
            let (_, token) = try await server.token(ofNewKey: #"{"name":"shop"}"#)

            let section = "/audience/sections/\(Fixtures.section)"
            let paths = [
                TestServer.definitionsPath, TestServer.definitionsPath + "?include_keyspace_permissions=true",
                TestServer.definitionsPath + "/\(Fixtures.eventType)",
                section + "/usage", TestServer.eventsPath(), Self.profile,
                Self.profile + "/sections/\(Fixtures.section)/days",
                TestServer.definitionsPath + "/export", TestServer.definitionsPath + "/export?format=csv",
                TestServer.definitionsPath + "/export?format=csv&event_discriminators=\(Fixtures.eventType)",
                "/audience/sections", "/audience/keyspaces", "/openapi.json",
            ]
            for path in paths {
                let answer = try await server.send(.get, path, token: token)
                for word in ["hidden", "901", "902", "abcdefghij"] where path != "/openapi.json" || word == "abcdefghij"
                {
                    #expect(!answer.text.contains(word), "\(path): \(answer.text.prefix(500))")
                }
            }
            // The same as of what there is not.
            let unknown = try await server.send(
                .get, TestServer.definitionsPath + "/com.apsis1.events.signal.none", token: token)
            let draft = try await server.send(.get, TestServer.definitionsPath + "/\(Self.draftType)", token: token)
            #expect(draft.status == .notFound && draft.code == unknown.code)
            for path in [
                TestServer.eventsPath(), Self.profile + "/sections/\(Fixtures.section)/days",
                TestServer.definitionsPath + "/export",
            ] {
                let answer = try await server.send(
                    .get, path + "?event_discriminators=\(Self.draftType)", token: token)
                #expect(answer.code == "invalid_parameter", "\(path)")
            }
            let days = try await server.send(.get, Self.profile + "/sections/\(Fixtures.section)/days", token: token)
            #expect(days.json["items"]?.array?.map { $0["event_count"]?.int } == [1])
            #expect(try await server.send(.get, TestServer.eventsPath(), token: token).json["items"]?.array?.count == 1)
            #expect(try await server.send(.get, Self.profile, token: token).json["event_count"]?.int == 1)
            let exported = try await server.send(.get, TestServer.definitionsPath + "/export", token: token)
            #expect(exported.text.split(separator: "\n").count == 1)
            // A caller who knows the id learns that it is a draft.
            #expect(
                try await server.post(TestServer.items(posts[1]), token: token).errors
                    == ["/items/0/version_id draft_version"])

            #expect(try await server.stored().count == 3, "admins see them")
            let full = try await server.send(.get, TestServer.definitionsPath + "/\(Self.draftType)")
            #expect(full.json["drafts"]?.array?.count == 1)
            let published = try await server.send(
                .post, TestServer.definitionsPath + "/\(Self.draftType)/versions/901/publish")
            #expect(published.status == .ok)
            #expect(
                try await server.send(.get, TestServer.eventsPath(), token: token).json["items"]?.array?.count == 2)
        }
    }

    @Test("a query with a NUL character is refused by every endpoint that reads it, before any store is asked")
    func nulCharacters() async throws {
        try await TestServer.run { server async throws in
            _ = try await server.post(TestServer.items(TestServer.item()))
            let queries: [(String, [String])] = [
                ("/audience/profiles?key=a", ["key", "keyspace", "exact", "limit"]),
                ("/audience/rejections?limit=1", ["q", "code", "state", "section", "before", "limit"]),
                ("/audience/sections/\(Fixtures.section)/rejections?limit=1", ["q", "code", "state", "before"]),
                (TestServer.eventsPath() + "?limit=1", ["event_discriminators", "cursor", "from", "to", "limit"]),
                (Self.profile + "/sections/\(Fixtures.section)/days?from=", ["event_discriminators", "to"]),
                (
                    TestServer.definitionsPath + "/export?format=csv",
                    ["after", "formulas", "event_discriminators", "from"]
                ),
                ("/audience/log?limit=1", ["after", "event_discriminator"]),
            ]
            for (path, names) in queries {
                for name in names {
                    for value in ["%00", "a%00b", "%00a"] {
                        let answer = try await server.send(.get, path + "&\(name)=\(value)")
                        #expect(answer.status == .badRequest && answer.code == "invalid_parameter", "\(path) \(name)")
                    }
                }
                #expect(try await server.send(.get, path + "&any%00thing=1").status == .badRequest)
            }
            let deletion = try await server.send(.delete, TestServer.eventsPath() + "?from=%00")
            #expect(deletion.status == .badRequest)
            #expect(try await server.stored().count == 1)
            var client = try await ConsoleClient.signedIn(to: server)
            for path in ["/console/rejections?q=a%00", "/console/profiles?key=a%00", "/console/live?section=%00"] {
                let status = try await client.get(path).status
                #expect(status.code < 500 && status.code >= 400, "\(path) \(status)")
            }
        }
    }
}

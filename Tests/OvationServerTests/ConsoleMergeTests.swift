import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

@Suite("Merges in the console")
struct ConsoleMergeTests {
    private static let web = "com.apsis1.keyspaces.web"

    private func merge(_ server: TestServer, with key: String) async throws {
        let body = #"""
            {"profiles":[{"keyspace_discriminator":"\#(Fixtures.emailKeyspace)","profile_key":"steve@apsis.com"},
            {"keyspace_discriminator":"\#(Self.web)","profile_key":"\#(key)"}]}
            """#
        #expect(try await server.send(.put, "/audience/profiles/merges", body: body).status == .noContent)
    }

    private func members(_ server: TestServer) async throws -> [String?] {
        let path = "/audience/keyspaces/\(Fixtures.emailKeyspace)/profiles/steve%40apsis.com"
        return try await server.send(.get, path).json["members"]?.array?.map { $0["key"]?["key"]?.string } ?? []
    }

    private func page(_ server: TestServer) async throws -> String {
        let found = try await server.send(.get, "/audience/profiles?key=steve%40apsis.com").json
        return "/console/profiles/" + (found["items"]?.array?.first?["profile_id"]?.string ?? "")
    }

    @Test("an undo is of the member that was shown, also when another one is in its place meanwhile")
    func undoIsOfWhatWasShown() async throws {
        try await TestServer.run { server async throws in
            try await merge(server, with: "first")
            server.clock.advance(by: .seconds(1))
            try await merge(server, with: "second")
            var client = try await ConsoleClient.signedIn(to: server)
            let undo = try await page(server) + "/members/1/undo"
            let question = try await client.get(undo)
            #expect(question.isQuestion && question.text.contains("Undo the merge of first?"))
            let out = "/audience/profiles/merges/keyspaces/\(Self.web)/profiles/first"
            #expect(
                try await server.send(.delete, out, headers: [("Prefer", "handling=restore")]).status == .noContent)
            #expect(try await client.post(undo, question.hiddenFields).status == .conflict)
            #expect(try await members(server) == ["steve@apsis.com", "second"])
            #expect(try await client.confirm(undo).text.contains("The merge is undone."))
            #expect(try await members(server) == ["steve@apsis.com"])
            #expect(try await client.get(undo).status == .notFound)
            #expect(try await client.get(try await page(server) + "/members/0/undo").status == .notFound)
        }
    }

    @Test("the history says in words what became of a profile as a whole")
    func history() async throws {
        try await TestServer.run { server async throws in
            try await merge(server, with: "w")
            let keys = "/audience/keyspaces/\(Fixtures.emailKeyspace)/profiles/steve%40apsis.com/keys"
            let key = #"{"keyspace_discriminator":"com.apsis1.keyspaces.crm-id","profile_key":"1"}"#
            #expect(try await server.send(.post, keys, body: key).status == .created)
            #expect(try await server.send(.delete, keys + "/com.apsis1.keyspaces.crm-id/1").status == .noContent)
            var client = try await ConsoleClient.signedIn(to: server)
            let text = try await client.get(try await page(server) + "/sections/\(Fixtures.section)/changes").text
            for words in ["Merged with another profile", "A key added", "A key removed"] {
                #expect(text.contains(words), "\(words)")
            }
        }
    }
}

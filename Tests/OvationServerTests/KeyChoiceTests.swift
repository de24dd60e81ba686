import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

@Suite("What a new API key may do")
struct KeyChoiceTests {
    private static let email = "keyspace:\(Fixtures.emailKeyspace)"

    /// Forms that say nothing, or two things at once, and a part of what the page then says at the field.
    private static let refused: [([(String, String)], String)] = [
        ([], "Choose all sections, or only those"),
        ([("section_scope", "all")], "Choose all keyspaces, or only those"),
        ([("section_scope", "all"), ("keyspace_scope", "only")], "Choose at least a keyspace"),
        ([("section_scope", "all"), ("keyspace_scope", "only"), (email, "none")], "Choose at least a keyspace"),
        ([("section_scope", "only"), ("keyspace_scope", "all")], "Choose at least a section"),
        ([("section_scope", "all"), (email, "read")], "Choose all keyspaces, or only those"),
        ([("section_scope", "all"), ("keyspace_scope", "all"), (email, "read")], "all keyspaces and some of them"),
        (
            [("section_scope", "all"), ("section", Fixtures.section), ("keyspace_scope", "all")],
            "all sections and some of them"
        ),
        ([("section_scope", "ALL"), ("keyspace_scope", "all")], "Choose all sections, or only those"),
        ([("role", "admin"), ("section_scope", "only")], "Choose at least a section"),
        (
            [
                ("role", "admin"), ("section_scope", "only"), ("section", Fixtures.section), ("keyspace_scope", "all"),
            ], "cannot be limited"
        ),
    ]

    @Test("a form that does not say which is refused at the field, and makes no key", arguments: refused.indices)
    func refuses(index: Int) async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            let (fields, words) = Self.refused[index]
            let answer = try await client.post("/console/keys", [("name", "shop"), ("role", "integration")] + fields)
            #expect(answer.status.kind == .clientError && answer.text.contains(words), "\(answer.text)")
            #expect(answer.text.contains("class=\"error\""))
            #expect(try await server.send(.get, "/account/api-keys").json["items"]?.array?.count == 1)
        }
    }

    @Test("what was chosen is what the key may do, and the page says so")
    func chooses() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            let all = [("section_scope", "all"), ("keyspace_scope", "all")]
            let open = try await client.post("/console/keys", [("name", "open"), ("role", "integration")] + all)
            #expect(open.text.contains("Reads and writes through all keyspaces, now and later."))
            let narrow = try await client.post(
                "/console/keys",
                [
                    ("name", "narrow"), ("role", "integration"), ("section_scope", "only"),
                    ("section", Fixtures.section),
                    ("keyspace_scope", "only"), (Self.email, "read"),
                ])
            #expect(narrow.text.contains("Only reads through") && narrow.text.contains("Only the section"))
            let admin = try await client.post("/console/keys", [("name", "second"), ("role", "admin")])
            #expect(admin.text.contains("May do everything in the account"))
            let keys = try await server.send(.get, "/account/api-keys").json["items"]?.array ?? []
            func key(_ name: String) -> JSONValue? { keys.first { $0["name"]?.string == name } }
            #expect(key("open")?["sections"] == .null && key("open")?["keyspaces"] == .null)
            #expect(key("narrow")?["keyspaces"] == .object([.init(Fixtures.emailKeyspace, .string("read"))]))
            let list = try await client.get("/console/keys").text
            #expect(list.contains("Only reads through") && list.contains("May do everything in the account"))
            let id = key("narrow")?["client_id"]?.string ?? ""
            for page in ["rotate", "revoke"] {
                #expect(try await client.get("/console/keys/\(id)/\(page)").text.contains("Only reads through"))
            }
        }
    }

    @Test(
        "the API refuses a list of none, and takes what is left out or null for all",
        arguments: [
            (#""keyspaces":{}"#, false), (#""sections":[]"#, false), (#""keyspaces":[]"#, false),
            (#""sections":null,"keyspaces":null"#, true), (#""role":"integration""#, true),
            (#""role":"admin","keyspaces":{}"#, false),
        ])
    func api(members: String, isTaken: Bool) async throws {
        try await TestServer.run { server async throws in
            let answer = try await server.send(.post, "/account/api-keys", body: "{\"name\":\"a\",\(members)}")
            #expect(answer.status == (isTaken ? .created : .badRequest), "\(answer.text)")
            guard isTaken else { return }
            #expect(answer.json["sections"] == .null && answer.json["keyspaces"] == .null)
        }
    }
}

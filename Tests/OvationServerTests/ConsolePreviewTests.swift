import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

@Suite("Previews of the console")
struct ConsolePreviewTests {
    private static let types = "/console/sections/\(Fixtures.section)/event-types"
    private static let type = types + "/" + Fixtures.eventType
    private static let script = [("X-Requested-With", "console")]
    private static let permissions = [("read", Fixtures.emailKeyspace), ("write", Fixtures.emailKeyspace)]

    private func log(_ server: TestServer) async throws -> String {
        try await server.send(.get, "/audience/log?limit=1000").text
    }

    @Test("an edit that will be saved as a draft is previewed as a draft, and breaks nothing")
    func edits() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            _ = try await client.get(Self.type + "/edit")
            let before = try await log(server)
            let form =
                [("name", "my order"), ("field_name", "cups"), ("field_type", "integer"), ("field_required_0", "on")]
                + Self.permissions
            let path = Self.type + "/edit/preview"
            let draft = try await client.post(path, form + [("action", "draft")], headers: Self.script).text
            #expect(draft.contains("Makes a draft") && draft.contains("show the draft to admin keys"), "\(draft)")
            #expect(draft.contains("+ cups: integer, required") && draft.contains("name: my transaction → my order"))
            #expect(!draft.contains("What this breaks"))
            let other = try await client.post(path, form + [("action", "preview")], headers: Self.script).text
            #expect(other.contains("Makes a new version") && other.contains("As the API will list it"), "\(other)")
            #expect(other.contains("What this breaks") && other.contains("cups is new and required"))
            let same = try await client.post(
                path, [("name", "my order")] + Self.permissions + Self.articleFields, headers: Self.script
            ).text
            #expect(same.contains("No new version") && !same.contains("What this breaks"), "\(same)")
            #expect(try await log(server) == before)
        }
    }

    /// The fields that the version of the fixtures has, in a form.
    private static let articleFields = [
        ("myNumberField", "integer"), ("myNumberWithDecimalField", "double"), ("myTextField", "string"),
        ("myTrueFalseField", "boolean"),
    ].flatMap { [("field_name", $0.0), ("field_type", $0.1)] }

    @Test("a new event type that will be saved as a draft is previewed as a draft")
    func creations() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            _ = try await client.get(Self.types + "/new")
            let before = try await log(server)
            let form =
                [
                    ("suffix", "abcdefgh12"), ("name", "coffee bought"), ("category", "transaction"),
                    ("field_name", "cups"), ("field_type", "integer"),
                ] + Self.permissions
            let path = Self.types + "/preview"
            let draft = try await client.post(path, form + [("action", "draft")], headers: Self.script).text
            #expect(draft.contains("show the draft to admin keys") && draft.contains("curl -i"), "\(draft)")
            let other = try await client.post(path, form, headers: Self.script).text
            #expect(other.contains("As the API will list it") && !other.contains("drafts"), "\(other)")
            #expect(try await log(server) == before)
        }
    }

    @Test("an error stands beside its field, whatever its words are")
    func places() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            _ = try await client.get(Self.types + "/new")
            let good = [("suffix", "abcdefgh12"), ("name", "a"), ("category", "signal"), ("action", "create")]
            let long = String(repeating: "d", count: Limits.descriptionLengthMax + 1)
            let cases: [([(String, String)], String)] = [
                ([("description", long)], "description"), ([("name", "")], "name"), ([("category", "x")], "category"),
                ([("category", "")], "category"),
                ([("field_name", "a"), ("field_type", "date")], "field_name_0"),
                (
                    [("field_name", ""), ("field_name", "1"), ("field_type", ""), ("field_type", "string")],
                    "field_name_1"
                ),
            ]
            for (fields, control) in cases {
                let kept = good.filter { pair in !fields.contains { $0.0 == pair.0 } }
                let answer = try await client.post(Self.types, kept + fields)
                #expect(answer.status == .badRequest, "\(fields)")
                #expect(answer.text.contains("id=\"\(control)-error\""), "\(control): \(answer.text)")
            }
        }
    }
}

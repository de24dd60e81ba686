import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

@Suite("Definitions")
struct DefinitionTests {
    private static let eventPath = TestServer.definitionsPath + "/" + Fixtures.eventType

    @Test("the list is the article's, and only what is asked for is added")
    func lists() async throws {
        try await TestServer.run { server async throws in
            let list = try await server.send(.get, TestServer.definitionsPath)
            let item = try #require(list.json["items"]?.array?.first)
            #expect(item.members?.map(\.name) == ["name", "discriminator", "description", "versions"])
            let path = TestServer.definitionsPath + "?include_keyspace_permissions=true"
            let more = try await server.send(.get, path).json["items"]?.array?.first
            #expect(
                more?["keyspace_permissions"]
                    == (try JSONValue(
                        parsing: #"[{"keyspace_discriminator":"com.apsis1.keyspaces.email","read":true,"write":true}]"#))
            )
        }
    }

    @Test("changed fields make a version, changed words do not")
    func versions() async throws {
        try await TestServer.run { server async throws in
            let named = try await server.send(.patch, Self.eventPath, body: #"{"name":"Order","description":"d"}"#)
            #expect(named.json["versions"]?.array?.count == 1 && named.json["name"]?.string == "Order")
            let changed = try await server.send(
                .patch, Self.eventPath,
                body: #"{"fields":{"total":{"type":"double","required":true},"source":"string"}}"#)
            let versions = changed.json["versions"]?.array ?? []
            #expect(versions.compactMap { $0["id"]?.string } == ["2565267", "2565266"])
            #expect(versions[0]["deprecated_at"] == .null && versions[1]["deprecated_at"]?.string != nil)
            #expect(versions[0]["required"]?.array == [.string("total")])
            let again = try await server.send(
                .patch, Self.eventPath, body: #"{"fields":{"total":{"type":"double","required":true}}}"#)
            #expect(again.json["versions"]?.array?.count == 2)
            // A deprecated version still takes events; the current one asks for its field.
            #expect(try await server.post(TestServer.items(TestServer.item())).status == .noContent)
            let missing = try await server.post(TestServer.items(TestServer.item("{}", version: "2565267")))
            #expect(missing.errors == ["/items/0/data/total missing_field"])
        }
    }

    @Test("a draft is for admins, until it is published or discarded")
    func drafts() async throws {
        try await TestServer.run { server async throws in
            let made = try await server.send(
                .post, Self.eventPath + "/versions", body: #"{"fields":{"a":"string"},"draft":true,"version_id":"77"}"#)
            #expect(made.status == .created && made.json["drafts"]?.array?.first?["id"]?.string == "77")
            let token = try await server.token(ofNewKey: #"{"name":"Shop"}"#).token
            let body = TestServer.items(TestServer.item(#"{"a":"x"}"#, version: "77"))
            let list = try await server.send(.get, TestServer.definitionsPath, token: token)
            #expect(list.json["items"]?.array?.first?["versions"]?.array?.count == 1)
            #expect(try await server.post(body, token: token).errors == ["/items/0/version_id draft_version"])
            #expect(try await server.post(body).status == .noContent)
            #expect(try await server.send(.post, Self.eventPath + "/versions/77/publish").status == .ok)
            #expect(try await server.post(body, token: token).status == .noContent)
            #expect(try await server.send(.delete, Self.eventPath + "/versions/77").code == "conflict")

            _ = try await server.send(
                .post, Self.eventPath + "/versions", body: #"{"fields":{},"draft":true,"version_id":78}"#)
            #expect(try await server.send(.delete, Self.eventPath + "/versions/78").status == .noContent)
            let late = TestServer.items(TestServer.item("{}", version: "78"))
            #expect(try await server.post(late).errors == ["/items/0/version_id unknown_version"])
        }
    }

    @Test("a keyspace without the right to write is 403 for every item, and mixed with faults 400")
    func forbidden() async throws {
        try await TestServer.run { server async throws in
            let path = TestServer.eventsPath("x", keyspace: "com.apsis1.keyspaces.crm-id")
            let answer = try await server.send(.post, path, body: TestServer.items(TestServer.item()))
            #expect(answer.status == .forbidden && answer.code == "event_type_forbidden")
            #expect(answer.errors == ["/items/0/version_id event_type_forbidden"])
            let mixed = try await server.send(.post, path, body: TestServer.items(TestServer.item(), "{}"))
            #expect(mixed.status == .badRequest)
        }
    }

    @Test("what is fixed for good is refused, not ignored")
    func fixedForGood() async throws {
        try await TestServer.run { server async throws in
            for body in [#"{"discriminator":"a.b.c"}"#, #"{"category":"signal"}"#] {
                #expect(try await server.send(.patch, Self.eventPath, body: body).code == "conflict")
            }
            for date in ["2001-01-01T00:00:00Z", "2099-01-01T00:00:00Z"] {
                let body = #"{"fields":{"a":"string"},"valid_from":"\#(date)"}"#
                #expect(try await server.send(.patch, Self.eventPath, body: body).code == "conflict", "\(date)")
            }
            _ = try await server.send(
                .post, Self.eventPath + "/versions", body: #"{"fields":{},"draft":true,"version_id":78}"#)
            let early =
                #"{"sections":[{"name":"My section","event_types":[{"name":"my transaction","category":"#
                + #""transaction","versions":[{"id":"78","valid_from":"2001-01-01T00:00:00Z","fields":{}}]}]}]}"#
            #expect(try await server.send(.put, "/audience/model", body: early).code == "conflict")
            let field = #"{"fields":{"a":{"type":"string","requird":true}}}"#
            #expect(
                try await server.send(.patch, Self.eventPath, body: field).errors == ["/fields/a/requird unknown_field"]
            )
            let typo =
                #"{"sections":[{"name":"s","event_types":[{"name":"e","category":"signal","fields":{},"keyspace_permision":{}}]}]}"#
            let answer = try await server.send(.put, "/audience/model", body: typo)
            #expect(answer.errors == ["/sections/0/event_types/0/keyspace_permision unknown_field"])
        }
    }

    @Test("the order of fields alone makes no version")
    func fieldOrder() async throws {
        try await TestServer.run { server async throws in
            let body =
                #"{"fields":{"source":"string","myTrueFalseField":"boolean","myTextField":"string","#
                + #""myNumberWithDecimalField":"double","myNumberField":"integer"}}"#
            #expect(try await server.send(.patch, Self.eventPath, body: body).json["versions"]?.array?.count == 1)
        }
    }

    @Test("sections and keyspaces are made, renamed and used")
    func sectionsAndKeyspaces() async throws {
        try await TestServer.run { server async throws in
            let section = try await server.send(.post, "/audience/sections", body: #"{"name":"Résumé & Co"}"#)
            let discriminator = try #require(section.json["discriminator"]?.string)
            #expect(discriminator.hasPrefix("usercreated.sections.rsum__co-"))
            let renamed = try await server.send(.patch, "/audience/sections/" + discriminator, body: #"{"name":"New"}"#)
            #expect(renamed.json["name"]?.string == "New")
            let keyspace = try await server.send(
                .post, "/audience/keyspaces",
                body: #"{"name":"Card","discriminator":"com.example.keyspaces.card","manage_subscriptions":true}"#)
            #expect(keyspace.status == .created && keyspace.json["key_format"]?.string == "text")
            let changed = try await server.send(
                .patch, "/audience/keyspaces/com.example.keyspaces.card", body: #"{"manage_subscriptions":false}"#)
            #expect(changed.json["manage_subscriptions"]?.bool == false)
            let fixed = try await server.send(
                .patch, "/audience/keyspaces/com.example.keyspaces.card", body: #"{"key_format":"email"}"#)
            #expect(fixed.code == "conflict")
        }
    }

    @Test("an account has as many API keys in use as may be; a revoked one makes room")
    func keysMax() async throws {
        try await TestServer.run { server async throws in
            let first = try await server.send(.post, "/account/api-keys", body: #"{"name":"k"}"#)
            let id = try #require(first.json["client_id"]?.string)
            // The admin's own is one, and this one another.
            for _ in 2..<Limits.apiKeysMax {
                let made = try await server.send(.post, "/account/api-keys", body: #"{"name":"k"}"#)
                try #require(made.status == .created)
            }
            let more = try await server.send(.post, "/account/api-keys", body: #"{"name":"k"}"#)
            #expect(more.code == "limit_exceeded")
            #expect(try await server.send(.delete, "/account/api-keys/\(id)").status == .noContent)
            #expect(try await server.send(.post, "/account/api-keys", body: #"{"name":"k"}"#).status == .created)
        }
    }

    @Test("an entity tag holds until a definition changes")
    func entityTags() async throws {
        try await TestServer.run { server async throws in
            let tag = try #require(try await server.send(.get, TestServer.definitionsPath).header("ETag"))
            let known = [("If-None-Match", tag)]
            let same = try await server.send(.get, TestServer.definitionsPath, headers: known)
            #expect(same.status == .notModified && same.text.isEmpty && same.header("ETag") == tag)
            // Proxies that compress an answer make its tag a weak one.
            for known in ["W/" + tag, "\"other\", W/\(tag)", "*"] {
                let same = try await server.send(
                    .get, TestServer.definitionsPath, headers: [("If-None-Match", known)])
                #expect(same.status == .notModified, "\(known)")
            }
            let other = try await server.send(
                .get, TestServer.definitionsPath, headers: [("If-None-Match", "\"other\"")])
            #expect(other.status == .ok)
            _ = try await server.send(.patch, Self.eventPath, body: #"{"name":"Order"}"#, headers: [("If-Match", tag)])
            #expect(try await server.send(.get, TestServer.definitionsPath, headers: known).status == .ok)
            let late = try await server.send(
                .patch, Self.eventPath, body: #"{"name":"X"}"#, headers: [("If-Match", tag)])
            #expect(late.status == .preconditionFailed)
        }
    }

    @Test("a name is one line", arguments: ["a\\nb", "a\\tb", "\\u0000", "a\\u0085b", " ", ""])
    func names(name: String) async throws {
        try await TestServer.run { server async throws in
            let body = "{\"name\":\"\(name)\",\"category\":\"signal\",\"fields\":{}}"
            for path in ["/audience/sections", "/audience/keyspaces", "/account/api-keys", TestServer.definitionsPath] {
                #expect(try await server.send(.post, path, body: body).code == "invalid_name", "\(path)")
            }
            let rename = "{\"name\":\"\(name)\"}"
            #expect(try await server.send(.patch, Self.eventPath, body: rename).code == "invalid_name")
        }
    }

    @Test("two admins at once both get what they asked for, and the log has both")
    func concurrentEdits() async throws {
        try await TestServer.run { server async throws in
            try await withThrowingTaskGroup(of: HTTPResponse.Status.self) { group in
                for number in 0..<20 {
                    group.addTask {
                        try await server.send(.post, "/audience/sections", body: "{\"name\":\"S\(number)\"}").status
                    }
                }
                for try await status in group { #expect(status == .created) }
            }
            let sections = try await server.send(.get, "/audience/sections").json["items"]?.array ?? []
            #expect(sections.count == 22)
            let log = try await server.send(.get, "/audience/log?limit=1000").json["items"]?.array ?? []
            #expect(log.compactMap { $0["sequence"]?.int } == Array(1...log.count))
            #expect(log.last?["actor"]?.string == TestServer.clientID)
        }
    }

    @Test("a model is planned without effect, applied whole or not at all, and once")
    func models() async throws {
        try await TestServer.run { server async throws in
            let model =
                #"{"sections":[{"name":"Shop","event_types":[{"name":"Visit","category":"signal","fields":{"page":"string"}}]}]}"#
            let plan = try await server.send(.post, "/audience/model/plan", body: model)
            #expect(plan.json["changed"]?.int == 3)
            #expect(try await server.send(.get, "/audience/sections").json["items"]?.array?.count == 2)
            #expect(try await server.send(.put, "/audience/model", body: model).json["changed"]?.int == 3)
            #expect(try await server.send(.put, "/audience/model", body: model).json["changed"]?.int == 0)
            let bad =
                #"{"sections":[{"name":"Another"},{"name":"Shop","event_types":[{"name":"Visit","category":"transaction","fields":{}}]}]}"#
            #expect(try await server.send(.put, "/audience/model", body: bad).code == "conflict")
            #expect(try await server.send(.get, "/audience/sections").json["items"]?.array?.count == 3)
            let exported = try await server.send(.get, "/audience/model").text
            #expect(try await server.send(.put, "/audience/model", body: exported).json["changed"]?.int == 0)
        }
    }

    @Test("definitions and keys are still there after a restart")
    func restarts() async throws {
        let folder = try TemporaryFolder()
        try await TestServer.run(folder: folder) { server async throws in
            _ = try await server.send(.patch, Self.eventPath, body: #"{"fields":{"a":"string"}}"#)
        }
        try await TestServer.run(folder: folder) { server async throws in
            let text = try await server.send(.get, TestServer.definitionsPath).text
            #expect(text.contains("2565267"))
        }
    }

    @Test("the OpenAPI document has every endpoint, and every name it refers to")
    func openAPI() async throws {
        try await TestServer.run { server async throws in
            let document = try await server.send(.get, "/openapi.json", token: nil)
            for endpoint in Endpoint.allCases {
                let operation = document.json["paths"]?[endpoint.path]?[endpoint.method.rawValue.lowercased()]
                #expect(operation?["operationId"]?.string == endpoint.spec.operationID)
                #expect((operation?["security"]?.array?.isEmpty == true) == (endpoint.scope == .open))
            }
            let references = document.text.split(separator: "\"$ref\":\"#/components/").dropFirst()
                .map { $0.prefix { $0 != "\"" }.split(separator: "/").map(String.init) }
            #expect(references.count > 50)
            for reference in references {
                #expect(document.json["components"]?[reference[0]]?[reference[1]] != nil, "\(reference)")
            }
        }
    }

    @Test("the server tells what it is and how it is without a token")
    func open() async throws {
        try await TestServer.run { server async throws in
            for path in ["/", "/health", "/ready", "/metrics", "/openapi.json", "/.well-known/jwks.json"] {
                #expect(try await server.send(.get, path, token: nil).status == .ok, "\(path)")
            }
            _ = try await server.post(TestServer.items(TestServer.item(), TestServer.item()))
            _ = try await server.post(TestServer.items("1"))
            let metrics = try await server.send(.get, "/metrics", token: nil).text
            #expect(metrics.contains("ovation_events_total{outcome=\"accepted\"} 2\n"))
            #expect(metrics.contains("ovation_events_total{outcome=\"refused\"} 1\n"))
            #expect(metrics.contains("ovation_requests_total{endpoint=\"postEvents\",status=\"204\"} 1\n"))
            #expect(metrics.contains("ovation_events_stored_total 2\n"))
            #expect(!metrics.contains("steve"))
        }
    }
}

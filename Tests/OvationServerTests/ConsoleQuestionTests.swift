import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

@Suite("Questions of the console")
struct ConsoleQuestionTests {
    private static let type = "/console/sections/\(Fixtures.section)/event-types/\(Fixtures.eventType)"
    private static let definition = TestServer.definitionsPath + "/" + Fixtures.eventType

    /// The forms that ask, by their paths.
    private static let asking = ConsoleRoute.all.filter {
        if case .act(_, .question) = $0.answer { true } else { false }
    }.map(\.path)

    @Test("every form of the table says whether it asks first, or why it need not")
    func table() {
        for route in ConsoleRoute.all {
            switch route.answer {
            case .open: #expect(route.path.hasPrefix("/console/sign-in") || route.method == .get)
            case .page: #expect(route.method == .get, "\(route.path) is a form, and does not say whether it asks")
            case .act(_, .nothing(let reason)): #expect(!reason.isEmpty && route.method == .post, "\(route.path)")
            case .act(_, .question): #expect(route.method == .post, "\(route.path)")
            }
        }
        for word in ["publish", "deprecate", "discard", "remove", "delete", "revoke", "rotate", "dismiss"] {
            #expect(Self.asking.contains { $0.hasSuffix("/" + word) }, "nothing asks before it would \(word)")
        }
    }

    @Test("a form that asks changes nothing until it is answered, and does then", arguments: asking)
    func asks(path: String) async throws {
        try await TestServer.run { server async throws in
            let place = try await FormPlace(server, path)
            var client = try await ConsoleClient.signedIn(to: server)
            let before = try await place.state()
            let question = try await client.post(place.path, place.fields)
            #expect(question.isQuestion, "\(question.status) \(question.text)")
            #expect(try await place.state() == before, "it only asked")
            let fields = place.fields.filter { field in !question.hiddenFields.contains { $0.0 == field.0 } }
            let answer = try await client.post(place.path, fields + question.hiddenFields)
            #expect([.ok, .seeOther].contains(answer.status) && !answer.isQuestion, "\(answer.status) \(answer.text)")
            #expect(try await place.state() != before, "and then it is done")
        }
    }

    /// A server with something at every address of the table.
    private struct FormPlace {
        let server: TestServer
        var path: String
        var fields: [(String, String)] = []

        init(_ server: TestServer, _ template: String) async throws {
            self.server = server
            #expect(try await server.post(TestServer.items(TestServer.item())).status == .noContent)
            #expect(try await server.post("{").status == .badRequest)
            let key = try await server.send(.post, "/account/api-keys", body: #"{"name":"shop"}"#).json
            let draft = try await server.send(
                .post, ConsoleQuestionTests.definition + "/versions", body: #"{"fields":{"a":"string"},"draft":true}"#)
            let found = try await server.send(.get, "/audience/profiles?key=steve%40apsis.com").json
            let events = try await server.send(.get, TestServer.eventsPath()).json
            let rejections = try await server.send(.get, "/audience/rejections").json
            let isOfRejection = template.contains("/rejections/")
            let places: [String: String?] = [
                "section": Fixtures.section, "event": Fixtures.eventType, "attribute": "com.example.attributes.cake",
                "tag": "com.example.tags.vip", "channel": "com.example.channels.push",
                "folder": "com.example.targets.news", "topic": "com.example.topics.offers",
                "version": try await Self.version(for: template, server)
                    ?? (template.hasSuffix("/deprecate")
                        ? String(Fixtures.versionID) : draft.json["drafts"]?.array?.first?["id"]?.string),
                "profile_id": found["items"]?.array?.first?["profile_id"]?.string,
                "id": (isOfRejection ? rejections : events)["items"]?.array?.first?["id"]?.string,
                "client_id": key["client_id"]?.string, "keyspace": Fixtures.emailKeyspace, "number": "1",
                "operation": "deleteEvents", "job": try await Self.job(for: template, server),
            ]
            if template.contains("/members/") {
                let body = Bodies.ProfileMerge(of: "steve@apsis.com", and: "w")
                let merged = try await server.send(
                    .put, "/audience/profiles/merges",
                    body: String(decoding: JSONWriter.write(body.json), as: UTF8.self))
                #expect(merged.status == .noContent)
            }
            path = template
            for (name, value) in places where path.contains("{\(name)}") {
                path = path.replacing("{\(name)}", with: try #require(value, "nothing for \(name)"))
            }
            switch template {
            case let edit where edit.hasSuffix("/edit"):
                var client = try await ConsoleClient.signedIn(to: server)
                let seen = try await client.get(path).hiddenFields.filter { $0.0 == "seen" }
                fields = seen + [("name", "my transaction"), ("kind", "string"), ("action", "save")]
            case let rotation where rotation.hasSuffix("/rotate"):
                var client = try await ConsoleClient.signedIn(to: server)
                fields = try await client.get(path).hiddenFields.filter { $0.0 == "seen" } + [("overlap", "0")]
            case let trial where trial.hasPrefix("/console/docs/"):
                fields = [
                    ("path-keyspace", Fixtures.emailKeyspace), ("path-key", "steve@apsis.com"),
                    ("path-section", Fixtures.section),
                ]
            case let merge where merge.hasSuffix("/merge"):
                fields = [("keyspace", "com.apsis1.keyspaces.web"), ("key", "w")]
            case let suppression where suppression.contains("/suppressions"):
                fields = [("address", "a@b.se"), ("reason", "asked")]
                if suppression.hasSuffix("/lift") {
                    let address = "/audience/channels/com.example.channels.push/addresses/a%40b.se/suppression"
                    let put = try await server.send(.put, address, body: #"{"reason":"asked"}"#)
                    #expect(put.status.kind == .successful, "\(put.text)")
                }
            default: fields = [("name", "made"), ("key_format", "text")]
            }
        }

        /// An import that waits for its file; nil: the template is not about a job.
        private static func job(for template: String, _ server: TestServer) async throws -> String? {
            guard template.contains("{job}") else { return nil }
            let body =
                #"{"keyspace_mapping":{"keyspace_discriminator":"\#(Fixtures.emailKeyspace)","field_selector":"mail"}}"#
            let made = try await server.send(.post, "/v2/audience/sections/\(Fixtures.section)/imports", body: body)
            return made.json["import_id"]?.string
        }

        /// Makes an attribute with a draft, a tag, a channel, a folder, and a topic in another folder. nil: the template is
        /// not about a version of the attribute.
        private static func version(for template: String, _ server: TestServer) async throws -> String? {
            let section = "/audience/sections/\(Fixtures.section)"
            for (path, body) in [
                (
                    section + "/attributes",
                    #"{"name":"c","discriminator":"com.example.attributes.cake","type":"string","version_id":91}"#
                ),
                (
                    section + "/attributes/com.example.attributes.cake/versions",
                    #"{"type":"double","draft":true,"version_id":92}"#
                ),
                (section + "/tags", #"{"name":"v","discriminator":"com.example.tags.vip"}"#),
                (
                    "/audience/channels",
                    #"{"name":"c","discriminator":"com.example.channels.push","keyspace_discriminator":"#
                        + #""\#(Fixtures.emailKeyspace)"}"#
                ),
                ("/v2\(section)/folders", #"{"name":"f","discriminator":"com.example.targets.news"}"#),
                ("/v2\(section)/folders", #"{"name":"g","discriminator":"com.example.targets.shop"}"#),
                (
                    "/v2\(section)/topics",
                    #"{"name":"t","discriminator":"com.example.topics.offers","folder_discriminator":"#
                        + #""com.example.targets.shop"}"#
                ),
            ] {
                #expect(try await server.send(.post, path, body: body).status == .created)
            }
            guard template.contains("{attribute}") else { return nil }
            return template.hasSuffix("/deprecate") ? "91" : "92"
        }

        /// All that an act could change.
        func state() async throws -> [String] {
            var texts: [String] = []
            for path in [
                "/audience/log?limit=1000", "/account/api-keys", "/audience/rejections", TestServer.eventsPath(),
                "/audience/keyspaces/\(Fixtures.emailKeyspace)/profiles/steve%40apsis.com/keys",
                "/audience/channels/com.example.channels.push/suppressions", "/audience/jobs",
            ] {
                let text = try await server.send(.get, path).text
                texts.append(text.replacing(/"last_used_at":[^,}]*/, with: ""))
            }
            return texts
        }
    }

    @Test("the question before publishing says what the fields break, and who posts the version before")
    func previewsPublication() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            #expect(try await server.post(TestServer.items(TestServer.item())).status == .noContent)
            let draft = try await server.send(
                .post, Self.definition + "/versions", body: #"{"fields":{"a":"string"},"draft":true}"#
            ).json["drafts"]?.array?.first?["id"]?.string
            let id = try #require(draft)
            let question = try await client.get(Self.type + "/versions/\(id)/publish").text
            #expect(question.contains("Publish draft version \(id)"))
            #expect(question.contains("1 event of version \(Fixtures.versionID) is stored; the last one arrived at"))
            #expect(question.contains("gets 400: myNumberField is gone."))
            #expect(question.contains("To undo it, publish version \(Fixtures.versionID) again."))
        }
    }

    @Test("a deprecated version, even the only one, is published again, in the console and by the API")
    func undoes() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            let version = Self.type + "/versions/\(Fixtures.versionID)"
            let before = try await server.send(.get, Self.definition).json["versions"]
            let again = try await client.get(version + "/publish")
            #expect(again.status == .seeOther, "there is nothing to ask while it is current")
            let page = try await client.confirm(version + "/deprecate")
            #expect(page.text.contains("Publish again…"))
            #expect(try await client.confirm(version + "/publish").text.contains("is published"))
            #expect(try await server.send(.get, Self.definition).json["versions"] == before)
            let address = Self.definition + "/versions/\(Fixtures.versionID)"
            #expect(try await server.send(.post, address + "/publish").status == .conflict)
            #expect(try await server.send(.post, address + "/deprecate").status == .ok)
            // As a request that is repeated, since its answer got lost.
            let repeated = try await server.send(.post, address + "/publish")
            #expect(repeated.status == .conflict && repeated.text.contains("If-Match"))
            let tag = try #require(try await server.send(.get, Self.definition).header("ETag"))
            let answer = try await server.send(.post, address + "/publish", headers: [("If-Match", tag)])
            #expect(answer.status == .ok && answer.json["versions"] == before)
            #expect(try await client.get("/console/history").text.contains("again."))
            let log = try await server.send(.get, "/audience/log?event_discriminator=\(Fixtures.eventType)").json
            #expect(log["items"]?.array?.first?["kind"] == .string("version.republished"))
        }
    }

    @Test("the answer to a question counts for what was asked: when the event type has changed, it is asked anew")
    func asksAnew() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            let path = Self.type + "/versions/\(Fixtures.versionID)/deprecate"
            let old = try await client.get(path).hiddenFields
            #expect(try await server.send(.patch, Self.definition, body: #"{"name":"other"}"#).status == .ok)
            let anew = try await client.post(path, old)
            #expect(anew.status == .conflict && anew.isQuestion && anew.text.contains("‘other’"))
            let json = try await server.send(.get, Self.definition).json
            #expect(json["versions"]?.array?.first?["deprecated_at"] == .null)
            #expect(try await client.submit(path, anew.hiddenFields).text.contains("is deprecated"))
        }
    }

    @Test("an edit that takes something from integrations asks, keeps what was typed, and leads back to the form")
    func edits() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            let path = Self.type + "/edit"
            let seen = try await client.get(path).hiddenFields.filter { $0.0 == "seen" }
            let own = Fixtures.fields.dropLast().flatMap { field in
                [("field_name", field.name), ("field_type", field.type.rawValue)]
            }
            let base = seen + [("name", "typed \"here\"")] + own
            let losing = base + [("read", Fixtures.emailKeyspace), ("action", "save")]
            let question = try await client.post(path, losing)
            #expect(question.isQuestion && question.text.contains("are refused from then on"))
            #expect(!question.text.contains("gets 400"), "the fields stay as they are")
            let back = try await client.post(path, question.hiddenFields + [("action", "preview")])
            #expect(back.status == .ok && !back.isQuestion && back.text.contains("typed &quot;here&quot;"))
            let draft =
                base + [
                    ("read", Fixtures.emailKeyspace), ("write", Fixtures.emailKeyspace), ("field_name", "added"),
                    ("field_type", "string"), ("field_required_4", "on"), ("action", "draft"),
                ]
            #expect(try await !client.post(path, draft).isQuestion, "a draft breaks nothing")
        }
    }
}

extension Bodies.ProfileMerge {
    /// Of an e-mail address and a key of the web.
    fileprivate init(of address: String, and web: String) {
        self.init()
        profiles = [
            Bodies.KeyReference(keyspace: Fixtures.emailKeyspace, key: address),
            Bodies.KeyReference(keyspace: "com.apsis1.keyspaces.web", key: web),
        ]
    }
}

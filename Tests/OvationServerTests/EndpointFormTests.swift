import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

@Suite("The form that sends a request to an endpoint")
struct EndpointFormTests {
    private static func path(_ endpoint: Endpoint) -> String { ConsolePath.docs + endpoint.spec.operationID }

    private static let place = [
        ("path-keyspace", Fixtures.emailKeyspace), ("path-key", "steve@apsis.com"), ("path-section", Fixtures.section),
    ]
    private static let post = place + [("body", TestServer.items(TestServer.item()))]

    private static func events(_ server: TestServer) async throws -> Int {
        try await server.send(.get, TestServer.eventsPath()).json["items"]?.array?.count ?? 0
    }

    @Test("it begins with the examples of the reference, and its request does what one over HTTP does")
    func sends() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            let form = try await client.get(Self.path(.postEvents)).text
            #expect(form.contains(#"id="path-key" name="path-key" value="steve@apsis.com""#))
            #expect(form.contains(#"<option value="validate-only">"#) && form.contains("&quot;event_time&quot;"))
            #expect(try await Self.events(server) == 0)

            let checked = try await client.post(
                Self.path(.postEvents), Self.post + [("header-Prefer", "validate-only")])
            #expect(checked.status == .ok && checked.text.contains("Preference-Applied: validate-only"))
            #expect(try await Self.events(server) == 0)
            let sent = try await client.post(Self.path(.postEvents), Self.post)
            #expect(sent.text.contains("204 No Content") && sent.text.contains("The answer has no body."))
            #expect(try await Self.events(server) == 1)

            let read = try await client.post(Self.path(.listEvents), Self.place + [("query-limit", "1")])
            #expect(read.text.contains("200 OK") && read.text.contains("&quot;myNumberField&quot;: 1"))
            let filter = [("query-event_discriminators", "\r\n\(Fixtures.eventType)\r\n\(Fixtures.eventType)\r\n")]
            let filtered = try await client.post(Self.path(.listEvents), Self.place + filter)
            #expect(filtered.text.contains("200 OK") && filtered.text.contains("&quot;myNumberField&quot;: 1"))
        }
    }

    @Test("a refusal is an answer as every other, and what was typed stays")
    func refusals() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            let wrong = try await client.post(Self.path(.postEvents), Self.place + [("body", "{\r\n\"typed")])
            #expect(wrong.status == .ok && wrong.text.contains("400 Bad Request"))
            #expect(
                wrong.text.contains("&quot;code&quot;: &quot;invalid_json&quot;")
                    && wrong.text.contains("&quot;typed</textarea>"))
            let nowhere = try await client.post(
                Self.path(.getSection), [("path-section", "usercreated.sections.none/../x")])
            #expect(nowhere.text.contains("404 Not Found") && nowhere.text.contains("section_not_found"))
            let empty = try await client.post(Self.path(.getSection), [("path-section", "")])
            #expect(empty.status == .badRequest && empty.text.contains("Give a value for &#39;section&#39;."))
            #expect(empty.text.contains(#"id="path-section-error""#))
            #expect(try await client.get(ConsolePath.docs + "nothing").status == .notFound)
        }
    }

    @Test("a DELETE asks with its address, leads back to the form, and deletes when the answer is yes")
    func asks() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            #expect(try await server.post(TestServer.items(TestServer.item())).status == .noContent)
            let path = Self.path(.deleteEvents)
            let question = try await client.post(path, Self.place)
            #expect(question.isQuestion && question.text.contains("/profiles/steve%40apsis.com/sections/"))
            let back = try await client.post(path, question.hiddenFields + [("action", "edit")])
            #expect(!back.isQuestion && back.text.contains(#"value="steve@apsis.com""#))
            #expect(!back.text.contains(#"id="answer""#))
            #expect(try await Self.events(server) == 1)
            let done = try await client.post(path, question.hiddenFields)
            #expect(done.text.contains("200 OK") && done.text.contains("&quot;deleted&quot;: 1"), "\(done.text)")
            #expect(try await Self.events(server) == 0)
            let check = [("path-section", Fixtures.section), ("header-Prefer", "validate-only")]
            let planned = try await client.post(
                Self.path(.createTag), check + [("body", #"{"name":"planned"}"#)])
            #expect(!planned.isQuestion && planned.text.contains("200 OK"), "what only checks needs no question")
        }
    }

    @Test("of what changes something, only this is sent without a question")
    func unasked() {
        let unasked = Endpoint.allCases.filter { $0.method != .get && !EndpointForm.asks($0) }
        #expect(
            Set(unasked) == [
                .createToken, .postEvents, .loadEvents, .planModel, .createProfile, .changeAttributeValues,
                .changeAttributeValuesByName, .changeProfileTags, .postConsent, .postSubscription, .postAddressConsent,
                .createImport, .createMergingImport, .previewImport, .uploadImportFile, .createProfileExport,
                .createSingleExport, .createConsentReport, .createDuplicateReport,
            ])
        #expect([Endpoint.lockProfile, .deleteProfile, .removeTag, .applyModel].allSatisfy(EndpointForm.asks))
    }

    @Test("what changes API keys waits for the secret, as their own page does")
    func proof() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            server.clock.advance(by: Limits.keyProofLifetime)
            let form = [("body", #"{"name":"taken"}"#), ("confirmed", "yes")]
            for endpoint in Endpoint.allCases where endpoint.spec.tag == .apiKeys && endpoint.method != .get {
                let answer = try await client.post(
                    Self.path(endpoint), form + [("path-client_id", TestServer.clientID)])
                #expect(answer.status == .forbidden && answer.text.contains("Show that it is you"), "\(endpoint)")
            }
            let keys = try await client.post(Self.path(.listAPIKeys))
            #expect(keys.text.contains("200 OK") && !keys.text.contains("taken"))
            let made = try await client.post(
                Self.path(.createAPIKey), form + [("proof", TestServer.clientSecret)])
            #expect(made.text.contains("201 Created") && made.text.contains("taken"))
        }
    }

    @Test("while keys are masked nothing is sent, since an answer would show them")
    func masked() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            _ = try await client.submit("/console/mask", [("masked", "on"), ("back", "/console")])
            let form = try await client.get(Self.path(.postEvents)).text
            #expect(form.contains("Show profile keys again") && !form.contains("name=\"body\""))
            let answer = try await client.post(Self.path(.postEvents), Self.post)
            #expect(answer.text.contains("Show profile keys again") && !answer.text.contains(#"id="answer""#))
            #expect(try await Self.events(server) == 0)
        }
    }

    @Test("a long answer is shown up to its bound, and one without an end is not asked for")
    func bounds() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            let whole = try await server.send(.get, "/openapi.json", token: nil).text
            #expect(whole.utf8.count > Limits.triedAnswerBytesMax)
            let answer = try await client.post(Self.path(.openAPI)).text
            #expect(answer.contains("Only the first 65,536 bytes are shown."))
            let items = (0..<600).map { TestServer.item(#"{"myTextField":"\#($0)"}"#) }
            for start in stride(from: 0, to: items.count, by: 100) {
                let body = "{\"items\":[" + items[start..<start + 100].joined(separator: ",") + "]}"
                #expect(try await server.post(body).status == .noContent)
            }
            let export = try await client.post(Self.path(.exportEvents), [("path-section", Fixtures.section)]).text
            #expect(export.contains("200 OK") && export.contains("Only the first 65,536 bytes are shown."))
            #expect(export.utf8.count < 8 * Limits.triedAnswerBytesMax)

            let live = try await client.post(Self.path(.streamLive)).text
            #expect(live.contains("This answer goes on until its reader leaves") && !live.contains(#"id="answer""#))
            let docs = try await server.send(.get, "/docs", token: nil).text
            for endpoint in Endpoint.allCases {
                #expect(docs.contains(#"href="\#(Self.path(endpoint))""#) != endpoint.isEndless, "\(endpoint)")
            }
            #expect(Endpoint.allCases.filter(\.isEndless) == [.streamLive])
        }
    }
}

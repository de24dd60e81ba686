import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

@Suite("Consents over HTTP")
struct ConsentEndpointTests {
    private static let section = Fixtures.section
    private static let topic = "usercreated.topics.offers-0123456789"
    private static let smsTopic = "usercreated.topics.sms-0123456789"
    private static let folder = "usercreated.targets.letters-0123456789"
    private static let email = "com.apsis1.channels.email"
    private static let profile =
        "/audience/keyspaces/com.apsis1.keyspaces.email/profiles/steve%40apsis.com/sections/\(section)"
    private static let address = "/audience/channels/\(email)/addresses/Steve%40apsis.com"

    /// With a folder, two topics and a profile.
    private static func run(_ test: @Sendable (TestServer) async throws -> Void) async throws {
        try await TestServer.run { server in
            let paths = ["/v2/audience/sections/\(section)/folders", "/v2/audience/sections/\(section)/topics"]
            let bodies = [
                (paths[0], #"{"name":"Letters","discriminator":"\#(folder)"}"#),
                (
                    paths[1],
                    #"{"name":"Offers","discriminator":"\#(topic)","folder_discriminator":"\#(folder)"}"#
                ),
                (
                    paths[1],
                    #"{"name":"SMS","discriminator":"\#(smsTopic)","folder_discriminator":"\#(folder)","#
                        + #""channel_discriminator":"com.apsis1.channels.sms"}"#
                ),
                (
                    "/audience/keyspaces/com.apsis1.keyspaces.email/sections/\(section)/profiles",
                    #"{"profile_key":"steve@apsis.com"}"#
                ),
            ]
            for (path, body) in bodies {
                let answer = try await server.send(.post, path, body: body)
                #expect(answer.status == .created, "\(answer.text)")
            }
            try await test(server)
        }
    }

    private static func body(
        _ type: String, topic: String = topic, channel: String = email, more: String = #","reason":"why""#
    ) -> String {
        #"{"type":"\#(type)","topic_discriminator":"\#(topic)","channel_discriminator":"\#(channel)"\#(more)}"#
    }

    private func set(
        _ server: TestServer, _ body: String, token: String? = "admin", headers: [(String, String)] = []
    ) async throws -> TestServer.Answer {
        try await server.send(.post, "/v2" + Self.profile + "/consents", token: token, body: body, headers: headers)
    }

    private func onAddress(
        _ server: TestServer, _ type: String, _ more: String = "", channel: String = email
    ) async throws -> TestServer.Answer {
        try await server.send(
            .post, "/audience/channels/\(channel)/addresses/Steve%40apsis.com/consents",
            body: #"{"type":"\#(type)"\#(more)}"#)
    }

    private static let inSection = #","section_discriminator":"\#(section)""#
    private static let toTopic =
        inSection + #","consent_list_discriminator":"\#(folder)","topic_discriminator":"\#(topic)""#

    private func items(_ server: TestServer, _ query: String = "") async throws -> [JSONValue] {
        try await server.send(.get, "/v2" + Self.profile + "/consents" + query).json["items"]?.array ?? []
    }

    private func reason(_ server: TestServer, address: String = address) async throws -> String? {
        let path = address + "/may-send?section=\(Self.section)&topic=\(Self.topic)"
        let answer = try await server.send(.get, path).json
        #expect(answer["may_send"]?.bool == ["opt-in", "confirmed-opt-in"].contains(answer["reason"]?.string))
        return answer["reason"]?.string
    }

    private func evaluations(_ server: TestServer) async throws -> [String] {
        let path = Self.address + "/consents/sections/\(Self.section)/consent-lists/\(Self.folder)/evaluations"
        return try await server.send(.get, path).json["items"]?.array?
            .compactMap { $0["topic_discriminator"]?.string } ?? []
    }

    @Test("the table of types is walked by its statuses, with empty answers")
    func table() async throws {
        try await Self.run { server in
            let expected: [(String, HTTPResponse.Status)] = [
                ("opt-in", .created), ("opt-in", .conflict), ("pending-opt-in", .conflict), ("opt-out", .noContent),
                ("opt-out", .conflict), ("pending-opt-in", .noContent), ("pending-opt-in", .conflict),
                ("confirmed-opt-in", .noContent), ("opt-in", .conflict), ("confirmed-opt-in", .conflict),
                ("opt-out", .noContent), ("confirmed-opt-in", .noContent),
            ]
            for (step, (type, status)) in expected.enumerated() {
                let checked = try await set(server, Self.body(type), headers: [("Prefer", "validate-only")])
                #expect(checked.status == (status == .conflict ? .conflict : .noContent), "step \(step)")
                let answer = try await set(server, Self.body(type))
                #expect(answer.status == status && answer.text.isEmpty, "step \(step): \(answer.text)")
            }
            let changes = try await server.send(.get, "/v2" + Self.profile + "/consents/history?limit=2").json
            let first = try #require(changes["items"]?.array)
            #expect(first.map { $0["to"]?["type"]?.string } == ["confirmed-opt-in", "opt-out"])
            #expect(first.map { $0["from"]?["type"]?.string } == ["opt-out", "confirmed-opt-in"])
            #expect(first.allSatisfy { $0["changed_by"]?.string == TestServer.clientID })
            let cursor = try #require(changes["next_cursor"]?.string)
            let rest = try await server.send(
                .get, "/v2" + Self.profile + "/consents/history?cursor=\(cursor)"
            ).json
            #expect(rest["items"]?.array?.count == 4 && rest["items"]?.array?.last?["from"] == .null)
        }
    }

    @Test("what is set reads back, by type, with source, reason and time")
    func reads() async throws {
        try await Self.run { server in
            _ = try await set(server, Self.body("opt-in", more: #","reason":"","source":"Magento connector""#))
            let phone = Self.body("opt-out", topic: Self.smsTopic, channel: "com.apsis1.channels.sms")
            #expect(try await set(server, phone).status == .created)
            let all = try await items(server)
            #expect(all.map { $0["topic_discriminator"]?.string } == [Self.topic, Self.smsTopic])
            #expect(all.map { $0["source"]?.string } == ["Magento connector", "One API"])
            #expect(all.map { $0["reason"]?.string } == ["", "why"])
            #expect(all.allSatisfy { $0["modified_at"]?.string == "2026-11-23T12:00:00.000Z" })
            #expect(try await items(server, "?consent_types=opt-in&consent_types=confirmed-opt-in").count == 1)
            #expect(try await items(server, "?consent_types=pending-opt-in").isEmpty)
            let wrong = try await server.send(.get, "/v2" + Self.profile + "/consents?consent_types=in")
            #expect(wrong.status == .badRequest && wrong.code == "invalid_parameter")
        }
    }

    @Test("what is no consent is refused by name, and nothing is changed")
    func refuses() async throws {
        try await Self.run { server in
            let long = String(repeating: "é", count: Limits.consentTextLengthMax + 1)
            let wrong = [
                (
                    Self.body("opt-in", topic: "usercreated.topics.none-0123456789"),
                    "/topic_discriminator topic_not_found"
                ),
                (Self.body("opt-in", channel: "x"), "/channel_discriminator channel_not_found"),
                (Self.body("opt-in", topic: Self.smsTopic), "/topic_discriminator invalid_value"),
                (Self.body("opt-in", more: #","reason":"\#(long)""#), "/reason text_too_long"),
                (Self.body("opt-in", more: ""), "/reason missing_member"),
                (Self.body("maybe"), "/type invalid_value"),
            ]
            for (body, error) in wrong {
                let answer = try await set(server, body)
                #expect(answer.status == .badRequest && answer.errors == [error], "\(answer.text)")
            }
            #expect(try await items(server).isEmpty)
            let missing =
                "/v2/audience/keyspaces/com.apsis1.keyspaces.email/profiles/no%40b.se/sections/\(Self.section)"
            #expect(try await server.send(.post, missing + "/consents", body: Self.body("opt-in")).status == .notFound)
        }
    }

    @Test("integrations set two types, through keyspaces that manage subscriptions")
    func rights() async throws {
        try await Self.run { server in
            let (_, token) = try await server.token(ofNewKey: #"{"name":"Shop"}"#)
            #expect(try await set(server, Self.body("opt-in"), token: token).status == .created)
            let confirmed = try await set(server, Self.body("confirmed-opt-in"), token: token)
            #expect(confirmed.status == .badRequest && confirmed.errors == ["/type invalid_value"])
            let web = "/v2/audience/keyspaces/com.apsis1.keyspaces.web/profiles/w/sections/\(Self.section)/consents"
            for method in [HTTPRequest.Method.post, .get] {
                let answer = try await server.send(
                    method, web, token: token, body: method == .post ? Self.body("opt-in") : nil)
                #expect(answer.status == .forbidden && answer.code == "keyspace_forbidden", "\(answer.text)")
            }
            let export =
                "/v2/audience/keyspaces/com.apsis1.keyspaces.export/profiles/x/sections/\(Self.section)/consents"
            #expect(try await server.send(.get, export, token: token).status == .notFound)
            let some = try await server.token(ofNewKey: #"{"name":"One","sections":["\#(Self.section)"]}"#).token
            let account = try await server.send(
                .post, Self.address + "/consents", token: some, body: #"{"type":"opt-out"}"#)
            #expect(account.status == .notFound, "\(account.text)")
        }
    }

    @Test("layers of the first generation stand above consents, and are lifted")
    func layers() async throws {
        try await Self.run { server in
            #expect(try await reason(server) == "no-consent")
            #expect(try await onAddress(server, "opt-in", Self.toTopic).status == .created)
            #expect(try await onAddress(server, "opt-in", Self.toTopic).status == .noContent)
            #expect(try await evaluations(server) == [Self.topic])
            #expect(try await items(server).map { $0["type"]?.string } == ["opt-in"])
            let outOfSection = try await onAddress(server, "opt-out", Self.inSection)
            #expect(outOfSection.status == .created && outOfSection.text.isEmpty)
            #expect(try await evaluations(server).isEmpty)
            #expect(try await reason(server) == "section-opt-out")
            #expect(try await items(server).map { $0["type"]?.string } == ["opt-out"])
            #expect(try await onAddress(server, "opt-out").status == .created)
            #expect(try await reason(server) == "account-opt-out")
            let shown = try await server.send(.get, "/v2" + Self.profile + "/consents").json["opt_outs"]?.array ?? []
            #expect(shown.map { $0["of_account"] } == [.bool(true), .bool(false)])
            let changes = try await server.send(.get, Self.profile + "/changes").json["items"]?.array ?? []
            let said = changes.compactMap { $0["changes"]?.array?.first?["consent"] }
            #expect(said.map { $0["of_account"] } == [.bool(true), .bool(false), .bool(false)])
            #expect(said.last?["channel_discriminator"]?.string == Self.email)
            #expect(said.last?["to"]?["source"]?.string == "One API")
            for query in ["", "?section=\(Self.section)"] {
                #expect(try await server.send(.delete, Self.address + "/consents" + query).status == .noContent)
                let again = try await server.send(.delete, Self.address + "/consents" + query)
                #expect(again.status == .notFound && again.code == "consent_not_found")
            }
            #expect(try await reason(server) == "opt-in")
            #expect(try await evaluations(server) == [Self.topic])
        }
    }

    @Test("what the first generation cannot say is refused by name")
    func firstGeneration() async throws {
        try await Self.run { server in
            let wrong = [
                (#"{"type":"opt-in"}"#, "/type invalid_value"),
                (#"{"type":"opt-in"\#(Self.inSection)}"#, "/type invalid_value"),
                (
                    #"{"type":"opt-out","topic_discriminator":"\#(Self.topic)"}"#, "/topic_discriminator invalid_value"
                ),
                (
                    #"{"type":"opt-out"\#(Self.inSection),"consent_list_discriminator":"\#(Self.folder)"}"#,
                    "/consent_list_discriminator invalid_value"
                ),
                (
                    #"{"type":"opt-in"\#(Self.inSection),"topic_discriminator":"\#(Self.topic)","#
                        + #""consent_list_discriminator":"usercreated.targets.x-0123456789"}"#,
                    "/consent_list_discriminator folder_not_found"
                ),
            ]
            for (body, error) in wrong {
                let answer = try await server.send(.post, Self.address + "/consents", body: body)
                #expect(answer.status == .badRequest && answer.errors == [error], "\(answer.text)")
            }
            let list = #"{"consent_list_discriminator":"\#(Self.folder)","topic_discriminator":"\#(Self.topic)"}"#
            let new = Self.profile.replacing("steve%40", with: "new%40") + "/subscriptions"
            let first = try await server.send(.post, new, body: list)
            let again = try await server.send(.post, new, body: list)
            #expect(first.status == .created && again.status == .created)
            #expect(first.json["id"]?.string?.count == 36 && first.json == again.json)
            // It names no channel, so nobody is written to because of it.
            #expect(
                try await reason(server, address: Self.address.replacing("Steve%40", with: "new%40")) == "no-consent")
        }
    }

    @Test("profiles that have the address as a value are asked too, and one that says no is heard")
    func values() async throws {
        try await Self.run { server in
            let crm = "/audience/keyspaces/com.apsis1.keyspaces.crm-id/profiles/4711/sections/\(Self.section)"
            let keyspace = "/audience/keyspaces/com.apsis1.keyspaces.crm-id/sections/\(Self.section)/profiles"
            #expect(try await server.send(.post, keyspace, body: #"{"profile_key":"4711"}"#).status == .created)
            func address(_ text: String) async throws {
                let answer = try await server.send(
                    .patch, "/v2" + crm + "/attributes", body: #"{"com.apsis1.attributes.email":"\#(text)"}"#)
                #expect(answer.status == .noContent, "\(answer.text)")
            }
            try await address("Steve@apsis.com")
            let consents = "/v2" + crm + "/consents"
            #expect(try await server.send(.post, consents, body: Self.body("opt-in")).status == .created)
            #expect(try await reason(server) == "opt-in")
            #expect(try await evaluations(server) == [Self.topic])
            #expect(try await set(server, Self.body("opt-out")).status == .created)
            #expect(try await reason(server) == "opt-out")
            #expect(try await set(server, Self.body("confirmed-opt-in")).status == .noContent)
            #expect(try await server.send(.post, consents, body: Self.body("opt-out")).status == .noContent)
            #expect(try await reason(server) == "opt-out")
            try await address("other@apsis.com")
            #expect(try await reason(server) == "confirmed-opt-in")
        }
    }

    @Test("a suppression stands above all consents, and stays when the person is deleted")
    func suppressions() async throws {
        try await Self.run { server in
            _ = try await set(server, Self.body("opt-in"))
            let path = Self.address + "/suppression"
            #expect(try await server.send(.get, path).status == .notFound)
            #expect(try await server.send(.put, path, body: #"{"reason":"spam"}"#).status == .created)
            #expect(try await server.send(.put, path, body: #"{"reason":"spam"}"#).status == .noContent)
            #expect(try await reason(server) == "suppressed")
            #expect(try await evaluations(server).isEmpty)
            let shown = try await server.send(.get, "/v2" + Self.profile + "/consents").json["suppression"]
            #expect(shown?["reason"]?.string == "spam" && shown?["channel_discriminator"]?.string == Self.email)
            let other = try await server.send(
                .get, "/v2" + Self.profile + "/consents?suppression_address=other%40b.se")
            #expect(other.json["suppression"] == .null)
            let person = "/audience/keyspaces/com.apsis1.keyspaces.email/profiles/steve%40apsis.com"
            #expect(try await server.send(.delete, person).status == .noContent)
            #expect(try await reason(server) == "suppressed")
            #expect(try await server.send(.delete, path).status == .noContent)
            #expect(try await reason(server) == "no-consent")
            #expect(try await server.send(.delete, path).code == "suppression_not_found")
        }
    }

    @Test("a locked profile takes no consent, and is written to no more")
    func locks() async throws {
        try await Self.run { server in
            _ = try await set(server, Self.body("opt-in"))
            let person = "/audience/keyspaces/com.apsis1.keyspaces.email/profiles/steve%40apsis.com"
            #expect(try await server.send(.put, person + "/locks").status == .noContent)
            #expect(try await set(server, Self.body("opt-out")).status == .gone)
            #expect(try await onAddress(server, "opt-in", Self.toTopic).status == .gone)
            #expect(try await reason(server) == "locked")
        }
    }
}

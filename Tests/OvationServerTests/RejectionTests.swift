import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@Suite("Refused posts")
struct RejectionTests {
    private static let path = "/audience/sections/\(Fixtures.section)/rejections"

    @Test("what was refused is kept with its reasons, corrected and replayed once")
    func replay() async throws {
        try await TestServer.run { server async throws in
            let bad = TestServer.items(TestServer.item(#"{"myNumberField":"27183"}"#))
            #expect(try await server.post(bad).status == .badRequest)
            let list = try await server.send(.get, Self.path).json
            let item = try #require(list["items"]?.array?.first)
            #expect(item["code"]?.string == "validation_failed" && item["state"]?.string == "open")
            #expect(item["profile_key"]?.string == "steve@apsis.com" && item["body_excerpt"]?.string == bad)
            #expect(item["errors"]?.array?.first?["pointer"]?.string == "/items/0/data/myNumberField")
            let one = Self.path + "/" + (item["id"]?.string ?? "")
            #expect(try await server.send(.get, one).json["body"]?.string == bad)

            let asItWas = try await server.send(.post, one + "/replay")
            #expect(asItWas.errors == ["/items/0/data/myNumberField wrong_type"], "\(asItWas.text)")
            let good = TestServer.items(TestServer.item())
            let check = try await server.send(
                .post, one + "/replay", body: good, headers: [("Prefer", "validate-only")])
            #expect(check.status == .noContent && check.header("Preference-Applied") == "validate-only")
            #expect(try await server.send(.get, TestServer.eventsPath()).status == .notFound, "nothing is stored yet")
            #expect(try await server.send(.post, one + "/replay", body: good).status == .noContent)
            let again = try await server.send(.post, one + "/replay", body: good)
            #expect(again.status == .conflict && again.code == "already_replayed")
            #expect(try await server.stored() == [#"{"myNumberField":1}"#])
            #expect(try await server.send(.get, Self.path + "?state=open").json["items"]?.array?.isEmpty == true)
            #expect(try await server.send(.get, Self.path + "?state=replayed").json["items"]?.array?.count == 1)
            #expect(try await server.send(.delete, one).status == .noContent)
            #expect(try await server.send(.get, one).code == "rejection_not_found")
        }
    }

    @Test("a key that is none can be put right too")
    func wrongKey() async throws {
        try await TestServer.run { server async throws in
            #expect(
                try await server.post(TestServer.items(TestServer.item()), key: "steve").code == "invalid_profile_key")
            let item = try #require(try await server.send(.get, Self.path).json["items"]?.array?.first)
            let one = Self.path + "/" + (item["id"]?.string ?? "") + "/replay"
            #expect(try await server.send(.post, one).code == "invalid_profile_key")
            let answer = try await server.send(.post, one, body: #"{"profile_key":"Steve@apsis.com"}"#)
            #expect(answer.status == .noContent, "\(answer.text)")
            #expect(try await server.stored().count == 1)
            let replayed = try await server.send(.get, Self.path + "/" + (item["id"]?.string ?? "")).json
            let steve = "/audience/keyspaces/\(Fixtures.emailKeyspace)/profiles/steve%40apsis.com"
            let id = try await server.send(.get, steve).json["profile_id"]?.string
            #expect(id != nil && replayed["replayed_profile_id"]?.string == id, "it tells where the events are")
            #expect(try await server.send(.get, "/audience/activity").json["open_rejections"] == .number("0"))
        }
    }

    @Test("a post of the largest size can still be put right")
    func largest() async throws {
        var limits = Limits()
        limits.bodyBytesMax = 2000
        try await TestServer.run(limits: limits) { server async throws in
            let text = String(repeating: "x", count: 1800)
            let bad = TestServer.items(TestServer.item("{\"myTextField\":\"\(text)\",\"x\":1}"))
            #expect(try await server.post(bad).errors == ["/items/0/data/x unknown_field"])
            let item = try #require(try await server.send(.get, Self.path).json["items"]?.array?.first)
            let good = TestServer.items(TestServer.item("{\"myTextField\":\"\(text) and what was missing\"}"))
            let more = good.dropLast() + ",\"profile_key\":\"\(String(repeating: "s", count: 200))@apsis.com\"}"
            let answer = try await server.send(
                .post, Self.path + "/" + (item["id"]?.string ?? "") + "/replay", body: String(more))
            #expect(answer.status == .noContent, "\(answer.text)")
        }
    }

    @Test("of a lenient post only what was refused is kept, under numbers of its own")
    func lenient() async throws {
        try await TestServer.run { server async throws in
            let body = TestServer.items(
                TestServer.item(), TestServer.item(#"{"x":1}"#), TestServer.item(), TestServer.item(version: "1"))
            #expect(try await server.post(body, headers: [("Prefer", "handling=lenient")]).status.code == 207)
            let item = try #require(try await server.send(.get, Self.path).json["items"]?.array?.first)
            #expect(item["event_count"] == .number("2"))
            let errors = (item["errors"]?.array ?? []).map { $0["pointer"]?.string ?? "" }
            #expect(errors == ["/items/0/data/x", "/items/1/version_id"])
            #expect((item["errors"]?.array ?? []).map { $0["index"]?.int } == [0, 1])
            let one = try await server.send(.get, Self.path + "/" + (item["id"]?.string ?? "")).json
            let kept = try JSONValue(parsing: one["body"]?.string ?? "")
            #expect(kept["items"]?.array?.count == 2)
        }
    }

    @Test("what says nothing about the post is not kept, and neither is a check")
    func notKept() async throws {
        try await TestServer.run { server async throws in
            let bad = TestServer.items(TestServer.item(#"{"x":1}"#))
            #expect(try await server.post(bad, token: nil).status == .unauthorized)
            #expect(try await server.post(bad, headers: [("Prefer", "validate-only")]).status == .badRequest)
            #expect(try await server.post("{}", headers: [("Idempotency-Key", "é")]).status == .badRequest)
            let good = TestServer.items(TestServer.item())
            _ = try await server.post(good, headers: [("Idempotency-Key", "k")])
            let other = TestServer.items(TestServer.item(), TestServer.item())
            #expect(try await server.post(other, headers: [("Idempotency-Key", "k")]).status == .conflict)
            #expect(try await server.send(.get, Self.path).json["items"]?.array?.isEmpty == true)
            #expect(try await server.post("nonsense").status == .badRequest)
            let item = try #require(try await server.send(.get, Self.path).json["items"]?.array?.first)
            #expect(item["code"]?.string == "invalid_json" && item["event_count"] == .number("0"))
        }
    }

    @Test("an integration sees why, without the bodies, and only through its keyspaces")
    func integration() async throws {
        try await TestServer.run { server async throws in
            _ = try await server.post(TestServer.items(TestServer.item(#"{"x":1}"#)))
            let (_, email) = try await server.token(
                ofNewKey: #"{"name":"a","keyspaces":{"com.apsis1.keyspaces.email":"read"}}"#)
            let (_, mobile) = try await server.token(
                ofNewKey: #"{"name":"b","keyspaces":{"com.apsis1.keyspaces.mobile":"read_write"}}"#)
            let item = try #require(try await server.send(.get, Self.path, token: email).json["items"]?.array?.first)
            #expect(item["body_excerpt"] == nil && item["body"] == nil && item["detail"] != nil)
            #expect(try await server.send(.get, Self.path, token: mobile).json["items"]?.array?.isEmpty == true)
            let search = try await server.send(.get, Self.path + "?q=x", token: email)
            #expect(search.code == "admin_required")
            let id = item["id"]?.string ?? ""
            #expect(try await server.send(.get, Self.path + "/" + id, token: email).status == .forbidden)
            #expect(try await server.send(.get, "/audience/rejections", token: email).status == .forbidden)
        }
    }

    @Test("rejections end with their time, and none are kept where that is turned off")
    func bounds() async throws {
        try await TestServer.run { server async throws in
            _ = try await server.post("nonsense")
            server.clock.advance(by: .seconds(6 * 86_400))
            let token = try await server.token(clientID: TestServer.clientID, secret: TestServer.clientSecret)
            let item = try #require(try await server.send(.get, Self.path, token: token).json["items"]?.array?.first)
            server.clock.advance(by: .seconds(86_400 + 1))
            let later = try await server.token(clientID: TestServer.clientID, secret: TestServer.clientSecret)
            #expect(try await server.send(.get, Self.path, token: later).json["items"]?.array?.isEmpty == true)
            let one = Self.path + "/" + (item["id"]?.string ?? "")
            #expect(try await server.send(.get, one, token: later).code == "rejection_not_found")
            #expect(try await server.send(.post, one + "/replay", token: later).code == "rejection_not_found")
        }
        var limits = Limits()
        limits.rejectionsMax = 0
        try await TestServer.run(limits: limits) { server async throws in
            #expect(try await server.post("nonsense").status == .badRequest)
            #expect(try await server.send(.get, Self.path).json["items"]?.array?.isEmpty == true)
        }
    }
}

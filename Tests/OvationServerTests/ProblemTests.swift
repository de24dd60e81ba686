import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

/// One exchange: what is asked, and the refusal it must get.
struct Refusal: Sendable, CustomTestStringConvertible {
    let name: String
    var method = HTTPRequest.Method.post
    var path = TestServer.eventsPath()
    var token: String? = "admin"
    var body: String?
    var headers: [(String, String)] = []
    let status: Int
    let code: String
    var errors: [String] = []

    var testDescription: String { name }
}

@Suite("Every refusal is a problem that says what, where and why, and stores nothing")
struct ProblemTests {
    private static let item = TestServer.item()

    private static func one(_ item: String) -> String { TestServer.items(item) }

    static let requests: [Refusal] = [
        Refusal(name: "no token", token: nil, body: one(item), status: 401, code: "unauthorized"),
        Refusal(name: "not a token", token: "abc", body: one(item), status: 401, code: "invalid_token"),
        Refusal(
            name: "another scheme", token: nil, body: one(item), headers: [("authorization", "Basic abc")],
            status: 401, code: "unauthorized"),
        Refusal(
            name: "unknown keyspace", path: TestServer.eventsPath(keyspace: "com.apsis1.keyspaces.none"),
            body: one(item), status: 404, code: "keyspace_not_found"),
        Refusal(
            name: "keyspace that cannot be one", path: TestServer.eventsPath(keyspace: "%2F"), body: one(item),
            status: 404, code: "keyspace_not_found"),
        Refusal(
            name: "unknown section",
            path: "/audience/keyspaces/com.apsis1.keyspaces.email/profiles/a%40b.se/sections/a.b.c/events",
            body: one(item), status: 404, code: "section_not_found"),
        Refusal(
            name: "key that cannot be an e-mail address", path: TestServer.eventsPath("steve"), body: one(item),
            status: 400, code: "invalid_profile_key"),
        Refusal(
            name: "broken percent-escape in the key", path: TestServer.eventsPath("steve%4"), body: one(item),
            status: 400, code: "invalid_path"),
        Refusal(
            name: "key that is not UTF-8", path: TestServer.eventsPath("%ff%40b.se"), body: one(item), status: 400,
            code: "invalid_path"),
        Refusal(name: "no body", status: 400, code: "invalid_json"),
        Refusal(name: "no JSON", body: "event_time=1", status: 400, code: "invalid_json"),
        Refusal(name: "half a JSON", body: #"{"items":["#, status: 400, code: "invalid_json"),
        Refusal(
            name: "too deep", body: String(repeating: "[", count: 100), status: 400, code: "invalid_json"),
        Refusal(
            name: "half a surrogate pair", body: one(TestServer.item(#"{"myTextField":"\udc00"}"#)), status: 400,
            code: "invalid_json"),
        Refusal(
            name: "an array on top", body: "[]", status: 400, code: "validation_failed", errors: [" wrong_type"]),
        Refusal(
            name: "no items", body: "{}", status: 400, code: "validation_failed", errors: ["/items missing_member"]),
        Refusal(
            name: "items twice", body: #"{"items":[],"items":[]}"#, status: 400, code: "validation_failed",
            errors: ["/items duplicate_member"]),
        Refusal(
            name: "empty items", body: #"{"items":[]}"#, status: 400, code: "validation_failed",
            errors: ["/items invalid_value"]),
        Refusal(
            name: "body over 100 kB",
            body: one(TestServer.item(#"{"myTextField":"\#(String(repeating: "x", count: 102_400))"}"#)),
            status: 413, code: "body_too_large"),
        Refusal(
            name: "over 1,000 items", body: "{\"items\":[" + String(repeating: "1,", count: 1000) + "1]}", status: 413,
            code: "too_many_items"),
        Refusal(
            name: "bad idempotency key", body: one(item), headers: [("Idempotency-Key", "ä")], status: 400,
            code: "invalid_idempotency_key"),
        Refusal(
            name: "wrong method", method: .put, body: one(item), status: 405, code: "method_not_allowed"),
        Refusal(name: "unknown path", path: "/audience/none", status: 404, code: "not_found"),
        Refusal(
            name: "unknown profile", method: .get, path: TestServer.eventsPath("nobody%40b.se"), status: 404,
            code: "profile_not_found"),
        Refusal(
            name: "cursor of somebody else", method: .get, path: TestServer.eventsPath() + "?cursor=abc", status: 400,
            code: "invalid_cursor"),
        Refusal(
            name: "limit beyond the limit", method: .get, path: TestServer.eventsPath() + "?limit=1001", status: 400,
            code: "invalid_parameter"),
        Refusal(
            name: "time with a plus that became a space", method: .get,
            path: TestServer.eventsPath() + "?from=2020-01-01T00:00:00+01:00", status: 400, code: "invalid_parameter"),
        Refusal(
            name: "filter by an unknown event type", method: .get,
            path: TestServer.eventsPath() + "?event_discriminators=a.b.c", status: 400, code: "invalid_parameter"),
        Refusal(
            name: "delete of an event that is not there", method: .delete, path: TestServer.eventsPath() + "/77",
            status: 404, code: "profile_not_found"),
        Refusal(
            name: "name of a section that exists", path: "/audience/sections",
            body: #"{"name":"x","discriminator":"\#(Fixtures.section)"}"#, status: 409, code: "already_exists"),
        Refusal(
            name: "event type without a category", path: TestServer.definitionsPath, body: #"{"name":"x"}"#,
            status: 400, code: "validation_failed", errors: ["/category missing_member"]),
        Refusal(
            name: "field of an unknown type", path: TestServer.definitionsPath,
            body: #"{"name":"x","category":"signal","fields":{"a/b":"date"}}"#, status: 400,
            code: "validation_failed", errors: ["/fields/a~1b invalid_value"]),
        Refusal(
            name: "unknown API key", method: .delete, path: "/account/api-keys/none", status: 404,
            code: "api_key_not_found"),
        Refusal(
            name: "the last admin key", method: .delete, path: "/account/api-keys/\(TestServer.clientID)", status: 409,
            code: "conflict"),
        Refusal(
            name: "an entity tag that no longer holds", path: "/audience/sections", body: #"{"name":"x"}"#,
            headers: [("If-Match", "\"1.1\"")], status: 412, code: "precondition_failed"),
    ]

    static let items: [Refusal] = badItems.map { item, errors in
        Refusal(
            name: String(item.prefix(100)), body: one(item), status: 400, code: "validation_failed", errors: errors)
    }

    private static let badItems: [(String, [String])] = [
        ("1", ["/items/0 wrong_type"]),
        (
            "{}",
            [
                "/items/0/event_time missing_member", "/items/0/version_id missing_member",
                "/items/0/data missing_member",
            ]
        ),
        (TestServer.item(time: "yesterday"), ["/items/0/event_time invalid_time"]),
        (TestServer.item(time: "1969-12-31T23:59:59.999Z"), ["/items/0/event_time time_out_of_range"]),
        (TestServer.item(time: "2027-11-25T00:00:00Z"), ["/items/0/event_time time_out_of_range"]),
        (TestServer.item(version: "\"x\""), ["/items/0/version_id invalid_version_id"]),
        (TestServer.item(version: "1.5"), ["/items/0/version_id invalid_version_id"]),
        (TestServer.item(version: "4711"), ["/items/0/version_id unknown_version"]),
        (TestServer.item("[]"), ["/items/0/data wrong_type"]),
        (TestServer.item(#"{"myNumberField":"1"}"#), ["/items/0/data/myNumberField wrong_type"]),
        (TestServer.item(#"{"myNumberField":1.5}"#), ["/items/0/data/myNumberField wrong_type"]),
        (
            TestServer.item(#"{"myNumberField":9223372036854775808}"#),
            ["/items/0/data/myNumberField number_out_of_range"]
        ),
        (
            TestServer.item(#"{"myNumberField":99999999999999999999999}"#),
            ["/items/0/data/myNumberField number_out_of_range"]
        ),
        (
            TestServer.item(#"{"myNumberWithDecimalField":1e999}"#),
            ["/items/0/data/myNumberWithDecimalField number_out_of_range"]
        ),
        (TestServer.item(#"{"myTrueFalseField":1}"#), ["/items/0/data/myTrueFalseField wrong_type"]),
        (TestServer.item(#"{"myTextField":{"a":1}}"#), ["/items/0/data/myTextField nested_value"]),
        (
            TestServer.item(#"{"myTextField":"\#(String(repeating: "x", count: 10_001))"}"#),
            ["/items/0/data/myTextField text_too_long"]
        ),
        (TestServer.item(#"{"other~/":1}"#), ["/items/0/data/other~0~1 unknown_field"]),
        (
            TestServer.item(#"{"myTextField":"a","myTextField":"b"}"#),
            ["/items/0/data/myTextField duplicate_member"]
        ),
        (
            #"{"event_time":"2020-10-14T09:43:34.471Z","version_id":2565266,"version_id":1,"data":{}}"#,
            ["/items/0/version_id duplicate_member", "/items/0/version_id unknown_version"]
        ),
    ]

    @Test("refuses", arguments: requests + items)
    func refuses(_ refusal: Refusal) async throws {
        try await TestServer.run { server async throws in
            let answer = try await server.send(
                refusal.method, refusal.path, token: refusal.token, body: refusal.body,
                headers: refusal.headers + [("X-Request-Id", "my-request")])
            #expect(answer.status.code == refusal.status)
            #expect(answer.code == refusal.code)
            #expect(answer.errors == refusal.errors)
            // What the original's clients look at.
            #expect(answer.header("Content-Type") == "application/problem+json")
            #expect(answer.json["status"]?.int == refusal.status)
            #expect(answer.json["title"]?.string?.isEmpty == false)
            #expect(answer.json["detail"]?.string?.isEmpty == false)
            #expect(answer.json["request_id"]?.string == "my-request")
            #expect(answer.header("X-Request-Id") == "my-request")
            if refusal.status == 401 { #expect(answer.header("WWW-Authenticate")?.hasPrefix("Bearer") == true) }
            if refusal.status == 405 { #expect(answer.header("Allow") == "DELETE, GET, HEAD, OPTIONS, POST") }
            #expect(try await server.send(.get, TestServer.eventsPath()).code == "profile_not_found")
        }
    }

    @Test("one bad item refuses the whole post, and every bad item is listed")
    func allOrNothing() async throws {
        try await TestServer.run { server async throws in
            let bad = TestServer.item(#"{"myNumberField":"x","nope":1}"#)
            let answer = try await server.post(TestServer.items(TestServer.item(), bad, TestServer.item(), bad))
            #expect(answer.status == .badRequest)
            #expect(answer.json["errors"]?.array?.compactMap { $0["index"]?.int } == [1, 1, 3, 3])
            #expect(try await server.send(.get, TestServer.eventsPath()).code == "profile_not_found")
        }
    }

    @Test("the list of errors is capped, and says so")
    func errorsAreCapped() async throws {
        try await TestServer.run { server async throws in
            let body = "{\"items\":[" + (0..<150).map { _ in "{}" }.joined(separator: ",") + "]}"
            let answer = try await server.post(body)
            #expect(answer.errors.count == 100)
            #expect(answer.json["errors_omitted"]?.int == 350)
        }
    }

    @Test("a store that cannot take more is 503 with Retry-After, at once")
    func busy() async throws {
        // Founding needs the writer for definitions; only posts count against this limit.
        var limits = Limits()
        limits.writerQueueBytesMax = 1
        try await TestServer.run(limits: limits) { server async throws in
            let answer = try await server.post(TestServer.items(TestServer.item()))
            #expect(answer.status == .serviceUnavailable && answer.code == "busy")
            #expect(answer.header("Retry-After") == "1")
        }
    }

    @Test("OPTIONS tells the methods, HEAD answers as GET without a body, a trailing slash is forgiven")
    func otherMethods() async throws {
        try await TestServer.run { server async throws in
            let options = try await server.send(.options, "/audience/sections", token: nil)
            #expect(options.status == .noContent && options.header("Allow") == "GET, HEAD, OPTIONS, POST")
            let head = try await server.send(.head, "/audience/sections")
            #expect(head.status == .ok && head.text.isEmpty)
            #expect(try await server.send(.get, "/audience/sections/").status == .ok)
            #expect(try await server.post(TestServer.items(TestServer.item()), key: "a%40b.se").status == .noContent)
            #expect(try await server.send(.get, TestServer.eventsPath("a%40b.se") + "/").status == .ok)
        }
    }
}

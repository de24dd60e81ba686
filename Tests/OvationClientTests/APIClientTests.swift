import HTTPTypes
import OvationCore
import OvationWire
import Testing

@testable import OvationClient

@Suite("A client of the API")
struct APIClientTests {
    private typealias Reply = ScriptedServer.Reply

    private static func problem(_ status: Int, _ detail: String) -> Reply {
        .json(#"{"title":"No","status":\#(status),"detail":"\#(detail)","code":"busy"}"#, status: status)
    }

    /// The failure of a call.
    private func failure(_ act: () async throws -> Void) async -> ClientFailure? {
        do {
            try await act()
            return nil
        } catch {
            return error as? ClientFailure
        }
    }

    // MARK: Tokens

    @Test("a token is asked for once, with the API key, and sent with each call")
    func token() async throws {
        try await ScriptedServer.run(answer: { _, _ in .json(#"{"items":[]}"#) }) { server, client in
            try await client.call(.listAPIKeys)
            try await client.call(.getUsage, ["section": "a/b ü"])
            #expect(
                server.asked.map(\.path) == [
                    "/oauth/token", "/account/api-keys", "/audience/sections/a%2Fb%20%C3%BC/usage",
                ])
            #expect(server.askedForMore.map(\.token) == ["Bearer token-1", "Bearer token-1"])
            #expect(server.asked.map { $0.headers[.userAgent] } == ["test/1", "test/1", "test/1"])
            #expect(server.asked[0].token == nil)
            let request = try Bodies.TokenRequest(json: JSONValue(parsing: server.asked[0].body))
            #expect((request.clientID, request.clientSecret) == ("id", "s"))
            #expect(request.grantType == "client_credentials")
        }
    }

    @Test("a call that is refused with 401 is repeated once, with another token")
    func tokenAgain() async throws {
        try await ScriptedServer.run(
            answer: { asked, _ in
                asked.token == "Bearer token-1" ? Self.problem(401, "expired") : .json(#"{"items":[]}"#)
            }
        ) { server, client in
            try await client.call(.listAPIKeys)
            try await client.call(.listAPIKeys)
            #expect(server.askedForMore.map(\.token) == ["Bearer token-1", "Bearer token-2", "Bearer token-2"])
        }
    }

    @Test("a call that is refused with 401 again is not repeated")
    func tokenRefused() async throws {
        try await ScriptedServer.run(answer: { _, _ in Self.problem(401, "revoked") }) { server, client in
            let failure = await failure { try await client.call(.listAPIKeys) }
            #expect(failure?.status == 401)
            #expect(server.askedForMore.count == 2 && server.asked.count == 4)
        }
    }

    @Test("a token that was given is not exchanged for another, and a server is known without one")
    func givenToken() async throws {
        try await ScriptedServer.run(
            answer: { asked, _ in asked.path == "/" ? .json(#"{"name":"Ovation"}"#) : Self.problem(401, "no") },
            credentials: .token("mine")
        ) { server, client in
            let failure = await failure { try await client.call(.createConsoleLink) }
            let about = try await client.about()
            #expect(failure?.status == 401 && about.name == "Ovation")
            #expect(server.asked.map(\.token) == ["Bearer mine", nil])
        }
    }

    // MARK: Failures

    @Test("a refusal has the status of the answer, and its problem where it can be read")
    func refused() async throws {
        try await ScriptedServer.run(
            answer: { _, number in
                number == 0
                    ? .json(#"{"status":400,"detail":"why","errors":[{"pointer":"/a","detail":"b"}]}"#, status: 400)
                    : Reply(status: 502, body: "<html>Bad gateway")
            }
        ) { _, client in
            guard case .refused(400, let problem)? = await failure({ try await client.call(.listAPIKeys) }) else {
                Issue.record("it was not refused")
                return
            }
            #expect(problem.detail == "why" && problem.errors?.first?.pointer == "/a")
            let second = await failure { try await client.call(.listAPIKeys) }
            guard case .refused(502, let empty)? = second else {
                Issue.record("\(String(describing: second))")
                return
            }
            #expect(empty.detail.isEmpty && second?.isPassing == false)
        }
    }

    @Test("what is no answer of this API is told apart from a refusal", arguments: ["<html>", #"{"items":7}"#, "[]"])
    func unreadable(body: String) async throws {
        try await ScriptedServer.run(answer: { _, _ in Reply(body: body) }) { _, client in
            guard case .unreadable? = await failure({ try await client.call(.listAPIKeys) }) else {
                Issue.record("\(body) was read")
                return
            }
        }
    }

    @Test("an answer that is expected to be empty is not looked at", arguments: ["", "null", "<html>"])
    func empty(body: String) async throws {
        try await ScriptedServer.run(answer: { _, _ in Reply(body: body) }) { _, client in
            try await client.call(.revokeAPIKey, ["client_id": "a"])
        }
    }

    @Test(
        "an answer that sends on is not followed, and only the origin of the other address is told",
        arguments: [
            ("https://other.example.com:8443/a?secret=1", "https://other.example.com:8443"),
            ("https://user:secret@other.example.com#a", "https://other.example.com"), ("/elsewhere", nil),
        ])
    func redirected(location: String, origin: String?) async throws {
        try await ScriptedServer.run(
            answer: { _, _ in Reply(status: 307, headers: [.location: location]) }
        ) { server, client in
            guard
                case .redirected(client.address, 307, let told)? = await failure({ try await client.call(.listAPIKeys) }
                )
            else {
                Issue.record("it was followed")
                return
            }
            #expect(told == origin && server.askedForMore.count == 1)
        }
    }

    @Test("an address at which nobody answers is named")
    func unreachable() async throws {
        let connections = HTTPConnections()
        let client = APIClient(
            address: "http://127.0.0.1:1", credentials: .none, userAgent: "test", connections: connections)
        let failure = await failure { _ = try await client.about() }
        await connections.shutdown()
        guard case .unreachable("http://127.0.0.1:1", _)? = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
    }

    // MARK: Servers of other versions

    @Test("members that an older server leaves out are empty, and those of a newer one are skipped but kept")
    func otherVersions() async throws {
        try await ScriptedServer.run(
            answer: { _, _ in .json(#"{"items":[{"client_id":"a","name":"Shop","colour":"red"}],"total":1}"#) }
        ) { _, client in
            let answer = try await client.call(.listAPIKeys)
            let key = try #require(answer.items.first)
            #expect((key.clientID, key.rest.name, key.rest.revokedAt) == ("a", "Shop", nil))
            #expect(JSONWriter.write(key.json) == Array(#"{"client_id":"a","name":"Shop","colour":"red"}"#.utf8))
        }
    }

    @Test("events as the vendor shows them are read: without ids, and with numbers for the ids of versions")
    func vendor() async throws {
        let item = #"{"event_time":"2020-10-14T09:43:34.471Z","version_id":2565266,"data":{"cups":2}}"#
        try await ScriptedServer.run(answer: { _, _ in .json(#"{"items":[\#(item)]}"#) }) { _, client in
            let page = try await client.call(.listEvents, ["keyspace": "k", "key": "a", "section": "s"])
            let event = try #require(page.items.first)
            #expect(event.versionID == "2565266" && event.eventTime.rfc3339 == "2020-10-14T09:43:34.471Z")
            #expect(event.id.isEmpty && page.nextCursor == nil)
            #expect(JSONWriter.write(event.json) == Array(item.utf8))
        }
    }

    @Test(
        "an answer to the token call without a token is no answer of this API",
        arguments: ["{}", #"{"access_token":""}"#])
    func noToken(body: String) async throws {
        try await ScriptedServer.run(answer: { _, _ in .json("{}") }, token: Reply(body: body)) { server, client in
            guard case .unreadable? = await failure({ try await client.call(.listAPIKeys) }) else {
                Issue.record("it was taken for one")
                return
            }
            #expect(server.askedForMore.isEmpty)
        }
    }

    @Test("a key that is refused at the token call is told so, and nothing else is asked")
    func wrongKey() async throws {
        try await ScriptedServer.run(
            answer: { _, _ in .json("{}") }, token: Self.problem(401, "The client secret is wrong.")
        ) { server, client in
            guard case .refused(401, let problem)? = await failure({ try await client.call(.listAPIKeys) }) else {
                Issue.record("it was taken")
                return
            }
            #expect(problem.detail == "The client secret is wrong." && server.asked.count == 1)
        }
    }

    // MARK: Pages

    @Test("pages follow their cursor until it is null, and no further than wanted")
    func pages() async throws {
        try await ScriptedServer.run(
            answer: { asked, number in
                let event = #"{"event_time":"2020-10-14T09:43:34.471Z","version_id":"1","data":{}}"#
                return .json(
                    #"{"items":[\#(event),\#(event)],"next_cursor":\#(number < 2 ? "\"c\(number)\"" : "null")}"#)
            }
        ) { server, client in
            func read(upTo limit: Int) async throws -> Int {
                var count = 0
                let place: KeyValuePairs = ["keyspace": "k", "key": "a", "section": "s"]
                for try await page in client.pages(.listEvents, place, query: [("from", "x y")], upTo: limit, by: 2) {
                    count += page.items.count
                }
                return count
            }
            let none = try await read(upTo: 0)
            // The server gives more than was asked for.
            let some = try await read(upTo: 3)
            #expect((none, some) == (0, 4))
            #expect(server.askedForMore.map(\.query) == ["from=x%20y&limit=2", "from=x%20y&limit=1&cursor=c0"])
            let last = try await read(upTo: .max)
            #expect(last == 2)
        }
    }

    @Test("the log goes on behind the last number, until a page is not full")
    func log() async throws {
        let entry = #"{"at":"2020-10-14T09:43:34.471Z","actor":"a","kind":"k","change":{},"sequence":"#
        try await ScriptedServer.run(
            answer: { _, number in
                .json(#"{"items":[\#(number == 0 ? "\(entry)7},\(entry)9}" : "\(entry)12}")]}"#)
            }
        ) { server, client in
            var numbers: [Int64] = []
            for try await page in client.pages(.listLog, query: [("after", "5")], by: 2) {
                numbers += page.content.items.map(\.sequence)
            }
            #expect(numbers == [7, 9, 12])
            #expect(server.askedForMore.map(\.query) == ["after=5&limit=2", "limit=2&after=9"])
        }
    }
}

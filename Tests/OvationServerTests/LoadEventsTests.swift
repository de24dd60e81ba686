import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

@Suite("POST …/events/bulk")
struct LoadEventsTests {
    private static let path = TestServer.definitionsPath + "/bulk"

    private static func line(
        _ key: String = "steve@apsis.com", data: String = #"{"myNumberField":1}"#,
        keyspace: String = Fixtures.emailKeyspace, time: String = "2020-10-14T09:43:34.471Z",
        version: String = "2565266"
    ) -> String {
        #"{"keyspace":"\#(keyspace)","profile_key":"\#(key)","event_time":"\#(time)","version_id":\#(version),"#
            + #""data":\#(data)}"#
    }

    private static func limits(lines: Int) -> Limits {
        var limits = Limits()
        limits.bulkChunkLines = lines
        return limits
    }

    private func load(
        _ server: TestServer, _ lines: [String], end: String = "\n", token: String? = "admin",
        headers: [(String, String)] = []
    ) async throws -> TestServer.Answer {
        try await server.send(
            .post, Self.path, token: token, body: lines.map { $0 + end }.joined(), headers: headers)
    }

    private func expect(
        _ answer: TestServer.Answer, lines: Int, stored: Int, replayed: Int = 0, refused: Int = 0,
        location: SourceLocation = #_sourceLocation
    ) {
        let found = ["lines", "stored", "duplicates", "refused"].map { answer.json[$0]?.int }
        #expect(answer.status == .ok, "\(answer.text)", sourceLocation: location)
        #expect(found == [lines, stored, replayed, refused], "\(answer.text)", sourceLocation: location)
    }

    /// `line pointer code` of each error.
    private func errors(_ answer: TestServer.Answer) -> [String] {
        (answer.json["errors"]?.array ?? []).map {
            "\($0["line"]?.int ?? 0) \($0["pointer"]?.string ?? "") \($0["code"]?.string ?? "")"
        }
    }

    @Test("stores events of many profiles, each profile's in the order of the lines")
    func stores() async throws {
        try await TestServer.run(limits: Self.limits(lines: 7)) { server in
            let lines = (0..<50).map { Self.line("p\($0 % 5)@b.se", data: #"{"myNumberField":\#($0)}"#) }
            expect(try await load(server, lines), lines: 50, stored: 50)
            for profile in 0..<5 {
                let numbers = stride(from: 45 + profile, through: 0, by: -5)
                #expect(
                    try await server.stored("p\(profile)%40b.se") == numbers.map { #"{"myNumberField":\#($0)}"# })
            }
        }
    }

    @Test("reports each bad line by its number, and stores the others")
    func reports() async throws {
        try await TestServer.run(limits: Self.limits(lines: 3)) { server in
            let answer = try await load(
                server,
                [
                    Self.line(), "{", Self.line("no address"), Self.line(data: #"{"x":1,"myNumberField":"a"}"#),
                    Self.line(keyspace: "com.apsis1.keyspaces.unknown"), Self.line(version: "77"), "[]", "",
                    Self.line(time: "2020-10-14"), Self.line(keyspace: "com.apsis1.keyspaces.crm-id"),
                    #"{"keyspace":"\#(Fixtures.emailKeyspace)","data":{}}"#, Self.line("Steve@APSIS.com "),
                    #"{"keyspace":"a","# + Self.line().dropFirst(),
                ])
            expect(answer, lines: 13, stored: 2, refused: 10)
            #expect(
                errors(answer) == [
                    "2  invalid_json", "3 /profile_key invalid_profile_key", "4 /data/x unknown_field",
                    "4 /data/myNumberField wrong_type", "5 /keyspace keyspace_not_found",
                    "6 /version_id unknown_version",
                    "7  wrong_type", "9 /event_time invalid_time", "10 /version_id event_type_forbidden",
                    "11 /profile_key missing_member", "11 /event_time missing_member", "11 /version_id missing_member",
                    "13 /keyspace duplicate_member",
                ])
            #expect(try await server.stored().count == 2)
        }
    }

    @Test(
        "takes lines however they end",
        arguments: [("\r\n", ""), ("\n", ""), ("\n", "\u{FEFF}"), ("\n\n", ""), ("\n \t\r\n", "")])
    func lineEnds(end: String, start: String) async throws {
        try await TestServer.run(limits: Self.limits(lines: 2)) { server in
            let lines = (0..<5).map { Self.line(data: #"{"myNumberField":\#($0)}"#) }
            let answer = try await server.send(.post, Self.path, body: start + lines.joined(separator: end))
            #expect(answer.json["stored"]?.int == 5 && answer.json["refused"]?.int == 0, "\(answer.text)")
            #expect(try await server.stored().count == 5)
        }
    }

    @Test("an upload of nothing is fine, and makes no profile")
    func empty() async throws {
        try await TestServer.run { server in
            expect(try await load(server, []), lines: 0, stored: 0)
            expect(try await load(server, ["", " "]), lines: 2, stored: 0)
            expect(try await load(server, [Self.line(data: #"{"x":1}"#)]), lines: 1, stored: 0, refused: 1)
            #expect(try await server.send(.get, TestServer.eventsPath()).status == .notFound)
        }
    }

    @Test("a line that is too long is refused without being held, and the next ones are read")
    func longLines() async throws {
        try await TestServer.run(limits: Self.limits(lines: 2)) { server in
            let long = Self.line(data: #"{"myTextField":""# + String(repeating: "x", count: 1_100_000) + "\"}")
            let answer = try await load(server, [Self.line(), long, Self.line(), long])
            expect(answer, lines: 4, stored: 2, refused: 2)
            #expect(errors(answer) == ["2  line_too_long", "4  line_too_long"])
        }
    }

    @Test("lists a bounded number of errors and counts the rest")
    func manyErrors() async throws {
        try await TestServer.run { server in
            let answer = try await load(server, Array(repeating: "x", count: Limits.bulkErrorsMax + 17))
            expect(answer, lines: 1017, stored: 0, refused: 1017)
            #expect(errors(answer).count == 1000 && answer.json["errors_omitted"]?.int == 17)
        }
    }

    @Test("keys and texts beyond ASCII are stored as a single post stores them")
    func beyondASCII() async throws {
        try await TestServer.run { server in
            let data = #"{"myTextField":"å \u00e5 \ud83d\ude00","myNumberWithDecimalField":1,"myNumberField":2.0e1}"#
            let half = #"{"myTextField":"\ud83d"}"#
            let answer = try await load(server, [Self.line("Åsa@b.se", data: data), Self.line(data: half)])
            expect(answer, lines: 2, stored: 1, refused: 1)
            #expect(
                try await server.post(TestServer.items(TestServer.item(data)), key: "a%40b.se").status == .noContent)
            let stored = try await server.stored("%C3%A5sa%40b.se")
            #expect(stored.count == 1)
            #expect(try await server.stored("a%40b.se") == stored)
        }
    }

    // MARK: Resuming

    @Test("the same lines under the same key are stored once, and what was not stored is")
    func resumes() async throws {
        try await TestServer.run(limits: Self.limits(lines: 4)) { server in
            let lines = (0..<10).map { $0 == 2 ? "bad" : Self.line(data: #"{"myNumberField":\#($0)}"#) }
            let key = [("Idempotency-Key", "load")]
            expect(try await load(server, Array(lines[..<8]), headers: key), lines: 8, stored: 7, refused: 1)
            let second = try await load(server, lines, headers: key)
            expect(second, lines: 10, stored: 2, replayed: 7, refused: 1)
            #expect(second.json["duplicate_chunks"]?.int == 2 && errors(second) == ["3  invalid_json"])
            expect(try await load(server, lines, headers: key), lines: 10, stored: 0, replayed: 9, refused: 1)
            #expect(try await server.stored().count == 9)
            // Without a key, or with another, they are other events.
            expect(try await load(server, lines), lines: 10, stored: 9, refused: 1)
        }
    }

    @Test("other lines under the same key are a conflict, and say how many lines are done")
    func conflicts() async throws {
        try await TestServer.run(limits: Self.limits(lines: 4)) { server in
            var lines = (0..<10).map { Self.line(data: #"{"myNumberField":\#($0)}"#) }
            let key = [("Idempotency-Key", "load")]
            _ = try await load(server, lines, headers: key)
            lines[5] = Self.line(data: #"{"myNumberField":500}"#)
            let answer = try await load(server, lines, headers: key)
            #expect(answer.status == .conflict && answer.code == "idempotency_key_reused")
            #expect(answer.json["lines_done"]?.int == 4)
            #expect(try await server.stored().count == 10)
        }
    }

    @Test("a key of an upload and a key of a post have nothing to do with each other")
    func keysAreApart() async throws {
        try await TestServer.run { server in
            let key = [("Idempotency-Key", "k")]
            expect(try await load(server, [Self.line()], headers: key), lines: 1, stored: 1)
            let post = try await server.post(TestServer.items(TestServer.item()), headers: key)
            #expect(post.status == .noContent)
            #expect(try await server.stored().count == 2)
        }
    }

    @Test("strict ends at the first bad line; repaired, the same upload goes on")
    func isStrict() async throws {
        try await TestServer.run(limits: Self.limits(lines: 4)) { server in
            var lines = (0..<10).map { Self.line(data: #"{"myNumberField":\#($0)}"#) }
            lines[6] = Self.line(data: #"{"x":0}"#)
            let headers = [("Idempotency-Key", "load"), ("Prefer", "handling=strict")]
            let answer = try await load(server, lines, headers: headers)
            #expect(answer.status == .badRequest && answer.code == "validation_failed")
            #expect(errors(answer) == ["7 /data/x unknown_field"] && answer.json["lines_done"]?.int == 4)
            #expect(try await server.stored().count == 4)
            lines[6] = Self.line(data: #"{"myNumberField":6}"#)
            let second = try await load(server, lines, headers: headers)
            expect(second, lines: 10, stored: 6, replayed: 4)
            #expect(second.header("Preference-Applied") == "handling=strict")
        }
    }

    @Test("validate-only checks and stores nothing")
    func checksOnly() async throws {
        try await TestServer.run { server in
            let answer = try await load(
                server, [Self.line(), "x"], headers: [("Prefer", "validate-only"), ("Idempotency-Key", "k")])
            expect(answer, lines: 2, stored: 0, refused: 1)
            #expect(try await server.send(.get, TestServer.eventsPath()).status == .notFound)
            expect(
                try await load(server, [Self.line(), "y"], headers: [("Idempotency-Key", "k")]), lines: 2, stored: 1,
                refused: 1)
        }
    }

    // MARK: Progress

    @Test("tells its progress after each chunk where the client accepts lines")
    func tellsProgress() async throws {
        try await TestServer.run(limits: Self.limits(lines: 2)) { server in
            let headers = [("Accept", "application/x-ndjson"), ("Idempotency-Key", "k")]
            let answer = try await load(server, [Self.line(), "x", Self.line()], headers: headers)
            let records = try answer.text.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
            #expect(answer.status == .ok && answer.header("Content-Type") == "application/x-ndjson")
            #expect(records.map { $0["lines"]?.int } == [2, 3, 3])
            #expect(records.map { $0["done"]?.bool } == [nil, nil, true])
            #expect(records[0]["errors"]?.array?.count == 1 && records[1]["errors"] == nil)
            let other = try await load(server, [Self.line(), "y"], headers: headers)
            let problem = try JSONValue(parsing: other.text)["problem"]
            #expect(problem?["status"]?.int == 409 && problem?["lines_done"]?.int == 0)
        }
    }

    @Test("counts chunks and not lines, and tells watchers")
    func isCounted() async throws {
        try await TestServer.run { server in
            _ = try await load(server, [Self.line(), Self.line("a@b.se"), "x"])
            let activity = try await server.send(.get, "/audience/activity")
            let last = activity.json["minutes"]?.array?.last
            #expect(last?["accepted"]?.int == 2 && last?["refused"]?.int == 1)
            #expect(activity.json["events"]?.array?.first?["event_count"]?.int == 2)
            let usage = try await server.send(.get, "/audience/sections/\(Fixtures.section)/usage")
            #expect(usage.json["items"]?.array?.first?["event_count"]?.int == 2)
            #expect(try await server.send(.get, "/audience/rejections").json["items"]?.array?.isEmpty == true)
        }
    }

    // MARK: Rights

    @Test("a key needs its section, and the right to write through each line's keyspace")
    func rights() async throws {
        try await TestServer.run { server in
            let blind = try await server.token(
                ofNewKey: #"{"name":"a","sections":["com.apsis1.sections.default"]}"#)
            #expect(try await load(server, [Self.line()], token: blind.token).code == "section_not_found")
            let reader = try await server.token(
                ofNewKey: #"{"name":"b","keyspaces":{"\#(Fixtures.emailKeyspace)":"read"}}"#)
            let refused = try await load(server, [Self.line()], token: reader.token)
            #expect(refused.status == .forbidden && refused.code == "keyspace_forbidden", "it takes no place")
            let other = try await server.token(
                ofNewKey: #"{"name":"d","keyspaces":{"com.apsis1.keyspaces.mobile":"read_write"}}"#)
            let answer = try await load(server, [Self.line()], token: other.token)
            expect(answer, lines: 1, stored: 0, refused: 1)
            #expect(errors(answer) == ["1 /keyspace keyspace_forbidden"])
            #expect(try await load(server, [Self.line()], token: nil).status == .unauthorized)
            let writer = try await server.token(
                ofNewKey: #"{"name":"c","keyspaces":{"\#(Fixtures.emailKeyspace)":"read_write"}}"#)
            expect(try await load(server, [Self.line()], token: writer.token), lines: 1, stored: 1)
        }
    }

    @Test("a bad Idempotency-Key is refused before anything is read")
    func badKey() async throws {
        try await TestServer.run { server in
            let answer = try await load(server, [Self.line()], headers: [("Idempotency-Key", "")])
            #expect(answer.code == "invalid_idempotency_key")
        }
    }
}

import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@Suite("Causes of refused posts")
struct RejectionCauseTests {
    private static let causes = "/audience/rejections/causes"
    private static let list = "/audience/rejections"

    private static func bad(_ value: String = #""one""#) -> String {
        TestServer.items(TestServer.item("{\"myNumberField\":\(value)}"))
    }

    private func only(_ server: TestServer, _ query: String = "") async throws -> JSONValue {
        let items = try await server.send(.get, Self.causes + query).json["items"]?.array ?? []
        #expect(items.count == 1, "\(items)")
        return try #require(items.first)
    }

    @Test("a cause says what is wrong and where, and nothing of who or what was posted")
    func tells() async throws {
        try await TestServer.run { server async throws in
            let two = TestServer.items(TestServer.item(), TestServer.item(#"{"myNumberField":"secret value"}"#))
            #expect(try await server.post(Self.bad()).status == .badRequest)
            #expect(try await server.post(two).status == .badRequest)
            let answer = try await server.send(.get, Self.causes)
            let cause = try await only(server)
            #expect(cause["code"]?.string == "validation_failed" && cause["item_code"]?.string == "wrong_type")
            #expect(cause["pointer"]?.string == "/items/*/data/myNumberField")
            #expect(cause["event_discriminator"]?.string == Fixtures.eventType)
            #expect(cause["section_discriminator"]?.string == Fixtures.section)
            #expect(cause["client_id"]?.string == TestServer.clientID)
            #expect(cause["rejection_count"]?.int == 2 && cause["event_count"]?.int == 3)
            #expect(answer.json["causes_omitted"]?.int == 0 && answer.json["rejection_count"]?.int == 2)
            #expect(!answer.text.contains("steve") && !answer.text.contains("secret value"))
            let rejection = try await server.send(.get, Self.list).json["items"]?.array?.first
            #expect(rejection?["id"]?.string == cause["example_id"]?.string)
            #expect(rejection?["cause"]?.string == cause["cause"]?.string)
            #expect(try await server.send(.get, Self.causes + "/" + (cause["cause"]?.string ?? "")).json == cause)
        }
    }

    @Test("causes and rejections are filtered by the code of any error and by event type")
    func filters() async throws {
        try await TestServer.run { server async throws in
            _ = try await server.post(Self.bad())
            _ = try await server.post(
                TestServer.items(
                    TestServer.item(#"{"myNumberField":"one"}"#), TestServer.item(#"{"x":1}"#)))
            _ = try await server.post(TestServer.items(TestServer.item(version: "999")))
            _ = try await server.post("nonsense")
            func counts(_ query: String) async throws -> [Int?] {
                let items = try await server.send(.get, Self.causes + "?" + query).json["items"]?.array ?? []
                return items.map { $0["rejection_count"]?.int }
            }
            func rows(_ query: String) async throws -> Int? {
                try await server.send(.get, Self.list + "?" + query).json["items"]?.array?.count
            }
            #expect(try await counts("limit=200") == [2, 1, 1])
            #expect(try await counts("item_code=unknown_field") == [2], "the whole group that has one of it")
            #expect(try await rows("item_code=unknown_field") == 1)
            #expect(try await counts("item_code=unknown_version") == [1])
            #expect(try await counts("event_discriminator=\(Fixtures.eventType)") == [2])
            #expect(try await rows("event_discriminator=\(Fixtures.eventType)") == 2)
            #expect(try await counts("code=invalid_json") == [1])
            #expect(try await counts("section=\(Fixtures.section)&code=validation_failed") == [2, 1])
            #expect(try await counts("item_code=nothing") == [])
            let few = try await server.send(.get, Self.causes + "?limit=1").json
            #expect(few["causes_omitted"]?.int == 2 && few["rejection_count"]?.int == 4)
            for query in ["limit=0", "limit=201", "item_code=", "code=a&code=b"] {
                #expect(try await server.send(.get, Self.causes + "?" + query).status == .badRequest, "\(query)")
            }
            #expect(try await server.send(.get, Self.list + "?cause=x").code == "invalid_parameter")
            #expect(try await server.send(.get, Self.causes + "?section=a.b").code == "section_not_found")
        }
    }

    @Test("a preview says what would pass and what fails again, and stores nothing; a replay does the same once")
    func replays() async throws {
        try await TestServer.run { server async throws in
            // Too far ahead now, and no longer so once the clock has gone on.
            let time = "2027-11-27T00:00:00.000Z"
            for number in 1...3 {
                let body = TestServer.items(TestServer.item("{\"myNumberField\":\(number)}", time: time))
                #expect(try await server.post(body, key: "a\(number)@b.se").status == .badRequest)
            }
            // The same at first; and wrong for another reason that stays.
            let both = TestServer.items(
                TestServer.item(time: time), TestServer.item(#"{"myNumberField":"x"}"#))
            #expect(try await server.post(both).status == .badRequest)
            let cause = try await only(server)
            #expect(cause["item_code"]?.string == "time_out_of_range" && cause["rejection_count"]?.int == 4)
            let replay = Self.causes + "/" + (cause["cause"]?.string ?? "") + "/replay"
            let early = try await server.send(.post, replay).json
            #expect(early["passed"]?.int == 0 && early["failed"]?.int == 4)

            server.clock.advance(by: .seconds(6 * 86_400))
            let token = try await server.token(clientID: TestServer.clientID, secret: TestServer.clientSecret)
            let preview = try await server.send(
                .post, replay, token: token, headers: [("Prefer", "validate-only")])
            #expect(preview.header("Preference-Applied") == "validate-only")
            #expect(preview.json["passed"]?.int == 3 && preview.json["failed"]?.int == 1, "\(preview.text)")
            #expect(preview.json["passed_event_count"]?.int == 3)
            let failure = try #require(preview.json["failures"]?.array?.first)
            #expect(failure["item_code"]?.string == "wrong_type" && failure["count"]?.int == 1)
            #expect(failure["pointer"]?.string == "/items/*/data/myNumberField")
            #expect(failure["event_discriminator"]?.string == Fixtures.eventType)
            #expect(!preview.text.contains("@"))
            #expect(try await server.send(.get, TestServer.eventsPath("a1@b.se"), token: token).status == .notFound)

            let done = try await server.send(.post, replay, token: token).json
            #expect(done["passed"]?.int == 3 && done["failed"]?.int == 1 && done["next_after"] == .null)
            let again = try await server.send(.post, replay, token: token).json
            #expect(again["passed"]?.int == 0 && again["failed"]?.int == 1, "what failed stays, what passed is done")
            for number in 1...3 {
                let page = try await server.send(.get, TestServer.eventsPath("a\(number)@b.se"), token: token).json
                #expect(page["items"]?.array?.count == 1)
            }
            let open = try await server.send(.get, "/audience/activity", token: token).json["open_rejections"]
            #expect(open == .number("1"))
        }
    }

    @Test("a long replay goes in steps, up to the newest there was at its beginning")
    func steps() async throws {
        try await TestServer.run { server async throws in
            let count = Limits.rejectionReplayStep + 5
            for _ in 0..<count { _ = try await server.post(Self.bad()) }
            let cause = try await only(server)
            #expect(cause["rejection_count"]?.int == count)
            let replay = Self.causes + "/" + (cause["cause"]?.string ?? "") + "/replay"
            let first = try await server.send(.post, replay).json
            #expect(first["failed"]?.int == Limits.rejectionReplayStep && first["remaining"]?.int == 5)
            _ = try await server.post(Self.bad())
            let next = "?after=\(first["next_after"]?.string ?? "")&through=\(first["through"]?.string ?? "")"
            let last = try await server.send(.post, replay + next).json
            #expect(last["failed"]?.int == 5 && last["next_after"] == .null && last["remaining"]?.int == 0)
            var sum = try ReplayReport(Bodies.ReplayReport(json: first))
            try sum.add(ReplayReport(Bodies.ReplayReport(json: last)))
            #expect(sum.failed == count && sum.failures.map(\.count) == [count] && sum.nextAfter == nil)
            for query in ["?after=x", "?through=-1", "?after=1&after=2"] {
                #expect(try await server.send(.post, replay + query).code == "invalid_parameter", "\(query)")
            }
        }
    }

    @Test("two who replay a cause at the same time store each rejection once")
    func twice() async throws {
        try await TestServer.run { server async throws in
            let time = "2027-11-27T00:00:00.000Z"
            for number in 0..<50 {
                _ = try await server.post(
                    TestServer.items(TestServer.item("{\"myNumberField\":\(number)}", time: time)))
            }
            let cause = try await only(server)["cause"]?.string ?? ""
            server.clock.advance(by: .seconds(6 * 86_400))
            let token = try await server.token(clientID: TestServer.clientID, secret: TestServer.clientSecret)
            let answers = try await withThrowingTaskGroup(of: JSONValue.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        try await server.send(.post, Self.causes + "/\(cause)/replay", token: token).json
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.reduce(0) { $0 + ($1["passed"]?.int ?? 0) } == 50)
            #expect(answers.allSatisfy { $0["failed"]?.int == 0 })
            let page = try await server.send(.get, TestServer.eventsPath() + "?limit=100", token: token).json
            #expect(page["items"]?.array?.count == 50)
        }
    }

    @Test("a cause is dismissed up to what was seen of it, and a check deletes nothing")
    func dismisses() async throws {
        try await TestServer.run { server async throws in
            let count = Limits.rejectionDismissStep + 3
            for _ in 0..<count { _ = try await server.post(Self.bad()) }
            _ = try await server.post("nonsense")
            let causes = try await server.send(.get, Self.causes).json["items"]?.array ?? []
            let cause = try #require(causes.first)
            let path = Self.causes + "/" + (cause["cause"]?.string ?? "")
            let through = "?through=" + (cause["example_id"]?.string ?? "")
            _ = try await server.post(Self.bad())
            let check = try await server.send(.delete, path, headers: [("Prefer", "validate-only")])
            #expect(check.json["dismissed"]?.int == 0 && check.json["remaining"]?.int == count + 1)
            #expect(check.header("Preference-Applied") == "validate-only")
            let first = try await server.send(.delete, path + through).json
            #expect(first["dismissed"]?.int == Limits.rejectionDismissStep && first["remaining"]?.int == 3)
            let second = try await server.send(.delete, path + through).json
            #expect(second["dismissed"]?.int == 3 && second["remaining"]?.int == 0)
            #expect(try await server.send(.get, path).json["rejection_count"]?.int == 1, "what came later stays")
            #expect(try await server.send(.delete, path).json["dismissed"]?.int == 1)
            #expect(try await server.send(.delete, path).json["dismissed"]?.int == 0, "it may be repeated")
            #expect(try await server.send(.get, path).code == "rejection_cause_not_found")
            #expect(try await server.send(.get, Self.causes).json["rejection_count"]?.int == 1)
            // An ignored filter must not mean everything.
            #expect(try await server.send(.delete, path + "?trough=5").code == "invalid_parameter")
            #expect(try await server.send(.delete, path + "?through=").code == "invalid_parameter")
        }
    }

    @Test("causes are for admins, and an id that is none names nothing")
    func rights() async throws {
        try await TestServer.run { server async throws in
            _ = try await server.post(Self.bad())
            let cause = try await only(server)["cause"]?.string ?? ""
            let (_, token) = try await server.token(ofNewKey: #"{"name":"a"}"#)
            let calls: [(HTTPRequest.Method, String)] = [
                (.get, Self.causes), (.get, Self.causes + "/" + cause), (.delete, Self.causes + "/" + cause),
                (.post, Self.causes + "/" + cause + "/replay"),
            ]
            for (method, path) in calls {
                #expect(try await server.send(method, path, token: token).code == "admin_required", "\(path)")
            }
            for id in ["x", String(repeating: "g", count: 32), cause.uppercased() + "0", "%00"] {
                #expect(try await server.send(.get, Self.causes + "/" + id).code == "rejection_cause_not_found")
            }
            let none = String(repeating: "0", count: 32)
            #expect(try await server.send(.get, Self.causes + "/" + none).code == "rejection_cause_not_found")
            #expect(try await server.send(.post, Self.causes + "/" + none + "/replay").json["passed"]?.int == 0)
        }
    }

    @Test("of a replayed rejection the events that were stored are told, beside what was refused")
    func stored() async throws {
        try await TestServer.run { server async throws in
            let bad = Self.bad()
            _ = try await server.post(bad)
            let id = try await only(server)["example_id"]?.string ?? ""
            let one = "/audience/sections/\(Fixtures.section)/rejections/" + id
            let open = try await server.send(.get, one).json
            #expect(open["replayed_event_ids"] == .null && open["stored_events"] == .null)
            let good = TestServer.items(
                TestServer.item(#"{"myNumberField":1}"#), TestServer.item(#"{"myNumberField":2}"#))
            #expect(try await server.send(.post, one + "/replay", body: good).status == .noContent)
            _ = try await server.post(TestServer.items(TestServer.item()))
            let replayed = try await server.send(.get, one).json
            #expect(replayed["body"]?.string == bad)
            let events = replayed["stored_events"]?.array ?? []
            #expect(events.map { $0["data"]?["myNumberField"] } == [.number("1"), .number("2")])
            let ids = replayed["replayed_event_ids"]?.array ?? []
            #expect(ids == events.map { $0["id"] ?? .null } && ids.count == 2)
            let event = TestServer.eventsPath() + "/" + (ids.first?.string ?? "")
            #expect(try await server.send(.delete, event).status == .noContent)
            let later = try await server.send(.get, one).json
            #expect(later["replayed_event_ids"]?.array == ids && later["stored_events"]?.array?.count == 1)
        }
    }
}

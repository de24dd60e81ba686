import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@Suite("Posting and reading events")
struct PostEventsTests {
    @Test("what was posted reads back equal, number for number and text for text")
    func readsBack() async throws {
        try await TestServer.run { server async throws in
            let posted = [
                #"{"myNumberField":27183,"myNumberWithDecimalField":213.21,"myTextField":"some transaction","#
                    + #""myTrueFalseField":false,"source":"some web shop"}"#,
                #"{"myNumberField":-9223372036854775808}"#, #"{"myNumberField":9223372036854775807}"#,
                #"{"myNumberWithDecimalField":5e-324}"#, #"{"myNumberWithDecimalField":0.1}"#,
                #"{"source":"😀 \u0000 \n \" \\ / é"}"#, "{}",
            ]
            for (index, data) in posted.enumerated() {
                let body = TestServer.items(TestServer.item(data, time: "2020-10-14T09:43:3\(index)Z"))
                let answer = try await server.post(body)
                #expect(answer.status == .noContent && answer.text.isEmpty, "\(answer.text)")
            }
            let stored = try await server.stored().reversed()
            for (data, read) in zip(posted, stored) {
                #expect(try JSONValue(parsing: data) == JSONValue(parsing: read))
            }
        }
    }

    @Test(
        "numbers may be written in any way, and null is absent",
        arguments: [
            (#"{"myNumberField":27183.0}"#, #"{"myNumberField":27183}"#),
            (#"{"myNumberField":2.7183e4}"#, #"{"myNumberField":27183}"#),
            (#"{"myNumberField":null,"source":"x"}"#, #"{"source":"x"}"#),
            (#"{"myNumberWithDecimalField":5}"#, #"{"myNumberWithDecimalField":5.0}"#),
            (
                #"{"myNumberWithDecimalField":123456789012345678901234567890}"#,
                #"{"myNumberWithDecimalField":1.2345678901234568e+29}"#
            ),
            (#" { "source" : "\u00e5" } "#, #"{"source":"å"}"#),
        ])
    func normalises(posted: String, stored: String) async throws {
        try await TestServer.run { server async throws in
            #expect(try await server.post(TestServer.items(TestServer.item(posted))).status == .noContent)
            #expect(try await server.stored() == [stored])
        }
    }

    @Test("one post may hold events of several types; unknown members beside the three are ignored")
    func severalTypes() async throws {
        try await TestServer.run { server async throws in
            let made = try await server.send(
                .post, TestServer.definitionsPath,
                body: #"{"name":"Visit","category":"signal","fields":{"page":"string"},"keyspace_permissions":"#
                    + #"[{"keyspace_discriminator":"com.apsis1.keyspaces.email","read":true,"write":true}]}"#)
            let version = try #require(made.json["versions"]?.array?.first?["id"]?.string)
            let answer = try await server.post(
                #"{"time_zone":"x","items":[{"extra":{"a":[1]},"event_time":"2020-01-01T00:00:00+01:00","#
                    + #""version_id":"\#(version)","data":{"page":"/"}},\#(TestServer.item())]}"#,
                headers: [("content-type", "application/x-www-form-urlencoded")])
            #expect(answer.status == .noContent, "\(answer.text)")
            let events = try await server.send(.get, TestServer.eventsPath()).json["items"]?.array ?? []
            #expect(events.compactMap { $0["version_id"]?.string } == ["2565266", version])
            #expect(events.last?["event_time"]?.string == "2019-12-31T23:00:00.000Z")
            #expect(events.first?["received_at"]?.string == "2026-11-23T12:00:00.000Z")
            #expect(events.first?["discriminator"]?.string == Fixtures.eventType)
        }
    }

    @Test("two ways to write one address are one profile; a plus stays a plus")
    func profileKeys() async throws {
        try await TestServer.run { server async throws in
            for key in ["steve%40apsis.com", "Steve@APSIS.com", "%20steve@apsis.com%0A", "steve@apsis%2Ecom"] {
                #expect(try await server.post(TestServer.items(TestServer.item()), key: key).status == .noContent)
            }
            #expect(try await server.stored().count == 4)
            #expect(try await server.post(TestServer.items(TestServer.item()), key: "a+b@c.se").status == .noContent)
            #expect(try await server.stored("a%2Bb@c.se").count == 1)
            #expect(try await server.stored("a%2bb%40c.se").count == 1)
        }
    }

    @Test("a page ends with a cursor and a link, and the last one with neither")
    func pages() async throws {
        try await TestServer.run { server async throws in
            let items = (0..<25).map { TestServer.item("{\"myNumberField\":\($0)}") }.joined(separator: ",")
            #expect(try await server.post("{\"items\":[\(items)]}").status == .noContent)
            var numbers: [Int] = []
            var path = TestServer.eventsPath() + "?limit=10&from=2020-01-01T00:00:00Z"
            for expected in [10, 10, 5] {
                let page = try await server.send(.get, path)
                let items = page.json["items"]?.array ?? []
                #expect(items.count == expected)
                numbers += items.compactMap { $0["data"]?["myNumberField"]?.int }
                if expected == 5 {
                    #expect(page.json["next_cursor"] == .null && page.header("Link") == nil)
                } else {
                    #expect(page.json["next_cursor"]?.string != nil)
                    let link = try #require(page.header("Link"))
                    #expect(link.hasSuffix(">; rel=\"next\""))
                    // Without a path, which a proxy may have changed.
                    #expect(link.hasPrefix("<?"))
                    path = TestServer.eventsPath() + link.dropFirst().prefix { $0 != ">" }
                }
            }
            #expect(numbers == (0..<25).reversed())
        }
    }

    @Test("filters narrow what is read, and only readable types are")
    func filters() async throws {
        try await TestServer.run { server async throws in
            let made = try await server.send(
                .post, TestServer.definitionsPath,
                body: #"{"name":"Secret","category":"signal","keyspace_permissions":"#
                    + #"[{"keyspace_discriminator":"com.apsis1.keyspaces.email","read":false,"write":true}]}"#)
            let version = try #require(made.json["versions"]?.array?.first?["id"]?.string)
            let secret = try #require(made.json["discriminator"]?.string)
            let post = TestServer.items(
                TestServer.item(time: "2020-01-01T00:00:00Z"), TestServer.item(time: "2020-01-02T00:00:00Z"),
                TestServer.item("{}", version: "\"\(version)\""))
            #expect(try await server.post(post).status == .noContent)
            func count(_ query: String) async throws -> Int? {
                try await server.send(.get, TestServer.eventsPath() + "?" + query).json["items"]?.array?.count
            }
            #expect(try await count("") == 2)
            #expect(try await count("event_discriminators=\(secret)") == 0)
            #expect(try await count("event_discriminators=\(secret)&event_discriminators=\(Fixtures.eventType)") == 2)
            #expect(try await count("from=2020-01-02T00:00:00Z") == 1)
            #expect(try await count("to=2020-01-02T01%3A00%3A00%2B01:00") == 1)
            #expect(try await count("unknown=ignored") == 2)
        }
    }

    @Test("lenient stores the good items and reports each")
    func lenient() async throws {
        try await TestServer.run { server async throws in
            let body = TestServer.items(
                TestServer.item(), TestServer.item(#"{"nope":1}"#), TestServer.item(version: "4711"))
            let answer = try await server.post(body, headers: [("Prefer", "handling=lenient")])
            #expect(answer.status.code == 207)
            #expect(answer.header("Preference-Applied") == "handling=lenient")
            #expect(answer.json["status"] == nil)
            #expect(answer.json["accepted"]?.int == 1 && answer.json["refused"]?.int == 2)
            let items = answer.json["items"]?.array ?? []
            #expect(items.compactMap { $0["status"]?.int } == [204, 400, 400])
            #expect(items[1]["errors"]?.array?.first?["pointer"]?.string == "/items/1/data/nope")
            #expect(try await server.stored().count == 1)
        }
    }

    @Test("a lenient post of events that the keyspace may not write says so of each")
    func lenientForbidden() async throws {
        try await TestServer.run { server async throws in
            let path = TestServer.eventsPath("x", keyspace: "com.apsis1.keyspaces.crm-id")
            let body = TestServer.items(TestServer.item(), TestServer.item(), TestServer.item(version: "4711"))
            let answer = try await server.send(.post, path, body: body, headers: [("Prefer", "handling=lenient")])
            #expect(answer.status.code == 207 && answer.json["accepted"]?.int == 0)
            let items = answer.json["items"]?.array ?? []
            #expect(items.compactMap { $0["status"]?.int } == [403, 403, 400])
        }
    }

    @Test("validate-only checks everything and stores nothing")
    func validateOnly() async throws {
        try await TestServer.run { server async throws in
            let prefer = [("Prefer", "validate-only"), ("Idempotency-Key", "k")]
            let good = try await server.post(TestServer.items(TestServer.item()), headers: prefer)
            #expect(good.status == .noContent && good.header("Preference-Applied") == "validate-only")
            let bad = try await server.post(TestServer.items(TestServer.item("{\"x\":1}")), headers: prefer)
            #expect(bad.errors == ["/items/0/data/x unknown_field"])
            #expect(try await server.send(.get, TestServer.eventsPath()).code == "profile_not_found")
            let real = try await server.post(
                TestServer.items(TestServer.item()), headers: [("Idempotency-Key", "k")])
            #expect(real.header("Idempotency-Replayed") == nil)
        }
    }

    @Test("an idempotency key stores once, for 24 hours; with another body it is a conflict")
    func idempotency() async throws {
        try await TestServer.run { server async throws in
            let key = [("Idempotency-Key", "order-1")]
            let body = TestServer.items(TestServer.item())
            #expect(try await server.post(body, headers: key).header("Idempotency-Replayed") == nil)
            let again = try await server.post(body, headers: key)
            #expect(again.status == .noContent && again.header("Idempotency-Replayed") == "true")
            #expect(try await server.stored().count == 1)
            let other = try await server.post(TestServer.items(TestServer.item("{}")), headers: key)
            #expect(other.status == .conflict && other.code == "idempotency_key_reused")
            let elsewhere = try await server.post(body, key: "other%40apsis.com", headers: key)
            #expect(elsewhere.code == "idempotency_key_reused")
            server.clock.advance(by: .seconds(23 * 3600))
            #expect(try await server.post(body, headers: key).header("Idempotency-Replayed") == "true")
            server.clock.advance(by: .seconds(2 * 3600))
            let token = try await server.token(clientID: TestServer.clientID, secret: TestServer.clientSecret)
            let late = try await server.post(body, token: token, headers: key)
            #expect(late.status == .noContent && late.header("Idempotency-Replayed") == nil)
            let path = TestServer.eventsPath()
            let events = try await server.send(.get, path, token: token).json["items"]?.array
            #expect(events?.count == 2)
        }
    }

    @Test("an idempotency key belongs to one API key and one section: a client cannot use up those of others")
    func idempotencyOfOthers() async throws {
        try await TestServer.run { server async throws in
            let made = try await server.send(
                .post, "/audience/sections",
                body: #"{"name":"Elsewhere","discriminator":"usercreated.sections.elsewhere"}"#)
            #expect(made.status == .created, "\(made.text)")
            let shop = try await server.token(ofNewKey: #"{"name":"shop"}"#).token
            let limited = try await server.token(
                ofNewKey: #"{"name":"limited","sections":["usercreated.sections.elsewhere"]}"#
            ).token
            let reader = try await server.token(
                ofNewKey: #"{"name":"reader","keyspaces":{"\#(Fixtures.emailKeyspace)":"read"}}"#
            ).token
            let headers = [("Idempotency-Key", "order-1")]
            let here = TestServer.definitionsPath + "/bulk"
            let there = here.replacing(Fixtures.section, with: "usercreated.sections.elsewhere")
            // None of these may write here; what they send is refused line by line, or has no lines.
            for (token, path) in [(limited, there), (reader, here)] {
                for key in ["order-1", "order-1\u{7F}1", "1"] {
                    for body in ["x\n", "\n"] {
                        _ = try await server.send(
                            .post, path, token: token, body: body, headers: [("Idempotency-Key", key)])
                    }
                }
            }
            let refused = try await server.post(TestServer.items(TestServer.item()), token: reader, headers: headers)
            #expect(refused.code == "keyspace_forbidden")
            // The same key, the same and another body: each client has its own.
            for token in ["admin", shop] {
                for data in [#"{"myNumberField":1}"#, #"{"myNumberField":2}"#] {
                    let body = TestServer.items(TestServer.item(data))
                    let answer = try await server.post(body, token: token, headers: headers)
                    let isFirst = data.contains("1")
                    #expect(answer.status == (isFirst ? .noContent : .conflict), "\(answer.text)")
                    #expect(answer.header("Idempotency-Replayed") == nil)
                }
            }
            #expect(try await server.stored().count == 2)
            // Who may not write learns nothing of the keys that are in use.
            let guessed = try await server.post(TestServer.items(TestServer.item()), token: reader, headers: headers)
            #expect(guessed.code == "keyspace_forbidden")
            let upload = try await server.send(.post, here, token: reader, body: "x\n", headers: headers)
            #expect(upload.code == "keyspace_forbidden", "\(upload.text)")
        }
    }

    @Test("an upload of an API key that may write nowhere leaves nothing behind")
    func uploadOfReader() async throws {
        try await TestServer.run { server async throws in
            let reader = try await server.token(
                ofNewKey: #"{"name":"reader","keyspaces":{"\#(Fixtures.emailKeyspace)":"read"}}"#
            ).token
            let path = TestServer.definitionsPath + "/bulk"
            for body in ["x\n", "x\n", "y\n", "\n"] {
                let answer = try await server.send(
                    .post, path, token: reader, body: body, headers: [("Idempotency-Key", "k")])
                #expect(answer.code == "keyspace_forbidden", "\(answer.text)")
            }
            // One who may write is told that it is another file.
            _ = try await server.send(.post, path, body: "x\n", headers: [("Idempotency-Key", "k")])
            let other = try await server.send(.post, path, body: "y\n", headers: [("Idempotency-Key", "k")])
            #expect(other.code == "idempotency_key_reused", "\(other.text)")
        }
    }

    @Test("a retry is answered as the first time, even when the event type has gone meanwhile")
    func idempotencyOutlivesDefinitions() async throws {
        try await TestServer.run { server async throws in
            let key = [("Idempotency-Key", "order-1")]
            let body = TestServer.items(TestServer.item())
            #expect(try await server.post(body, headers: key).status == .noContent)
            let path = TestServer.definitionsPath + "/" + Fixtures.eventType
            #expect(try await server.send(.delete, path).status == .noContent)
            let again = try await server.post(body, headers: key)
            #expect(again.status == .noContent && again.header("Idempotency-Replayed") == "true")
            #expect(try await server.post(body).errors == ["/items/0/version_id event_type_removed"])
            // Its history stays readable.
            #expect(try await server.stored().count == 1)
        }
    }

    @Test("a lenient retry gets the first report again")
    func lenientIdempotency() async throws {
        try await TestServer.run { server async throws in
            let headers = [("Idempotency-Key", "k"), ("Prefer", "handling=lenient")]
            let body = TestServer.items(TestServer.item(), TestServer.item("{\"x\":1}"))
            let first = try await server.post(body, headers: headers)
            let second = try await server.post(body, headers: headers)
            #expect(second.header("Idempotency-Replayed") == "true")
            #expect(first.text == second.text && second.status.code == 207)
            #expect(try await server.stored().count == 1)
        }
    }

    @Test("a misspelt filter of a deletion deletes nothing")
    func refusesUnknownFilters() async throws {
        try await TestServer.run { server async throws in
            #expect(try await server.post(TestServer.items(TestServer.item())).status == .noContent)
            let path = TestServer.eventsPath()
            for query in ["?form=2030-01-01T00:00:00Z", "?event_descriminator=a.b.c", "?limit=1"] {
                #expect(try await server.send(.delete, path + query).code == "invalid_parameter", "\(query)")
            }
            #expect(try await server.send(.delete, path + "?event_discriminators=a.b.c").code == "invalid_parameter")
            #expect(try await server.stored().count == 1)
            let all = try await server.send(.delete, path + "?event_discriminators=\(Fixtures.eventType)")
            #expect(all.json["deleted"]?.int == 1)
        }
    }

    @Test("of two preferences that exclude each other the first counts")
    func firstPreference() async throws {
        try await TestServer.run { server async throws in
            let body = TestServer.items(TestServer.item("{\"x\":1}"))
            let strict = try await server.post(body, headers: [("Prefer", "handling=strict, handling=lenient")])
            #expect(strict.status == .badRequest)
            let lenient = try await server.post(body, headers: [("Prefer", "Handling = Lenient; x, respond-async")])
            #expect(lenient.status.code == 207)
        }
    }

    @Test("a field has one name, however its letters are composed")
    func composedNames() async throws {
        try await TestServer.run { server async throws in
            let path = TestServer.definitionsPath + "/" + Fixtures.eventType
            let changed = try await server.send(.patch, path, body: "{\"fields\":{\"caf\u{E9}\":\"string\"}}")
            #expect(changed.status == .ok)
            let body = TestServer.items(TestServer.item("{\"cafe\u{301}\":\"x\"}", version: "2565267"))
            #expect(try await server.post(body).status == .noContent)
            let stored = try await server.stored()
            #expect(stored.first.map { Array($0.utf8) } == Array("{\"caf\u{E9}\":\"x\"}".utf8))
        }
    }

    @Test("events are deleted one by one or by filter, by admins only, and the log says how many")
    func deletes() async throws {
        try await TestServer.run { server async throws in
            let body = TestServer.items(
                TestServer.item(time: "2020-01-01T00:00:00Z"), TestServer.item(time: "2020-01-02T00:00:00Z"),
                TestServer.item(time: "2020-01-03T00:00:00Z"))
            #expect(try await server.post(body).status == .noContent)
            let path = TestServer.eventsPath()
            let events = try await server.send(.get, path).json["items"]?.array ?? []
            let id = try #require(events.first?["id"]?.string)
            let integration = try await server.token(ofNewKey: #"{"name":"Shop"}"#).token
            #expect(try await server.send(.delete, path + "/" + id, token: integration).code == "admin_required")
            #expect(try await server.send(.delete, path + "/" + id).status == .noContent)
            #expect(try await server.send(.delete, path + "/" + id).code == "event_not_found")
            let rest = try await server.send(.delete, path + "?to=2020-01-02T00:00:00Z")
            #expect(rest.json["deleted"]?.int == 1)
            #expect(try await server.stored().count == 1)
            let log = try await server.send(.get, "/audience/log?limit=1000").text
            #expect(log.contains("1 deleted from one profile: event \(id)"))
            #expect(log.contains("1 deleted from one profile: to 2020-01-02T00:00:00.000Z"))
            #expect(!log.contains("steve"))
        }
    }
}

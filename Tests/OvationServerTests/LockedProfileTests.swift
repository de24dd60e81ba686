import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

/// What the API answers of a profile that is locked.
@Suite("Locked profiles")
struct LockedProfileTests {
    private static let bulk = TestServer.definitionsPath + "/bulk"

    /// Locks a profile that has events.
    private func lock(_ server: TestServer, _ key: String = "steve@apsis.com") async throws {
        let contents = try await server.store.load()
        let catalogue = try Catalogue(
            account: Fixtures.account, definitions: contents.definitions[1] ?? [],
            lastSequence: contents.lastSequences[1]?.definitions ?? 0)
        let keyspace = try #require(catalogue.keyspaces.first { $0.discriminator.text == Fixtures.emailKeyspace })
        let address = try ProfileAddress(key, in: keyspace, account: 1)
        Fixtures.expectChanged(
            try await server.store.change(
                ProfileChange(profile: address, at: server.clock.now, actor: "me", operations: [.lock])))
    }

    private func expectGone(_ answer: TestServer.Answer, location: SourceLocation = #_sourceLocation) {
        #expect(answer.status == .gone && answer.code == "profile_locked", "\(answer.text)", sourceLocation: location)
        #expect(!answer.text.contains("steve"), sourceLocation: location)
    }

    private static let good = TestServer.items(TestServer.item())
    private static let mixed = TestServer.items(TestServer.item(), TestServer.item(#"{"x":1}"#))
    private static let bad = TestServer.items(TestServer.item(#"{"x":1}"#))

    @Test("a post is 410, strict or lenient, and nothing of it is kept; what is there can be read")
    func refusesPosts() async throws {
        try await TestServer.run { server async throws in
            #expect(try await server.post(Self.good).status == .noContent)
            try await lock(server)
            expectGone(try await server.post(Self.good))
            expectGone(try await server.post(Self.mixed, headers: [("Prefer", "handling=lenient")]))
            expectGone(try await server.post(Self.good, headers: [("Idempotency-Key", "k")]))
            expectGone(try await server.post(Self.good, headers: [("Idempotency-Key", "k")]))
            // What is wrong in itself is told first, as ever.
            #expect(try await server.post(Self.bad).status == .badRequest)
            #expect(try await server.stored().count == 1)
            #expect(try await server.post(Self.good, key: "other%40b.se").status == .noContent)
            let kept = try await server.send(.get, "/audience/rejections").json["items"]?.array ?? []
            #expect(kept.map { $0["code"]?.string } == ["validation_failed"])
            let minute = Activity.minute(of: server.clock.now)
            let counts = try await server.store.activity(account: 1, in: minute...minute).minutes[minute]
            // One of each that was gone, and the wrong one.
            #expect(counts?.accepted == 2 && counts?.refused == 5, "\(String(describing: counts))")
        }
    }

    @Test("a repeat of what was stored before the lock is answered as then")
    func repeats() async throws {
        try await TestServer.run { server async throws in
            let key = [("Idempotency-Key", "order-1")]
            #expect(try await server.post(Self.good, headers: key).status == .noContent)
            try await lock(server)
            let again = try await server.post(Self.good, headers: key)
            #expect(again.status == .noContent && again.header("Idempotency-Replayed") == "true")
            let other = try await server.post(Self.mixed, headers: key)
            #expect(other.status == .badRequest || other.status == .conflict)
            #expect(try await server.stored().count == 1)
        }
    }

    @Test("a replay is 410, and of a whole cause it is counted as failed; the rejections stay open")
    func refusesReplays() async throws {
        try await TestServer.run { server async throws in
            #expect(try await server.post(Self.good).status == .noContent)
            // It will be right in five days.
            let early = TestServer.items(TestServer.item(time: "2027-11-27T12:00:00Z"))
            #expect(try await server.post(early).status == .badRequest)
            try await lock(server)
            let items = try await server.send(.get, "/audience/rejections").json["items"]?.array ?? []
            let id = try #require(items.first?["id"]?.string)
            let cause = try #require(items.first?["cause"]?.string)
            let one = "/audience/sections/\(Fixtures.section)/rejections/\(id)"
            expectGone(try await server.send(.post, one + "/replay", body: Self.good))
            server.clock.advance(by: .seconds(5 * 86_400))
            let token = try await server.token(clientID: TestServer.clientID, secret: TestServer.clientSecret)
            func send(_ method: HTTPRequest.Method, _ path: String, body: String? = nil) async throws
                -> TestServer.Answer
            {
                try await server.send(method, path, token: token, body: body)
            }
            // Now only the lock is in the way.
            expectGone(try await send(.post, one + "/replay"))
            let replayed = try await send(.post, "/audience/rejections/causes/\(cause)/replay")
            #expect(replayed.status == .ok && replayed.text.contains("profile_locked"), "\(replayed.text)")
            #expect(replayed.json["passed"]?.int == 0 && replayed.json["remaining"]?.int == 0, "\(replayed.text)")
            #expect(try await send(.get, one).json["replayed_at"]?.string == nil)
            let elsewhere = #"{"profile_key":"other@b.se",\#(Self.good.dropFirst())"#
            #expect(try await send(.post, one + "/replay", body: elsewhere).status == .noContent)
        }
    }

    // MARK: Bulk uploads

    private static func line(_ key: String, _ data: String = #"{"myNumberField":1}"#) -> String {
        #"{"keyspace":"\#(Fixtures.emailKeyspace)","profile_key":"\#(key)","event_time":"2020-10-14T09:43:34.471Z","#
            + #""version_id":2565266,"data":\#(data)}"# + "\n"
    }

    private static let lines = [
        line("a@b.se"), line("Steve@Apsis.com"), line("b@b.se", "{\"x\":1}"), line("steve@apsis.com"), line("c@b.se"),
        line("gone@b.se"),
    ]

    @Test("lines of locked profiles are refused by their number, and the others stored", arguments: [1, 2, 100])
    func refusesLines(chunk: Int) async throws {
        var limits = Limits()
        limits.bulkChunkLines = chunk
        try await TestServer.run(limits: limits) { server async throws in
            for key in ["steve%40apsis.com", "gone%40b.se"] {
                #expect(try await server.post(Self.good, key: key).status == .noContent)
            }
            for key in ["steve@apsis.com", "gone@b.se"] { try await lock(server, key) }
            for round in 0..<2 {
                let answer = try await server.send(
                    .post, Self.bulk, body: Self.lines.joined(), headers: [("Idempotency-Key", "upload")])
                #expect(answer.status == .ok, "\(answer.text)")
                let counts = ["lines", "stored", "duplicates", "refused"].map { answer.json[$0]?.int }
                #expect(counts == [6, round == 0 ? 2 : 0, round == 0 ? 0 : 2, 4], "\(answer.text)")
                let errors = (answer.json["errors"]?.array ?? []).map {
                    "\($0["line"]?.int ?? 0) \($0["code"]?.string ?? "")"
                }
                #expect(
                    errors == ["2 profile_locked", "3 unknown_field", "4 profile_locked", "6 profile_locked"],
                    "\(answer.text)")
            }
            #expect(try await server.stored("a%40b.se").count == 1)
            #expect(try await server.stored("steve%40apsis.com").count == 1)
            let minute = Activity.minute(of: server.clock.now)
            let activity = try await server.store.activity(account: 1, in: minute...minute).minutes[minute]
            #expect(activity?.accepted == 4 && activity?.refused == 4)
        }
    }

    @Test("an upload that is strict ends at the first line of a locked profile, and stores nothing of its chunk")
    func endsStrictUpload() async throws {
        try await TestServer.run { server async throws in
            #expect(try await server.post(Self.good).status == .noContent)
            try await lock(server)
            let answer = try await server.send(
                .post, Self.bulk, body: Self.line("a@b.se") + Self.line("steve@apsis.com"),
                headers: [("Prefer", "handling=strict")])
            #expect(answer.status == .badRequest && answer.json["lines_done"]?.int == 0, "\(answer.text)")
            #expect(answer.errors == [" profile_locked"])
            #expect(try await server.send(.get, TestServer.eventsPath("a%40b.se")).status == .notFound)
        }
    }
}

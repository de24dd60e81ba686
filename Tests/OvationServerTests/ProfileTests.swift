import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

@Suite("Profiles, usage, activity, keys")
struct ProfileTests {
    private static let profile = "/audience/keyspaces/\(Fixtures.emailKeyspace)/profiles/steve%40apsis.com"

    @Test("a profile tells its keys, when it was last seen, and what it has")
    func profile() async throws {
        try await TestServer.run { server async throws in
            #expect(try await server.send(.get, Self.profile).code == "profile_not_found")
            _ = try await server.post(
                TestServer.items(TestServer.item(), TestServer.item(time: "2021-01-01T00:00:00Z")))
            server.clock.advance(by: .seconds(60))
            _ = try await server.post(TestServer.items(TestServer.item()))
            let json = try await server.send(.get, Self.profile).json
            #expect(json["keys"]?.array?.first?["key"]?.string == "steve@apsis.com")
            #expect(json["created_at"]?.string == "2026-11-23T12:00:00.000Z")
            #expect(json["last_seen_at"]?.string == "2026-11-23T12:01:00.000Z")
            #expect(json["event_count"] == .number("3"))
            let type = json["sections"]?.array?.first?["events"]?.array?.first
            #expect(type?["discriminator"]?.string == Fixtures.eventType && type?["event_count"] == .number("3"))
            #expect(type?["newest_event_time"]?.string == "2021-01-01T00:00:00.000Z")
            let id = try #require(json["profile_id"]?.string)
            #expect(try await server.send(.get, "/audience/profiles/\(id)").json["profile_id"]?.string == id)
            for wrong in ["0", "zz00000000000000", "00000000000000000", "0000000000000001"] {
                #expect(try await server.send(.get, "/audience/profiles/\(wrong)").code == "profile_not_found")
            }
        }
    }

    @Test("what a keyspace may not read is neither counted nor listed, unless an admin asks past it")
    func permissions() async throws {
        try await TestServer.run { server async throws in
            _ = try await server.post(TestServer.items(TestServer.item()))
            let change =
                #"{"keyspace_permissions":[{"keyspace_discriminator":"\#(Fixtures.emailKeyspace)","write":true}]}"#
            #expect(
                try await server.send(.patch, TestServer.definitionsPath + "/" + Fixtures.eventType, body: change)
                    .status
                    == .ok)
            let past = "?ignore_keyspace_permissions=true"
            let days = Self.profile + "/sections/\(Fixtures.section)/days"
            #expect(try await server.send(.get, Self.profile).json["event_count"] == .number("0"))
            #expect(try await server.send(.get, Self.profile + past).json["event_count"] == .number("1"))
            #expect(try await server.send(.get, days).json["items"]?.array?.isEmpty == true)
            #expect(try await server.send(.get, days + past).json["items"]?.array?.count == 1)
            #expect(try await server.send(.get, TestServer.eventsPath() + past).json["items"]?.array?.count == 1)
            let (_, token) = try await server.token(ofNewKey: #"{"name":"shop"}"#)
            for path in [Self.profile, days, TestServer.eventsPath()] {
                #expect(try await server.send(.get, path + past, token: token).code == "admin_required", "\(path)")
            }
        }
    }

    @Test(
        "profiles are found by a key and by its beginning",
        arguments: [
            ("steve%40apsis.com", ["exact"]), ("STEVE%40", ["prefix"]), ("ste", ["prefix", "prefix"]), ("nobody", []),
        ])
    func find(key: String, matches: [String]) async throws {
        try await TestServer.run { server async throws in
            _ = try await server.post(TestServer.items(TestServer.item()))
            _ = try await server.post(TestServer.items(TestServer.item()), key: "stella%40apsis.com")
            let json = try await server.send(.get, "/audience/profiles?key=" + key).json
            #expect((json["items"]?.array ?? []).map { $0["match"]?.string } == matches)
            #expect(json["complete"] == .bool(true))
            let first = try await server.send(.get, "/audience/profiles?limit=1&key=" + key).json
            #expect(first["items"]?.array?.count == min(1, matches.count))
        }
    }

    @Test("days are counted in UTC, and usage by version")
    func daysAndUsage() async throws {
        try await TestServer.run { server async throws in
            let times = ["2020-10-14T23:59:59.999Z", "2020-10-15T00:00:00Z", "2020-10-15T12:00:00+02:00"]
            _ = try await server.post(
                TestServer.items(
                    TestServer.item(time: times[0]), TestServer.item(time: times[1]), TestServer.item(time: times[2])))
            let path = Self.profile + "/sections/\(Fixtures.section)/days"
            let days = try await server.send(.get, path).json["items"]?.array ?? []
            #expect(days.map { $0["date"]?.string } == ["2020-10-14", "2020-10-15"])
            #expect(days.map { $0["event_count"] } == [.number("1"), .number("2")])
            let usage = try await server.send(.get, "/audience/sections/\(Fixtures.section)/usage").json["items"]?.array
            #expect(usage?.first?["version_id"]?.string == "2565266" && usage?.first?["event_count"] == .number("3"))
            let other = "/audience/sections/com.apsis1.sections.default/usage"
            #expect(try await server.send(.get, other).json["items"]?.array?.isEmpty == true)
        }
    }

    @Test("activity tells what became of events, minute by minute")
    func activity() async throws {
        try await TestServer.run { server async throws in
            let good = TestServer.items(TestServer.item(), TestServer.item())
            _ = try await server.post(good, headers: [("Idempotency-Key", "k")])
            _ = try await server.post(good, headers: [("Idempotency-Key", "k")])
            server.clock.advance(by: .seconds(120))
            _ = try await server.post(TestServer.items(TestServer.item(#"{"x":1}"#)))
            let json = try await server.send(.get, "/audience/activity").json
            let minutes = json["minutes"]?.array ?? []
            #expect(minutes.count == Limits.activityMinutes)
            #expect(minutes[57]["accepted"] == .number("2") && minutes[57]["duplicate"] == .number("2"))
            #expect(minutes[59]["refused"] == .number("1") && minutes[59]["accepted"] == .number("0"))
            #expect(json["events"]?.array?.first?["event_count"] == .number("2"))
            #expect(json["events_stored"] == .number("2") && json["commits"]?["count"] != .number("0"))
            server.clock.advance(by: .seconds(3600))
            let later = try await server.send(.get, "/audience/activity").json["minutes"]?.array ?? []
            #expect(later.allSatisfy { $0["accepted"] == .number("0") && $0["refused"] == .number("0") })
        }
    }

    @Test("a rotated key has two secrets for a while, and the use of keys is remembered")
    func rotation() async throws {
        try await TestServer.run { server async throws in
            let key = try await server.send(.post, "/account/api-keys", body: #"{"name":"shop"}"#).json
            let id = key["client_id"]?.string ?? ""
            let old = key["client_secret"]?.string ?? ""
            #expect(key["last_used_at"] == .null)
            let rotated = try await server.send(.post, "/account/api-keys/\(id)/rotate", body: #"{"overlap_hours":2}"#)
            let new = rotated.json["client_secret"]?.string ?? ""
            #expect(rotated.json["previous_secret_valid_until"]?.string == "2026-11-23T14:00:00.000Z")
            _ = try await server.token(clientID: id, secret: old)
            _ = try await server.token(clientID: id, secret: new)
            let items = try await server.send(.get, "/account/api-keys").json["items"]?.array ?? []
            #expect(
                items.first { $0["client_id"]?.string == id }?["last_used_at"]?.string == "2026-11-23T12:00:00.000Z")
            server.clock.advance(by: .seconds(2 * 3600))
            _ = try await server.token(clientID: id, secret: new)
            let body = #"{"grant_type":"client_credentials","client_id":"\#(id)","client_secret":"\#(old)"}"#
            #expect(try await server.send(.post, "/oauth/token", token: nil, body: body).code == "invalid_client")
            let atOnce = try await server.send(.post, "/account/api-keys/\(id)/rotate", body: #"{"overlap_hours":0}"#)
            #expect(atOnce.json["previous_secret_valid_until"] == .null)
            for wrong in [#"{"overlap_hours":-1}"#, #"{"overlap_hours":"1"}"#, #"{"overlap_hours":721}"#] {
                let answer = try await server.send(.post, "/account/api-keys/\(id)/rotate", body: wrong)
                #expect(answer.errors == ["/overlap_hours invalid_value"])
            }
        }
    }
}

@Suite("The live feed")
struct LiveFeedTests {
    private func report(
        _ outcome: PostReport.Outcome, account: Int64 = 1, section: String = Fixtures.section
    ) throws -> PostReport {
        PostReport(
            account: account, at: Fixtures.now, outcome: outcome, section: try Discriminator(section),
            keyspace: try Discriminator(Fixtures.emailKeyspace), key: "k", clientID: "c", requestID: "r", events: 1)
    }

    @Test("a watcher hears what its filter takes, of its account alone")
    func filters() async throws {
        let feed = LiveFeed()
        #expect(!feed.isWatched)
        var filter = LiveFeed.Filter(account: 1)
        filter.outcome = .refused
        let (reports, _) = try feed.watch(filter)
        #expect(feed.isWatched)
        feed.publish(try report(.accepted))
        feed.publish(try report(.refused, account: 2))
        feed.publish(try report(.refused))
        var iterator = reports.makeAsyncIterator()
        let heard = await iterator.next()
        #expect(heard?.outcome == .refused && heard?.account == 1)
    }

    @Test("a watcher of a section hears of no other")
    func filtersSections() async throws {
        let feed = LiveFeed()
        var filter = LiveFeed.Filter(account: 1)
        filter.section = try Discriminator("com.apsis1.sections.default")
        let (reports, _) = try feed.watch(filter)
        feed.publish(try report(.accepted))
        feed.publish(try report(.refused, section: "com.apsis1.sections.default"))
        // What was not for it would stand before what is.
        var iterator = reports.makeAsyncIterator()
        #expect(await iterator.next()?.outcome == .refused)
    }

    @Test("a slow watcher loses the oldest, and is told how many")
    func drops() async throws {
        let feed = LiveFeed()
        let (reports, watcher) = try feed.watch(LiveFeed.Filter(account: 1))
        for _ in 0..<Limits.liveBufferMax + 7 { feed.publish(try report(.accepted)) }
        #expect(watcher.takeDropped() == 7 && watcher.takeDropped() == 0)
        withExtendedLifetime(reports) {}
    }

    @Test("streams are bounded for each account, and their places come free")
    func bounded() async throws {
        let feed = LiveFeed()
        var streams: [AsyncStream<PostReport>] = []
        for _ in 0..<Limits.liveStreamsMax { streams.append(try feed.watch(LiveFeed.Filter(account: 1)).reports) }
        #expect(throws: Problem(.busy, "")) { try feed.watch(LiveFeed.Filter(account: 1)) }
        _ = try feed.watch(LiveFeed.Filter(account: 2))
        streams.removeAll()
        _ = try feed.watch(LiveFeed.Filter(account: 1))
    }
}

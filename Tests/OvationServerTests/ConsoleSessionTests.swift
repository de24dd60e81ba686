import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

@Suite("Signing in to the console")
struct ConsoleSessionTests {
    @Test("an admin key signs in, and pages are there until it signs out")
    func signsInAndOut() async throws {
        try await TestServer.run { server async throws in
            var client = ConsoleClient(server: server)
            let away = try await client.get("/console/keys?a=1")
            #expect(away.status == .seeOther)
            #expect(away.header("Location") == "/console/sign-in?next=%2Fconsole%2Fkeys%3Fa%3D1")
            let wrong = try await client.signIn(TestServer.clientID, "not-the-secret-of-this-key")
            #expect(wrong.status == .unauthorized && wrong.text.contains("is wrong"))
            let right = try await client.signIn(TestServer.clientID, TestServer.clientSecret, next: "/console/keys?a=1")
            #expect(right.status == .seeOther && right.header("Location") == "/console/keys?a=1")
            let cookie = right.headers[values: .setCookie].first { $0.hasPrefix("ovation_console=") } ?? ""
            #expect(
                cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Lax") && cookie.contains("Path=/console"))
            #expect(!cookie.contains("Secure"))
            #expect(try await client.get("/console").status == .ok)
            let old = client
            #expect(try await client.post("/console/sign-out").status == .seeOther)
            var replayed = old
            #expect(try await replayed.get("/console").status == .seeOther, "the cookie is of no use any more")
        }
    }

    @Test("behind TLS the cookie says so")
    func secureCookie() async throws {
        try await TestServer.run { server async throws in
            var client = ConsoleClient(server: server)
            _ = try await client.get("/console/sign-in")
            let answer = try await client.post(
                "/console/sign-in", [("client_id", TestServer.clientID), ("client_secret", TestServer.clientSecret)],
                headers: [("X-Forwarded-Proto", "https")])
            #expect(answer.headers[values: .setCookie].allSatisfy { $0.contains("; Secure") })
        }
    }

    @Test(
        "the sign-in never leads to another site",
        arguments: [
            "//evil.example", "https://evil.example", "/console/../x\\", "/consolation", "/other", "/console\n",
        ])
    func staysHere(next: String) async throws {
        try await TestServer.run { server async throws in
            var client = ConsoleClient(server: server)
            let answer = try await client.signIn(TestServer.clientID, TestServer.clientSecret, next: next)
            #expect(answer.header("Location") == "/console")
        }
    }

    @Test("an integration's key does not get in")
    func integrationKey() async throws {
        try await TestServer.run { server async throws in
            let key = try await server.send(.post, "/account/api-keys", body: #"{"name":"shop"}"#)
            var client = ConsoleClient(server: server)
            let answer = try await client.signIn(
                key.json["client_id"]?.string ?? "", key.json["client_secret"]?.string ?? "")
            #expect(answer.status == .forbidden && answer.text.contains("role admin"))
        }
    }

    @Test("a session ends when it rests too long, and however busy it is after its time")
    func expiry() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            for _ in 0..<25 {
                server.clock.advance(by: .seconds(28 * 60))
                #expect(try await client.get("/console").status == .ok)
            }
            server.clock.advance(by: .seconds(28 * 60))
            #expect(try await client.get("/console").status == .seeOther, "twelve hours have passed")
            client = try await ConsoleClient.signedIn(to: server)
            server.clock.advance(by: .seconds(30 * 60))
            let ended = try await client.get("/console/live")
            #expect(ended.status == .seeOther && ended.header("Location")?.contains("ended=1") == true)
        }
    }

    @Test("a revoked key is out at once")
    func revoked() async throws {
        try await TestServer.run { server async throws in
            let key = try await server.send(.post, "/account/api-keys", body: #"{"name":"second","role":"admin"}"#)
            let id = try #require(key.json["client_id"]?.string)
            var client = ConsoleClient(server: server)
            _ = try await client.signIn(id, key.json["client_secret"]?.string ?? "")
            #expect(try await client.get("/console").status == .ok)
            #expect(try await server.send(.delete, "/account/api-keys/\(id)").status == .noContent)
            #expect(try await client.get("/console").status == .seeOther)
        }
    }

    @Test("after ten wrong attempts the answer is to wait, and the right secret passes all the same")
    func attempts() async throws {
        try await TestServer.run { server async throws in
            var client = ConsoleClient(server: server)
            for _ in 0..<Limits.signInAttemptsMax {
                #expect(try await client.signIn(TestServer.clientID, "wrong").status == .unauthorized)
            }
            let throttled = try await client.signIn(TestServer.clientID, "wrong")
            #expect(throttled.status == .tooManyRequests && throttled.header("Retry-After") == "600")
            #expect(try await client.signIn("another-id", "wrong").status == .unauthorized)
            let right = try await client.signIn(TestServer.clientID, TestServer.clientSecret)
            #expect(right.status == .seeOther)
            var other = ConsoleClient(server: server)
            #expect(try await other.signIn(TestServer.clientID, "wrong").status == .unauthorized, "counted anew")
        }
    }

    @Test("wrong links are counted too")
    func wrongLinks() async throws {
        try await TestServer.run { server async throws in
            var client = ConsoleClient(server: server)
            for _ in 0..<Limits.signInAttemptsMax {
                #expect(try await client.get("/console/enter/abc").status == .unauthorized)
            }
            #expect(try await client.get("/console/enter/abc").status == .tooManyRequests)
        }
    }

    @Test("a link signs in once, and within the hour")
    func link() throws {
        let sessions = ConsoleSessions(limits: Limits())
        let link = sessions.makeLink(clientID: "a", at: Fixtures.now)
        #expect(sessions.redeem(link: link + "0", at: Fixtures.now) == nil)
        #expect(sessions.redeem(link: link, at: Fixtures.now) == "a")
        #expect(sessions.redeem(link: link, at: Fixtures.now) == nil)
        let late = sessions.makeLink(clientID: "a", at: Fixtures.now)
        #expect(sessions.redeem(link: late, at: Fixtures.now.advanced(by: Limits.consoleLinkLifetime)) == nil)
    }

    @Test("sessions are bounded: the one that rested longest goes")
    func bounded() {
        let sessions = ConsoleSessions(limits: Limits())
        let first = sessions.start(clientID: "a", at: Fixtures.now)
        let second = sessions.start(clientID: "a", at: Fixtures.now)
        let later = Fixtures.now.advanced(by: .seconds(60))
        #expect(sessions.session(first, at: later) != nil)
        for _ in 0..<Limits.sessionsMax - 1 { _ = sessions.start(clientID: "a", at: later) }
        #expect(sessions.session(second, at: later) == nil)
        #expect(sessions.session(first, at: later) != nil)
    }

    @Test("a form without this session's token changes nothing, whichever it is")
    func forgedForms() async throws {
        try await TestServer.run { server async throws in
            let signedIn = try await ConsoleClient.signedIn(to: server)
            let posts = ConsoleRoute.all.filter { $0.method == .post && $0.path != "/console/sign-in" }
            #expect(posts.count > 15)
            for route in posts {
                let path = route.path.replacing("{section}", with: Fixtures.section)
                    .replacing("{event}", with: Fixtures.eventType).replacing("{version}", with: "2565266")
                    .replacing("{client_id}", with: TestServer.clientID).replacing("{id}", with: "1")
                    .replacing("{profile_id}", with: "0000000000000001")
                    .replacing("{keyspace}", with: Fixtures.emailKeyspace)
                for csrf in ["", "0", String(signedIn.csrf.reversed())] {
                    var client = signedIn
                    let answer = try await client.post(path, [("name", "x"), ("action", "replay")], csrf: csrf)
                    #expect(answer.status == .forbidden, "\(route.path): \(answer.status)")
                }
                var other = signedIn
                let answer = try await other.post(path, headers: [("Sec-Fetch-Site", "cross-site")])
                #expect(answer.status == .forbidden, "\(route.path) from another site: \(answer.status)")
            }
            var client = signedIn
            #expect(try await client.get("/console").status == .ok, "the session still works")
            #expect(try await server.send(.get, TestServer.definitionsPath).json["items"]?.array?.count == 1)
        }
    }

    @Test("every answer forbids what pages do not need")
    func headers() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            for path in ["/console", "/console/nothing", "/console/keys", "/console/profiles/zz"] {
                let answer = try await client.get(path)
                let policy = answer.header("Content-Security-Policy") ?? ""
                #expect(policy.hasPrefix("default-src 'none'") && !policy.contains("unsafe"), "\(path)")
                #expect(answer.header("X-Content-Type-Options") == "nosniff")
                #expect(answer.header("Cache-Control") == "no-store")
                #expect(answer.header("Referrer-Policy") == "same-origin")
            }
        }
    }
}

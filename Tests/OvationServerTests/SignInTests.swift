import HTTPTypes
import Logging
import OvationCore
import OvationTesting
import OvationWire
import Synchronization
import Testing

@testable import OvationServer

/// Keeps the lines of a log for a test to read.
final class Lines: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }

    func logger(_ level: Logger.Level = .info) -> Logger {
        var logger = Logger(label: "test") { _ in Handler(lines: self) }
        logger.logLevel = level
        return logger
    }

    private func add(_ line: String) { lines.withLock { $0.append(line) } }

    private struct Handler: LogHandler {
        let lines: Lines
        var metadata: Logger.Metadata = [:]
        var logLevel: Logger.Level = .info

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let words = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            lines.add("\(event.level) \(event.message) " + words.joined(separator: " "))
        }
    }
}

@Suite("Secrets that are wrong")
struct SignInTests {
    private static func body(_ id: String, _ secret: String) -> String {
        #"{"grant_type":"client_credentials","client_id":"\#(id)","client_secret":"\#(secret)"}"#
    }

    @Test("ten for one client id from one address, and the answer is to wait; others do not hear it")
    func pairs() {
        let throttle = SignInThrottle()
        let now = Fixtures.now
        for _ in 0..<Limits.signInAttemptsMax {
            #expect(throttle.noteFailure(of: "a", from: "1.2.3.4", at: now) == .wrong)
        }
        let later = now.advanced(by: .seconds(60))
        #expect(
            throttle.noteFailure(of: "a", from: "1.2.3.4", at: later)
                == .throttled(isNew: true, retryAfterSeconds: 540))
        #expect(
            throttle.noteFailure(of: "a", from: "1.2.3.4", at: later)
                == .throttled(isNew: false, retryAfterSeconds: 540))
        #expect(throttle.noteFailure(of: "b", from: "1.2.3.4", at: later) == .wrong)
        #expect(throttle.noteFailure(of: nil, from: "1.2.3.4", at: later) == .wrong)
        #expect(throttle.noteFailure(of: "a", from: "1.2.3.5", at: later) == .wrong)
        let over = now.advanced(by: Limits.signInWindow)
        #expect(throttle.noteFailure(of: "a", from: "1.2.3.4", at: over) == .wrong)
    }

    @Test("a client that changes its client id is counted by its address")
    func addresses() {
        let throttle = SignInThrottle()
        for number in 0..<Limits.signInAddressAttemptsMax {
            #expect(throttle.noteFailure(of: "id-\(number)", from: "1.2.3.4", at: Fixtures.now) == .wrong)
        }
        guard case .throttled = throttle.noteFailure(of: "new", from: "1.2.3.4", at: Fixtures.now) else {
            Issue.record("it was not counted")
            return
        }
        #expect(throttle.noteFailure(of: "new", from: "1.2.3.5", at: Fixtures.now) == .wrong)
    }

    @Test("what is remembered is bounded, and so is what is remembered of a client id")
    func bounded() {
        let throttle = SignInThrottle()
        let long = String(repeating: "x", count: 100_000)
        for number in 0..<3 * Limits.signInAddressesMax {
            _ = throttle.noteFailure(of: long + "\(number)", from: "a\(number)", at: Fixtures.now)
            guard throttle.size <= Limits.signInAddressesMax else { break }
        }
        #expect(throttle.size <= Limits.signInAddressesMax && throttle.size > Limits.signInAddressesMax / 2)
    }

    @Test("the token call says so too, of ids that there are and of those there are not, and takes the right secret")
    func tokens() async throws {
        try await TestServer.run { server async throws in
            func ask(_ id: String, _ secret: String) async throws -> TestServer.Answer {
                try await server.send(.post, "/oauth/token", token: nil, body: Self.body(id, secret))
            }
            for id in [TestServer.clientID, "00000000-0000-4000-8000-000000000000"] {
                for _ in 0..<Limits.signInAttemptsMax {
                    #expect(try await ask(id, "wrong").code == "invalid_client")
                }
                let answer = try await ask(id, "wrong")
                #expect(answer.status == .tooManyRequests && answer.code == "too_many_attempts")
                #expect(answer.header("Retry-After") == "600" && answer.json["status"]?.int == 429)
            }
            #expect(try await ask(TestServer.clientID, TestServer.clientSecret).status == .ok)
            #expect(try await ask(TestServer.clientID, "wrong").status == .unauthorized, "counted anew")
            server.clock.advance(by: Limits.signInWindow)
            #expect(try await ask("00000000-0000-4000-8000-000000000000", "wrong").status == .unauthorized)
        }
    }

    @Test("sign-ins, refusals and changes leave a line each, and no secret")
    func lines() async throws {
        let lines = Lines()
        try await TestServer.run(logger: lines.logger()) { server async throws in
            var client = ConsoleClient(server: server)
            _ = try await client.signIn(TestServer.clientID, TestServer.clientSecret)
            for _ in 0..<15 {
                _ = try await server.send(
                    .post, "/oauth/token", token: nil, body: Self.body(TestServer.clientID, "secret-that-is-wrong"))
            }
            // A secret in the wrong field.
            _ = try await server.send(
                .post, "/oauth/token", token: nil, body: Self.body("secret-in-the-wrong-field", "x"))
            let key = try await server.send(.post, "/account/api-keys", body: #"{"name":"shop"}"#).json
            let id = try #require(key["client_id"]?.string)
            let secret = try #require(key["client_secret"]?.string)
            _ = try await client.signIn(id, secret)
            let rotated = try await server.send(.post, "/account/api-keys/\(id)/rotate").json
            _ = try await server.send(.delete, "/account/api-keys/\(id)")
            _ = try await server.send(.post, "/account/signing-keys")
            _ = try await server.send(.post, "/audience/sections", body: #"{"name":"Shop","discriminator":"a.b"}"#)
            _ = try await server.post(TestServer.items(TestServer.item()), key: "who%40apsis.com")
            _ = try await server.send(.delete, TestServer.eventsPath("who%40apsis.com"))

            let all = lines.all
            func count(_ words: String...) -> Int { all.count { line in words.allSatisfy(line.contains) } }
            #expect(count("info signed in", "method=console", "client_id=\(TestServer.clientID)", "address=") == 1)
            #expect(count("info signed in", "method=token", "client_id=\(TestServer.clientID)") >= 1)
            #expect(count("info sign-in refused", "method=token", "client_id=\(TestServer.clientID)") == 10)
            #expect(count("info sign-ins throttled", "client_id=\(TestServer.clientID)") == 1)
            #expect(count("info sign-in refused", "client_id=unknown") == 1)
            #expect(count("info sign-in refused", "method=console", "client_id=\(id)", "reason=no admin key") == 1)
            for act in ["created", "rotated", "revoked"] {
                #expect(count("info changed", "by=\(TestServer.clientID)", "api_key.\(act) \(id)") == 1, "\(act)")
            }
            #expect(count("info changed", "signing_key.rotated") == 1)
            #expect(count("info changed", "section.created a.b") == 1)
            #expect(count("info changed", "events.deleted") == 1)
            #expect(count("info changed", "by=server") >= 1, "the founding")
            let hidden = [
                TestServer.clientSecret, secret, rotated["client_secret"]?.string ?? "?", "secret-that-is-wrong",
                "secret-in-the-wrong-field", "who@apsis.com", "who%40apsis.com",
            ]
            for word in hidden { #expect(count(word) == 0, "\(word)") }
        }
    }

    @Test("behind a proxy that is trusted, each client is counted by itself")
    func proxies() async throws {
        let lines = Lines()
        let ranges = try ["127.0.0.1", "::1", "10.0.0.0/8"].map { try #require(AddressRange($0)) }
        try await TestServer.run(trustedProxies: ranges, logger: lines.logger()) { server async throws in
            // Without a socket there is no peer that could be trusted.
            _ = try await server.send(
                .post, "/oauth/token", token: nil, body: Self.body("a", "b"),
                headers: [("X-Forwarded-For", "192.0.2.1")])
            #expect(lines.all.contains { $0.contains("sign-in refused") && !$0.contains("192.0.2.1") })
        }
    }
}

@Suite("Where a request comes from")
struct ClientAddressTests {
    private func address(
        _ peer: String, _ forwardedFor: [String] = [], forwarded: [String] = [],
        trusted: [String] = ["10.0.0.0/8", "fd00::/8"]
    ) -> String {
        ClientAddress(trusted: trusted.compactMap { AddressRange($0) })
            .of(peer: peer, forwardedFor: forwardedFor, forwarded: forwarded)
    }

    @Test("the headers of an untrusted sender do not count")
    func untrusted() {
        #expect(address("192.0.2.1", ["203.0.113.9"]) == "192.0.2.1")
        #expect(address("10.1.2.3", ["203.0.113.9"], trusted: []) == "10.1.2.3")
        #expect(address("unknown", ["203.0.113.9"]) == "unknown")
    }

    @Test("the last address that is no trusted proxy counts, whatever stands before it")
    func rightmost() {
        #expect(address("10.1.2.3", ["203.0.113.9"]) == "203.0.113.9")
        #expect(address("10.1.2.3", ["198.51.100.1, 203.0.113.9"]) == "203.0.113.9", "the first is invented")
        #expect(address("10.1.2.3", ["198.51.100.1", "203.0.113.9, 10.9.9.9"]) == "203.0.113.9", "two headers")
        #expect(address("10.1.2.3", ["10.5.5.5, 10.9.9.9"]) == "10.5.5.5", "all of them are ours")
        #expect(address("::ffff:10.1.2.3", ["203.0.113.9"]) == "203.0.113.9", "a socket for both families")
        #expect(address("fd00::7", [" [2001:DB8::1]:443 "]) == "2001:db8::1")
        #expect(address("10.1.2.3", ["203.0.113.9:4711"]) == "203.0.113.9")
    }

    @Test(
        "what is no address ends the search where it stands", arguments: ["", ",", "unknown", "evil", "203.0.113.9, x"])
    func garbage(header: String) {
        #expect(address("10.1.2.3", [header]) == "10.1.2.3")
        #expect(address("10.1.2.3", [header + ",10.4.4.4"]) == "10.4.4.4")
    }

    @Test("Forwarded is read as well, and where the two differ neither counts")
    func standard() {
        #expect(
            address("10.1.2.3", forwarded: [#"for=192.0.2.60;proto=http, For="[2001:db8::7]:80""#]) == "2001:db8::7")
        #expect(address("10.1.2.3", forwarded: ["proto=https;by=10.0.0.1"]) == "10.1.2.3")
        #expect(address("10.1.2.3", ["203.0.113.9"], forwarded: ["for=203.0.113.9"]) == "203.0.113.9")
        #expect(address("10.1.2.3", ["203.0.113.9"], forwarded: ["for=198.51.100.1"]) == "10.1.2.3")
    }

    @Test("ranges are addresses with or without a number of bits")
    func ranges() throws {
        for bad in [
            "", "x", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0/8", "::/129", "1.2.3.4/8/8",
        ] {
            #expect(AddressRange(bad) == nil, "\(bad)")
        }
        func isIn(_ address: String, _ range: String) throws -> Bool {
            try #require(AddressRange(range)).contains(#require(IPAddress(address)))
        }
        #expect(try isIn("10.255.0.1", "10.0.0.0/8") && !isIn("11.0.0.1", "10.0.0.0/8"))
        #expect(try isIn("192.168.4.130", "192.168.4.128/25") && !isIn("192.168.4.127", "192.168.4.128/25"))
        #expect(try isIn("1.2.3.4", "0.0.0.0/0") && !isIn("::1", "0.0.0.0/0"))
        #expect(try isIn("10.0.0.7", "10.0.0.7") && !isIn("10.0.0.8", "10.0.0.7"))
    }
}

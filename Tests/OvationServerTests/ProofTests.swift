import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

@Suite("Acts that ask for the secret again")
struct ProofTests {
    private static let form = [
        ("name", "web shop"), ("role", "integration"), ("section_scope", "only"), ("section", Fixtures.section),
        ("keyspace_scope", "all"), ("confirmed", "yes"),
    ]

    private static func names(_ server: TestServer) async throws -> [String] {
        try await server.send(.get, "/account/api-keys").json["items"]?.array?.compactMap { $0["name"]?.string } ?? []
    }

    @Test("five minutes after the secret was given, each act on API keys asks for it, and does nothing before")
    func asks() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            server.clock.advance(by: Limits.keyProofLifetime)
            let acts = ConsoleRoute.all.filter { $0.method == .post && ($0.path + "/").hasPrefix("/console/keys/") }
            #expect(acts.count >= 3)
            let before = try await server.send(.get, "/account/api-keys").text
            for act in acts {
                let path = act.path.replacing("{client_id}", with: TestServer.clientID)
                let answer = try await client.post(path, Self.form)
                #expect(answer.status == .forbidden && answer.text.contains("Show that it is you"), "\(path)")
                #expect(answer.text.contains(#"action="\#(path)""#))
            }
            #expect(try await server.send(.get, "/account/api-keys").text == before)
        }
    }

    @Test("with the right secret the form that waited goes on as it was, and so do others for five minutes")
    func goesOn() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            server.clock.advance(by: Limits.keyProofLifetime)
            let asked = try await client.post("/console/keys", Self.form)
            for (name, value) in Self.form {
                #expect(asked.text.contains(#"<input type="hidden" name="\#(name)" value="\#(value)">"#))
            }
            let wrong = try await client.post("/console/keys", Self.form + [("proof", "wrong")])
            #expect(wrong.status == .unauthorized && wrong.text.contains("The client secret is wrong"))
            #expect(!wrong.text.contains(#"name="proof" value"#))
            #expect(try await !Self.names(server).contains("web shop"))

            let made = try await client.post("/console/keys", Self.form + [("proof", " \(TestServer.clientSecret)\n")])
            #expect(made.status == .ok && !made.text.contains(TestServer.clientSecret))
            #expect(try await Self.names(server).contains("web shop"))
            server.clock.advance(by: Limits.keyProofLifetime - .seconds(1))
            #expect(try await client.post("/console/keys", [("name", "second"), ("role", "admin")]).status == .ok)
            server.clock.advance(by: .seconds(1))
            #expect(try await client.post("/console/keys", Self.form).status == .forbidden)
        }
    }

    @Test("a secret is not tried for long, and the right one is taken all the same")
    func isBounded() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            server.clock.advance(by: Limits.keyProofLifetime)
            for _ in 0..<Limits.signInAttemptsMax {
                let answer = try await client.post("/console/keys", Self.form + [("proof", "wrong")])
                #expect(answer.status == .unauthorized)
            }
            let late = try await client.post("/console/keys", Self.form + [("proof", "wrong")])
            #expect(late.status == .tooManyRequests)
            // Everything else goes on.
            #expect(try await client.get("/console/keys").status == .ok)
            let right = try await client.post("/console/keys", Self.form + [("proof", TestServer.clientSecret)])
            #expect(right.status == .ok)
        }
    }

    @Test("another key's secret is no proof")
    func isOwn() async throws {
        try await TestServer.run { server async throws in
            let other = try await server.send(.post, "/account/api-keys", body: #"{"name":"b","role":"admin"}"#).json
            var client = try await ConsoleClient.signedIn(to: server)
            server.clock.advance(by: Limits.keyProofLifetime)
            let secret = other["client_secret"]?.string ?? ""
            let id = other["client_id"]?.string ?? ""
            let fields = Self.form + [("proof", secret), ("client_id", id)]
            #expect(try await client.post("/console/keys", fields).status == .unauthorized)
        }
    }
}

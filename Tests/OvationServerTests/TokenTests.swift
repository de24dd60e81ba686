import Crypto
import CryptoExtras
import Foundation
import HTTPTypes
import JWTKit
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

@Suite("Tokens and API keys")
struct TokenTests {
    @Test("the answer is the original's, and its payload decodes with plain base64")
    func answer() async throws {
        try await TestServer.run { server async throws in
            let answer = try await server.send(
                .post, "/oauth/token", token: nil,
                body:
                    "grant_type=client_credentials&client_id=\(TestServer.clientID)&client_secret=\(TestServer.clientSecret)"
            )
            #expect(answer.status == .ok)
            #expect(answer.json.members?.map(\.name) == ["access_token", "expires_in", "token_type"])
            #expect(answer.json["expires_in"]?.int == 86_400 && answer.json["token_type"]?.string == "Bearer")
            #expect(answer.header("Cache-Control") == "no-store")
            let token = try #require(answer.json["access_token"]?.string)
            let parts = token.split(separator: ".").map(String.init)
            #expect(parts.count == 3)
            #expect(!parts[1].contains("-") && !parts[1].contains("_"))
            let padded = parts[1] + String(repeating: "=", count: (4 - parts[1].count % 4) % 4)
            let payload = try JSONValue(parsing: #require(Data(base64Encoded: padded)))
            #expect(payload["exp"]?.int == Int(Fixtures.now.milliseconds / 1000) + 86_400)
            #expect(payload["iss"]?.string == "ovation:eu" && payload["sub"]?.string == TestServer.clientID)
        }
    }

    @Test("a payload stays in plain base64 whatever key, account and region")
    func payloadAlphabet() async throws {
        for region in ["eu", "apac", "a-0", "zz9-plural-z-alpha"] {
            let key = try TokenSigner.makeKey(at: Fixtures.now)
            let signer = try await TokenSigner(region: region, keys: [key])
            for second in 0..<20 {
                let apiKey = APIKey(
                    clientID: SecretHash.makeClientID(), account: Int64(second), name: "n", role: .admin, sections: nil,
                    keyspaces: nil, secretHash: [], createdAt: Fixtures.now)
                let token = try await signer.sign(apiKey, at: Fixtures.now.advanced(by: .seconds(second)))
                let payload = token.split(separator: ".")[1]
                #expect(!payload.contains("-") && !payload.contains("_"))
            }
        }
    }

    @Test("a wrong secret, an unknown id and a revoked key are refused alike")
    func refuses() async throws {
        try await TestServer.run { server async throws in
            for (id, secret) in [(TestServer.clientID, "wrong"), ("none", TestServer.clientSecret), ("", "")] {
                let answer = try await server.send(
                    .post, "/oauth/token", token: nil,
                    body: #"{"grant_type":"client_credentials","client_id":"\#(id)","client_secret":"\#(secret)"}"#)
                #expect(answer.status == .unauthorized && answer.code == "invalid_client")
            }
        }
    }

    @Test("a token ends after a day")
    func expires() async throws {
        try await TestServer.run { server async throws in
            server.clock.advance(by: .seconds(86_399))
            #expect(try await server.send(.get, "/audience/sections").status == .ok)
            server.clock.advance(by: .seconds(1))
            let answer = try await server.send(.get, "/audience/sections")
            #expect(
                answer.code == "token_expired" && answer.header("WWW-Authenticate")?.contains("invalid_token") == true)
        }
    }

    @Test("a revoked key's tokens are refused at once, though they were used a moment before")
    func revokes() async throws {
        try await TestServer.run { server async throws in
            let (id, token) = try await server.token(ofNewKey: #"{"name":"Shop"}"#)
            #expect(try await server.send(.get, "/audience/sections", token: token).status == .ok)
            #expect(try await server.send(.delete, "/account/api-keys/" + id).status == .noContent)
            let answer = try await server.send(.get, "/audience/sections", token: token)
            #expect(answer.status == .unauthorized && answer.code == "key_revoked")
            let keys = try await server.send(.get, "/account/api-keys")
            #expect(!keys.text.contains("client_secret") && keys.json["items"]?.array?.count == 2)
        }
    }

    @Test("a token of another region's server is refused with both names")
    func otherRegion() async throws {
        let apac = try await TokenSigner(region: "apac", keys: [TokenSigner.makeKey(at: Fixtures.now)])
        let key = APIKey(
            clientID: TestServer.clientID, account: 1, name: "n", role: .admin, sections: nil, keyspaces: nil,
            secretHash: [], createdAt: Fixtures.now)
        let token = try await apac.sign(key, at: Fixtures.now)
        try await TestServer.run { server async throws in
            let answer = try await server.send(.get, "/audience/sections", token: token)
            #expect(answer.status == .unauthorized && answer.code == "wrong_region")
            let detail = answer.json["detail"]?.string ?? ""
            #expect(detail.contains("'apac'") && detail.contains("'eu'"))
        }
    }

    @Test("a token that was changed, or is not signed, is refused")
    func forged() async throws {
        try await TestServer.run { server async throws in
            let parts = server.adminToken.split(separator: ".").map(String.init)
            let none = "eyJhbGciOiJub25lIn0." + parts[1] + "."
            for token in [
                parts[0] + "." + parts[1] + ".AAAA", parts[0] + "." + String(parts[1].dropLast(2)) + "." + parts[2],
                none, none + "x", "", "..", String(repeating: "a", count: 9000),
            ] {
                let answer = try await server.send(.get, "/audience/sections", token: token)
                #expect(answer.status == .unauthorized, "\(token.prefix(40))")
            }
        }
    }

    @Test("signing keys rotate: new tokens have a new key, old tokens still hold")
    func rotates() async throws {
        try await TestServer.run { server async throws in
            let rotated = try await server.send(.post, "/account/signing-keys")
            let kid = try #require(rotated.json["kid"]?.string)
            let keys = try await server.send(.get, "/.well-known/jwks.json", token: nil).json["keys"]?.array ?? []
            #expect(keys.count == 2 && keys.contains { $0["kid"]?.string == kid })
            #expect(try await server.send(.get, "/audience/keyspaces").status == .ok)
            let token = try await server.token(clientID: TestServer.clientID, secret: TestServer.clientSecret)
            #expect(try await server.send(.get, "/audience/keyspaces", token: token).status == .ok)
        }
    }

    @Test("a rotated key's tokens end a day later, and the key leaves the public set")
    func retiredKeysEnd() async throws {
        let old = try TokenSigner.makeKey(at: Fixtures.now)
        var retired = old
        retired.retiredAt = Fixtures.now
        let before = try await TokenSigner(region: "eu", keys: [old])
        let after = try await TokenSigner(region: "eu", keys: [retired, TokenSigner.makeKey(at: Fixtures.now)])
        let key = APIKey(
            clientID: "k", account: 1, name: "n", role: .admin, sections: nil, keyspaces: nil, secretHash: [],
            createdAt: Fixtures.now)
        let token = try await before.sign(key, at: Fixtures.now)
        let soon = Fixtures.now.advanced(by: .seconds(86_399))
        let late = Fixtures.now.advanced(by: .seconds(86_401))
        #expect(try await after.verify(token, at: soon).sub == "k")
        // A person with a leaked key can write any date into a token; it still ends.
        let forged = try await before.sign(key, at: late)
        await #expect(throws: Problem(.tokenExpired, "")) { try await after.verify(forged, at: late) }
        // Verified late on the last day, it is remembered until that day ends, whatever it says itself.
        let far = try await before.sign(key, at: soon)
        let end = Int(Fixtures.now.milliseconds / 1000) + 86_400
        #expect(try await after.verify(far, at: soon).exp == end)
        #expect(try await after.verify(before.sign(key, at: late), at: Fixtures.now).exp == end)
        #expect(try after.publicKeySet(at: soon).keys.count == 2)
        #expect(try after.publicKeySet(at: late).keys.count == 1)
    }

    @Test("a token is checked with the key that it names, and with RS256, and no other way")
    func namesItsKey() async throws {
        let old = try TokenSigner.makeKey(at: Fixtures.now)
        var retired = old
        retired.retiredAt = Fixtures.now
        let new = try TokenSigner.makeKey(at: Fixtures.now)
        let signer = try await TokenSigner(region: "eu", keys: [retired, new])
        let late = Fixtures.now.advanced(by: .seconds(3 * 86_400))
        let seconds = Int(late.milliseconds / 1000)
        let claims = TokenClaims(
            iss: "ovation:eu", sub: "k", account: "1", scope: "", iat: seconds, exp: seconds + 100)
        let forger = JWTKeyCollection()
        await forger.add(rsa: try Insecure.RSA.PrivateKey(pem: old.privateKeyPEM), digestAlgorithm: .sha256)
        for header: JWTHeader in [
            [:], ["kid": "zzz"], ["kid": .string(new.id)], ["kid": .string(old.id)], ["alg": "none"],
            ["alg": "HS256", "kid": .string(new.id)],
        ] {
            let token = try await forger.sign(claims, header: header)
            await #expect(throws: Problem.self) { try await signer.verify(token, at: late) }
        }
        // The right key, and a true signature, under another algorithm's name.
        let key = try _RSA.Signing.PrivateKey(pemRepresentation: new.privateKeyPEM)
        for (algorithm, isTaken) in [("RS256", true), ("none", false), ("HS256", false), ("rs256", false)] {
            let text = [
                #"{"alg":"\#(algorithm)","kid":"\#(new.id)"}"#,
                #"{"iss":"ovation:eu","sub":"k","account":"1","scope":"","iat":\#(seconds),"exp":\#(seconds + 9)}"#,
            ].map { Self.base64URL(Data($0.utf8)) }.joined(separator: ".")
            let digest = SHA256.hash(data: Data(text.utf8))
            let signature = try key.signature(for: digest, padding: .insecurePKCS1v1_5).rawRepresentation
            let claims = try? await signer.verify(text + "." + Self.base64URL(signature), at: late)
            #expect((claims?.sub == "k") == isTaken, "\(algorithm)")
        }
        let good = try await signer.sign(
            APIKey(
                clientID: "k", account: 1, name: "n", role: .admin, sections: nil, keyspaces: nil, secretHash: [],
                createdAt: late), at: late)
        #expect(try await signer.verify(good, at: late).sub == "k")
    }

    private static func base64URL(_ data: Data) -> String {
        data.base64EncodedString().replacingOccurrences(of: "+", with: "-")
            .replacingOccurrences(of: "/", with: "_").replacingOccurrences(of: "=", with: "")
    }

    @Test("an admin key cannot be limited, and an unknown section in a body says where")
    func badKeys() async throws {
        try await TestServer.run { server async throws in
            let limited = try await server.send(
                .post, "/account/api-keys",
                body: #"{"name":"x","role":"admin","sections":["\#(Fixtures.section)"]}"#)
            #expect(limited.errors == ["/role conflict"])
            let unknown = try await server.send(
                .post, "/account/api-keys", body: #"{"name":"x","keyspaces":{"a.b.c":"read"}}"#)
            #expect(unknown.status == .badRequest && unknown.errors == ["/keyspaces/a.b.c keyspace_not_found"])
        }
    }

    @Test("a key sees its sections only, and uses its keyspaces only")
    func limited() async throws {
        try await TestServer.run { server async throws in
            let token = try await server.token(
                ofNewKey: #"{"name":"Shop","sections":["\#(Fixtures.section)"],"keyspaces":"#
                    + #"{"com.apsis1.keyspaces.email":"read"}}"#
            ).token
            func send(_ method: HTTPRequest.Method, _ path: String, _ body: String? = nil) async throws
                -> TestServer.Answer
            {
                try await server.send(method, path, token: token, body: body)
            }
            #expect(try await send(.get, "/audience/sections").json["items"]?.array?.count == 1)
            #expect(try await send(.get, "/audience/keyspaces").json["items"]?.array?.count == 1)
            let other = "/audience/sections/com.apsis1.sections.default"
            #expect(try await send(.get, other).code == "section_not_found")
            #expect(try await send(.get, other + "/events").code == "section_not_found")
            #expect(try await send(.get, TestServer.definitionsPath).status == .ok)
            let post = try await send(.post, TestServer.eventsPath(), TestServer.items(TestServer.item()))
            #expect(post.status == .forbidden && post.code == "keyspace_forbidden")
            #expect(try await send(.get, TestServer.eventsPath()).code == "profile_not_found")
            let mobile = TestServer.eventsPath("46793699558", keyspace: "com.apsis1.keyspaces.mobile")
            #expect(try await send(.get, mobile).code == "keyspace_forbidden")
            #expect(try await send(.post, "/audience/sections", "{}").code == "admin_required")
        }
    }

    @Test("verified tokens are kept, and no more than fit")
    func cache() {
        let cache = TokenCache(capacity: 10)
        let claims = TokenClaims(iss: "", sub: "", account: "", scope: "", iat: 0, exp: 0)
        for number in 0..<1000 {
            cache.insert(claims, for: "\(number)")
            #expect(cache.count <= 10)
            #expect(cache["0"] != nil, "what is asked for stays")
        }
        #expect(cache["500"] == nil)
    }
}

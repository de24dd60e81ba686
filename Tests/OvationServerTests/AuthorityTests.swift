import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@Suite("Who may call what")
struct AuthorityTests {
    /// Written down a second time on purpose: what the server should refuse is derived from the descriptions of its
    /// endpoints, so a description that gives more away than before would agree with itself.
    private static let scopes = """
        POST /oauth/token open
        GET /.well-known/jwks.json open
        GET /audience/keyspaces token
        POST /audience/keyspaces admin
        GET /audience/keyspaces/{keyspace} token
        PATCH /audience/keyspaces/{keyspace} admin
        GET /audience/sections token
        POST /audience/sections admin
        GET /audience/sections/{section} token
        PATCH /audience/sections/{section} admin
        GET /audience/sections/{section}/events token
        POST /audience/sections/{section}/events admin
        GET /audience/sections/{section}/events/{event} token
        PATCH /audience/sections/{section}/events/{event} admin
        DELETE /audience/sections/{section}/events/{event} admin
        POST /audience/sections/{section}/events/{event}/versions admin
        POST /audience/sections/{section}/events/{event}/versions/{version}/publish admin
        POST /audience/sections/{section}/events/{event}/versions/{version}/deprecate admin
        DELETE /audience/sections/{section}/events/{event}/versions/{version} admin
        GET /audience/sections/{section}/usage token
        GET /audience/sections/{section}/attributes token
        POST /audience/sections/{section}/attributes admin
        GET /audience/sections/{section}/attributes/{attribute} token
        PATCH /audience/sections/{section}/attributes/{attribute} admin
        DELETE /audience/sections/{section}/attributes/{attribute} admin
        POST /audience/sections/{section}/attributes/{attribute}/versions admin
        POST /audience/sections/{section}/attributes/{attribute}/versions/{version}/publish admin
        POST /audience/sections/{section}/attributes/{attribute}/versions/{version}/deprecate admin
        DELETE /audience/sections/{section}/attributes/{attribute}/versions/{version} admin
        GET /audience/sections/{section}/tags token
        POST /audience/sections/{section}/tags admin
        GET /audience/sections/{section}/tags/{tag} token
        PATCH /audience/sections/{section}/tags/{tag} admin
        DELETE /audience/sections/{section}/tags/{tag} admin
        GET /audience/channels token
        POST /audience/channels admin
        PATCH /audience/channels/{channel} admin
        DELETE /audience/channels/{channel} admin
        GET /v2/audience/sections/{section}/folders token
        GET /v2/audience/sections/{section}/topic-folders token
        POST /v2/audience/sections/{section}/folders admin
        PATCH /v2/audience/sections/{section}/folders/{folder} admin
        DELETE /v2/audience/sections/{section}/folders/{folder} admin
        GET /audience/sections/{section}/consent-lists token
        GET /audience/sections/{section}/consent-lists/{consent_list}/topics token
        GET /v2/audience/sections/{section}/topics token
        POST /v2/audience/sections/{section}/topics admin
        PATCH /v2/audience/sections/{section}/topics/{topic} admin
        DELETE /v2/audience/sections/{section}/topics/{topic} admin
        GET /v2/audience/sections/{section}/consent-counts token
        GET /audience/model admin
        POST /audience/model/plan admin
        PUT /audience/model admin
        GET /audience/log admin
        POST /audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/events token
        GET /audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/events token
        DELETE /audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/events admin
        DELETE /audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/events/{id} admin
        GET /audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/days token
        POST /audience/sections/{section}/events/bulk token
        GET /audience/sections/{section}/events/export token
        GET /audience/keyspaces/{keyspace}/profiles/{key} token
        POST /audience/keyspaces/{keyspace}/sections/{section}/profiles token
        GET /audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/attributes token
        PATCH /audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/attributes token
        DELETE /audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/attributes/{version} token
        GET /v2/audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/attributes token
        PATCH /v2/audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/attributes token
        DELETE /v2/audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/attributes/{attribute} token
        GET /audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/tags token
        PATCH /audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/tags token
        GET /audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/changes token
        POST /v2/audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/consents token
        GET /v2/audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/consents token
        GET /v2/audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/consents/history token
        POST /audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/subscriptions token
        POST /audience/channels/{channel}/addresses/{address}/consents token
        DELETE /audience/channels/{channel}/addresses/{address}/consents admin
        GET /audience/channels/{channel}/addresses/{address}/consents/sections/{section}/consent-lists/{consent_list}/evaluations token
        GET /audience/channels/{channel}/addresses/{address}/may-send token
        GET /audience/channels/{channel}/suppressions admin
        GET /audience/channels/{channel}/addresses/{address}/suppression token
        GET /audience/channels/{channel}/addresses/{address}/suppression/history admin
        PUT /audience/channels/{channel}/addresses/{address}/suppression admin
        DELETE /audience/channels/{channel}/addresses/{address}/suppression admin
        GET /audience/profiles admin
        GET /audience/profiles/{profile_id} admin
        GET /audience/sections/{section}/profiles/export token
        DELETE /audience/keyspaces/{keyspace}/profiles/{key} token
        PUT /audience/keyspaces/{keyspace}/profiles/{key}/locks token
        PUT /audience/profiles/merges token
        DELETE /audience/profiles/merges/keyspaces/{keyspace}/profiles/{key} token
        GET /audience/keyspaces/{keyspace}/profiles/{key}/keys token
        POST /audience/keyspaces/{keyspace}/profiles/{key}/keys admin
        DELETE /audience/keyspaces/{keyspace}/profiles/{key}/keys/{other_keyspace}/{other_key} admin
        PUT /audience/keyspaces/{keyspace}/profiles/{key}/sections/{section} token
        GET /audience/erasures/{erasure_id} token
        GET /audience/erasures admin
        POST /v2/audience/sections/{section}/imports token
        POST /audience/sections/{section}/imports token
        POST /audience/imports/{import_id}/file open
        GET /audience/sections/{section}/imports/{import_id} token
        GET /audience/sections/{section}/imports/{import_id}/report token
        GET /audience/jobs admin
        GET /audience/jobs/{job} token
        DELETE /audience/jobs/{job} token
        GET /audience/sections/{section}/rejections token
        GET /audience/rejections admin
        GET /audience/sections/{section}/rejections/{id} admin
        POST /audience/sections/{section}/rejections/{id}/replay admin
        DELETE /audience/sections/{section}/rejections/{id} admin
        GET /audience/rejections/causes admin
        GET /audience/rejections/causes/{cause} admin
        POST /audience/rejections/causes/{cause}/replay admin
        DELETE /audience/rejections/causes/{cause} admin
        GET /audience/live admin
        GET /audience/activity admin
        GET /account/api-keys admin
        POST /account/api-keys admin
        POST /account/api-keys/{client_id}/rotate admin
        DELETE /account/api-keys/{client_id} admin
        POST /account/signing-keys admin
        POST /account/console-links admin
        GET / open
        GET /health open
        GET /ready open
        GET /metrics open
        GET /openapi.json open
        """

    private static let otherSection = "com.apsis1.sections.default"
    private static let otherKeyspace = "com.apsis1.keyspaces.mobile"
    /// What an answer may not be where the caller is let in.
    private static let refusals: Set<String> = [
        "unauthorized", "invalid_token", "token_expired", "key_revoked", "admin_required", "keyspace_forbidden",
    ]

    /// The endpoint's path with definitions that exist.
    private func path(_ endpoint: Endpoint) -> String {
        let path = endpoint.path([
            "section": Fixtures.section, "keyspace": Fixtures.emailKeyspace, "key": "steve@apsis.com",
            "event": Fixtures.eventType, "version": "2565266", "id": "1", "profile_id": "0123456789abcdef",
            "attribute": "com.apsis1.attributes.email", "tag": "com.example.tags.vip", "client_id": "nobody",
            "other_keyspace": "com.apsis1.keyspaces.web", "other_key": "w",
            "erasure_id": "8e03978e-40d5-43e8-bc93-6894a57f9324",
            "cause": "0123456789abcdef0123456789abcdef", "channel": "com.apsis1.channels.email",
            "address": "steve@apsis.com",
            "folder": "com.example.targets.news", "consent_list": "com.example.targets.news",
            "topic": "com.example.topics.offers", "import_id": "8e03978e-40d5-43e8-bc93-6894a57f9324",
            "job": "8e03978e-40d5-43e8-bc93-6894a57f9324",
        ])
        // A stream that is let in has no end, so it is asked for what cannot be.
        return endpoint == .streamLive ? path + "?outcome=none" : path
    }

    private func expect(
        _ answer: TestServer.Answer, from endpoint: Endpoint, _ who: String, refusedAs code: String?
    ) {
        if let code {
            #expect(answer.code == code, "\(endpoint.method) \(endpoint.path) \(who): \(answer.status) \(answer.text)")
        } else {
            #expect(
                answer.status != .unauthorized && !Self.refusals.contains(answer.code ?? ""),
                "\(endpoint.method) \(endpoint.path) \(who): \(answer.status) \(answer.text)")
        }
    }

    @Test("each endpoint is for those it was always for")
    func scopesArePinned() {
        let described = Endpoint.allCases.map { "\($0.method.rawValue) \($0.path) \($0.scope)" }
        #expect(Set(described).symmetricDifference(Self.scopes.split(separator: "\n").map(String.init)) == [])
        #expect(described.count == Self.scopes.split(separator: "\n").count)
    }

    @Test("without a token, or with an unsigned one, only open endpoints answer")
    func tokens() async throws {
        try await TestServer.run { server async throws in
            // Three parts as in a real token, without a valid signature.
            let parts = server.adminToken.split(separator: ".")
            let forged = parts.dropLast().joined(separator: ".") + "." + String(parts[2].reversed())
            for endpoint in Endpoint.allCases {
                let isOpen = endpoint.scope == .open
                let none = try await server.send(endpoint.method, path(endpoint), token: nil)
                expect(none, from: endpoint, "without a token", refusedAs: isOpen ? nil : "unauthorized")
                #expect(isOpen || none.status == .unauthorized)
                #expect(isOpen || none.header("WWW-Authenticate") == "Bearer realm=\"ovation\"")
                for token in [forged, "nothing"] {
                    let bad = try await server.send(endpoint.method, path(endpoint), token: token)
                    expect(bad, from: endpoint, "with a bad token", refusedAs: isOpen ? nil : "invalid_token")
                    #expect(isOpen || bad.status == .unauthorized)
                }
                guard endpoint.method == .get else { continue }
                let head = try await server.send(.head, path(endpoint), token: nil)
                #expect((head.status == .unauthorized) == !isOpen, "HEAD \(endpoint.path): \(head.status)")
            }
        }
    }

    @Test("an integration's token is refused by what is for admins, and by nothing else")
    func integrations() async throws {
        try await TestServer.run { server async throws in
            let token = try await server.token(ofNewKey: #"{"name":"Shop"}"#).token
            for endpoint in Endpoint.allCases {
                let answer = try await server.send(endpoint.method, path(endpoint), token: token)
                let isRefused = endpoint.scope == .admin
                expect(answer, from: endpoint, "as an integration", refusedAs: isRefused ? "admin_required" : nil)
                #expect(!isRefused || answer.status == .forbidden)
            }
            for endpoint in Endpoint.allCases {
                let answer = try await server.send(endpoint.method, path(endpoint))
                expect(answer, from: endpoint, "as an admin", refusedAs: nil)
            }
        }
    }

    @Test("a token limited to another section finds no path that names this one")
    func otherSections() async throws {
        try await TestServer.run { server async throws in
            let token = try await server.token(ofNewKey: #"{"name":"Shop","sections":["\#(Self.otherSection)"]}"#).token
            for endpoint in Endpoint.allCases where endpoint.scope == .token {
                let answer = try await server.send(endpoint.method, path(endpoint), token: token, body: "{}")
                let namesSection = endpoint.path.contains("{section}")
                expect(
                    answer, from: endpoint, "limited to another section",
                    refusedAs: namesSection ? "section_not_found" : nil)
                #expect(!namesSection || answer.status == .notFound)
                // Not even in a list does it hear of the section.
                #expect(!answer.text.contains(Fixtures.section) || namesSection, "\(endpoint.path): \(answer.text)")
            }
        }
    }

    @Test("a token limited to another keyspace is refused by each path that names this one; a reader does not write")
    func otherKeyspaces() async throws {
        try await TestServer.run { server async throws in
            let other = try await server.token(
                ofNewKey: #"{"name":"Shop","keyspaces":{"\#(Self.otherKeyspace)":"read_write"}}"#
            ).token
            let reader = try await server.token(
                ofNewKey: #"{"name":"Reader","keyspaces":{"\#(Fixtures.emailKeyspace)":"read"}}"#
            ).token
            for endpoint in Endpoint.allCases where endpoint.scope == .token {
                // An address is a key of its channel's keyspace.
                let namesKeyspace = ["{keyspace}", "{address}"].contains { endpoint.path.contains($0) }
                let answer = try await server.send(endpoint.method, path(endpoint), token: other, body: "{}")
                expect(
                    answer, from: endpoint, "limited to another keyspace",
                    refusedAs: namesKeyspace ? "keyspace_forbidden" : nil)
                #expect(!namesKeyspace || answer.status == .forbidden)
                // An upload says so too when there is no keyspace at all that it could write through.
                let writes = endpoint.method != .get
                let reading = try await server.send(endpoint.method, path(endpoint), token: reader, body: "{}")
                expect(reading, from: endpoint, "that only reads", refusedAs: writes ? "keyspace_forbidden" : nil)
            }
        }
    }
}

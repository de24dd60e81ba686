import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

@Suite("Profiles that become one")
struct MergeTests {
    private static let merges = "/audience/profiles/merges"
    private static let email = "com.apsis1.keyspaces.email"
    private static let web = "com.apsis1.keyspaces.web"
    private static let crm = "com.apsis1.keyspaces.crm-id"
    private static let validateOnly = [("Prefer", "validate-only")]

    private static func body(_ pairs: (String, String)...) -> String {
        let entries = pairs.map { #"{"keyspace_discriminator":"\#($0.0)","profile_key":"\#($0.1)"}"# }
        return #"{"profiles":[\#(entries.joined(separator: ","))]}"#
    }

    private static func profile(_ keyspace: String, _ key: String) -> String {
        "/audience/keyspaces/\(keyspace)/profiles/\(key)"
    }

    private static let steve = profile(email, "steve%40apsis.com")
    private static let both = body((email, "steve@apsis.com"), (web, "w"))

    private func set(
        _ server: TestServer, _ profile: String, _ values: String, location: SourceLocation = #_sourceLocation
    ) async throws {
        let path = "/v2" + profile + "/sections/\(Fixtures.section)/attributes"
        let answer = try await server.send(.patch, path, body: values)
        #expect(answer.status == .noContent, "\(answer.text)", sourceLocation: location)
    }

    private func make(_ server: TestServer, _ keyspace: String, _ key: String) async throws {
        let path = "/audience/keyspaces/\(keyspace)/sections/\(Fixtures.section)/profiles"
        #expect(try await server.send(.post, path, body: #"{"profile_key":"\#(key)"}"#).status == .created)
    }

    private func merge(_ server: TestServer, _ body: String, _ headers: [(String, String)] = []) async throws
        -> TestServer.Answer
    { try await server.send(.put, Self.merges, body: body, headers: headers) }

    private func id(_ server: TestServer, _ keyspace: String, _ key: String) async throws -> String? {
        try await server.send(.get, Self.profile(keyspace, key)).json["profile_id"]?.string
    }

    @Test("both keys lead to one profile, which says what it was made from")
    func merges() async throws {
        try await TestServer.run { server async throws in
            try await make(server, Self.email, "steve@apsis.com")
            _ = try await server.post(TestServer.items(TestServer.item()), key: "steve%40apsis.com")
            let old = try await id(server, Self.email, "steve%40apsis.com")
            try await make(server, Self.web, "w")
            server.clock.advance(by: .seconds(60))
            let answer = try await merge(server, Self.both)
            #expect(answer.status == .noContent && answer.text.isEmpty)
            #expect(try await merge(server, Self.both).status == .noContent, "once more")
            #expect(try await merge(server, Self.body((Self.web, "w"), (Self.web, "w"))).status == .noContent)
            let again = try await merge(server, Self.both, Self.validateOnly).json
            #expect(again["outcome"] == .string("unchanged") && again["sections"]?.array?.isEmpty == true)
            #expect(again["profiles"]?.array?.map { $0["canonical"] } == [.bool(true), .bool(true)])
            let shown = try await server.send(.get, Self.profile(Self.web, "w")).json
            #expect(shown["profile_id"]?.string == old)
            #expect(try await server.send(.get, Self.steve).json["event_count"] == .number("1"))
            #expect(shown["keys"]?.array?.map { $0["key"]?.string } == ["steve@apsis.com", "w"])
            let members = shown["members"]?.array ?? []
            #expect(members.map { $0["canonical"] } == [.bool(true), .bool(false)])
            #expect(
                members.map { $0["merged_at"]?.string } == [nil, "2026-11-23T12:01:00.000Z"])
            #expect(members.map { $0["created_at"]?.string } == Array(repeating: "2026-11-23T12:00:00.000Z", count: 2))
            let byID = try await server.send(.get, "/audience/profiles/\(old ?? "")").json
            #expect(byID["members"] == shown["members"])
            let changes = try await server.send(.get, Self.steve + "/sections/\(Fixtures.section)/changes").json
            let words = changes["items"]?.array?.compactMap { $0["event_discriminator"]?.string } ?? []
            #expect(words.prefix(2) == ["com.apsis1.events.profile.merge", "com.apsis1.events.profile.merge"])
            #expect(changes["items"]?.array?.first?["changes"]?.array?.isEmpty == true)
        }
    }

    @Test("a merge is undone with its data, or a key is taken out without")
    func unmerges() async throws {
        try await TestServer.run { server async throws in
            let out = Self.merges + "/keyspaces/\(Self.web)/profiles/w"
            #expect(try await server.send(.delete, out).code == "profile_not_found")
            try await make(server, Self.email, "steve@apsis.com")
            try await make(server, Self.web, "w")
            try await set(server, Self.profile(Self.web, "w"), #"{"com.apsis1.attributes.lastname":"Jones"}"#)
            #expect(try await server.send(.delete, out).status == .noContent, "it stands alone")
            let alone = try await id(server, Self.web, "w")
            #expect(try await merge(server, Self.both).status == .noContent)
            let canonical = Self.merges + "/keyspaces/\(Self.email)/profiles/steve%40apsis.com"
            for headers in [[], Self.validateOnly, [("Prefer", "handling=restore")]] {
                let answer = try await server.send(.delete, canonical, headers: headers)
                #expect(answer.status == .badRequest && answer.code == "canonical_profile", "\(answer.text)")
            }
            let checked = try await server.send(.delete, out, headers: Self.validateOnly)
            #expect(checked.status == .noContent && checked.header("Preference-Applied") == "validate-only")
            #expect(try await id(server, Self.web, "w") != alone)
            let restored = try await server.send(.delete, out, headers: [("Prefer", "handling=restore")])
            #expect(restored.status == .noContent && restored.header("Preference-Applied") == "handling=restore")
            #expect(try await id(server, Self.web, "w") == alone)
            let path = "/sections/\(Fixtures.section)/attributes"
            #expect(
                try await server.send(.get, "/v2" + Self.profile(Self.web, "w") + path).json["items"]?.array?.count == 1
            )
            #expect(try await merge(server, Self.both).status == .noContent)
            #expect(try await server.send(.delete, out).status == .noContent)
            #expect(
                try await server.send(.get, "/v2" + Self.profile(Self.web, "w") + path).json["items"]?.array?.isEmpty
                    == true, "without data")
            let left = try await server.send(.get, Self.steve).json["members"]?.array ?? []
            #expect(left.count == 2 && left[1]["key"] == .null)
        }
    }

    @Test("two persons stay two, and it is said what they differ in")
    func differ() async throws {
        try await TestServer.run { server async throws in
            for key in ["a@b.se", "c@d.se"] { try await make(server, Self.email, key) }
            let pair = Self.body((Self.email, "a@b.se"), (Self.email, "c@d.se"))
            let answer = try await merge(server, pair)
            #expect(answer.status == .conflict && answer.code == "profiles_differ")
            #expect(answer.text.contains("e-mail address"), "\(answer.text)")
            #expect(try await id(server, Self.email, "a%40b.se") != id(server, Self.email, "c%40d.se"))
            for key in ["1", "2"] { try await make(server, Self.crm, key) }
            #expect(
                try await merge(server, Self.body((Self.crm, "1"), (Self.crm, "2"))).text.contains("one CRM ID"))
            let preview = try await merge(server, pair, Self.validateOnly).json
            #expect(preview["outcome"] == .string("refused") && preview["code"] == .string("profiles_differ"))
            #expect(preview["detail"]?.string?.contains("e-mail address") == true)
        }
    }

    @Test("a preview says which values win, which are hidden, and changes nothing")
    func preview() async throws {
        try await TestServer.run { server async throws in
            try await make(server, Self.web, "w")
            try await make(server, Self.email, "steve@apsis.com")
            let names = ["firstname", "lastname"].map { "com.apsis1.attributes.\($0)" }
            try await set(server, Self.steve, "{\"\(names[0])\":\"Steve\"}")
            try await set(
                server, Self.profile(Self.web, "w"), "{\"\(names[0])\":\"Stephen\",\"\(names[1])\":\"Jones\"}")
            let before = try await id(server, Self.web, "w")
            let answer = try await merge(
                server, Self.body((Self.web, "w"), (Self.email, "steve@apsis.com")), Self.validateOnly)
            #expect(answer.status == .ok && answer.header("Preference-Applied") == "validate-only")
            let json = answer.json
            #expect(json["outcome"] == .string("merged") && json["code"] == .null)
            let profiles = json["profiles"]?.array ?? []
            #expect(profiles.map { $0["canonical"] } == [.bool(false), .bool(true)], "the known one")
            #expect(profiles.first?["profile_id"]?.string == before)
            #expect(json["keys"]?.array?.map { $0["key"]?.string } == ["steve@apsis.com", "w"])
            let attributes = json["sections"]?.array?.first?["attributes"]?.array ?? []
            let lines = attributes.map { item in
                [item["discriminator"], item["value"], item["from"], item["hidden"]].map { $0?.string ?? "-" }
                    .joined(separator: " ")
            }
            #expect(
                lines == [
                    "com.apsis1.attributes.email steve@apsis.com canonical -",
                    "\(names[0]) Steve canonical Stephen", "\(names[1]) Jones other -",
                ])
            #expect(try await id(server, Self.web, "w") == before)
            let new = try await merge(server, Self.body((Self.web, "new"), (Self.web, "w")), Self.validateOnly).json
            #expect(new["profiles"]?.array?.first?["profile_id"] == .null)
            #expect(try await server.send(.get, Self.profile(Self.web, "new")).status == .notFound)
        }
    }

    @Test("a preview shows nothing that may not be read through both keyspaces, and nothing of other sections")
    func previewIsReadable() async throws {
        try await TestServer.run { server async throws in
            try await make(server, Self.email, "steve@apsis.com")
            let first = "com.apsis1.attributes.firstname"
            try await set(server, Self.steve, "{\"\(first)\":\"Steve\"}")
            let definition = "/audience/sections/\(Fixtures.section)/attributes/\(first)"
            let change = #"{"keyspace_permissions":[{"keyspace_discriminator":"\#(Self.web)","write":true}]}"#
            #expect(try await server.send(.patch, definition, body: change).status == .ok)
            let shown = try await merge(server, Self.both, Self.validateOnly)
            #expect(shown.json["outcome"] == .string("merged"))
            #expect(!shown.text.contains(first), "\(shown.text)")
            let token = try await server.token(
                ofNewKey: #"{"name":"Shop","sections":["com.apsis1.sections.default"]}"#
            ).token
            let other = try await server.send(
                .put, Self.merges, token: token, body: Self.both, headers: Self.validateOnly)
            #expect(other.status == .ok && other.json["sections"]?.array?.isEmpty == true, "\(other.text)")
        }
    }

    @Test("both keyspaces must exist, and be open to the API key")
    func keyspaces() async throws {
        try await TestServer.run { server async throws in
            let unknown = try await merge(server, Self.body((Self.email, "a@b.se"), ("com.example.none", "w")))
            #expect(unknown.status == .notFound && unknown.code == "keyspace_not_found")
            #expect(try await merge(server, Self.body((Self.email, "a@b.se"), ("?", "w"))).code == "keyspace_not_found")
            let token = try await server.token(
                ofNewKey: #"{"name":"Shop","keyspaces":{"\#(Self.email)":"read_write","\#(Self.web)":"read"}}"#
            ).token
            for headers in [[], Self.validateOnly] {
                let answer = try await server.send(.put, Self.merges, token: token, body: Self.both, headers: headers)
                #expect(answer.code == "keyspace_forbidden", "\(answer.text)")
            }
        }
    }

    @Test("not two, and what can be no key, is 400 with its place")
    func shapes() async throws {
        try await TestServer.run { server async throws in
            let three = Self.body((Self.web, "a"), (Self.web, "b"), (Self.web, "c"))
            for body in [Self.body((Self.web, "a")), three, #"{"profiles":[]}"#] {
                let answer = try await merge(server, body)
                #expect(answer.status == .badRequest && answer.errors == ["/profiles invalid_value"], "\(answer.text)")
            }
            let answer = try await merge(server, Self.body((Self.web, "a"), (Self.email, "nobody")))
            #expect(answer.errors == ["/profiles/1/profile_key invalid_profile_key"])
            #expect(try await server.send(.get, Self.profile(Self.web, "a")).status == .notFound)
        }
    }

    @Test("a repeat with an idempotency key takes effect once, and the key is for nothing else")
    func idempotency() async throws {
        try await TestServer.run { server async throws in
            let key = [("Idempotency-Key", "k")]
            #expect(try await merge(server, Self.both, key).status == .noContent)
            let out = Self.merges + "/keyspaces/\(Self.web)/profiles/w"
            #expect(try await server.send(.delete, out).status == .noContent)
            let apart = try await id(server, Self.web, "w")
            let again = try await merge(server, Self.both, key)
            #expect(again.status == .noContent && again.header("Idempotency-Replayed") == "true")
            #expect(try await id(server, Self.web, "w") == apart, "it was not merged again")
            let other = Self.body((Self.email, "steve@apsis.com"), (Self.web, "v"))
            #expect(try await merge(server, other, key).code == "idempotency_key_reused")
        }
    }

    /// Nothing over HTTP locks a profile.
    private func lock(_ server: TestServer, _ keyspace: String, _ key: String) async throws {
        let found = try #require(BuiltIn.keyspaces.first { $0.discriminator.text == keyspace })
        let address = try ProfileAddress(key, in: found, account: 1)
        Fixtures.expectChanged(
            try await server.store.change(
                ProfileChange(profile: address, at: server.clock.now, actor: "me", operations: [.lock])))
    }

    @Test("a locked profile locks the other, and two that are locked are 410")
    func locked() async throws {
        try await TestServer.run { server async throws in
            try await make(server, Self.email, "steve@apsis.com")
            try await make(server, Self.web, "w")
            try await lock(server, Self.email, "steve@apsis.com")
            #expect(try await merge(server, Self.both, Self.validateOnly).json["outcome"] == .string("locked"))
            #expect(try await merge(server, Self.both).status == .noContent)
            #expect(try await id(server, Self.web, "w") != id(server, Self.email, "steve%40apsis.com"))
            let values = "/v2" + Self.profile(Self.web, "w") + "/sections/\(Fixtures.section)/attributes"
            let change = #"{"com.apsis1.attributes.lastname":"Jones"}"#
            #expect(try await server.send(.patch, values, body: change).code == "profile_locked")
            let taken = #"{"keyspace_discriminator":"\#(Self.web)","profile_key":"w"}"#
            try await make(server, Self.crm, "1")
            for headers in [[], Self.validateOnly] {
                let path = Self.profile(Self.crm, "1") + "/keys"
                #expect(try await server.send(.post, path, body: taken, headers: headers).code == "profile_locked")
            }
            let again = try await merge(server, Self.both)
            #expect(again.status == .gone && again.code == "profile_locked")
            #expect(try await merge(server, Self.both, Self.validateOnly).json["code"] == .string("profile_locked"))
            let same = Self.body((Self.web, "w"), (Self.web, "w"))
            #expect(try await merge(server, same).status == .noContent, "they are one already")
            for headers in [[], Self.validateOnly, [("Prefer", "handling=restore")]] {
                let out = Self.merges + "/keyspaces/\(Self.web)/profiles/w"
                #expect(try await server.send(.delete, out, headers: headers).code == "profile_locked")
            }
        }
    }
}

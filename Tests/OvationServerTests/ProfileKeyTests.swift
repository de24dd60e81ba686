import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

@Suite("The keys of a profile over HTTP")
struct ProfileKeyTests {
    private static let email = "com.apsis1.keyspaces.email"
    private static let web = "com.apsis1.keyspaces.web"
    private static let crm = "com.apsis1.keyspaces.crm-id"
    private static let steve = profile(email, "steve%40apsis.com")
    private static let keys = steve + "/keys"
    private static let section = "/sections/\(Fixtures.section)"
    private static let otherSection = "/sections/com.apsis1.sections.default"
    private static let validateOnly = [("Prefer", "validate-only")]

    private static func profile(_ keyspace: String, _ key: String) -> String {
        "/audience/keyspaces/\(keyspace)/profiles/\(key)"
    }

    private static func reference(_ keyspace: String, _ key: String) -> String {
        #"{"keyspace_discriminator":"\#(keyspace)","profile_key":"\#(key)"}"#
    }

    private static func change(_ from: (String, String), _ to: (String, String)) -> String {
        #"{"from":\#(reference(from.0, from.1)),"to":\#(reference(to.0, to.1))}"#
    }

    private func make(_ server: TestServer, _ keyspace: String, _ key: String, in section: String = section)
        async throws
    {
        let path = "/audience/keyspaces/\(keyspace)\(section)/profiles"
        #expect(try await server.send(.post, path, body: #"{"profile_key":"\#(key)"}"#).status == .created)
    }

    private func values(_ server: TestServer, _ profile: String, in section: String = section) async throws -> [String]
    {
        let items = try await server.send(.get, "/v2" + profile + section + "/attributes").json["items"]?.array ?? []
        return items.map { "\($0["name"]?.string ?? "") \($0["value"]?.string ?? "")" }
    }

    private func keys(_ server: TestServer, _ profile: String) async throws -> [String] {
        let items = try await server.send(.get, profile + "/keys").json["items"]?.array ?? []
        return items.map { $0["key"]?["key"]?.string ?? "" }
    }

    @Test("a key is added once, leads to the profile, and is removed again")
    func addAndRemove() async throws {
        try await TestServer.run { server async throws in
            let web = Self.reference(Self.web, "w")
            #expect(try await server.send(.post, Self.keys, body: web).code == "profile_not_found")
            try await make(server, Self.email, "steve@apsis.com")
            let checked = try await server.send(.post, Self.keys, body: web, headers: Self.validateOnly)
            #expect(checked.status == .noContent && checked.header("Preference-Applied") == "validate-only")
            #expect(try await keys(server, Self.steve) == ["steve@apsis.com"])
            #expect(try await server.send(.post, Self.keys, body: web).status == .created)
            #expect(try await server.send(.post, Self.keys, body: web).status == .noContent)
            #expect(try await keys(server, Self.profile(Self.web, "w")) == ["steve@apsis.com", "w"])
            let removal = Self.keys + "/\(Self.web)/w"
            #expect(try await server.send(.delete, removal, headers: Self.validateOnly).status == .noContent)
            #expect(try await server.send(.delete, removal).status == .noContent)
            #expect(try await server.send(.delete, removal).code == "profile_key_not_found")
            #expect(try await server.send(.get, Self.profile(Self.web, "w")).status == .notFound)
            let last = Self.keys + "/\(Self.email)/steve%40apsis.com"
            for headers in [[], Self.validateOnly] {
                let answer = try await server.send(.delete, last, headers: headers)
                #expect(answer.status == .conflict && answer.code == "last_key", "\(answer.text)")
            }
        }
    }

    @Test("a key of another profile is not taken, and a second e-mail address is none of the same person")
    func refusals() async throws {
        try await TestServer.run { server async throws in
            try await make(server, Self.email, "steve@apsis.com")
            try await make(server, Self.web, "w")
            for headers in [[], Self.validateOnly] {
                let taken = try await server.send(
                    .post, Self.keys, body: Self.reference(Self.web, "w"), headers: headers)
                #expect(taken.status == .conflict && taken.code == "profile_key_taken", "\(taken.text)")
                let second = try await server.send(
                    .post, Self.keys, body: Self.reference(Self.email, "a@b.se"), headers: headers)
                #expect(second.status == .conflict && second.code == "profiles_differ", "\(second.text)")
            }
            let other = try await server.send(.delete, Self.keys + "/\(Self.web)/w")
            #expect(other.status == .notFound && other.code == "profile_key_not_found")
            #expect(try await server.send(.get, Self.profile(Self.web, "w")).status == .ok)
            let bad = try await server.send(.post, Self.keys, body: Self.reference(Self.email, "nobody"))
            #expect(bad.errors == ["/profile_key invalid_profile_key"])
        }
    }

    @Test("an API key hears of no key whose keyspace it may not read")
    func readableKeys() async throws {
        try await TestServer.run { server async throws in
            try await make(server, Self.email, "steve@apsis.com")
            _ = try await server.send(.post, Self.keys, body: Self.reference(Self.web, "secret"))
            let token = try await server.token(
                ofNewKey: #"{"name":"Shop","keyspaces":{"\#(Self.email)":"read"}}"#
            ).token
            for path in [Self.steve, Self.keys] {
                let answer = try await server.send(.get, path, token: token)
                #expect(answer.status == .ok && !answer.text.contains("secret"), "\(answer.text)")
            }
            let members = try await server.send(.get, Self.steve, token: token).json["members"]?.array ?? []
            #expect(members.count == 2 && members[1]["key"] == .null)
        }
    }

    @Test("an identifier is switched for one of another keyspace, with the section's attributes")
    func switches() async throws {
        try await TestServer.run { server async throws in
            let path = Self.steve + Self.section
            let body = Self.change((Self.email, "steve@apsis.com"), (Self.crm, "4711"))
            #expect(try await server.send(.put, path, body: body).code == "profile_not_found")
            try await make(server, Self.email, "steve@apsis.com")
            #expect(try await server.send(.put, path, body: body, headers: Self.validateOnly).status == .noContent)
            #expect(try await values(server, Self.steve) == ["Email steve@apsis.com"])
            let key = [("Idempotency-Key", "k")]
            #expect(try await server.send(.put, path, body: body, headers: key).status == .noContent)
            let again = try await server.send(.put, path, body: body, headers: key)
            #expect(again.status == .noContent && again.header("Idempotency-Replayed") == "true", "\(again.text)")
            #expect(try await server.send(.get, Self.steve).status == .notFound)
            let crm = Self.profile(Self.crm, "4711")
            #expect(try await keys(server, crm) == ["4711"])
            #expect(try await values(server, crm) == ["CRM ID 4711"])
        }
    }

    @Test("the old identifier stays while another section has it as a value")
    func stillNeeded() async throws {
        try await TestServer.run { server async throws in
            try await make(server, Self.email, "steve@apsis.com")
            let set = #"{"com.apsis1.attributes.email":"steve@apsis.com"}"#
            let other = "/v2" + Self.steve + Self.otherSection + "/attributes"
            #expect(try await server.send(.patch, other, body: set).status == .noContent)
            let body = Self.change((Self.email, "steve@apsis.com"), (Self.crm, "4711"))
            #expect(try await server.send(.put, Self.steve + Self.section, body: body).status == .noContent)
            #expect(try await keys(server, Self.steve) == ["steve@apsis.com", "4711"])
            #expect(try await values(server, Self.steve) == ["CRM ID 4711"])
            #expect(try await values(server, Self.steve, in: Self.otherSection) == ["Email steve@apsis.com"])
        }
    }

    @Test("a switch is refused where it would lose or take something, and then changes nothing")
    func switchRefusals() async throws {
        try await TestServer.run { server async throws in
            try await make(server, Self.email, "steve@apsis.com")
            try await make(server, Self.crm, "1")
            let path = Self.steve + Self.section
            func refused(_ from: (String, String), _ to: (String, String)) async throws -> String {
                var found: [String] = []
                for headers in [[], Self.validateOnly] {
                    let answer = try await server.send(.put, path, body: Self.change(from, to), headers: headers)
                    found.append("\(answer.status.code) \(answer.code ?? "") \(answer.errors.joined())")
                }
                #expect(found[0] == found[1])
                return found[0]
            }
            let own = (Self.email, "steve@apsis.com")
            #expect(
                try await refused((Self.web, "w"), (Self.crm, "4711")) == "400 validation_failed /from invalid_value")
            #expect(try await refused(own, (Self.email, "a@b.se")) == "400 validation_failed /to invalid_value")
            #expect(try await refused(own, (Self.crm, "1")) == "409 profile_key_taken ")
            #expect(
                try await refused(own, (Self.email, "x"))
                    == "400 invalid_profile_key /to/profile_key invalid_profile_key")
            let set = #"{"com.apsis1.attributes.crmid":"7"}"#
            #expect(try await server.send(.patch, "/v2" + path + "/attributes", body: set).status == .noContent)
            #expect(try await refused(own, (Self.crm, "4711")) == "409 profiles_differ ")
            #expect(try await values(server, Self.steve) == ["Email steve@apsis.com", "CRM ID 7"])
            #expect(try await server.send(.put, path, body: Self.change(own, (Self.crm, "7"))).status == .noContent)
        }
    }

    @Test("setting the attribute that is the key moves the key")
    func moves() async throws {
        try await TestServer.run { server async throws in
            try await make(server, Self.email, "steve@apsis.com")
            try await make(server, Self.email, "taken@apsis.com")
            let path = "/v2" + Self.steve + Self.section + "/attributes"
            func set(_ value: String) -> String { #"{"com.apsis1.attributes.email":\#(value)}"# }
            for headers in [[], Self.validateOnly] {
                let taken = try await server.send(.patch, path, body: set(#""taken@apsis.com""#), headers: headers)
                #expect(taken.status == .conflict && taken.code == "profile_key_taken", "\(taken.text)")
            }
            let cleared = try await server.send(.patch, path, body: set("null"))
            #expect(cleared.status == .badRequest && cleared.errors == ["/com.apsis1.attributes.email invalid_value"])
            #expect(try await server.send(.patch, path, body: set(#""STEVE@apsis.com""#)).status == .noContent)
            #expect(try await keys(server, Self.steve) == ["steve@apsis.com"], "it is the same key")
            let id = try await server.send(.get, Self.steve).json["profile_id"]?.string
            #expect(try await server.send(.patch, path, body: set(#""new@apsis.com""#)).status == .noContent)
            #expect(try await server.send(.get, Self.steve).status == .notFound)
            let moved = Self.profile(Self.email, "new%40apsis.com")
            #expect(try await server.send(.get, moved).json["profile_id"]?.string == id)
            #expect(try await values(server, moved) == ["Email new@apsis.com"])
            #expect(try await keys(server, moved) == ["new@apsis.com"])
        }
    }
}

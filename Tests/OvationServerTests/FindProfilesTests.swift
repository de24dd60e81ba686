import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

@Suite("Finding profiles by the value of a mapped attribute")
struct FindProfilesTests {
    private static let section = "com.apsis1.sections.default"

    private func set(_ server: TestServer, _ key: String, _ body: String, keyspace: String = "web") async throws {
        let path = "/audience/keyspaces/com.apsis1.keyspaces.\(keyspace)/profiles/\(key)/sections/\(Self.section)"
        _ = try await server.send(
            .post, "/audience/keyspaces/com.apsis1.keyspaces.\(keyspace)/sections/\(Self.section)/profiles",
            body: #"{"profile_key":"\#(key)"}"#)
        let answer = try await server.send(.patch, "/v2" + path + "/attributes", body: body)
        #expect(answer.status == .noContent, "\(answer.text)")
    }

    /// How each profile was found, and by what.
    private func found(_ server: TestServer, _ query: String) async throws -> [String] {
        let json = try await server.send(.get, "/audience/profiles?key=" + query).json
        return (json["items"]?.array ?? []).map { item in
            let by = item["found_by"]
            let parts = [
                item["match"]?.string, item["keys"]?.array?.first?["key"]?.string,
                by?["keyspace_discriminator"]?.string,
                by?["attribute_discriminator"]?.string, by?["value"]?.string,
            ].compactMap { $0?.split(separator: ".").last.map(String.init) ?? $0 }
            return parts.joined(separator: " ") + (by?["hidden"] == .bool(true) ? " hidden" : "")
        }
    }

    @Test("a customer whom a shop knows by an id of its own is found by the e-mail address")
    func byValue() async throws {
        try await TestServer.run { server async throws in
            try await set(
                server, "shop-1",
                #"{"com.apsis1.attributes.email":"Steve@Apsis","com.apsis1.attributes.firstname":"steve"}"#)
            try await set(server, "shop-2", #"{"com.apsis1.attributes.crmid":"steve@apsis"}"#)
            _ = try await server.post(TestServer.items(TestServer.item()), key: "steve%40apsis")
            let exact = [
                "exact steve@apsis email steve@apsis", "exact shop-1 email email steve@apsis",
                "exact shop-2 crm-id crmid steve@apsis",
            ]
            #expect(Set(try await found(server, "Steve%40apsis&exact=true")) == Set(exact.prefix(2)))
            #expect(try await found(server, "steve%40apsis").first == exact[0])
            #expect(Set(try await found(server, "steve%40apsis")) == Set(exact))
            #expect(
                Set(try await found(server, "stev")) == [
                    "prefix steve@apsis email steve@apsis", "prefix shop-1 email email steve@apsis",
                    "prefix shop-2 crm-id crmid steve@apsis",
                ])
            #expect(try await found(server, "stev&limit=1").count == 1)
            #expect(
                try await found(server, "steve%40apsis&keyspace=com.apsis1.keyspaces.crm-id") == [exact[2]])
            #expect(try await found(server, "steve%40apsis&keyspace=com.apsis1.keyspaces.web") == [])
            #expect(try await found(server, "shop-1&exact=true") == ["exact shop-1 web shop-1"])
            let json = try await server.send(.get, "/audience/profiles?key=steve%40apsis&limit=2").json
            #expect(json["complete"] == .bool(false))
            let by = json["items"]?.array?.last?["found_by"]
            #expect(by?["section_discriminator"]?.string == Self.section)
        }
    }

    @Test("an attribute that its keyspace may not read is looked into by nobody, unless an admin asks past it")
    func permissions() async throws {
        try await TestServer.run { server async throws in
            try await set(server, "shop-1", #"{"com.apsis1.attributes.email":"a@b.se"}"#)
            let change =
                #"{"keyspace_permissions":[{"keyspace_discriminator":"com.apsis1.keyspaces.email","write":true}]}"#
            let path = "/audience/sections/\(Self.section)/attributes/com.apsis1.attributes.email"
            #expect(try await server.send(.patch, path, body: change).status == .ok)
            #expect(try await found(server, "a%40b.se") == [])
            #expect(
                try await found(server, "a%40b.se&ignore_keyspace_permissions=true") == ["exact shop-1 email email se"])
            let (_, token) = try await server.token(ofNewKey: #"{"name":"shop"}"#)
            #expect(
                try await server.send(.get, "/audience/profiles?key=a%40b.se", token: token).code == "admin_required")
        }
    }

    @Test("a merged profile is found by a value that another member hides, and the answer says so")
    func hidden() async throws {
        try await TestServer.run { server async throws in
            try await set(server, "shop-1", #"{"com.apsis1.attributes.crmid":"c1"}"#)
            server.clock.advance(by: .seconds(60))
            try await set(server, "shop-2", #"{"com.apsis1.attributes.crmid":"c1"}"#)
            let merge =
                #"{"profiles":[{"keyspace_discriminator":"com.apsis1.keyspaces.web","profile_key":"shop-1"},"#
                + #"{"keyspace_discriminator":"com.apsis1.keyspaces.web","profile_key":"shop-2"}]}"#
            #expect(try await server.send(.put, "/audience/profiles/merges", body: merge).status == .noContent)
            #expect(try await found(server, "c1") == ["exact shop-1 crm-id crmid c1"])
            try await set(server, "shop-1", #"{"com.apsis1.attributes.crmid":"c2"}"#)
            #expect(try await found(server, "c2") == ["exact shop-1 crm-id crmid c2"])
            #expect(try await found(server, "c1") == ["exact shop-1 crm-id crmid c1 hidden"])
        }
    }

    @Test("a keyspace that is mapped later finds what was set before, and nothing when it is mapped no more")
    func mapsLater() async throws {
        try await TestServer.run { server async throws in
            try await set(server, "shop-1", #"{"com.apsis1.attributes.firstname":"Steve"}"#)
            #expect(try await found(server, "Steve") == [])
            let made = try await server.send(
                .post, "/audience/keyspaces",
                body: #"{"name":"Loyalty","mapped_attribute":"com.apsis1.attributes.firstname"}"#
            ).json
            let keyspace = try #require(made["discriminator"]?.string)
            let found = try await found(server, "Steve")
            #expect(found.count == 1 && found[0].hasSuffix("firstname Steve"))
            let answer = try await server.send(
                .patch, "/audience/keyspaces/\(keyspace)", body: #"{"mapped_attribute":""}"#)
            #expect(answer.status == .ok, "\(answer.text)")
            #expect(try await self.found(server, "Steve") == [])
        }
    }

    @Test("the console shows by what a profile was found, and hides it with the keys")
    func console() async throws {
        try await TestServer.run { server async throws in
            try await set(server, "shop-1", #"{"com.apsis1.attributes.email":"first@found.se"}"#)
            try await set(server, "shop-2", #"{"com.apsis1.attributes.email":"second@found.se"}"#)
            var client = try await ConsoleClient.signedIn(to: server)
            let exact = try await client.get("/console/profiles?key=first%40found.se")
            #expect(exact.status == .seeOther)
            _ = try await client.post("/console/mask", [("masked", "on"), ("back", "/console")])
            let masked = try await client.get("/console/profiles?key=first%40foun").text
            #expect(masked.contains("Attribute Email, Default") && !masked.contains("first@found.se"))
            // By a key alone.
            let byKey = "/console/keyspaces/com.apsis1.keyspaces.email/profiles/first%40found.se"
            #expect(try await client.get(byKey).status == .notFound)
        }
    }
}

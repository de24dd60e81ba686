import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

/// Attributes and tags of a profile over HTTP.
@Suite("What profiles hold")
struct ProfileDataTests {
    /// Of the default attributes of ``Fixtures/section``, which is the second section.
    private static func id(_ place: Int64) -> String {
        String(BuiltInAttribute.firstVersion(ofAttribute: 2 * 8 + place))
    }

    private static let (email, mobile, crm, firstName, lastName, birthDate) = (
        id(1), id(2), id(3), id(4), id(5), id(6)
    )
    private static func path(
        _ rest: String = "attributes", _ key: String = "steve%40apsis.com", keyspace: String = Fixtures.emailKeyspace
    ) -> String {
        "/audience/keyspaces/\(keyspace)/profiles/\(key)/sections/\(Fixtures.section)/\(rest)"
    }

    private static func v2(_ rest: String = "attributes", _ key: String = "steve%40apsis.com") -> String {
        "/v2" + path(rest, key)
    }

    private static let profiles =
        "/audience/keyspaces/\(Fixtures.emailKeyspace)/sections/\(Fixtures.section)/profiles"

    private func expectEmpty(
        _ answer: TestServer.Answer, _ status: HTTPResponse.Status = .noContent,
        location: SourceLocation = #_sourceLocation
    ) {
        #expect(answer.status == status && answer.text.isEmpty, "\(answer.text)", sourceLocation: location)
    }

    // MARK: By version id

    @Test("a PATCH by version id makes the profile, sets, overwrites and clears; null and an empty date are nothing")
    func changesByVersion() async throws {
        try await TestServer.run { server async throws in
            #expect(try await server.send(.get, Self.path()).code == "profile_not_found")
            expectEmpty(
                try await server.send(
                    .patch, Self.path(),
                    body:
                        #"{"\#(Self.email)":"a@a.com","\#(Self.firstName)":"Steve","\#(Self.birthDate)":"1993-03-07"}"#,
                    headers: [("Content-Type", "application/merge-patch+json")]))
            let first = try await server.send(.get, Self.path())
            #expect(
                first.text
                    == #"{"\#(Self.email)":"a@a.com","\#(Self.firstName)":"Steve","\#(Self.birthDate)":"1993-03-07"}"#)
            #expect(first.header("Cache-Control") == "no-store")
            expectEmpty(
                try await server.send(
                    .patch, Self.path(),
                    body:
                        #"{"\#(Self.firstName)":null,"\#(Self.birthDate)":"","\#(Self.lastName)":"","\#(Self.mobile)":46793699558}"#
                ))
            // An empty text is a text, where the attribute is one.
            #expect(
                try await server.send(.get, Self.path()).text
                    == #"{"\#(Self.email)":"a@a.com","\#(Self.mobile)":46793699558,"\#(Self.lastName)":""}"#)
        }
    }

    @Test("an empty object makes the profile, and changes nothing of it")
    func emptyPatch() async throws {
        try await TestServer.run { server async throws in
            #expect(try await server.send(.patch, Self.v2(), body: "{}").code == "profile_not_found")
            expectEmpty(try await server.send(.patch, Self.path(), body: "{}"))
            #expect(try await server.send(.get, Self.path()).text == "{}")
            #expect(try await server.send(.get, Self.path("tags")).text == "{}")
            expectEmpty(try await server.send(.patch, Self.v2(), body: "{}"))
            let changes = try await server.send(.get, Self.path("changes"))
            #expect(changes.text == #"{"items":[],"next_cursor":null}"#)
        }
    }

    @Test("a PATCH by version id that changes the e-mail address leaves the key")
    func keepsKey() async throws {
        try await TestServer.run { server async throws in
            expectEmpty(try await server.send(.patch, Self.path(), body: #"{"\#(Self.email)":"other@b.se"}"#))
            #expect(try await server.send(.get, Self.path()).text.contains("other@b.se"))
            #expect(try await server.send(.get, Self.path("attributes", "other%40b.se")).status == .notFound)
            expectEmpty(try await server.send(.patch, Self.path(), body: #"{"\#(Self.email)":null}"#))
            #expect(try await server.send(.get, Self.path()).text == "{}")
        }
    }

    // MARK: By discriminator

    @Test("a PATCH by discriminator needs the profile, and the answer says who set what and when")
    func changesByName() async throws {
        try await TestServer.run { server async throws in
            let body = """
                {"com.apsis1.attributes.email":"Steve@Apsis.com","com.apsis1.attributes.mobile":46287917256,
                "com.apsis1.attributes.firstname":"John","com.apsis1.attributes.birthdate":"1993-03-07",
                "com.apsis1.attributes.lastname":null}
                """
            #expect(try await server.send(.patch, Self.v2(), body: body).code == "profile_not_found")
            expectEmpty(
                try await server.send(.post, Self.profiles, body: #"{"profile_key":"steve@apsis.com"}"#), .created)
            server.clock.advance(by: .seconds(60))
            expectEmpty(try await server.send(.patch, Self.v2(), body: body))
            let items = try await server.send(.get, Self.v2()).json["items"]?.array ?? []
            #expect(
                items.map { $0["discriminator"]?.string?.split(separator: ".").last } == [
                    "email", "mobile", "firstname", "birthdate",
                ])
            // The same key in other letters is another value, and the same key.
            #expect(items.first?["value"]?.string == "Steve@Apsis.com")
            #expect(items.map { $0["type"]?.string } == ["string", "integer", "string", "string"])
            #expect(items.last?["render_hint"]?.string == "date_YYYY-MM-DD" && items.first?["render_hint"] == nil)
            #expect(items.allSatisfy { $0["set_at"]?.string == "2026-11-23T12:01:00.000Z" })
            #expect(items.allSatisfy { $0["set_by"]?.string == TestServer.clientID })
            #expect(items[1]["version_id"]?.string == Self.mobile && items[1]["name"]?.string == "Mobile")
        }
    }

    @Test("the value that is the key can be said again, but not cleared by discriminator")
    func keyByName() async throws {
        let address = "com.apsis1.attributes.email"
        try await TestServer.run { server async throws in
            let other = #"{"\#(address)":"other@b.se","com.apsis1.attributes.firstname":"Ada"}"#
            #expect(try await server.send(.patch, Self.v2(), body: other).code == "profile_not_found")
            _ = try await server.send(.post, Self.profiles, body: #"{"profile_key":"steve@apsis.com"}"#)
            for body in [#"{"\#(address)":null}"#, #"{"\#(address)":""}"#] {
                let cleared = try await server.send(.patch, Self.v2(), body: body)
                #expect(cleared.status == .badRequest && cleared.errors == ["/\(address) invalid_value"])
            }
            let removed = try await server.send(.delete, Self.v2("attributes/\(address)"))
            #expect(removed.status == .badRequest && removed.text.contains("is the key"), "\(removed.text)")
            #expect(try await server.send(.get, Self.path()).text == #"{"\#(Self.email)":"steve@apsis.com"}"#)
            expectEmpty(try await server.send(.patch, Self.v2(), body: #"{"\#(address)":" STEVE@apsis.com"}"#))
            // Of another keyspace it is a value as any other.
            let crm = "com.apsis1.keyspaces.crm-id"
            let elsewhere = Self.path("attributes", "4711", keyspace: crm)
            expectEmpty(try await server.send(.patch, elsewhere, body: "{}"))
            expectEmpty(try await server.send(.patch, "/v2" + elsewhere, body: #"{"\#(address)":"a@b.se"}"#))
            expectEmpty(try await server.send(.patch, "/v2" + elsewhere, body: #"{"\#(address)":null}"#))
        }
    }

    // MARK: What is wrong

    @Test("each member that is wrong is named, and nothing is changed")
    func namesErrors() async throws {
        try await TestServer.run { server async throws in
            expectEmpty(try await server.send(.patch, Self.path(), body: #"{"\#(Self.firstName)":"Ada"}"#))
            let wrong = [
                #""17":"x""#, #""com.apsis1.attributes.email":"a@b.se""#, #""\#(Self.email)":"no address""#,
                #""\#(Self.mobile)":true"#, #""\#(Self.birthDate)":"1993-02-30""#, #""\#(Self.lastName)":{"a":1}"#,
                #""\#(Self.crm)":"a","\#(Self.crm)":"b""#, #""a/b~c":1"#,
                #""\#(Self.firstName)":"\#(String(repeating: "é", count: 1001))""#,
            ]
            let answer = try await server.send(.patch, Self.path(), body: "{\(wrong.joined(separator: ","))}")
            #expect(answer.status == .badRequest && answer.code == "validation_failed")
            #expect(
                answer.errors == [
                    "/17 unknown_attribute", "/com.apsis1.attributes.email unknown_attribute",
                    "/\(Self.email) invalid_value", "/\(Self.mobile) wrong_type", "/\(Self.birthDate) invalid_value",
                    "/\(Self.lastName) nested_value", "/\(Self.crm) duplicate_member", "/a~1b~0c unknown_attribute",
                    "/\(Self.firstName) text_too_long",
                ], "\(answer.text)")
            #expect(answer.json["detail"]?.string?.hasPrefix("9 of 10 attributes were refused") == true)
            let byName = try await server.send(
                .patch, Self.v2(), body: #"{"\#(Self.email)":"a@b.se","com.apsis1.attributes.birthdate":"7.3.1993"}"#)
            #expect(
                byName.errors == [
                    "/\(Self.email) unknown_attribute", "/com.apsis1.attributes.birthdate invalid_value",
                ])
            #expect(try await server.send(.get, Self.path()).text == #"{"\#(Self.firstName)":"Ada"}"#)
            for body in ["[]", "null", "\"x\"", "", "{", #"{"a"}"#] {
                #expect(try await server.send(.patch, Self.path(), body: body).status == .badRequest)
            }
            // Refused patches are answered, and not kept.
            #expect(try await server.send(.get, "/audience/rejections").json["items"]?.array?.isEmpty == true)
        }
    }

    @Test("a body of more than 100 kB, or of very many members, is 413")
    func bounds() async throws {
        try await TestServer.run { server async throws in
            let long = #"{"\#(Self.firstName)":"\#(String(repeating: "x", count: 102_400))"}"#
            #expect(try await server.send(.patch, Self.path(), body: long).code == "body_too_large")
            let members = (1...Limits.profileFieldsMax + 1).map { "\"\($0)\":null" }.joined(separator: ",")
            for path in [Self.path(), Self.v2(), Self.path("tags")] {
                #expect(try await server.send(.patch, path, body: "{\(members)}").code == "too_many_items")
            }
        }
    }

    @Test("a request is checked and nothing stored with validate-only; a repeat of one is answered as before")
    func preferences() async throws {
        try await TestServer.run { server async throws in
            let only = [("Prefer", "validate-only")]
            let body = #"{"\#(Self.firstName)":"Ada"}"#
            let named = #"{"com.apsis1.attributes.firstname":"Ada"}"#
            let checked = try await server.send(.patch, Self.path(), body: body, headers: only)
            expectEmpty(checked)
            #expect(checked.header("Preference-Applied") == "validate-only")
            #expect(try await server.send(.patch, Self.v2(), body: named, headers: only).code == "profile_not_found")
            let bad = try await server.send(.patch, Self.path(), body: #"{"1":1}"#, headers: only)
            #expect(bad.status == .badRequest)
            #expect(try await server.send(.get, Self.path()).status == .notFound)

            let once = [("Idempotency-Key", "k1")]
            expectEmpty(try await server.send(.patch, Self.path(), body: body, headers: once))
            expectEmpty(try await server.send(.patch, Self.path(), body: #"{"\#(Self.firstName)":"Bob"}"#))
            let again = try await server.send(.patch, Self.path(), body: body, headers: once)
            expectEmpty(again)
            #expect(again.header("Idempotency-Replayed") == "true")
            #expect(try await server.send(.get, Self.path()).text == #"{"\#(Self.firstName)":"Bob"}"#)
            // Another body, another endpoint with the same body, and another profile.
            for (path, body) in [
                (Self.path(), #"{"\#(Self.firstName)":"Eve"}"#), (Self.path("tags"), "{}"), (Self.v2(), "{}"),
                (Self.path("attributes", "other%40b.se"), body),
            ] {
                let reused = try await server.send(.patch, path, body: body, headers: once)
                #expect(reused.code == "idempotency_key_reused", "\(path): \(reused.text)")
            }
            // Wrong in itself, and the key is taken.
            let wrong = try await server.send(.patch, Self.path(), body: #"{"1":1}"#, headers: once)
            #expect(wrong.code == "idempotency_key_reused")
        }
    }

    // MARK: Removing

    @Test("a value is removed by version id or by discriminator, and a second time it is no error")
    func removes() async throws {
        try await TestServer.run { server async throws in
            let one = Self.path("attributes/\(Self.firstName)")
            let name = Self.v2("attributes/com.apsis1.attributes.lastname")
            for path in [one, name] {
                #expect(try await server.send(.delete, path).code == "profile_not_found")
            }
            expectEmpty(
                try await server.send(
                    .patch, Self.path(), body: #"{"\#(Self.firstName)":"Ada","\#(Self.lastName)":"L"}"#))
            for path in [one, name] {
                expectEmpty(try await server.send(.delete, path, headers: [("Prefer", "validate-only")]))
            }
            #expect(try await server.send(.get, Self.path()).text.contains("Ada"))
            for path in [one, one, name, name] { expectEmpty(try await server.send(.delete, path)) }
            #expect(try await server.send(.get, Self.path()).text == "{}")
            for (path, code) in [
                (Self.path("attributes/77"), "version_not_found"), (Self.path("attributes/x"), "version_not_found"),
                (Self.v2("attributes/a.b.c"), "attribute_not_found"),
            ] {
                let answer = try await server.send(.delete, path)
                #expect(answer.status == .notFound && answer.code == code)
            }
            // A filter is no part of it, and a missing name must not mean all.
            #expect(try await server.send(.delete, one + "?x=1").code == "invalid_parameter")
            #expect(try await server.send(.delete, Self.path("attributes/")).status == .methodNotAllowed)
        }
    }

    // MARK: Profiles

    @Test("a profile is made once, with the mapped attribute; whole numbers are keys")
    func creates() async throws {
        try await TestServer.run { server async throws in
            let steve = #"{"profile_key":"Steve@Apsis.com"}"#
            let checked = try await server.send(
                .post, Self.profiles, body: steve, headers: [("Prefer", "validate-only")])
            expectEmpty(checked)
            #expect(try await server.send(.get, Self.path()).status == .notFound)
            let key = [("Idempotency-Key", "k")]
            expectEmpty(try await server.send(.post, Self.profiles, body: steve, headers: key), .created)
            let again = try await server.send(.post, Self.profiles, body: steve, headers: key)
            expectEmpty(again, .created)
            #expect(again.header("Idempotency-Replayed") == "true")
            for headers in [[], [("Prefer", "validate-only")]] {
                let there = try await server.send(.post, Self.profiles, body: steve, headers: headers)
                #expect(there.status == .conflict && there.code == "profile_exists")
            }
            #expect(try await server.send(.get, Self.path()).text == #"{"\#(Self.email)":"steve@apsis.com"}"#)
            for body in [
                #"{"profile_key":"no address"}"#, #"{"profile_key":1.5}"#, #"{"profile_key":true}"#, "{}",
            ] {
                let wrong = try await server.send(.post, Self.profiles, body: body)
                #expect(wrong.status == .badRequest && wrong.errors.first?.hasPrefix("/profile_key ") == true)
            }
            let web = Self.profiles.replacing(Fixtures.emailKeyspace, with: "com.apsis1.keyspaces.web")
            expectEmpty(try await server.send(.post, web, body: #"{"profile_key":4711}"#), .created)
            let number = Self.path("attributes", "4711", keyspace: "com.apsis1.keyspaces.web")
            #expect(try await server.send(.get, number).text == "{}")
            let phone = Self.profiles.replacing(Fixtures.emailKeyspace, with: "com.apsis1.keyspaces.mobile")
            expectEmpty(try await server.send(.post, phone, body: #"{"profile_key":46793699558}"#), .created)
            let called = Self.path("attributes", "46793699558", keyspace: "com.apsis1.keyspaces.mobile")
            #expect(try await server.send(.get, called).text == #"{"\#(Self.mobile)":46793699558}"#)
        }
    }

    @Test("a locked profile takes no value, no tag and no other life; what it holds can be read")
    func locked() async throws {
        try await TestServer.run { server async throws in
            expectEmpty(try await server.send(.patch, Self.path(), body: #"{"\#(Self.firstName)":"Ada"}"#))
            let keyspace = BuiltIn.keyspaces[0]
            let address = try ProfileAddress("steve@apsis.com", in: keyspace, account: 1)
            Fixtures.expectChanged(
                try await server.store.change(
                    ProfileChange(profile: address, at: server.clock.now, actor: "me", operations: [.lock])))
            let calls: [(HTTPRequest.Method, String, String?)] = [
                (.patch, Self.path(), #"{"\#(Self.firstName)":"Bob"}"#), (.patch, Self.path(), "{}"),
                (.patch, Self.v2(), #"{"com.apsis1.attributes.firstname":"Bob"}"#),
                (.patch, Self.v2(), #"{"com.apsis1.attributes.email":"other@b.se"}"#),
                (.patch, Self.path("tags"), "{}"), (.delete, Self.path("attributes/\(Self.firstName)"), nil),
                (.delete, Self.v2("attributes/com.apsis1.attributes.firstname"), nil),
                (.post, Self.profiles, #"{"profile_key":"steve@apsis.com"}"#),
            ]
            for (method, path, body) in calls {
                for headers in [[], [("Prefer", "validate-only")]] {
                    let answer = try await server.send(method, path, body: body, headers: headers)
                    #expect(answer.status == .gone && answer.code == "profile_locked", "\(path): \(answer.text)")
                }
            }
            #expect(try await server.send(.get, Self.path()).text == #"{"\#(Self.firstName)":"Ada"}"#)
            let items = try await server.send(.get, Self.path("changes")).json["items"]?.array ?? []
            #expect(
                items.map { $0["event_discriminator"]?.string } == [
                    "com.ovation.events.profile.locked", "com.ovation.events.profile.updated",
                ])
            #expect(items.first?["changes"]?.array?.isEmpty == true)
        }
    }

    // MARK: Reading

    @Test("changes come newest first, page by page, with what was and what is")
    func history() async throws {
        try await TestServer.run { server async throws in
            #expect(try await server.send(.get, Self.path("changes")).code == "profile_not_found")
            for name in ["Ada", "Bob", "Eve"] {
                let body = #"{"\#(Self.firstName)":"\#(name)","\#(Self.lastName)":"same"}"#
                expectEmpty(try await server.send(.patch, Self.path(), body: body))
                server.clock.advance(by: .seconds(60))
            }
            expectEmpty(try await server.send(.patch, Self.path(), body: #"{"\#(Self.firstName)":null}"#))
            var lines: [String] = []
            var cursor: String?
            repeat {
                let query = "?limit=3" + (cursor.map { "&cursor=\($0)" } ?? "")
                let page = try await server.send(.get, Self.path("changes") + query).json
                for item in page["items"]?.array ?? [] {
                    for change in item["changes"]?.array ?? [] {
                        #expect(change["kind"]?.string == "attribute")
                        #expect(item["changed_by"]?.string == TestServer.clientID)
                        let values = ["from", "to"].map { change[$0]?.string ?? "-" }
                        lines.append("\(change["name"]?.string ?? ""): \(values.joined(separator: " > "))")
                    }
                }
                cursor = page["next_cursor"]?.string
            } while cursor != nil
            #expect(
                lines == [
                    "First name: Eve > -", "First name: Bob > Eve", "First name: Ada > Bob", "First name: - > Ada",
                    "Last name: - > same",
                ])
            for query in ["?cursor=e1.1", "?cursor=c", "?cursor=c0", "?limit=0", "?limit=201"] {
                #expect(try await server.send(.get, Self.path("changes") + query).status == .badRequest, "\(query)")
            }
        }
    }

    @Test("a profile tells what it holds in each section that the API key may see")
    func profile() async throws {
        try await TestServer.run { server async throws in
            expectEmpty(try await server.send(.patch, Self.path(), body: #"{"\#(Self.firstName)":"Ada"}"#))
            let other = Self.path().replacing(Fixtures.section, with: "com.apsis1.sections.default")
            let firstOfOther = String(BuiltInAttribute.firstVersion(ofAttribute: 8 + 4))
            expectEmpty(try await server.send(.patch, other, body: #"{"\#(firstOfOther)":"Grace"}"#))
            let path = "/audience/keyspaces/\(Fixtures.emailKeyspace)/profiles/steve%40apsis.com"
            func held(_ token: String?) async throws -> [String] {
                let sections = try await server.send(.get, path, token: token).json["sections"]?.array ?? []
                return sections.flatMap { section in
                    (section["attributes"]?.array ?? []).map {
                        "\(section["section_discriminator"]?.string ?? "") \($0["value"]?.string ?? "")"
                    }
                }
            }
            let all = ["com.apsis1.sections.default Grace", "\(Fixtures.section) Ada"]
            #expect(try await held("admin") == all)
            let key = try await server.token(ofNewKey: #"{"name":"Shop","sections":["\#(Fixtures.section)"]}"#).token
            #expect(try await held(key) == [all[1]])
        }
    }
}

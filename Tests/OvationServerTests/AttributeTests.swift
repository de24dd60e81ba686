import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

@Suite("Attributes and tags over HTTP")
struct AttributeTests {
    private static let section = "/audience/sections/\(Fixtures.section)"
    private static let attributes = section + "/attributes"
    private static let tags = section + "/tags"
    private static let email = attributes + "/com.apsis1.attributes.email"
    private static let cake = attributes + "/com.example.attributes.cake"

    private static let newCake =
        #"{"name":"Cake","type":"string","discriminator":"com.example.attributes.cake","version_id":91}"#

    @Test("the list has the members of an event type's, the current version first, and more only when asked")
    func lists() async throws {
        try await TestServer.run { server async throws in
            _ = try await server.send(
                .post, Self.email + "/versions", body: #"{"type":"string","version_id":9820534}"#)
            let list = try await server.send(.get, Self.attributes).json["items"]?.array ?? []
            #expect(list.count == 6)
            let first = try #require(list.first)
            #expect(first.members?.map(\.name) == ["name", "discriminator", "description", "versions"])
            let versions = first["versions"]?.array ?? []
            #expect(versions.map { $0["deprecated_at"] == .null } == [true, false])
            #expect(versions[0]["id"]?.string == "9820534")
            #expect(versions[0].members?.map(\.name) == ["id", "type", "deprecated_at", "valid_from"])
            let date = list.last?["versions"]?.array?.first
            #expect(date?.members?.map(\.name) == ["id", "type", "render_hint", "deprecated_at", "valid_from"])
            #expect(date?["render_hint"]?.string == "date_YYYY-MM-DD")
            let more = try await server.send(.get, Self.attributes + "?include_keyspace_permissions=true")
            let permissions = more.json["items"]?.array?.first?["keyspace_permissions"]?.array ?? []
            #expect(permissions.count == 5)
            #expect(
                permissions.first
                    == (try JSONValue(
                        parsing:
                            #"{"keyspace_discriminator":"com.apsis1.keyspaces.email","permissions":["READ","WRITE"]}"#))
            )
        }
    }

    @Test("permissions are told of the keyspaces that the API key may use, and are replaced as a whole")
    func permissions() async throws {
        try await TestServer.run { server async throws in
            let mobile = "com.apsis1.keyspaces.mobile"
            _ = try await server.send(
                .patch, Self.email,
                body: #"{"keyspace_permissions":[{"keyspace_discriminator":"\#(mobile)","permissions":["READ"]}]}"#)
            let key = #"{"name":"K","keyspaces":{"com.apsis1.keyspaces.email":"read"}}"#
            let token = try await server.token(ofNewKey: key).token
            let seen = try await server.send(.get, Self.email, token: token).json
            #expect(seen["keyspace_permissions"]?.array?.count == 1)
            #expect(seen["mapped_keyspaces"]?.array == ["com.apsis1.keyspaces.email"])
            #expect(seen["keyspace_permissions"]?.array?.first?["permissions"]?.array == ["READ", "WRITE"])
            func permissions() async throws -> [JSONValue] {
                let all = try await server.send(.get, Self.email).json["keyspace_permissions"]?.array ?? []
                return all.map { .array($0["permissions"]?.array ?? []) }
            }
            #expect(
                try await permissions() == [["READ", "WRITE"], ["READ"]]
                    + Array(repeating: ["READ", "WRITE"], count: 3))
            // The forms that event types have are read as well.
            _ = try await server.send(
                .patch, Self.email, body: #"{"keyspace_permissions":{"com.apsis1.keyspaces.email":{"read":true}}}"#)
            #expect(try await permissions() == [["READ"]] + Array(repeating: ["READ", "WRITE"], count: 4))
            let all = try await server.send(.get, Self.email).json["keyspace_permissions"]?.array ?? []
            // What was read can be sent back, and changes nothing.
            let text = String(decoding: JSONWriter.write(.array(all)), as: UTF8.self)
            let log = try await server.send(.get, "/audience/log").text
            let again = try await server.send(.patch, Self.email, body: #"{"keyspace_permissions":\#(text)}"#)
            #expect(again.status == .ok)
            #expect(try await server.send(.get, "/audience/log").text == log)
            let twice = #"{"keyspace_discriminator":"\#(mobile)","permissions":[]}"#
            let refused = try await server.send(
                .patch, Self.email, body: "{\"keyspace_permissions\":[\(twice),\(twice)]}")
            #expect(refused.errors == ["/keyspace_permissions duplicate_member"])
        }
    }

    @Test("another type makes a version, the same one does not, and a draft is for admins")
    func versions() async throws {
        try await TestServer.run { server async throws in
            #expect(try await server.send(.post, Self.attributes, body: Self.newCake).status == .created)
            for (body, count) in [
                (#"{"type":"string"}"#, 1), (#"{"type":"string","render_hint":"date_YYYY-MM-DD"}"#, 2),
                (#"{"type":"integer","version_id":77}"#, 3), (#"{"type":"integer","version_id":77}"#, 3),
                (#"{"name":"Cakes"}"#, 3),
            ] {
                let changed = try await server.send(.patch, Self.cake, body: body)
                #expect(changed.json["versions"]?.array?.count == count, "\(body) \(changed.text)")
            }
            let wrong = try await server.send(.patch, Self.cake, body: #"{"render_hint":"date_YYYY-MM-DD"}"#)
            #expect(wrong.errors == ["/type missing_member"])
            let hint = try await server.send(
                .patch, Self.cake, body: #"{"type":"double","render_hint":"date_YYYY-MM-DD"}"#)
            #expect(hint.errors == ["/render_hint invalid_value"])
            let draft = try await server.send(
                .post, Self.cake + "/versions", body: #"{"type":"boolean","draft":true,"version_id":78}"#)
            #expect(draft.json["drafts"]?.array?.first?["id"]?.string == "78")
            let token = try await server.token(ofNewKey: #"{"name":"Shop"}"#).token
            #expect(try await server.send(.get, Self.cake, token: token).json["drafts"]?.array == [])
            #expect(try await server.send(.post, Self.cake + "/versions/78/publish").status == .ok)
            #expect(try await server.send(.post, Self.cake + "/versions/77/publish").code == "conflict")
            let other = try await server.send(.post, Self.email + "/versions/78/deprecate")
            #expect(other.code == "version_not_found")
        }
    }

    @Test("a default attribute is not removed; another is, and is gone from the list")
    func removes() async throws {
        try await TestServer.run { server async throws in
            #expect(try await server.send(.delete, Self.email).code == "conflict")
            _ = try await server.send(.post, Self.attributes, body: Self.newCake)
            #expect(try await server.send(.delete, Self.cake).status == .noContent)
            #expect(try await server.send(.get, Self.attributes).json["items"]?.array?.count == 6)
            #expect(try await server.send(.delete, Self.cake).code == "attribute_not_found")
            #expect(try await server.send(.post, Self.attributes, body: Self.newCake).code == "already_exists")
            let nowhere = Self.cake.replacing(Fixtures.section, with: "com.apsis1.sections.default")
            #expect(try await server.send(.get, nowhere).code == "attribute_not_found")
        }
    }

    @Test("a tag is made from its name, hidden and removed")
    func tags() async throws {
        try await TestServer.run { server async throws in
            let made = try await server.send(.post, Self.tags, body: #"{"name":"V I P"}"#)
            let discriminator = try #require(made.json["discriminator"]?.string)
            #expect(discriminator.hasPrefix("usercreated.tags.v_i_p-"))
            let item = try await server.send(.get, Self.tags).json["items"]?.array?.first
            #expect(item?.members?.map(\.name) == ["name", "discriminator", "description", "versions"])
            let version = item?["versions"]?.array?.first
            #expect(version?.members?.map(\.name) == ["id", "deprecated_at", "valid_from"])
            let tag = Self.tags + "/" + discriminator
            _ = try await server.send(.patch, tag, body: #"{"is_hidden":true,"description":"d"}"#)
            #expect(try await server.send(.get, Self.tags).json["items"]?.array?.first?["is_hidden"] == .bool(true))
            let renamed = try await server.send(.patch, tag, body: #"{"name":"Gold"}"#).json
            #expect(renamed["is_hidden"] == .bool(true) && renamed["description"]?.string == "d")
            #expect(try await server.send(.patch, tag, body: #"{"discriminator":"a.b"}"#).code == "conflict")
            #expect(try await server.send(.delete, tag).status == .noContent)
            #expect(try await server.send(.get, Self.tags).json["items"]?.array == [])
            #expect(try await server.send(.patch, tag, body: #"{"name":"G"}"#).code == "tag_not_found")
        }
    }

    @Test("a keyspace is mapped to an attribute, and to none again; those of the account send back what they show")
    func mapping() async throws {
        try await TestServer.run { server async throws in
            _ = try await server.send(.post, Self.attributes, body: Self.newCake)
            let body =
                #"{"name":"Card","discriminator":"com.example.keyspaces.card","mapped_attribute":"com.example.attributes.cake"}"#
            let made = try await server.send(.post, "/audience/keyspaces", body: body)
            #expect(made.json["mapped_attribute"]?.string == "com.example.attributes.cake")
            let card = "/audience/keyspaces/com.example.keyspaces.card"
            #expect(try await server.send(.patch, card, body: #"{"name":"C"}"#).json["mapped_attribute"] != nil)
            let none = try await server.send(.patch, card, body: #"{"mapped_attribute":""}"#)
            #expect(none.status == .ok && none.json["mapped_attribute"] == nil)
            let unknown = try await server.send(
                .patch, card, body: #"{"mapped_attribute":"com.example.attributes.no"}"#)
            #expect(unknown.errors == ["/mapped_attribute attribute_not_found"])
            let email = "/audience/keyspaces/" + Fixtures.emailKeyspace
            #expect(
                try await server.send(.get, email).json["mapped_attribute"]?.string == "com.apsis1.attributes.email")
            for (attribute, status) in [("email", HTTPResponse.Status.ok), ("crmid", .conflict)] {
                let body = #"{"mapped_attribute":"com.apsis1.attributes.\#(attribute)"}"#
                #expect(try await server.send(.patch, email, body: body).status == status)
            }
        }
    }

    @Test("the log tells the history of one attribute, in one section or in all, and of one tag")
    func history() async throws {
        try await TestServer.run { server async throws in
            _ = try await server.send(.post, Self.attributes, body: Self.newCake)
            _ = try await server.send(.patch, Self.cake, body: #"{"type":"integer","version_id":92}"#)
            _ = try await server.send(.post, Self.cake + "/versions/92/deprecate")
            _ = try await server.send(.patch, Self.email, body: #"{"name":"E-post"}"#)
            let other = Self.email.replacing(Fixtures.section, with: "com.apsis1.sections.default")
            _ = try await server.send(.patch, other, body: #"{"name":"E-post"}"#)
            _ = try await server.send(
                .post, Self.tags, body: #"{"name":"VIP","discriminator":"com.example.tags.vip"}"#)
            func kinds(_ query: String) async throws -> [String] {
                let log = try await server.send(.get, "/audience/log?" + query)
                return (log.json["items"]?.array ?? []).compactMap { $0["kind"]?.string }
            }
            #expect(
                try await kinds("attribute_discriminator=com.example.attributes.cake")
                    == ["attribute_version.deprecated", "attribute_version.added", "attribute.created"])
            let email = "attribute_discriminator=com.apsis1.attributes.email"
            #expect(try await kinds(email).count == 2)
            #expect(try await kinds(email + "&section=com.apsis1.sections.default").count == 1)
            #expect(try await kinds("tag_discriminator=com.example.tags.vip") == ["tag.created"])
            for query in [
                "section=\(Fixtures.section)", "tag_discriminator=a.b", "attribute_discriminator=a.b",
                "tag_discriminator=com.example.tags.vip&" + email,
            ] {
                #expect(try await server.send(.get, "/audience/log?" + query).code == "invalid_parameter", "\(query)")
            }
        }
    }

    @Test("a model file in YAML carries attributes, tags and mappings, and says where it is wrong")
    func model() async throws {
        try await TestServer.run { server async throws in
            let keyspaces = #""keyspaces":[{"name":"Card","mapped_attribute":"com.example.attributes.cake"}]"#
            func model(_ attribute: String, _ tags: String = "[]") -> String {
                #"{"# + keyspaces + #","sections":[{"name":"My section","attributes":[{"name":"Cake","#
                    + #""discriminator":"com.example.attributes.cake""# + attribute + #"}],"tags":\#(tags)}]}"#
            }
            for (attribute, error) in [
                ("", "/sections/0/attributes/0/type missing_member"),
                (
                    #","type":"double","render_hint":"date_YYYY-MM-DD""#,
                    "/sections/0/attributes/0/render_hint invalid_value"
                ),
                (#","type":"double","versions":[]"#, "/sections/0/attributes/0/type conflict"),
            ] {
                #expect(try await server.send(.put, "/audience/model", body: model(attribute)).errors == [error])
            }
            let whole = model(
                #","type":"string","keyspace_permissions":{"com.apsis1.keyspaces.web":{}}"#,
                #"[{"name":"VIP","is_hidden":true,"id":"95"}]"#)
            let applied = try await server.send(.put, "/audience/model", body: whole)
            #expect(applied.json["changed"]?.int == 4, "\(applied.text)")
            let yaml = try await server.send(.get, "/audience/model", headers: [("Accept", "application/yaml")]).text
            for line in ["mapped_attribute: com.example.attributes.cake", "is_hidden: true", "name: Cake"] {
                #expect(yaml.contains(line), "\(yaml)")
            }
            let exported = try await server.send(.get, "/audience/model").text
            #expect(try await server.send(.put, "/audience/model", body: exported).json["changed"]?.int == 0)
        }
    }
}

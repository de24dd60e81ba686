import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

/// Attributes and tags that an admin has made, with rights and drafts of their own.
@Suite("Custom attributes and tags of profiles")
struct CustomFieldTests {
    private static func path(_ rest: String, _ key: String = "steve%40apsis.com") -> String {
        "/audience/keyspaces/\(Fixtures.emailKeyspace)/profiles/\(key)/sections/\(Fixtures.section)/\(rest)"
    }

    /// Made in this order, with version ids from 101 and 901 on.
    private static let attributes: [(name: String, type: FieldType, permission: Permission?, isDraft: Bool)] = [
        ("size", .integer, nil, false), ("closed", .string, Permission.none, false),
        ("unread", .string, Permission(read: false, write: true), false), ("draft", .boolean, nil, true),
    ]
    private static let tags: [(name: String, permission: Permission?)] = [
        ("vip", nil), ("closed", Permission.none), ("unread", Permission(read: false, write: true)),
    ]

    private static func attribute(_ name: String) -> String { "usercreated.attributes.\(name)" }
    private static func tag(_ name: String) -> String { "usercreated.tags.\(name)" }

    /// Writes the definitions to the store of a server, for the next one to read.
    private static func define(_ server: TestServer) async throws {
        let contents = try await server.store.load()
        var catalogue = try Catalogue(
            account: Fixtures.account, definitions: contents.definitions[1] ?? [],
            lastSequence: contents.lastSequences[1]?.definitions ?? 0)
        var entries: [LogEntry] = []
        var random = SeededGenerator(seed: 1)
        let section = try Discriminator<Section>(Fixtures.section)
        func apply(_ change: CatalogueChange) throws {
            let applied = try catalogue.applying([change], at: Fixtures.now, by: "test")
            catalogue = applied.catalogue
            entries += applied.entries
        }
        for (index, made) in attributes.enumerated() {
            let definition = AttributeDefinition(
                section: section, discriminator: try Discriminator(attribute(made.name)), name: made.name,
                description: "", permissions: made.permission.map { [Fixtures.emailKeyspace: $0] } ?? [:])
            let version = AttributeVersionDefinition(
                id: VersionID.parse("\(101 + index)"), content: try AttributeContent(type: made.type),
                isDraft: made.isDraft)
            try apply(
                .attribute(catalogue.creatingAttribute(definition, version, at: Fixtures.now, using: &random)))
        }
        for (index, made) in tags.enumerated() {
            let definition = TagDefinition(
                section: section, discriminator: try Discriminator(tag(made.name)), name: made.name,
                permissions: made.permission.map { [Fixtures.emailKeyspace: $0] } ?? [:],
                id: VersionID.parse("\(901 + index)"))
            try apply(.tag(catalogue.creatingTag(definition, at: Fixtures.now, using: &random)))
        }
        try await server.store.commit(AccountChange(account: Fixtures.account, entries: entries))
    }

    private static func run(_ test: @Sendable (TestServer) async throws -> Void) async throws {
        let folder = try TemporaryFolder()
        try await TestServer.run(folder: folder) { try await define($0) }
        try await TestServer.run(folder: folder, test)
    }

    private func expectEmpty(_ answer: TestServer.Answer, location: SourceLocation = #_sourceLocation) {
        #expect(answer.status == .noContent && answer.text.isEmpty, "\(answer.text)", sourceLocation: location)
    }

    // MARK: Tags

    @Test("tags are added and removed by version id or discriminator; they make the profile and leave a history")
    func tags() async throws {
        try await Self.run { server async throws in
            let tags = Self.path("tags")
            expectEmpty(try await server.send(.patch, tags, body: #"{"901":true}"#))
            #expect(try await server.send(.get, tags).text == #"{"901":true}"#)
            let unread = Self.tag("unread")
            expectEmpty(try await server.send(.patch, tags, body: #"{"\#(Self.tag("vip"))":null,"\#(unread)":true}"#))
            #expect(try await server.send(.get, tags).text == "{}")
            let past = "?ignore_keyspace_permissions=true"
            #expect(try await server.send(.get, tags + past).text == #"{"903":true}"#)
            expectEmpty(try await server.send(.patch, tags, body: #"{"903":false,"901":false}"#))
            #expect(try await server.send(.get, tags + past).text == "{}")
            let changes = try await server.send(.get, Self.path("changes") + past).json["items"]?.array ?? []
            let lines = changes.flatMap { $0["changes"]?.array ?? [] }.map { change in
                let values = ["from", "to"].map { change[$0] == .bool(true) ? "there" : "-" }
                return
                    "\(change["kind"]?.string ?? "") \(change["name"]?.string ?? ""): \(values.joined(separator: " > "))"
            }
            #expect(
                lines == [
                    "tag unread: there > -", "tag vip: there > -", "tag unread: - > there", "tag vip: - > there",
                ])
            // A change of which nothing may be read is left out as a whole.
            let readable = try await server.send(.get, Self.path("changes"))
            #expect(!readable.text.contains("unread") && readable.json["items"]?.array?.count == 2, "\(readable.text)")
        }
    }

    @Test("each tag that is wrong is named, and nothing is changed")
    func wrongTags() async throws {
        try await Self.run { server async throws in
            let tags = Self.path("tags")
            let closed = Self.tag("closed")
            let answer = try await server.send(
                .patch, tags,
                body: #"{"901":true,"\#(Self.tag("vip"))":true,"7":true,"a.b.c":null,"903":"yes","\#(closed)":true}"#)
            #expect(answer.status == .badRequest && answer.code == "validation_failed")
            #expect(
                answer.errors == [
                    "/\(Self.tag("vip")) duplicate_member", "/7 unknown_tag", "/a.b.c unknown_tag", "/903 wrong_type",
                    "/\(closed) tag_forbidden",
                ], "\(answer.text)")
            // Where the right to write is all that is missing, the whole request is forbidden.
            let forbidden = try await server.send(.patch, tags, body: #"{"901":true,"902":null}"#)
            #expect(forbidden.status == .forbidden && forbidden.code == "tag_forbidden")
            #expect(forbidden.errors == ["/902 tag_forbidden"])
            #expect(try await server.send(.get, tags).code == "profile_not_found")
        }
    }

    // MARK: Attributes

    @Test("an attribute that may not be written is 403, and changes nothing, by every call that writes")
    func forbidden() async throws {
        try await Self.run { server async throws in
            let attributes = Self.path("attributes")
            let closed = Self.attribute("closed")
            expectEmpty(try await server.send(.patch, attributes, body: #"{"101":42}"#))
            let calls: [(HTTPRequest.Method, String, String?)] = [
                (.patch, attributes, #"{"101":43,"102":"x"}"#),
                (.patch, "/v2" + attributes, #"{"\#(Self.attribute("size"))":43,"\#(closed)":"x"}"#),
                (.delete, attributes + "/102", nil), (.delete, "/v2" + attributes + "/" + closed, nil),
            ]
            for (method, path, body) in calls {
                let answer = try await server.send(method, path, body: body)
                #expect(answer.status == .forbidden && answer.code == "attribute_forbidden", "\(path): \(answer.text)")
            }
            let mixed = try await server.send(.patch, attributes, body: #"{"101":"x","102":"x"}"#)
            #expect(mixed.status == .badRequest && mixed.errors == ["/101 wrong_type", "/102 attribute_forbidden"])
            #expect(try await server.send(.get, attributes).text == #"{"101":42}"#)
            // Through a keyspace without an entry it may.
            let web = attributes.replacing(Fixtures.emailKeyspace, with: "com.apsis1.keyspaces.web")
            expectEmpty(try await server.send(.patch, web, body: #"{"102":"x"}"#))
            // And an API key that only reads the keyspace writes nothing at all.
            let reader = try await server.token(
                ofNewKey: #"{"name":"Reader","keyspaces":{"\#(Fixtures.emailKeyspace)":"read"}}"#
            ).token
            let answer = try await server.send(.patch, attributes, token: reader, body: #"{"101":1}"#)
            #expect(answer.code == "keyspace_forbidden")
            #expect(try await server.send(.get, attributes, token: reader).text == #"{"101":42}"#)
        }
    }

    @Test("what may not be read is left out of every answer, unless an admin asks past it")
    func unread() async throws {
        try await Self.run { server async throws in
            let attributes = Self.path("attributes")
            expectEmpty(try await server.send(.patch, attributes, body: #"{"101":42,"103":"secret"}"#))
            expectEmpty(try await server.send(.patch, Self.path("tags"), body: #"{"901":true,"903":true}"#))
            let profile = "/audience/keyspaces/\(Fixtures.emailKeyspace)/profiles/steve%40apsis.com"
            let key = try await server.token(ofNewKey: #"{"name":"Shop"}"#).token
            let past = "?ignore_keyspace_permissions=true"
            for path in [attributes, "/v2" + attributes, Self.path("changes"), profile] {
                for token in ["admin", key] {
                    let answer = try await server.send(.get, path, token: token)
                    #expect(answer.status == .ok && answer.text.contains("42"), "\(path): \(answer.text)")
                    #expect(!answer.text.contains("secret") && !answer.text.contains("unread"), "\(path)")
                }
                #expect(try await server.send(.get, path + past).text.contains("secret"), "\(path)")
                #expect(try await server.send(.get, path + past, token: key).code == "admin_required")
            }
            #expect(try await server.send(.get, profile + past).text.contains(Self.tag("unread")))
        }
    }

    @Test("drafts take values from admin keys, and integrations hear nothing of them")
    func drafts() async throws {
        try await Self.run { server async throws in
            let attributes = Self.path("attributes")
            let draft = Self.attribute("draft")
            let key = try await server.token(ofNewKey: #"{"name":"Shop"}"#).token
            let byVersion = try await server.send(.patch, attributes, token: key, body: #"{"104":true}"#)
            #expect(byVersion.status == .badRequest && byVersion.errors == ["/104 draft_version"])
            expectEmpty(try await server.send(.patch, attributes, body: #"{"104":true}"#))
            for (token, code) in [(key, "unknown_attribute"), ("admin", "unknown_version")] {
                let byName = try await server.send(
                    .patch, "/v2" + attributes, token: token, body: #"{"\#(draft)":true}"#)
                #expect(byName.errors == ["/\(draft) \(code)"])
            }
            #expect(try await server.send(.get, attributes).text == #"{"104":true}"#)
            for path in [attributes, "/v2" + attributes, Self.path("changes")] {
                #expect(try await !server.send(.get, path, token: key).text.contains("true"), "\(path)")
            }
            #expect(try await server.send(.delete, attributes + "/104", token: key).code == "version_not_found")
            expectEmpty(try await server.send(.delete, attributes + "/104"))
        }
    }
}

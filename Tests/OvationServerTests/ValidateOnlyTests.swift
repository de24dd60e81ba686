import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

@Suite("Definition writes with Prefer: validate-only")
struct ValidateOnlyTests {
    private static let prefer = [("Prefer", "validate-only")]
    private static let types = TestServer.definitionsPath
    private static let type = types + "/" + Fixtures.eventType
    private static let draft = type + "/versions/77"

    /// A change of definitions, and what it is answered when it is made.
    private struct Change: Sendable {
        let method: HTTPRequest.Method
        let path: String
        var body: String?
        var status = HTTPResponse.Status.ok
        /// Whether it needs the entity tag of now.
        var isGuarded = false
    }

    /// Each builds on those before it. Every id is given, so that the check and the change answer the same.
    private static let changes: [Change] =
        [
            Change(
                method: .post, path: "/audience/sections",
                body: #"{"name":"Shop","discriminator":"usercreated.sections.shop"}"#, status: .created),
            Change(method: .patch, path: "/audience/sections/usercreated.sections.shop", body: #"{"name":"Store"}"#),
            Change(
                method: .post, path: "/audience/keyspaces",
                body: #"{"name":"Card","discriminator":"usercreated.keyspaces.card","key_format":"text"}"#,
                status: .created),
            Change(
                method: .patch, path: "/audience/keyspaces/usercreated.keyspaces.card",
                body: #"{"name":"Loyalty card","manage_subscriptions":true}"#),
            Change(
                method: .post, path: types,
                body:
                    #"{"name":"Cup","category":"signal","discriminator":"com.apsis1.events.signal.custom-cup-k3v9x2b7qa","#
                    + #""fields":{"cups":"integer"},"version_id":3000001}"#, status: .created),
            Change(
                method: .patch, path: type, body: #"{"name":"Order","fields":{"total":"double"},"version_id":3000002}"#),
            Change(
                method: .post, path: type + "/versions",
                body: #"{"fields":{"a":"string"},"draft":true,"version_id":77}"#, status: .created),
            Change(
                method: .post, path: type + "/versions",
                body: #"{"fields":{"b":"string"},"draft":true,"version_id":78}"#, status: .created),
            Change(method: .post, path: draft + "/publish"),
            Change(method: .post, path: draft + "/deprecate"),
            Change(method: .post, path: draft + "/publish", isGuarded: true),
            Change(method: .delete, path: type + "/versions/78", status: .noContent),
            Change(
                method: .put, path: "/audience/model",
                body: #"{"keyspaces":[{"discriminator":"usercreated.keyspaces.card","name":"Card"}]}"#),
            Change(method: .delete, path: type, status: .noContent),
        ] + fields + topics

    private static let place = "/audience/sections/\(Fixtures.section)"
    private static let cake = place + "/attributes/usercreated.attributes.cake-98h3ud5p4v"
    private static let vip = place + "/tags/usercreated.tags.vip-98h3ud5p4v"

    private static let fields: [Change] = [
        Change(
            method: .post, path: place + "/attributes",
            body:
                #"{"name":"Cake","type":"string","discriminator":"usercreated.attributes.cake-98h3ud5p4v","version_id":91}"#,
            status: .created),
        Change(method: .patch, path: cake, body: #"{"name":"Cakes","type":"integer","version_id":92}"#),
        Change(
            method: .post, path: cake + "/versions", body: #"{"type":"double","draft":true,"version_id":93}"#,
            status: .created),
        Change(
            method: .post, path: cake + "/versions", body: #"{"type":"boolean","draft":true,"version_id":94}"#,
            status: .created),
        Change(method: .post, path: cake + "/versions/93/publish"),
        Change(method: .post, path: cake + "/versions/93/deprecate"),
        Change(method: .post, path: cake + "/versions/93/publish", isGuarded: true),
        Change(method: .delete, path: cake + "/versions/94", status: .noContent),
        Change(
            method: .patch, path: "/audience/keyspaces/usercreated.keyspaces.card",
            body: #"{"mapped_attribute":"usercreated.attributes.cake-98h3ud5p4v"}"#),
        Change(method: .delete, path: cake, status: .noContent),
        Change(
            method: .post, path: place + "/tags",
            body: #"{"name":"VIP","discriminator":"usercreated.tags.vip-98h3ud5p4v","version_id":95}"#,
            status: .created),
        Change(method: .patch, path: vip, body: #"{"is_hidden":true}"#),
        Change(method: .delete, path: vip, status: .noContent),
    ]

    private static let channel = "/audience/channels/usercreated.channels.push-98h3ud5p4v"
    private static let folder = "/v2\(place)/folders/usercreated.targets.news-98h3ud5p4v"
    private static let topic = "/v2\(place)/topics/usercreated.topics.sale-98h3ud5p4v"

    private static let topics: [Change] = [
        Change(
            method: .post, path: "/audience/channels",
            body:
                #"{"name":"Push","keyspace_discriminator":"com.apsis1.keyspaces.web","discriminator":"usercreated.channels.push-98h3ud5p4v"}"#,
            status: .created),
        Change(method: .patch, path: channel, body: #"{"name":"App"}"#),
        Change(
            method: .post, path: "/v2\(place)/folders",
            body: #"{"name":"News","discriminator":"usercreated.targets.news-98h3ud5p4v"}"#, status: .created),
        Change(method: .patch, path: folder, body: #"{"description":"All we send."}"#),
        Change(
            method: .post, path: "/v2\(place)/topics",
            body: #"{"name":"Sale","folder_discriminator":"usercreated.targets.news-98h3ud5p4v","#
                + #""discriminator":"usercreated.topics.sale-98h3ud5p4v"}"#, status: .created),
        Change(method: .patch, path: topic, body: #"{"name":"Sales"}"#),
        Change(method: .delete, path: topic, status: .noContent),
        Change(method: .delete, path: folder, status: .noContent),
        Change(method: .delete, path: channel, status: .noContent),
    ]

    private func state(_ server: TestServer) async throws -> [String] {
        let model = try await server.send(.get, "/audience/model")
        let log = try await server.send(.get, "/audience/log?limit=1000")
        let event = try await server.send(.get, Self.type)
        return [model.text, model.header("ETag") ?? "", log.text, event.text]
    }

    @Test("each answers what would be there, and changes nothing")
    func checks() async throws {
        try await TestServer.run { server async throws in
            for change in Self.changes {
                let before = try await state(server)
                let guarded = change.isGuarded ? [("If-Match", before[1])] : []
                let check = try await server.send(
                    change.method, change.path, body: change.body, headers: Self.prefer + guarded)
                #expect(check.status == (change.status == .noContent ? .noContent : .ok), "\(change): \(check.text)")
                #expect(check.header("Preference-Applied") == "validate-only", "\(change)")
                #expect(try await state(server) == before, "\(change)")
                let made = try await server.send(change.method, change.path, body: change.body, headers: guarded)
                #expect(made.status == change.status && made.header("Preference-Applied") == nil, "\(made.text)")
                #expect(check.text == made.text, "\(change)")
                #expect(try await state(server) != before, "\(change)")
            }
        }
    }

    @Test("each endpoint that changes a definition says so in its description, and no other")
    func described() {
        let described = Endpoint.allCases.filter { endpoint in
            endpoint.spec.parameters.contains {
                $0.description.hasPrefix("validate-only checks everything and changes")
            }
        }
        let tags: Set<Endpoint.Tag> = [
            .sections, .keyspaces, .eventTypes, .attributes, .tags, .channels, .topics, .model,
        ]
        let changing = Endpoint.allCases.filter {
            tags.contains($0.spec.tag) && $0.spec.method != .get && $0 != .planModel
        }
        #expect(described == changing && described.count == 31)
    }

    @Test("a check is refused as the change would be")
    func refusals() async throws {
        try await TestServer.run { server async throws in
            let refused: [(HTTPRequest.Method, String, String?, [(String, String)], String)] = [
                (.post, "/audience/sections", #"{"name":""}"#, [], "invalid_name"),
                (
                    .post, "/audience/sections", #"{"name":"a","discriminator":"\#(Fixtures.section)"}"#, [],
                    "already_exists"
                ),
                (.post, "/audience/keyspaces", #"{"key_format":"text"}"#, [], "validation_failed"),
                (.patch, Self.type, #"{"category":"signal"}"#, [], "conflict"),
                (.patch, Self.type, #"{"name":"x"}"#, [("If-Match", "\"0.0.x\"")], "precondition_failed"),
                (.post, Self.type + "/versions/2565266/publish", nil, [], "conflict"),
                (.delete, Self.type + "/versions/2565266", nil, [], "conflict"),
                (.delete, Self.types + "/com.apsis1.events.signal.custom-none", nil, [], "event_type_not_found"),
            ]
            for (method, path, body, headers, code) in refused {
                let check = try await server.send(method, path, body: body, headers: Self.prefer + headers)
                let made = try await server.send(method, path, body: body, headers: headers)
                #expect(check.code == code && check.status == made.status, "\(path): \(check.text) \(made.text)")
                #expect(check.json["detail"] == made.json["detail"], "\(path)")
            }
            let token = try await server.token(ofNewKey: #"{"name":"Shop"}"#).token
            let answer = try await server.send(
                .post, "/audience/sections", token: token, body: #"{"name":"a"}"#, headers: Self.prefer)
            #expect(answer.code == "admin_required")
        }
    }

    @Test("what a client sends back as it got it is taken; another value of what is fixed is refused")
    func fixedMembers() async throws {
        try await TestServer.run { server async throws in
            let keyspace = "/audience/keyspaces/com.apsis1.keyspaces.email"
            for path in [keyspace, "/audience/sections/" + Fixtures.section, Self.type] {
                let body = try await server.send(.get, path).text
                #expect(try await server.send(.patch, path, body: body).status == .ok, "\(path)")
                let other = try await server.send(.patch, path, body: #"{"discriminator":"a.b"}"#)
                #expect(other.code == "conflict", "\(path)")
            }
            #expect(try await server.send(.patch, keyspace, body: #"{"key_format":"text"}"#).code == "conflict")
        }
    }
}

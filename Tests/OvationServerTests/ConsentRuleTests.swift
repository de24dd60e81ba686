import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

/// Who may set and ask what, rule by rule.
@Suite("Rules of consents over HTTP")
struct ConsentRuleTests {
    private static let section = Fixtures.section
    private static let base = "/v2/audience/sections/\(section)"
    private static let email = "com.apsis1.channels.email"
    private static let sms = "com.apsis1.channels.sms"
    private static let folders = ["l", "m"].map { "usercreated.targets.\($0)-0123456789" }
    private static let topic = "usercreated.topics.offers-0123456789"
    private static let smsTopic = "usercreated.topics.sms-0123456789"
    private static let profile = "/audience/keyspaces/com.apsis1.keyspaces.email/profiles/a%40b.se"
    private static let place = profile + "/sections/\(section)"
    private static let address = "/audience/channels/\(email)/addresses/a%40b.se"

    private static func run(_ test: @Sendable (TestServer) async throws -> Void) async throws {
        try await TestServer.run { server async throws in
            var bodies = folders.map { ("/folders", #"{"name":"L","discriminator":"\#($0)"}"#) }
            for (name, more) in [(topic, ""), (smsTopic, #","channel_discriminator":"\#(sms)""#)] {
                bodies.append(
                    (
                        "/topics",
                        #"{"name":"T","discriminator":"\#(name)","folder_discriminator":"\#(folders[0])"\#(more)}"#
                    ))
            }
            for (path, body) in bodies {
                #expect(try await server.send(.post, base + path, body: body).status == .created)
            }
            let made = try await server.send(
                .post, "/audience/keyspaces/com.apsis1.keyspaces.email/sections/\(section)/profiles",
                body: #"{"profile_key":"a@b.se"}"#)
            #expect(made.status == .created)
            try await test(server)
        }
    }

    private static func consent(_ type: String, topic: String = topic, channel: String = email) -> String {
        #"{"type":"\#(type)","reason":"","topic_discriminator":"\#(topic)","channel_discriminator":"\#(channel)"}"#
    }

    private static func onAddress(_ type: String, topic: String = topic) -> String {
        #"{"type":"\#(type)","section_discriminator":"\#(section)","consent_list_discriminator":"\#(folders[0])","#
            + #""topic_discriminator":"\#(topic)"}"#
    }

    private static func subscription(_ topic: String = topic) -> String {
        #"{"consent_list_discriminator":"\#(folders[0])","topic_discriminator":"\#(topic)"}"#
    }

    private func ask(
        _ server: TestServer, _ topic: String = topic, address: String = address
    ) async throws -> TestServer.Answer {
        try await server.send(.get, address + "/may-send?section=\(Self.section)&topic=\(topic)")
    }

    private func evaluations(
        _ server: TestServer, _ folder: Int = 0, address: String = address
    ) async throws -> [String?] {
        let path = address + "/consents/sections/\(Self.section)/consent-lists/\(Self.folders[folder])/evaluations"
        let answer = try await server.send(.get, path)
        #expect(answer.status == .ok, "\(answer.text)")
        return answer.json["items"]?.array?.map { $0["topic_discriminator"]?.string } ?? []
    }

    @Test("a removed topic takes no consent by any way, is asked about no more, and its consents can still be read")
    func removedTopic() async throws {
        try await Self.run { server async throws in
            let opted = try await server.send(.post, "/v2" + Self.place + "/consents", body: Self.consent("opt-in"))
            #expect(opted.status == .created)
            #expect(try await evaluations(server) == [Self.topic])
            #expect(try await ask(server).json["reason"]?.string == "opt-in")
            #expect(try await server.send(.delete, Self.base + "/topics/" + Self.topic).status == .noContent)
            for (path, body) in [
                ("/v2" + Self.place + "/consents", Self.consent("opt-out")),
                (Self.place + "/subscriptions", Self.subscription()),
                (Self.address + "/consents", Self.onAddress("opt-out")),
            ] {
                let refused = try await server.send(.post, path, body: body)
                #expect(refused.errors == ["/topic_discriminator topic_not_found"], "\(path): \(refused.text)")
            }
            #expect(try await ask(server).code == "topic_not_found")
            #expect(try await evaluations(server) == [])
            let held = try await server.send(.get, "/v2" + Self.place + "/consents").json["items"]?.array
            #expect(held?.map { $0["type"]?.string } == ["opt-in"])
        }
    }

    @Test("a topic of one channel is asked about and consented to by that channel alone")
    func oneChannel() async throws {
        try await Self.run { server async throws in
            let wrong = try await ask(server, Self.smsTopic)
            #expect(wrong.status == .badRequest && wrong.code == "invalid_parameter", "\(wrong.text)")
            let refused = try await server.send(
                .post, Self.address + "/consents", body: Self.onAddress("opt-in", topic: Self.smsTopic))
            #expect(refused.errors == ["/topic_discriminator invalid_value"], "\(refused.text)")
            let phone = "/audience/channels/\(Self.sms)/addresses/46701234567"
            #expect(try await ask(server, Self.smsTopic, address: phone).json["reason"]?.string == "no-consent")
            let taken = try await server.send(
                .post, phone + "/consents", body: Self.onAddress("opt-in", topic: Self.smsTopic))
            #expect(taken.status == .created)
            #expect(try await ask(server, Self.smsTopic, address: phone).json["may_send"]?.bool == true)
            // A consent by one channel is none by another.
            #expect(try await ask(server, address: phone).json["reason"]?.string == "no-consent")
        }
    }

    @Test("evaluations are those of one consent list, and of what may be sent")
    func evaluated() async throws {
        try await Self.run { server async throws in
            let path = "/v2" + Self.place + "/consents"
            for (type, isListed) in [
                ("pending-opt-in", false), ("opt-in", true), ("confirmed-opt-in", true), ("opt-out", false),
            ] {
                #expect(try await server.send(.post, path, body: Self.consent(type)).status.kind == .successful)
                #expect(try await evaluations(server) == (isListed ? [Self.topic] : []), "\(type)")
                #expect(try await evaluations(server, 1) == [], "\(type)")
            }
        }
    }

    @Test("a keyspace that manages no subscriptions leads to no consents by any path, until an admin allows it")
    func keyspaces() async throws {
        try await Self.run { server async throws in
            let web = "com.apsis1.keyspaces.web"
            let made = try await server.send(
                .post, "/audience/channels", body: #"{"name":"Push","keyspace_discriminator":"\#(web)"}"#)
            let push = "/audience/channels/\(made.json["discriminator"]?.string ?? "")/addresses/w"
            let profile = "/audience/keyspaces/\(web)/profiles/w/sections/\(Self.section)"
            let lists = push + "/consents/sections/\(Self.section)/consent-lists/\(Self.folders[0])/evaluations"
            let calls: [(HTTPRequest.Method, String, String?)] = [
                (.post, "/v2" + profile + "/consents", Self.consent("opt-in")),
                (.get, "/v2" + profile + "/consents", nil), (.get, "/v2" + profile + "/consents/history", nil),
                (.post, profile + "/subscriptions", Self.subscription()),
                (.post, push + "/consents", Self.onAddress("opt-in")), (.delete, push + "/consents", nil),
                (.get, lists, nil), (.get, push + "/may-send?section=\(Self.section)&topic=\(Self.topic)", nil),
                (.get, push + "/suppression", nil), (.put, push + "/suppression", #"{"reason":""}"#),
                (.delete, push + "/suppression", nil),
            ]
            for (method, path, body) in calls {
                let answer = try await server.send(method, path, body: body)
                #expect(
                    answer.status == .forbidden && answer.code == "keyspace_forbidden", "\(path): \(answer.text)")
            }
            let allowed = try await server.send(
                .patch, "/audience/keyspaces/" + web, body: #"{"manage_subscriptions":true}"#)
            #expect(allowed.status == .ok, "\(allowed.text)")
            for (method, path, body) in calls {
                let answer = try await server.send(method, path, body: body)
                #expect(answer.status != .forbidden, "\(path): \(answer.text)")
            }
        }
    }

    @Test("a locked profile takes neither consent, subscription nor a lift")
    func locked() async throws {
        try await Self.run { server async throws in
            let optOut = #"{"type":"opt-out","section_discriminator":"\#(Self.section)"}"#
            #expect(try await server.send(.post, Self.address + "/consents", body: optOut).status == .created)
            #expect(try await server.send(.put, Self.profile + "/locks").status == .noContent)
            for (method, path, body) in [
                (HTTPRequest.Method.post, "/v2" + Self.place + "/consents", Self.consent("opt-in")),
                (.post, Self.place + "/subscriptions", Self.subscription()),
                (.post, Self.address + "/consents", Self.onAddress("opt-out")),
            ] {
                let answer = try await server.send(method, path, body: body)
                #expect(answer.status == .gone && answer.code == "profile_locked", "\(path): \(answer.text)")
            }
            #expect(try await ask(server).json["reason"]?.string == "locked")
            #expect(try await evaluations(server) == [])
            // It stands above the lock.
            #expect(
                try await server.send(.put, Self.address + "/suppression", body: #"{"reason":""}"#).status == .created)
            #expect(try await ask(server).json["reason"]?.string == "suppressed")
        }
    }
}

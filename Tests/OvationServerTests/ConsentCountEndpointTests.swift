import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

@Suite("Counts of consents over HTTP and in the console")
struct ConsentCountEndpointTests {
    private static let base = "/v2/audience/sections/\(Fixtures.section)"
    private static let email = "com.apsis1.channels.email"
    private static let sms = "com.apsis1.channels.sms"
    private static let folder = "usercreated.targets.letters-0123456789"
    private static let topics = ["a", "b"].map { "usercreated.topics.\($0)-0123456789" }

    private static func profile(_ key: String) -> String {
        "/audience/keyspaces/com.apsis1.keyspaces.email/profiles/\(key)%40b.se"
    }

    private static func run(_ test: @Sendable (TestServer) async throws -> Void) async throws {
        try await TestServer.run { server async throws in
            var answers = [
                try await server.send(
                    .post, base + "/folders", body: #"{"name":"Letters","discriminator":"\#(folder)"}"#)
            ]
            for (name, topic) in zip(["Offers", "News"], topics) {
                let body = #"{"name":"\#(name)","discriminator":"\#(topic)","folder_discriminator":"\#(folder)"}"#
                answers.append(try await server.send(.post, base + "/topics", body: body))
            }
            for key in ["a", "b", "c"] {
                let path = "/audience/keyspaces/com.apsis1.keyspaces.email/sections/\(Fixtures.section)/profiles"
                answers.append(try await server.send(.post, path, body: #"{"profile_key":"\#(key)@b.se"}"#))
            }
            #expect(answers.allSatisfy { $0.status == .created }, "\(answers.map(\.text))")
            try await test(server)
        }
    }

    private func set(
        _ server: TestServer, _ key: String, _ type: String, _ topic: Int = 0, channel: String = email
    ) async throws {
        let answer = try await server.send(
            .post, "/v2\(Self.profile(key))/sections/\(Fixtures.section)/consents",
            body: #"{"type":"\#(type)","reason":"","topic_discriminator":"\#(Self.topics[topic])","#
                + #""channel_discriminator":"\#(channel)"}"#)
        #expect([.created, .noContent].contains(answer.status), "\(answer.text)")
    }

    /// Such as `a email 1 0 0 2`: opt-in, pending, confirmed, opt-out.
    private func counts(_ server: TestServer, token: String? = "admin") async throws -> [String] {
        let answer = try await server.send(.get, Self.base + "/consent-counts", token: token)
        #expect(answer.status == .ok && answer.header("Cache-Control") == "no-store", "\(answer.text)")
        return (answer.json["items"]?.array ?? []).map { item in
            let topic = Self.topics.firstIndex { $0 == item["topic_discriminator"]?.string } ?? -1
            let channel = item["channel_discriminator"]?.string?.split(separator: ".").last ?? "-"
            let numbers = ["opt_in", "pending_opt_in", "confirmed_opt_in", "opt_out"].map { item[$0]?.int ?? -1 }
            return "\(topic) \(channel) \(numbers)"
        }
    }

    /// Opt-outs of the section and of the account, and suppressions, of each channel.
    private func above(_ server: TestServer) async throws -> [[Int]] {
        let answer = try await server.send(.get, Self.base + "/consent-counts").json
        return (answer["channels"]?.array ?? []).map { channel in
            ["opt_outs_of_section", "opt_outs_of_account", "suppressions"].map { channel[$0]?.int ?? -1 }
        }
    }

    @Test("each topic has its numbers by channel, and topics that nobody spoke about are left out")
    func topics() async throws {
        try await Self.run { server async throws in
            #expect(try await counts(server) == [])
            #expect(try await above(server) == [[0, 0, 0], [0, 0, 0]])
            for (key, type) in [("a", "opt-in"), ("b", "opt-in"), ("c", "opt-out")] {
                try await set(server, key, type, 1)
            }
            try await set(server, "a", "pending-opt-in", 0, channel: Self.sms)
            try await set(server, "b", "confirmed-opt-in", 1)
            let list = #"{"consent_list_discriminator":"\#(Self.folder)","topic_discriminator":"\#(Self.topics[0])"}"#
            let subscriptions = Self.profile("c") + "/sections/\(Fixtures.section)/subscriptions"
            #expect(try await server.send(.post, subscriptions, body: list).status == .created)
            let (_, token) = try await server.token(ofNewKey: #"{"name":"Shop"}"#)
            #expect(
                try await counts(server, token: token) == [
                    "0 - [1, 0, 0, 0]", "0 sms [0, 1, 0, 0]", "1 email [1, 0, 1, 1]",
                ])
            #expect(try await server.send(.put, Self.profile("c") + "/locks").status == .noContent)
            #expect(try await server.send(.delete, Self.profile("b")).status == .noContent)
            #expect(try await counts(server) == ["0 sms [0, 1, 0, 0]", "1 email [1, 0, 0, 0]"])
            #expect(try await server.send(.delete, Self.base + "/topics/" + Self.topics[1]).status == .noContent)
            #expect(try await counts(server) == ["0 sms [0, 1, 0, 0]"])
        }
    }

    @Test("what stands above the topics is counted by channel")
    func layers() async throws {
        try await Self.run { server async throws in
            let address = "/audience/channels/\(Self.email)/addresses/a%40b.se"
            let inSection = #"{"type":"opt-out","section_discriminator":"\#(Fixtures.section)"}"#
            #expect(try await server.send(.post, address + "/consents", body: inSection).status == .created)
            #expect(try await above(server) == [[1, 0, 0], [0, 0, 0]])
            #expect(
                try await server.send(.post, address + "/consents", body: #"{"type":"opt-out"}"#).status == .created)
            for _ in 0..<2 {
                let answer = try await server.send(.put, address + "/suppression", body: #"{"reason":""}"#)
                #expect(answer.status.kind == .successful)
            }
            #expect(try await above(server) == [[1, 1, 1], [0, 0, 0]])
            // The address stays suppressed when the person is gone.
            #expect(try await server.send(.delete, Self.profile("a")).status == .noContent)
            #expect(try await above(server) == [[0, 0, 1], [0, 0, 0]])
            #expect(try await server.send(.delete, address + "/suppression").status == .noContent)
            #expect(try await above(server) == [[0, 0, 0], [0, 0, 0]])
        }
    }

    @Test("the console shows the numbers of each topic")
    func console() async throws {
        try await Self.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            let path = "/console/sections/\(Fixtures.section)/topics"
            #expect(try await client.get(path).text.contains("<span class=\"muted\">None</span>"))
            try await set(server, "a", "opt-in")
            try await set(server, "b", "confirmed-opt-in")
            try await set(server, "c", "opt-out")
            try await set(server, "a", "pending-opt-in", 0, channel: Self.sms)
            let shown = try await client.get(path).text
            #expect(shown.contains("Email: 2 opt-ins, 1 opt-out<"))
            #expect(shown.contains("SMS: 0 opt-ins, 1 not confirmed, 0 opt-outs<"))
        }
    }
}

import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

/// Calls of both generations in any order, each compared with the documented rules in their plainest form.
@Suite("Consents of both generations in any order")
struct ConsentHistoryTests {
    private static let section = Fixtures.section
    private static let folder = "usercreated.targets.letters-0123456789"
    private static let topics = ["a", "b"].map { "usercreated.topics.\($0)-0123456789" }
    private static let email = "com.apsis1.channels.email"
    private static let sms = "com.apsis1.channels.sms"
    /// One address each of two channels, which are two profiles until they are merged.
    private static let profiles = [
        "/audience/keyspaces/com.apsis1.keyspaces.email/profiles/a%40b.se",
        "/audience/keyspaces/com.apsis1.keyspaces.mobile/profiles/46701234567",
    ]
    private static let addresses = [
        "/audience/channels/\(email)/addresses/a%40b.se", "/audience/channels/\(sms)/addresses/46701234567",
    ]

    /// What the rules say. A list of what was said, gone through for each question.
    private struct Model {
        enum Said {
            /// nil: all topics; and of all sections.
            case consent(profile: Int, topic: Int?, channel: Int, ofAccount: Bool, String?)
            case suppressed(channel: Int, Bool)
        }

        var said: [Said] = []
        var isMerged = false

        func held(_ profile: Int, _ topic: Int?, _ channel: Int, ofAccount: Bool = false) -> String? {
            for case .consent(let other, topic, channel, ofAccount, let type) in said.reversed()
            where other == profile || isMerged { return type }
            return nil
        }

        func isSuppressed(_ channel: Int) -> Bool {
            for case .suppressed(channel, let isSuppressed) in said.reversed() { return isSuppressed }
            return false
        }

        func effective(_ profile: Int, _ topic: Int, _ channel: Int) -> String? {
            if held(profile, nil, channel, ofAccount: true) != nil { return "account-opt-out" }
            if held(profile, nil, channel) != nil { return "section-opt-out" }
            return held(profile, topic, channel)
        }
    }

    private struct Player {
        let server: TestServer
        var model = Model()
        var random: SeededGenerator

        private mutating func number(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }

        private func send(
            _ method: HTTPRequest.Method, _ path: String, _ body: String? = nil
        ) async throws -> HTTPResponse.Status {
            try await server.send(method, path, body: body).status
        }

        mutating func step(_ about: Comment) async throws {
            switch number(12) {
            case 0..<5: try await second(about)
            case 5..<8: try await first(about)
            case 8: try await lift(about)
            case 9: try await suppress(about)
            default: try await merge(about)
            }
        }

        private mutating func second(_ about: Comment) async throws {
            let (profile, topic, channel) = (number(2), number(2), number(2))
            let type = ConsentType.allCases.map(\.word)[number(4)]
            let status = try await send(
                .post, "/v2" + profiles[profile] + "/sections/\(section)/consents",
                #"{"type":"\#(type)","reason":"","topic_discriminator":"\#(topics[topic])","#
                    + #""channel_discriminator":"\#([email, sms][channel])"}"#)
            let current = model.held(profile, topic, channel)
            let isKept =
                current == type || (current == "confirmed-opt-in" && type != "opt-out")
                || (current == "opt-in" && type == "pending-opt-in")
            #expect(status == (current == nil ? .created : isKept ? .conflict : .noContent), about)
            if !isKept {
                model.said.append(
                    .consent(profile: profile, topic: topic, channel: channel, ofAccount: false, type))
            }
        }

        /// To a topic, or an opt-out above.
        private mutating func first(_ about: Comment) async throws {
            let (profile, topic, layer) = (number(2), number(2), number(4))
            let type = layer < 2 && number(2) == 0 ? "opt-in" : "opt-out"
            let place = [
                2: #","section_discriminator":"\#(section)""#, 3: "",
            ][
                layer,
                default: #","section_discriminator":"\#(section)","consent_list_discriminator":"\#(folder)","#
                    + #""topic_discriminator":"\#(topics[topic])""#]
            let status = try await send(
                .post, addresses[profile] + "/consents", #"{"type":"\#(type)"\#(place)}"#)
            let isOfAccount = layer == 3
            let about2 = layer < 2 ? topic : nil
            let current = model.held(profile, about2, profile, ofAccount: isOfAccount)
            #expect(status == (current == nil ? .created : .noContent), about)
            if current != type, !(current == "confirmed-opt-in" && type == "opt-in") {
                model.said.append(
                    .consent(profile: profile, topic: about2, channel: profile, ofAccount: isOfAccount, type))
            }
        }

        private mutating func lift(_ about: Comment) async throws {
            let (profile, isOfAccount) = (number(2), number(2) == 0)
            let status = try await send(
                .delete, addresses[profile] + "/consents" + (isOfAccount ? "" : "?section=\(section)"))
            let isThere = model.held(profile, nil, profile, ofAccount: isOfAccount) != nil
            #expect(status == (isThere ? .noContent : .notFound), about)
            if isThere {
                model.said.append(
                    .consent(profile: profile, topic: nil, channel: profile, ofAccount: isOfAccount, nil))
            }
        }

        private mutating func suppress(_ about: Comment) async throws {
            let (channel, isSuppressed) = (number(2), number(2) == 0)
            let was = model.isSuppressed(channel)
            let path = addresses[channel] + "/suppression"
            let status =
                isSuppressed ? try await send(.put, path, #"{"reason":""}"#) : try await send(.delete, path)
            #expect(
                status == (isSuppressed ? (was ? .noContent : .created) : was ? .noContent : .notFound), about)
            model.said.append(.suppressed(channel: channel, isSuppressed))
        }

        /// Or undo it.
        private mutating func merge(_ about: Comment) async throws {
            if model.isMerged {
                let path = "/audience/profiles/merges/keyspaces/com.apsis1.keyspaces.mobile/profiles/46701234567"
                let status = try await server.send(.delete, path, headers: [("Prefer", "handling=restore")]).status
                #expect(status == .noContent, about)
            } else {
                let body =
                    #"{"profiles":[{"keyspace_discriminator":"com.apsis1.keyspaces.email","profile_key":"a@b.se"},"#
                    + #"{"keyspace_discriminator":"com.apsis1.keyspaces.mobile","profile_key":"46701234567"}]}"#
                #expect(try await send(.put, "/audience/profiles/merges", body) == .noContent, about)
            }
            model.isMerged.toggle()
        }

        func compare(_ about: Comment) async throws {
            for profile in 0..<2 {
                for topic in 0..<2 {
                    let path = addresses[profile] + "/may-send?section=\(section)&topic=\(topics[topic])"
                    let answer = try await server.send(.get, path).json
                    let expected =
                        model.isSuppressed(profile)
                        ? "suppressed" : model.effective(profile, topic, profile) ?? "no-consent"
                    #expect(answer["reason"]?.string == expected, about)
                    #expect(answer["may_send"]?.bool == ["opt-in", "confirmed-opt-in"].contains(expected), about)
                }
                let lists = addresses[profile] + "/consents/sections/\(section)/consent-lists/\(folder)/evaluations"
                let evaluated = try await server.send(.get, lists).json["items"]?.array?
                    .compactMap { $0["topic_discriminator"]?.string }
                let allowed = (0..<2).filter { topic in
                    !model.isSuppressed(profile)
                        && ["opt-in", "confirmed-opt-in"].contains(model.effective(profile, topic, profile))
                }
                #expect(evaluated == allowed.map { topics[$0] }, about)
                let listed =
                    try await server.send(
                        .get, "/v2" + profiles[profile] + "/sections/\(section)/consents"
                    ).json["items"]?.array ?? []
                let shown = listed.map { item in
                    "\(item["topic_discriminator"]?.string ?? "") \(item["channel_discriminator"]?.string ?? "") "
                        + "\(item["type"]?.string ?? "")"
                }
                var expected: [String] = []
                for topic in 0..<2 {
                    for channel in 0..<2 where model.held(profile, topic, channel) != nil {
                        let type = model.effective(profile, topic, channel) ?? ""
                        expected.append(
                            "\(topics[topic]) \([email, sms][channel]) \(type.hasSuffix("opt-out") ? "opt-out" : type)")
                    }
                }
                #expect(shown == expected, about)
            }
        }
    }

    @Test("leave the state that the rules say", arguments: UInt64(1)...4)
    func anyOrder(seed: UInt64) async throws {
        try await TestServer.run { server in
            let base = "/v2/audience/sections/\(Self.section)"
            var answers = [
                try await server.send(
                    .post, base + "/folders", body: #"{"name":"L","discriminator":"\#(Self.folder)"}"#)
            ]
            for topic in Self.topics {
                let body = #"{"name":"\#(topic)","discriminator":"\#(topic)","folder_discriminator":"\#(Self.folder)"}"#
                answers.append(try await server.send(.post, base + "/topics", body: body))
            }
            for (keyspace, key) in [("email", "a@b.se"), ("mobile", "46701234567")] {
                let path = "/audience/keyspaces/com.apsis1.keyspaces.\(keyspace)/sections/\(Self.section)/profiles"
                answers.append(try await server.send(.post, path, body: #"{"profile_key":"\#(key)"}"#))
            }
            #expect(answers.allSatisfy { $0.status == .created }, "\(answers.map(\.text))")
            var player = Player(server: server, random: SeededGenerator(seed: seed))
            for step in 0..<120 {
                let about: Comment = "seed \(seed), step \(step)"
                try await player.step(about)
                try await player.compare(about)
            }
        }
    }
}

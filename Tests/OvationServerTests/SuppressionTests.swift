import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

@Suite("Suppressions, lifts, and what else is kept of consents")
struct SuppressionTests {
    private static let section = Fixtures.section
    private static let topic = "usercreated.topics.offers-0123456789"
    private static let folder = "usercreated.targets.letters-0123456789"
    private static let channel = "/audience/channels/com.apsis1.channels.email"
    private static let suppressions = channel + "/suppressions"
    private static let definitions = "/v2/audience/sections/\(section)"
    private static let profiles = "/audience/keyspaces/com.apsis1.keyspaces.email/profiles"
    private static let steve = channel + "/addresses/Steve%40apsis.com"

    /// With a folder and a topic.
    private static func run(_ test: @Sendable (TestServer) async throws -> Void) async throws {
        try await TestServer.run { server in
            for (path, body) in [
                ("/folders", #"{"name":"Letters","discriminator":"\#(folder)"}"#),
                ("/topics", #"{"name":"Offers","discriminator":"\#(topic)","folder_discriminator":"\#(folder)"}"#),
            ] {
                let answer = try await server.send(.post, definitions + path, body: body)
                #expect(answer.status == .created, "\(answer.text)")
            }
            try await test(server)
        }
    }

    private func suppress(_ server: TestServer, _ address: String, _ body: String) async throws {
        let path = Self.channel + "/addresses/\(address)/suppression"
        #expect(try await server.send(.put, path, body: body).status == .created)
    }

    private func optOut(
        _ server: TestServer, _ address: String = steve, inSection isInSection: Bool = true
    ) async throws {
        let more = isInSection ? #","section_discriminator":"\#(Self.section)""# : ""
        let answer = try await server.send(.post, address + "/consents", body: #"{"type":"opt-out"\#(more)}"#)
        #expect(answer.status == .created, "\(answer.text)")
    }

    // MARK: The list

    @Test("suppressions are listed by hashes, in pages, with who asked for them, when and why")
    func list() async throws {
        try await Self.run { server in
            let empty = try await server.send(.get, Self.suppressions)
            #expect(empty.text == #"{"items":[],"next_cursor":null}"#)
            for name in ["a", "b", "c", "d", "e"] {
                try await suppress(server, name + "%40b.se", #"{"reason":"of \#(name)","source":"Complaints"}"#)
                server.clock.advance(by: .seconds(1))
            }
            #expect(
                try await server.send(.delete, Self.channel + "/addresses/c%40b.se/suppression").status == .noContent)
            for limit in [1, 2, 4, 100] {
                var (items, cursor) = ([JSONValue](), "")
                repeat {
                    let page = try await server.send(.get, Self.suppressions + "?limit=\(limit)\(cursor)").json
                    let found = try #require(page["items"]?.array)
                    #expect(found.count <= limit)
                    items += found
                    cursor = page["next_cursor"]?.string.map { "&cursor=" + $0 } ?? ""
                } while !cursor.isEmpty
                #expect(Set(items.map { $0["reason"]?.string }) == ["of a", "of b", "of d", "of e"], "\(limit)")
                let hashes = items.compactMap { $0["address_hash"]?.string }
                #expect(
                    hashes == hashes.sorted() && Set(hashes).count == 4 && hashes.allSatisfy { $0.utf8.count == 64 })
                #expect(items.allSatisfy { $0["modified_by"]?.string == TestServer.clientID })
                #expect(items.allSatisfy { $0["source"]?.string == "Complaints" })
                let last = items.first { $0["reason"]?.string == "of e" }
                #expect(last?["modified_at"]?.string == "2026-11-23T12:00:04.000Z")
            }
            let text = try await server.send(.get, Self.suppressions).text
            #expect(!text.contains("b.se"))
        }
    }

    @Test("only admins list suppressions, and a cursor of another list is refused")
    func refusesList() async throws {
        try await Self.run { server in
            let (_, token) = try await server.token(ofNewKey: #"{"name":"Shop"}"#)
            for path in [Self.suppressions, Self.steve + "/suppression/history"] {
                #expect(try await server.send(.get, path, token: token).status == .forbidden)
            }
            let hash = String(repeating: "0a", count: 32)
            #expect(try await server.send(.get, Self.suppressions + "?cursor=s" + hash).status == .ok)
            for query in ["cursor=c" + hash, "cursor=s" + hash.dropLast(2), "cursor=sxyz", "limit=501", "limit=0"] {
                #expect(try await server.send(.get, Self.suppressions + "?" + query).status == .badRequest, "\(query)")
            }
            let gone = Self.suppressions.replacing("channels.email", with: "channels.none")
            #expect(try await server.send(.get, gone).code == "channel_not_found")
        }
    }

    // MARK: Histories

    @Test("the history of an address has why it was suppressed, and why that was lifted")
    func history() async throws {
        try await Self.run { server in
            let path = Self.steve + "/suppression"
            #expect(try await server.send(.get, path + "/history").code == "suppression_not_found")
            try await suppress(server, "steve%40apsis.com", #"{"reason":"spam","source":"Complaints"}"#)
            server.clock.advance(by: .seconds(1))
            let lifted = try await server.send(.delete, path + "?reason=a%20mistake%C3%A9&source=Desk")
            #expect(lifted.status == .noContent)
            #expect(try await server.send(.get, path).status == .notFound)
            #expect(try await server.send(.delete, path).code == "suppression_not_found")
            try await suppress(server, "steve%40apsis.com", #"{"reason":"again"}"#)
            let all = try await server.send(.get, path + "/history").json["items"]?.array ?? []
            #expect(all.map { $0["suppressed"]?.bool } == [true, false, true])
            #expect(all.map { $0["reason"]?.string } == ["again", "a mistakeé", "spam"])
            #expect(all.map { $0["source"]?.string } == ["One API", "Desk", "Complaints"])
            #expect(all.allSatisfy { $0["changed_by"]?.string == TestServer.clientID })
            #expect(
                all.map { $0["changed_at"]?.string } == [
                    "2026-11-23T12:00:01.000Z", "2026-11-23T12:00:01.000Z", "2026-11-23T12:00:00.000Z",
                ])
            let first = try await server.send(.get, path + "/history?limit=1").json
            let cursor = try #require(first["next_cursor"]?.string)
            let rest = try await server.send(.get, path + "/history?cursor=\(cursor)").json
            #expect(rest["items"]?.array == Array(all.dropFirst()) && rest["next_cursor"] == .null)
            // The person goes, and this stays.
            let person = Self.profiles + "/steve%40apsis.com"
            _ = try await server.send(
                .post, Self.profiles.replacing("/profiles", with: "/sections/\(Self.section)/profiles"),
                body: #"{"profile_key":"steve@apsis.com"}"#)
            #expect(try await server.send(.delete, person).status == .noContent)
            #expect(try await server.send(.get, path + "/history").json["items"]?.array == all)
        }
    }

    @Test("a lift of an opt-out has a source and a reason, in the history of the profile")
    func lifts() async throws {
        try await Self.run { server in
            let profile = Self.profiles + "/steve%40apsis.com/sections/\(Self.section)"
            for inSection in [true, false] {
                try await optOut(server, inSection: inSection)
                let query = "?reason=called%20back&source=Desk" + (inSection ? "&section=\(Self.section)" : "")
                #expect(try await server.send(.delete, Self.steve + "/consents" + query).status == .noContent)
                #expect(try await server.send(.delete, Self.steve + "/consents" + query).code == "consent_not_found")
                let history = try await server.send(.get, "/v2" + profile + "/consents/history?limit=1").json
                let last = try #require(history["items"]?.array?.first)
                #expect(last["to"] == .null && last["of_account"]?.bool == !inSection)
                #expect(last["from"]?["type"]?.string == "opt-out")
                #expect(last["lift"]?["reason"]?.string == "called back" && last["lift"]?["source"]?.string == "Desk")
                let changes = try await server.send(.get, profile + "/changes?limit=1").json["items"]?.array?.first
                let field = changes?["changes"]?.array?.first
                #expect(field?["to"] == .null && field?["consent"]?["lift"]?["reason"]?.string == "called back")
            }
            let consents = try await server.send(.get, "/v2" + profile + "/consents").json
            #expect(consents["opt_outs"]?.array == [] && consents["items"]?.array == [])
            // It can be said again, and is then new.
            try await optOut(server)
            let silent = try await server.send(.delete, Self.steve + "/consents?section=\(Self.section)")
            #expect(silent.status == .noContent)
            let history = try await server.send(.get, "/v2" + profile + "/consents/history?limit=1").json
            let last = history["items"]?.array?.first?["lift"]
            #expect(last?["reason"]?.string == "" && last?["source"]?.string == "One API")
        }
    }

    @Test("a reason that is too long, or a parameter that is not known, lifts nothing")
    func refusesLifts() async throws {
        try await Self.run { server in
            try await suppress(server, "steve%40apsis.com", #"{"reason":""}"#)
            try await optOut(server)
            let long = String(repeating: "x", count: Limits.consentTextLengthMax + 1)
            for path in [Self.steve + "/suppression?", Self.steve + "/consents?section=\(Self.section)&"] {
                for query in ["reason=\(long)", "source=\(long)", "reason=", "because=x"] {
                    let answer = try await server.send(.delete, path + query)
                    #expect(answer.status == .badRequest && answer.code == "invalid_parameter", "\(query.prefix(20))")
                }
                let fits = "reason=" + long.dropLast()
                let checked = try await server.send(.delete, path + fits, headers: [("Prefer", "validate-only")])
                #expect(checked.status == .noContent, "\(checked.text)")
                #expect(try await server.send(.delete, path + fits).status == .noContent)
            }
        }
    }

    // MARK: Repeats

    @Test("a repeat of a consent on an address gets the first answer, even if its topic is gone")
    func repeats() async throws {
        try await Self.run { server in
            let key = [("Idempotency-Key", "k1")]
            func post(_ type: String) async throws -> TestServer.Answer {
                let body =
                    #"{"type":"\#(type)","section_discriminator":"\#(Self.section)","#
                    + #""consent_list_discriminator":"\#(Self.folder)","topic_discriminator":"\#(Self.topic)"}"#
                return try await server.send(.post, Self.steve + "/consents", body: body, headers: key)
            }
            #expect(try await post("opt-in").status == .created)
            #expect(try await server.send(.delete, Self.definitions + "/topics/" + Self.topic).status == .noContent)
            let again = try await post("opt-in")
            #expect(again.status == .noContent && again.header("Idempotency-Replayed") == "true", "\(again.text)")
            #expect(try await post("opt-out").code == "idempotency_key_reused")
        }
    }

    // MARK: Many profiles of one address

    @Test(
        "thousands of profiles with one address are asked, and beyond the limit only a no is an answer",
        .timeLimit(.minutes(30)))
    func manyProfiles() async throws {
        try await Self.run { server in
            let question = Self.steve + "/may-send?section=\(Self.section)&topic=\(Self.topic)"
            let lists = "/consents/sections/\(Self.section)/consent-lists/\(Self.folder)/evaluations"
            // The e-mail address, in the section of the fixtures.
            let address = ProfileEdit(.attribute(17), ProfileValue(version: 17, value: .string("steve@apsis.com")))
            func hold(_ numbers: Range<Int>) async throws {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in numbers {
                        group.addTask {
                            let profile = try ProfileAddress("w\(number)", in: BuiltIn.keyspaces[3], account: 1)
                            let consent = Consent(.optIn, source: "", reason: "")
                            let change = ProfileChange(
                                profile: profile, at: server.clock.now, actor: "me", precondition: .none,
                                operations: [
                                    .update(section: 2, [address]),
                                    .consent(section: 2, [ConsentEdit(ConsentPlace(topic: 1, channel: 1), consent)]),
                                ])
                            let outcome = try await server.store.change(change)
                            if case .consented = outcome { return }
                            Issue.record("\(outcome)")
                        }
                    }
                    try await group.waitForAll()
                }
            }
            try await hold(0..<Limits.addressProfilesMax)
            #expect(try await server.send(.get, question).json["reason"]?.string == "opt-in")
            #expect(try await server.send(.get, Self.steve + lists).json["items"]?.array?.count == 1)
            let many = Limits.addressProfilesMax
            try await hold(many..<many + 1)
            for path in [question, Self.steve + lists] {
                let answer = try await server.send(.get, path)
                #expect(answer.status == .badRequest && answer.code == "limit_exceeded", "\(answer.text)")
            }
            try await optOut(server)
            #expect(try await server.send(.get, question).json["reason"]?.string == "section-opt-out")
            #expect(try await server.send(.get, Self.steve + lists).json["items"]?.array == [])
            let lift = try await server.send(.delete, Self.steve + "/consents?section=\(Self.section)")
            #expect(lift.code == "limit_exceeded", "\(lift.text)")
        }
    }

    // MARK: Exports and receipts

    @Test("an export of any section has the opt-outs of the account, and no suppressions")
    func exports() async throws {
        try await Self.run { server in
            try await optOut(server, inSection: false)
            try await suppress(server, "steve%40apsis.com", #"{"reason":"of the suppression"}"#)
            #expect(try await server.send(.delete, Self.steve + "/consents?reason=called%20back").status == .noContent)
            for section in [Self.section, "com.apsis1.sections.default"] {
                let path = "/audience/sections/\(section)/events/export?include=changes&summary=true"
                let text = try await server.send(.get, path).text
                let lines = try text.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
                let said = lines.compactMap { $0["data"]?["changes"]?.array?.first?["consent"] }
                #expect(said.map { $0["of_account"]?.bool } == [true, true], "\(section): \(text)")
                #expect(said.first?["to"]?["type"]?.string == "opt-out")
                #expect(said.last?["lift"]?["reason"]?.string == "called back")
                #expect(lines.first?["profile_key"]?.string == "steve@apsis.com")
                #expect(lines.last?["summary"]?["changes"]?.int == 2 && lines.last?["summary"]?["left_out"]?.int == 0)
                #expect(!text.contains("of the suppression"))
            }
        }
    }

    @Test("the receipt of a deleted profile says how many consents went")
    func receipts() async throws {
        try await Self.run { server in
            try await optOut(server)
            try await optOut(server, inSection: false)
            #expect(try await server.send(.delete, Self.steve + "/consents").status == .noContent)
            let deleted = try await server.send(.delete, Self.profiles + "/steve%40apsis.com")
            let id = try #require(deleted.header("Erasure-Id"))
            var receipt: JSONValue = .null
            try await waitUntil {
                receipt = try await server.send(.get, "/audience/erasures/" + id).json
                return receipt["completed_at"]?.string != nil
            }
            #expect(receipt["removed"]?["consents"]?.int == 1, "the one that was lifted does not count")
            #expect(receipt["removed"]?["changes"]?.int == 3)
        }
    }
}

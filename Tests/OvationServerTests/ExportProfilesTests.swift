import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

@Suite("GET …/profiles/export")
struct ExportProfilesTests {
    private static let path = "/audience/sections/\(Fixtures.section)/profiles/export"
    private static let (email, web) = (Fixtures.emailKeyspace, "com.apsis1.keyspaces.web")
    private static let topic = "usercreated.topics.offers-0123456789"
    private static let folder = "usercreated.targets.letters-0123456789"
    private static let tag = "usercreated.tags.vip-0123456789"

    private func export(
        _ server: TestServer, _ query: String = "", token: String? = "admin"
    ) async throws -> [String] {
        let answer = try await server.send(.get, Self.path + query, token: token)
        #expect(answer.status == .ok, "\(answer.text)")
        return answer.text.split(separator: "\n").map(String.init)
    }

    private func succeed(
        _ server: TestServer, _ method: HTTPRequest.Method, _ path: String, _ body: String,
        location: SourceLocation = #_sourceLocation
    ) async throws {
        let answer = try await server.send(method, path, body: body)
        #expect(answer.status.kind == .successful, "\(answer.text)", sourceLocation: location)
    }

    private func set(
        _ server: TestServer, _ keyspace: String, _ key: String, _ values: String
    ) async throws {
        let profile = "/audience/keyspaces/\(keyspace)/profiles/\(key)/sections/\(Fixtures.section)"
        try await succeed(server, .patch, profile + "/attributes", "{}")
        try await succeed(server, .patch, "/v2\(profile)/attributes", values)
    }

    private func merge(_ server: TestServer, _ one: (String, String), _ other: (String, String)) async throws {
        let keys = [one, other].map { #"{"keyspace_discriminator":"\#($0.0)","profile_key":"\#($0.1)"}"# }
        try await succeed(
            server, .put, "/audience/profiles/merges", #"{"profiles":[\#(keys.joined(separator: ","))]}"#)
    }

    /// Steve, by an e-mail address and a key for the web, with everything that a profile can hold; and somebody without data.
    private static func run(_ test: @Sendable (ExportProfilesTests, TestServer) async throws -> Void) async throws {
        let tests = ExportProfilesTests()
        try await TestServer.run { server in
            let sections = "audience/sections/\(Fixtures.section)"
            for (path, body) in [
                ("/\(sections)/tags", #"{"name":"VIP","discriminator":"\#(tag)"}"#),
                ("/v2/\(sections)/folders", #"{"name":"Letters","discriminator":"\#(folder)"}"#),
                (
                    "/v2/\(sections)/topics",
                    #"{"name":"Offers","discriminator":"\#(topic)","folder_discriminator":"\#(folder)"}"#
                ),
            ] { try await tests.succeed(server, .post, path, body) }
            try await tests.set(
                server, email, "steve%40apsis.com",
                #"{"com.apsis1.attributes.firstname":"Steve \"ü\"","com.apsis1.attributes.mobile":46793699558}"#)
            server.clock.advance(by: .seconds(60))
            let profile = "/audience/keyspaces/\(email)/profiles/steve%40apsis.com/sections/\(Fixtures.section)"
            try await tests.succeed(server, .patch, profile + "/tags", #"{"\#(tag)":true}"#)
            let consent = #"{"type":"opt-in","topic_discriminator":"\#(topic)","#
            for channel in ["email", "sms"] {
                try await tests.succeed(
                    server, .post, "/v2\(profile)/consents",
                    consent + #""channel_discriminator":"com.apsis1.channels.\#(channel)","reason":"why"}"#)
            }
            try await tests.succeed(
                server, .post, "/audience/channels/com.apsis1.channels.sms/addresses/46793699558/consents",
                #"{"type":"opt-out"}"#)
            try await tests.set(server, web, "w", "{}")
            try await tests.merge(server, (email, "steve@apsis.com"), (web, "w"))
            try await tests.set(server, email, "nobody%40apsis.com", "{}")
            try await test(tests, server)
        }
    }

    private static func steve(_ lines: [String]) throws -> JSONValue {
        let line = try #require(lines.first { $0.contains("steve@apsis.com") })
        return try JSONValue(parsing: line)
    }

    @Test("gives each profile once, as its description says, byte for byte")
    func lines() async throws {
        try await Self.run { tests, server in
            for query in ["", "?set_at=true"] {
                let lines = try await tests.export(server, query)
                #expect(lines.count == 2)
                for line in lines {
                    let json = try JSONValue(parsing: line)
                    let body = try Bodies.ExportedProfile(json: json)
                    #expect(JSONWriter.write(body.json) == Array(line.utf8), "\(line)")
                }
            }
            let line = try Self.steve(try await tests.export(server, "?set_at=true"))
            #expect(line["keys"]?.array?.map { $0["key"]?.string } == ["steve@apsis.com", "w"])
            #expect(line["created_at"] == "2026-11-23T12:00:00.000Z" && line["state"] == "open")
            #expect(
                line["attributes"].map { JSONWriter.write($0) }
                    == Array(
                        #"{"com.apsis1.attributes.mobile":46793699558,"com.apsis1.attributes.firstname":"Steve \"ü\""}"#
                            .utf8))
            #expect(line["tags"] == .array([.string(Self.tag)]))
            #expect(line["consents"]?.array?.map { $0["type"]?.string } == ["opt-in", "opt-in"])
            #expect(line["set_at"]?[Self.tag] == "2026-11-23T12:01:00.000Z")
            let shown = try await server.send(.get, "/audience/keyspaces/\(Self.web)/profiles/w").json
            #expect(line["profile_id"] == shown["profile_id"])
        }
    }

    @Test("goes on behind each line, and ends with a summary where asked")
    func goesOn() async throws {
        try await Self.run { tests, server in
            let whole = try await tests.export(server)
            for (index, line) in whole.enumerated() {
                let cursor = try JSONValue(parsing: line)["cursor"]?.string ?? ""
                let rest = try await tests.export(server, "?summary=true&after=\(cursor)")
                let left = whole.count - index - 1
                #expect(rest.dropLast() == whole.dropFirst(index + 1))
                #expect(rest.last == #"{"summary":{"profiles":\#(left),"left_out":0}}"#)
            }
            // What is merged since the export began, into somebody who was passed, is given where it stands.
            for key in ["x1", "x2"] { try await tests.set(server, Self.web, key, "{}") }
            let lines = try await tests.export(server).filter { $0.contains("\"x") }
            let cursor = try JSONValue(parsing: try #require(lines.first))["cursor"]?.string ?? ""
            try await tests.merge(server, (Self.web, "x1"), (Self.web, "x2"))
            let after = try await tests.export(server, "?after=\(cursor)").filter { $0.contains("\"x") }
            #expect(after.count == 1 && after[0].contains("\"x1\"") && after[0].contains("\"x2\""))
            #expect(try await tests.export(server).filter { $0.contains("\"x") }.count == 1)
            for query in [
                "?format=xml", "?after=x", "?after=p-0123456789abcdef", "?after=p1-0123456789abcdeg", "?formulas=x",
                "?summary=x", "?set_at=x", "?bom=x", "?format=csv&set_at=true", "?after=c12",
            ] {
                let answer = try await server.send(.get, Self.path + query)
                #expect(["invalid_parameter", "invalid_cursor"].contains(answer.code), "\(query)")
            }
            #expect(try await server.send(.get, Self.path, token: nil).status == .unauthorized)
        }
    }

    @Test("shows no key of a keyspace that the API key may not read, and what one of the others may read")
    func rights() async throws {
        try await Self.run { tests, server in
            func token(_ keyspaces: String, more: String = "") async throws -> String {
                try await server.token(ofNewKey: #"{"name":"a","keyspaces":{\#(keyspaces)}\#(more)}"#).token
            }
            let reader = try await token(#""\#(Self.web)":"read""#)
            let lines = try await tests.export(server, "?summary=true", token: reader)
            #expect(lines.count == 2 && lines[1] == #"{"summary":{"profiles":1,"left_out":1}}"#)
            let line = try JSONValue(parsing: lines[0])
            #expect(line["keys"]?.array?.map { $0["key"]?.string } == ["w"] && !lines[0].contains("@"))
            #expect(line["attributes"]?.members?.count == 2)
            // Nothing of it is for the keyspace of the web.
            let attribute = "/audience/sections/\(Fixtures.section)/attributes/com.apsis1.attributes.firstname"
            let forbidden = #"{"keyspace_permissions":{"\#(Self.web)":{}}}"#
            try await tests.succeed(server, .patch, attribute, forbidden)
            let less = try await tests.export(server, token: reader)
            #expect(!less[0].contains("firstname") && less[0].contains("mobile"))
            // Through the e-mail address it may be read.
            #expect(try Self.steve(try await tests.export(server))["attributes"]?.members?.count == 2)
            let past = "?ignore_keyspace_permissions=true"
            #expect(try await server.send(.get, Self.path + past, token: reader).code == "admin_required")
            let csv = try await tests.export(server, "?format=csv", token: reader)
            #expect(csv[0].contains("keys.\(Self.web)") && !csv[0].contains("keyspaces.email"))
            #expect(!csv[0].contains("firstname") && !csv.joined().contains("@") && csv.count == 2)
            let blind = try await token("")
            #expect(try await server.send(.get, Self.path, token: blind).code == "keyspace_forbidden")
            let elsewhere = try await server.token(
                ofNewKey: #"{"name":"c","sections":["com.apsis1.sections.default"]}"#)
            #expect(try await server.send(.get, Self.path, token: elsewhere.token).code == "section_not_found")
        }
    }

    @Test("CSV has a column for each keyspace, attribute, tag and consent, and guards what would be calculated")
    func csv() async throws {
        try await Self.run { tests, server in
            try await tests.set(server, Self.web, "%3D1%2B1", #"{"com.apsis1.attributes.lastname":""}"#)
            try await tests.merge(server, (Self.email, "steve@apsis.com"), (Self.web, "=1+1"))
            let answer = try await server.send(.get, Self.path + "?format=csv&bom=true")
            #expect(answer.header("Content-Type")?.hasPrefix("text/csv") == true)
            #expect(answer.text.hasPrefix("\u{FEFF}profile_id,created_at,state,keys.com.apsis1.keyspaces.email,"))
            let head = try #require(answer.text.split(separator: "\r\n").first).split(separator: ",").map(String.init)
            func row(_ query: String) async throws -> [String: String] {
                let text = try await server.send(.get, Self.path + "?format=csv" + query).text
                let line = try #require(text.split(separator: "\r\n").first { $0.contains("steve@") })
                // No text has a comma here.
                let cells = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
                #expect(cells.count == head.count)
                return Dictionary(zip(head, cells), uniquingKeysWith: { $1 })
            }
            let guarded = try await row("")
            #expect(guarded["keys.\(Self.email)"] == "steve@apsis.com" && guarded["state"] == "open")
            #expect(guarded["keys.\(Self.web)"] == "\"w\n'=1+1\"")
            #expect(guarded["attributes.com.apsis1.attributes.firstname"] == #""Steve ""ü""""#)
            #expect(guarded["attributes.com.apsis1.attributes.mobile"] == "46793699558")
            #expect(guarded["attributes.com.apsis1.attributes.lastname"] == #""""#)
            #expect(guarded["attributes.com.apsis1.attributes.birthdate"] == "")
            #expect(guarded["tags.\(Self.tag)"] == "true")
            #expect(guarded["consents.\(Self.topic).com.apsis1.channels.email"] == "opt-in")
            #expect(guarded["opt_outs.com.apsis1.channels.email"] == "")
            #expect(try await row("&formulas=keep")["keys.\(Self.web)"] == "\"w\n=1+1\"")
        }
    }

    @Test("a deleted profile is not there, and a locked one shows its keys and nothing else")
    func gone() async throws {
        try await Self.run { tests, server in
            let profiles = "/audience/keyspaces/\(Self.email)/profiles/"
            try await tests.succeed(server, .put, profiles + "nobody%40apsis.com/locks", "")
            // The lock spreads, and what the other holds stays until it is locked by itself.
            try await tests.merge(server, (Self.web, "w"), (Self.email, "nobody@apsis.com"))
            let lines = try await tests.export(server)
            let line = try Self.steve(lines)
            #expect(line["state"] == "locked" && line["attributes"]?.members?.isEmpty == true)
            #expect(line["tags"] == .array([]) && line["consents"] == .array([]))
            #expect(!lines.joined().contains("nobody"))
            try await tests.succeed(server, .put, profiles + "steve%40apsis.com/locks", "")
            #expect(try await tests.export(server).allSatisfy { !$0.contains("steve") })
        }
    }
}

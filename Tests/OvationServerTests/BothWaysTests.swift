import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

/// A request is answered on its event loop, or by the framework; nobody can tell which.
@Suite("Requests by both ways")
struct BothWaysTests {
    private static let limits: Limits = {
        var limits = Limits()
        limits.bodyBytesMax = 8 * 1024
        limits.itemsMax = 20
        // Many tests run at once, so a server may have to wait for its turn as long as for a slow client.
        limits.bodyTimeout = .seconds(600)
        limits.answerTimeout = .seconds(600)
        limits.idleTimeout = .seconds(600)
        return limits
    }()

    /// What one server did with all connections, and what it says of itself then.
    private struct Record: Sendable, Equatable {
        var answers: [String] = []
        var counts: [String] = []
        var rejections = ""
        /// Events, changes, tags and consents of profiles.
        var stored: [String] = []
    }

    @Test("thousands of requests get the same bytes, are counted alike, and leave the same events", arguments: [1, 2])
    func sameAnswers(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let basePath = try BasePath(seed == 1 ? "" : "/ovation")
        let connections = (0..<400).map { GeneratedConnection(number: $0, basePath: basePath.text, using: &random) }
        let fast = try await record(connections, hasFastRequests: true, basePath)
        let slow = try await record(connections, hasFastRequests: false, basePath)
        for (connection, (fast, slow)) in zip(connections, zip(fast.answers, slow.answers)) where fast != slow {
            Issue.record("seed \(seed):\n\(connection.text)\n--- fast:\n\(fast)\n--- slow:\n\(slow)")
            break
        }
        #expect(fast.counts == slow.counts)
        #expect(fast.rejections == slow.rejections)
        let areEqual = fast.stored == slow.stored
        #expect(areEqual, "not the same is stored")
        let stored = fast.stored.joined()
        for endpoint: Endpoint in [
            .postEvents, .changeAttributeValues, .changeAttributeValuesByName, .changeProfileTags, .postConsent,
        ] {
            let label = "endpoint=\"\(endpoint.name)\",status=\"204\""
            #expect(fast.counts.contains { $0.contains(label) }, "none was answered 204: \(label)")
        }
        #expect(fast.counts.contains { $0.contains("endpoint=\"listEvents\",status=\"200\"") }, "no page was read")
        #expect(fast.answers.contains { $0.contains("Link: <?") || $0.contains("link: <?") }, "no page was followed")
        for word in ["version_id", "com.apsis1.attributes.firstname", GeneratedRequest.tag, GeneratedRequest.topic] {
            #expect(stored.contains(word), "none was stored: \(word)")
        }
        for status in [
            " 201 ", " 204 ", " 207 ", " 400 ", " 401 ", " 403 ", " 404 ", " 405 ", " 409 ", " 410 ", " 413 ", " 415 ",
        ] {
            #expect(fast.answers.contains { $0.contains(status) }, "none was answered\(status)")
        }
    }

    private func record(
        _ connections: [GeneratedConnection], hasFastRequests: Bool, _ basePath: BasePath
    ) async throws -> Record {
        try await LiveServer.run(hasFastRequests: hasFastRequests, limits: Self.limits, basePath: basePath) { server in
            let test = server.test
            var tokens = ["admin": test.adminToken]
            let reader = #"{"name":"r","role":"integration","keyspaces":{"com.apsis1.keyspaces.email":"read"}}"#
            tokens["reader"] = try await test.token(ofNewKey: reader).token
            let gone = try await test.token(ofNewKey: #"{"name":"g","role":"integration"}"#)
            tokens["gone"] = gone.token
            // Each is known from here on, as those of real clients are.
            for token in tokens.values { _ = try await test.send(.get, TestServer.eventsPath(), token: token) }
            _ = try await test.send(.delete, "/account/api-keys/\(gone.clientID)")
            try await define(test)
            let lock = Endpoint.lockProfile.path(["keyspace": Fixtures.emailKeyspace, "key": "locked@b.se"])
            #expect(try await test.post(GeneratedConnection.plainBody, key: "locked%40b.se").status == .noContent)
            #expect(try await test.send(.put, lock).status.kind == .successful)
            var record = Record()
            for connection in connections {
                let answers = try await server.exchange(
                    connection.pieces(tokens: tokens), isCut: connection.isCut)
                record.answers.append(Self.normal(answers))
            }
            let metrics = try await test.send(.get, "/metrics").text.split(separator: "\n").map(String.init)
            record.counts = metrics.filter {
                $0.hasPrefix("ovation_requests_total") || $0.hasPrefix("ovation_events_total")
                    || $0.hasPrefix("ovation_event_type_events_total")
            }
            record.rejections = try await test.send(.get, "/audience/rejections?limit=100").text
            for key in GeneratedConnection.keys.prefix(3) {
                let path = TestServer.eventsPath(key)
                for path in [path + "?limit=1000", path.replacing("/events", with: "/changes") + "?limit=200"] {
                    record.stored.append(try await test.send(.get, path).text)
                }
            }
            return record
        }
    }

    private func define(_ test: TestServer) async throws {
        let section = "/audience/sections/\(Fixtures.section)"
        let folder = #""folder_discriminator":"\#(GeneratedRequest.folder)""#
        for (path, body) in [
            ("\(section)/tags", #"{"name":"Customer","discriminator":"\#(GeneratedRequest.tag)"}"#),
            ("/v2\(section)/folders", #"{"name":"Letters","discriminator":"\#(GeneratedRequest.folder)"}"#),
            ("/v2\(section)/topics", #"{"name":"O","discriminator":"\#(GeneratedRequest.topic)",\#(folder)}"#),
            (
                "/v2\(section)/topics",
                #"{"name":"S","discriminator":"\#(GeneratedRequest.smsTopic)","channel_discriminator":"#
                    + #""com.apsis1.channels.sms",\#(folder)}"#
            ),
        ] {
            let answer = try await test.send(.post, path, body: body)
            #expect(answer.status == .created, "\(answer.text)")
        }
    }

    /// Without what is different each time: the date, and ids that the server gave.
    private static func normal(_ answers: String) -> String {
        let text = answers.replacing(/(?i)date: [^\r]*\r\n/, with: "")
            .replacing(/(?i)x-request-id: [a-z0-9]{9,}-[a-z0-9]+\r\n/, with: "X-Request-Id: ID\r\n")
        let body = text.replacing(/"request_id":"[a-z0-9]{9,}-[a-z0-9]+"/, with: "\"request_id\":\"ID\"")
        // A body with such an id is as long as the id makes it.
        return body == text ? text : body.replacing(/(?i)content-length: [0-9]+\r\n/, with: "")
    }
}

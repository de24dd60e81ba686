import HTTPTypes
import Logging
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

@Suite("Events past their retention")
struct EventRetentionTests {
    private static let section = "/audience/sections/\(Fixtures.section)/events"
    private static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func events(of key: String) -> String {
        "/audience/keyspaces/\(Fixtures.emailKeyspace)/profiles/\(key)/sections/\(Fixtures.section)/events"
    }

    private func post(_ server: TestServer, _ key: String, version: String, daysAgo: [Int64]) async throws {
        let items = daysAgo.map { days in
            let time = server.clock.now.advanced(by: .seconds(-86_400 * days)).rfc3339
            return #"{"event_time":"\#(time)","version_id":\#(version),"data":{}}"#
        }
        let answer = try await server.send(
            .post, events(of: key), body: #"{"items":[\#(items.joined(separator: ","))]}"#)
        #expect(answer.status == .noContent, "\(answer.text)")
    }

    private func count(_ server: TestServer, _ key: String) async throws -> Int {
        try await server.send(.get, events(of: key) + "?limit=1000").json["items"]?.array?.count ?? -1
    }

    /// As a server that starts looks.
    private func look(_ server: TestServer) async throws -> Int {
        let directory = try Directory(
            store: server.store, contents: try await server.store.load(), logger: Self.quiet)
        return try await EventRetention(
            store: server.store, directory: directory, clock: WallClock { server.clock.now }, logger: Self.quiet
        ).removeExpired()
    }

    @Test("older events of a type go, from every profile, and nothing else does")
    func removes() async throws {
        try await TestServer.run { server in
            let body =
                #"{"name":"other","category":"signal","fields":{},"keyspace_permissions":[{"keyspace_discriminator":"\#(Fixtures.emailKeyspace)","read":true,"write":true}]}"#
            let made = try await server.send(.post, Self.section, body: body)
            let other = try #require(made.json["versions"]?.array?.first?["id"]?.string)
            #expect(made.json["retention"] == .null)
            try await post(server, "a@b.se", version: "2565266", daysAgo: [1, 29, 31, 400])
            try await post(server, "a@b.se", version: other, daysAgo: [1, 40, 400])
            try await post(server, "c@d.se", version: "2565266", daysAgo: Array(repeating: 40, count: 900))
            #expect(try await look(server) == 0)

            let type = "\(Self.section)/\(Fixtures.eventType)"
            let changed = try await server.send(.patch, type, body: #"{"retention":"P30D"}"#)
            #expect(changed.status == .ok && changed.json["retention"]?.string == "P30D", "\(changed.text)")
            #expect(
                try await server.send(.get, "/audience/log?limit=1000").text.contains(#""retention":"P30D""#))
            // Each type has its own.
            let name = try #require(made.json["discriminator"]?.string)
            let longer = try await server.send(.patch, "\(Self.section)/\(name)", body: #"{"retention":"P90D"}"#)
            #expect(longer.status == .ok, "\(longer.text)")
            let log = try await server.send(.get, "/audience/log?limit=1000")
            #expect(try await look(server) == 903)
            #expect(try await count(server, "a@b.se") == 4)
            #expect(try await count(server, "c@d.se") == 0)
            #expect(try await look(server) == 0)
            // The definition says it; the log is not filled with it.
            #expect(try await server.send(.get, "/audience/log?limit=1000").text == log.text)

            server.clock.advance(by: .seconds(86_400 * 2))
            #expect(try await look(server) == 1)
            let token = try await server.token(clientID: TestServer.clientID, secret: TestServer.clientSecret)
            #expect(
                try await server.send(.get, events(of: "a@b.se") + "?limit=9", token: token).json["items"]?.array?.count
                    == 3)
            let forGood = try await server.send(.patch, type, token: token, body: #"{"retention":""}"#)
            #expect(forGood.json["retention"] == .null)
            server.clock.advance(by: .seconds(86_400 * 1000))
            // Those of the other type.
            #expect(try await look(server) == 2)
        }
    }

    @Test("what is no retention is refused by name", arguments: ["P1M", "30", "P0D", "P200Y"])
    func refuses(text: String) async throws {
        try await TestServer.run { server in
            let type = "\(Self.section)/\(Fixtures.eventType)"
            let answer = try await server.send(.patch, type, body: #"{"retention":"\#(text)"}"#)
            #expect(answer.status == .badRequest && answer.text.contains("/retention"), "\(answer.text)")
        }
    }

    @Test("a model carries it there and back")
    func models() async throws {
        try await TestServer.run { server in
            let type = "\(Self.section)/\(Fixtures.eventType)"
            _ = try await server.send(.patch, type, body: #"{"retention":"P7Y"}"#)
            let model = try await server.send(.get, "/audience/model")
            #expect(model.text.contains(#""retention":"P7Y""#), "\(model.text)")
            let applied = try await server.send(.put, "/audience/model", body: model.text)
            #expect(applied.status == .ok, "\(applied.text)")
            #expect(try await server.send(.get, type).json["retention"]?.string == "P7Y")
        }
    }
}

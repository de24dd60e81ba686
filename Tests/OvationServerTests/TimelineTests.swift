import Foundation
import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

@Suite("Changes of a profile among its events")
struct TimelineTests {
    private static let events = TestServer.eventsPath()
    private static let changes = events + "?include=changes"
    private static let updated = "com.ovation.events.profile.updated"

    private func set(_ server: TestServer, _ values: String) async throws {
        let place = "/audience/keyspaces/\(Fixtures.emailKeyspace)/profiles/steve%40apsis.com"
        let path = "/v2\(place)/sections/\(Fixtures.section)/attributes"
        let answer = try await server.send(.patch, path, body: values)
        #expect(answer.status == .noContent, "\(answer.text)")
    }

    /// An event of 2020 and a change at 12:00, and a minute later an event of 12:00:30 and a change.
    private func fill(_ server: TestServer) async throws {
        _ = try await server.post(TestServer.items(TestServer.item()))
        try await set(server, #"{"com.apsis1.attributes.firstname":"Ada"}"#)
        server.clock.advance(by: .seconds(60))
        _ = try await server.post(TestServer.items(TestServer.item(time: "2026-11-23T12:00:30.000Z")))
        try await set(server, #"{"com.apsis1.attributes.firstname":"Bob","com.apsis1.attributes.lastname":"L"}"#)
    }

    private func items(_ server: TestServer, _ path: String) async throws -> [JSONValue] {
        let answer = try await server.send(.get, path)
        #expect(answer.status == .ok, "\(answer.text)")
        return answer.json["items"]?.array ?? []
    }

    private static func times(_ items: [JSONValue]) -> [String?] { items.map { $0["event_time"]?.string } }

    @Test("who asks for changes gets them among the events, as items with names of their own")
    func items() async throws {
        try await TestServer.run { server async throws in
            #expect(try await server.send(.get, Self.changes).code == "profile_not_found")
            try await fill(server)
            let plain = try await items(server, Self.events)
            #expect(plain.map { $0["version_id"]?.string } == ["2565266", "2565266"], "known clients see no more")
            let items = try await items(server, Self.changes)
            #expect(
                Self.times(items) == [
                    "2026-11-23T12:01:00.000Z", "2026-11-23T12:00:30.000Z", "2026-11-23T12:00:00.000Z",
                    "2020-10-14T09:43:34.471Z",
                ])
            #expect([items[1], items[3]] == plain)
            #expect(items[0]["version_id"] == .null && items[0]["discriminator"]?.string == Self.updated)
            #expect(items[0]["received_at"] == items[0]["event_time"])
            #expect(Set(items.compactMap { $0["id"]?.string }).count == 4)
            let expected = """
                {"changed_by":"\(TestServer.clientID)","changes":[{"kind":"attribute",\
                "discriminator":"com.apsis1.attributes.firstname","name":"First name","from":"Ada","to":"Bob"},\
                {"kind":"attribute","discriminator":"com.apsis1.attributes.lastname","name":"Last name","from":null,\
                "to":"L"}]}
                """
            #expect(String(decoding: JSONWriter.write(items[0]["data"] ?? .null), as: UTF8.self) == expected)
            let id = items[0]["id"]?.string ?? ""
            #expect(try await server.send(.delete, Self.events + "/" + id).status == .notFound, "a change is no event")
            #expect(try await self.items(server, Self.changes).count == 4)
        }
    }

    @Test("pages follow each other by cursor and by link, and can begin at a cursor of events alone")
    func pages() async throws {
        try await TestServer.run { server async throws in
            try await fill(server)
            let all = try await items(server, Self.changes)
            for limit in 1...5 {
                var (found, query): ([JSONValue], String?) = ([], "?limit=\(limit)&include=changes")
                while let next = query {
                    let answer = try await server.send(.get, Self.events + next)
                    found += answer.json["items"]?.array ?? []
                    let link = answer.header("Link")
                    #expect((link == nil) == (answer.json["next_cursor"] == .null))
                    query = link.flatMap { $0.split(separator: ">").first }.map { String($0.dropFirst()) }
                }
                #expect(found == all, "\(limit)")
            }
            let first = try await server.send(.get, Self.events + "?limit=1").json["next_cursor"]?.string ?? ""
            #expect(try await items(server, Self.changes + "&cursor=" + first) == Array(all.suffix(2)))
            let own = try await server.send(.get, Self.changes + "&limit=1").json["next_cursor"]?.string ?? ""
            #expect(try await server.send(.get, Self.events + "?cursor=" + own).code == "invalid_cursor")
            for query in ["include=events", "include=", "include=changes&include=changes"] {
                #expect(try await server.send(.get, Self.events + "?" + query).code == "invalid_parameter", "\(query)")
            }
        }
    }

    @Test("a range is one of events and changes; event types say nothing of changes")
    func narrows() async throws {
        try await TestServer.run { server async throws in
            try await fill(server)
            let range = "&from=2026-11-23T12:00:00Z&to=2026-11-23T12:01:00Z"
            #expect(
                Self.times(try await items(server, Self.changes + range)) == [
                    "2026-11-23T12:00:30.000Z", "2026-11-23T12:00:00.000Z",
                ])
            let type = "&event_discriminators=\(Fixtures.eventType)"
            #expect(try await items(server, Self.changes + type).count == 4)
        }
    }

    @Test("what may not be read through the keyspace is in no change")
    func permissions() async throws {
        try await TestServer.run { server async throws in
            _ = try await server.post(TestServer.items(TestServer.item()))
            try await set(server, #"{"com.apsis1.attributes.birthdate":"1993-03-07"}"#)
            server.clock.advance(by: .seconds(60))
            try await set(
                server, #"{"com.apsis1.attributes.birthdate":"1993-03-08","com.apsis1.attributes.firstname":"Ada"}"#)
            let birthdate = "/audience/sections/\(Fixtures.section)/attributes/com.apsis1.attributes.birthdate"
            let body = #"{"keyspace_permissions":{"\#(Fixtures.emailKeyspace)":{"write":true}}}"#
            #expect(try await server.send(.patch, birthdate, body: body).status == .ok)
            let key = try await server.token(ofNewKey: #"{"name":"Shop"}"#).token
            let page = try await server.send(.get, Self.changes, token: key)
            #expect(!page.text.contains("1993") && !page.text.contains("birthdate"))
            let items = page.json["items"]?.array ?? []
            #expect(items.map { $0["data"]?["changes"]?.array?.map { $0["to"]?.string } } == [["Ada"], nil])
            var (counts, cursor): ([Int?], String?) = ([], "")
            while let from = cursor {
                let path = Self.changes + "&limit=1" + (from.isEmpty ? "" : "&cursor=" + from)
                let one = try await server.send(.get, path, token: key).json
                counts.append(one["items"]?.array?.count)
                cursor = one["next_cursor"]?.string
            }
            #expect(counts == [1, 0, 1], "a page can be empty, and the next one is not")
            let all = Self.changes + "&ignore_keyspace_permissions=true"
            #expect(try await server.send(.get, all, token: key).code == "admin_required")
            #expect(try await server.send(.get, all).text.contains("1993-03-08"))
        }
    }

    @Test("the console's timeline has changes among the events, folded, and hides them where a type is chosen")
    func console() async throws {
        try await TestServer.run { server async throws in
            try await fill(server)
            let found = try await server.send(.get, "/audience/profiles?key=steve%40apsis.com").json
            let id = found["items"]?.array?.first?["profile_id"]?.string ?? ""
            let page = "/console/profiles/\(id)?section=\(Fixtures.section)"
            var client = try await ConsoleClient.signedIn(to: server)
            let text = try await client.get(page).text
            func place(_ words: String) -> String.Index? { text.range(of: words)?.lowerBound }
            let (newer, event) = (place("First name, Last name changed"), place("2026-11-23T12:00:30.000Z"))
            let older = place("First name changed")
            #expect(newer != nil && event != nil && older != nil)
            if let newer, let event, let older { #expect(newer < event && event < older) }
            #expect(text.contains("<summary>Before and after</summary>"))
            #expect(try await !client.get(page + "&type=" + Fixtures.eventType).text.contains("First name changed"))
            _ = try await client.post("/console/mask", [("masked", "on"), ("back", page)])
            let masked = try await client.get(page).text
            #expect(masked.contains("First name changed") && !masked.contains(">Bob<"))
        }
    }
}

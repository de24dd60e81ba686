import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

@Suite("GET …/events/export?include=changes")
struct ExportChangesTests {
    private static let path = TestServer.definitionsPath + "/export"
    private static let changes = path + "?include=changes"

    private func set(_ server: TestServer, _ key: String, _ values: String) async throws {
        let place = "/audience/keyspaces/\(Fixtures.emailKeyspace)/profiles/\(key)%40b.se"
        let path = "/v2\(place)/sections/\(Fixtures.section)/attributes"
        let answer = try await server.send(.patch, path, body: values)
        #expect(answer.status == .noContent, "\(answer.text)")
    }

    private func post(_ server: TestServer, _ key: String) async throws {
        #expect(try await server.post(TestServer.items(TestServer.item()), key: key + "%40b.se").status == .noContent)
    }

    private func lines(_ server: TestServer, _ path: String, token: String? = "admin") async throws -> [JSONValue] {
        let answer = try await server.send(.get, path, token: token)
        #expect(answer.status == .ok, "\(answer.text)")
        return try answer.text.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
    }

    /// Who it is about, and whether it is an event or a change.
    private static func shown(_ lines: [JSONValue]) -> [String] {
        lines.map { line in
            let kind = line["version_id"] == nil ? "change" : "event"
            return "\(kind) of \(line["profile_key"]?.string ?? "")"
        }
    }

    @Test("changes stand among the events in the order in which both came")
    func order() async throws {
        try await TestServer.run { server async throws in
            try await post(server, "a")
            try await set(server, "a", #"{"com.apsis1.attributes.firstname":"Ada"}"#)
            try await post(server, "b")
            server.clock.advance(by: .seconds(1))
            try await set(server, "a", #"{"com.apsis1.attributes.firstname":"Bob"}"#)
            try await set(server, "b", #"{"com.apsis1.attributes.lastname":"L"}"#)
            let events = try await lines(server, Self.path)
            #expect(Self.shown(events) == ["event of a@b.se", "event of b@b.se"], "nobody gets what was not asked for")
            let all = try await lines(server, Self.changes)
            #expect(
                Self.shown(all) == [
                    "event of a@b.se", "change of a@b.se", "event of b@b.se", "change of a@b.se", "change of b@b.se",
                ])
            #expect(all.filter { $0["version_id"] != nil } == events)
            let line = try await server.send(.get, Self.changes).text.split(separator: "\n")[3]
            let expected = """
                {"keyspace":"com.apsis1.keyspaces.email","profile_key":"a@b.se","event_time":"2026-11-23T12:00:01.000Z",\
                "discriminator":"com.ovation.events.profile.updated","data":{"changed_by":"\(TestServer.clientID)",\
                "changes":[{"kind":"attribute","discriminator":"com.apsis1.attributes.firstname","name":"First name",\
                "from":"Ada","to":"Bob"}]},"event_id":"\(all[3]["event_id"]?.string ?? "")",\
                "received_at":"2026-11-23T12:00:01.000Z"}
                """
            #expect(line == expected)
            // From each line on come those behind it, and nothing more behind the last.
            for (index, line) in all.enumerated() {
                let after = "&after=" + (line["event_id"]?.string ?? "")
                #expect(try await lines(server, Self.changes + after) == Array(all.dropFirst(index + 1)), "\(index)")
            }
            let summary = try await lines(server, Self.changes + "&summary=true").last?["summary"]
            #expect(
                summary.map { String(decoding: JSONWriter.write($0), as: UTF8.self) }?.hasPrefix(
                    #"{"events":2,"changes":3,"left_out":0,"last_event_id":"\#(all[4]["event_id"]?.string ?? "")","#)
                    == true)
        }
    }

    @Test("many changes and events come in one order, page by page")
    func pages() async throws {
        try await TestServer.run { server async throws in
            let profile = try ProfileAddress("x@b.se", in: BuiltIn.keyspaces[0], account: 1)
            let count = 2 * Limits.exportPageChanges + 1
            try await post(server, "x")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<count {
                    group.addTask {
                        // The first name, in the section of the fixtures.
                        let value = ProfileValue(version: 1, value: .integer(Int64(number)))
                        let change = ProfileChange(
                            profile: profile, at: server.clock.now, actor: "me",
                            operations: [.update(section: 2, [ProfileEdit(.attribute(20), value)])])
                        Fixtures.expectChanged(try await server.store.change(change))
                        if number.isMultiple(of: 600) { try await post(server, "x") }
                    }
                }
                try await group.waitForAll()
            }
            let all = try await lines(server, Self.changes)
            #expect(all.count == 1 + count + 4)
            let ids = all.compactMap { Int64($0["event_id"]?.string ?? "") }
            #expect(ids == ids.sorted() && Set(ids).count == all.count)
        }
    }

    @Test("a change in which the API key may read nothing is left out, and CSV has none")
    func permissions() async throws {
        try await TestServer.run { server async throws in
            try await post(server, "a")
            try await set(
                server, "a",
                #"{"com.apsis1.attributes.birthdate":"1993-03-08","com.apsis1.attributes.firstname":"Ada"}"#)
            try await set(server, "a", #"{"com.apsis1.attributes.birthdate":"1993-03-09"}"#)
            let birthdate = "/audience/sections/\(Fixtures.section)/attributes/com.apsis1.attributes.birthdate"
            let body = #"{"keyspace_permissions":{"\#(Fixtures.emailKeyspace)":{"write":true}}}"#
            #expect(try await server.send(.patch, birthdate, body: body).status == .ok)
            let key = try await server.token(ofNewKey: #"{"name":"Shop"}"#).token
            let seen = try await server.send(.get, Self.changes + "&summary=true", token: key).text
            #expect(!seen.contains("1993") && seen.contains("Ada"))
            #expect(seen.contains(#"{"events":1,"changes":1,"left_out":1,"#))
            let other = #"{"name":"Web","keyspaces":{"com.apsis1.keyspaces.web":"read"}}"#
            let stranger = try await server.token(ofNewKey: other).token
            #expect(try await lines(server, Self.changes, token: stranger).isEmpty)
            for query in ["&format=csv", "&include=changes"] {
                #expect(try await server.send(.get, Self.changes + query).code == "invalid_parameter")
            }
            #expect(try await server.send(.get, Self.path + "?include=x").code == "invalid_parameter")
        }
    }
}

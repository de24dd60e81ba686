import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

@Suite("GET …/events/export")
struct ExportEventsTests {
    private static let path = TestServer.definitionsPath + "/export"

    private func export(
        _ server: TestServer, _ query: String = "", token: String? = "admin"
    ) async throws -> [String] {
        let answer = try await server.send(.get, Self.path + query, token: token)
        #expect(answer.status == .ok, "\(answer.text)")
        return answer.text.split(separator: "\n").map { $0.hasSuffix("\r") ? String($0.dropLast()) : String($0) }
    }

    private func post(_ server: TestServer, key: String, _ items: String...) async throws {
        let answer = try await server.post("{\"items\":[" + items.joined(separator: ",") + "]}", key: key)
        #expect(answer.status == .noContent, "\(answer.text)")
    }

    @Test("gives all events in the order of arrival, as lines that an upload takes")
    func isImport() async throws {
        try await TestServer.run { server in
            try await post(server, key: "b%40b.se", TestServer.item(time: "2022-01-01T00:00:00Z"))
            try await post(
                server, key: "a%40b.se", TestServer.item(#"{"myTextField":"a \"b\" \\ \n ü"}"#), TestServer.item())
            let lines = try await export(server)
            #expect(
                lines[0] == #"{"keyspace":"com.apsis1.keyspaces.email","profile_key":"b@b.se","#
                    + #""event_time":"2022-01-01T00:00:00.000Z","version_id":"2565266","data":{"myNumberField":1},"#
                    + #""event_id":"1","received_at":"2026-11-23T12:00:00.000Z"}"#)
            #expect(lines.count == 3)
            let body = lines.joined(separator: "\n")
            try await TestServer.run { other in
                let loaded = try await other.send(.post, TestServer.definitionsPath + "/bulk", body: body)
                #expect(loaded.json["stored"]?.int == 3, "\(loaded.text)")
                #expect(try await other.stored("a%40b.se") == server.stored("a%40b.se"))
                #expect(try await other.stored("b%40b.se") == server.stored("b%40b.se"))
            }
        }
    }

    @Test("goes on after an event, narrows by time and type, and ends with a summary where asked")
    func filters() async throws {
        try await TestServer.run { server in
            for year in 2000..<2010 {
                try await post(server, key: "a%40b.se", TestServer.item(time: "\(year)-01-01T00:00:00Z"))
            }
            #expect(try await export(server, "?after=7").count == 3)
            #expect(try await export(server, "?after=10").isEmpty)
            let some = try await export(server, "?from=2002-01-01T00:00:00Z&to=2004-01-01T00:00:00Z&summary=true")
            #expect(some.count == 3 && some[0].contains("2002-") && some[1].contains("2003-"))
            #expect(some[2].hasPrefix(#"{"summary":{"events":2,"left_out":0,"last_event_id":"10","account":""#))
            #expect(try await export(server, "?event_discriminators=\(Fixtures.eventType)").count == 10)
            for query in [
                "?event_discriminators=x", "?format=xml", "?after=x", "?after=-1", "?from=x", "?formulas=x",
                "?summary=x",
            ] {
                let answer = try await server.send(.get, Self.path + query)
                #expect(answer.code == "invalid_parameter", "\(query)")
            }
            #expect(try await server.send(.get, Self.path, token: nil).status == .unauthorized)
        }
    }

    @Test("an account has the same text for good, and another one than any other account")
    func accounts() {
        func id(_ number: Int64, _ milliseconds: Int64) -> String {
            Account(number: number, name: "a", createdAt: Timestamp(milliseconds: milliseconds)).id
        }
        #expect(id(1, 5) == id(1, 5) && id(1, 5).count == 16)
        #expect(Set([id(1, 5), id(2, 5), id(1, 6), id(15, 0)]).count == 4)
    }

    @Test("leaves out what the key may not read, and counts it")
    func rights() async throws {
        try await TestServer.run { server in
            try await post(server, key: "a%40b.se", TestServer.item())
            let mobile = try await server.token(
                ofNewKey: #"{"name":"a","keyspaces":{"com.apsis1.keyspaces.mobile":"read"}}"#)
            let summary = try await export(server, "?summary=true", token: mobile.token)
            #expect(summary.count == 1)
            #expect(summary[0].hasPrefix(#"{"summary":{"events":0,"left_out":1,"last_event_id":"1","account":""#))
            let reader = try await server.token(
                ofNewKey: #"{"name":"b","keyspaces":{"\#(Fixtures.emailKeyspace)":"read"}}"#)
            #expect(try await export(server, token: reader.token).count == 1)
            let blind = try await server.token(
                ofNewKey: #"{"name":"c","sections":["com.apsis1.sections.default"]}"#)
            #expect(try await server.send(.get, Self.path, token: blind.token).code == "section_not_found")

            let change = #"{"keyspace_permissions":[]}"#
            let changed = try await server.send(
                .patch, TestServer.definitionsPath + "/" + Fixtures.eventType, body: change)
            #expect(changed.status == .ok, "\(changed.text)")
            #expect(try await export(server).isEmpty)
            #expect(try await export(server, "?ignore_keyspace_permissions=true").count == 1)
            let forbidden = try await server.send(
                .get, Self.path + "?ignore_keyspace_permissions=true", token: reader.token)
            #expect(forbidden.code == "admin_required")
        }
    }

    @Test("CSV has the data as JSON, or a column for each field of a single event type")
    func csv() async throws {
        try await TestServer.run { server in
            try await post(
                server, key: "a%40b.se",
                TestServer.item(#"{"myTextField":"=1+1, \"x\"\r\ny","myNumberField":-5,"source":""}"#),
                TestServer.item(#"{"myTrueFalseField":true,"myNumberWithDecimalField":0.5,"myTextField":"\u0001\t\\"}"#)
            )
            let head = "event_id,received_at,event_time,section,keyspace,profile_key,event_type,version_id"
            let fixed =
                "2026-11-23T12:00:00.000Z,2020-10-14T09:43:34.471Z,\(Fixtures.section),"
                + "\(Fixtures.emailKeyspace),a@b.se,\(Fixtures.eventType),2565266"
            let all = try await server.send(.get, Self.path + "?format=csv")
            #expect(all.header("Content-Type")?.hasPrefix("text/csv") == true)
            #expect(
                all.text == "\(head),data\r\n"
                    + "1,\(fixed),\"{\"\"myTextField\"\":\"\"=1+1, \\\"\"x\\\"\"\\r\\ny\"\",\"\"myNumberField\"\":-5,"
                    + "\"\"source\"\":\"\"\"\"}\"\r\n"
                    + "2,\(fixed),\"{\"\"myTrueFalseField\"\":true,\"\"myNumberWithDecimalField\"\":0.5,"
                    + "\"\"myTextField\"\":\"\"\\u0001\\t\\\\\"\"}\"\r\n")
            let query = "?format=csv&event_discriminators=\(Fixtures.eventType)"
            let one = try await server.send(.get, Self.path + query)
            let columns = Fixtures.fields.map { "data." + $0.name }.joined(separator: ",")
            #expect(
                one.text == "\(head),\(columns)\r\n"
                    + "1,\(fixed),-5,,\"'=1+1, \"\"x\"\"\r\ny\",,\"\"\r\n"
                    + "2,\(fixed),,0.5,\u{1}\t\\,true,\r\n")
            let kept = try await server.send(.get, Self.path + query + "&formulas=keep")
            #expect(kept.text.contains(",\"=1+1, \"\"x\"\"\r\ny\",,"))
        }
    }

    @Test("pages of the store follow each other without gap or repeat")
    func pages() async throws {
        try await TestServer.run { server in
            let lines = (0..<25_000).map { number in
                #"{"keyspace":"\#(Fixtures.emailKeyspace)","profile_key":"p\#(number % 777)@b.se","#
                    + #""event_time":"2020-10-14T09:43:34Z","version_id":2565266,"data":{"myNumberField":\#(number)}}"#
            }
            let loaded = try await server.send(
                .post, TestServer.definitionsPath + "/bulk", body: lines.joined(separator: "\n"))
            #expect(loaded.json["stored"]?.int == 25_000, "\(loaded.text)")
            var numbers: Set<Int> = []
            for (index, line) in try await export(server).enumerated() {
                let json = try JSONValue(parsing: line)
                #expect(json["event_id"]?.string == String(index + 1))
                let number = try #require(json["data"]?["myNumberField"]?.int)
                #expect(json["profile_key"]?.string == "p\(number % 777)@b.se")
                numbers.insert(number)
            }
            #expect(numbers.count == 25_000)
        }
    }
}

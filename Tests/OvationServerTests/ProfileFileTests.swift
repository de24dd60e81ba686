import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Synchronization
import Testing

@testable import OvationServer

@Suite("Exports and reports")
struct ProfileFileTests {
    private static let email = Fixtures.emailKeyspace
    private static let section = Fixtures.section
    private static let folder = "usercreated.targets.letters-3ayb7167e4"
    private static let topic = "usercreated.topics.letters-cbyntm8qnw"

    private func profile(_ key: String) -> String { "/audience/keyspaces/\(Self.email)/profiles/\(key)%40b.se" }

    /// Makes a profile with a first name and an event.
    private func make(_ server: TestServer, _ key: String, _ name: String) async throws {
        let event = TestServer.items(TestServer.item(#"{"myNumberField":\#(key.utf8.count)}"#))
        #expect(try await server.post(event, key: "\(key)%40b.se").status == .noContent)
        let set = try await server.send(
            .patch, "/v2" + profile(key) + "/sections/\(Self.section)/attributes",
            body: #"{"com.apsis1.attributes.firstname":"\#(name)"}"#)
        #expect(set.status == .noContent, "\(set.text)")
    }

    private func id(_ server: TestServer, _ key: String) async throws -> String {
        try #require(try await server.send(.get, profile(key)).json["profile_id"]?.string)
    }

    /// The path of a file that was asked for.
    private func ask(
        _ server: TestServer, _ path: String, _ body: String, token: String? = "admin"
    ) async throws -> String {
        let answer = try await server.send(.post, path, token: token, body: body)
        #expect(answer.status == .accepted, "\(answer.text)")
        let url = try #require(answer.json["file_download_url"]?.string)
        #expect(answer.json["poll_url"]?.string == url)
        return try #require(url.firstRange(of: "/audience").map { String(url[$0.lowerBound...]) })
    }

    private func made(
        _ server: TestServer, _ path: String, _ body: String, token: String? = "admin"
    ) async throws -> TestServer.Answer {
        let file = try await ask(server, path, body, token: token)
        #expect(try await server.send(.get, file, token: token).code == "file_not_ready")
        try await server.runJobs()
        let answer = try await server.send(.get, file, token: token)
        #expect(answer.status == .ok, "\(answer.text)")
        return answer
    }

    private static let exports = "/audience/profiles/exports"
    private static let names = #""attributes":["com.apsis1.attributes.firstname"]"#

    @Test("an export has what is listed of each profile, and nothing else")
    func exports() async throws {
        try await TestServer.run { server async throws in
            for (key, name) in [("a", "Ann"), ("bo", "Bo")] { try await make(server, key, name) }
            let plain = try await made(server, Self.exports, "{\(Self.names)}").json["profiles"]
            #expect(plain?.members?.count == 2)
            let ann = plain?[try await id(server, "a")]?["sections"]?[Self.section]
            #expect(ann?["attributes"]?.members?.map(\.name) == ["com.apsis1.attributes.firstname"])
            #expect(ann?["attributes"]?["com.apsis1.attributes.firstname"]?.string == "Ann")
            #expect(ann?["events"] == nil && ann?["consents"] == nil)
            let events = #","events":["\#(Fixtures.eventType)"],"start_at":"2020-10-14T00:00:00Z""#
            let full = try await made(server, Self.exports, "{\(Self.names)\(events)}").json["profiles"]
            let bo = full?[try await id(server, "bo")]?["sections"]?[Self.section]?["events"]?.array
            #expect(bo?.count == 1 && bo?.first?["data"]?["myNumberField"] == .number("2"), "\(String(describing: bo))")
            let later = #","events":["\#(Fixtures.versionID)"],"start_at":"2020-10-01T00:00:00Z""#
            let week = try await made(server, Self.exports, "{\(Self.names)\(later)}").json["profiles"]
            #expect(week?[try await id(server, "bo")]?["sections"]?[Self.section]?["events"]?.array == [])
        }
    }

    @Test(
        "a request that cannot be met is refused at once, with the reason",
        arguments: [
            ("{}", "at least one"), (#"{"attributes":["x.y"]}"#, "no attribute 'x.y'"),
            ("{\(names),\"segment_filter\":{}}", "no segments"),
            ("{\(names),\"events\":[\"\(Fixtures.eventType)\"]}", "start_at"),
            ("{\(names),\"events\":[\"a.b\"]}", "no event type"),
            (
                "{\(names),\"events\":[2565266],\"start_at\":\"2020-01-02T00:00:00Z\",\"end_at\":\"2020-01-01T00:00:00Z\"}",
                "after"
            ),
        ])
    func refuses(body: String, reason: String) async throws {
        try await TestServer.run { server async throws in
            let answer = try await server.send(.post, Self.exports, body: body)
            #expect(answer.status == .badRequest && answer.text.contains(reason), "\(answer.text)")
        }
    }

    @Test("nobody is handed out who was deleted or locked since, and who was merged is")
    func leavesOut() async throws {
        try await TestServer.run { server async throws in
            for key in ["a", "b", "c", "d", "e"] { try await make(server, key, "N" + key) }
            var ids: [String: String] = [:]
            for key in ["a", "b", "c", "d", "e"] { ids[key] = try await id(server, key) }
            let file = try await ask(server, Self.exports, "{\(Self.names)}")
            let body = #"{"section_discriminator":"\#(Self.section)","attribute_discriminator":"#
            let report = try await ask(
                server, "/audience/profiles/reports/duplicates", body + "\"com.apsis1.attributes.lastname\"}")
            try await server.runJobs()
            #expect(try await server.send(.get, file).json["profiles"]?.members?.count == 5)
            #expect(try await server.send(.delete, profile("a")).status == .noContent)
            #expect(try await server.send(.put, profile("b") + "/locks").status == .noContent)
            let merge =
                #"{"profiles":[{"keyspace_discriminator":"\#(Self.email)","profile_key":"c@b.se"},"#
                + #"{"keyspace_discriminator":"com.apsis1.keyspaces.web","profile_key":"w"}]}"#
            #expect(try await server.send(.put, "/audience/profiles/merges", body: merge).status == .noContent)
            let left = try await server.send(.get, file).json["profiles"]?.members?.map(\.name)
            #expect(Set(left ?? []) == Set(["c", "d", "e"].compactMap { ids[$0] }))
            #expect(try await server.send(.delete, profile("c")).status == .noContent)
            #expect(try await server.send(.get, file).json["profiles"]?.members?.count == 2)
            #expect(try await server.send(.get, report).status == .ok)
        }
    }

    @Test("a file is gone a day after it was made, and a job that failed or was cancelled has none")
    func ends() async throws {
        try await TestServer.run(limits: Self.smallFiles) { server async throws in
            let file = try await ask(server, Self.exports, "{\(Self.names)}")
            try await server.runJobs()
            #expect(try await server.send(.get, file).status == .ok)
            for key in ["a", "b"] { try await make(server, key, String(repeating: "x", count: 900)) }
            let long = try await ask(server, Self.exports, "{\(Self.names)}")
            try await server.runJobs()
            let failed = try await server.send(.get, long)
            #expect(failed.status == .serviceUnavailable && failed.code == "job_failed", "\(failed.text)")
            #expect(failed.text.contains("more than 1000 bytes"))
            server.clock.advance(by: .seconds(86_399))
            let token = try await server.token(clientID: TestServer.clientID, secret: TestServer.clientSecret)
            #expect(try await server.send(.get, file, token: token).status == .ok)
            server.clock.advance(by: .seconds(1))
            let gone = try await server.send(.get, file, token: token)
            #expect(gone.status == .gone && gone.code == "file_gone")
            let other = try await ask(server, Self.exports, "{\(Self.names)}", token: token)
            #expect(try await server.send(.delete, String(other.dropLast(5)), token: token).status == .noContent)
            try await server.runJobs()
            #expect(try await server.send(.get, other, token: token).code == "file_gone")
        }
    }

    private static var smallFiles: Limits {
        var limits = Limits()
        limits.jobFileBytesMax = 1000
        return limits
    }

    @Test("an account has three of a kind at once, and a fourth is to wait")
    func bounds() async throws {
        try await TestServer.run { server async throws in
            for _ in 0..<3 { _ = try await ask(server, Self.exports, "{\(Self.names)}") }
            let refused = try await server.send(.post, Self.exports, body: "{\(Self.names)}")
            #expect(refused.status == .tooManyRequests && refused.header("Retry-After") == "30")
            let body =
                #"{"section_discriminator":"\#(Self.section)","attribute_discriminator":"com.apsis1.attributes.email"}"#
            _ = try await ask(server, "/audience/profiles/reports/duplicates", body)
            try await server.runJobs()
            _ = try await ask(server, Self.exports, "{\(Self.names)}")
        }
    }

    @Test("an API key gets what it may read, and no file of another's")
    func rights() async throws {
        try await TestServer.run { server async throws in
            try await make(server, "a", "Ann")
            let web = "/audience/keyspaces/com.apsis1.keyspaces.web/profiles/w/sections/\(Self.section)"
            #expect(try await server.send(.put, web.replacing("/profiles/w/", with: "/profiles/w/")).status != .ok)
            let reader = try await server.token(
                ofNewKey: #"{"name":"reader","keyspaces":{"com.apsis1.keyspaces.web":"read"}}"#
            ).token
            let none = try await made(server, Self.exports, "{\(Self.names)}", token: reader)
            #expect(none.json["profiles"]?.members?.isEmpty == true, "\(none.text)")
            let other = try await server.token(
                ofNewKey: #"{"name":"other","keyspaces":{"\#(Self.email)":"read"}}"#
            ).token
            let some = try await made(server, Self.exports, "{\(Self.names)}", token: other)
            #expect(some.json["profiles"]?.members?.count == 1)
            let file = try await ask(server, Self.exports, "{\(Self.names)}", token: other)
            try await server.runJobs()
            #expect(try await server.send(.get, file, token: reader).code == "job_not_found")
            #expect(try await server.send(.get, file).status == .ok)
            let sms =
                #"{"section_discriminator":"\#(Self.section)","topic_discriminators":[],"#
                + #""channel_discriminator":"com.apsis1.channels.sms"}"#
            let refused = try await server.send(
                .post, "/audience/profiles/reports/consents", token: other, body: sms)
            #expect(refused.code == "keyspace_forbidden", "\(refused.text)")
        }
    }

    private func consent(_ server: TestServer, _ key: String, _ type: String) async throws {
        let body =
            #"{"type":"\#(type)","reason":"","topic_discriminator":"\#(Self.topic)","#
            + #""channel_discriminator":"com.apsis1.channels.email"}"#
        let answer = try await server.send(
            .post, "/v2" + profile(key) + "/sections/\(Self.section)/consents", body: body)
        #expect(answer.status.kind == .successful, "\(answer.text)")
    }

    private func makeTopic(_ server: TestServer) async throws {
        let path = "/v2/audience/sections/\(Self.section)"
        _ = try await server.send(.post, path + "/folders", body: #"{"name":"L","discriminator":"\#(Self.folder)"}"#)
        let topic = #"{"name":"T","discriminator":"\#(Self.topic)","folder_discriminator":"\#(Self.folder)"}"#
        #expect(try await server.send(.post, path + "/topics", body: topic).status == .created)
    }

    private func rows(_ answer: TestServer.Answer) -> [[String]] {
        answer.text.split(separator: "\r\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
    }

    @Test("a report of consents has the address of who may be written to, and of nobody else")
    func consents() async throws {
        try await TestServer.run { server async throws in
            try await makeTopic(server)
            for key in ["a", "b", "c", "d"] { try await make(server, key, key == "a" ? "=1+1" : "N") }
            for key in ["a", "b", "d"] { try await consent(server, key, "opt-in") }
            try await consent(server, "b", "opt-out")
            let address = "/audience/channels/com.apsis1.channels.email/addresses/d%40b.se/suppression"
            #expect(try await server.send(.put, address, body: #"{"reason":"x"}"#).status.kind == .successful)
            let asked =
                #""section_discriminator":"\#(Self.section)","consent_list_discriminator":"\#(Self.folder)""#
            let path = "/audience/profiles/reports/consents"
            let answer = try await made(
                server, path, #"{\#(asked),\#(Self.names),"channel_discriminator":"com.apsis1.channels.email"}"#)
            #expect(answer.header("Content-Type") == "text/csv;charset=UTF-8;header=present")
            let rows = rows(answer)
            #expect(rows[0] == ["export_key", "Email", "com.apsis1.attributes.firstname"])
            #expect(rows.count == 5)
            let ann = try await id(server, "a")
            #expect(rows.contains([ann, "a@b.se", "\"'=1+1\""]), "\(answer.text)")
            #expect(rows.filter { $0[1].isEmpty }.count == 3)
            let channels =
                #""channels":[{"field_name":"Mail","channel_discriminator":"com.apsis1.channels.email"},"#
                + #"{"field_name":"Phone","channel_discriminator":"com.apsis1.channels.sms"}]"#
            let named = try await made(server, path, "{\(asked),\(channels)}")
            #expect(self.rows(named)[0] == ["export_key", "Mail", "Phone"])
            #expect(self.rows(named).contains([ann, "a@b.se", ""]))
            for body in [
                "{\(asked)}", "{\(asked),\(channels),\"channel_discriminator\":\"com.apsis1.channels.email\"}",
            ] {
                #expect(try await server.send(.post, path, body: body).status == .badRequest)
            }
            let segments = try await server.send(.post, path, body: "{\(asked),\(channels),\"segments\":{}}")
            #expect(segments.status == .badRequest && segments.text.contains("no segments"))
        }
    }

    @Test("a report of duplicates has who shares a value, in the order of the values")
    func duplicates() async throws {
        try await TestServer.run { server async throws in
            try await makeTopic(server)
            let names = [("a", "Bo"), ("b", "Ann"), ("c", "Bo"), ("d", "Cy"), ("e", "Ann"), ("f", "Bo"), ("g", "Dee")]
            var ids: [String: String] = [:]
            for (key, name) in names {
                try await make(server, key, name)
                ids[key] = try await id(server, key)
            }
            let asked =
                #""section_discriminator":"\#(Self.section)","attribute_discriminator":"com.apsis1.attributes.firstname""#
            let path = "/audience/profiles/reports/duplicates"
            let rows = rows(try await made(server, path, #"{\#(asked),"attributes":["com.apsis1.attributes.email"]}"#))
            #expect(rows[0] == ["export_key", "com.apsis1.attributes.firstname", "com.apsis1.attributes.email"])
            #expect(rows.dropFirst().map { $0[1] } == ["Ann", "Ann", "Bo", "Bo", "Bo"])
            let wanted = Set(["a", "b", "c", "e", "f"].compactMap { ids[$0] })
            #expect(Set(rows.dropFirst().map { $0[0] }) == wanted)
            for key in ["a", "b", "c"] { try await consent(server, key, "opt-in") }
            let consented =
                #"{\#(asked),"topic_discriminators":["\#(Self.topic)"],"channel_discriminator":"com.apsis1.channels.email"}"#
            let some = self.rows(try await made(server, path, consented))
            #expect(Set(some.dropFirst().map { $0[0] }) == Set(["a", "c"].compactMap { ids[$0] }))
            let half = #"{\#(asked),"topic_discriminators":["\#(Self.topic)"]}"#
            #expect(try await server.send(.post, path, body: half).status == .badRequest)
        }
    }

    /// Remembers what it was told, and answers as often with a failure as it is asked to.
    private final class Listener: CallbackSender {
        private let state: Mutex<(told: [JSONValue], failures: Int)>

        init(failures: Int = 0) { state = Mutex(([], failures)) }

        func post(json: [UInt8], to url: String, within patience: Duration) async throws -> Int {
            let body = try JSONValue(parsing: json)
            return state.withLock { state in
                guard state.failures == 0 else {
                    state.failures -= 1
                    return 503
                }
                state.told.append(body)
                return 204
            }
        }

        var told: [JSONValue] { state.withLock(\.told) }
    }

    private func single(_ server: TestServer, _ id: String, _ flags: String = "") async throws -> TestServer.Answer {
        try await server.send(
            .post, "/audience/profiles/export-single/\(id)",
            body: #"{"callback_url":"https://example.com/x"\#(flags)}"#)
    }

    @Test("an export of one profile tells the callback, and has all that is known")
    func single() async throws {
        let listener = Listener(failures: 1)
        let hosts = try [#require(CallbackHost("example.com"))]
        try await TestServer.run(callbacks: Callbacks(hosts: hosts, sender: listener)) { server async throws in
            try await makeTopic(server)
            try await make(server, "a", "Ann")
            try await make(server, "a", "Anna")
            try await consent(server, "a", "opt-in")
            let id = try await id(server, "a")
            let flags =
                #","include_attribute_history":true,"include_type_definitions":true,"include_merged_profiles":true"#
            let answer = try await single(server, id, flags)
            #expect(answer.status == .accepted && answer.text.isEmpty)
            try await server.runJobs()
            let told = listener.told
            #expect(told.count == 2 && told[0]["code"] == .number("100") && told[1]["code"] == .number("200"))
            #expect(told[0]["message"]?.string == "Callback verified")
            let url = try #require(told.last?["message"]?.string)
            let path = try #require(url.firstRange(of: "/audience").map { String(url[$0.lowerBound...]) })
            #expect(path.hasPrefix("/audience/profiles/export-single/accounts/1/definitions/"))
            let file = try await server.send(.get, path).json
            let profile = file["profiles"]?[id]
            let section = profile?["sections"]?[Self.section]
            #expect(section?["attributes"]?["com.apsis1.attributes.firstname"]?.string == "Anna", "\(file)")
            let history = section?["attributes"]?["history"]?.array ?? []
            let names = history.filter { $0["attribute_discriminator"]?.string == "com.apsis1.attributes.firstname" }
            #expect(names.map { $0["value"]?.string } == ["Anna", "Ann"])
            #expect(section?["events"]?.array?.count == 2 && section?["consents"]?.array?.count == 1)
            #expect(profile?["keys"]?.array?.first?["profile_key"]?.string == "a@b.se")
            #expect(profile?["merged_profiles"]?.array == [])
            let described = file["metadata"]?["sections"]?[Self.section]
            #expect(described?["events"]?[Fixtures.eventType]?["name"] != nil)
            #expect(described?["attributes"]?["com.apsis1.attributes.email"]?["name"] != nil)
            #expect(
                try await server.send(.get, path.replacing("accounts/1/", with: "accounts/2/")).code == "job_not_found")
        }
    }

    @Test("a callback that nobody answers, or that the operator does not list, has no file made")
    func deafCallbacks() async throws {
        let listener = Listener(failures: .max)
        let hosts = try [#require(CallbackHost("example.com"))]
        try await TestServer.run(callbacks: Callbacks(hosts: hosts, sender: listener)) { server async throws in
            try await make(server, "a", "Ann")
            let id = try await id(server, "a")
            let other = try await server.send(
                .post, "/audience/profiles/export-single/\(id)", body: #"{"callback_url":"http://10.0.0.1/"}"#)
            #expect(other.status == .badRequest && other.text.contains("callback_hosts"))
            #expect(try await single(server, "00000000000000ff").code == "profile_not_found")
            #expect(try await single(server, id).status == .accepted)
            try await server.runJobs()
            let job = try await server.send(.get, "/audience/jobs").json["items"]?.array?.first
            #expect(job?["result"]?["status"]?.string == "error", "\(String(describing: job))")
            #expect(job?["result"]?["error"]?["code"]?.string == "job_failed")
            #expect(job?["section_discriminator"] == .null && job?["kind"]?.string == "single_export")
        }
        try await TestServer.run { server async throws in
            #expect(try await single(server, "00000000000000ff").text.contains("callback_hosts"))
        }
    }

    @Test("a file comes compressed to who asks for it")
    func compressed() async throws {
        try await TestServer.run { server async throws in
            try await make(server, "a", "Ann")
            let file = try await ask(server, Self.exports, "{\(Self.names)}")
            try await server.runJobs()
            for (accepted, coding) in [("gzip", "gzip"), ("br, *;q=0.5", "gzip"), ("gzip;q=0", nil), ("br", nil)] {
                let answer = try await server.send(.get, file, headers: [("Accept-Encoding", accepted)])
                #expect(answer.header("Content-Encoding") == coding, "\(accepted)")
                #expect(answer.header("Vary") == "Accept-Encoding")
            }
        }
    }
}

import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

@Suite("What is said about a request is bounded in bytes, whatever the request says")
struct ErrorSizeTests {
    private static let rejections = "/audience/sections/\(Fixtures.section)/rejections"

    /// The ways in which a text can be long: the last is one character of very many scalars.
    enum Long: String, CaseIterable {
        case letters, signs, faces, marks

        var text: String {
            switch self {
            case .letters: String(repeating: "x", count: 4000)
            case .signs: String(repeating: "/~'\"\\", count: 800)
            case .faces: String(repeating: "😀", count: 4000)
            case .marks: "e" + String(repeating: "\u{301}", count: 4000)
            }
        }
    }

    private func isShort(_ answer: TestServer.Answer, _ what: String) {
        #expect(answer.status.code < 400 || answer.text.utf8.count < 3600, "\(what): \(answer.text.utf8.count)")
        #expect(answer.status.code < 500, "\(what)")
    }

    @Test("names in paths, queries and bodies are not repeated in full by any endpoint", arguments: Long.allCases)
    func everyEndpoint(kind: Long) async throws {
        let long = kind.text
        let encoded = PercentEncoding.encode(segment: long)
        let parameters = [
            "section": Fixtures.section, "keyspace": Fixtures.emailKeyspace, "event": Fixtures.eventType,
            "key": "steve%40apsis.com", "version": "2565266", "attribute": "com.apsis1.attributes.email",
            "tag": "com.example.tags.vip",
        ]
        let queries = [
            "limit", "before", "after", "cursor", "section", "keyspace", "state", "code", "outcome", "from", "to",
            "key",
            "attribute_discriminator", "tag_discriminator", "event_discriminator", "event_discriminators", "format",
            "formulas", "include_keyspace_permissions",
            encoded,
        ]
        let string = String(decoding: JSONWriter.write(.string(long)), as: UTF8.self)
        let bodies = [
            "{\(string):\(string)}", "{\"items\":[{\(string):1}]}", TestServer.items(TestServer.item("{\(string):1}")),
            "{\"name\":\"a\",\"sections\":[\(string)]}", "{\"name\":\"a\",\"keyspaces\":{\(string):\"read\"}}",
            "{\"name\":\"a\",\"role\":\(string),\"category\":\(string),\"key_format\":\(string)}",
            "{\"fields\":{\(string):\"string\"}}", "{\"fields\":{\(string):\(string)}}",
            "{\"name\":\"a\",\"fields\":{\"a\":\"string\"},\"keyspace_permissions\":{\(string):{\"read\":true}}}",
            "{\"keyspace_permissions\":{\(string):{\(string):true}}}",
            "{\"name\":\"a\",\"type\":\(string),\"render_hint\":\(string),\"mapped_attribute\":\(string)}",
            "{\"name\":\"a\",\"type\":\"string\",\"keyspace_permissions\":"
                + "[{\"keyspace_discriminator\":\(string),\"permissions\":[\"READ\"]}]}",
            "{\"keyspace_permissions\":[{\"keyspace_discriminator\":\"a.b\",\"permissions\":[\(string)]}]}",
            "{\"sections\":[{\"name\":\"a\",\"event_types\":[{\"name\":\"b\",\(string):1}]}]}",
            "{\"keyspaces\":[{\"name\":\(string),\"discriminator\":\(string),\"key_format\":\"text\"}]}",
            "{\"grant_type\":\(string),\"client_id\":\(string),\"client_secret\":\(string)}",
        ]
        var limits = Limits()
        limits.rejectionsMax = 0
        try await TestServer.run(limits: limits) { server async throws in
            for endpoint in Endpoint.allCases where ![.ready, .metrics, .openAPI, .streamLive].contains(endpoint) {
                let names = endpoint.path.split(separator: "{").dropFirst().map { String($0.prefix { $0 != "}" }) }
                func path(with long: String?) -> String {
                    names.reduce(endpoint.path) { path, name in
                        let value = name == long ? encoded : parameters[name] ?? "1"
                        return path.split(separator: "{\(name)}", omittingEmptySubsequences: false)
                            .joined(separator: value)
                    }
                }
                for name in names {
                    isShort(try await server.send(endpoint.method, path(with: name), body: "{}"), "\(endpoint) \(name)")
                }
                for name in queries where endpoint.method != .post {
                    let answer = try await server.send(endpoint.method, path(with: nil) + "?\(name)=\(encoded)")
                    isShort(answer, "\(endpoint) ?\(name.prefix(20))")
                }
                for (index, body) in bodies.enumerated() where endpoint.method != .get && endpoint.method != .delete {
                    isShort(
                        try await server.send(endpoint.method, path(with: nil), body: body), "\(endpoint) body \(index)"
                    )
                }
            }
        }
    }

    @Test("an upload with names of megabytes in its lines has a short summary, and counts what it leaves out")
    func bulk() async throws {
        let name = String(repeating: "n", count: 300_000)
        let line =
            #"{"keyspace":"\#(Fixtures.emailKeyspace)","profile_key":"a@b.se","event_time":"2020-10-14T09:43:34.471Z","#
            + #""version_id":2565266,"data":{"\#(name)":1}}"#
        try await TestServer.run { server async throws in
            let answer = try await server.send(
                .post, TestServer.definitionsPath + "/bulk",
                body: Array(repeating: line, count: 40).joined(separator: "\n"),
                headers: [("Prefer", "validate-only")])
            #expect(answer.status == .ok && answer.json["refused"]?.int == 40)
            #expect(answer.errors.first == "/data/" + String(repeating: "n", count: 200) + "… unknown_field")
            #expect(answer.text.utf8.count < 40 * 500)
        }
    }

    @Test("many errors of an upload are listed up to a number of bytes", arguments: [false, true])
    func bulkBytes(isTold: Bool) async throws {
        // Each is written as six bytes.
        let names = (0..<3).map { String(repeating: "\\u000\($0 + 1)", count: 200) }
        let line =
            #"{"keyspace":"\#(Fixtures.emailKeyspace)","profile_key":"a@b.se","event_time":"2020-10-14T09:43:34.471Z","#
            + #""version_id":2565266,"data":{\#(names.map { "\"\($0)\":1" }.joined(separator: ","))}}"#
        var limits = Limits()
        limits.bulkChunkLines = 150
        try await TestServer.run(limits: limits) { server async throws in
            for time in 1...2 {
                let answer = try await server.send(
                    .post, TestServer.definitionsPath + "/bulk",
                    body: Array(repeating: line, count: 300).joined(separator: "\n"),
                    headers: [("Idempotency-Key", "k")] + (isTold ? [("Accept", "application/x-ndjson")] : []))
                for text in answer.text.split(separator: "\n") {
                    #expect(text.utf8.count < Limits.bulkErrorsBytesMax + 1000)
                }
                guard !isTold else { continue }
                let listed = answer.json["errors"]?.array?.count ?? 0
                #expect(listed > 50 && listed + (answer.json["errors_omitted"]?.int ?? 0) == 900, "time \(time)")
            }
        }
    }

    @Test("the report of a lenient post names every item, and counts the errors that it leaves out")
    func lenient() async throws {
        let body = "{\"items\":[" + Array(repeating: "{}", count: 1000).joined(separator: ",") + "]}"
        try await TestServer.run { server async throws in
            let answer = try await server.post(body, headers: [("Prefer", "handling=lenient")])
            #expect(answer.status.code == 207 && answer.json["refused"]?.int == 1000)
            let items = answer.json["items"]?.array ?? []
            #expect(items.compactMap { $0["index"]?.int } == Array(0..<1000))
            #expect(items.allSatisfy { $0["status"]?.int == 400 && $0["errors"]?.array != nil })
            let listed = items.map { $0["errors"]?.array?.count ?? 0 }.reduce(0, +)
            let omitted = items.map { $0["errors_omitted"]?.int ?? 0 }.reduce(0, +)
            #expect(listed > 300 && listed + omitted == 3000)
            #expect(answer.text.utf8.count < Limits.errorsBytesMax + 1000 * 60)
        }
    }

    @Test("the report that is remembered counts in the queue of the store")
    func queue() async throws {
        var limits = Limits()
        limits.writerQueueBytesMax = 50_000
        let body = "{\"items\":[" + Array(repeating: "{}", count: 1000).joined(separator: ",") + "]}"
        try await TestServer.run(limits: limits) { server async throws in
            let answer = try await server.post(
                body, headers: [("Prefer", "handling=lenient"), ("Idempotency-Key", "k")])
            #expect(answer.status == .serviceUnavailable && answer.code == "busy", "\(answer.status)")
            let small = try await server.post(
                "{\"items\":[{}]}", headers: [("Prefer", "handling=lenient"), ("Idempotency-Key", "k")])
            #expect(small.status.code == 207)
        }
    }

    @Test("a page of refused posts ends early when their reasons are many, and the next ones go on where it ended")
    func pages() async throws {
        let data = (0..<120).map { "\"\($0)\(String(repeating: "é", count: 300))\":1" }.joined(separator: ",")
        try await TestServer.run { server async throws in
            for _ in 0..<45 {
                #expect(try await server.post(TestServer.items(TestServer.item("{\(data)}"))).status == .badRequest)
            }
            var ids: [String] = []
            var before = ""
            var pages = 0
            repeat {
                let page = try await server.send(
                    .get, Self.rejections + "?limit=200" + (before.isEmpty ? "" : "&before=\(before)"))
                #expect(page.text.utf8.count < Limits.rejectionPageBytesMax + Limits.errorsBytesMax + 5000)
                ids += page.json["items"]?.array?.compactMap { $0["id"]?.string } ?? []
                before = page.json["next_before"]?.string ?? ""
                pages += 1
            } while !before.isEmpty && pages < 50
            #expect(pages > 1 && ids.count == 45 && Set(ids).count == 45)
            #expect(ids == ids.sorted { Int($0)! > Int($1)! })
        }
    }

    @Test(
        "a page of refused posts has as many as were asked for, whatever is read at once",
        arguments: [1, 19, 20, 21, 41, 60])
    func pageSizes(limit: Int) async throws {
        try await TestServer.run { server async throws in
            for _ in 0..<41 { _ = try await server.post("nonsense") }
            let page = try await server.send(.get, Self.rejections + "?limit=\(limit)")
            #expect(page.json["items"]?.array?.count == min(limit, 41))
            #expect((page.json["next_before"] == .null) == (limit >= 41))
        }
    }

    @Test("of a refused post as much is kept of its key as a key could need, and of its reasons what is listed")
    func kept() async throws {
        try await TestServer.run { server async throws in
            let key = String(repeating: "%C3%A9", count: 8000)
            #expect(try await server.post(TestServer.items(TestServer.item()), key: key).code == "invalid_profile_key")
            let item = try await server.send(.get, Self.rejections).json["items"]?.array?.first
            let kept = item?["profile_key"]?.string ?? ""
            #expect(kept.utf8.count > 2000 && kept.utf8.count <= Limits.rejectionKeyBytesMax && kept.hasSuffix("é…"))
        }
    }
}

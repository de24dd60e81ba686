import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

@Suite("Activity and the overview")
struct ActivityTests {
    private static let rejections = "/audience/sections/\(Fixtures.section)/rejections"
    private static let typePath = TestServer.definitionsPath + "/" + Fixtures.eventType
    private static let bulkPath = TestServer.definitionsPath + "/bulk"
    private static let good = TestServer.items(TestServer.item(), TestServer.item())
    private static let bad = TestServer.items(TestServer.item(#"{"x":1}"#))

    /// Accepted, refused and repeated events of the last hour, as the API has them: by minute, and by section.
    private func counts(_ server: TestServer) async throws -> [Int] {
        let json = try await server.send(.get, "/audience/activity").json
        func sums(_ list: String) -> [Int] {
            ["accepted", "refused", "duplicate"].map { name in
                (json[list]?.array ?? []).reduce(0) { $0 + ($1[name]?.int ?? 0) }
            }
        }
        #expect(sums("minutes") == sums("sections"))
        return sums("minutes")
    }

    /// What stands in the tiles of the overview, and the page without its tags.
    private func overview(_ server: TestServer) async throws -> (tiles: [String], text: String) {
        var client = try await ConsoleClient.signedIn(to: server)
        let page = try await client.get("/console").text
        let tiles = page.split(separator: "<p class=\"number\">").dropFirst().map { String($0.prefix { $0 != "<" }) }
        var (text, isTag) = ("", false)
        for character in page {
            if character == "<" { isTag = true } else if !isTag { text.append(character) }
            if character == ">" { isTag = false }
        }
        return (tiles, text)
    }

    private func load(
        _ server: TestServer, _ lines: [String], headers: [(String, String)] = []
    ) async throws -> TestServer.Answer {
        try await server.send(
            .post, Self.bulkPath, body: lines.map { $0 + "\n" }.joined(),
            headers: [("Content-Type", "application/x-ndjson")] + headers)
    }

    private static func line(_ data: String = #"{"myNumberField":1}"#) -> String {
        #"{"keyspace":"\#(Fixtures.emailKeyspace)","profile_key":"a@b.se","#
            + TestServer.item(data).dropFirst()
    }

    @Test("a start forgets nothing of the last hour")
    func survivesStart() async throws {
        let folder = try TemporaryFolder()
        try await TestServer.run(folder: folder) { server async throws in
            for _ in 0..<2 { _ = try await server.post(Self.good, headers: [("Idempotency-Key", "k")]) }
            #expect(try await server.post(Self.bad).status == .badRequest)
            #expect(try await counts(server) == [2, 1, 2])
        }
        try await TestServer.run(folder: folder) { server async throws in
            #expect(try await counts(server) == [2, 1, 2])
            let json = try await server.send(.get, "/audience/activity").json
            #expect(json["counted_since"]?.string == Fixtures.now.rfc3339)
            let type = json["events"]?.array?.first
            #expect(type?["discriminator"]?.string == Fixtures.eventType && type?["event_count"]?.int == 2)
            #expect(type?["refused"]?.int == 1 && type?["duplicate"]?.int == 2)
            let (tiles, text) = try await overview(server)
            #expect(tiles == ["2", "1", "2"] && text.contains("At most 2 in a minute."))
            #expect(text.contains("Counted since 2026-11-23 12:00:00 UTC"))
            _ = try await server.post(Self.good)
            #expect(try await counts(server) == [4, 1, 2])
            server.clock.advance(by: .seconds(3600))
            #expect(try await counts(server) == [0, 0, 0])
            let later = try await overview(server)
            #expect(later.tiles == ["0", "0", "0"] && later.text.contains("None counted."))
            #expect(!later.text.contains("Counted since"), "the whole hour is counted")
        }
    }

    @Test("refused events without a known version count for their section, and others for the type that they name")
    func countsBySection() async throws {
        try await TestServer.run { server async throws in
            let unknown = TestServer.item(version: "4711")
            #expect(
                try await server.post(TestServer.items(TestServer.item(#"{"x":1}"#), unknown)).status == .badRequest)
            #expect(try await server.post("{").status == .badRequest)
            let json = try await server.send(.get, "/audience/activity").json
            #expect(json["events"]?.array?.map { $0["refused"]?.int } == [1])
            let section = json["sections"]?.array?.first
            #expect(section?["section_discriminator"]?.string == Fixtures.section && section?["refused"]?.int == 3)
            #expect(try await counts(server) == [0, 3, 0])
            let integration = try await server.token(ofNewKey: #"{"name":"shop"}"#).token
            #expect(try await server.send(.get, "/audience/activity", token: integration).code == "admin_required")
        }
    }

    @Test("an overview of refused posts alone says what is so, and so does one of closed rejections")
    func refusedAlone() async throws {
        try await TestServer.run { server async throws in
            #expect(try await overview(server).text.contains("No events are stored. Three steps lead to one."))
            #expect(try await server.post(Self.bad).status == .badRequest)
            let (tiles, text) = try await overview(server)
            #expect(tiles == ["0", "1", "0"])
            #expect(!text.contains("No events are stored") && !text.contains("No rejection is open"))
            #expect(text.contains("No accepted event is counted in these 60 minutes."), "the type was only refused")
            let item = try #require(try await server.send(.get, Self.rejections).json["items"]?.array?.first)
            let one = Self.rejections + "/" + (item["id"]?.string ?? "")
            #expect(try await server.send(.post, one + "/replay", body: Self.good).status == .noContent)
            let replayed = try await overview(server)
            #expect(replayed.tiles == ["2", "1", "0"] && replayed.text.contains("No rejection is open."))
            #expect(!replayed.text.contains("No post was refused"))
        }
    }

    @Test("an overview of repeated events alone says what is so")
    func repeatedAlone() async throws {
        try await TestServer.run { server async throws in
            let headers = [("Idempotency-Key", "k")]
            _ = try await server.post(Self.good, headers: headers)
            server.clock.advance(by: .seconds(2 * 3600))
            _ = try await server.post(Self.good, headers: headers)
            let (tiles, text) = try await overview(server)
            #expect(tiles == ["0", "0", "2"] && text.contains("No accepted event is counted"))
        }
    }

    @Test("a server that keeps no refused posts counts them, and says so")
    func keepsNone() async throws {
        var limits = Limits()
        limits.rejectionsMax = 0
        try await TestServer.run(limits: limits) { server async throws in
            #expect(try await server.post(Self.bad).status == .badRequest)
            #expect(try await counts(server) == [0, 1, 0])
            let (tiles, text) = try await overview(server)
            #expect(tiles == ["0", "1", "0"] && text.contains("this server counts refused posts, but keeps none"))
        }
    }

    @Test("of a lenient post what was stored and what was refused is counted")
    func lenient() async throws {
        try await TestServer.run { server async throws in
            let mixed = TestServer.items(TestServer.item(), TestServer.item(#"{"x":1}"#), TestServer.item())
            let headers = [("Prefer", "handling=lenient"), ("Idempotency-Key", "k")]
            for _ in 0..<2 { #expect(try await server.post(mixed, headers: headers).status.code == 207) }
            #expect(try await counts(server) == [2, 1, 2])
            let checked = [("Prefer", "validate-only")]
            for body in [Self.good, Self.bad] { _ = try await server.post(body, headers: checked) }
            #expect(try await counts(server) == [2, 1, 2], "what is only checked is not counted")
        }
    }

    @Test("a repeated post is counted as that, even when it would be refused by now")
    func repeatedAfterChange() async throws {
        try await TestServer.run { server async throws in
            let strict = [("Idempotency-Key", "k")]
            let upload = [("Idempotency-Key", "u"), ("Prefer", "handling=strict")]
            #expect(try await server.post(Self.good, headers: strict).status == .noContent)
            #expect(try await load(server, [Self.line()], headers: upload).status == .ok)
            let change = #"{"keyspace_permissions":[]}"#
            #expect(try await server.send(.patch, Self.typePath, body: change).status == .ok)
            #expect(try await counts(server) == [3, 0, 0])
            #expect(try await server.post(Self.good, headers: strict).status == .noContent)
            #expect(try await counts(server) == [3, 0, 2])
            #expect(try await load(server, [Self.line()], headers: upload).status == .ok)
            #expect(try await counts(server) == [3, 0, 3])
            #expect(try await server.post(Self.good).status == .forbidden)
            #expect(try await counts(server) == [3, 2, 3])
        }
    }

    @Test("an upload's refused lines are counted, whether something is stored with them or not")
    func uploads() async throws {
        try await TestServer.run { server async throws in
            #expect(try await load(server, ["x", "y"]).status == .ok)
            #expect(try await counts(server) == [0, 2, 0])
            #expect(try await load(server, [Self.line(), "x"]).status == .ok)
            #expect(try await counts(server) == [1, 3, 0])
            let strict = [("Prefer", "handling=strict")]
            #expect(try await load(server, [Self.line(), "x"], headers: strict).status == .badRequest)
            #expect(try await counts(server) == [1, 4, 0])
            for prefer in ["validate-only", "validate-only, handling=strict"] {
                _ = try await load(server, [Self.line(), "x"], headers: [("Prefer", prefer)])
                #expect(try await counts(server) == [1, 4, 0], "\(prefer)")
            }
            let text = try await overview(server).text
            #expect(text.contains("Refused lines of a bulk upload are counted, but not kept."))
        }
    }

    @Test("events of an event type that was removed are still there, under its name")
    func removedType() async throws {
        try await TestServer.run { server async throws in
            #expect(try await server.post(Self.good).status == .noContent)
            #expect(try await server.send(.delete, Self.typePath).status == .noContent)
            #expect(try await counts(server) == [2, 0, 0])
            let (tiles, text) = try await overview(server)
            #expect(tiles.first == "2" && text.contains("my transaction removed"))
            #expect(try await server.send(.delete, TestServer.eventsPath()).status == .ok)
            let deleted = try await overview(server)
            #expect(deleted.tiles.first == "2" && !deleted.text.contains("No events are stored"), "it was accepted")
            server.clock.advance(by: .seconds(3600))
            #expect(try await overview(server).text.contains("No events are stored. Three steps lead to one."))
        }
    }

    @Test("a hundred thousand events are one number")
    func many() async throws {
        try await TestServer.run { server async throws in
            let lines = Array(repeating: Self.line(), count: 10_000)
            for _ in 0..<10 { #expect(try await load(server, lines).status == .ok) }
            let (tiles, text) = try await overview(server)
            #expect(tiles == ["100,000", "0", "0"] && text.contains("At most 100,000 in a minute."))
        }
    }
}

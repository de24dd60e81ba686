import Foundation
import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

@Suite("Pages of the console")
struct ConsolePageTests {
    private static let types = "/console/sections/\(Fixtures.section)/event-types"
    private static let type = types + "/" + Fixtures.eventType

    private static let fields = [
        ("field_name", "orderId"), ("field_type", "string"), ("field_required_0", "on"), ("field_name", "amount"),
        ("field_type", "double"), ("field_name", ""), ("field_type", "string"),
    ]

    @Test("every page without parameters answers, for somebody who has nothing and for somebody who has something")
    func everyPage() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            let paths = ConsoleRoute.all.filter { $0.method == .get && !$0.path.contains("{") }.map(\.path)
                .filter { $0 != "/console/live/stream" && $0 != "/favicon.ico" }
            #expect(paths.count >= 10)
            for round in 0..<2 {
                for path in paths {
                    let answer = try await client.get(path)
                    let isSignIn = path == "/console/sign-in"
                    #expect(answer.status == .ok, "\(path) in round \(round): \(answer.status)")
                    #expect(answer.text.hasPrefix(path.hasSuffix("yaml") ? "keyspaces:" : "<!"), "\(path) \(isSignIn)")
                }
                #expect(try await server.post(TestServer.items(TestServer.item())).status == .noContent)
                #expect(try await server.post("{").status == .badRequest)
            }
        }
    }

    @Test("a custom event is previewed and made under the discriminator that the preview showed")
    func creates() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            _ = try await client.get(Self.types + "/new")
            let form =
                [
                    ("suffix", "abcdefgh12"), ("name", "coffee bought"), ("category", "transaction"),
                    ("description", "one cup"), ("read", Fixtures.emailKeyspace), ("write", Fixtures.emailKeyspace),
                ] + Self.fields
            let made = "com.apsis1.events.transaction.custom-coffee-bought-abcdefgh12"
            let preview = try await client.post(
                Self.types + "/preview", form, headers: [("X-Requested-With", "console")])
            #expect(preview.status == .ok && preview.text.contains(made) && preview.text.contains("orderId"))
            #expect(!preview.text.contains("<html"), "a part of a page")
            let page = try await client.submit(Self.types, form + [("action", "create")])
            #expect(page.status == .ok && page.text.contains("coffee bought") && page.text.contains("is created"))
            let listed = try await server.send(.get, TestServer.definitionsPath + "/" + made)
            #expect(
                listed.json["versions"]?.array?[0]["type"]?.members?.map(\.name) == ["orderId", "amount", "source"])
            #expect(listed.json["versions"]?.array?[0]["required"] == .array([.string("orderId")]))
            let again = try await client.post(Self.types, form + [("action", "create")])
            #expect(again.status == .conflict && again.text.contains("already a definition"))
        }
    }

    @Test("what cannot be is said beside the field, and what was typed stays")
    func refuses() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            _ = try await client.get(Self.types + "/new")
            let answer = try await client.post(
                Self.types,
                [
                    ("suffix", "abcdefgh12"), ("name", ""), ("category", "signal"), ("description", "typed before"),
                    ("field_name", "1x"), ("field_type", "string"), ("action", "create"),
                ])
            #expect(answer.status == .badRequest && answer.text.contains("typed before"))
            #expect(answer.text.contains("aria-invalid=\"true\""))
            let more = try await client.post(
                Self.types, [("name", "keeps"), ("field_name", "a"), ("field_type", "double"), ("action", "add-field")])
            #expect(more.status == .ok && more.text.components(separatedBy: "name=\"field_name\"").count >= 3)
            let less = try await client.post(
                Self.types,
                [("name", "keeps"), ("field_name", "gone"), ("field_type", "double"), ("action", "remove-field:0")])
            #expect(less.status == .ok && less.text.contains("keeps") && !less.text.contains("gone"))
        }
    }

    @Test("the second of two who edit at once is told, keeps what was typed, and nothing is lost")
    func editsAtOnce() async throws {
        try await TestServer.run { server async throws in
            var first = try await ConsoleClient.signedIn(to: server)
            var second = try await ConsoleClient.signedIn(to: server)
            let seen = try await Self.seen(&first)
            _ = try await second.get(Self.type + "/edit")
            let base = [("name", "my transaction"), ("seen", seen), ("write", Fixtures.emailKeyspace)]
            _ = try await first.confirm(
                Self.type + "/edit", base + [("field_name", "fromFirst"), ("field_type", "string"), ("action", "save")])
            let typed = base + [("field_name", "fromSecond"), ("field_type", "string"), ("action", "save")]
            let told = try await second.post(Self.type + "/edit", typed)
            #expect(told.status == .conflict && told.text.contains("Administrator"), "\(told.text.prefix(2000))")
            #expect(told.text.contains("fromSecond"), "what was typed is there")
            #expect(told.text.contains("Added version"), "what is new is told")
            #expect(!told.text.contains("Added version 2565266"), "what was seen is not told")
            let json = try await server.send(.get, TestServer.definitionsPath + "/" + Fixtures.eventType).json
            #expect(json["versions"]?.array?.count == 2, "nothing was saved of the second")
            let now = try Self.hidden("seen", in: told.text)
            _ = try await second.confirm(
                Self.type + "/edit", typed.filter { $0.0 != "seen" } + [("seen", now)])
            let after = try await server.send(.get, TestServer.definitionsPath + "/" + Fixtures.eventType).json
            let fields = (after["versions"]?.array ?? []).map { $0["type"]?.members?.first?.name ?? "" }
            #expect(fields == ["fromSecond", "fromFirst", "myNumberField"])
        }
    }

    /// What the form was made from.
    private static func seen(_ client: inout ConsoleClient) async throws -> String {
        try hidden("seen", in: await client.get(type + "/edit").text)
    }

    private static func hidden(_ name: String, in html: String) throws -> String {
        let start = try #require(html.firstRange(of: "name=\"\(name)\" value=\""), "no hidden field '\(name)'")
        return String(html[start.upperBound...].prefix { $0 != "\"" })
    }

    @Test("another definition that changed meanwhile is no conflict")
    func unrelatedChange() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            let seen = try await Self.seen(&client)
            #expect(try await server.send(.post, "/audience/sections", body: #"{"name":"other"}"#).status == .created)
            let page = try await client.confirm(
                Self.type + "/edit",
                [
                    ("name", "renamed"), ("seen", seen), ("field_name", "a"), ("field_type", "string"),
                    ("action", "save"),
                ])
            #expect(page.text.contains("renamed"))
        }
    }

    @Test("versions: a draft is published, the current one deprecated, the type removed after a question")
    func versions() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            let seen = try await Self.seen(&client)
            _ = try await client.submit(
                Self.type + "/edit",
                [
                    ("name", "my transaction"), ("seen", seen), ("field_name", "a"), ("field_type", "string"),
                    ("read", Fixtures.emailKeyspace), ("write", Fixtures.emailKeyspace), ("action", "draft"),
                ])
            let path = TestServer.definitionsPath + "/" + Fixtures.eventType
            let draft = try await server.send(.get, path).json["drafts"]?.array?.first?["id"]?.string ?? ""
            var page = try await client.confirm(Self.type + "/versions/\(draft)/publish")
            #expect(page.text.contains("is published"))
            page = try await client.confirm(Self.type + "/versions/\(draft)/deprecate")
            #expect(page.text.contains("is deprecated"))
            let versions = try await server.send(.get, path).json["versions"]?.array ?? []
            #expect(versions.count == 2 && versions.allSatisfy { $0["deprecated_at"] != .null })
            page = try await client.submit(Self.type + "/versions/\(draft)/deprecate")
            #expect(page.text.contains("not the current one"))
            #expect(try await client.get(Self.type + "/remove").text.contains("Remove event type"))
            page = try await client.confirm(Self.type + "/remove")
            #expect(page.text.contains("is removed"))
            #expect(try await server.send(.get, TestServer.definitionsPath).json["items"]?.array?.isEmpty == true)
            let history = try await client.get("/console/history").text
            for words in ["Published version", "Deprecated version", "Removed the event type"] {
                #expect(history.contains(words))
            }
        }
    }

    @Test("a profile is found by its key, and its address tells nothing about it")
    func profile() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            for day in 10..<13 {
                let item = TestServer.item(#"{"myTextField":"<b>day \#(day)</b>"}"#, time: "2020-10-\(day)T09:43:34Z")
                #expect(try await server.post(TestServer.items(item)).status == .noContent)
            }
            let found = try await client.get("/console/profiles?key=Steve%40apsis.com")
            let address = try #require(found.header("Location"))
            #expect(found.status == .seeOther && !address.contains("steve"))
            let page = try await client.get(address).text
            #expect(page.contains("steve@apsis.com") && page.contains("&lt;b&gt;day 12") && !page.contains("<b>day"))
            let newest = try #require(page.firstRange(of: "day 12"))
            let oldest = try #require(page.firstRange(of: "day 10"))
            #expect(newest.lowerBound < oldest.lowerBound)
            let summary = try await client.get(
                address + "/summary", headers: [("X-Requested-With", "console")]
            ).text
            #expect(summary.contains("2020-10-12") && !summary.contains("<html"))
            let alone = try await client.get(address + "/summary").text
            #expect(alone.contains("2020-10-12") && alone.contains("<h1"), "a page of its own without script")
            let filtered = try await client.get(address + "?from=2020-10-11&to=2020-10-11").text
            #expect(filtered.contains("day 11") && !filtered.contains("day 10") && !filtered.contains("day 12"))
            #expect(try await client.get(address + "?from=yesterday").status == .badRequest)
            let byPrefix = try await client.get("/console/profiles?key=ste")
            #expect(byPrefix.status == .ok && byPrefix.text.contains(address))
            #expect(try await client.get("/console/profiles/00000000000000ff").status == .notFound)
        }
    }

    @Test("with the mask on, a key stands nowhere on a page")
    func mask() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            let key = "mask.me%40example.org"
            let item = TestServer.item(#"{"myTextField":"from mask.me@example.org"}"#)
            #expect(try await server.post(TestServer.items(item), key: key).status == .noContent)
            #expect(try await server.post("{}", key: key).status == .badRequest)
            let address = try #require(
                try await client.get("/console/profiles?key=mask.me%40example.org").header("Location"))
            let rejection = try await server.send(.get, "/audience/rejections").json["items"]?.array?.first?["id"]?
                .string
            let paths = [
                address, "/console/rejections?view=list", "/console/profiles?key=mask",
                "/console/sections/\(Fixtures.section)/rejections/\(rejection ?? "")",
            ]
            for path in paths { #expect(try await client.get(path).text.contains("mask.me@example.org"), "\(path)") }
            _ = try await client.post("/console/mask", [("masked", "on"), ("back", "/console")])
            for path in paths { #expect(try await !client.get(path).text.contains("mask.me@example.org"), "\(path)") }
            let body = TestServer.items(TestServer.item())
            let replayed = try await client.post(
                paths[3] + "/replay",
                [("action", "replay"), ("body", body), ("profile_key", Visit.mask("mask.me@example.org") ?? "")])
            #expect(replayed.status == .seeOther, "the unchanged key is still the same")
            #expect(try await server.stored(key).count == 2)
        }
    }

    @Test("the editor of a rejection takes no more than the API does")
    func tooLargeToReplay() async throws {
        var limits = Limits()
        limits.bodyBytesMax = 2000
        try await TestServer.run(limits: limits) { [limits] server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            let bad = TestServer.items(TestServer.item(#"{"myNumberField":"1"}"#))
            #expect(try await server.post(bad).status == .badRequest)
            let id =
                try await server.send(.get, "/audience/rejections").json["items"]?.array?.first?["id"]?.string ?? ""
            let good = TestServer.items(TestServer.item(#"{"myNumberField":1}"#))
            let bytesMax = Endpoint.replayRejection.bodyBytesMax(limits)
            for (spaces, isTaken) in [(bytesMax + 1 - good.utf8.count, false), (bytesMax - good.utf8.count, true)] {
                let answer = try await client.post(
                    "/console/sections/\(Fixtures.section)/rejections/\(id)/replay",
                    [
                        ("action", "replay"), ("profile_key", "steve@apsis.com"),
                        ("body", good + String(repeating: " ", count: spaces)),
                    ])
                #expect((answer.status == .seeOther) == isTaken)
                #expect(answer.text.contains("larger than \(bytesMax) bytes") != isTaken)
                #expect(try await server.stored().count == (isTaken ? 1 : 0))
            }
        }
    }

    @Test("what was masked in the editor comes back as it was, and is not edited around")
    func maskedEditor() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            let text = #""myTextField":"STEVE@apsis.com""#
            let mask = try #require(Visit.mask("steve@apsis.com"))
            let bad = TestServer.items(TestServer.item("{\(text),\"myNumberField\":\"1\"}"))
            #expect(try await server.post(bad).status == .badRequest)
            let id =
                try await server.send(.get, "/audience/rejections").json["items"]?.array?.first?["id"]?.string ?? ""
            let path = "/console/sections/\(Fixtures.section)/rejections/\(id)"
            _ = try await client.post("/console/mask", [("masked", "on"), ("back", path)])
            let page = try await client.get(path).text
            #expect(!page.lowercased().contains("steve@apsis.com") && page.contains(mask))
            let shown = try JSONWriter.writeIndented(JSONValue(parsing: bad)).replacing(
                "STEVE@apsis.com", with: mask)
            func answer(_ body: String) async throws -> TestServer.Answer {
                try await client.post(
                    path + "/replay",
                    [("action", "replay"), ("profile_key", mask), ("body", body.replacing("\n", with: "\r\n"))])
            }
            #expect(try await answer(shown).text.contains("/items/0/data/myNumberField"), "it was checked as it is")
            let edited = try await answer(shown.replacing(#""1""#, with: "1"))
            #expect(edited.status == .badRequest && edited.text.contains("Switch the mask off"))
            _ = try await client.post("/console/mask", [("masked", "off"), ("back", path)])
            let good = TestServer.items(TestServer.item("{\(text)}"))
            #expect(try await answer(good).status == .seeOther, "a key that was shown masked is still known")
            #expect(try await server.stored() == ["{\(text)}"])
        }
    }

    @Test("what the editor of a refused post says while somebody types")
    func editor() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            #expect(try await server.post(TestServer.items(TestServer.item(#"{"x":1}"#))).status == .badRequest)
            let id =
                try await server.send(.get, "/audience/rejections").json["items"]?.array?.first?["id"]?.string ?? ""
            let path = "/console/sections/\(Fixtures.section)/rejections/\(id)"
            #expect(try await client.get(path).text.contains("/items/0/data/x"))
            func check(_ body: String) async throws -> String {
                try await client.post(path + "/validate", [("body", body), ("profile_key", "steve@apsis.com")]).text
            }
            #expect(try await check(TestServer.items(TestServer.item(#"{"y":1}"#))).contains("/items/0/data/y"))
            #expect(try await check("{").contains("JSON"))
            #expect(try await check("{}").contains("items"))
            #expect(try await check(TestServer.items(TestServer.item())).contains("1 event would be accepted"))
            #expect(try await client.get(path + "/dismiss").text.contains("Dismiss rejection"))
            let list = try await client.confirm(path + "/dismiss")
            #expect(list.text.contains("is dismissed"))
        }
    }

    @Test("API keys: the secret is shown once, and the page of all keys never has it")
    func keys() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            _ = try await client.get("/console/keys/new")
            let made = try await client.post(
                "/console/keys",
                [
                    ("name", "web shop"), ("role", "integration"), ("section_scope", "only"),
                    ("section", Fixtures.section), ("keyspace_scope", "only"),
                    ("keyspace:\(Fixtures.emailKeyspace)", "read_write"),
                ])
            #expect(made.text.contains("Reads and writes through"))
            #expect(made.status == .ok && made.header("Cache-Control") == "no-store")
            let keys = try await server.send(.get, "/account/api-keys").json["items"]?.array ?? []
            let key = try #require(keys.first { $0["name"]?.string == "web shop" })
            #expect(key["sections"] == .array([.string(Fixtures.section)]))
            let id = key["client_id"]?.string ?? ""
            let secret = try #require(
                made.text.split(whereSeparator: { !$0.isASCII || !($0.isLetter || $0.isNumber) })
                    .first { $0.utf8.count == 64 && $0 != client.csrf }.map(String.init))
            #expect(try await !server.token(clientID: id, secret: secret).isEmpty)
            #expect(try await !client.get("/console/keys").text.contains(secret))
            let form = try await client.get("/console/keys/\(id)/rotate").text
            let seen = try Self.hidden("seen", in: form)
            let fields = [("overlap", "24"), ("seen", seen), ("confirmed", "yes")]
            let rotated = try await client.post("/console/keys/\(id)/rotate", fields)
            #expect(rotated.status == .ok && !rotated.text.contains(secret))
            let twice = try await client.submit("/console/keys/\(id)/rotate", fields)
            #expect(twice.text.contains("was rotated already"))
            #expect(try await !server.token(clientID: id, secret: secret).isEmpty, "for another day")
            #expect(try await client.confirm("/console/keys/\(id)/revoke").text.contains("is revoked"))
            let last = try await client.confirm("/console/keys/\(TestServer.clientID)/revoke")
            #expect(last.text.contains("last admin key"))
        }
    }
}

import Foundation
import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

@Suite("Attributes and tags in the console")
struct ConsoleAttributeTests {
    private static let attributes = "/console/sections/\(Fixtures.section)/attributes"
    private static let tags = "/console/sections/\(Fixtures.section)/tags"
    private static let cake = attributes + "/usercreated.attributes.cake-abcdefgh12"
    private static let api = "/audience/sections/\(Fixtures.section)/attributes"
    private static let script = [("X-Requested-With", "console")]

    /// The boxes of every keyspace.
    private static let access = ["email", "mobile", "crm-id", "web", "export"].flatMap { name in
        [("read", "com.apsis1.keyspaces.\(name)"), ("write", "com.apsis1.keyspaces.\(name)")]
    }

    private static let newCake = [("suffix", "abcdefgh12"), ("name", "cake"), ("kind", "date")] + access

    private func log(_ server: TestServer) async throws -> String {
        try await server.send(.get, "/audience/log?limit=1000").text
    }

    @Test("an attribute is previewed and made under the discriminator that the preview showed")
    func creates() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            _ = try await client.get(Self.attributes + "/new")
            let before = try await log(server)
            let preview = try await client.post(Self.attributes + "/preview", Self.newCake, headers: Self.script)
            #expect(preview.text.contains("usercreated.attributes.cake-abcdefgh12"), "\(preview.text)")
            #expect(preview.text.contains("date_YYYY-MM-DD") && preview.text.contains("As the API will list it"))
            let draft = try await client.post(
                Self.attributes + "/preview", Self.newCake + [("action", "draft")], headers: Self.script)
            #expect(draft.text.contains("show the draft to admin keys"))
            #expect(try await log(server) == before)
            let page = try await client.submit(Self.attributes, Self.newCake + [("action", "create")])
            #expect(
                page.text.contains("is created") && page.text.contains("Created the attribute ‘cake’ of type date."))
            let made = try await server.send(.get, Self.api + "/usercreated.attributes.cake-abcdefgh12").json
            #expect(made["versions"]?.array?.first?["render_hint"] == "date_YYYY-MM-DD")
            #expect(made["keyspace_permissions"]?.array?.allSatisfy { $0["permissions"]?.array?.count == 2 } == true)
            let again = try await client.post(Self.attributes, Self.newCake + [("action", "create")])
            #expect(again.status == .conflict && again.text.contains("already a definition"))
        }
    }

    @Test("an error stands beside its control, and what was typed stays")
    func refuses() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            _ = try await client.get(Self.attributes + "/new")
            let long = String(repeating: "d", count: Limits.descriptionLengthMax + 1)
            for (field, value, control) in [
                ("name", "", "name"), ("kind", "x", "kind"), ("description", long, "description"),
            ] {
                let kept = Self.newCake.filter { $0.0 != field }
                let answer = try await client.post(Self.attributes, kept + [(field, value), ("action", "create")])
                #expect(answer.status == .badRequest && answer.text.contains("id=\"\(control)-error\""), "\(field)")
                #expect(answer.text.contains("abcdefgh12"))
            }
        }
    }

    @Test("an edit says what it changes, asks where it takes something away, and tells the second of two")
    func edits() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            let email = Self.attributes + "/com.apsis1.attributes.email"
            let page = try await client.get(email + "/edit")
            let seen = page.hiddenFields.filter { $0.0 == "seen" }
            let form = [("name", "E-post"), ("kind", "string"), ("description", "")] + Self.access
            let preview = try await client.post(email + "/edit/preview", form, headers: Self.script).text
            #expect(preview.contains("name: Email → E-post") && preview.contains("No new version"), "\(preview)")
            let other = form.filter { $0.0 != "kind" } + [("kind", "integer")]
            let typed = try await client.post(email + "/edit/preview", other, headers: Self.script).text
            #expect(typed.contains("type: string → integer") && typed.contains("What this breaks"), "\(typed)")
            let less = seen + form.dropLast()
            let question = try await client.post(email + "/edit", less + [("action", "save")])
            #expect(question.isQuestion && question.text.contains("are refused from then on"))
            #expect(try await client.post(email + "/edit", seen + other + [("action", "save")]).isQuestion)
            let saved = try await client.submit(email + "/edit", seen + form + [("action", "save")])
            #expect(saved.text.contains("‘E-post’ is changed.") && saved.text.contains("Changed the attribute"))
            // The form was made before that.
            let late = form.filter { $0.0 != "name" } + [("name", "typed late")]
            let told = try await client.post(email + "/edit", seen + late + [("action", "save")])
            #expect(told.status == .conflict && told.text.contains("Another person changed this attribute"))
            #expect(told.text.contains("typed late"))
            let now = told.hiddenFields.filter { $0.0 == "seen" }
            let last = try await client.submit(email + "/edit", now + late + [("action", "save")])
            #expect(last.text.contains("‘typed late’ is changed."))
            let same = try await client.get(email + "/edit").hiddenFields.filter { $0.0 == "seen" }
            let nothing = try await client.submit(email + "/edit", same + late + [("action", "save")])
            #expect(nothing.text.contains("Nothing was different"))
        }
    }

    @Test("versions are deprecated, published again and discarded after a question; a default attribute is not removed")
    func versions() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            _ = try await client.get(Self.attributes + "/new")
            _ = try await client.submit(Self.attributes, Self.newCake + [("action", "create")])
            let attribute = Self.api + "/usercreated.attributes.cake-abcdefgh12"
            let id = try #require(
                try await server.send(.get, attribute).json["versions"]?.array?.first?["id"]?.string)
            let version = Self.cake + "/versions/\(id)"
            let old = try await client.get(version + "/deprecate").hiddenFields
            _ = try await server.send(.patch, attribute, body: #"{"description":"other"}"#)
            let anew = try await client.post(version + "/deprecate", old)
            #expect(anew.status == .conflict && anew.text.contains("was changed since you were asked"))
            #expect(try await client.confirm(version + "/deprecate").text.contains("is deprecated"))
            let again = try await client.confirm(version + "/publish")
            #expect(again.text.contains("is published and current now") && again.text.contains("again."))
            // What cannot be is not asked.
            let wrong = try await client.get(version + "/discard")
            #expect(wrong.status == .seeOther)
            #expect(try await client.confirm(Self.cake + "/remove").text.contains("‘cake’ is removed."))
            #expect(try await client.get(Self.attributes + "?removed=1").text.contains("cake-abcdefgh12"))
            #expect(try await client.get(Self.cake).text.contains("was removed at"))
            let email = Self.attributes + "/com.apsis1.attributes.email"
            #expect(try await client.get(email + "/remove").status == .seeOther)
            #expect(try await !client.get(email).text.contains("/remove\""))
        }
    }

    @Test("a list of many is searched, and shown a hundred at a time")
    func pages() async throws {
        var model = try Fixtures.model()
        model.sections[0].tags = (0..<150).map { Model.Tag(discriminator: nil, name: "tag \($0)") }
        try await TestServer.run(model: model) { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            func rows(_ text: String) -> Int { text.components(separatedBy: "aria-label=\"Save ").count - 1 }
            let first = try await client.get(Self.tags).text
            #expect(rows(first) == 100 && first.contains("1 to 100 of 150"))
            let second = try await client.get(Self.tags + "?from=100").text
            #expect(rows(second) == 50 && second.contains("101 to 150 of 150") && second.contains("First page"))
            let found = try await client.get(Self.tags + "?q=TAG%2014").text
            #expect(rows(found) == 11 && found.contains("1 to 11 of 11"))
            #expect(try await client.get(Self.tags + "?q=nothing").text.contains("None fits."))
            #expect(try await client.get(Self.attributes + "?q=birth").text.contains("1 to 1 of 1"))
            #expect(try await client.get(Self.attributes + "?removed=1").text.contains("name=\"removed\" value=\"1\""))
        }
    }

    @Test("a tag on a later page is changed there, and a wrong name comes back beside its message")
    func laterPages() async throws {
        var model = try Fixtures.model()
        model.sections[0].tags = (0..<150).map { Model.Tag(discriminator: nil, name: "tag \($0)") }
        try await TestServer.run(model: model) { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            let page = try await client.get(Self.tags + "?q=tag&from=100").text
            let action = try #require(
                page.split(separator: "\"").first { $0.hasPrefix(Self.tags + "/") && $0.contains("?") })
            let form = action.split(separator: "amp;").joined()
            let wrong = String(repeating: "x", count: Limits.nameLengthMax + 1)
            let told = try await client.post(form, [("name", wrong)])
            #expect(told.status == .badRequest && told.text.contains("id=\"error:"))
            #expect(told.text.contains("value=\"\(wrong)\"") && told.text.contains("101 to 150 of 150"))
            let changed = try await client.submit(form, [("name", "tag renamed")])
            #expect(changed.text.contains("is changed.") && changed.text.contains("101 to 150 of 150"))
        }
    }

    @Test("a tag is made, hidden and removed in its list")
    func tags() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            _ = try await client.get(Self.tags)
            #expect(try await client.post(Self.tags, [("name", "")]).text.contains("id=\"name-error\""))
            #expect(try await client.submit(Self.tags, [("name", "VIP")]).text.contains("The tag ‘VIP’ is created."))
            let path = "/audience/sections/\(Fixtures.section)/tags"
            let made = try await server.send(.get, path).json["items"]?.array?.first?["discriminator"]?.string
            let tag = Self.tags + "/" + (try #require(made))
            _ = try await client.submit(tag, [("name", "Gold"), ("is_hidden", "on")])
            let hidden = try await server.send(.get, path).json["items"]?.array?.first
            #expect(hidden?["name"] == "Gold" && hidden?["is_hidden"] == .bool(true))
            #expect(try await client.post(tag, [("name", "")]).text.contains("error:"))
            _ = try await client.submit(tag, [("name", "Gold")])
            #expect(try await server.send(.get, path).json["items"]?.array?.first?["is_hidden"] == nil)
            #expect(try await client.confirm(tag + "/remove").text.contains("‘Gold’ is removed."))
            #expect(try await server.send(.get, path).json["items"]?.array == [])
            #expect(try await client.get(tag + "/remove").status == .notFound)
            let history = try await client.get("/console/history").text
            for sentence in [
                "Created the tag ‘VIP’.", "Changed the tag ‘Gold’; it is hidden.", "Removed the tag ‘Gold’.",
            ] {
                #expect(history.contains(sentence), "\(sentence)")
            }
        }
    }
}

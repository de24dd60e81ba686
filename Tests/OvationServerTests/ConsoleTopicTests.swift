import Foundation
import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

@Suite("Channels, folders and topics in the console")
struct ConsoleTopicTests {
    private static let section = "/console/sections/" + Fixtures.section
    private static let folders = section + "/folders"
    private static let topics = section + "/topics"
    private static let channels = "/console/channels"
    private static let api = "/v2/audience/sections/" + Fixtures.section

    /// The discriminator of the definition that has a name.
    private func find(_ server: TestServer, _ path: String, _ name: String) async throws -> String {
        let items = try await server.send(.get, path).json["items"]?.array ?? []
        return try #require(items.first { $0["name"]?.string == name }?["discriminator"]?.string)
    }

    private func expectHistory(_ client: inout ConsoleClient, _ sentences: [String]) async throws {
        let history = try await client.get("/console/history").text
        for sentence in sentences { #expect(history.contains(sentence), "\(sentence)") }
    }

    @Test("a channel is made, renamed and removed in its list, and a built-in one has no way to be removed")
    func channels() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            let list = try await client.get(Self.channels).text
            #expect(list.contains("com.apsis1.channels.email") && list.contains("Built in."))
            #expect(!list.contains("/remove\""))
            let web = ("keyspace", "com.apsis1.keyspaces.web")
            let nameless = try await client.post(Self.channels, [("name", ""), web])
            #expect(nameless.text.contains("id=\"name-error\"") && nameless.text.contains("keyspaces.web\" selected"))
            let nowhere = try await client.post(Self.channels, [("name", "Push"), ("keyspace", "none")])
            #expect(nowhere.text.contains("id=\"keyspace-error\"") && nowhere.text.contains("value=\"Push\""))
            let made = try await client.submit(Self.channels, [("name", "Push"), web])
            #expect(made.text.contains("The channel ‘Push’ is created."))
            let path = Self.channels + "/" + (try await find(server, "/audience/channels", "Push"))
            let wrong = try await client.post(path, [("name", String(repeating: "x", count: 201))])
            #expect(wrong.status == .badRequest && wrong.text.contains("id=\"error:") && wrong.text.contains("xxx"))
            #expect(try await client.submit(path, [("name", "App")]).text.contains("is called ‘App’ now."))
            #expect(try await client.confirm(path + "/remove").text.contains("‘App’ is removed."))
            #expect(try await client.get(path + "/remove").status == .notFound)
            try await expectHistory(
                &client,
                ["Created the channel ‘Push’.", "Changed the channel ‘App’.", "Removed the channel ‘App’."])
        }
    }

    @Test("a folder is made, renamed and removed in its list, once it has no topics")
    func folders() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            _ = try await client.get(Self.folders)
            #expect(try await client.post(Self.folders, [("name", "")]).text.contains("id=\"name-error\""))
            let made = try await client.submit(Self.folders, [("name", "News")])
            #expect(made.text.contains("The folder ‘News’ is created.") && made.text.contains("0 topics"))
            let folder = try await find(server, Self.api + "/folders", "News")
            let path = Self.folders + "/" + folder
            #expect(try await client.post(path, [("name", "")]).text.contains("error:" + folder))
            #expect(try await client.submit(path, [("name", "Letters")]).text.contains("is called ‘Letters’ now."))
            _ = try await server.send(
                .post, Self.api + "/topics", body: #"{"name":"T","folder_discriminator":"\#(folder)"}"#)
            let list = try await client.get(Self.folders).text
            #expect(list.contains("1 topic") && list.contains("It has topics.") && !list.contains("/remove\""))
            #expect(try await client.get("\(Self.topics)?q=\(folder)").text.contains("1 to 1 of 1"))
            // Its page is still open somewhere.
            let kept = try await client.post(path + "/remove", [("confirmed", "yes")])
            #expect(kept.status == .conflict && kept.text.contains("move or remove its topics first"))
            let topic = try await find(server, Self.api + "/topics", "T")
            #expect(try await client.confirm("\(Self.topics)/\(topic)/remove").text.contains("‘T’ is removed."))
            #expect(try await client.confirm(path + "/remove").text.contains("‘Letters’ is removed."))
            #expect(try await client.get(path + "/remove").status == .notFound)
            try await expectHistory(
                &client,
                [
                    "Created the folder ‘News’.", "Changed the folder ‘Letters’.", "Removed the folder ‘Letters’.",
                    "Created the topic ‘T’ in the folder ‘Letters’.", "Removed the topic ‘T’.",
                ])
        }
    }

    @Test("a topic is made with a folder and a channel, renamed and moved")
    func topics() async throws {
        try await TestServer.run { server async throws in
            var client = try await ConsoleClient.signedIn(to: server)
            #expect(try await client.get(Self.topics).text.contains("this section has none yet"))
            for name in ["News", "Shop"] { _ = try await client.submit(Self.folders, [("name", name)]) }
            let news = try await find(server, Self.api + "/folders", "News")
            let shop = try await find(server, Self.api + "/folders", "Shop")
            let good = [("name", "Sale"), ("folder", news), ("channel", "com.apsis1.channels.sms")]
            for (field, value) in [("name", ""), ("folder", "none"), ("channel", "none"), ("channel", "a.none")] {
                let wrong = try await client.post(Self.topics, good.filter { $0.0 != field } + [(field, value)])
                #expect(wrong.status == .badRequest && wrong.text.contains("id=\"\(field)-error\""), "\(wrong.text)")
            }
            let made = try await client.submit(Self.topics, good)
            #expect(made.text.contains("The topic ‘Sale’ is created.") && made.text.contains(">SMS</span>"))
            _ = try await client.submit(Self.topics, [("name", "All"), ("folder", shop), ("channel", "")])
            let sale = try await find(server, Self.api + "/topics", "Sale")
            let path = Self.topics + "/" + sale
            #expect(try await client.post(path, [("name", "")]).text.contains("error:" + sale))
            #expect(try await client.submit(path + "?q=sale", [("name", "Sales")]).text.contains("1 to 1 of 1"))
            let move = try await client.get(path + "/move").text
            #expect(move.contains("value=\"\(news)\" selected") && move.contains("Move ‘Sales’"))
            #expect(try await client.post(path + "/move", [("folder", "a.none")]).status == .notFound)
            let moved = try await client.submit(path + "/move", [("folder", shop)])
            #expect(moved.text.contains("‘Sales’ is in the folder ‘Shop’ now."))
            let lists = "/audience/sections/\(Fixtures.section)/consent-lists"
            let items = try await server.send(.get, "\(lists)/\(shop)/topics").json["items"]?.array
            #expect(items?.compactMap { $0["name"]?.string } == ["Sales", "All"])
            // A channel that has a topic is not removed.
            _ = try await client.submit(Self.channels, [("name", "Push"), ("keyspace", "com.apsis1.keyspaces.web")])
            let push = try await find(server, "/audience/channels", "Push")
            _ = try await client.submit(Self.topics, [("name", "App"), ("folder", shop), ("channel", push)])
            let channels = try await client.get(Self.channels).text
            #expect(channels.contains("It has topics.") && !channels.contains("/remove\""))
            try await expectHistory(&client, ["Changed the topic ‘Sales’ in the folder ‘Shop’."])
        }
    }
}

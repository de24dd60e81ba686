import HTTPTypes
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

@Suite("Channels, folders and topics over HTTP")
struct TopicEndpointTests {
    private static let channels = "/audience/channels"
    private static let section = "/v2/audience/sections/" + Fixtures.section
    private static let folders = section + "/folders"
    private static let topics = section + "/topics"
    private static let lists = "/audience/sections/\(Fixtures.section)/consent-lists"
    private static let news = "com.example.targets.news"
    private static let newFolder = #"{"name":"News","discriminator":"\#(news)"}"#

    private func made(
        _ server: TestServer, _ path: String, _ body: String, _ prefix: String
    ) async throws -> String {
        let made = try await server.send(.post, path, body: body)
        #expect(made.status == .created, "\(made.text)")
        let discriminator = try #require(made.json["discriminator"]?.string)
        #expect(discriminator.hasPrefix(prefix), "\(discriminator)")
        return discriminator
    }

    private func items(_ server: TestServer, _ path: String) async throws -> [JSONValue] {
        try await server.send(.get, path).json["items"]?.array ?? []
    }

    @Test("the list of channels begins with e-mail and SMS, and has the names that clients of the original read")
    func channels() async throws {
        try await TestServer.run { server async throws in
            let push = try await made(
                server, Self.channels, #"{"name":"Push","keyspace_discriminator":"com.apsis1.keyspaces.web"}"#,
                "usercreated.channels.push-")
            let list = try await server.send(.get, Self.channels)
            #expect(
                list.text
                    == #"{"items":[{"discriminator":"com.apsis1.channels.email","name":"Email","#
                    + #""keyspace_discriminator":"com.apsis1.keyspaces.email"},{"#
                    + #""discriminator":"com.apsis1.channels.sms","name":"SMS","#
                    + #""keyspace_discriminator":"com.apsis1.keyspaces.mobile"},{"#
                    + #""discriminator":"\#(push)","name":"Push","keyspace_discriminator":"com.apsis1.keyspaces.web"}]}"#
            )
            let tag = list.header("ETag") ?? ""
            #expect(
                try await server.send(.get, Self.channels, headers: [("If-None-Match", tag)]).status == .notModified)
            // A key that may not use a keyspace does not hear of it, and of the channel it does.
            let limited = try await server.token(
                ofNewKey: #"{"name":"Shop","keyspaces":{"\#(Fixtures.emailKeyspace)":"read"}}"#
            ).token
            let seen = try await server.send(.get, Self.channels, token: limited).json["items"]?.array ?? []
            #expect(seen.map { $0["keyspace_discriminator"]?.string } == [Fixtures.emailKeyspace, nil, nil])
        }
    }

    @Test("a channel is renamed and removed; its keyspace and a built-in one stay")
    func changesChannels() async throws {
        try await TestServer.run { server async throws in
            let push = try await made(
                server, Self.channels, #"{"name":"Push","keyspace_discriminator":"com.apsis1.keyspaces.web"}"#, "")
            let path = Self.channels + "/" + push
            #expect(try await server.send(.patch, path, body: #"{"name":"App"}"#).json["name"]?.string == "App")
            for body in [
                #"{"discriminator":"a.b"}"#, #"{"keyspace_discriminator":"com.apsis1.keyspaces.email"}"#,
            ] {
                #expect(try await server.send(.patch, path, body: body).code == "conflict")
            }
            // What a client got it may send back.
            let same = #"{"name":"App","discriminator":"\#(push)","keyspace_discriminator":"com.apsis1.keyspaces.web"}"#
            #expect(try await server.send(.patch, path, body: same).status == .ok)
            let email = Self.channels + "/com.apsis1.channels.email"
            #expect(try await server.send(.patch, email, body: #"{"name":"E-post"}"#).json["name"]?.string == "E-post")
            #expect(try await server.send(.delete, email).code == "conflict")
            #expect(try await server.send(.delete, path).status == .noContent)
            #expect(try await items(server, Self.channels).count == 2)
            for method in [HTTPRequest.Method.patch, .delete] {
                let body = method == .patch ? "{}" : nil
                #expect(try await server.send(method, path, body: body).code == "channel_not_found")
                #expect(try await server.send(method, Self.channels + "/%20", body: body).code == "channel_not_found")
            }
            for keyspace in ["com.example.keyspaces.none", "no keyspace"] {
                let body = #"{"name":"Push","keyspace_discriminator":"\#(keyspace)"}"#
                let refused = try await server.send(.post, Self.channels, body: body)
                #expect(refused.errors == ["/keyspace_discriminator keyspace_not_found"])
            }
        }
    }

    @Test("folders are listed under two paths, and as consent lists with the names alone")
    func folders() async throws {
        try await TestServer.run { server async throws in
            let jeans = try await made(
                server, Self.folders, #"{"name":"Blue Jeans","description":"d"}"#, "usercreated.targets.blue_jeans-")
            let list = try await server.send(.get, Self.folders)
            #expect(
                list.text == #"{"items":[{"discriminator":"\#(jeans)","name":"Blue Jeans","description":"d"}]}"#)
            #expect(try await server.send(.get, Self.section + "/topic-folders").text == list.text)
            #expect(
                try await server.send(.get, Self.lists).text
                    == #"{"items":[{"discriminator":"\#(jeans)","name":"Blue Jeans"}]}"#)
            let folder = Self.folders + "/" + jeans
            #expect(try await server.send(.patch, folder, body: #"{"discriminator":"a.b"}"#).code == "conflict")
            let renamed = try await server.send(.patch, folder, body: #"{"name":"Jeans"}"#).json
            #expect(renamed["name"]?.string == "Jeans" && renamed["description"]?.string == "d")
            let nowhere = folder.replacing(Fixtures.section, with: "com.apsis1.sections.default")
            for path in [nowhere, Self.folders + "/%20"] {
                #expect(try await server.send(.patch, path, body: "{}").code == "folder_not_found")
                #expect(try await server.send(.delete, path).code == "folder_not_found")
            }
            #expect(try await server.send(.delete, folder).status == .noContent)
            for list in [Self.folders, Self.lists] { #expect(try await items(server, list).isEmpty) }
            #expect(try await server.send(.get, "\(Self.lists)/\(jeans)/topics").code == "folder_not_found")
        }
    }

    @Test("topics are listed for the whole section, and for each consent list, in the shapes of both generations")
    func topics() async throws {
        try await TestServer.run { server async throws in
            _ = try await server.send(.post, Self.folders, body: Self.newFolder)
            let shop = try await made(server, Self.folders, #"{"name":"Shop"}"#, "usercreated.targets.shop-")
            let all = try await made(
                server, Self.topics, #"{"name":"All news","folder_discriminator":"\#(Self.news)","description":"d"}"#,
                "usercreated.topics.all_news-")
            let sms = try await made(
                server, Self.topics,
                #"{"name":"Sale","folder_discriminator":"\#(shop)","channel_discriminator":"com.apsis1.channels.sms"}"#,
                "usercreated.topics.sale-")
            let list = try await server.send(.get, Self.topics)
            #expect(
                list.text
                    == #"{"items":[{"discriminator":"\#(all)","name":"All news","description":"d","#
                    + #""folder_discriminator":"\#(Self.news)","channel_discriminator":null},{"#
                    + #""discriminator":"\#(sms)","name":"Sale","description":"","folder_discriminator":"\#(shop)","#
                    + #""channel_discriminator":"com.apsis1.channels.sms"}]}"#)
            #expect(
                try await server.send(.get, "\(Self.lists)/\(Self.news)/topics").text
                    == #"{"items":[{"discriminator":"\#(all)","name":"All news"}]}"#)
            #expect(
                try await server.send(.get, "\(Self.lists)/\(shop)/topics").text
                    == #"{"items":[{"discriminator":"\#(sms)","name":"Sale","channel_discriminator":"com.apsis1.channels.sms"}]}"#
            )
            #expect(try await items(server, "/v2/audience/sections/com.apsis1.sections.default/topics").isEmpty)
        }
    }

    @Test("a topic moves and is removed; a folder with topics, and a channel of one, stay")
    func changesTopics() async throws {
        try await TestServer.run { server async throws in
            _ = try await server.send(.post, Self.folders, body: Self.newFolder)
            let shop = try await made(server, Self.folders, #"{"name":"Shop"}"#, "")
            let push = try await made(
                server, Self.channels, #"{"name":"Push","keyspace_discriminator":"com.apsis1.keyspaces.web"}"#, "")
            let topic = try await made(
                server, Self.topics,
                #"{"name":"Sale","folder_discriminator":"\#(Self.news)","channel_discriminator":"\#(push)"}"#, "")
            let path = Self.topics + "/" + topic
            let moved = try await server.send(.patch, path, body: #"{"folder_discriminator":"\#(shop)"}"#).json
            #expect(moved["folder_discriminator"]?.string == shop && moved["channel_discriminator"]?.string == push)
            #expect(try await items(server, "\(Self.lists)/\(Self.news)/topics").isEmpty)
            for body in [#"{"discriminator":"a.b"}"#, #"{"channel_discriminator":"com.apsis1.channels.sms"}"#] {
                #expect(try await server.send(.patch, path, body: body).code == "conflict")
            }
            let nowhere = try await server.send(.patch, path, body: #"{"folder_discriminator":"a.none"}"#)
            #expect(nowhere.errors == ["/folder_discriminator folder_not_found"])
            #expect(try await server.send(.delete, Self.folders + "/" + shop).code == "conflict")
            #expect(try await server.send(.delete, Self.channels + "/" + push).code == "conflict")
            #expect(try await server.send(.delete, Self.folders + "/" + Self.news).status == .noContent)
            #expect(try await server.send(.delete, path).status == .noContent)
            #expect(try await items(server, Self.topics).isEmpty)
            for path in [path, Self.topics + "/%20"] {
                #expect(try await server.send(.patch, path, body: "{}").code == "topic_not_found")
                #expect(try await server.send(.delete, path).code == "topic_not_found")
            }
            for folder in ["com.example.targets.none", "no folder", Self.news] {
                let body = #"{"name":"Sale","folder_discriminator":"\#(folder)"}"#
                #expect(
                    try await server.send(.post, Self.topics, body: body).errors == [
                        "/folder_discriminator folder_not_found"
                    ])
            }
        }
    }
}

import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
import OvationCore
import OvationSQLite
import OvationTesting
import Synchronization
import Testing

@testable import OvationServer

/// What is taken of a connection's requests before the framework, and when. The test's channel has no framework behind the
/// handler: what would be the framework's is what the channel reads.
@Suite("Posts on the event loop")
struct FastRequestHandlerTests {
    /// One server, whose store keeps posts until a test hands them on.
    private final class Place: Sendable {
        let test: TestServer
        let store: SharedStore
        let posts: FastRequests
        private let base: SQLiteStore
        private let folder: TemporaryFolder

        deinit { base.close() }

        init() async throws {
            folder = try TemporaryFolder()
            let clock = TestClock()
            base = try SQLiteStore(testing: folder.path + "/ovation.sqlite", now: clock.now)
            store = SharedStore(base)
            let server = try await Server(
                store: store,
                configuration: ServerConfiguration(host: "127.0.0.1", port: 0, region: "eu", version: "test"),
                admin: AdminCredentials(clientID: TestServer.clientID, clientSecret: TestServer.clientSecret),
                clock: WallClock { clock.now }, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
                makeSigningKey: TestServer.signingKey)
            _ = try await server.apply(Fixtures.model())
            let application = server.application()
            let client = try await RouterClient(application)
            let stranger = TestServer(client: client, clock: clock, store: store, adminToken: "")
            test = TestServer(
                client: client, clock: clock, store: store,
                adminToken: try await stranger.token(clientID: TestServer.clientID, secret: TestServer.clientSecret))
            let responder = try await application.responder as? ServerResponder
            posts = try #require(responder?.fastRequests())
            // The token is known from here on.
            #expect(try await test.send(.get, "/audience/sections").status == .ok)
            store.holdPosts()
        }

        func connect() async throws -> NIOAsyncTestingChannel {
            let channel = NIOAsyncTestingChannel()
            let posts = posts
            try await channel.testingEventLoop.executeInContext {
                try channel.pipeline.syncOperations.addHandler(FastRequestHandler(posts))
            }
            channel.connect(to: try SocketAddress(unixDomainSocketPath: "/a"), promise: nil)
            await channel.testingEventLoop.run()
            return channel
        }

        func head(
            _ method: HTTPRequest.Method = .post, _ headers: HTTPFields = [:], token: String? = nil
        ) -> HTTPRequestPart {
            var headers = headers
            headers[.authorization] = "Bearer " + (token ?? test.adminToken)
            return .head(
                HTTPRequest(
                    method: method, scheme: "http", authority: "h", path: TestServer.eventsPath(), headerFields: headers
                ))
        }

        static let body = HTTPRequestPart.body(ByteBuffer(string: GeneratedConnection.plainBody))

        var post: [HTTPRequestPart] { [head(), Self.body, .end(nil)] }

        /// Of all posts that are held, as one commit has it.
        func tell(_ result: Result<AppendOutcome, StoreFailure> = .success(.stored)) -> Int {
            let held = store.takeHeldPosts()
            for post in held { post.receiver.receive(result) }
            for post in held { post.receiver.allHaveReceived() }
            return held.count
        }
    }

    private func write(_ parts: [HTTPRequestPart], to channel: NIOAsyncTestingChannel) async throws {
        for part in parts { try await channel.writeInbound(part) }
    }

    /// The statuses of all answers since the last time.
    private func answered(_ channel: NIOAsyncTestingChannel) async throws -> [Int] {
        await channel.testingEventLoop.run()
        var statuses: [Int] = []
        while let part = try await channel.readOutbound(as: HTTPResponsePart.self) {
            if case .head(let head) = part { statuses.append(head.status.code) }
        }
        return statuses
    }

    /// What has come to the framework since the last time.
    private func passed(_ channel: NIOAsyncTestingChannel) async throws -> [HTTPRequestPart] {
        var parts: [HTTPRequestPart] = []
        while let part = try await channel.readInbound(as: HTTPRequestPart.self) { parts.append(part) }
        return parts
    }

    @Test("a plain post never reaches the framework, and is answered after its commit")
    func plain() async throws {
        let place = try await Place()
        let channel = try await place.connect()
        let inParts: [HTTPRequestPart] = [
            place.head(), .body(ByteBuffer(string: "{\"items\":[")),
            .body(ByteBuffer(string: TestServer.item() + "]}")),
            .end(nil),
        ]
        for post in [place.post, inParts] {
            try await write(post, to: channel)
            #expect(try await passed(channel).isEmpty)
            #expect(try await answered(channel) == [])
            #expect(place.tell() == 1)
            #expect(try await answered(channel) == [204])
        }
    }

    @Test("posts of one commit are answered together, after all of them were told")
    func together() async throws {
        let place = try await Place()
        let loop = NIOAsyncTestingEventLoop()
        var channels: [NIOAsyncTestingChannel] = []
        for _ in 0..<3 {
            let channel = NIOAsyncTestingChannel(loop: loop)
            let posts = place.posts
            try await loop.executeInContext {
                try channel.pipeline.syncOperations.addHandler(FastRequestHandler(posts))
            }
            channel.connect(to: try SocketAddress(unixDomainSocketPath: "/a"), promise: nil)
            await loop.run()
            channels.append(channel)
            try await write(place.post, to: channel)
        }
        let held = place.store.takeHeldPosts()
        #expect(held.count == 3)
        for post in held { post.receiver.receive(.success(.stored)) }
        for channel in channels { #expect(try await answered(channel) == []) }
        held.first?.receiver.allHaveReceived()
        for channel in channels { #expect(try await answered(channel) == [204]) }
        for post in held { post.receiver.allHaveReceived() }
        for channel in channels { #expect(try await answered(channel) == []) }
    }

    @Test("while a post is with the store, what follows waits, whatever it is, and keeps its order")
    func waits() async throws {
        let place = try await Place()
        let channel = try await place.connect()
        try await write(place.post + place.post + [place.head(.delete), .end(nil)] + place.post, to: channel)
        channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(try await answered(channel) == [])
        #expect(place.tell() == 1)
        #expect(try await answered(channel) == [204])
        #expect(try await passed(channel).isEmpty)
        #expect(place.tell() == 1)
        #expect(try await answered(channel) == [204])
        // The last one is behind a request that the framework has not answered.
        #expect(try await passed(channel) == [place.head(.delete), .end(nil)] + place.post)
        #expect(place.tell() == 0)
    }

    @Test("the end of what a client sends, and an error, wait for the answer: the framework would end the connection")
    func endWaits() async throws {
        let place = try await Place()
        let channel = try await place.connect()
        let ends = EndCounter()
        try await channel.testingEventLoop.executeInContext { try channel.pipeline.syncOperations.addHandler(ends) }
        try await write(place.post, to: channel)
        channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        await channel.testingEventLoop.run()
        #expect(ends.count == 0)
        channel.pipeline.fireErrorCaught(BodyCutOff())
        await channel.testingEventLoop.run()
        try await channel.throwIfErrorCaught()
        #expect(place.tell() == 1)
        #expect(try await answered(channel) == [204])
        #expect(ends.count == 1)
        await #expect(throws: BodyCutOff.self) { try await channel.throwIfErrorCaught() }
    }

    @Test("a post is the framework's as long as that owes an answer, and no longer")
    func owed() async throws {
        let place = try await Place()
        let channel = try await place.connect()
        try await write([place.head(.delete), .end(nil)], to: channel)
        try await write(place.post, to: channel)
        #expect(try await passed(channel).count == 5)
        for _ in 0..<2 {
            try await channel.writeOutbound(HTTPResponsePart.head(HTTPResponse(status: .ok)))
            try await write(place.post, to: channel)
            #expect(try await passed(channel).count == 3)
            try await channel.writeOutbound(HTTPResponsePart.end(nil))
        }
        // Two of the posts are not answered yet.
        for _ in 0..<2 { try await channel.writeOutbound(HTTPResponsePart.end(nil)) }
        try await write(place.post, to: channel)
        #expect(try await passed(channel).isEmpty)
        #expect(place.tell() == 1)
        #expect(try await answered(channel) == [200, 200, 204])
    }

    @Test("nothing more is read while something waits, and nothing is taken from a client that reads no answers")
    func backPressure() async throws {
        let place = try await Place()
        let reads = ReadCounter()
        let channel = NIOAsyncTestingChannel()
        let posts = place.posts
        try await channel.testingEventLoop.executeInContext {
            try channel.pipeline.syncOperations.addHandlers([reads, FastRequestHandler(posts)])
        }
        channel.connect(to: try SocketAddress(unixDomainSocketPath: "/a"), promise: nil)
        await channel.testingEventLoop.run()
        func readCount() async -> Int {
            channel.read()
            await channel.testingEventLoop.run()
            return reads.count
        }
        let before = await readCount()
        try await write(place.post, to: channel)
        #expect(await readCount() == before + 1, "it is known when a client goes away")
        try await write([place.head()], to: channel)
        #expect(await readCount() == before + 1)
        #expect(place.tell() == 1)
        #expect(try await answered(channel) == [204])
        #expect(await readCount() == before + 3, "what was wanted, and what is")
        try await write([Place.body, .end(nil)], to: channel)
        #expect(place.tell() == 1)
        #expect(try await answered(channel) == [204])

        channel.isWritable = false
        try await write(place.post, to: channel)
        #expect(place.tell() == 0)
        #expect(await readCount() == before + 3)
        channel.isWritable = true
        channel.pipeline.fireChannelWritabilityChanged()
        await channel.testingEventLoop.run()
        #expect(place.tell() == 1)
        #expect(try await answered(channel) == [204])
    }

    @Test("a post that is not plain goes to the framework as it came", arguments: 0..<8)
    func notPlain(number: Int) async throws {
        let place = try await Place()
        let channel = try await place.connect()
        let most = Array(repeating: UInt8(ascii: " "), count: Limits().bodyBytesMax)
        var posts: [[HTTPRequestPart]] = [
            [place.head(.post, [.prefer: "handling=lenient"]), Place.body, .end(nil)],
            [place.head(.post, [.expect: "100-continue"]), Place.body, .end(nil)],
            [place.head(.post, [.contentEncoding: "gzip"]), Place.body, .end(nil)],
            [place.head(.post, [.connection: "close"]), Place.body, .end(nil)],
            [place.head(.post, [.contentLength: "9999999"]), Place.body, .end(nil)],
            [place.head(.post, [.transferEncoding: "gzip, chunked"]), Place.body, .end(nil)],
            [place.head(), .body(ByteBuffer(string: "{\"items\":[]}")), .end(nil)],
            [place.head(), .body(ByteBuffer(bytes: most)), .body(ByteBuffer(string: "{}")), .end(nil)],
        ]
        try await write(posts[number], to: channel)
        // What was collected is one part.
        posts[7][1...2] = [.body(ByteBuffer(bytes: most + Array("{}".utf8)))]
        #expect(try await passed(channel) == posts[number])
        #expect(place.tell() == 0)
    }

    @Test("a post to a profile that takes none goes to the framework after the store has said so")
    func turnedAway() async throws {
        let place = try await Place()
        let channel = try await place.connect()
        try await write(place.post + place.post, to: channel)
        #expect(place.tell(.success(.refused([RefusedProfile(index: 0, state: .locked)]))) == 1)
        #expect(try await answered(channel) == [])
        // The second one follows it.
        #expect(try await passed(channel) == place.post + place.post)
    }

    @Test("a key that is deleted while the body comes is looked up again at its end")
    func keyGone() async throws {
        let place = try await Place()
        let key = try await place.test.token(ofNewKey: #"{"name":"a","role":"admin"}"#)
        #expect(try await place.test.send(.get, "/audience/sections", token: key.token).status == .ok)
        let channel = try await place.connect()
        let head = place.head(token: key.token)
        try await write([head], to: channel)
        #expect(try await passed(channel).isEmpty)
        #expect(try await place.test.send(.delete, "/account/api-keys/\(key.clientID)").status.kind == .successful)
        try await write([Place.body, .end(nil)], to: channel)
        #expect(try await passed(channel) == [head, Place.body, .end(nil)])
        #expect(place.tell() == 0)
    }

    @Test("a store that fails is answered at once, and the next post is taken")
    func failure() async throws {
        let place = try await Place()
        let channel = try await place.connect()
        for code in [StoreFailure.Code.busy, .outcomeUnknown] {
            try await write(place.post, to: channel)
            #expect(place.tell(.failure(StoreFailure(code, "no"))) == 1)
            #expect(try await answered(channel) == [503])
            #expect(try await passed(channel).isEmpty)
        }
    }

    @Test("a client that goes away changes nothing: its post counts")
    func clientGone() async throws {
        let place = try await Place()
        let channel = try await place.connect()
        try await write(place.post, to: channel)
        channel.pipeline.close(promise: nil)
        await channel.testingEventLoop.run()
        #expect(place.tell() == 1)
        await channel.testingEventLoop.run()
        let metrics = try await place.test.send(.get, "/metrics").text
        #expect(metrics.contains(#"ovation_events_total{outcome="accepted"} 1"#), "\(metrics)")
        #expect(metrics.contains(#"endpoint="postEvents",status="204"} 1"#), "\(metrics)")
    }

    @Test("a body that ends too early, or too late, is the framework's, with what has come of it")
    func brokenBody() async throws {
        let place = try await Place()
        let channel = try await place.connect()
        try await write([place.head(), Place.body], to: channel)
        channel.pipeline.fireErrorCaught(BodyTimeout())
        await channel.testingEventLoop.run()
        #expect(try await passed(channel) == [place.head(), Place.body])
        await #expect(throws: BodyTimeout.self) { try await channel.throwIfErrorCaught() }
        // The framework answers it and ends the connection.
        try await channel.writeOutbound(HTTPResponsePart.end(nil))
        try await write([.end(nil)] + place.post, to: channel)
        #expect(try await passed(channel).count == 4)
        #expect(place.tell() == 0)
    }
}

/// How often something is read from the connection.
private final class ReadCounter: ChannelOutboundHandler, Sendable {
    typealias OutboundIn = HTTPResponsePart

    private let reads = Atomic(0)

    var count: Int { reads.load(ordering: .relaxed) }

    func read(context: ChannelHandlerContext) {
        reads.add(1, ordering: .relaxed)
        context.read()
    }
}

/// How often the framework hears that nothing more comes.
private final class EndCounter: ChannelInboundHandler, Sendable {
    typealias InboundIn = HTTPRequestPart

    private let ends = Atomic(0)

    var count: Int { ends.load(ordering: .relaxed) }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { ends.add(1, ordering: .relaxed) }
        context.fireUserInboundEventTriggered(event)
    }
}

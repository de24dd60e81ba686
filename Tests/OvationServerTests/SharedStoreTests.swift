import HTTPTypes
import Logging
import OvationCore
import OvationSQLite
import OvationTesting
import OvationWire
import ServiceLifecycle
import Synchronization
import Testing

@testable import OvationServer

/// Two servers on one store. None of them follows the other but where a test lets it.
@Suite("Servers that share a store")
struct SharedStoreTests {
    private struct Pair: Sendable {
        let store: SharedStore
        let here: TestServer
        let there: TestServer
        let thereServer: Server
    }

    private func run(_ test: @escaping @Sendable (Pair) async throws -> Void) async throws {
        let folder = try TemporaryFolder()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let file = try SQLiteStore(path: folder.path + "/o.sqlite", limits: Limits(), logger: logger)
        defer { file.close() }
        let store = SharedStore(file)
        let clock = TestClock()
        let configuration = try ServerConfiguration(host: "127.0.0.1", port: 0, region: "eu", version: "test")
        let admin = try AdminCredentials(clientID: TestServer.clientID, clientSecret: TestServer.clientSecret)
        func server() async throws -> Server {
            try await Server(
                store: store, configuration: configuration, admin: admin, clock: WallClock { clock.now },
                logger: logger,
                makeSigningKey: TestServer.signingKey)
        }
        let (first, second) = (try await server(), try await server())
        let one = try await RouterClient(first.application())
        let other = try await RouterClient(second.application())
        func client(_ client: RouterClient, _ token: String) -> TestServer {
            TestServer(client: client, clock: clock, store: store, adminToken: token)
        }
        let token = try await client(one, "").token(clientID: TestServer.clientID, secret: TestServer.clientSecret)
        try await test(Pair(store: store, here: client(one, token), there: client(other, token), thereServer: second))
        withExtendedLifetime(folder) {}
    }

    @Test("a server is ready while nodes of its store are away, and says which")
    func namesMissingNodes() async throws {
        try await run { pair in
            #expect(try await pair.here.send(.get, "/ready", token: nil).text == #"{"ready":true}"#)
            pair.store.missing.withLock { $0 = ["db2:5432"] }
            // Each server asks on its own, and no more than once a second.
            let answer = try await pair.there.send(.get, "/ready", token: nil)
            #expect(answer.status == .ok && answer.text == #"{"ready":true,"missing":["db2:5432"]}"#, "\(answer.text)")
        }
    }

    @Test("a token of a signing key made on one server is taken on the other at once")
    func newSigningKey() async throws {
        try await run { pair in
            for _ in 0..<3 {
                #expect(try await pair.here.send(.post, "/account/signing-keys").status == .created)
                let token = try await pair.here.token(clientID: TestServer.clientID, secret: TestServer.clientSecret)
                #expect(try await pair.there.send(.get, "/audience/sections", token: token).status == .ok)
            }
            #expect(pair.store.questionCount == 6, "each time it asks, and once more in its turn")
        }
    }

    @Test("an API key made on one server signs in on the other at once, and so does a secret that was changed")
    func newAPIKey() async throws {
        try await run { pair in
            let made = try await pair.here.send(.post, "/account/api-keys", body: #"{"name":"Shop"}"#)
            let id = try #require(made.json["client_id"]?.string)
            let secret = try #require(made.json["client_secret"]?.string)
            _ = try await pair.there.token(clientID: id, secret: secret)
            let rotated = try await pair.here.send(.post, "/account/api-keys/\(id)/rotate", body: "{}")
            _ = try await pair.there.token(clientID: id, secret: #require(rotated.json["client_secret"]?.string))
        }
    }

    @Test("a token of an API key made on one server is taken on the other at once, and of a deleted one by neither")
    func tokenOfNewAPIKey() async throws {
        try await run { pair in
            let (id, token) = try await pair.here.token(ofNewKey: #"{"name":"Shop"}"#)
            #expect(try await pair.there.send(.get, "/audience/sections", token: token).status == .ok)
            #expect(try await pair.there.send(.delete, "/account/api-keys/" + id).status == .noContent)
            let asked = pair.store.questionCount
            #expect(try await pair.there.send(.get, "/audience/sections", token: token).code == "key_revoked")
            #expect(pair.store.questionCount == asked, "a deleted key is known")
        }
    }

    @Test("an export has the events of a version that was made on the other server, however it is written")
    func exportsNewVersions() async throws {
        try await run { pair in
            let model = String(decoding: JSONWriter.write(Bodies.Model(try Fixtures.model()).json), as: UTF8.self)
            #expect(try await pair.here.send(.put, "/audience/model", body: model).status == .ok)
            // With a token of a key that it does not know, the other server takes in the model too.
            let (_, token) = try await pair.here.token(ofNewKey: #"{"name":"Shop"}"#)
            #expect(try await pair.there.send(.get, "/audience/sections", token: token).status == .ok)
            let path = TestServer.definitionsPath
            #expect(try await pair.there.send(.get, path + "/export").status == .ok)
            let version = #"{"fields":{"number":"integer"},"version_id":"77"}"#
            let versions = path + "/\(Fixtures.eventType)/versions"
            #expect(try await pair.here.send(.post, versions, body: version).status == .created)
            let item = TestServer.item(#"{"number":1}"#, version: "77")
            let posted = try await pair.here.send(
                .post, TestServer.eventsPath(), body: TestServer.items(item))
            #expect(posted.status == .noContent, "\(posted.text)")
            let usage = try await pair.there.send(.get, "/audience/sections/\(Fixtures.section)/usage").text
            #expect(usage.contains(#""version_id":"77""#), "\(usage)")
            for query in ["", "?event_discriminators=\(Fixtures.eventType)"] {
                let lines = try await pair.there.send(.get, path + "/export" + query).text
                #expect(lines.contains(#""version_id":"77""#), "\(query): \(lines)")
            }
        }
    }

    @Test("deleting events is told to nobody: the other server reads nothing anew, and entity tags stay")
    func deletesQuietly() async throws {
        try await run { pair in
            let model = String(decoding: JSONWriter.write(Bodies.Model(try Fixtures.model()).json), as: UTF8.self)
            #expect(try await pair.here.send(.put, "/audience/model", body: model).status == .ok)
            let path = TestServer.eventsPath()
            #expect(try await pair.here.post(TestServer.items(TestServer.item())).status == .noContent)
            let follower = try #require(pair.thereServer.definitionsFollower)
            #expect(try await follower.directory.follow(follower.signer))
            let (loads, tag) = (
                pair.store.loadCount, try await pair.here.send(.get, "/audience/sections").headers[.eTag]
            )
            #expect(try await pair.here.send(.delete, path).json["deleted"] == 1)
            #expect(try await follower.directory.follow(follower.signer) == false)
            #expect(pair.store.loadCount == loads)
            #expect(try await pair.here.send(.get, "/audience/sections").headers[.eTag] == tag)
            let log = try await pair.there.send(.get, "/audience/log?before=9223372036854775807&limit=1").json
            #expect(log["items"]?.array?.first?["kind"] == "events.deleted")
        }
    }

    @Test("a server that comes upon keys of another while it writes its own takes in signing keys too")
    func learnsSigningKeysLate() async throws {
        try await run { pair in
            #expect(try await pair.here.send(.post, "/account/signing-keys").status == .created)
            // It is refused at first, since the keys have changed, and made again from what there is.
            #expect(try await pair.there.send(.post, "/account/api-keys", body: #"{"name":"Shop"}"#).status == .created)
            let token = try await pair.here.token(clientID: TestServer.clientID, secret: TestServer.clientSecret)
            #expect(try await pair.there.send(.get, "/audience/sections", token: token).status == .ok)
        }
    }

    @Test("a server that rotates the signing key retires the key that another has made meanwhile")
    func retiresAllSigningKeys() async throws {
        try await run { pair in
            #expect(try await pair.here.send(.post, "/account/signing-keys").status == .created)
            #expect(try await pair.there.send(.post, "/account/signing-keys").status == .created)
            let keys = try await pair.store.load().signingKeys
            #expect(keys.count == 3 && keys.count { $0.retiredAt == nil } == 1)
            // After an edit that met the key of the other server, too, before anybody follows.
            #expect(try await pair.here.send(.post, "/account/signing-keys").status == .created)
            #expect(try await pair.there.send(.post, "/account/api-keys", body: #"{"name":"Shop"}"#).status == .created)
            let last = try await pair.there.send(.post, "/account/signing-keys")
            let current = try await pair.store.load().signingKeys.filter { $0.retiredAt == nil }
            #expect(current.map(\.id) == [last.json["kid"]?.string])
        }
    }

    @Test("two servers that change one API key at once lose neither change")
    func changesOneKey() async throws {
        try await run { pair in
            let (id, _) = try await pair.here.token(ofNewKey: #"{"name":"Shop"}"#)
            // The other one has not heard of the rotation that follows.
            let follower = try #require(pair.thereServer.definitionsFollower)
            #expect(try await follower.directory.follow(follower.signer))
            let rotated = try await pair.here.send(.post, "/account/api-keys/\(id)/rotate", body: "{}")
            #expect(try await pair.there.send(.delete, "/account/api-keys/\(id)").status == .noContent)
            let keys = try await pair.store.load().apiKeys
            let key = try #require(keys.first { $0.clientID == id })
            #expect(key.revokedAt != nil && key.previousSecret != nil && rotated.status == .ok)
        }
    }

    @Test("what could not be ours is refused unasked, and while the store is away things stay as they are")
    func refuses() async throws {
        try await run { pair in
            let parts = pair.here.adminToken.split(separator: ".")
            let strange = [
                #"{"alg":"RS256","kid":"another"}"#, #"{"alg":"none","kid":"0123456789abcdef"}"#, #"{"alg":"RS256"}"#,
            ].map { Base64.text(of: $0) }
            for header in strange + [String(parts[0])] {
                let answer = try await pair.there.send(.get, "/audience/sections", token: "\(header).\(parts[1]).AAAA")
                #expect(answer.code == "invalid_token")
            }
            #expect(pair.store.questionCount == 0)
            let unknown = Base64.text(of: #"{"alg":"RS256","kid":"0123456789abcdef"}"#)
            pair.store.goAway(true)
            let answer = try await pair.there.send(.get, "/audience/sections", token: "\(unknown).\(parts[1]).AAAA")
            #expect(answer.code == "invalid_token" && pair.store.questionCount == 1)
            #expect(try await pair.there.send(.get, "/audience/sections").status == .ok)
        }
    }

    @Test("a server that is told of a change asks at once, without waiting for its next turn")
    func followsNotices() async throws {
        try await run { pair in
            let follower = try #require(pair.thereServer.definitionsFollower).every(.seconds(86_400))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await follower.run() }
                try await waitUntil { pair.store.listenerCount != 0 }
                for number in 0..<3 {
                    let made = try await pair.here.send(
                        .post, "/audience/sections", body: #"{"name":"Section \#(number)"}"#)
                    #expect(made.status == .created)
                    pair.store.tell()
                    try await waitUntil {
                        try await pair.there.send(.get, "/audience/sections").text.contains("Section \(number)")
                    }
                }
                group.cancelAll()
            }
        }
    }
}

private enum Base64 {
    static func text(of text: String) -> String {
        var (digits, bits, count) = ("", 0, 0)
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        for byte in text.utf8 {
            (bits, count) = (bits << 8 | Int(byte), count + 8)
            while count >= 6 {
                count -= 6
                digits.append(alphabet[bits >> count & 63])
            }
        }
        if count > 0 { digits.append(alphabet[bits << (6 - count) & 63]) }
        return digits
    }
}

@Suite("CoalescedRefresh")
struct SharedQuestionTests {
    /// Holds callers until they are released.
    private final class Gate: Sendable {
        private struct State {
            var asked = 0
            var answered = 0
            var waiting: [CheckedContinuation<Void, Never>] = []
            var isGivenUp = false
        }

        private let state = Mutex(State())

        var asked: Int { state.withLock { $0.asked } }
        var answered: Int { state.withLock { $0.answered } }

        func noteAnswer() { state.withLock { $0.answered += 1 } }

        func pass() async {
            await withCheckedContinuation { continuation in
                let isOpen = state.withLock { state in
                    state.asked += 1
                    if !state.isGivenUp { state.waiting.append(continuation) }
                    return state.isGivenUp
                }
                if isOpen { continuation.resume() }
            }
        }

        /// Releases all callers, so that a test which waited in vain ends.
        func giveUp() {
            state.withLock { $0.isGivenUp = true }
            open()
        }

        func open() {
            let waiting = state.withLock { state in
                defer { state.waiting = [] }
                return state.waiting
            }
            for one in waiting { one.resume() }
        }
    }

    @Test("callers that come while a query runs share the next one, and none gets an earlier one")
    func shares() async throws {
        let question = CoalescedRefresh(interval: .milliseconds(1))
        let gate = Gate()
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { gate.giveUp() }
            group.addTask { await question.ask { await gate.pass() } }
            try await waitUntil { gate.asked >= 1 }
            for _ in 0..<100 {
                group.addTask {
                    await question.ask { await gate.pass() }
                    gate.noteAnswer()
                }
            }
            try await waitUntil { question.waitingCount >= 100 }
            #expect(gate.asked == 1, "one at a time")
            gate.open()
            try await waitUntil { gate.asked >= 2 }
            #expect(gate.answered == 0, "the first time began before they came")
            gate.open()
            try await group.waitForAll()
        }
        #expect(gate.asked == 2 && gate.answered == 100)
    }

    @Test("as many wait as may, and one more gets no answer")
    func isBounded() async throws {
        let question = CoalescedRefresh(interval: .zero)
        let gate = Gate()
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { gate.giveUp() }
            for number in 0...Limits.catchUpQueueMax {
                group.addTask { await question.ask { await gate.pass() } }
                if number == 0 { try await waitUntil { gate.asked >= 1 } }
            }
            try await waitUntil { question.waitingCount >= Limits.catchUpQueueMax }
            await question.ask { Issue.record("it is not asked") }
            gate.open()
            try await waitUntil { gate.asked >= 2 }
            gate.open()
            try await group.waitForAll()
        }
        #expect(gate.asked == 2 && question.waitingCount == 0)
    }
}

import OvationWire
import Synchronization
import Testing

@testable import OvationClient

@Suite("The live stream is opened again")
struct LiveTailTests {
    private typealias Reply = ScriptedServer.Reply

    private final class Listener: LiveObserver {
        struct Enough: Error {}

        private let told = Mutex<[String]>([])
        private let limit: Int

        init(endingAfter limit: Int = .max) { self.limit = limit }

        var all: [String] { told.withLock { $0 } }
        private func tell(_ word: String) { told.withLock { $0.append(word) } }

        func happened(_ post: Received<Bodies.LivePost>) throws {
            tell("post \(post.requestID) \(post.json["more"]?.int ?? 0)")
            if all.count(where: { $0.hasPrefix("post") }) >= limit { throw Enough() }
        }

        func missed(posts: Int) { tell("missed \(posts)") }
        func pauses(after failure: ClientFailure, seconds: Int) { tell("\(failure.status ?? 0) waits \(seconds)") }
        func goesOn() { tell("goes on") }
    }

    private static func post(_ id: String) -> String {
        "event: post\ndata: {\"request_id\":\"\(id)\",\"outcome\":\"accepted\",\"more\":1}\n\n"
    }

    private func tail(_ client: APIClient, _ listener: Listener) async throws {
        try await LiveTail(query: [("section", "a b")], through: client, observer: listener).run()
    }

    @Test("posts of all streams are told, with what the server says besides")
    func again() async throws {
        try await ScriptedServer.run(
            answer: { _, number in
                switch number {
                case 0:
                    Reply(body: ": the stream is open\n\n" + Self.post("a") + "event: dropped\ndata: {\"count\":3}\n\n")
                case 1: Reply(body: ": the stream is open\n\n" + Self.post("b"), breaks: true)
                case 2: Reply(status: 503, body: #"{"status":503,"detail":"busy","code":"busy"}"#)
                default: Reply(body: Self.post("c"))
                }
            }
        ) { server, client in
            let listener = Listener(endingAfter: 3)
            await #expect(throws: Listener.Enough.self) { try await tail(client, listener) }
            #expect(
                listener.all == [
                    "goes on", "post a 1", "missed 3", "0 waits 1", "goes on", "post b 1", "0 waits 1", "503 waits 2",
                    "goes on", "post c 1",
                ])
            #expect(server.askedForMore.allSatisfy { $0.path == "/audience/live" && $0.query == "section=a%20b" })
        }
    }

    @Test("a server that refuses is not asked again", arguments: [400, 403, 503])
    func refused(status: Int) async throws {
        try await ScriptedServer.run(
            answer: { _, _ in Reply(status: status, body: #"{"status":\#(status),"detail":"no","code":"no"}"#) }
        ) { server, client in
            let listener = Listener()
            let failure = await #expect(throws: ClientFailure.self) { try await tail(client, listener) }
            #expect(failure?.status == status)
            #expect(listener.all.isEmpty && server.askedForMore.count == 1)
        }
    }

    @Test("a server that stays away is given up")
    func away() async throws {
        try await ScriptedServer.run(
            answer: { _, number in
                number == 0 ? Reply(body: ": open\n\n") : Reply(status: 503, body: #"{"status":503,"detail":"busy"}"#)
            }
        ) { server, client in
            let listener = Listener()
            let failure = await #expect(throws: ClientFailure.self) { try await tail(client, listener) }
            #expect(failure?.status == 503)
            #expect(server.askedForMore.count == 1 + Retries.attemptsMax)
        }
    }

    @Test("an event that is no JSON is not passed over")
    func unreadable() async throws {
        try await ScriptedServer.run(answer: { _, _ in Reply(body: "event: post\ndata: {\n\n") }) { _, client in
            let failure = await #expect(throws: ClientFailure.self) { try await tail(client, Listener()) }
            guard case .unreadable? = failure else { return #expect(Bool(false), "\(String(describing: failure))") }
        }
    }
}

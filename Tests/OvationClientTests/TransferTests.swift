import HTTPTypes
import OvationCore
import OvationWire
import Synchronization
import Testing

@testable import OvationClient

@Suite("Uploads and exports go on after a break")
struct TransferTests {
    private typealias Reply = ScriptedServer.Reply

    // MARK: Uploads

    private final class Source: UploadSource {
        let size: Int?
        let canRewind: Bool
        let rewinds = Mutex(0)
        private let lines = Mutex<[String]>([])

        init(canRewind: Bool = true) {
            self.canRewind = canRewind
            size = canRewind ? 4 : nil
            lines.withLock { $0 = Source.all }
        }

        private static let all = ["a\n", "b\n"]

        func rewind() throws {
            rewinds.withLock { $0 += 1 }
            lines.withLock { $0 = Source.all }
        }

        func read(into buffer: UnsafeMutableRawBufferPointer) throws -> UploadPart {
            lines.withLock { lines in
                guard !lines.isEmpty else { return .end }
                let line = Array(lines.removeFirst().utf8)
                buffer.copyBytes(from: line)
                return .bytes(line.count)
            }
        }
    }

    private final class Listener: UploadObserver, ExportObserver {
        private let told = Mutex<[String]>([])
        let text = Mutex("")
        let limit: Int

        init(endingAfter limit: Int = .max) { self.limit = limit }

        struct Enough: Error {}

        var all: [String] { told.withLock { $0 } }
        private func tell(_ word: String) { told.withLock { $0.append(word) } }

        func progressed(_ progress: Bodies.BulkProgress) throws {
            let errors = progress.errors?.map { " \($0.line ?? 0)\($0.pointer)" }.joined() ?? ""
            tell("\(progress.counts.lines) lines" + errors)
            if progress.counts.lines >= limit { throw Enough() }
        }

        func restarts() throws { tell("anew") }
        func pauses(after failure: ClientFailure, seconds: Int) { tell("\(failure.status ?? 0) waits \(seconds)") }
        func goesOn() { tell("goes on") }

        func write(_ bytes: UnsafeRawBufferPointer) throws {
            text.withLock { $0 += String(decoding: bytes, as: UTF8.self) }
        }

        func progressed(lines: Int) { tell("\(lines) lines") }
    }

    private func upload(
        _ source: Source, key: String?, _ client: APIClient, _ listener: Listener
    ) async throws -> Bodies.BulkCounts {
        try await BulkUpload(
            source, to: "s", key: key, preferences: ["handling=strict", "validate-only"], through: client,
            observer: listener
        ).run()
    }

    private static let done = #"{"done":true,"lines":2,"stored":1,"refused":1}"# + "\n"
    private static let busy = #"{"status":503,"detail":"busy","code":"busy"}"#

    @Test("an upload sends its lines under its key, and tells what the server tells")
    func wholeUpload() async throws {
        try await ScriptedServer.run(
            answer: { _, _ in
                Reply(
                    body: #"{"lines":1,"errors":[{"line":1,"pointer":"/x","code":"c","detail":"d"}]}"# + "\n"
                        + Self.done)
            }
        ) { server, client in
            let listener = Listener()
            let counts = try await upload(Source(), key: "k", client, listener)
            #expect((counts.lines, counts.stored, counts.refused) == (2, 1, 1))
            #expect(listener.all == ["1 lines 1/x", "2 lines"])
            let asked = try #require(server.askedForMore.first)
            #expect(asked.path == "/audience/sections/s/events/bulk" && asked.body == "a\nb\n")
            #expect(asked.headers[.contentLength] == "4" && asked.headers[.accept] == "application/x-ndjson")
            #expect(asked.headers[HTTPField.Name("Idempotency-Key")!] == "k")
            #expect(asked.headers[HTTPField.Name("Prefer")!] == "handling=strict, validate-only")
        }
    }

    @Test("an upload that breaks begins anew under the same key")
    func brokenUpload() async throws {
        try await ScriptedServer.run(
            answer: { _, number in
                switch number {
                case 0: Reply(body: "{\"lines\":1}\n", breaks: true)
                case 1: Reply(body: "{\"lines\":1}\n{\"lines\":2}\n")
                case 2: .json(Self.busy, status: 503)
                case 3: Reply(body: "{\"problem\":\(Self.busy)}\n")
                default: Reply(body: Self.done)
                }
            }
        ) { server, client in
            let (source, listener) = (Source(), Listener())
            _ = try await upload(source, key: "k", client, listener)
            #expect(
                listener.all == [
                    "1 lines", "0 waits 1", "goes on", "anew", "1 lines", "2 lines", "0 waits 1", "goes on", "anew",
                    "503 waits 2", "goes on", "anew", "503 waits 4", "goes on", "anew", "2 lines",
                ])
            #expect(source.rewinds.withLock { $0 } == 4)
            #expect(Set(server.askedForMore.map(\.body)) == ["a\nb\n"])
        }
    }

    @Test(
        "an upload without a key, or of what cannot be read again, ends with its first break", arguments: [true, false])
    func singleUpload(hasKey: Bool) async throws {
        try await ScriptedServer.run(answer: { _, _ in .json(Self.busy, status: 503) }) { server, client in
            let failure = await #expect(throws: ClientFailure.self) {
                _ = try await upload(Source(canRewind: !hasKey), key: hasKey ? "k" : nil, client, Listener())
            }
            #expect(failure?.isPassing == true && server.askedForMore.count == 1)
        }
    }

    @Test("an upload is tried ten times without progress, and no more; a real refusal ends it at once")
    func attempts() async throws {
        try await ScriptedServer.run(answer: { _, _ in .json(Self.busy, status: 503) }) { server, client in
            await #expect(throws: ClientFailure.self) { _ = try await upload(Source(), key: "k", client, Listener()) }
            #expect(server.askedForMore.count == 11)
        }
        try await ScriptedServer.run(answer: { _, _ in .json(#"{"status":409}"#, status: 409) }) { server, client in
            await #expect(throws: ClientFailure.self) { _ = try await upload(Source(), key: "k", client, Listener()) }
            #expect(server.askedForMore.count == 1)
        }
    }

    @Test("an upload whose token is refused sends its lines again with another")
    func uploadWithOldToken() async throws {
        try await ScriptedServer.run(
            answer: { asked, _ in
                asked.token == "Bearer token-1" ? .json("{}", status: 401) : Reply(body: Self.done)
            }
        ) { server, client in
            let (source, listener) = (Source(), Listener())
            _ = try await upload(source, key: nil, client, listener)
            #expect(source.rewinds.withLock { $0 } == 1 && listener.all == ["2 lines"])
            #expect(server.askedForMore.map(\.body) == ["a\nb\n", "a\nb\n"])
        }
    }

    @Test("what the observer throws ends the upload, and is no failure of the connection")
    func observerEnds() async throws {
        try await ScriptedServer.run(answer: { _, _ in Reply(body: "{\"lines\":1}\n{\"lines\":2}\n") }) { _, client in
            await #expect(throws: Listener.Enough.self) {
                _ = try await upload(Source(), key: "k", client, Listener(endingAfter: 1))
            }
        }
    }

    // MARK: Exports

    private static func line(_ id: Int) -> String {
        #"{"event_id":"\#(id)","event_time":"2020-10-14T09:43:34.471Z","received_at":"2020-10-14T09:43:34.471Z"}"#
            + "\n"
    }

    private static let summary = #"{"summary":{"events":1,"left_out":3,"last_event_id":"9"}}"# + "\n"

    private func export(
        _ client: APIClient, _ listener: Listener, format: SectionExport.Format = .lines, after: String? = nil
    ) async throws -> Bodies.ExportSummary {
        try await SectionExport(
            of: "s", query: [("from", "f")], format: format, after: after, through: client, observer: listener
        ).run()
    }

    @Test("an export that breaks goes on behind the last event, and writes each line once")
    func brokenExport() async throws {
        try await ScriptedServer.run(
            answer: { _, number in
                number == 0
                    ? Reply(body: Self.line(1) + Self.line(2) + Self.line(3) + #"{"event_id":"4"#, breaks: true)
                    : Reply(body: Self.line(3) + Self.line(4) + Self.summary)
            }
        ) { server, client in
            let listener = Listener()
            let summary = try await export(client, listener)
            #expect(listener.text.withLock { $0 } == (1...4).map(Self.line).joined())
            #expect((summary.events, summary.leftOut, summary.lastEventID) == (4, 3, "9"))
            #expect(server.askedForMore.map(\.query) == ["from=f&summary=true", "from=f&summary=true&after=2"])
        }
    }

    @Test("an export that never ends tells where it can go on; one as CSV is not tried again")
    func incomplete() async throws {
        try await ScriptedServer.run(answer: { _, _ in Reply(body: "") }) { server, client in
            let failure = await #expect(throws: IncompleteExport.self) {
                _ = try await export(client, Listener(), after: "5")
            }
            #expect(failure?.lastEventID == "5" && server.askedForMore.count == 11)
        }
        try await ScriptedServer.run(answer: { _, _ in Reply(body: "a\r\nb\r\nc\r\n") }) { server, client in
            let failure = await #expect(throws: IncompleteExport.self) {
                _ = try await export(client, Listener(), format: .csv)
            }
            #expect(failure?.lastEventID == nil)
            #expect(server.askedForMore.map(\.query) == ["from=f&format=csv&summary=true"])
        }
    }

    @Test("an export of profiles goes on behind the last line that came whole")
    func brokenProfiles() async throws {
        @Sendable func line(_ number: Int) -> String { #"{"profile_id":"\#(number)","cursor":"p1-\#(number)"}"# + "\n" }
        let end = #"{"summary":{"profiles":1,"left_out":2}}"# + "\n"
        try await ScriptedServer.run(
            answer: { _, number in
                number == 0
                    ? Reply(body: line(1) + line(2) + line(3) + #"{"profile_id":"4"#, breaks: true)
                    : Reply(body: line(3) + line(4) + end)
            }
        ) { server, client in
            let listener = Listener()
            let summary = try await ProfilesExport(
                of: "s", query: [("set_at", "true")], format: .lines, after: nil, through: client, observer: listener
            ).run()
            #expect(listener.text.withLock { $0 } == (1...4).map { line($0) }.joined())
            #expect((summary.profiles, summary.leftOut) == (4, 2))
            #expect(
                server.askedForMore.map(\.query) == ["set_at=true&summary=true", "set_at=true&summary=true&after=p1-2"])
        }
        try await ScriptedServer.run(answer: { _, _ in Reply(body: "") }) { _, client in
            for (format, after) in [(SectionExport.Format.lines, "p1-5"), (.csv, nil)] as [(_, String?)] {
                let failure = await #expect(throws: IncompleteProfilesExport.self) {
                    _ = try await ProfilesExport(
                        of: "s", query: [], format: format, after: after, through: client, observer: Listener()
                    ).run()
                }
                #expect(failure?.cursor == after)
            }
        }
    }

    @Test("lines are cut wherever the parts of an answer end")
    func tail() throws {
        let whole = (1...3).map(Self.line).joined() + Self.summary
        for size in [1, 2, 7, 90, 91, 1000] {
            let listener = Listener()
            var tail = ExportTail<EventLines>(after: nil)
            var rest = Array(whole.utf8)[...]
            while !rest.isEmpty {
                try tail.take(Array(rest.prefix(size)), to: listener)
                rest = rest.dropFirst(size)
            }
            #expect(listener.text.withLock { $0 } == (1...3).map(Self.line).joined(), "\(size)")
            #expect(try tail.summary().events == 1 && tail.after == "3" && tail.lines == 3, "\(size)")
        }
    }
}

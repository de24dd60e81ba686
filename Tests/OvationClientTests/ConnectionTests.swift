import Foundation
import HTTPTypes
import OvationWire
import Synchronization
import Testing

@testable import OvationClient

@Suite("The connections of a client")
struct ConnectionTests {
    private typealias Reply = ScriptedServer.Reply

    /// Runs a call with connections of its own.
    private func exchange<Value>(
        _ call: HTTPCall, _ read: (HTTPHead, inout AnswerBody) async throws -> Value
    ) async throws -> Value {
        let connections = HTTPConnections()
        let result: Result<Value, any Error>
        do {
            result = .success(try await connections.exchange(call, read))
        } catch {
            result = .failure(error)
        }
        await connections.shutdown()
        return try result.get()
    }

    // MARK: What is sent and read

    @Test("calls one after the other go over one connection")
    func keepAlive() async throws {
        try await ScriptedServer.run(answer: { _, _ in .json("{}") }) { server, client in
            for _ in 0..<3 { try await client.call(.revokeAPIKey, ["client_id": "a"]) }
            #expect(server.asked.count == 4 && Set(server.asked.map(\.port)).count == 1)
        }
    }

    @Test("an answer that comes compressed is inflated")
    func compressed() async throws {
        // `{"name":"Ovation"}`
        let bytes: [UInt8] = [
            0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xab, 0x56, 0xca, 0x4b, 0xcc, 0x4d, 0x55, 0xb2,
            0x52, 0xf2, 0x2f, 0x4b, 0x2c, 0xc9, 0xcc, 0xcf, 0x53, 0xaa, 0x05, 0x00, 0xf9, 0x7f, 0xef, 0xfc, 0x12, 0x00,
            0x00, 0x00,
        ]
        try await ScriptedServer.run(
            answer: { _, _ in Reply(bytes: bytes, headers: [.contentEncoding: "gzip"]) }
        ) { server, client in
            let about = try await client.about()
            #expect(about.name == "Ovation")
            #expect(server.asked.first?.headers[.acceptEncoding] == "gzip, deflate")
        }
    }

    @Test("a path goes as it is, and a body that is asked for and not there has no bytes")
    func plainPath() async throws {
        try await ScriptedServer.run(answer: { _, _ in .json("{}") }) { server, client in
            try await exchange(HTTPCall(url: client.address + "/a/../b/%2E%2E/./c", method: "POST", headers: [])) {
                head, _ in #expect(head.status == 200)
            }
            let asked = try #require(server.asked.first)
            #expect(asked.path == "/a/../b/%2E%2E/./c" && asked.headers[.contentLength] == "0")
            #expect(asked.headers[.expect] == nil && asked.headers[.userAgent] == nil)
        }
    }

    @Test("a header with a line break is not sent, and is named", arguments: ["a\r\nx: y", "a\u{0}", "a\u{7F}"])
    func headerInjection(value: String) async throws {
        try await ScriptedServer.run(answer: { _, _ in .json("{}") }) { server, client in
            await #expect {
                try await client.call(
                    .revokeAPIKey, ["client_id": "a"], headers: [("idempotency-key", value)])
            } throws: { error in
                if case .unsendable("idempotency-key")? = error as? ClientFailure { true } else { false }
            }
            #expect(server.askedForMore.isEmpty)
        }
    }

    @Test("a header may be empty, and may have tabs and letters of all languages")
    func unusualHeaders() async throws {
        try await ScriptedServer.run(answer: { _, _ in .json("{}") }) { server, client in
            try await client.call(
                .revokeAPIKey, ["client_id": "a"], headers: [("x-empty", ""), ("x-letters", "a\tü")])
            let headers = try #require(server.askedForMore.first?.headers)
            #expect(headers[HTTPField.Name("x-empty")!] == "" && headers[HTTPField.Name("x-letters")!] == "a\tü")
        }
    }

    // MARK: Bodies

    /// A body that takes one step at a time.
    private final class Steps: UploadSource {
        let size: Int?
        let canRewind = false
        private let steps: Mutex<[@Sendable (UnsafeMutableRawBufferPointer) throws -> UploadPart]>

        init(size: Int? = nil, _ steps: [@Sendable (UnsafeMutableRawBufferPointer) throws -> UploadPart]) {
            self.size = size
            self.steps = Mutex(steps)
        }

        func rewind() throws {}

        func read(into buffer: UnsafeMutableRawBufferPointer) throws -> UploadPart {
            try steps.withLock { $0.isEmpty ? nil : $0.removeFirst() }.map { try $0(buffer) } ?? .end
        }

        static func text(_ text: String) -> @Sendable (UnsafeMutableRawBufferPointer) -> UploadPart {
            { buffer in
                let bytes = Array(text.utf8).prefix(buffer.count)
                buffer.copyBytes(from: bytes)
                return .bytes(bytes.count)
            }
        }
    }

    private struct Unreadable: Error {}

    private func send(_ source: Steps, _ test: @escaping @Sendable (ScriptedServer, HTTPCall) async throws -> Void)
        async throws
    {
        try await ScriptedServer.run(answer: { _, _ in .json("{}") }) { server, client in
            try await test(
                server,
                HTTPCall(url: client.address + "/", method: "POST", headers: [], body: .source(source)))
        }
    }

    @Test("a body that waits for its source goes on when there is more")
    func waitingSource() async throws {
        let pipe = Pipe()
        let descriptor = pipe.fileHandleForReading.fileDescriptor
        let source = Steps([
            Steps.text("a"),
            { _ in
                // From now on the source has more to read.
                pipe.fileHandleForWriting.write(Data("b".utf8))
                return .later(descriptor)
            },
            { buffer in .bytes(read(descriptor, buffer.baseAddress, 1)) },
        ])
        try await send(source) { server, call in
            try await exchange(call) { head, _ in #expect(head.status == 200) }
            #expect(server.asked.map(\.body) == ["ab"])
            #expect(server.asked[0].headers[.transferEncoding] == "chunked")
        }
    }

    @Test("a source that cannot be read ends the call with its own error")
    func unreadableSource() async throws {
        try await send(Steps([Steps.text("a"), { _ in throw Unreadable() }])) { server, call in
            await #expect(throws: Unreadable.self) { try await exchange(call) { _, _ in } }
            #expect(server.asked.isEmpty)
        }
    }

    @Test("of a body that grows so much is sent as was promised, and one that shrinks ends the call")
    func changingSize() async throws {
        try await send(Steps(size: 3, [Steps.text("ab"), Steps.text("cd"), Steps.text("ef")])) { server, call in
            try await exchange(call) { head, _ in #expect(head.status == 200) }
            #expect(server.asked.map(\.body) == ["abc"])
        }
        try await send(Steps(size: 3, [Steps.text("ab")])) { server, call in
            await #expect {
                try await exchange(call) { _, _ in }
            } throws: { error in
                if case ConnectionFailure.broken(let why) = error { why.contains("shorter") } else { false }
            }
            #expect(server.asked.isEmpty)
        }
    }

    // MARK: Ends

    @Test("a reader that has enough ends the call, and the next one goes on")
    func earlyEnd() async throws {
        try await ScriptedServer.run(
            answer: { _, _ in Reply(bytes: Array(repeating: 7, count: 64 << 20)) }
        ) { server, client in
            let connections = HTTPConnections()
            for _ in 0..<2 {
                let call = HTTPCall(url: client.address + "/", method: "GET", headers: [])
                let first = try await connections.exchange(call) { _, body in try await body.next() }
                #expect(first?.isEmpty == false && (first?.count ?? 0) <= Transfer.unreadMax + (64 << 10))
            }
            await connections.shutdown()
            #expect(server.asked.count == 2)
        }
    }

    @Test("a call ends when its task is cancelled, and when the connections are shut down", arguments: [true, false])
    func cancellation(isTask: Bool) async throws {
        let (asked, asking) = AsyncStream.makeStream(of: Void.self)
        try await ScriptedServer.run(
            answer: { _, _ in
                asking.yield()
                return Reply(hangs: true)
            }
        ) { _, client in
            let connections = HTTPConnections()
            let call = HTTPCall(url: client.address + "/", method: "GET", headers: [])
            let task = Task { try await connections.exchange(call) { _, body in try await body.all(upTo: 1) } }
            for await _ in asked { break }
            if isTask { task.cancel() } else { await connections.shutdown() }
            await #expect(throws: CancellationError.self) { try await task.value }
            await connections.shutdown()
            await #expect(throws: CancellationError.self) { try await connections.exchange(call) { _, _ in } }
        }
    }

    // MARK: A slow reader, and time

    private static func transfer(patience: Duration? = nil) -> Transfer {
        Transfer(HTTPCall(url: "", method: "GET", headers: [], patience: patience))
    }

    private static func take(_ count: Int, of transfer: Transfer) -> Bool {
        [UInt8](repeating: 7, count: count).withUnsafeBytes { transfer.take($0) }
    }

    private static func begin(_ transfer: Transfer) {
        for line in ["HTTP/1.1 100 Continue\r\n", "\r\n", "HTTP/1.1 200 OK\r\n", "A-Name:  a value \r\n", "\r\n"] {
            Array(line.utf8).withUnsafeBytes { transfer.takeHeader($0) }
        }
    }

    @Test("the connection is not read while a reader is slow, and is told when there is room")
    func slowReader() async throws {
        let transfer = Self.transfer()
        #expect(Self.take(Transfer.unreadMax - 1, of: transfer) && Self.take(10, of: transfer))
        #expect(!Self.take(1, of: transfer) && transfer.isReadingPaused)
        let told = Mutex(0)
        let part = try await transfer.next { told.withLock { $0 += 1 } }
        #expect(part?.count == Transfer.unreadMax + 9 && told.withLock { $0 } == 1 && !transfer.isReadingPaused)
        #expect(Self.take(1, of: transfer))
        let other = try await transfer.next { told.withLock { $0 += 1 } }
        #expect(other?.count == 1 && told.withLock { $0 } == 1)
    }

    @Test("what came before a break is read before the break is told")
    func partBeforeBreak() async throws {
        let transfer = Self.transfer()
        Self.begin(transfer)
        _ = Self.take(3, of: transfer)
        transfer.finish(.failure(ConnectionFailure.broken(why: "x")))
        let head = try await transfer.head()
        #expect(head.status == 200 && head.first("a-name") == "a value")
        #expect(try await transfer.next {}?.count == 3)
        await #expect(throws: ConnectionFailure.self) { try await transfer.next {} }
    }

    @Test("an answer has to begin within its time, and something has to move; a slow reader is given time")
    func overtime() throws {
        func isOver(_ transfer: Transfer, after seconds: Int) -> Bool {
            transfer.overtime(at: .now + .seconds(seconds), idle: .seconds(600)) != nil
        }
        let patient = Self.transfer()
        #expect(!isOver(patient, after: 590) && isOver(patient, after: 610))
        let impatient = Self.transfer(patience: .seconds(30))
        #expect(!isOver(impatient, after: 20) && isOver(impatient, after: 40))
        Self.begin(impatient)
        #expect(!isOver(impatient, after: 40) && isOver(impatient, after: 610))
        let slow = Self.transfer()
        while Self.take(1 << 20, of: slow) {}
        #expect(!isOver(slow, after: 610))
    }
}

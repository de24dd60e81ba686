import OvationCore
import OvationWire
import Synchronization
import Testing

@testable import OvationClient

@Suite("An export as Parquet")
struct TableExportTests {
    private struct NoCompression: PageCompression {
        let codec = 0
        func compressed(_ page: [UInt8]) -> [UInt8] { page }
    }

    /// Holds what was written.
    private final class Listener: TableObserver {
        let bytes = Mutex<[UInt8]>([])
        let canRestart: Bool
        let canRead: Bool

        init(canRestart: Bool = true, canRead: Bool = true) {
            (self.canRestart, self.canRead) = (canRestart, canRead)
        }

        func write(_ part: UnsafeRawBufferPointer) { bytes.withLock { $0 += Array(part) } }
        func pauses(after failure: ClientFailure, seconds: Int) {}
        func goesOn() {}
        func end(_ count: Int) -> [UInt8]? { canRead ? bytes.withLock { Array($0.suffix(count)) } : nil }

        func restart() -> Bool {
            if canRestart { bytes.withLock { $0 = [] } }
            return canRestart
        }
    }

    /// - Parameter counted: the events that the summary has.
    private static func file(ids: ClosedRange<Int64>, counted: Int64) throws -> [UInt8] {
        var table = EventTable(try EventColumns(of: "a.b", fields: []), compression: NoCompression())
        for id in ids {
            Array("a@b.se".utf8).withUnsafeBufferPointer { key in
                Array("{}".utf8).withUnsafeBufferPointer { data in
                    table.append(
                        ExportedEvent(
                            id: id, eventTime: Timestamp(milliseconds: 0), receivedAt: Timestamp(milliseconds: 0),
                            version: 7, section: [], eventType: [], keyspace: [], key: key, data: data))
                }
            }
        }
        var summary = Bodies.ExportSummary()
        (summary.events, summary.lastEventID) = (counted, "99")
        try table.finish(summary)
        return table.table.take()
    }

    private func export(_ client: APIClient, _ listener: Listener) async throws -> TableExport.Result? {
        try await TableExport(of: "s", query: [("event_discriminators", "a.b")], through: client, observer: listener)
            .run()
    }

    @Test("one that breaks begins anew, and its footer says what it has")
    func broken() async throws {
        let file = try Self.file(ids: 3...5, counted: 3)
        try await ScriptedServer.run(
            answer: { _, number in
                number == 0
                    ? ScriptedServer.Reply(bytes: Array(file[..<50]), breaks: true) : ScriptedServer.Reply(bytes: file)
            }
        ) { server, client in
            let listener = Listener()
            let result = try await export(client, listener)
            #expect(listener.bytes.withLock { $0 } == file)
            #expect(result?.first == 3 && result?.last == 5)
            #expect(result?.summary.events == 3 && result?.summary.lastEventID == "99")
            #expect(
                server.askedForMore.map(\.query)
                    == Array(repeating: "event_discriminators=a.b&format=parquet", count: 2))
        }
    }

    @Test("it is begun anew as long as each attempt gets further than the one before")
    func progress() async throws {
        let file = try Self.file(ids: 3...5, counted: 3)
        try await ScriptedServer.run(
            answer: { _, number in
                number < 15
                    ? ScriptedServer.Reply(bytes: Array(file[..<(20 + number)]), breaks: true)
                    : ScriptedServer.Reply(bytes: file)
            }
        ) { server, client in
            let result = try await export(client, Listener())
            #expect(result?.first == 3 && server.askedForMore.count == 16)
        }
    }

    @Test("one that goes into a pipe is not begun anew, and nobody reads its end")
    func pipe() async throws {
        let file = try Self.file(ids: 3...5, counted: 3)
        try await ScriptedServer.run(answer: { _, _ in ScriptedServer.Reply(bytes: file, breaks: true) }) {
            server, client in
            await #expect(throws: ClientFailure.self) { _ = try await export(client, Listener(canRestart: false)) }
            #expect(server.askedForMore.count == 1)
        }
        try await ScriptedServer.run(answer: { _, _ in ScriptedServer.Reply(bytes: file) }) { _, client in
            let result = try await export(client, Listener(canRead: false))
            #expect(result == nil)
        }
    }

    @Test("a file that is not whole, or has another number of rows than it says, is refused")
    func notWhole() async throws {
        let whole = try Self.file(ids: 3...5, counted: 3)
        for file in [Array(whole.dropLast()), Array(whole.suffix(9)), [], try Self.file(ids: 3...5, counted: 4)] {
            try await ScriptedServer.run(answer: { _, _ in ScriptedServer.Reply(bytes: file) }) { server, client in
                await #expect(throws: ClientFailure.self) { _ = try await export(client, Listener()) }
                #expect(server.askedForMore.count == 11)
            }
        }
    }
}

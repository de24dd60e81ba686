import HTTPTypes
import Hummingbird
import Logging
import OvationCore
import OvationSQLite
import OvationTesting
import Synchronization
import Testing

@testable import OvationServer

/// StreamLines of a log, as text.
final class StreamLines: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }

    func logger() -> Logger {
        var logger = Logger(label: "test") { _ in Handler(lines: self) }
        logger.logLevel = .debug
        return logger
    }

    private struct Handler: LogHandler {
        let lines: StreamLines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.debug

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let fields = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            let line = "\(event.level) \(event.message) \(fields.joined(separator: " "))"
            lines.lines.withLock { $0.append(line) }
        }
    }
}

/// An answer that has sent its status can only break off; the log has the reason.
@Suite("Streams that break off")
struct StreamLogTests {
    private struct Reader: ResponseBodyWriter {
        struct Gone: Error {}

        /// Parts that it takes.
        var left: Int

        mutating func write(_ buffer: ByteBuffer) async throws {
            if left == 0 { throw Gone() }
            left -= 1
        }

        func finish(_ trailingHeaders: HTTPFields?) async throws {}
    }

    /// - Returns: what was logged, and how many failures are remembered for the operator.
    private func lines(
        takes: Int = .max, _ write: @escaping @Sendable (StreamOutput) async throws -> Void
    ) async -> (lines: [String], failures: Int) {
        let lines = StreamLines()
        let metrics = ServerMetrics()
        let log = StreamLog(metrics: metrics, clock: WallClock { Fixtures.now }, logger: lines.logger())
        var response = Response(status: .ok, body: .stream(on: nil, write))
        log.watch(&response, place: "GET /x", requestID: "r1")
        do {
            try await response.body.write(Reader(left: takes))
        } catch {}
        return (lines.all, metrics.current.failures.count)
    }

    @Test("one that the store ends is an error, with its endpoint, its reason and the id of its request")
    func logsFailures() async {
        let (store, storeFailures) = await lines { _ in throw StoreFailure(.unavailable, "57P01: gone") }
        let expected = "code=store_unavailable endpoint=GET /x reason=57P01: gone request_id=r1"
        #expect(store == ["error a stream broke off " + expected])
        let (full, fullFailures) = await lines { _ in throw StoreFailure(.full, "53100: full") }
        #expect(full == ["error a stream broke off code=storage_full endpoint=GET /x reason=53100: full request_id=r1"])
        let (mistake, _) = await lines { _ in throw HTTPError(.internalServerError) }
        #expect(mistake.count == 1 && mistake[0].hasPrefix("error a stream broke off code=internal_error"))
        #expect(storeFailures == 1 && fullFailures == 1, "GET /audience/activity shows it")
    }

    @Test("one that ends for its reader, for his rights or with the server is no error")
    func logsOthers() async {
        let (gone, failures) = await lines(takes: 1) { output in
            while true { try await output.write(ByteBuffer(string: "x")) }
        }
        #expect(gone == ["debug a stream broke off endpoint=GET /x reason=the reader is gone request_id=r1"])
        #expect(failures == 0)
        let (stopping, _) = await lines { _ in throw StreamEnd.serverStopping }
        #expect(stopping == ["info a stream broke off endpoint=GET /x reason=the server is stopping request_id=r1"])
        let (cut, _) = await lines { _ in throw CancellationError() }
        #expect(cut == ["info a stream broke off endpoint=GET /x reason=it was cut off request_id=r1"])
        let (rights, _) = await lines { _ in throw Problem(.sectionNotFound, "There is no such section.") }
        #expect(rights == ["info a stream broke off code=section_not_found endpoint=GET /x request_id=r1"])
        let (whole, _) = await lines { try await $0.write(ByteBuffer(string: "x")) }
        #expect(whole.isEmpty)
    }

    /// A server with a store that gives this many pages of exports and takes this many chunks.
    private func serve(
        pages: Int = .max, chunks: Int = .max,
        _ test: @Sendable (RouterClient, String, StreamLines) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder()
        let base = try SQLiteStore(testing: folder.path + "/ovation.sqlite")
        defer { base.close() }
        let store = SharedStore(base)
        let lines = StreamLines()
        let server = try await Server(
            store: store,
            configuration: ServerConfiguration(
                host: "127.0.0.1", port: 0, region: "eu", limits: Limits(), version: "test"),
            admin: AdminCredentials(clientID: TestServer.clientID, clientSecret: TestServer.clientSecret),
            clock: WallClock { Fixtures.now }, logger: lines.logger(), makeSigningKey: TestServer.signingKey)
        _ = try await server.apply(Fixtures.model())
        let client = try await RouterClient(server.application())
        let stranger = TestServer(client: client, clock: TestClock(), store: store, adminToken: "")
        let token = try await stranger.token(clientID: TestServer.clientID, secret: TestServer.clientSecret)
        store.failAfter(pages: pages, chunks: chunks)
        try await test(client, token, lines)
    }

    @Test("the log has an export and an upload with progress that break off when the store fails")
    func logsEndpoints() async throws {
        // The end of the export, and its first page.
        try await serve(pages: 2) { client, token, lines in
            let body = (0..<30_000).map {
                #"{"keyspace":"\#(Fixtures.emailKeyspace)","profile_key":"a\#($0 % 9)@b.se","#
                    + #""event_time":"2022-01-01T00:00:00.000Z","version_id":"2565266","data":{"myNumberField":1}}"#
            }
            let fields: HTTPFields = [.authorization: "Bearer " + token]
            let loaded = try await client.send(
                .post, TestServer.definitionsPath + "/bulk", headers: fields,
                body: Array(body.joined(separator: "\n").utf8))
            #expect(loaded.status == .ok)
            _ = try? await client.send(.get, TestServer.definitionsPath + "/export", headers: fields)
            let broken = lines.all.filter { $0.contains("a stream broke off") }
            #expect(
                broken.count == 1 && broken[0].hasPrefix("error ") && broken[0].contains("code=store_unavailable")
                    && broken[0].contains("endpoint=GET /audience/sections/{section}/events/export"), "\(broken)")
            #expect(!broken.contains { $0.contains("@b.se") })
        }
        try await serve(chunks: 0) { client, token, lines in
            let line =
                #"{"keyspace":"\#(Fixtures.emailKeyspace)","profile_key":"a@b.se","event_time":"#
                + #""2022-01-01T00:00:00.000Z","version_id":"2565266","data":{"myNumberField":1}}"#
            let fields: HTTPFields = [.authorization: "Bearer " + token, .accept: "application/x-ndjson"]
            let loaded = try await client.send(
                .post, TestServer.definitionsPath + "/bulk", headers: fields, body: Array(line.utf8))
            #expect(String(decoding: loaded.body, as: UTF8.self).contains("store_unavailable"))
            let broken = lines.all.filter { $0.contains("a stream broke off") }
            #expect(
                broken.count == 1 && broken[0].hasPrefix("error ") && broken[0].contains("events/bulk"), "\(broken)")
        }
    }
}

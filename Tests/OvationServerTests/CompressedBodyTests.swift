import CZlib
import HTTPTypes
import Hummingbird
import NIOCore
import OvationCore
import OvationTesting
import OvationWire
import Testing

@testable import OvationServer

/// Bytes as a client compresses them.
private enum Compressed {
    /// - Parameter bits: of zlib: 31 for gzip, 15 for zlib's form, -15 for the bare one.
    static func make(_ plain: [UInt8], bits: CInt = 31, level: CInt = 9) -> [UInt8] {
        var stream = z_stream()
        guard
            deflateInit2_(
                &stream, level, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
                CInt(MemoryLayout<z_stream>.size)) == Z_OK
        else { return [] }
        defer { deflateEnd(&stream) }
        var plain = plain
        let room = Int(deflateBound(&stream, CUnsignedLong(plain.count))) + 64
        return [UInt8](unsafeUninitializedCapacity: room) { output, count in
            plain.withUnsafeMutableBufferPointer { input in
                stream.next_in = input.baseAddress
                stream.avail_in = CUnsignedInt(input.count)
                stream.next_out = output.baseAddress
                stream.avail_out = CUnsignedInt(room)
                _ = deflate(&stream, Z_FINISH)
            }
            count = room - Int(stream.avail_out)
        }
    }

    static func gzip(_ text: String) -> [UInt8] { make(Array(text.utf8)) }
}

extension TestServer {
    fileprivate func send(
        _ method: HTTPRequest.Method, _ path: String, bytes: [UInt8], coding: String?
    ) async throws -> (status: HTTPResponse.Status, code: String?, headers: HTTPFields, json: JSONValue) {
        var fields: HTTPFields = [.authorization: "Bearer \(adminToken)"]
        if let coding { fields[.contentEncoding] = coding }
        let response = try await client.send(method, path, headers: fields, body: bytes)
        let json = (try? JSONValue(parsing: response.body)) ?? .null
        return (response.status, json["code"]?.string, response.headers, json)
    }
}

@Suite("Compressed bodies")
struct CompressedBodyTests {
    private static let post = TestServer.items(TestServer.item())

    private static let line =
        #"{"keyspace":"\#(Fixtures.emailKeyspace)","profile_key":"a@b.se","event_time":"2020-10-14T09:43:34Z","#
        + #""version_id":2565266,"data":{"myNumberField":1}}"# + "\n"

    private struct Body: Sendable {
        let coding: String
        let bytes: [UInt8]

        init(_ coding: String, _ bytes: some Sequence<UInt8>) {
            self.coding = coding
            self.bytes = Array(bytes)
        }
    }

    private static let plain = Array(post.utf8)
    private static let zipped = Compressed.gzip(post)
    private static let zlib = Compressed.make(plain, bits: 15)
    private static let bare = Compressed.make(plain, bits: -15)

    private static let good: [Body] = [
        Body("gzip", zipped), Body("GZip", zipped), Body("x-gzip", zipped), Body("identity, gzip", zipped),
        Body(" gzip ", Compressed.make(plain, level: 0)), Body("deflate", zlib),
        Body("deflate", Compressed.make(plain, bits: 15, level: 0)), Body("deflate", bare),
        Body("deflate", Compressed.make(plain, bits: -15, level: 0)), Body("deflate", Compressed.make(plain, bits: 9)),
        Body("identity", plain), Body("", plain),
        Body(
            "gzip",
            Compressed.gzip(String(post.prefix(40))) + Compressed.gzip("") + Compressed.gzip(String(post.dropFirst(40)))
        ),
    ]

    private static let bad: [Body] = [
        Body("gzip", plain), Body("gzip", zipped.dropLast()), Body("gzip", zipped.dropLast(8)),
        Body("gzip", Array(zipped.prefix(1))), Body("gzip", zipped + [0]), Body("gzip", zipped + zipped.prefix(5)),
        Body("gzip", zlib), Body("deflate", zipped), Body("deflate", zlib + [0]), Body("deflate", zlib.dropLast()),
        Body("deflate", bare.dropLast()), Body("deflate", [0x78]),
    ]

    @Test("gzip and deflate are taken, in each form in which clients write them", arguments: good.indices)
    func taken(index: Int) async throws {
        let (coding, body) = (Self.good[index].coding, Self.good[index].bytes)
        try await TestServer.run { server async throws in
            let answer = try await server.send(.post, TestServer.eventsPath(), bytes: body, coding: coding)
            #expect(answer.status == .noContent, "\(answer.json)")
            #expect(try await server.stored() == [#"{"myNumberField":1}"#])
        }
    }

    @Test("what is not the coding it says is 400, and nothing of it is stored", arguments: bad.indices)
    func broken(index: Int) async throws {
        let (coding, body) = (Self.bad[index].coding, Self.bad[index].bytes)
        try await TestServer.run { server async throws in
            let answer = try await server.send(.post, TestServer.eventsPath(), bytes: body, coding: coding)
            #expect(answer.status == .badRequest && answer.code == "invalid_encoding", "\(answer.json)")
            let upload = try await server.send(
                .post, TestServer.definitionsPath + "/bulk", bytes: body, coding: coding)
            #expect(upload.status == .badRequest && upload.code == "invalid_encoding", "\(upload.json)")
            #expect(try await server.send(.get, TestServer.eventsPath()).code == "profile_not_found")
        }
    }

    @Test("each byte of a compressed body that is flipped is noticed, or changes nothing")
    func flipped() async throws {
        try await TestServer.run { server async throws in
            let whole = Compressed.gzip(Self.post)
            for index in whole.indices {
                var bytes = whole
                bytes[index] ^= 0x10
                let answer = try await server.send(.post, TestServer.eventsPath(), bytes: bytes, coding: "gzip")
                let isTaken = answer.status == .noContent
                #expect(isTaken || answer.code == "invalid_encoding", "byte \(index): \(answer.json)")
            }
            for stored in Set(try await server.stored()) { #expect(stored == #"{"myNumberField":1}"#) }
        }
    }

    @Test(
        "every other coding is 415 and says which are taken",
        arguments: ["br", "zstd", "compress", "gzip, gzip", "gzip,deflate", "*", "chunked", "utf-8"])
    func unsupported(coding: String) async throws {
        try await TestServer.run { server async throws in
            let paths: [(HTTPRequest.Method, String)] = [
                (.post, TestServer.eventsPath()), (.post, TestServer.definitionsPath + "/bulk"),
                (.post, TestServer.definitionsPath), (.post, "/oauth/token"), (.put, "/audience/model"),
                (.post, "/audience/model/plan"), (.post, "/account/api-keys"), (.post, "/audience/keyspaces"),
                (.patch, TestServer.definitionsPath + "/" + Fixtures.eventType),
            ]
            for (method, path) in paths {
                let answer = try await server.send(method, path, bytes: Array(Self.post.utf8), coding: coding)
                #expect(answer.status == .unsupportedMediaType, "\(path): \(answer.json)")
                #expect(answer.code == "unsupported_encoding" && answer.headers[.acceptEncoding] == "gzip, deflate")
            }
        }
    }

    @Test("every endpoint that takes a body takes it compressed")
    func everyEndpoint() async throws {
        try await TestServer.run { server async throws in
            let bodies: [(HTTPRequest.Method, String, String, HTTPResponse.Status)] = [
                (.post, "/audience/keyspaces", #"{"name":"a","key_format":"text"}"#, .created),
                (.post, "/audience/sections", #"{"name":"a"}"#, .created),
                (.post, TestServer.definitionsPath, #"{"name":"a","category":"signal","fields":{}}"#, .created),
                (.patch, "\(TestServer.definitionsPath)/\(Fixtures.eventType)", #"{"name":"b"}"#, .ok),
                (.put, "/audience/model", #"{"keyspaces":[],"sections":[]}"#, .ok),
                (.post, "/account/api-keys", #"{"name":"a"}"#, .created),
                (
                    .post, "/oauth/token",
                    "grant_type=client_credentials&client_id=\(TestServer.clientID)&client_secret=\(TestServer.clientSecret)",
                    .ok
                ),
                (.post, TestServer.definitionsPath + "/bulk", Self.line, .ok),
            ]
            for (method, path, body, status) in bodies {
                let answer = try await server.send(method, path, bytes: Compressed.gzip(body), coding: "gzip")
                #expect(answer.status == status, "\(path): \(answer.json)")
            }
        }
    }

    @Test("the limit of a body is that of the plain one; neither a bomb nor many empty members get past it")
    func limit() async throws {
        try await TestServer.run { server async throws in
            let bytesMax = Limits().bodyBytesMax
            let path = TestServer.eventsPath()
            let most = Self.post + String(repeating: " ", count: bytesMax - Self.post.utf8.count)
            let bombs: [(String, [UInt8])] = [
                ("one byte more", Compressed.gzip(most + " ")),
                ("a bomb", Compressed.make([UInt8](repeating: 0x20, count: 64 << 20))),
                ("a bomb in many members", Array(repeating: Compressed.gzip(most), count: 50).flatMap { $0 }),
                ("members of nothing", Array(repeating: Compressed.gzip(""), count: 20_000).flatMap { $0 }),
            ]
            for (name, bytes) in bombs {
                let answer = try await server.send(.post, path, bytes: bytes, coding: "gzip")
                #expect(answer.status == .contentTooLarge && answer.code == "body_too_large", "\(name): \(answer.json)")
            }
            for level: CInt in [0, 9] {
                let bytes = Compressed.make(Array(most.utf8), level: level)
                let answer = try await server.send(.post, path, bytes: bytes, coding: "gzip")
                #expect(answer.status == .noContent, "\(answer.json)")
            }
            #expect(try await server.stored().count == 2)
        }
    }

    @Test("a compressed upload is read as it comes: chunk by chunk, and what came before a fault is stored")
    func upload() async throws {
        var limits = Limits()
        limits.bulkChunkLines = 7
        try await TestServer.run(limits: limits) { server async throws in
            let lines = Array(String(repeating: Self.line, count: 3000).utf8)
            let path = TestServer.definitionsPath + "/bulk"
            for level: CInt in [0, 1, 9] {
                let answer = try await server.send(
                    .post, path, bytes: Compressed.make(lines, level: level), coding: "gzip")
                #expect(answer.json["stored"]?.int == 3000, "\(answer.json)")
            }
            let whole = Compressed.make(lines, level: 0)
            let cut = try await server.send(.post, path, bytes: Array(whole.dropLast(100)), coding: "gzip")
            #expect(cut.code == "invalid_encoding")
            let done = try #require(cut.json["lines_done"]?.int)
            #expect(done > 0 && done < 3000 && done.isMultiple(of: 7))
        }
    }

    @Test("a part comes out in pieces of a bounded size, wherever it is cut")
    func pieces() throws {
        var random = SeededGenerator(seed: 7)
        let plain = [UInt8]((0..<300_000).map { UInt8(truncatingIfNeeded: $0 / 1000) })
        for (coding, bits) in [(ContentCoding.gzip, CInt(31)), (.deflate, 15), (.deflate, -15)] {
            let bytes = Compressed.make(plain, bits: bits)
            for _ in 0..<20 {
                let inflater = Inflater(coding)
                var found: [UInt8] = []
                var rest = ByteBuffer(bytes: bytes)
                while rest.readableBytes > 0 {
                    let count = min(rest.readableBytes, Int.random(in: 1...400, using: &random))
                    var part = rest.readSlice(length: count) ?? ByteBuffer()
                    while let piece = try inflater.take(from: &part) {
                        #expect(piece.readableBytes <= Limits.inflatedPieceBytes)
                        found += piece.readableBytesView
                    }
                }
                try inflater.finish()
                #expect(found == plain)
            }
        }
    }
}

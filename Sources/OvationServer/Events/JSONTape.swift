import CSimdjson
import NIOCore
import OvationCore
import Synchronization

/// simdjson's tape of one document, walked without a copy: 64-bit words with their type in the top eight bits. (Format:
/// doc/tape.md of simdjson.)
struct JSONTape {
    private let words: UnsafePointer<UInt64>
    private let strings: UnsafePointer<UInt8>
    private let text: UnsafeRawBufferPointer

    /// - Parameter text: what the tape is of.
    init(_ document: csimdjson_document, of text: UnsafeRawBufferPointer) {
        words = document.tape
        strings = document.strings
        self.text = text
    }

    /// Whether a zero on the tape was surely written as zero. The tape does not say: `1e-400` is zero on it too. Only a
    /// negative exponent of three digits, or a number of some hundred digits, can be so small.
    var isZeroPlain: Bool {
        var digits = 0
        var place = 0
        while place < text.count {
            let byte = text[place]
            if byte &- 48 <= 9 || byte == UInt8(ascii: ".") {
                digits += 1
                if digits > 200 { return false }
            } else {
                if byte | 0x20 == UInt8(ascii: "e"), place + 4 < text.count, text[place + 1] == UInt8(ascii: "-"),
                    text[(place + 2)...(place + 4)].allSatisfy({ $0 &- 48 <= 9 })
                {
                    return false
                }
                digits = 0
            }
            place += 1
        }
        return true
    }

    enum Kind {
        static let object = UInt8(ascii: "{")
        static let array = UInt8(ascii: "[")
        static let string = UInt8(ascii: "\"")
        static let int64 = UInt8(ascii: "l")
        static let uint64 = UInt8(ascii: "u")
        static let double = UInt8(ascii: "d")
        static let `true` = UInt8(ascii: "t")
        static let `false` = UInt8(ascii: "f")
        static let null = UInt8(ascii: "n")
    }

    /// Index of the first value.
    static let root = 1

    func kind(_ index: Int) -> UInt8 { UInt8(truncatingIfNeeded: words[index] >> 56) }

    /// Index of the word after an object's or array's last value: that of its closing mark.
    func end(_ index: Int) -> Int { Int(UInt32(truncatingIfNeeded: words[index])) - 1 }

    /// The number of values of an array, up to a limit: a very long array has more.
    func count(_ index: Int) -> Int { Int(words[index] >> 32 & 0xFF_FFFF) }

    /// Index of the value that follows this one.
    func next(_ index: Int) -> Int {
        switch kind(index) {
        case Kind.object, Kind.array: end(index) + 1
        case Kind.int64, Kind.uint64, Kind.double: index + 2
        default: index + 1
        }
    }

    /// Unescaped UTF-8. It can contain half a surrogate pair, which simdjson lets through.
    func string(_ index: Int) -> UnsafeBufferPointer<UInt8> {
        let start = strings + Int(words[index] & 0x00FF_FFFF_FFFF_FFFF)
        let length = UnsafeRawPointer(start).loadUnaligned(as: UInt32.self)
        return UnsafeBufferPointer(start: start + 4, count: Int(length))
    }

    func int64(_ index: Int) -> Int64 { Int64(bitPattern: words[index + 1]) }

    func double(_ index: Int) -> Double { Double(bitPattern: words[index + 1]) }
}

/// A parser with its buffers, and the memory for the events made from its tape. Used by one thread at a time.
final class TapeParser {
    fileprivate let handle: OpaquePointer
    var bytes = EventBytes(capacity: 4096)

    fileprivate init?() {
        guard let handle = csimdjson_parser_create(Limits.jsonDepthMax) else { return nil }
        self.handle = handle
    }

    deinit {
        csimdjson_parser_destroy(handle)
        bytes.free()
    }

    /// Bytes after a text that ``tape(ofPadded:)`` may read.
    static let padding = Int(CSIMDJSON_PADDING)

    /// The tape is valid until the next one. nil when the text is not JSON that simdjson accepts.
    /// - Parameter text: part of a larger buffer, so that there is padding after it.
    func tape(ofPadded text: UnsafeBufferPointer<UInt8>) -> JSONTape? {
        var document = csimdjson_document()
        guard csimdjson_parse_padded(handle, text.baseAddress, text.count, &document) == 0 else { return nil }
        return JSONTape(document, of: UnsafeRawBufferPointer(text))
    }
}

/// Parsers that are reused. There are as many as requests that decode at one time, which is as many as there are
/// threads.
package final class TapeParsers: Sendable {
    /// `@unchecked`, since one decoding owns a parser at a time, from ``TapeParsers/take()`` to
    /// ``TapeParsers/give(_:)``, and idle parsers are reached under the lock only.
    private struct Idle: @unchecked Sendable {
        var parsers: [TapeParser] = []
    }

    private static let idleMax = 16
    private let idle = Mutex(Idle())

    package init() {}

    /// The tape is valid until `body` returns. nil when the text is not JSON that simdjson accepts.
    func withTape<Result>(of buffer: ByteBuffer, _ body: (JSONTape, TapeParser) -> Result?) -> Result? {
        guard let parser = take() else { return nil }
        defer { give(parser) }
        return buffer.withUnsafeReadableBytes { bytes in
            var document = csimdjson_document()
            let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
            guard csimdjson_parse(parser.handle, start, bytes.count, &document) == 0 else { return nil }
            return body(JSONTape(document, of: bytes), parser)
        }
    }

    /// For many texts one after the other. nil when memory is short.
    func withParser<Result>(_ body: (TapeParser) throws -> Result) rethrows -> Result? {
        guard let parser = take() else { return nil }
        defer { give(parser) }
        return try body(parser)
    }

    private func take() -> TapeParser? {
        let parser = idle.withLock { idle in
            nonisolated(unsafe) let parser = idle.parsers.popLast()
            return parser
        }
        return parser ?? TapeParser()
    }

    private func give(_ parser: TapeParser) {
        nonisolated(unsafe) let parser = parser
        idle.withLock { idle in
            if idle.parsers.count < TapeParsers.idleMax { idle.parsers.append(parser) }
        }
    }
}

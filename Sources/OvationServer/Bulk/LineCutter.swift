import NIOCore
import OvationCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Some whole lines of an upload, which are checked and stored together.
struct LineChunk: Sendable {
    /// From 1.
    let number: Int
    /// Number of the first line in the upload, from 1.
    let firstLine: Int
    /// Without their line ends.
    let lines: [Range<Int>]
    /// Lines that are longer than allowed; nothing of them is kept.
    let tooLong: Set<Int>
    /// All lines, followed by the padding that the parser needs.
    let bytes: [UInt8]

    /// The bytes that the client sent, for its fingerprint.
    var text: ArraySlice<UInt8> { bytes.dropLast(TapeParser.padding) }

    /// Lines up to the end of this chunk.
    var lastLine: Int { firstLine + lines.count - 1 }
}

/// Cuts an upload into chunks of whole lines. The cuts depend on the lines alone and not on how they arrive, so that
/// the same file is always cut at the same places. It holds at most one chunk and one line.
struct LineCutter {
    private let linesMax: Int
    private let bytesMax: Int
    private let lineBytesMax: Int
    private var bytes: [UInt8] = []
    private var lines: [Range<Int>] = []
    private var tooLong: Set<Int> = []
    private var lineStart = 0
    /// Inside a line that is too long: bytes are dropped up to its end.
    private var isDropping = false
    private var number = 1
    private var firstLine = 1

    init(linesMax: Int, bytesMax: Int, lineBytesMax: Int) {
        self.linesMax = linesMax
        self.bytesMax = bytesMax
        self.lineBytesMax = lineBytesMax
        begin(with: [])
    }

    /// Reads from a part until a chunk is full. nil: the part is used up.
    mutating func take(from part: inout ByteBuffer) -> LineChunk? {
        while part.readableBytes > 0 {
            let length = part.withUnsafeReadableBytes { $0.offset(of: UInt8(ascii: "\n")) }
            append(&part, count: length ?? part.readableBytes)
            guard length != nil else { return nil }
            part.moveReaderIndex(forwardBy: 1)
            if let chunk = endLine(hasLineEnd: true) { return chunk }
        }
        return nil
    }

    /// The rest when the upload has ended: at most two chunks.
    mutating func takeRest() -> [LineChunk] {
        var chunks: [LineChunk] = []
        if bytes.count > lineStart || isDropping, let chunk = endLine(hasLineEnd: false) { chunks.append(chunk) }
        if !lines.isEmpty { chunks.append(cut(at: bytes.count)) }
        return chunks
    }

    private mutating func append(_ part: inout ByteBuffer, count: Int) {
        if !isDropping {
            if bytes.count - lineStart + count <= lineBytesMax {
                part.withUnsafeReadableBytes { bytes.append(contentsOf: $0.prefix(count)) }
            } else {
                isDropping = true
                bytes.removeSubrange(lineStart...)
            }
        }
        part.moveReaderIndex(forwardBy: count)
    }

    private mutating func endLine(hasLineEnd: Bool) -> LineChunk? {
        var start = lineStart
        // A byte order mark belongs to the file and not to its first line.
        if firstLine == 1, lines.isEmpty, bytes[start...].starts(with: [0xEF, 0xBB, 0xBF]) { start += 3 }
        let isTooLong = isDropping
        isDropping = false
        let line = start..<bytes.count
        if hasLineEnd { bytes.append(UInt8(ascii: "\n")) }
        // A line that would make the chunk too large begins the next one.
        let full = bytes.count > bytesMax && !lines.isEmpty ? cut(at: lineStart) : nil
        let moved = full == nil ? 0 : line.lowerBound
        if isTooLong { tooLong.insert(lines.count) }
        lines.append(line.lowerBound - moved..<line.upperBound - moved)
        lineStart = bytes.count
        if let full { return full }
        return lines.count >= linesMax ? cut(at: bytes.count) : nil
    }

    /// The complete lines, as a chunk; the rest begins the next one.
    private mutating func cut(at end: Int) -> LineChunk {
        let rest = Array(bytes[end...])
        bytes.removeSubrange(end...)
        bytes.append(contentsOf: repeatElement(0, count: TapeParser.padding))
        let chunk = LineChunk(number: number, firstLine: firstLine, lines: lines, tooLong: tooLong, bytes: bytes)
        number += 1
        firstLine += lines.count
        begin(with: rest)
        return chunk
    }

    private mutating func begin(with rest: [UInt8]) {
        bytes = []
        bytes.reserveCapacity(min(bytesMax, 1 << 20))
        bytes.append(contentsOf: rest)
        lines = []
        lines.reserveCapacity(linesMax)
        tooLong = []
        lineStart = 0
    }
}

extension UnsafeRawBufferPointer {
    /// The first place of a byte.
    fileprivate func offset(of byte: UInt8) -> Int? {
        guard let start = baseAddress, let found = memchr(start, CInt(byte), count) else { return nil }
        return UnsafeRawPointer(found) - start
    }
}

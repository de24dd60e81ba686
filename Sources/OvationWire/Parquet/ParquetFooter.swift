import OvationCore

/// What the footer of a file of Parquet says of it, for a client that has received one.
public struct ParquetFooter: Sendable, Equatable {
    public private(set) var rows = 0
    public private(set) var metadata: [String: String] = [:]

    /// The last bytes of a file that say how long the footer is.
    public static let tailCount = 8

    /// Bytes of the footer, from the last eight bytes of the file. nil: it is no whole file of Parquet.
    public static func count(tail: [UInt8]) -> Int? {
        guard tail.count == tailCount, tail.suffix(4).elementsEqual("PAR1".utf8) else { return nil }
        let count = tail.prefix(4).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
        // What the table's limit bounds, and the schema beside it.
        return count <= 2 * Limits.parquetFooterBytesMax ? count : nil
    }

    /// nil: these bytes are no footer.
    public init?(_ bytes: some Collection<UInt8>) {
        var reader = ThriftReader(Array(bytes))
        while let field = reader.next() {
            switch (field.number, field.kind) {
            case (3, .int64): rows = Int(truncatingIfNeeded: reader.integer() ?? 0)
            case (5, .list):
                guard let pairs = reader.list(), pairs.kind == .structure else { return nil }
                for _ in 0..<pairs.count {
                    guard let (key, value) = ParquetFooter.pair(&reader) else { return nil }
                    metadata[key] = value
                }
            default: reader.skip(field.kind)
            }
        }
        guard reader.isAtEnd else { return nil }
    }

    private static func pair(_ reader: inout ThriftReader) -> (String, String)? {
        var texts: [Int: String] = [:]
        reader.beginStructure()
        while let field = reader.next() {
            guard field.kind == .binary, let text = reader.binary() else { return nil }
            texts[field.number] = String(decoding: text, as: UTF8.self)
        }
        reader.endStructure()
        guard let key = texts[1] else { return nil }
        return (key, texts[2] ?? "")
    }
}

/// Reads what ``ThriftWriter`` writes. Bytes that are no struct end it early, and never beyond their end.
private struct ThriftReader {
    private let bytes: [UInt8]
    private var position = 0
    private var isBroken = false
    /// The number of the field before, in this struct and in those around it.
    private var last = [0]

    /// Structs and lists within each other that a footer of Parquet has at most, and some more.
    private static let depthMax = 16
    /// Lists around the value that is read.
    private var listDepth = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// All was read.
    var isAtEnd: Bool { !isBroken && position == bytes.count }

    /// nil: the struct has ended.
    mutating func next() -> (number: Int, kind: ThriftWriter.Kind)? {
        guard let head = byte(), head != 0 else { return nil }
        guard let kind = ThriftWriter.Kind(rawValue: head & 0x0F) else { return broken() }
        let step = Int(head >> 4)
        let number = step > 0 ? last[last.count - 1] &+ step : Int(truncatingIfNeeded: integer() ?? 0)
        last[last.count - 1] = number
        return (number, kind)
    }

    mutating func beginStructure() { last.append(0) }
    mutating func endStructure() { last.removeLast() }

    mutating func integer() -> Int64? {
        guard let value = varint() else { return nil }
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    mutating func binary() -> ArraySlice<UInt8>? {
        guard let count = varint(), count <= UInt64(bytes.count - position) else { return broken() }
        defer { position += Int(count) }
        return bytes[position..<position + Int(count)]
    }

    mutating func list() -> (kind: ThriftWriter.Kind, count: Int)? {
        guard let head = byte(), let kind = ThriftWriter.Kind(rawValue: head & 0x0F) else { return broken() }
        let short = Int(head >> 4)
        guard let count = short < 15 ? UInt64(short) : varint(), count <= UInt64(bytes.count) else { return broken() }
        return (kind, Int(count))
    }

    mutating func skip(_ kind: ThriftWriter.Kind) {
        switch kind {
        case .yes, .no: break
        case .int8: _ = byte()
        case .int32, .int64: _ = varint()
        case .binary: _ = binary()
        case .list:
            guard listDepth < ThriftReader.depthMax, let list = list() else { return broken() }
            listDepth += 1
            defer { listDepth -= 1 }
            // In a list, a truth value has a byte of its own.
            if list.kind == .yes || list.kind == .no { return skip(bytes: list.count) }
            for _ in 0..<list.count where !isBroken { skip(list.kind) }
        case .structure:
            guard last.count < ThriftReader.depthMax else { return broken() }
            beginStructure()
            while let field = next() { skip(field.kind) }
            endStructure()
        }
    }

    private mutating func skip(bytes count: Int) {
        guard count <= bytes.count - position else { return broken() }
        position += count
    }

    private mutating func byte() -> UInt8? {
        guard position < bytes.count, !isBroken else { return broken() }
        defer { position += 1 }
        return bytes[position]
    }

    private mutating func varint() -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard let byte = byte() else { return nil }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        return broken()
    }

    private mutating func broken() { isBroken = true }

    private mutating func broken<Value>() -> Value? {
        isBroken = true
        return nil
    }
}

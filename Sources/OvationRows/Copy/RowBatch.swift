import OvationCore

/// Rows of one kind in one buffer: each value as its length in four bytes and its bytes, numbers as eight bytes, all
/// with the highest byte first. Without a value the length is -1.
///
/// PostgreSQL takes and gives values in this form, so whole columns are passed on unchanged. And two stores are the
/// same if these bytes are the same.
public struct RowBatch: Sendable {
    public let kind: RowKind
    public private(set) var bytes: [UInt8] = []
    /// Where each value begins, row by row.
    private var starts: [Int] = []
    private let width: Int

    public init(_ kind: RowKind) {
        self.kind = kind
        width = kind.columns.count
    }

    public var count: Int { starts.count / width }
    public var isEmpty: Bool { starts.isEmpty }

    // MARK: Writing, value by value

    public mutating func appendNull() {
        begin(length: -1)
    }

    public mutating func append(_ number: Int64?) {
        guard let number else { return appendNull() }
        begin(length: 8)
        withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
    }

    public mutating func append(bytes value: UnsafeRawBufferPointer) {
        begin(length: Int32(value.count))
        bytes.append(contentsOf: value)
    }

    public mutating func append(_ text: String) {
        begin(length: Int32(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    private mutating func begin(length: Int32) {
        starts.append(bytes.count)
        withUnsafeBytes(of: length.bigEndian) { bytes.append(contentsOf: $0) }
    }

    // MARK: Reading

    /// A value with its length.
    public func encoded(_ row: Int, _ column: Int) -> Range<Int> {
        let index = row * width + column
        return starts[index]..<(index + 1 < starts.count ? starts[index + 1] : bytes.count)
    }

    /// nil: NULL.
    public func content(_ row: Int, _ column: Int) -> Range<Int>? {
        let range = encoded(row, column)
        // Only -1 has the highest bit of a length.
        guard bytes[range.lowerBound] < 0x80 else { return nil }
        return range.lowerBound + 4..<range.upperBound
    }

    public func integer(_ row: Int, _ column: Int) -> Int64? {
        content(row, column).map { range in
            bytes.withUnsafeBytes {
                Int64(bigEndian: $0.loadUnaligned(fromByteOffset: range.lowerBound, as: Int64.self))
            }
        }
    }

    public func text(_ row: Int, _ column: Int) -> String? {
        content(row, column).map { String(decoding: bytes[$0], as: UTF8.self) }
    }

    /// All values of a row, with their lengths.
    func row(_ row: Int) -> Range<Int> {
        encoded(row, 0).lowerBound..<encoded(row, width - 1).upperBound
    }

    public var lastPosition: RowPosition? {
        guard count > 0 else { return nil }
        let key = kind.key
        return RowPosition(
            first: key.first.flatMap { integer(count - 1, $0) } ?? .min,
            second: key.second.flatMap { integer(count - 1, $0) } ?? .min,
            text: key.text.flatMap { text(count - 1, $0) } ?? "")
    }
}

/// The number of rows of a kind, and a sum of their contents that does not depend on their order.
public struct RowTally: Sendable, Equatable {
    public private(set) var count: Int64 = 0
    private var sums: (UInt64, UInt64) = (0, 0)

    public init() {}

    public mutating func add(_ batch: RowBatch) {
        batch.bytes.withUnsafeBytes { bytes in
            for row in 0..<batch.count {
                let hash = StableHash.of(UnsafeRawBufferPointer(rebasing: bytes[batch.row(row)]))
                // Two sums of one hash: exchanged rows would have to agree in both.
                sums.0 &+= hash
                sums.1 &+= StableHash.mix(hash ^ 0x9E37_79B9_7F4A_7C15, 0xD6E8_FEB8_6659_FD93)
            }
        }
        count += Int64(batch.count)
    }

    /// 32 digits. The sum finds accidents; it does not protect against a person who wants two stores to look alike.
    public var checksum: String { Hexadecimal.text(of: sums.0) + Hexadecimal.text(of: sums.1) }

    public static func == (left: RowTally, right: RowTally) -> Bool {
        left.count == right.count && left.sums == right.sums
    }
}

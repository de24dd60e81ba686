/// Writes structs in the compact protocol of Thrift, the form of Parquet's page headers and footer.
///
/// A field is written as its number and its type, and then its value. Fields come in the order of their numbers.
struct ThriftWriter {
    /// The types that Parquet's structs have, as the compact protocol numbers them.
    enum Kind: UInt8 {
        case yes = 1
        case no = 2
        case int8 = 3
        case int32 = 5
        case int64 = 6
        case binary = 8
        case list = 9
        case structure = 12
    }

    private(set) var bytes: [UInt8] = []
    /// Of the field before; numbers are written as the difference to it.
    private var last = 0

    /// A whole struct.
    static func structure(_ write: (inout ThriftWriter) -> Void) -> [UInt8] {
        var writer = ThriftWriter()
        write(&writer)
        writer.bytes.append(0)
        return writer.bytes
    }

    mutating func append(_ field: Int, int8 value: Int8) {
        begin(field, .int8)
        bytes.append(UInt8(bitPattern: value))
    }

    mutating func append(_ field: Int, int32 value: Int) {
        begin(field, .int32)
        bytes.append(zigzag: Int64(value))
    }

    mutating func append(_ field: Int, int64 value: Int) {
        begin(field, .int64)
        bytes.append(zigzag: Int64(value))
    }

    mutating func append(_ field: Int, bool value: Bool) {
        begin(field, value ? .yes : .no)
    }

    mutating func append(_ field: Int, binary value: some Collection<UInt8>) {
        begin(field, .binary)
        bytes.append(varint: UInt64(value.count))
        bytes.append(contentsOf: value)
    }

    mutating func append(_ field: Int, text: String) {
        append(field, binary: text.utf8)
    }

    mutating func append(_ field: Int, structure write: (inout ThriftWriter) -> Void) {
        begin(field, .structure)
        bytes.append(contentsOf: ThriftWriter.structure(write))
    }

    mutating func append(_ field: Int, int32s values: [Int]) {
        begin(field, .list)
        beginList(of: .int32, count: values.count)
        for value in values { bytes.append(zigzag: Int64(value)) }
    }

    mutating func append(_ field: Int, texts: [String]) {
        begin(field, .list)
        beginList(of: .binary, count: texts.count)
        for text in texts {
            bytes.append(varint: UInt64(text.utf8.count))
            bytes.append(contentsOf: text.utf8)
        }
    }

    /// - Parameter structures: whole structs, one after the other.
    mutating func append(_ field: Int, structures: [UInt8], count: Int) {
        begin(field, .list)
        beginList(of: .structure, count: count)
        bytes.append(contentsOf: structures)
    }

    private mutating func begin(_ field: Int, _ kind: Kind) {
        let step = field - last
        if (1...15).contains(step) {
            bytes.append(UInt8(step) << 4 | kind.rawValue)
        } else {
            bytes.append(kind.rawValue)
            bytes.append(zigzag: Int64(field))
        }
        last = field
    }

    private mutating func beginList(of kind: Kind, count: Int) {
        if count < 15 {
            bytes.append(UInt8(count) << 4 | kind.rawValue)
        } else {
            bytes.append(0xF0 | kind.rawValue)
            bytes.append(varint: UInt64(count))
        }
    }
}

extension [UInt8] {
    /// Seven bits a byte, the lowest first; the highest bit says that more follow.
    mutating func append(varint value: UInt64) {
        var rest = value
        while rest > 0x7F {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(truncatingIfNeeded: rest))
    }

    /// With the sign in the lowest bit, so that small numbers are short whatever their sign.
    mutating func append(zigzag value: Int64) {
        append(varint: UInt64(bitPattern: value << 1 ^ value >> 63))
    }

    mutating func append(littleEndian value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }
}

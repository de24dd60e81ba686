/// Numbers and texts as few bytes, for the packed columns of rows: seven bits in a byte, the lowest first, the top bit set in
/// all but the last.
struct PackedWriter {
    private(set) var bytes: [UInt8] = []

    mutating func add(byte: UInt8) { bytes.append(byte) }

    mutating func add(_ number: UInt64) {
        var rest = number
        while rest > 0x7F {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// Small in either direction.
    mutating func add(signed number: Int64) {
        add(UInt64(bitPattern: (number << 1) ^ (number >> 63)))
    }

    mutating func add(_ text: String) {
        add(UInt64(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    mutating func add(bits: UInt64) {
        for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: bits >> UInt64(shift))) }
    }
}

/// Reads what ``PackedWriter`` wrote. nil: the bytes are not that.
struct PackedReader {
    private let bytes: ArraySlice<UInt8>
    private var place: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        place = bytes.startIndex
    }

    var isAtEnd: Bool { place == bytes.endIndex }

    mutating func byte() -> UInt8? {
        guard place < bytes.endIndex else { return nil }
        defer { place += 1 }
        return bytes[place]
    }

    mutating func number() -> UInt64? {
        var number: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard let byte = byte() else { return nil }
            let part = UInt64(byte & 0x7F)
            guard shift < 63 || part <= 1 else { return nil }
            number |= part << shift
            if byte & 0x80 == 0 { return number }
        }
        return nil
    }

    /// A number that is not above `Int64.max`.
    mutating func int64() -> Int64? { number().flatMap(Int64.init(exactly:)) }

    mutating func signed() -> Int64? {
        number().map { Int64(bitPattern: $0 >> 1) ^ -Int64(bitPattern: $0 & 1) }
    }

    mutating func text() -> String? {
        guard let count = number(), count <= UInt64(bytes.endIndex - place) else { return nil }
        defer { place += Int(count) }
        return String(validating: bytes[place..<place + Int(count)], as: UTF8.self)
    }

    mutating func bits() -> UInt64? {
        var bits: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 8) {
            guard let byte = byte() else { return nil }
            bits |= UInt64(byte) << shift
        }
        return bits
    }
}

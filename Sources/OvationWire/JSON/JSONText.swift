/// Writes numbers and text as JSON, into memory that has room. There is one place for it, so that everything that is
/// sent or stored looks the same whichever code writes it.
package enum JSONText {
    /// Bytes that any integer fits in.
    package static let integerBytesMax = 20
    /// Bytes that any number with a fraction fits in.
    package static let doubleBytesMax = 32

    /// Bytes that a text of so many bytes fits in: with quotes, and each byte escaped as `\u0000` at worst.
    package static func stringBytesMax(_ count: Int) -> Int { count * 6 + 2 }

    /// - Returns: how many bytes were written.
    package static func write(_ value: Int64, to out: UnsafeMutablePointer<UInt8>) -> Int {
        guard value < 0 else { return write(value.magnitude, to: out) }
        out[0] = UInt8(ascii: "-")
        return 1 + write(value.magnitude, to: out + 1)
    }

    private static func write(_ value: UInt64, to out: UnsafeMutablePointer<UInt8>) -> Int {
        var count = 1
        var rest = value
        while rest >= 10 {
            rest /= 10
            count += 1
        }
        writeDigits(value, count: count, to: out)
        return count
    }

    /// Writes leading zeros if there are fewer digits.
    private static func writeDigits(_ value: UInt64, count: Int, to out: UnsafeMutablePointer<UInt8>) {
        var rest = value
        for index in stride(from: count - 1, through: 0, by: -1) {
            out[index] = UInt8(truncatingIfNeeded: rest % 10) + 48
            rest /= 10
        }
    }

    /// The shortest text that reads back as the same double, as `Double.description` has it.
    /// - Returns: how many bytes were written.
    package static func write(_ value: Double, to out: UnsafeMutablePointer<UInt8>) -> Int {
        if let count = writeShort(value, to: out) { return count }
        var text = value.description
        return text.withUTF8 { utf8 in
            UnsafeMutableRawPointer(out).copyMemory(from: utf8.baseAddress!, byteCount: utf8.count)
            return utf8.count
        }
    }

    /// Prices, measures and other numbers that people write have few digits. A decimal of up to fifteen digits that
    /// reads back as a double is the only one of that length that does (IEEE 754 keeps fifteen), so the first that is
    /// found is the shortest. Powers of ten and whole numbers below 2^53 are exact as doubles, so the division rounds
    /// once, as reading does.
    private static func writeShort(_ value: Double, to out: UnsafeMutablePointer<UInt8>) -> Int? {
        let magnitude = value.magnitude
        guard magnitude >= 0.001, magnitude < 1e9 else { return nil }
        var unit: UInt64 = 1
        for places in 0..<7 {
            defer { unit *= 10 }
            let scale = Double(unit)
            let digits = UInt64(magnitude * scale + 0.5)
            guard Double(digits) / scale == magnitude else { continue }
            var count = 0
            if value < 0 {
                out[0] = UInt8(ascii: "-")
                count = 1
            }
            let (whole, fraction) = digits.quotientAndRemainder(dividingBy: unit)
            count += write(whole, to: out + count)
            out[count] = UInt8(ascii: ".")
            // "5.0", not "5."
            writeDigits(fraction, count: max(places, 1), to: out + count + 1)
            return count + 1 + max(places, 1)
        }
        return nil
    }

    /// - Parameter utf8: valid UTF-8.
    /// - Returns: how many bytes were written.
    package static func write(string utf8: UnsafeBufferPointer<UInt8>, to out: UnsafeMutablePointer<UInt8>) -> Int {
        var count = 1
        out[0] = UInt8(ascii: "\"")
        for byte in utf8 {
            if byte >= 0x20, byte != 0x22, byte != 0x5C {
                out[count] = byte
                count += 1
            } else {
                count += write(escapeOf: byte, to: out + count)
            }
        }
        out[count] = UInt8(ascii: "\"")
        return count + 1
    }

    private static func write(escapeOf byte: UInt8, to out: UnsafeMutablePointer<UInt8>) -> Int {
        out[0] = UInt8(ascii: "\\")
        switch byte {
        case 0x22, 0x5C: out[1] = byte
        case 0x0A: out[1] = UInt8(ascii: "n")
        case 0x0D: out[1] = UInt8(ascii: "r")
        case 0x09: out[1] = UInt8(ascii: "t")
        default:
            let digits: StaticString = "0123456789abcdef"
            out[1] = UInt8(ascii: "u")
            out[2] = UInt8(ascii: "0")
            out[3] = UInt8(ascii: "0")
            out[4] = digits.utf8Start[Int(byte >> 4)]
            out[5] = digits.utf8Start[Int(byte & 15)]
            return 6
        }
        return 2
    }
}

/// RFC 3986 percent-encoding, both ways.
public enum PercentEncoding {
    /// Decodes once. nil when an escape is broken or the bytes are not UTF-8.
    public static func decode(_ text: some StringProtocol, plusIsSpace: Bool = false) -> String? {
        let decoded = text.utf8.withContiguousStorageIfAvailable { decode($0, plusIsSpace) }
        switch decoded ?? Array(text.utf8).withUnsafeBufferPointer({ decode($0, plusIsSpace) }) {
        case .unchanged: return String(text)
        case .changed(let text): return text
        case .broken: return nil
        }
    }

    private enum Decoded {
        /// It holds nothing to decode, as most texts do.
        case unchanged
        case changed(String)
        case broken
    }

    private static func decode(_ source: UnsafeBufferPointer<UInt8>, _ plusIsSpace: Bool) -> Decoded {
        guard source.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) else { return .unchanged }
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: source.count) { bytes in
            var count = 0
            var index = 0
            while index < source.count {
                switch source[index] {
                case UInt8(ascii: "%"):
                    guard index + 2 < source.count, let high = digit(source[index + 1]),
                        let low = digit(source[index + 2])
                    else { return .broken }
                    bytes[count] = high << 4 | low
                    index += 2
                case UInt8(ascii: "+") where plusIsSpace: bytes[count] = UInt8(ascii: " ")
                case let byte: bytes[count] = byte
                }
                count += 1
                index += 1
            }
            let text = String(validating: UnsafeBufferPointer(rebasing: bytes[..<count]), as: UTF8.self)
            return text.map { .changed($0) } ?? .broken
        }
    }

    /// Encodes everything but unreserved characters, so that the result is one path segment or one form value.
    public static func encode(segment text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let hexadecimal = String(byte, radix: 16, uppercase: true)
                encoded += byte < 16 ? "%0\(hexadecimal)" : "%\(hexadecimal)"
            }
        }
        return encoded
    }

    /// Reads `a=b&c=d` as forms and queries write it. nil when an escape is broken.
    public static func decode(form text: some StringProtocol) -> [(name: String, value: String)]? {
        var fields: [(name: String, value: String)] = []
        for pair in text.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = decode(parts[0], plusIsSpace: true),
                let value = parts.count == 2 ? decode(parts[1], plusIsSpace: true) : ""
            else { return nil }
            fields.append((name, value))
        }
        return fields
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - 48
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - 87
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - 55
        default: nil
        }
    }
}

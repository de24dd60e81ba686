/// Text from others, on its way to a terminal.
///
/// A terminal obeys control characters: they move its cursor, rename its window, put text in another place. Names, keys
/// and event data can contain them. So they are written as the escapes of JSON, which a person sees and a JSON parser
/// reads as the same character.
public enum TerminalText {
    /// One line for a person: a line end in the text is escaped too, so that a name never looks like a separate line.
    public static func line(_ text: String) -> String { escaped(text, keeping: []) }

    /// Several lines.
    public static func lines(_ text: String) -> String { escaped(text, keeping: [0x09, 0x0A]) }

    /// Several lines. The JSON value stays the same.
    /// - Returns: nil if there was nothing to escape, as usual.
    public static func lines(_ bytes: UnsafeRawBufferPointer) -> [UInt8]? {
        escaped(bytes, keeping: [0x09, 0x0A])
    }

    public static func json(_ bytes: [UInt8]) -> String {
        String(decoding: bytes.withUnsafeBytes { lines($0) } ?? bytes, as: UTF8.self)
    }

    private static func escaped(_ text: String, keeping kept: [UInt8]) -> String {
        var text = text
        return text.withUTF8 { bytes in
            escaped(UnsafeRawBufferPointer(bytes), keeping: kept).map { String(decoding: $0, as: UTF8.self) }
        } ?? text
    }

    /// - Returns: nil if there was nothing to escape, as usual.
    private static func escaped(_ bytes: UnsafeRawBufferPointer, keeping kept: [UInt8]) -> [UInt8]? {
        var result: [UInt8] = []
        var isChanged = false
        var copied = 0
        var index = 0
        while index < bytes.count {
            let length = obeyedLength(bytes, index)
            guard length > 0, !(length == 1 && kept.contains(bytes[index])), !isLineEnd(bytes, index, kept) else {
                index += max(1, length)
                continue
            }
            isChanged = true
            result.append(contentsOf: bytes[copied..<index])
            append(scalar(bytes, index, length), to: &result)
            index += length
            copied = index
        }
        guard isChanged else { return nil }
        result.append(contentsOf: bytes[copied...])
        return result
    }

    /// The carriage return of a line end is harmless; a single one leads back to the beginning of the line.
    private static func isLineEnd(_ bytes: UnsafeRawBufferPointer, _ index: Int, _ kept: [UInt8]) -> Bool {
        bytes[index] == 0x0D && kept.contains(0x0A) && index + 1 < bytes.count && bytes[index + 1] == 0x0A
    }

    /// Bytes of the character at this place if a terminal obeys it: C0, DEL, C1, characters that turn the direction of
    /// writing, and the line ends of Unicode; 0 for all others.
    private static func obeyedLength(_ bytes: UnsafeRawBufferPointer, _ index: Int) -> Int {
        func next(_ offset: Int) -> UInt8 { index + offset < bytes.count ? bytes[index + offset] : 0 }
        switch bytes[index] {
        case 0..<0x20, 0x7F: return 1
        case 0xC2: return (0x80...0x9F).contains(next(1)) ? 2 : 0
        case 0xD8: return next(1) == 0x9C ? 2 : 0
        case 0xE2:
            switch (next(1), next(2)) {
            case (0x80, 0x8E...0x8F), (0x80, 0xA8...0xAE), (0x81, 0xA6...0xA9): return 3
            default: return 0
            }
        default: return 0
        }
    }

    private static func scalar(_ bytes: UnsafeRawBufferPointer, _ index: Int, _ length: Int) -> UInt32 {
        let low = { (offset: Int) in UInt32(bytes[index + offset] & 0x3F) }
        return switch length {
        case 1: UInt32(bytes[index])
        case 2: UInt32(bytes[index] & 0x1F) << 6 | low(1)
        default: UInt32(bytes[index] & 0x0F) << 12 | low(1) << 6 | low(2)
        }
    }

    private static func append(_ scalar: UInt32, to result: inout [UInt8]) {
        switch scalar {
        case 0x09: result.append(contentsOf: "\\t".utf8)
        case 0x0A: result.append(contentsOf: "\\n".utf8)
        case 0x0D: result.append(contentsOf: "\\r".utf8)
        default:
            let digits = String(scalar, radix: 16)
            result.append(contentsOf: ("\\u" + String(repeating: "0", count: 4 - digits.count) + digits).utf8)
        }
    }
}

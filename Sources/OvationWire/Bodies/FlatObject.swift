/// Walks through the data of an event as it is stored: a compact object of texts, numbers and words, written by
/// ``JSONWriter``.
///
/// The server's `JSONTape` is the other scanner of events. It reads what clients post, which can be any JSON, and needs
/// simdjson and room behind the text. Here the text is known to be flat and compact, stands between others in a page, and a
/// client writes CSV of it too, which has no simdjson.
struct FlatObject {
    struct Member {
        let name: Range<Int>
        let value: Range<Int>
        let isText: Bool
    }

    private let bytes: UnsafeBufferPointer<UInt8>
    /// Behind the brace or the comma before a name.
    private var position = 1

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
    }

    mutating func next() -> Member? {
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { return nil }
        let name = text()
        // The colon.
        position += 1
        guard position < bytes.count else { return nil }
        let isText = bytes[position] == UInt8(ascii: "\"")
        let value = isText ? text() : word()
        // The comma or the brace.
        position += 1
        return Member(name: name, value: value, isText: isText)
    }

    /// Without its quotes; the position is behind them then.
    private mutating func text() -> Range<Int> {
        let start = position + 1
        position = start
        while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
            position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1
        }
        let range = start..<min(position, bytes.count)
        position += 1
        return range
    }

    private mutating func word() -> Range<Int> {
        let start = position
        while position < bytes.count, bytes[position] != UInt8(ascii: ","), bytes[position] != UInt8(ascii: "}") {
            position += 1
        }
        return start..<position
    }

    /// Undoes the escapes that ``JSONWriter`` makes.
    static func unescaped(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> [UInt8] {
        var plain: [UInt8] = []
        plain.reserveCapacity(text.count)
        var rest = text[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\"), let escape = rest.popFirst() else {
                plain.append(byte)
                continue
            }
            switch escape {
            case UInt8(ascii: "n"): plain.append(0x0A)
            case UInt8(ascii: "r"): plain.append(0x0D)
            case UInt8(ascii: "t"): plain.append(0x09)
            case UInt8(ascii: "u"):
                plain += UInt8(String(decoding: rest.prefix(4), as: UTF8.self), radix: 16).map { [$0] } ?? []
                rest = rest.dropFirst(4)
            default: plain.append(escape)
            }
        }
        return plain
    }
}

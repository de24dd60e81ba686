/// Writes compact JSON into bytes, members in the order they are given.
///
/// Every text that Ovation sends or stores is made here, so that numbers and strings look the same everywhere.
public struct JSONWriter: Sendable {
    public var bytes: [UInt8] = []

    public init() {}

    public static func write(_ value: JSONValue) -> [UInt8] {
        var writer = JSONWriter()
        writer.append(value)
        return writer.bytes
    }

    /// Indented by two spaces, with one member on each line, for people.
    public static func writeIndented(_ value: JSONValue) -> String {
        var writer = JSONWriter()
        writer.append(indented: value, level: 0)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    private mutating func append(indented value: JSONValue, level: Int) {
        func newLine(_ level: Int) { bytes.append(contentsOf: ("\n" + String(repeating: "  ", count: level)).utf8) }
        switch value {
        case .array(let values) where !values.isEmpty:
            bytes.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                newLine(level + 1)
                append(indented: value, level: level + 1)
            }
            newLine(level)
            bytes.append(UInt8(ascii: "]"))
        case .object(let members) where !members.isEmpty:
            bytes.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                newLine(level + 1)
                append(string: member.name)
                append(raw: ": ")
                append(indented: member.value, level: level + 1)
            }
            newLine(level)
            bytes.append(UInt8(ascii: "}"))
        default: append(value)
        }
    }

    public mutating func append(_ value: JSONValue) {
        switch value {
        case .null: append(raw: "null")
        case .bool(let value): append(value)
        case .number(let text): bytes.append(contentsOf: text.utf8)
        case .string(let text): append(string: text)
        case .array(let values):
            bytes.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                append(value)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                append(string: member.name)
                bytes.append(UInt8(ascii: ":"))
                append(member.value)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    public mutating func append(raw text: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    public mutating func append(_ value: Bool) {
        append(raw: value ? "true" : "false")
    }

    public mutating func append(_ value: Int64) {
        append(room: JSONText.integerBytesMax) { JSONText.write(value, to: $0) }
    }

    /// The shortest text that reads back as the same double.
    public mutating func append(_ value: Double) {
        append(room: JSONText.doubleBytesMax) { JSONText.write(value, to: $0) }
    }

    private mutating func append(room: Int, _ write: (UnsafeMutablePointer<UInt8>) -> Int) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: room) { buffer in
            let count = write(buffer.baseAddress!)
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: buffer[..<count]))
        }
    }

    public mutating func append(string text: String) {
        var text = text
        text.withUTF8 { append(string: $0) }
    }

    /// - Parameter utf8: valid UTF-8.
    public mutating func append(string utf8: UnsafeBufferPointer<UInt8>) {
        guard utf8.contains(where: { $0 < 0x20 || $0 == 0x22 || $0 == 0x5C }) else {
            bytes.append(UInt8(ascii: "\""))
            bytes.append(contentsOf: utf8)
            return bytes.append(UInt8(ascii: "\""))
        }
        append(room: JSONText.stringBytesMax(utf8.count)) { JSONText.write(string: utf8, to: $0) }
    }
}

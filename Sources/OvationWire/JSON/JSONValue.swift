public import OvationCore

/// A JSON text as a tree that loses nothing: members keep their order and their repetitions, numbers keep their digits.
public enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    /// The number's own text.
    case number(String)
    case string(String)
    case array([JSONValue])
    case object([Member])

    public struct Member: Sendable, Equatable {
        public let name: String
        public let value: JSONValue

        public init(_ name: String, _ value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    /// Reads one JSON text (RFC 8259), strictly.
    /// - Throws: `invalid_json` with the byte where it went wrong.
    public init(parsing bytes: some Collection<UInt8>) throws(Problem) {
        let array = Array(bytes)
        var parser = JSONParser(bytes: array)
        self = try parser.document()
    }

    public init(parsing text: String) throws(Problem) {
        try self.init(parsing: Array(text.utf8))
    }

    public init(_ value: some BinaryInteger) { self = .number(String(value)) }
}

extension JSONValue {
    public var typeName: String {
        switch self {
        case .null: "null"
        case .bool: "boolean"
        case .number: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }

    public var string: String? {
        if case .string(let text) = self { text } else { nil }
    }

    public var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    public var array: [JSONValue]? {
        if case .array(let values) = self { values } else { nil }
    }

    public var members: [Member]? {
        if case .object(let members) = self { members } else { nil }
    }

    public var int: Int? {
        if case .number(let text) = self { Int(text) } else { nil }
    }

    /// The value of a member; the last one wins where a name is repeated.
    public subscript(name: String) -> JSONValue? {
        members?.last { $0.name == name }?.value
    }
}

// MARK: - Parsing

/// A strict recursive-descent parser. Depth is bounded, so that a hostile body cannot exhaust the stack.
private struct JSONParser {
    let bytes: [UInt8]
    var position = 0
    var depth = 0

    mutating func document() throws(Problem) -> JSONValue {
        // RFC 8259 lets a parser ignore a byte order mark.
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
        if let other = WrittenText.otherEncoding(of: bytes) { throw failure("it is \(other), and JSON is UTF-8") }
        let value = try value()
        skipSpace()
        guard position == bytes.count else { throw failure("something follows the end of the JSON text") }
        return value
    }

    private mutating func value() throws(Problem) -> JSONValue {
        skipSpace()
        guard position < bytes.count else {
            throw failure(bytes.isEmpty ? "the body is empty" : "the text ends where a value is expected")
        }
        switch bytes[position] {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try number())
        default: throw failure("a value cannot begin like this")
        }
    }

    private mutating func object() throws(Problem) -> JSONValue {
        try enter()
        var members: [JSONValue.Member] = []
        skipSpace()
        if take("}") {
            depth -= 1
            return .object(members)
        }
        repeat {
            skipSpace()
            guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
                throw failure("a member name in quotes is expected")
            }
            let name = try string()
            skipSpace()
            guard take(":") else { throw failure("a colon is expected after a member name") }
            members.append(.init(name, try value()))
            skipSpace()
        } while take(",")
        guard take("}") else { throw failure("a comma or the end of the object is expected") }
        depth -= 1
        return .object(members)
    }

    private mutating func array() throws(Problem) -> JSONValue {
        try enter()
        var values: [JSONValue] = []
        skipSpace()
        if take("]") {
            depth -= 1
            return .array(values)
        }
        repeat {
            values.append(try value())
            skipSpace()
        } while take(",")
        guard take("]") else { throw failure("a comma or the end of the array is expected") }
        depth -= 1
        return .array(values)
    }

    private mutating func enter() throws(Problem) {
        position += 1
        depth += 1
        guard depth <= Limits.jsonDepthMax else {
            throw failure("the text is nested more than \(Limits.jsonDepthMax) levels deep")
        }
    }

    private mutating func word(_ word: StaticString, _ value: JSONValue) throws(Problem) -> JSONValue {
        let length = word.utf8CodeUnitCount
        let expected = UnsafeBufferPointer(start: word.utf8Start, count: length)
        guard bytes[position...].prefix(length).elementsEqual(expected) else {
            throw failure("a value cannot begin like this")
        }
        position += length
        return value
    }

    private mutating func number() throws(Problem) -> String {
        let start = position
        _ = take("-")
        if take("0") {
            if position < bytes.count, isDigit(bytes[position]) { throw failure("a number has no leading zeros") }
        } else {
            guard digits() else { throw failure("a digit is expected") }
        }
        if take(".") {
            guard digits() else { throw failure("a digit is expected after the decimal point") }
        }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            guard digits() else { throw failure("a digit is expected in the exponent") }
        }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    /// At least one.
    private mutating func digits() -> Bool {
        let start = position
        while position < bytes.count, isDigit(bytes[position]) { position += 1 }
        return position > start
    }

    private mutating func string() throws(Problem) -> String {
        position += 1
        var text: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw failure("the string before this point is not UTF-8")
                }
                return string
            case UInt8(ascii: "\\"): try escape(into: &text)
            case 0..<0x20: throw failure("control characters in a string must be escaped")
            default: text.append(byte)
            }
        }
        throw failure("the text ends inside a string")
    }

    private mutating func escape(into text: inout [UInt8]) throws(Problem) {
        guard position < bytes.count else { throw failure("the text ends inside a string") }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var code = try hexadecimal()
            if (0xD800..<0xDC00).contains(code) {
                guard take("\\"), take("u") else { throw failure("half of a surrogate pair is missing") }
                let low = try hexadecimal()
                guard (0xDC00..<0xE000).contains(low) else { throw failure("half of a surrogate pair is missing") }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw failure("half of a surrogate pair is missing") }
            text.append(contentsOf: UTF8.encode(scalar)!)
        default: throw failure("there is no such escape")
        }
    }

    private mutating func hexadecimal() throws(Problem) -> UInt32 {
        guard position + 4 <= bytes.count else { throw failure("four hexadecimal digits are expected") }
        var code: UInt32 = 0
        for byte in bytes[position..<position + 4] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw failure("four hexadecimal digits are expected")
            }
            code = code << 4 | UInt32(digit)
        }
        position += 4
        return code
    }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private func isDigit(_ byte: UInt8) -> Bool { byte &- 48 <= 9 }

    private func failure(_ why: String) -> Problem {
        Problem(.invalidJSON, "The body is not valid JSON: \(why) (byte \(position)).")
    }
}

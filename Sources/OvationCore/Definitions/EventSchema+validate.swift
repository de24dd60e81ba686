/// A member's value as it was posted, before anything is known of its type.
public enum PostedValue: Sendable, Equatable {
    case null
    case boolean(Bool)
    /// The JSON text of the number, digit for digit.
    case number(String)
    case text(String)
    /// An object or an array.
    case nested
}

/// A value that fits its field.
public enum FieldValue: Sendable, Equatable {
    case string(String)
    case integer(Int64)
    case double(Double)
    case boolean(Bool)
}

/// What is wrong with one field.
public struct FieldError: Sendable, Equatable {
    public let field: String
    public let code: Problem.Code
    public let detail: String
}

extension EventSchema {
    /// Checks posted members against the fields, and collects everything that is wrong.
    ///
    /// `null` counts as absent. Fields come back in the order they were posted.
    public func validate(
        _ members: some Sequence<(name: String, value: PostedValue)>
    ) -> (fields: [(name: String, value: FieldValue)], errors: [FieldError]) {
        var typed: [(name: String, value: FieldValue)] = []
        var errors: [FieldError] = []
        var seen = [Bool](repeating: false, count: fields.count)
        var present = seen
        for (name, posted) in members {
            guard let index = index(ofFieldNamed: name) else {
                errors.append(
                    FieldError(field: name, code: .unknownField, detail: "The version has no field of this name."))
                continue
            }
            guard !seen[index] else {
                errors.append(
                    FieldError(field: name, code: .duplicateMember, detail: "The field is given more than once."))
                continue
            }
            seen[index] = true
            switch fields[index].check(posted) {
            case .absent: break
            case .value(let value):
                present[index] = true
                // The field's own name: the same letters can be posted as other bytes.
                typed.append((fields[index].name, value))
            case .refused(let code, let detail):
                present[index] = true
                errors.append(FieldError(field: name, code: code, detail: detail))
            }
        }
        for (index, field) in fields.enumerated() where field.required && !present[index] {
            errors.append(FieldError(field: field.name, code: .missingField, detail: "This field is required."))
        }
        return (typed, errors)
    }
}

extension Field {
    enum Check {
        case absent
        case value(FieldValue)
        case refused(Problem.Code, String)
    }

    func check(_ posted: PostedValue) -> Check {
        switch (type, posted) {
        case (_, .null): return .absent
        case (.boolean, .boolean(let value)): return .value(.boolean(value))
        case (.string, .text(let text)):
            // Scalars, not characters: cheap to count, and the same number in every language.
            guard text.utf8.count <= Limits.textLengthMax || text.unicodeScalars.count <= Limits.textLengthMax else {
                return .refused(.textTooLong, "Text has at most \(Limits.textLengthMax) characters.")
            }
            return .value(.string(text))
        case (.integer, .number(let text)): return Field.integer(text)
        case (.double, .number(let text)):
            guard let value = Double(text), value.isFinite else {
                return .refused(.numberOutOfRange, "The number is beyond the range of a 64-bit float.")
            }
            guard value.isNormal || DecimalText(text).isKept(as: value) else {
                return .refused(
                    .numberOutOfRange,
                    "The number is nearer to zero than a 64-bit float can keep. Send 0 if it stands for nothing.")
            }
            // Minus zero is zero: the fast path cannot tell them apart in an integer's notation.
            return .value(.double(value == 0 ? 0 : value))
        case (_, .nested):
            return .refused(.nestedValue, "Expected \(type.rawValue); objects and arrays have no place in event data.")
        default:
            return .refused(.wrongType, "Expected \(type.rawValue), found \(posted.typeName).")
        }
    }

    /// `27183.0` and `2.7183e4` are the integer 27183: JSON has one kind of number, and its notation is the
    /// sender's business.
    private static func integer(_ text: String) -> Check {
        if let value = Int64(text) { return .value(.integer(value)) }
        switch DecimalText(text).integer {
        case .whole(let value): return .value(.integer(value))
        case .fractional: return .refused(.wrongType, "Expected integer, found a number with a fraction.")
        case .outOfRange: return .refused(.numberOutOfRange, "The integer does not fit into 64 bits.")
        }
    }
}

extension PostedValue {
    fileprivate var typeName: String {
        switch self {
        case .null: "null"
        case .boolean: "boolean"
        case .number: "number"
        case .text: "string"
        case .nested: "object or array"
        }
    }
}

/// A JSON number taken apart, so that it can be judged exactly: a Double would round `9007199254740993.2` to a
/// whole number.
struct DecimalText {
    /// Whether a value that is zero, or so small that it has fewer digits than others, is the very number.
    func isKept(as value: Double) -> Bool {
        if value == 0 { return digits.isEmpty }
        let kept = DecimalText("\(value.magnitude)")
        return kept.digits == digits && kept.exponent == exponent
    }

    private let isNegative: Bool
    /// Without leading or trailing zeros.
    private let digits: [UInt8]
    /// The value is `digits` × 10^exponent.
    private let exponent: Int

    enum Integer: Equatable {
        case whole(Int64)
        case fractional
        case outOfRange
    }

    /// - Parameter text: a number in JSON's grammar.
    init(_ text: String) {
        var digits: [UInt8] = []
        var exponent = 0
        var isFraction = false
        var bytes = Substring(text).utf8
        isNegative = bytes.first == UInt8(ascii: "-")
        if isNegative { bytes.removeFirst() }
        while let byte = bytes.popFirst() {
            if byte == UInt8(ascii: ".") {
                isFraction = true
            } else if byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E") {
                let isMinus = bytes.first == UInt8(ascii: "-")
                // An exponent too long for Int is beyond every range anyway.
                let written = Int(Substring(bytes.drop { $0 == UInt8(ascii: "+") })) ?? (isMinus ? -1 << 32 : 1 << 32)
                exponent += max(-1 << 32, min(1 << 32, written))
                break
            } else {
                digits.append(byte - 48)
                if isFraction { exponent -= 1 }
            }
        }
        while digits.last == 0 {
            digits.removeLast()
            exponent += 1
        }
        self.digits = Array(digits.drop { $0 == 0 })
        self.exponent = exponent
    }

    var integer: Integer {
        if digits.isEmpty { return .whole(0) }
        if exponent < 0 { return .fractional }
        guard digits.count + exponent <= 19 else { return .outOfRange }
        var magnitude: UInt64 = 0
        for digit in digits + Array(repeating: 0, count: exponent) {
            magnitude = magnitude * 10 + UInt64(digit)
        }
        if isNegative {
            return magnitude <= UInt64(Int64.max) + 1
                ? .whole(Int64(truncatingIfNeeded: 0 &- magnitude)) : .outOfRange
        }
        return magnitude <= UInt64(Int64.max) ? .whole(Int64(magnitude)) : .outOfRange
    }
}

/// How the keys of a keyspace are written, and so how they are normalised.
public enum KeyFormat: String, Codable, Sendable, CaseIterable {
    /// An e-mail address: trimmed and case-folded.
    case email
    /// A mobile number: digits with the country code, as E.164 without the plus.
    case mobile
    /// Any text: kept as given.
    case text
}

/// A string that names a profile inside one keyspace, in its normal form.
///
/// Two ways to write one address are one key: `Steve@Apsis.com ` and `steve@apsis.com` find the same profile.
/// It prints redacted, because a key is personal data and must not reach a log by accident.
public struct ProfileKey: Hashable, Sendable {
    public let text: String

    /// - Parameter raw: the key as the path holds it, percent-decoded once.
    /// - Throws: `invalid_profile_key` when the text cannot be a key of this format.
    public init(_ raw: String, format: KeyFormat) throws(Problem) {
        let text: String
        switch format {
        case .email: text = try ProfileKey.email(raw)
        case .mobile: text = try ProfileKey.mobile(raw)
        case .text: text = raw
        }
        guard !text.isEmpty else { throw ProfileKey.refused("it is empty") }
        guard text.utf8.count <= Limits.profileKeyBytesMax else {
            throw ProfileKey.refused("it is longer than \(Limits.profileKeyBytesMax) bytes")
        }
        guard !text.hasControlCharacters else {
            throw ProfileKey.refused("it has control characters")
        }
        self.text = text
    }

    /// Whether a text is a way to write this key in a keyspace of this format.
    package func isWritten(as raw: String, format: KeyFormat) -> Bool {
        (try? ProfileKey(raw, format: format)) == self
    }

    private static func email(_ raw: String) throws(Problem) -> String {
        if let text = plainEmail(raw) { return text }
        let trimmed = raw.trimmingSpaces
        guard trimmed.unicodeScalars.allSatisfy({ !$0.isUnseen }) else {
            throw refused("an e-mail address has no invisible characters, and none that Unicode has not assigned")
        }
        // The sign of the kelvin would become a plain k, and so another address.
        guard !trimmed.unicodeScalars.contains(where: \.becomesASCII) else {
            throw refused("an e-mail address is not written with letters that stand for others")
        }
        let text = trimmed.lowercased()
        guard text.utf8.count <= Limits.emailBytesMax else {
            throw refused("an e-mail address has at most \(Limits.emailBytesMax) bytes")
        }
        let parts = text.unicodeScalars.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty,
            !text.unicodeScalars.contains(where: { $0.properties.isWhitespace })
        else { throw refused("an e-mail address is NAME@DOMAIN, without spaces") }
        return text
    }

    /// Nearly every address is plain ASCII, for which two passes over the bytes do. nil: look closer.
    private static func plainEmail(_ raw: String) -> String? {
        guard raw.utf8.count <= Limits.emailBytesMax else { return nil }
        return raw.utf8.withContiguousStorageIfAvailable { plainEmail($0) } ?? nil
    }

    private static func plainEmail(_ raw: UnsafeBufferPointer<UInt8>) -> String? {
        var ats = 0
        for byte in raw {
            guard byte > 0x20, byte < 0x7F else { return nil }
            if byte == UInt8(ascii: "@") { ats += 1 }
        }
        guard ats == 1, raw.first != UInt8(ascii: "@"), raw.last != UInt8(ascii: "@") else { return nil }
        return String(unsafeUninitializedCapacity: raw.count) { buffer in
            for index in raw.indices {
                let byte = raw[index]
                let isUpper = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
                buffer.initializeElement(at: index, to: isUpper ? byte | 0x20 : byte)
            }
            return raw.count
        }
    }

    private static func mobile(_ raw: String) throws(Problem) -> String {
        var digits = ""
        var sawPlus = false
        let text = raw.trimmingSpaces
        guard !text.isDecimalNumber else { throw refused("a mobile number has no decimal places") }
        var isFirstInBrackets = false
        for character in text {
            // +46 (0)70 … is dialled without the zero from abroad, and in Italy with it. Kept, it is a third number.
            guard !(isFirstInBrackets && character == "0" && !digits.isEmpty) else {
                throw refused("a zero in brackets is dialled in some countries only; write the number without it")
            }
            if character == "(" { isFirstInBrackets = true } else if character != " " { isFirstInBrackets = false }
            switch character {
            case "0"..."9" where character.utf8.count == 1: digits.append(character)
            case "+" where digits.isEmpty && !sawPlus: sawPlus = true
            case " ", "-", "(", ")", ".", "/": break
            default: throw refused("a mobile number has digits only")
            }
        }
        if !sawPlus, digits.hasPrefix("00") { digits.removeFirst(2) }
        guard Limits.mobileDigits.contains(digits.count), digits.first != "0" else {
            throw refused("a mobile number has its country code and 5 to 15 digits, such as 46793699558")
        }
        return digits
    }

    private static func refused(_ why: String) -> Problem {
        Problem(.invalidProfileKey, "The profile key cannot be a key of this keyspace: \(why).")
    }
}

extension ProfileKey: CustomStringConvertible, CustomDebugStringConvertible {
    public var description: String { "<profile key>" }
    public var debugDescription: String { description }
}

extension String {
    public var hasControlCharacters: Bool {
        unicodeScalars.contains { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) }
    }

    /// Without white space at either end. By scalars: an accent on a space is no space.
    var trimmingSpaces: Substring {
        let scalars = unicodeScalars
        guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
            let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
        else { return "" }
        return Substring(scalars[first...last])
    }
}

extension Substring {
    /// As spreadsheets and data frames write a number: `46793699558.0`. Without the dot it would be another one.
    fileprivate var isDecimalNumber: Bool {
        let parts = utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 2 else { return false }
        let whole = parts[0].first == UInt8(ascii: "+") ? parts[0].dropFirst() : parts[0]
        return !parts[1].isEmpty && whole.allSatisfy { $0 &- 48 <= 9 }
            && parts[1].allSatisfy { $0 == UInt8(ascii: "0") }
    }
}

extension Unicode.Scalar {
    /// Whether two texts can look the same and differ in it: what is drawn as nothing, what has no meaning yet or none that
    /// everybody knows, and the sign for what could not be read.
    fileprivate var isUnseen: Bool {
        switch properties.generalCategory {
        case .format, .unassigned, .privateUse, .surrogate, .control, .lineSeparator, .paragraphSeparator: true
        default: properties.isDefaultIgnorableCodePoint || value == 0xFFFC || value == 0xFFFD || value == 0x2800
        }
    }

    /// A non-ASCII letter that becomes ASCII, or begins with ASCII, in lower case.
    fileprivate var becomesASCII: Bool {
        value > 0x7F && properties.lowercaseMapping.unicodeScalars.contains { $0.value < 0x80 }
    }
}

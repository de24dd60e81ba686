/// What a caller sent, as our own sentences repeat it. A name can be as long as a body, and one answer can name
/// hundreds: so every message that quotes goes through here, and every pointer.
extension StringProtocol {
    /// In quotes, and cut where it is long.
    public var quoted: String { "'\(shortened(to: Limits.quotedLengthMax))'" }

    /// Its first scalars, with `…` for the rest. Scalars and not characters: one character can be a megabyte of marks.
    public func shortened(to length: Int) -> String {
        guard utf8.count > length else { return String(self) }
        var kept = String.UnicodeScalarView()
        for scalar in unicodeScalars.prefix(length) { kept.append(scalar) }
        // Many bytes need not be many scalars.
        if kept.elementsEqual(unicodeScalars) { return String(self) }
        kept.append("…")
        return String(kept)
    }

    /// Its first bytes, up to the last whole scalar, with `…` for the rest: so many in all.
    public func shortened(toBytes bytesMax: Int) -> String {
        guard utf8.count > bytesMax else { return String(self) }
        let mark = "…"
        var room = bytesMax - mark.utf8.count
        var kept = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            room -= UTF8.width(scalar)
            guard room >= 0 else { break }
            kept.append(scalar)
        }
        return String(kept) + mark
    }
}

/// RFC 6901.
public enum JSONPointer {
    /// One name as a part of a pointer. A long one is cut: the pointer then says where to look, and leads nowhere.
    public static func escaped(_ member: some StringProtocol) -> String {
        let name = member.shortened(to: Limits.quotedLengthMax)
        guard name.utf8.contains(where: { $0 == UInt8(ascii: "~") || $0 == UInt8(ascii: "/") }) else { return name }
        var escaped = String.UnicodeScalarView()
        for scalar in name.unicodeScalars {
            switch scalar {
            case "~": escaped.append(contentsOf: "~0".unicodeScalars)
            case "/": escaped.append(contentsOf: "~1".unicodeScalars)
            default: escaped.append(scalar)
            }
        }
        return String(escaped)
    }
}

extension ItemError {
    /// Bytes of this entry as JSON, at most.
    public var bytes: Int {
        // Names of members, numbers, punctuation.
        100 + code.rawValue.utf8.count + ItemError.jsonBytes(of: pointer) + ItemError.jsonBytes(of: detail)
    }

    private static func jsonBytes(of text: String) -> Int {
        text.utf8.reduce(0) { $0 + ($1 < 0x20 ? 6 : $1 == 0x22 || $1 == 0x5C ? 2 : 1) }
    }
}

extension Collection<ItemError> {
    /// Those of them that one answer lists: the first, up to a number and a number of bytes. The others are counted.
    public func listed(
        max countMax: Int = Limits.errorsListedMax, bytesMax: Int = Limits.errorsBytesMax
    ) -> [ItemError] {
        var room = bytesMax
        var listed: [ItemError] = []
        for error in self {
            room -= error.bytes
            guard room >= 0, listed.count < countMax else { break }
            listed.append(error)
        }
        return listed
    }
}

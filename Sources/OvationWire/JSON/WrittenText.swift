public import OvationCore

/// Text that a person wrote, from a file or a body: UTF-8, with or without a byte order mark.
///
/// Text in another encoding is refused, and never read in part: half of a name is another name.
public enum WrittenText {
    /// - Throws: `invalid_request` with the encoding where it is known, or the line that is not UTF-8.
    public static func read(_ bytes: [UInt8]) throws(Problem) -> String {
        if let other = otherEncoding(of: bytes) {
            throw Problem(.invalidRequest, "It is \(other). Save it as UTF-8.")
        }
        let text = withoutMark(bytes[...])
        if let valid = String(validating: text, as: UTF8.self) { return valid }
        // No character of UTF-8 continues past a line feed.
        let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let line = lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0
        throw Problem(.invalidRequest, "Line \(line + 1) is not UTF-8. Save it as UTF-8.")
    }

    /// Without the byte order mark that some editors write before UTF-8.
    public static func withoutMark(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes
    }

    /// The name of an encoding that is surely not UTF-8: by its byte order mark, or by the zero bytes around the first
    /// letter. nil: the text may be UTF-8.
    public static func otherEncoding(of bytes: some Collection<UInt8>) -> String? {
        let start = Array(bytes.prefix(4))
        if start.starts(with: [0xFF, 0xFE, 0, 0]) || start.starts(with: [0, 0, 0xFE, 0xFF]) { return "UTF-32" }
        if start.starts(with: [0xFF, 0xFE]) || start.starts(with: [0xFE, 0xFF]) { return "UTF-16" }
        guard start.count >= 2, start[0] == 0 || start[1] == 0 else { return nil }
        return start.count == 4 && start.filter({ $0 == 0 }).count == 3 ? "UTF-32" : "UTF-16"
    }
}

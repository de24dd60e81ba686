/// Puts a prefix before the addresses in HTML of this server.
///
/// Templates and pages write addresses as the server itself has them, so none can forget the prefix. Text of others cannot look
/// like an attribute: a quote in it is escaped.
enum Addresses {
    /// Attributes whose values are addresses. A test holds the templates to these.
    static let attributes: Set<String> = [
        "action", "data-live", "data-load", "data-renew", "data-stream", "formaction", "href", "src",
    ]

    /// - Parameter prefix: `/ovation`; empty leaves the text as it is.
    static func prefixed(_ html: String, with prefix: String) -> String {
        guard !prefix.isEmpty else { return html }
        let bytes = Array(html.utf8)
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count + bytes.count / 8)
        var copied = 0
        // What an address of this server looks like: ="/ after the name of such an attribute, and no second slash.
        for index in bytes.indices.dropLast(3)
        where bytes[index] == UInt8(ascii: "=") && bytes[index + 1] == UInt8(ascii: "\"")
            && bytes[index + 2] == UInt8(ascii: "/") && bytes[index + 3] != UInt8(ascii: "/")
        {
            let name = bytes[copied..<index].reversed().prefix { isOfName($0) }.reversed()
            // Letters only: isOfName lets nothing else through.
            guard attributes.contains(String(decoding: Array(name), as: UTF8.self)) else { continue }
            result += bytes[copied..<index + 2]
            result += prefix.utf8
            copied = index + 2
        }
        // The text came as UTF-8, and is cut at ASCII only.
        return String(decoding: result + bytes[copied...], as: UTF8.self)
    }

    private static func isOfName(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || byte == UInt8(ascii: "-")
    }
}

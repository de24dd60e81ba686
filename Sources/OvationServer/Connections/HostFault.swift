import NIOHTTP1

/// A request without exactly one `Host` (RFC 9112 §3.2): two servers on its way could read it as a request for two different
/// hosts. It is looked for before the request is converted to types that keep neither the version of HTTP nor a second `Host`.
struct HostFault: Error {
    static let name = "host"
    /// In bytes.
    static let nameLength = 4

    let detail: String

    /// nil: the request has one.
    init?(of head: HTTPRequestHead) {
        var count = 0
        var isPlain = true
        for (name, value) in head.headers
        where name.utf8.count == HostFault.nameLength && name.lowercased() == HostFault.name {
            count += 1
            isPlain = isPlain && value.utf8.allSatisfy(HostFault.isAllowed)
        }
        if count > 1 {
            detail = "The request has more than one header Host; the connection ends here."
        } else if !isPlain {
            detail = "The header Host is not a host; the connection ends here."
        } else if count == 0, head.version != .http1_0 {
            // HTTP/1.0 has no `Host`; some proxies ask for /health in that way.
            detail = "The request has no header Host; the connection ends here."
        } else {
            return nil
        }
    }

    /// What a host and a port are made of (RFC 3986 §3.2).
    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-._~%:[]!$&'()*+,;=".utf8.contains(byte)
        }
    }
}

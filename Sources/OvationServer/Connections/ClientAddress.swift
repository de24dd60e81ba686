#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// An IP address as its bytes; an IPv4 address that is written as IPv6 (`::ffff:10.0.0.1`) is the IPv4 address.
struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    let bytes: [UInt8]
    let description: String

    /// A client that comes over a Unix socket, which has no address.
    static let unix = IPAddress(bytes: [], description: "unix")

    private init(bytes: [UInt8], description: String) {
        self.bytes = bytes
        self.description = description
    }

    init?(_ text: some StringProtocol) {
        let text = String(text)
        var four = in_addr()
        var six = in6_addr()
        if inet_pton(AF_INET, text, &four) == 1 {
            bytes = withUnsafeBytes(of: four) { Array($0) }
            description = text
        } else if inet_pton(AF_INET6, text, &six) == 1 {
            let all = withUnsafeBytes(of: six) { Array($0) }
            let isFour = all.starts(with: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF])
            bytes = isFour ? Array(all.suffix(4)) : all
            description = isFour ? bytes.map { String($0) }.joined(separator: ".") : text.lowercased()
        } else {
            return nil
        }
    }
}

/// One address, or all that begin with the same bits: `10.0.0.7`, `10.0.0.0/8`, `2001:db8::/32`; or `unix`, for whoever comes
/// over a Unix socket.
public struct AddressRange: Hashable, Sendable {
    private let bytes: [UInt8]
    private let bits: Int

    /// nil: the text is not an address.
    public init?(_ text: some StringProtocol) {
        if text == IPAddress.unix.description {
            (bytes, bits) = ([], 0)
            return
        }
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = parts.first.flatMap({ IPAddress($0) }) else { return nil }
        bytes = address.bytes
        guard parts.count == 2 else {
            bits = bytes.count * 8
            return
        }
        guard let bits = Int(parts[1]), parts[1].utf8.allSatisfy({ (48...57).contains($0) }),
            (0...bytes.count * 8).contains(bits)
        else { return nil }
        self.bits = bits
    }

    func contains(_ address: IPAddress) -> Bool {
        guard address.bytes.count == bytes.count else { return false }
        for (index, (own, other)) in zip(bytes, address.bytes).enumerated() {
            let left = bits - index * 8
            guard left > 0 else { return true }
            let mask: UInt8 = left >= 8 ? 0xFF : ~(0xFF >> UInt8(left))
            guard own & mask == other & mask else { return false }
        }
        return true
    }
}

/// The origin of a request, behind the proxies that the operator trusts.
///
/// A proxy appends the address of its caller to a header, and any client can have written what comes before it. So the
/// header counts only if a trusted proxy called, and is read from its end: the first address that is not a trusted
/// proxy is the client's.
struct ClientAddress: Sendable {
    let trusted: [AddressRange]

    /// - Parameters:
    ///  - peer: the address of the connection; `unix` where it comes over a Unix socket.
    ///  - forwardedFor: values of `X-Forwarded-For`, in their order.
    ///  - forwarded: values of `Forwarded` (RFC 7239).
    func of(peer: String, forwardedFor: [String], forwarded: [String]) -> String {
        let address = peer == IPAddress.unix.description ? IPAddress.unix : IPAddress(peer)
        guard let caller = address, isTrusted(caller) else { return peer }
        let first = forwardedFor.isEmpty ? nil : read(forwardedFor.flatMap(ClientAddress.elements), behind: caller)
        let second =
            forwarded.isEmpty
            ? nil : read(forwarded.flatMap(ClientAddress.elements).map(ClientAddress.node), behind: caller)
        // A proxy writes one of them, and passes the other on unchanged: if they differ, it is unknown which one that
        // is.
        guard let found = first ?? second, second == nil || second == found else { return peer }
        return found.description
    }

    private func isTrusted(_ address: IPAddress) -> Bool { trusted.contains { $0.contains(address) } }

    private func read(_ hops: [Substring], behind caller: IPAddress) -> IPAddress {
        var address = caller
        for hop in hops.reversed() {
            guard let next = ClientAddress.address(hop) else { break }
            address = next
            guard isTrusted(next) else { break }
        }
        return address
    }

    private static func elements(_ header: String) -> [Substring] { header.split(separator: ",") }

    /// `for=` of one element of `Forwarded`.
    private static func node(_ element: Substring) -> Substring {
        for pair in element.split(separator: ";") {
            let pair = trimmed(pair)
            if pair.prefix(4).lowercased() == "for=" { return pair.dropFirst(4) }
        }
        return ""
    }

    /// With or without quotes, brackets and a port.
    private static func address(_ hop: Substring) -> IPAddress? {
        var text = trimmed(hop)
        if text.first == "\"", text.last == "\"", text.count > 1 { text = text.dropFirst().dropLast() }
        if text.first == "[" { return IPAddress(text.dropFirst().prefix { $0 != "]" }) }
        if let address = IPAddress(text) { return address }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        return parts.count == 2 ? IPAddress(parts[0]) : nil
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop { $0 == " " || $0 == "\t" }
        while let last = text.last, last == " " || last == "\t" { text = text.dropLast() }
        return text
    }
}

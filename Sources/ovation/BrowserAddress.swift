import Foundation

/// Where a browser on the server's machine reaches what a server listens on.
enum BrowserAddress {
    /// - Parameter host: as a setting has it: a name, or an address of IPv4 or IPv6.
    static func url(host: String, port: Int) -> String {
        let host = reachable(host)
        return "http://" + (host.contains(":") ? "[\(host)]" : host) + ":\(port)"
    }

    /// Whether a server there is reached by every address of its machine.
    static func isEverywhere(_ host: String) -> Bool { reachable(host) != host }

    /// "All addresses" is one to listen on, and none to go to.
    private static func reachable(_ host: String) -> String {
        if host == "0" { return "127.0.0.1" }
        var four = in_addr()
        if inet_pton(AF_INET, host, &four) == 1 { return four.s_addr == 0 ? "127.0.0.1" : host }
        var six = in6_addr()
        guard inet_pton(AF_INET6, host, &six) == 1 else { return host }
        let bytes = withUnsafeBytes(of: six) { Array($0) }
        if bytes.allSatisfy({ $0 == 0 }) { return "::1" }
        // ::ffff:0.0.0.0, which is 0.0.0.0 by another name.
        let isMapped = bytes.prefix(10).allSatisfy { $0 == 0 } && bytes[10...11].allSatisfy { $0 == 0xFF }
        return isMapped && bytes.suffix(4).allSatisfy { $0 == 0 } ? "127.0.0.1" : host
    }
}

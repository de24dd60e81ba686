import NIOCore
import NIOHTTP1

/// Refuses a request without exactly one `Host` (RFC 9112 §3.2): two servers on its way could read it as a request for
/// two different hosts.
struct HostFault: Error {
    let detail: String
}

/// Looks at each request before it is converted to types that keep neither the version of HTTP nor a second `Host`.
final class HostCheck: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    /// After an error nothing more is read.
    private var isBroken = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isBroken else { return }
        if case .head(let head) = unwrapInboundIn(data), let fault = HostCheck.fault(of: head) {
            isBroken = true
            context.fireErrorCaught(fault)
            return
        }
        context.fireChannelRead(data)
    }

    static func fault(of head: HTTPRequestHead) -> HostFault? {
        var count = 0
        var isPlain = true
        for (name, value) in head.headers where name.utf8.count == 4 && name.lowercased() == "host" {
            count += 1
            isPlain = isPlain && value.utf8.allSatisfy(isAllowed)
        }
        if count > 1 {
            return HostFault(detail: "The request has more than one header Host; the connection ends here.")
        }
        if !isPlain { return HostFault(detail: "The header Host is not a host; the connection ends here.") }
        // HTTP/1.0 has no `Host`; some proxies ask for /health in that way.
        guard count == 1 || head.version == .http1_0 else {
            return HostFault(detail: "The request has no header Host; the connection ends here.")
        }
        return nil
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

import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// Converts requests from NIO's types to the framework's, and answers back, and refuses a request without exactly one `Host`.
///
/// It does the same as swift-nio-extras' `HTTP1ToHTTPServerCodec`, which has Foundation parse the target of each request as a
/// URL. Only a target in absolute form needs that; clients other than those of a proxy send a path (RFC 9112 §3.2.1).
final class RequestCodec: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// After a request whose `Host` is wrong nothing more is read: where it ends is open to doubt.
    private var isBroken = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isBroken else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            do {
                if let fault = HostFault(of: head) {
                    isBroken = true
                    throw fault
                }
                context.fireChannelRead(wrapInboundOut(.head(try RequestCodec.request(head))))
            } catch {
                context.fireErrorCaught(error)
            }
        case .body(let part): context.fireChannelRead(wrapInboundOut(.body(part)))
        case .end(let trailers):
            context.fireChannelRead(wrapInboundOut(.end(trailers.map { HTTPFields($0, splitCookie: false) })))
        }
    }

    static func request(_ head: HTTPRequestHead) throws -> HTTPRequest {
        guard head.uri.utf8.first == UInt8(ascii: "/") else {
            return try HTTPRequest(head, secure: false, splitCookie: false)
        }
        var fields = HTTPFields()
        fields.reserveCapacity(head.headers.count)
        var host: String?
        for (name, value) in head.headers {
            if host == nil, name.utf8.count == HostFault.nameLength, name.lowercased() == HostFault.name {
                host = value
            } else if let name = HTTPField.Name(name) {
                fields.append(HTTPField(name: name, value: value))
            }
        }
        return HTTPRequest(
            method: try HTTPRequest.Method(head.method), scheme: "http", authority: host, path: head.uri,
            headerFields: fields)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let response):
            context.write(wrapOutboundOut(.head(HTTPResponseHead(response))), promise: promise)
        case .body(let part): context.write(wrapOutboundOut(.body(.byteBuffer(part))), promise: promise)
        case .end(let trailers): context.write(wrapOutboundOut(.end(trailers.map(HTTPHeaders.init))), promise: promise)
        }
    }
}

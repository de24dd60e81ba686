import HTTPTypes
import NIOCore
import NIOHTTPTypes
import OvationCore
import OvationWire

/// Two things that the HTTP server leaves to us, on the connection itself:
///
/// - `Expect: 100-continue` is answered, since clients on older libcurl hold back every body over 1 kB until it is, or
///   until a second has passed.
/// - What is no HTTP gets a problem like every other refusal, where the server would send an empty 400.
final class ConnectionGaps: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .head(let request) = unwrapInboundIn(data),
            request.headerFields[.expect]?.lowercased() == "100-continue"
        {
            context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        // All answers of ours have a request id; this one is the server's own word on a broken request.
        guard case .head(var response) = unwrapOutboundIn(data), response.status == .badRequest,
            response.headerFields[.requestID] == nil
        else {
            context.write(data, promise: promise)
            return
        }
        let problem = Problem(
            .invalidRequest, "This is not HTTP that the server understands; the connection ends here.")
        let requestID = RequestID.make()
        let body = ProblemBody.write(
            problem, status: response.status.code, title: response.status.title, requestID: requestID)
        response.headerFields[.contentType] = ProblemBody.mediaType
        response.headerFields[.contentLength] = String(body.count)
        response.headerFields[.requestID] = requestID
        context.write(wrapOutboundOut(.head(response)), promise: nil)
        context.write(wrapOutboundOut(.body(ByteBuffer(bytes: body))), promise: promise)
    }
}

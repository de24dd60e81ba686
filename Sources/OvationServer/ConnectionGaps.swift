import HTTPTypes
import NIOCore
import NIOHTTPTypes
import OvationCore
import OvationWire

/// The body of a request did not arrive in time.
struct BodyTimeout: Error {}

/// Three things that the HTTP server leaves to us, on the connection itself:
///
/// - `Expect: 100-continue` is answered, since clients on older libcurl hold back every body over 1 kB until it is, or
///   until a second has passed.
/// - A body that does not arrive in time ends its request, so that nobody can hold one open for as long as he likes.
/// - What is no HTTP gets a problem like every other refusal, where the server would send an empty 400.
final class ConnectionGaps: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let bodyTimeout: TimeAmount
    private var isBodyAwaited = false
    private var deadline: Scheduled<Void>?
    /// Set by a broken request; what is written then is the server's own word on it and not an endpoint's.
    private var isBroken = false

    init(bodyTimeout: Duration) {
        self.bodyTimeout = TimeAmount(bodyTimeout)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let request):
            isBodyAwaited = true
            if request.headerFields[.expect]?.lowercased() == "100-continue" {
                context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
            }
        case .body: break
        case .end:
            isBodyAwaited = false
            cancelDeadline()
        }
        context.fireChannelRead(data)
    }

    /// Only what is not complete in one read gets a timer, which is next to nothing.
    func channelReadComplete(context: ChannelHandlerContext) {
        if isBodyAwaited, deadline == nil {
            let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
            deadline = context.eventLoop.scheduleTask(in: bodyTimeout) { bound.value.fireErrorCaught(BodyTimeout()) }
        }
        context.fireChannelReadComplete()
    }

    func channelInactive(context: ChannelHandlerContext) {
        cancelDeadline()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        isBroken = true
        context.fireErrorCaught(error)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        // Asked first, since to unwrap every part of every answer would cost more than all the rest here.
        guard isBroken, case .head(var response) = unwrapOutboundIn(data), response.status == .badRequest,
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

    private func cancelDeadline() {
        deadline?.cancel()
        deadline = nil
    }
}

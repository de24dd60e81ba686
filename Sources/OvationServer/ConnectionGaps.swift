import HTTPTypes
import NIOCore
import NIOHTTPTypes
import OvationCore
import OvationWire

/// The body of a request did not arrive in time.
struct BodyTimeout: Error {}

/// The client went away before the end of a body.
struct BodyCutOff: Error {}

/// Four things that the HTTP server leaves to us, on the connection itself:
///
/// - `Expect: 100-continue` is answered, since clients on older libcurl hold back every body over 1 kB until it is, or
///   until a second has passed.
/// - A body that does not arrive in time ends its request, so that nobody can hold one open for as long as he likes. A
///   bulk upload may take its time as long as it goes on.
/// - A body that is cut off is an error, where the server would take what came for all of it.
/// - What is no HTTP gets a problem like every other refusal, where the server would send an empty 400.
final class ConnectionGaps: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let bodyTimeout: TimeAmount
    private var isBodyAwaited = false
    private var deadline: Scheduled<Void>?
    /// A body of any size: what has to arrive in time is its next part.
    private var isUpload = false
    /// Whether the server reads; it does not while it has enough to do, and then nothing can arrive.
    private var isReading = false
    private var lastProgress = NIODeadline.now()
    /// Set by a broken request; what is written then is the server's own word on it and not an endpoint's.
    private var isBroken = false

    init(bodyTimeout: Duration) {
        self.bodyTimeout = TimeAmount(bodyTimeout)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let request):
            isBodyAwaited = true
            isUpload = request.isUpload
            lastProgress = .now()
            if request.headerFields[.expect]?.lowercased() == "100-continue" {
                context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
            }
        case .body: if isUpload { lastProgress = .now() }
        case .end:
            isBodyAwaited = false
            cancelDeadline()
        }
        context.fireChannelRead(data)
    }

    /// Only what is not complete in one read gets a timer, which is next to nothing.
    func channelReadComplete(context: ChannelHandlerContext) {
        if isBodyAwaited, deadline == nil { scheduleDeadline(context, in: bodyTimeout) }
        isReading = false
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        if !isReading {
            isReading = true
            if isUpload { lastProgress = .now() }
        }
        context.read()
    }

    private func scheduleDeadline(_ context: ChannelHandlerContext, in time: TimeAmount) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        deadline = context.eventLoop.scheduleTask(in: time) {
            let (gaps, context) = bound.value
            gaps.deadlineCame(context)
        }
    }

    private func deadlineCame(_ context: ChannelHandlerContext) {
        let left = isReading ? lastProgress + bodyTimeout - .now() : bodyTimeout
        if isUpload, left > .nanoseconds(0) {
            scheduleDeadline(context, in: left)
        } else {
            context.fireErrorCaught(BodyTimeout())
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        cancelDeadline()
        if isBodyAwaited {
            isBodyAwaited = false
            context.fireErrorCaught(BodyCutOff())
        }
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if isBodyAwaited, case ChannelEvent.inputClosed = event {
            isBodyAwaited = false
            cancelDeadline()
            context.fireErrorCaught(BodyCutOff())
        }
        context.fireUserInboundEventTriggered(event)
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
        response.headerFields.append(Pipeline.noSniff)
        response.headerFields.append(Pipeline.noStore)
        context.write(wrapOutboundOut(.head(response)), promise: nil)
        context.write(wrapOutboundOut(.body(ByteBuffer(bytes: body))), promise: promise)
    }

    private func cancelDeadline() {
        deadline?.cancel()
        deadline = nil
    }
}

extension HTTPRequest {
    /// Asked of every request, so the cheap part first.
    fileprivate var isUpload: Bool {
        guard method == .post, let path = path?.prefix(while: { $0 != "?" }), path.hasSuffix("/bulk") else {
            return false
        }
        return Endpoint.loadEvents.matches(path: String(path))
    }
}

import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import OvationCore
import OvationWire

/// The body of a request did not arrive in time.
struct BodyTimeout: Error {}

/// The client went away before the end of a body.
struct BodyCutOff: Error {}

/// Six things that the HTTP server leaves to us, on the connection itself:
///
/// - `Expect: 100-continue` is answered, since clients with an older libcurl hold back every body over 1 kB until then,
///   or until a second has passed. Not before the server comes to that request: until then the answer to an earlier one
///   may be half sent, and the interim answer would be in the middle of it.
/// - A body that does not arrive in time ends its request, so that a client cannot hold one open without end. A bulk
///   upload may take its time while it keeps its rate, but only after its endpoint has accepted it.
/// - A connection is closed if its other end takes nothing of what is written to it.
/// - A body that is cut off is an error; the server would take the part that came for all of it.
/// - A request that is not HTTP gets a problem like every other refusal; the server would send an empty 400.
/// - If nothing more is read after a request, the request ends its connection.
final class ConnectionGaps: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let bodyTimeout: TimeAmount
    private let decoder: RequestDecoder
    private let uploadBytesMin: Int
    private var isBodyAwaited = false
    /// The body comes when the client is asked for it.
    private var isBodyHeldBack = false
    private var deadline: Scheduled<Void>?
    /// A body of any size: this much of it has to arrive in each span of time.
    private var isUpload = false
    private var uploadBytes = 0
    private var uploadTime = ReadingTime(isPaused: false)
    /// Whether the server reads; while it has enough to do it does not, and then nothing can arrive.
    private var isReading = false
    private var reader: SlowReader
    private var readerDeadline: Scheduled<Void>?
    /// Set by a broken request; the next answer is then the server's own and not an endpoint's.
    private var isBroken = false
    /// Set by a request after which nothing is read.
    private var isEnding = false
    private var brokenDetail = "This is not HTTP that the server understands; the connection ends here."

    init(limits: Limits, decoder: RequestDecoder) {
        self.decoder = decoder
        bodyTimeout = TimeAmount(limits.bodyTimeout)
        uploadBytesMin = Limits.uploadRateMin * Int(limits.bodyTimeout.components.seconds)
        reader = SlowReader(limits: limits)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let request):
            isBodyAwaited = true
            isBodyHeldBack = request.isBodyHeldBack
            if decoder.didRead(request) == .nothing {
                isEnding = true
                var request = request
                // The server closes after its answer.
                request.headerFields[.connection] = "close"
                context.fireChannelRead(wrapInboundOut(.head(request)))
                return
            }
        case .body(let part):
            isBodyHeldBack = false
            if isUpload { uploadBytes += part.readableBytes }
        case .end:
            isBodyAwaited = false
            cancelDeadline()
            decoder.didReadEnd()
        }
        context.fireChannelRead(data)
    }

    /// Only a body that is not complete in one read gets a timer, so timers cost almost nothing.
    func channelReadComplete(context: ChannelHandlerContext) {
        if isBodyAwaited, !isBodyHeldBack, deadline == nil { scheduleDeadline(context, in: bodyTimeout) }
        isReading = false
        if isUpload { uploadTime.pause() }
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        isReading = true
        if isUpload { uploadTime.resume() }
        context.read()
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard let event = event as? Connection.Event else {
            context.triggerUserOutboundEvent(event, promise: promise)
            return
        }
        switch event {
        case .bodyWanted:
            // A client that has already sent the body, or its first part, need not be asked.
            guard isBodyAwaited, isBodyHeldBack else { break }
            isBodyHeldBack = false
            context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
            restartDeadline(context)
        case .uploadBegan:
            isUpload = true
            uploadBytes = 0
            uploadTime = ReadingTime(isPaused: !isReading)
            restartDeadline(context)
        case .uploadEnded:
            isUpload = false
            restartDeadline(context)
        case .streamBegan: reader.stream(true)
        case .streamEnded: reader.stream(false)
        }
        promise?.succeed()
    }

    private func restartDeadline(_ context: ChannelHandlerContext) {
        cancelDeadline()
        if isBodyAwaited { scheduleDeadline(context, in: bodyTimeout) }
    }

    private func scheduleDeadline(_ context: ChannelHandlerContext, in time: TimeAmount) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        deadline = context.eventLoop.scheduleTask(in: time) {
            let (gaps, context) = bound.value
            gaps.deadlineCame(context)
        }
    }

    private func deadlineCame(_ context: ChannelHandlerContext) {
        deadline = nil
        guard isUpload else {
            context.fireErrorCaught(BodyTimeout())
            return
        }
        let left = bodyTimeout - uploadTime.spent
        if left > .nanoseconds(0) {
            scheduleDeadline(context, in: left)
        } else if uploadBytes >= uploadBytesMin {
            uploadBytes = 0
            uploadTime.restart()
            scheduleDeadline(context, in: bodyTimeout)
        } else {
            context.fireErrorCaught(BodyTimeout())
        }
    }

    /// More data wait to be taken than the connection holds, or less again.
    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            reader.noteDrained()
        } else if readerDeadline == nil {
            scheduleReaderDeadline(context, in: reader.begin(waiting: waitingBytes(context)))
        }
        context.fireChannelWritabilityChanged()
    }

    /// It is not cancelled when the reader continues, which with a large answer happens many times a second.
    private func scheduleReaderDeadline(_ context: ChannelHandlerContext, in time: TimeAmount) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        readerDeadline = context.eventLoop.scheduleTask(in: time) {
            let (gaps, context) = bound.value
            gaps.readerDeadline = nil
            guard !context.channel.isWritable else { return }
            if let time = gaps.reader.look(waiting: gaps.waitingBytes(context)) {
                gaps.scheduleReaderDeadline(context, in: time)
            } else {
                context.close(promise: nil)
            }
        }
    }

    private func waitingBytes(_ context: ChannelHandlerContext) -> Int {
        (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }

    func channelInactive(context: ChannelHandlerContext) {
        cancelDeadline()
        readerDeadline?.cancel()
        readerDeadline = nil
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
        guard let fault = error as? HostFault else {
            context.fireErrorCaught(error)
            return
        }
        brokenDetail = fault.detail
        // The only kind of error that the server answers.
        context.fireErrorCaught(HTTPParserError.unknown)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        // This is asked first, since unwrapping every part of every answer would cost more than all the rest here.
        if isEnding, !isBroken, case .head(var response) = unwrapOutboundIn(data) {
            response.headerFields[.connection] = "close"
            context.write(wrapOutboundOut(.head(response)), promise: promise)
            return
        }
        if reader.isStreaming, case .body(let part) = unwrapOutboundIn(data) { reader.write(part.readableBytes) }
        guard isBroken, case .head(var response) = unwrapOutboundIn(data), response.status == .badRequest,
            response.headerFields[.requestID] == nil
        else {
            context.write(data, promise: promise)
            return
        }
        let problem = Problem(.invalidRequest, brokenDetail)
        let requestID = RequestID.make()
        let body = JSONWriter.write(
            Bodies.Problem(
                problem, status: response.status.code, title: response.status.title, requestID: requestID
            ).json)
        response.headerFields[.contentType] = Bodies.Problem.mediaType
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
    /// Whether the client waits until it is asked for the body.
    var isBodyHeldBack: Bool { headerFields[.expect]?.lowercased() == "100-continue" }
}

/// Time, without that of pauses.
struct ReadingTime {
    private var start = NIODeadline.now()
    private var pausedAt: NIODeadline?
    private var paused = TimeAmount.nanoseconds(0)

    init(isPaused: Bool) {
        if isPaused { pausedAt = start }
    }

    /// Since the start.
    var spent: TimeAmount { (pausedAt ?? .now()) - start - paused }

    mutating func restart() {
        start = .now()
        paused = .nanoseconds(0)
        if pausedAt != nil { pausedAt = start }
    }

    mutating func pause() {
        if pausedAt == nil { pausedAt = .now() }
    }

    mutating func resume() {
        guard let pausedAt else { return }
        paused = paused + (.now() - pausedAt)
        self.pausedAt = nil
    }
}

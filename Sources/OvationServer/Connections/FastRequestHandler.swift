import HTTPTypes
import NIOCore
import NIOHTTPTypes
import OvationCore

/// The requests of one connection, in front of the framework. It reads from top to bottom as one request's story: a head, a
/// body, its end, the outcome, the answer.
///
/// Answers keep the order of requests: one is taken only while the framework owes no answer, and while one is with
/// the store everything behind it waits here. Then nothing more is read, so that what waits is never more than one
/// read from the connection.
final class FastRequestHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private enum State {
        /// The next thing is a head.
        case betweenRequests
        /// The body of a request arrives that was taken.
        case reading(FastRequest)
        /// The store has one.
        case waiting(FastRequest)
        /// The body of a request arrives that the framework has.
        case passing
    }

    /// What comes from the connection, in order.
    private enum Arrival {
        case part(HTTPRequestPart)
        /// The client sends nothing more.
        case inputClosed
        case error(any Error)
    }

    private let requests: FastRequests
    private var receiver: ConnectionReceiver?
    private var context: ChannelHandlerContext?
    private var state = State.betweenRequests
    private var waiting = CircularBuffer<Arrival>(initialCapacity: 1)
    /// The connection asks for more than there is in ``waiting``.
    private var isReadWanted = false
    /// Answers that the framework has not ended yet.
    private var answersOwed = 0
    /// The framework has been told that no request follows, and will end the connection.
    private var isEnding = false

    init(_ requests: FastRequests) {
        self.requests = requests
    }

    // MARK: What comes from the connection

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { arrive(.part(unwrapInboundIn(data)), context) }

    private func arrive(_ arrival: Arrival, _ context: ChannelHandlerContext) {
        if !waiting.isEmpty || !take(arrival, context) { waiting.append(arrival) }
    }

    /// - Returns: false where it has to wait.
    private func take(_ arrival: Arrival, _ context: ChannelHandlerContext) -> Bool {
        switch (state, arrival) {
        case (.waiting, _): return false
        case (.betweenRequests, .part(.head(let head))): return begin(head, context)
        case (.reading(let request), .part(.body(let part))): read(part, of: request, context)
        case (.reading(let request), .part(.end)): queue(request, context)
        case (.reading(let request), _):
            // The body did not come to its end.
            passOn(request, context)
            passOn(arrival, context)
        case (.betweenRequests, _), (.passing, _): passOn(arrival, context)
        }
        return true
    }

    // MARK: A request that is taken

    /// The head: a request is taken if it is plain, and if its answer would be the next one.
    private func begin(_ head: HTTPRequest, _ context: ChannelHandlerContext) -> Bool {
        guard answersOwed == 0, !isEnding, let request = requests.begin(head, on: context.channel) else {
            passOn(.part(.head(head)), context)
            return true
        }
        // A client that does not read its answers gets no more of them.
        guard context.channel.isWritable else { return false }
        state = .reading(request)
        return true
    }

    private func read(_ part: ByteBuffer, of request: FastRequest, _ context: ChannelHandlerContext) {
        do throws(Problem) {
            guard request.body != nil else { return passOn(request, behind: part, context) }
            try request.body?.collect(part)
            try request.body?.note(part)
        } catch {
            passOn(request, context)
        }
    }

    /// The end of the body.
    private func queue(_ request: FastRequest, _ context: ChannelHandlerContext) {
        state = .waiting(request)
        guard let receiver, requests.queue(request, tell: receiver) else {
            passOn(request, context)
            passOn(.part(.end(nil)), context)
            return
        }
    }

    /// The outcome, after the commit if it was a write. If the client is gone, that counts all the same.
    func finish(_ result: Result<StoreOutcome, StoreFailure>) {
        guard case .waiting(let request) = state else { return }
        let answer = requests.answer(result, to: request)
        guard let context, context.channel.isActive else { return }
        if let answer {
            state = .betweenRequests
            context.write(wrapOutboundOut(.head(answer.head)), promise: nil)
            if answer.body.readableBytes > 0 { context.write(wrapOutboundOut(.body(answer.body)), promise: nil) }
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        } else {
            passOn(request, context)
            passOn(.part(.end(nil)), context)
            context.fireChannelReadComplete()
        }
        goOn(context)
    }

    // MARK: What is the framework's

    /// One that was taken, after all: its head, and what has come of its body.
    private func passOn(_ request: FastRequest, _ context: ChannelHandlerContext) {
        passOn(.part(.head(request.head)), context)
        if let body = request.body?.body, body.readableBytes > 0 { passOn(.part(.body(body)), context) }
    }

    /// One that was to have no body, and has one.
    private func passOn(_ request: FastRequest, behind part: ByteBuffer, _ context: ChannelHandlerContext) {
        passOn(request, context)
        passOn(.part(.body(part)), context)
    }

    private func passOn(_ arrival: Arrival, _ context: ChannelHandlerContext) {
        switch arrival {
        case .part(let part):
            switch part {
            case .head(let head):
                answersOwed += 1
                if head.headerFields[.connection] == "close" { isEnding = true }
                state = .passing
            case .body: break
            case .end: state = .betweenRequests
            }
            context.fireChannelRead(wrapInboundOut(part))
        case .inputClosed:
            isEnding = true
            context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        case .error(let error):
            isEnding = true
            context.fireErrorCaught(error)
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if answersOwed > 0, case .end = unwrapOutboundIn(data) { answersOwed -= 1 }
        context.write(data, promise: promise)
    }

    // MARK: What waits

    /// Takes what waits, as far as that is possible now.
    private func goOn(_ context: ChannelHandlerContext) {
        guard !waiting.isEmpty else { return }
        while let arrival = waiting.popFirst() {
            if !take(arrival, context) {
                waiting.prepend(arrival)
                break
            }
        }
        // The framework takes what was passed on when a read is complete.
        context.fireChannelReadComplete()
        if waiting.isEmpty, isReadWanted {
            isReadWanted = false
            context.read()
        }
    }

    func read(context: ChannelHandlerContext) {
        if waiting.isEmpty { context.read() } else { isReadWanted = true }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        context.fireChannelWritabilityChanged()
        if context.channel.isWritable { goOn(context) }
    }

    // MARK: The ends of a connection

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event {
            arrive(.inputClosed, context)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { arrive(.error(error), context) }

    func channelInactive(context: ChannelHandlerContext) {
        waiting.removeAll()
        context.fireChannelInactive()
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        receiver = ConnectionReceiver(self, on: context.eventLoop, requests.outcomes(on: context.eventLoop))
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        waiting.removeAll()
        // It holds this handler.
        receiver = nil
    }
}

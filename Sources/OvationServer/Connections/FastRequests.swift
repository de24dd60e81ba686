import HTTPTypes
import Hummingbird
import NIOCore
import OvationCore
import OvationWire
import Synchronization

/// Requests that never become a task: each is read, checked, given to the store and answered on the event loop of its
/// connection.
///
/// The way through the framework costs a post more than all its checks: parts are handed to a task, the task waits for the
/// body and for the store, and each time it is made to run again. So what nearly all requests are, events, attributes or a
/// consent of one profile, or a page of its events, right in every respect, is taken here. Everything else is the
/// framework's, and it gets the request as it came. So there is one place that says what is wrong with a request.
final class FastRequests: Sendable {
    private let pipeline: Pipeline
    private let table: EndpointTable
    private let endpoints: [Endpoint: any FastEndpoint]
    private let basePath: BasePath
    private let headers: ServerHeaders
    /// One for each event loop, and so never more than threads of the server.
    private let outcomes = Mutex<[ObjectIdentifier: StoreOutcomes]>([:])

    init(pipeline: Pipeline, table: EndpointTable, endpoints: [Endpoint: any FastEndpoint], basePath: BasePath) {
        self.pipeline = pipeline
        self.table = table
        self.endpoints = endpoints
        self.basePath = basePath
        headers = ServerHeaders(clock: pipeline.clock)
    }

    func outcomes(on eventLoop: any EventLoop) -> StoreOutcomes {
        outcomes.withLock { outcomes in
            let id = ObjectIdentifier(eventLoop)
            if let known = outcomes[id] { return known }
            let new = StoreOutcomes(eventLoop)
            outcomes[id] = new
            return new
        }
    }

    /// A request whose head is plain, from a caller who is known and may do this there; nil: any other.
    func begin(_ head: HTTPRequest, on channel: any NIOCore.Channel) -> FastRequest? {
        let hasBody = head.method == .post || head.method == .patch
        guard hasBody || head.method == .get, FastRequests.isPlain(head.headerFields, withBody: hasBody) else {
            return nil
        }
        let start = ContinuousClock.now
        var request = Request(head: head, body: RequestBody(buffer: ByteBuffer()))
        if !basePath.isEmpty { request = basePath.entered(request) }
        guard let (endpoint, path) = table.find(head.method, request.uri.path), let handler = endpoints[endpoint]
        else { return nil }
        let receivedAt = pipeline.clock.now()
        do throws(Problem) {
            let authentication = pipeline.authentication
            guard let identity = try authentication.knownIdentity(of: request, for: endpoint, at: receivedAt) else {
                return nil
            }
            let call = Call(
                endpoint: endpoint, request: request, path: path, identity: identity,
                requestID: RequestID.of(request), receivedAt: receivedAt, connection: Connection(channel))
            guard let plain = try handler.begin(call) else { return nil }
            let limit = endpoint.bodyBytesMax(handler.limits)
            return FastRequest(
                head: head, start: start, call: call, plain: plain,
                body: hasBody ? try BodyCollector(for: request, upTo: limit, within: pipeline.bodies) : nil)
        } catch {
            return nil
        }
    }

    /// Whether no header asks for something that is done elsewhere: another answer, a body that is inflated or asked for, or
    /// an end of the connection.
    private static func isPlain(_ fields: HTTPFields, withBody hasBody: Bool) -> Bool {
        for field in fields {
            switch field.name {
            case .prefer, .expect, .upgrade, .contentEncoding: return false
            case .contentLength where !hasBody, .transferEncoding where !hasBody: return false
            case .connection where field.value.lowercased() != "keep-alive": return false
            default: continue
            }
        }
        return true
    }

    /// The end of the body has come. The receiver is told what became of what the store was given.
    /// - Returns: false where the request is not plainly right, and the store was given nothing.
    func queue(_ request: FastRequest, tell receiver: any StoreReceiver) -> Bool {
        request.body?.end()
        return request.plain.queue(request.body?.body ?? ByteBuffer(), tell: receiver)
    }

    /// The answer after the store's, or to a store that failed; nil: nothing was stored or found, and the framework's way
    /// finds and says why.
    func answer(
        _ result: Result<StoreOutcome, StoreFailure>, to request: FastRequest
    ) -> (head: HTTPResponse, body: ByteBuffer)? {
        var answer: (response: Response, body: ByteBuffer)
        do {
            guard let given = try request.plain.answer(result.get()) else { return nil }
            answer = given
        } catch {
            answer = pipeline.refuse(
                error, requestID: request.call.requestID, to: request.call.request, request.call.endpoint)
        }
        let call = request.call
        pipeline.finish(&answer.response, requestID: call.requestID, call.endpoint, since: request.start)
        headers.add(to: &answer.response)
        return (answer.response.head, answer.body)
    }
}

/// One request between its head and its answer. It stays on its event loop.
final class FastRequest {
    /// As it came.
    let head: HTTPRequest
    let start: ContinuousClock.Instant
    let call: Call
    let plain: any PlainRequest
    /// nil: it has none.
    var body: BodyCollector?

    fileprivate init(
        head: HTTPRequest, start: ContinuousClock.Instant, call: Call, plain: any PlainRequest, body: BodyCollector?
    ) {
        self.head = head
        self.start = start
        self.call = call
        self.plain = plain
        self.body = body
    }
}

/// What became of requests, on its way from threads of the store to one event loop. The loop is woken once for all writes of a
/// commit, since to wake a thread costs more than to answer a post. A connection has one request at most in it.
final class StoreOutcomes: Sendable {
    typealias Outcome = (connection: NIOLoopBound<FastRequestHandler>, result: Result<StoreOutcome, StoreFailure>)

    private struct State {
        var outcomes: [Outcome] = []
        var isWoken = false
    }

    private let eventLoop: any EventLoop
    private let state = Mutex(State())

    init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    func add(_ outcome: Outcome) {
        state.withLock { $0.outcomes.append(outcome) }
    }

    /// Called once or more after all of a commit were added.
    func wake() {
        let mustWake = state.withLock { state in
            guard !state.isWoken, !state.outcomes.isEmpty else { return false }
            state.isWoken = true
            return true
        }
        if mustWake { eventLoop.execute { self.hand() } }
    }

    private func hand() {
        let outcomes = state.withLock { state in
            defer { state = State() }
            return state.outcomes
        }
        for outcome in outcomes { outcome.connection.value.finish(outcome.result) }
    }
}

/// A connection as the store knows it.
final class ConnectionReceiver: StoreReceiver {
    private let connection: NIOLoopBound<FastRequestHandler>
    private let outcomes: StoreOutcomes

    init(_ handler: FastRequestHandler, on eventLoop: any EventLoop, _ outcomes: StoreOutcomes) {
        connection = NIOLoopBound(handler, eventLoop: eventLoop)
        self.outcomes = outcomes
    }

    func receive(_ result: Result<AppendOutcome, StoreFailure>) {
        outcomes.add((connection, result.map(StoreOutcome.appended)))
    }

    func receive(_ result: Result<ProfileChangeOutcome, StoreFailure>) {
        outcomes.add((connection, result.map(StoreOutcome.changed)))
    }

    func receive(_ result: Result<EventPage?, StoreFailure>) {
        outcomes.add((connection, result.map(StoreOutcome.read)))
        // Nobody reads with it, as others write with a write.
        outcomes.wake()
    }

    func allHaveReceived() { outcomes.wake() }
}

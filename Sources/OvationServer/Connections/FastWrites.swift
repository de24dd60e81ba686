import HTTPTypes
import Hummingbird
import NIOCore
import OvationCore
import OvationWire
import Synchronization

/// Writes that never become a task: each is read, checked, queued and answered on the event loop of its connection.
///
/// The way through the framework costs a post more than all its checks: parts are handed to a task, the task waits for the
/// body and for the store, and each time it is made to run again. So what nearly all requests are, events, attributes or a
/// consent of one profile, right in every respect, is taken here. Everything else is the framework's, and it gets the
/// request as it came. So there is one place that says what is wrong with a request.
final class FastWrites: Sendable {
    private let pipeline: Pipeline
    private let table: EndpointTable
    private let endpoints: [Endpoint: any FastEndpoint]
    private let basePath: BasePath
    private let headers: ServerHeaders
    /// One for each event loop, and so never more than threads of the server.
    private let outcomes = Mutex<[ObjectIdentifier: FastWriteOutcomes]>([:])

    init(pipeline: Pipeline, table: EndpointTable, endpoints: [Endpoint: any FastEndpoint], basePath: BasePath) {
        self.pipeline = pipeline
        self.table = table
        self.endpoints = endpoints
        self.basePath = basePath
        headers = ServerHeaders(clock: pipeline.clock)
    }

    func outcomes(on eventLoop: any EventLoop) -> FastWriteOutcomes {
        outcomes.withLock { outcomes in
            let id = ObjectIdentifier(eventLoop)
            if let known = outcomes[id] { return known }
            let new = FastWriteOutcomes(eventLoop)
            outcomes[id] = new
            return new
        }
    }

    /// A request whose head is plain, from a caller who is known and may write there; nil: any other.
    func begin(_ head: HTTPRequest, on channel: any NIOCore.Channel) -> FastWrite? {
        guard head.method == .post || head.method == .patch, FastWrites.isPlain(head.headerFields) else { return nil }
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
            return FastWrite(
                head: head, start: start, call: call, plain: try handler.begin(call),
                body: try BodyCollector(
                    for: request, upTo: endpoint.bodyBytesMax(handler.limits), within: pipeline.bodies))
        } catch {
            return nil
        }
    }

    /// Whether no header asks for something that is done elsewhere: another answer, a body that is inflated or asked for, or
    /// an end of the connection.
    private static func isPlain(_ fields: HTTPFields) -> Bool {
        for field in fields {
            switch field.name {
            case .prefer, .expect, .upgrade, .contentEncoding: return false
            case .connection where field.value.lowercased() != "keep-alive": return false
            default: continue
            }
        }
        return true
    }

    /// The end of the body has come. The receiver is told what became of what was queued.
    /// - Returns: false where the request is not plainly right, and nothing was queued.
    func queue(_ write: FastWrite, tell receiver: FastWriteReceiver) -> Bool {
        write.body.end()
        return write.plain.queue(write.body.body, tell: receiver)
    }

    /// The answer after the commit, or to a store that failed; nil: nothing was stored, and the framework's way finds and says
    /// why.
    func answer(
        _ result: Result<WriteOutcome, StoreFailure>, to write: FastWrite
    ) -> (head: HTTPResponse, body: ByteBuffer)? {
        var answer: (response: Response, body: ByteBuffer)
        do {
            guard let response = try write.plain.answer(result.get()) else { return nil }
            answer = (response, ByteBuffer())
        } catch {
            answer = pipeline.refuse(
                error, requestID: write.call.requestID, to: write.call.request, write.call.endpoint)
        }
        pipeline.finish(&answer.response, requestID: write.call.requestID, write.call.endpoint, since: write.start)
        headers.add(to: &answer.response)
        return (answer.response.head, answer.body)
    }
}

/// One write between its head and its answer. It stays on its event loop.
final class FastWrite {
    /// As it came.
    let head: HTTPRequest
    let start: ContinuousClock.Instant
    let call: Call
    let plain: any PlainWrite
    var body: BodyCollector

    fileprivate init(
        head: HTTPRequest, start: ContinuousClock.Instant, call: Call, plain: any PlainWrite, body: BodyCollector
    ) {
        self.head = head
        self.start = start
        self.call = call
        self.plain = plain
        self.body = body
    }
}

/// What became of writes, on its way from threads of the store to one event loop. The loop is woken once for all writes of a
/// commit, since to wake a thread costs more than to answer a post. A connection has one write at most in it.
final class FastWriteOutcomes: Sendable {
    typealias Outcome = (connection: NIOLoopBound<FastWriteHandler>, result: Result<WriteOutcome, StoreFailure>)

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
final class FastWriteReceiver: AppendReceiver, ChangeReceiver {
    private let connection: NIOLoopBound<FastWriteHandler>
    private let outcomes: FastWriteOutcomes

    init(_ handler: FastWriteHandler, on eventLoop: any EventLoop, _ outcomes: FastWriteOutcomes) {
        connection = NIOLoopBound(handler, eventLoop: eventLoop)
        self.outcomes = outcomes
    }

    func receive(_ result: Result<AppendOutcome, StoreFailure>) {
        outcomes.add((connection, result.map(WriteOutcome.appended)))
    }

    func receive(_ result: Result<ProfileChangeOutcome, StoreFailure>) {
        outcomes.add((connection, result.map(WriteOutcome.changed)))
    }

    func allHaveReceived() { outcomes.wake() }
}

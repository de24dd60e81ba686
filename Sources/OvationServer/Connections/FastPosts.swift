import HTTPTypes
import Hummingbird
import NIOCore
import OvationCore
import OvationWire
import Synchronization

/// Posts of events that never become a task: each is read, checked, queued and answered on the event loop of its connection.
///
/// The way through the framework costs a post more than all its checks: parts are handed to a task, the task waits for the
/// body and for the store, and each time it is made to run again. So what nearly all requests are, a post that is right in
/// every respect, is taken here. Everything else is the framework's, and it gets the request as it came. So there is one
/// place that says what is wrong with a post, and this way has no refusals of its own but for a store that fails.
final class FastPosts: Sendable {
    private let pipeline: Pipeline
    private let table: EndpointTable
    private let post: PostEvents
    private let basePath: BasePath
    private let headers: ServerHeaders
    /// One for each event loop, and so never more than threads of the server.
    private let outcomes = Mutex<[ObjectIdentifier: FastPostOutcomes]>([:])

    init(pipeline: Pipeline, table: EndpointTable, post: PostEvents, basePath: BasePath) {
        self.pipeline = pipeline
        self.table = table
        self.post = post
        self.basePath = basePath
        headers = ServerHeaders(clock: pipeline.clock)
    }

    func outcomes(on eventLoop: any EventLoop) -> FastPostOutcomes {
        outcomes.withLock { outcomes in
            let id = ObjectIdentifier(eventLoop)
            if let known = outcomes[id] { return known }
            let new = FastPostOutcomes(eventLoop)
            outcomes[id] = new
            return new
        }
    }

    /// A request whose head is a plain post's, from a caller who is known and may post there; nil: any other.
    func begin(_ head: HTTPRequest, on channel: any NIOCore.Channel) -> FastPost? {
        guard head.method == .post, FastPosts.isPlain(head.headerFields) else { return nil }
        let start = ContinuousClock.now
        var request = Request(head: head, body: RequestBody(buffer: ByteBuffer()))
        if !basePath.isEmpty { request = basePath.entered(request) }
        guard let (endpoint, path) = table.find(.post, request.uri.path), endpoint == .postEvents else { return nil }
        let receivedAt = pipeline.clock.now()
        do throws(Problem) {
            let authentication = pipeline.authentication
            guard let identity = try authentication.knownIdentity(of: request, for: endpoint, at: receivedAt) else {
                return nil
            }
            let call = Call(
                endpoint: endpoint, request: request, path: path, identity: identity,
                requestID: RequestID.of(request), receivedAt: receivedAt, connection: Connection(channel))
            return FastPost(
                head: head, start: start, call: call, place: try post.place(of: call, identity),
                body: try BodyCollector(
                    for: request, upTo: endpoint.bodyBytesMax(post.limits), within: pipeline.bodies))
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

    /// The end of the body has come: the batch is checked and queued. The receiver is told what became of it.
    /// - Returns: false where the post is not plainly right, and nothing was queued.
    func store(_ fastPost: FastPost, tell receiver: any AppendReceiver) -> Bool {
        fastPost.body.end()
        guard let place = try? post.current(fastPost.place, of: fastPost.call),
            let batch = post.plainBatch(of: fastPost.call, fastPost.body.body, at: place)
        else { return false }
        fastPost.place = place
        fastPost.batch = batch
        post.store.append(batch, tell: receiver)
        return true
    }

    /// The answer after the commit, or to a store that failed; nil: nothing was stored, and the framework's way finds and says
    /// why, as if the post came now.
    func answer(
        _ result: Result<AppendOutcome, StoreFailure>, to fastPost: FastPost
    ) -> (head: HTTPResponse, body: ByteBuffer)? {
        let call = fastPost.call
        var answer: (response: Response, body: ByteBuffer)
        switch result {
        case .success(let outcome):
            guard let batch = fastPost.batch, let response = post.answer(outcome, to: batch, at: fastPost.place) else {
                return nil
            }
            answer = (response, ByteBuffer())
        case .failure(let failure):
            answer = pipeline.refuse(failure, requestID: call.requestID, to: call.request, call.endpoint)
        }
        pipeline.finish(&answer.response, requestID: call.requestID, call.endpoint, since: fastPost.start)
        headers.add(to: &answer.response)
        return (answer.response.head, answer.body)
    }
}

/// One post between its head and its answer. It stays on its event loop.
final class FastPost {
    /// As it came.
    let head: HTTPRequest
    let start: ContinuousClock.Instant
    let call: Call
    fileprivate(set) var place: PostJournal.Context
    var body: BodyCollector
    /// From when it is queued.
    fileprivate(set) var batch: EventBatch?

    fileprivate init(
        head: HTTPRequest, start: ContinuousClock.Instant, call: Call, place: PostJournal.Context, body: BodyCollector
    ) {
        self.head = head
        self.start = start
        self.call = call
        self.place = place
        self.body = body
    }
}

/// What became of posts, on its way from threads of the store to one event loop. The loop is woken once for all posts of a
/// commit, since to wake a thread costs more than to answer a post. A connection has one post at most in it.
final class FastPostOutcomes: Sendable {
    typealias Outcome = (connection: NIOLoopBound<FastPostHandler>, result: Result<AppendOutcome, StoreFailure>)

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
final class FastPostReceiver: AppendReceiver {
    private let connection: NIOLoopBound<FastPostHandler>
    private let outcomes: FastPostOutcomes

    init(_ handler: FastPostHandler, on eventLoop: any EventLoop, _ outcomes: FastPostOutcomes) {
        connection = NIOLoopBound(handler, eventLoop: eventLoop)
        self.outcomes = outcomes
    }

    func receive(_ result: Result<AppendOutcome, StoreFailure>) { outcomes.add((connection, result)) }

    func allHaveReceived() { outcomes.wake() }
}

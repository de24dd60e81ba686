import HTTPTypes
import Hummingbird
import Logging
import NIOCore
public import OvationCore
import OvationWire
import Synchronization

/// The life of every request, in order: give it an id, find its caller, let the endpoint answer, turn a thrown error
/// into a problem, count it, log it.
struct Pipeline: Sendable {
    let authentication: BearerAuthentication
    let metrics: ServerMetrics
    let bodies: BodyBudget
    let clock: WallClock
    let logger: Logger
    let refusals: RefusalLog

    func respond(
        to request: Request, path: PathParameters, endpoint: Endpoint, handler: any EndpointHandler,
        connection: Connection
    ) async -> Response {
        let start = ContinuousClock.now
        let requestID = RequestID.of(request)
        var response: Response
        do {
            let receivedAt = clock.now()
            let identity = try await authentication.identity(of: request, for: endpoint, at: receivedAt)
            let call = Call(
                endpoint: endpoint, request: request, path: path,
                identity: identity, requestID: requestID, receivedAt: receivedAt, body: .request(bodies),
                connection: connection)
            if endpoint.method == .delete { try call.refuseEmptySegments() }
            response = try await handler.respond(to: call)
        } catch {
            response = refuse(error, requestID: requestID, to: request, endpoint).response
        }
        finish(&response, requestID: requestID, endpoint, since: start)
        return response
    }

    /// The same within this process, for somebody who has shown already who it is.
    func respond(
        to request: Request, path: PathParameters, endpoint: Endpoint, handler: any EndpointHandler,
        as identity: Identity?
    ) async -> Response {
        let start = ContinuousClock.now
        let requestID = RequestID.of(request)
        var response: Response
        do {
            let call = Call(
                endpoint: endpoint, request: request, path: path, identity: identity, requestID: requestID,
                receivedAt: clock.now())
            if endpoint.method == .delete { try call.refuseEmptySegments() }
            response = try await handler.respond(to: call)
        } catch {
            response = refuse(error, requestID: requestID, to: request, endpoint).response
        }
        finish(&response, requestID: requestID, endpoint, since: start)
        return response
    }

    /// The answer to a request that ends with an error, and its body.
    func refuse(
        _ error: any Error, requestID: String, to request: Request, _ endpoint: Endpoint
    ) -> (response: Response, body: ByteBuffer) {
        let problem = Problem(thrown: error)
        let refusal = answer(problem, requestID: requestID, to: request, endpoint)
        if refusal.response.status.kind == .serverError {
            metrics.note(
                ServerMetrics.Failure(
                    at: clock.now(), place: endpoint.label, status: refusal.response.status.code,
                    problem: problem, requestID: requestID))
        }
        return refusal
    }

    /// What every answer has; and it is counted and logged.
    func finish(
        _ response: inout Response, requestID: String, _ endpoint: Endpoint, since start: ContinuousClock.Instant
    ) {
        response.headers[.requestID] = requestID
        StreamLog(metrics: metrics, clock: clock, logger: logger).watch(
            &response, place: endpoint.label, requestID: requestID)
        response.headers.append(Pipeline.noSniff)
        if response.status.code != 204, endpoint.spec.isPrivate, response.headers[.cacheControl] == nil {
            response.headers.append(Pipeline.noStore)
        }
        let duration = ContinuousClock.now - start
        metrics.count(.endpoint(endpoint), status: response.status.code, duration: duration)
        logger.debug(
            "answered",
            metadata: [
                // The template, never the path: a path holds profile keys.
                "endpoint": "\(endpoint.label)", "status": "\(response.status.code)",
                "request_id": "\(requestID)", "ms": "\(duration / .milliseconds(1))",
            ])
    }

    /// For a path or method that none of a listener's endpoints has.
    func respondToUnknown(_ request: Request, among endpoints: [Endpoint]) -> Response {
        let requestID = RequestID.of(request)
        let methods = endpoints.filter { $0.matches(path: request.uri.path) }.map(\.method)
        var response: Response
        if methods.isEmpty {
            let problem = Problem(.notFound, "There is nothing at this path; GET /openapi.json lists what there is.")
            response = answer(problem, requestID: requestID).response
        } else {
            var allowed = Set(methods.map(\.rawValue)).union(["OPTIONS"])
            if allowed.contains("GET") { allowed.insert("HEAD") }
            if request.method == .options {
                response = .noContent([.allow: allowed.sorted().joined(separator: ", ")])
            } else {
                let problem = Problem(
                    .methodNotAllowed, "This path has no \(request.method.rawValue.quoted).",
                    allowedMethods: allowed.sorted())
                response = answer(problem, requestID: requestID).response
            }
        }
        response.headers[.requestID] = requestID
        response.headers.append(Pipeline.noSniff)
        metrics.count(.unknown, status: response.status.code, duration: .zero)
        return response
    }

    /// A browser must not guess another type than the one in the answer.
    static let noSniff = HTTPField(name: .xContentTypeOptions, value: "nosniff")
    /// For secrets and personal data: no proxy and no browser may keep them.
    static let noStore = HTTPField(name: .cacheControl, value: "no-store")

    private func answer(
        _ problem: Problem, requestID: String, to request: Request? = nil, _ endpoint: Endpoint? = nil
    ) -> (response: Response, body: ByteBuffer) {
        let status = problem.code.status
        refusals.note(problem, requestID: requestID)
        var headers = HTTPFields([Pipeline.noStore])
        if let seconds = problem.retryAfterSeconds { headers[.retryAfter] = String(seconds) }
        // RFC 9110 §12.5.3: what would be taken instead.
        if problem.code == .unsupportedEncoding { headers[.acceptEncoding] = ContentCoding.accepted }
        if !problem.allowedMethods.isEmpty { headers[.allow] = problem.allowedMethods.joined(separator: ", ") }
        if status == .unauthorized {
            // RFC 6750 §3: only the scheme if no token was sent.
            let error =
                problem.code == .unauthorized || problem.code == .invalidClient ? "" : ", error=\"invalid_token\""
            // RFC 6749 §5.2: in the scheme in which a client tried.
            let isBasic =
                endpoint == .createToken && request?.headers[.authorization]?.lowercased().hasPrefix("basic") == true
            headers[.wwwAuthenticate] = isBasic ? "Basic realm=\"ovation\"" : "Bearer realm=\"ovation\"" + error
        }
        guard problem.code.hasBody else { return (Response(status: status, headers: headers), ByteBuffer()) }
        var body = Bodies.Problem(problem, requestID: requestID)
        if endpoint == .createToken { body.addTokenError(problem) }
        let bytes = ByteBuffer(bytes: JSONWriter.write(body.json))
        return (.buffer(bytes, type: Bodies.Problem.mediaType, status: status, headers: headers), bytes)
    }
}

/// What one endpoint does. The pipeline has found the caller; everything thrown becomes a problem.
protocol EndpointHandler: Sendable {
    func respond(to call: Call) async throws -> Response
}

extension Bodies.Problem {
    init(_ problem: Problem, requestID: String) {
        let status = problem.code.status
        self.init(problem, status: status.code, title: status.title, requestID: requestID)
    }
}

extension Problem {
    /// The error of an endpoint, as the caller may see it.
    init(thrown error: any Error) {
        switch error {
        case let problem as Problem: self = problem
        case let failure as StoreFailure: self.init(failure)
        case let error as HTTPError where error.status == .contentTooLarge:
            self.init(.bodyTooLarge, "The request body is too large.")
        case let error as HTTPError where error.status.code < 500:
            self.init(.invalidRequest, "The request is not valid HTTP for this server.", cause: "\(error)")
        case is CancellationError:
            self.init(.shuttingDown, "The request was cut off.", retryAfterSeconds: 2)
        default:
            self.init(
                .internalError, "The server made a mistake; its log has more under this request id.",
                cause: String(reflecting: error))
        }
    }
}

/// The id of a request in answers and logs: the caller's own `X-Request-Id` if it is valid, or a new one.
enum RequestID {
    private static let prefix = String(UInt64.random(in: .min ... .max), radix: 36) + "-"
    private static let counter = Atomic<UInt64>(0)

    static func make() -> String {
        prefix + String(counter.add(1, ordering: .relaxed).newValue, radix: 36)
    }

    static func of(_ request: Request) -> String {
        if let given = request.headers.text(of: .requestID), !given.isEmpty,
            given.utf8.count <= Limits.requestIDLengthMax,
            given.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        {
            return given
        }
        return make()
    }
}

/// The time of day; a test sets its own.
public struct WallClock: Sendable {
    public let now: @Sendable () -> Timestamp

    public init(now: @escaping @Sendable () -> Timestamp) {
        self.now = now
    }

    public static let system = WallClock {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }
}

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

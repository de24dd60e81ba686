import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import OvationConsole
import OvationCore
import OvationWire

/// The pages under `/console`, and the life of every request to them: find the session, check that a form came from a
/// page of ours, let the page answer, and turn what was thrown into a page that says what to do.
struct Console: Sendable {
    let pages: ConsolePages
    let reference: Reference
    let sessions: ConsoleSessions
    let api: LocalAPI
    let feed: LiveFeed
    let directory: Directory
    let secretHash: SecretHash
    let signIns: SignInLog
    let metrics: ServerMetrics
    let limits: Limits
    let bodies: BodyBudget
    let version: String
    let region: String
    let basePath: BasePath
    let clock: WallClock
    let logger: Logger

    static let cookie = "ovation_console"
    static let formCookie = "ovation_console_form"

    func respond(
        to request: Request, path: PathParameters, route: ConsoleRoute, remoteAddress: String
    ) async -> Response {
        let start = ContinuousClock.now
        let requestID = RequestID.of(request)
        var response: Response
        do {
            let arrival = Arrival(
                console: self, request: request, path: path, remoteAddress: remoteAddress, requestID: requestID,
                now: clock.now())
            response = try await respond(to: arrival, route: route)
        } catch {
            response = answer(Problem(thrown: error), requestID: requestID, request)
        }
        finish(&response, requestID: requestID, took: ContinuousClock.now - start)
        return response
    }

    /// For an address under `/console` that no page has.
    func respondToUnknown(_ request: Request) -> Response {
        let requestID = RequestID.of(request)
        let problem = Problem(.notFound, "The console has no page at this address.")
        var response = answer(problem, requestID: requestID, request)
        finish(&response, requestID: requestID, took: .zero)
        return response
    }

    private func respond(to arrival: Arrival, route: ConsoleRoute) async throws -> Response {
        switch route.answer {
        case .open(let answer): return try await answer(arrival)
        case .page(let answer):
            return try await respond(to: arrival, with: answer)
        case .act(let answer, let asking):
            return try await respond(to: arrival) { visit in
                // Here and not in each act, so that none can forget it.
                if case .question(let ask) = asking, !visit.form.has(ConfirmPage.confirmed),
                    let question = try await ask(visit)
                {
                    return question
                }
                return try await answer(visit)
            }
        }
    }

    private func respond(
        to arrival: Arrival, with answer: @Sendable (Visit) async throws -> Response
    ) async throws -> Response {
        guard let visit = try await visit(arrival) else { return arrival.sendToSignIn() }
        do {
            return try await answer(visit)
        } catch {
            return await respond(Problem(thrown: error), visit)
        }
    }

    /// nil: nobody is signed in.
    private func visit(_ arrival: Arrival) async throws -> Visit? {
        guard let token = arrival.cookie(Console.cookie), let session = sessions.session(token, at: arrival.now) else {
            return nil
        }
        // Looked up each time, so that a revoked key is out at once.
        guard let identity = directory.identity(clientID: session.clientID), identity.isAdmin else {
            sessions.end(token)
            return nil
        }
        // Read only now that somebody is there: a form can be large.
        let form = try await arrival.form(upTo: max(Limits.formBytesMax, 4 * limits.bodyBytesMax))
        if arrival.request.method == .post {
            try arrival.refuseOtherSites()
            guard form["csrf"].equalsInConstantTime(session.csrf) else { throw Console.foreignForm }
        }
        return Visit(
            console: self, request: arrival.request, path: arrival.path, form: form, session: session,
            token: token,
            caller: LocalAPI.Caller(identity: identity, requestID: arrival.requestID, receivedAt: arrival.now))
    }

    static let foreignForm = Problem(
        .formNotOurs,
        "The form was not sent from a page of this session, so nothing was done. Open the page again and repeat it.")

    // MARK: Answers

    private func respond(_ problem: Problem, _ visit: Visit) async -> Response {
        let status = problem.code.status
        note(problem, requestID: visit.caller.requestID)
        // What the script asked for it shows inside a page.
        if visit.isFromScript {
            return .bytes(Array(problem.detail.utf8), type: "text/plain; charset=utf-8", status: status)
        }
        return await visit.page(ProblemPage(problem, requestID: visit.caller.requestID), area: nil, status: status)
    }

    private func answer(_ problem: Problem, requestID: String, _ request: Request) -> Response {
        note(problem, requestID: requestID)
        let page = ProblemPage(problem, requestID: requestID)
        return .html(pages.renderBare(page, csrf: ""), status: problem.code.status)
    }

    private func note(_ problem: Problem, requestID: String) {
        if problem.code.status.kind == .serverError {
            metrics.note(
                ServerMetrics.Failure(
                    at: clock.now(), place: "console", status: problem.code.status.code, problem: problem,
                    requestID: requestID))
        }
        guard let cause = problem.cause else { return }
        logger.log(
            level: problem.code.status.kind == .serverError ? .error : .debug, "the console refused",
            metadata: ["code": "\(problem.code.rawValue)", "cause": "\(cause)", "request_id": "\(requestID)"])
    }

    /// What every answer of the console carries.
    private func finish(_ response: inout Response, requestID: String, took duration: Duration) {
        response.headers[.requestID] = requestID
        response.headers[.contentSecurityPolicy] =
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
            + "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
        response.headers[.xContentTypeOptions] = "nosniff"
        response.headers[HTTPField.Name("X-Frame-Options")!] = "DENY"
        response.headers[HTTPField.Name("Referrer-Policy")!] = "same-origin"
        response.headers[HTTPField.Name("Cross-Origin-Opener-Policy")!] = "same-origin"
        if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }
        StreamLog(metrics: metrics, clock: clock, logger: logger).watch(
            &response, place: "console", requestID: requestID)
        metrics.count(.console, status: response.status.code, duration: duration)
        logger.debug(
            "the console answered", metadata: ["status": "\(response.status.code)", "request_id": "\(requestID)"])
    }
}

/// A request to the console before anybody knows who it is.
struct Arrival: Sendable {
    let console: Console
    let request: Request
    let path: PathParameters
    let remoteAddress: String
    let requestID: String
    let now: Timestamp

    func cookie(_ name: String) -> String? {
        for header in request.headers[values: .cookie] {
            for pair in header.split(separator: ";") {
                let text = pair.drop { $0 == " " }
                if text.hasPrefix(name + "=") { return String(text.dropFirst(name.count + 1)) }
            }
        }
        return nil
    }

    /// The posted form; empty for all but posts.
    func form(upTo bytesMax: Int) async throws -> Form {
        guard request.method == .post else { return Form(fields: []) }
        let body = try await request.collectedBody(upTo: bytesMax, within: console.bodies)
        guard let text = String(validating: body.readableBytesView, as: UTF8.self),
            let fields = PercentEncoding.decode(form: text)
        else { throw Problem(.invalidRequest, "The form is not one that a browser would send.") }
        return Form(fields: fields)
    }

    /// Browsers say from where a form was sent; those that do not are held to the form's token alone.
    func refuseOtherSites() throws(Problem) {
        guard let site = request.headers[HTTPField.Name("Sec-Fetch-Site")!] else { return }
        guard site == "same-origin" || site == "none" else { throw Console.foreignForm }
    }

    /// Where a page was asked for, it is shown after the sign-in; a form is lost, and its page is said to be.
    func sendToSignIn() -> Response {
        if request.headers[HTTPField.Name("X-Requested-With")!] != nil {
            let text = "You are signed out. Load the page again to sign in."
            return .bytes(Array(text.utf8), type: "text/plain; charset=utf-8", status: .unauthorized)
        }
        let next = request.method == .get ? request.uri.string : ConsolePath.overview
        let hadSession = cookie(Console.cookie) != nil
        var response = Response.redirect(
            to: ConsolePath.with(ConsolePath.signIn, [("next", next), ("ended", hadSession ? "1" : "")]))
        if hadSession { response.headers.append(setCookie(Console.cookie, "", lasting: 0)) }
        return response
    }
}

extension Request {
    /// Readable by no script, sent along from no other site but by following a link, over TLS only where there is TLS.
    func setCookie(_ name: String, _ value: String, lasting seconds: Int64?) -> HTTPField {
        let isSecure = headers[HTTPField.Name("X-Forwarded-Proto")!] == "https"
        let age = seconds.map { "; Max-Age=\($0)" } ?? ""
        return HTTPField(
            name: .setCookie,
            value: "\(name)=\(value); Path=/console; HttpOnly; SameSite=Lax\(age)\(isSecure ? "; Secure" : "")")
    }
}

extension Arrival {
    func setCookie(_ name: String, _ value: String, lasting seconds: Int64?) -> HTTPField {
        request.setCookie(name, value, lasting: seconds)
    }
}

extension Visit {
    func setCookie(_ name: String, _ value: String, lasting seconds: Int64?) -> HTTPField {
        request.setCookie(name, value, lasting: seconds)
    }

    /// Whether the page's script asks, and not the browser for a page.
    var isFromScript: Bool { request.headers[HTTPField.Name("X-Requested-With")!] == "console" }
}

extension ProblemPage {
    init(_ problem: Problem, requestID: String) {
        let status = problem.code.status
        let advice: [String] =
            switch status.kind {
            case .serverError:
                ["Try again in a moment.", "If it goes on, look for the request id in the server's log."]
            default: []
            }
        self.init(
            status: status.code, heading: status.title, detail: problem.detail, requestID: requestID, advice: advice)
    }
}

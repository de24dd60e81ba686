import HTTPTypes
import Hummingbird
import OvationConsole
import OvationCore
import OvationWire

/// `/console/sign-in`, `/console/enter/{link}`, `/console/sign-out`, `/console/mask`
enum SignIn {
    @Sendable static func show(_ arrival: Arrival) async throws -> Response {
        let error = try arrival.query("ended") == "1" ? "Your session has ended. Sign in again." : nil
        return form(arrival, next: try arrival.query("next"), error: error)
    }

    @Sendable static func post(_ arrival: Arrival) async throws -> Response {
        let console = arrival.console
        let form = try await arrival.form(upTo: Limits.signInFormBytesMax)
        try arrival.refuseOtherSites()
        guard let nonce = arrival.cookie(Console.formCookie),
            form["csrf"].equalsInConstantTime(console.sessions.formToken(for: nonce))
        else {
            return self.form(
                arrival, next: form["next"], clientID: form["client_id"],
                error: "The form was open for too long, or cookies are off. Try again.", status: .forbidden)
        }
        // As people paste them.
        let clientID = form["client_id"].filter { !$0.isWhitespace }
        let secret = form["client_secret"].filter { !$0.isWhitespace }
        let key = console.directory.identity(clientID: clientID)?.key
        let attempt = arrival.attempt(.console, clientID: clientID)
        guard console.secretHash.matches(secret, key, at: arrival.now), let key else {
            return refused(
                attempt, "wrong secret or revoked key", arrival, next: form["next"],
                error: "The client id or the client secret is wrong, or the API key was revoked.")
        }
        guard key.role == .admin else {
            console.signIns.noteRefusal(attempt, of: key, "no admin key")
            return self.form(
                arrival, next: form["next"], clientID: clientID,
                error: "This is an integration's key. The console needs an API key of role admin.", status: .forbidden)
        }
        console.signIns.noteSuccess(attempt, as: key)
        console.directory.noteUse(of: key, at: arrival.now)
        return start(arrival, clientID: key.clientID, next: form["next"])
    }

    /// The one-time link that the server prints.
    @Sendable static func enter(_ arrival: Arrival) async throws -> Response {
        let sessions = arrival.console.sessions
        // A client that only looks whether there is something does not use the link up.
        guard arrival.request.method == .get else { return Response(status: .ok) }
        if let token = arrival.cookie(Console.cookie), sessions.session(token, at: arrival.now) != nil {
            return .redirect(to: ConsolePath.overview)
        }
        let attempt = arrival.attempt(.link, clientID: nil)
        guard let clientID = sessions.redeem(link: try arrival.path.text("link"), at: arrival.now) else {
            return refused(
                attempt, "link used before or too old", arrival, next: "",
                error:
                    "This link was used before or is too old. Sign in with an admin API key, or print a new link with "
                    + "'ovation console' on the server's machine.")
        }
        if let key = arrival.console.directory.identity(clientID: clientID)?.key {
            arrival.console.signIns.noteSuccess(attempt, as: key)
            arrival.console.directory.noteUse(of: key, at: arrival.now)
        }
        return start(arrival, clientID: clientID, next: "")
    }

    @Sendable static func end(_ visit: Visit) async throws -> Response {
        visit.console.sessions.end(visit.token)
        var response = Response.redirect(to: ConsolePath.signIn)
        response.headers.append(visit.setCookie(Console.cookie, "", lasting: 0))
        // So that the button back does not show pages from before.
        response.headers[HTTPField.Name("Clear-Site-Data")!] = "\"cache\""
        return response
    }

    @Sendable static func mask(_ visit: Visit) async throws -> Response {
        visit.console.sessions.mask(visit.form["masked"] == "on", visit.token)
        return .redirect(to: local(visit.form["back"]))
    }

    /// The form again, with what is wrong; or with how long to wait, where it was wrong too often.
    private static func refused(
        _ attempt: SignInLog.Attempt, _ reason: String, _ arrival: Arrival, next: String, error: String
    ) -> Response {
        let problem = arrival.console.signIns.noteFailure(attempt, reason)
        return form(
            arrival, next: next, clientID: attempt.clientID ?? "", error: problem?.detail ?? error,
            status: problem == nil ? .unauthorized : .tooManyRequests, retryAfter: problem?.retryAfterSeconds)
    }

    private static func start(_ arrival: Arrival, clientID: String, next: String) -> Response {
        let sessions = arrival.console.sessions
        // Never the session that was there: somebody could have planted it.
        if let old = arrival.cookie(Console.cookie) { sessions.end(old) }
        let token = sessions.start(clientID: clientID, at: arrival.now)
        var response = Response.redirect(to: local(next))
        response.headers.append(arrival.setCookie(Console.cookie, token, lasting: nil))
        response.headers.append(arrival.setCookie(Console.formCookie, "", lasting: 0))
        return response
    }

    private static func form(
        _ arrival: Arrival, next: String, clientID: String = "", error: String?, status: HTTPResponse.Status = .ok,
        retryAfter: Int? = nil
    ) -> Response {
        // The same one while the browser has it, so that the form of another tab stays good.
        let nonce =
            arrival.cookie(Console.formCookie).flatMap { $0.count == 64 ? $0 : nil }
            ?? ConsoleSessions.randomToken()
        let page = SignInPage(clientID: clientID, next: local(next), error: error)
        let csrf = arrival.console.sessions.formToken(for: nonce)
        var response = Response.html(arrival.console.pages.renderBare(page, csrf: csrf), status: status)
        response.headers.append(arrival.setCookie(Console.formCookie, nonce, lasting: nil))
        if let retryAfter { response.headers[.retryAfter] = String(retryAfter) }
        return response
    }

    /// An address of the console, whatever was asked for: a link must not lead from the sign-in to another site.
    static func local(_ path: String) -> String {
        let isOurs = path == "/console" || path.hasPrefix("/console/") || path.hasPrefix("/console?")
        let isPlain = path.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") }
        // A browser would walk out of the console on these.
        let name = path.prefix { $0 != "?" }.lowercased()
        let isStraight = !["//", "/.", "%2e"].contains { name.contains($0) }
        return isOurs && isPlain && isStraight ? path : ConsolePath.overview
    }
}

/// `/console/assets/{version}/{file}`
enum Assets {
    /// `GET /favicon.ico`: browsers look for it beside answers that are no pages.
    @Sendable static func showIcon(_ arrival: Arrival) async throws -> Response {
        guard let icon = arrival.console.pages.asset(named: "icon.svg") else {
            throw Problem(.notFound, "There is no such file.")
        }
        return .bytes(icon.bytes, type: icon.contentType, headers: [.cacheControl: "public, max-age=86400"])
    }

    @Sendable static func show(_ arrival: Arrival) async throws -> Response {
        let pages = arrival.console.pages
        guard let asset = pages.asset(named: try arrival.path.text("file")) else {
            throw Problem(.notFound, "There is no such file.")
        }
        // Another version has another address, so this one may be kept for good.
        let isCurrent = try arrival.path.text("version") == pages.assetVersion
        return .bytes(
            asset.bytes, type: asset.contentType,
            headers: [.cacheControl: isCurrent ? "public, max-age=31536000, immutable" : "no-store"])
    }
}

extension Arrival {
    fileprivate func attempt(_ method: SignInLog.Method, clientID: String?) -> SignInLog.Attempt {
        SignInLog.Attempt(
            method: method, clientID: clientID, address: remoteAddress, requestID: requestID, at: now)
    }

    func query(_ name: String) throws(Problem) -> String {
        guard let fields = PercentEncoding.decode(form: request.uri.query ?? "") else {
            throw Problem(.invalidParameter, "The address has a broken percent-escape.")
        }
        return fields.last { $0.name == name }?.value ?? ""
    }
}

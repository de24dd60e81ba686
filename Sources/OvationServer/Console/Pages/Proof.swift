import HTTPTypes
import Hummingbird
import OvationConsole
import OvationCore

/// What a session may do only shortly after its secret was given: whoever finds a screen that somebody left must not take
/// a key away with him.
enum Proof {
    /// What to answer to a form that has to wait until the secret was given again; nil where it was given of late, or
    /// stands in the form. Nothing of the form is lost meanwhile.
    static func question(_ visit: Visit) async -> Response? {
        if visit.now < visit.session.provedAt.advanced(by: Limits.keyProofLifetime) { return nil }
        guard visit.form.has("proof") else { return await ask(visit, nil, .forbidden) }
        // A session that somebody took over does not try secrets for long.
        let sessions = visit.console.sessions
        let attempts = "session of " + visit.session.clientID
        do {
            try sessions.noteAttempt(from: attempts, at: visit.now)
        } catch {
            return await ask(visit, error.detail, .tooManyRequests)
        }
        let secret = visit.form["proof"].filter { !$0.isWhitespace }
        guard visit.console.secretHash.matches(secret, visit.identity.key, at: visit.now) else {
            return await ask(visit, "The client secret is wrong.", .unauthorized)
        }
        sessions.forgetAttempts(from: attempts)
        sessions.prove(visit.token, at: visit.now)
        return nil
    }

    private static func ask(_ visit: Visit, _ error: String?, _ status: HTTPResponse.Status) async -> Response {
        let hidden = visit.form.fields.filter { $0.name != "csrf" && $0.name != "proof" }
        let page = ProofPage(
            clientID: visit.session.clientID, action: visit.request.uri.path,
            hidden: hidden.map { .init(name: $0.name, value: $0.value) }, cancel: ConsolePath.keys, error: error)
        return await visit.page(page, area: .keys, status: status)
    }
}

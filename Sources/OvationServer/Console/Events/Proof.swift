import HTTPTypes
import Hummingbird
import OvationConsole
import OvationCore

/// What a session may do only shortly after its secret was given: a person who finds a screen that was left must not take
/// a key away with him.
enum Proof {
    /// Stands for the address: who signed in from where does not matter here.
    private static let origin = "proof"

    /// What to answer to a form that has to wait until the secret was given again; nil where it was given of late, or
    /// stands in the form. Nothing of the form is lost meanwhile.
    static func question(_ visit: Visit) async -> Response? {
        if visit.now < visit.session.provedAt.advanced(by: Limits.keyProofLifetime) { return nil }
        guard visit.form.has("proof") else { return await ask(visit, nil, .forbidden) }
        let secret = visit.form["proof"].filter { !$0.isWhitespace }
        let throttle = visit.console.signIns.throttle
        guard visit.console.secretHash.matches(secret, visit.identity.key, at: visit.now) else {
            // A session that somebody took over does not try secrets for long.
            switch throttle.noteFailure(of: visit.session.clientID, from: origin, at: visit.now) {
            case .wrong: return await ask(visit, "The client secret is wrong.", .unauthorized)
            case .throttled(_, let seconds):
                let problem = Problem.tooManyAttempts(retryAfterSeconds: seconds)
                return await ask(visit, problem.detail, .tooManyRequests)
            }
        }
        throttle.forget(visit.session.clientID, from: origin)
        visit.console.sessions.prove(visit.token, at: visit.now)
        return nil
    }

    private static func ask(_ visit: Visit, _ error: String?, _ status: HTTPResponse.Status) async -> Response {
        // With the answer to the question that came before, so that it is not asked twice.
        let hidden = visit.form.fields.filter { $0.name != "csrf" && $0.name != "proof" }
        let page = ProofPage(
            clientID: visit.session.clientID, action: visit.request.uri.path,
            hidden: hidden.map { .init(name: $0.name, value: $0.value) }, cancel: ConsolePath.keys, error: error)
        return await visit.page(page, area: .keys, status: status)
    }
}

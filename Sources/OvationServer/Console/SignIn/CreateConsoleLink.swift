import Hummingbird
import OvationCore
import OvationWire

/// `POST /account/console-links`: a link that signs in to the console once, as the API key that asks. It is good at this
/// server alone, whose memory has it.
///
/// A token of `ovation console` brings the SHA-256 of a secret that the command keeps. Whatever else answers in the
/// server's place learns a hash, and a token that is good for nothing but to register it.
struct CreateConsoleLink: BodyEndpoint {
    /// nil where the console is turned off.
    let sessions: ConsoleSessions?

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.ConsoleLink> {
        let caller = try call.caller()
        guard let sessions else {
            throw Problem(.notFound, "The console of this server is turned off (console: false).")
        }
        var path = ConsolePath.enter
        if let token = try? BearerAuthentication.token(in: call.request), let link = TokenSigner.link(of: token) {
            sessions.add(link: link, clientID: caller.key.clientID, at: call.receivedAt)
        } else {
            path += sessions.makeLink(clientID: caller.key.clientID, at: call.receivedAt)
        }
        var body = Bodies.ConsoleLink()
        body.path = path
        body.expiresAt = call.receivedAt.advanced(by: Limits.consoleLinkLifetime)
        return BodyAnswer(body, status: .created, headers: [.cacheControl: "no-store"])
    }
}

/// What `ovation console` makes a link from.
public enum ConsoleLink {
    /// - Returns: the last part of the link's path, and what the server is told of it.
    public static func make() -> (secret: String, hash: String) {
        let secret = ConsoleSessions.randomToken()
        return (secret, Hexadecimal.text(of: ConsoleSessions.hash(secret)))
    }
}

import Hummingbird
import OvationCore
import OvationWire

/// `POST /account/console-links`: a link that signs in to the console once, as the API key that asks. It is good at this
/// server alone, whose memory has it.
struct CreateConsoleLink: EndpointHandler {
    /// nil where the console is turned off.
    let sessions: ConsoleSessions?

    func respond(to call: Call) async throws -> Response {
        let caller = try call.caller()
        guard let sessions else {
            throw Problem(.notFound, "The console of this server is turned off (console: false).")
        }
        let link = sessions.makeLink(clientID: caller.key.clientID, at: call.receivedAt)
        return .json(
            .object([
                .init("path", .string(ConsolePath.enter + link)),
                .init("expires_at", .string(call.receivedAt.advanced(by: Limits.consoleLinkLifetime).rfc3339)),
            ]), status: .created, headers: [.cacheControl: "no-store"])
    }
}

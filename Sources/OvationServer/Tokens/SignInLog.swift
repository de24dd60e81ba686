import HTTPTypes
import Hummingbird
import Logging
import OvationCore

/// Counts and logs every attempt to sign in or to get a token.
///
/// A line has the address and the client id; a client id only if such a key exists, since people paste secrets into the
/// wrong field.
struct SignInLog: Sendable {
    let throttle = SignInThrottle()
    let directory: Directory
    let clients: ClientAddress
    let logger: Logger

    /// The place of an attempt.
    enum Method: String, Sendable {
        case console
        case link = "console link"
        case token
    }

    /// One attempt: by which method, from where, and for whom.
    struct Attempt: Sendable {
        let method: Method
        /// As it was sent; nil for a link.
        let clientID: String?
        let address: String
        let requestID: String
        let at: Timestamp
    }

    func address(of request: Request, on connection: Connection?) -> String {
        clients.of(
            peer: connection?.remoteAddress ?? "unknown",
            forwardedFor: request.headers[values: HTTPField.Name("X-Forwarded-For")!],
            forwarded: request.headers[values: HTTPField.Name("Forwarded")!])
    }

    func noteSuccess(_ attempt: Attempt, as key: APIKey) {
        throttle.forget(attempt.clientID, from: attempt.address)
        logger.info("signed in", metadata: metadata(attempt, clientID: key.clientID))
    }

    /// For a key with the right secret.
    func noteRefusal(_ attempt: Attempt, of key: APIKey, _ reason: String) {
        var metadata = metadata(attempt, clientID: key.clientID)
        metadata["reason"] = "\(reason)"
        logger.info("sign-in refused", metadata: metadata)
    }

    /// - Parameter reason: as the log has it.
    /// - Returns: the refusal after too many wrong attempts; nil if the answer only says that it is wrong.
    func noteFailure(_ attempt: Attempt, _ reason: String) -> Problem? {
        let known = attempt.clientID.flatMap { directory.has(apiKey: $0) ? $0 : nil }
        var metadata = metadata(attempt, clientID: known ?? "unknown")
        metadata["reason"] = "\(reason)"
        switch throttle.noteFailure(of: attempt.clientID, from: attempt.address, at: attempt.at) {
        case .wrong:
            logger.info("sign-in refused", metadata: metadata)
            return nil
        case .throttled(let isNew, let seconds):
            // Once in each window: an endless series of attempts would fill the disk.
            if isNew { logger.info("sign-ins throttled", metadata: metadata) }
            return .tooManyAttempts(retryAfterSeconds: seconds)
        }
    }

    private func metadata(_ attempt: Attempt, clientID: String) -> Logger.Metadata {
        [
            "method": "\(attempt.method.rawValue)", "client_id": "\(clientID)", "address": "\(attempt.address)",
            "request_id": "\(attempt.requestID)",
        ]
    }
}

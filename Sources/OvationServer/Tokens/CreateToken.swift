import Hummingbird
import OvationCore
import OvationWire

/// `POST /oauth/token`
struct CreateToken: BodyEndpoint {
    let directory: Directory
    let signer: TokenSigner
    let secretHash: SecretHash
    let signIns: SignInLog
    let limits: Limits

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Token> {
        let body = try await call.body(within: limits)
        let basic = try call.request.headers[.authorization].flatMap { header throws(Problem) in
            try BasicCredentials(header: header)
        }
        let request = try TokenCredentials(parsing: Array(body.readableBytesView), basic: basic)
        var found = key(of: request, at: call.receivedAt)
        if found == nil {
            // Another server may have made the key, or its secret, a moment ago.
            await directory.catchUp(signer)
            found = key(of: request, at: call.receivedAt)
        }
        let attempt = SignInLog.Attempt(
            method: .token, clientID: request.clientID, address: signIns.address(of: call.request, on: call.connection),
            requestID: call.requestID,
            at: call.receivedAt)
        guard let key = found else {
            if let problem = signIns.noteFailure(attempt, "wrong secret or revoked key") { throw problem }
            throw Problem(.invalidClient, "The client id or the client secret is wrong, or the API key was deleted.")
        }
        signIns.noteSuccess(attempt, as: key)
        directory.noteUse(of: key, at: call.receivedAt)
        let token = try await signer.sign(key, at: call.receivedAt)
        return BodyAnswer(
            Bodies.Token(token, expiresIn: Limits.tokenLifetime.components.seconds),
            headers: [.cacheControl: "no-store"])
    }

    /// An unknown id takes as long as a wrong secret, and answers the same.
    private func key(of request: TokenCredentials, at now: Timestamp) -> APIKey? {
        key(request.clientID, request.clientSecret, at: now)
            ?? request.otherReading.flatMap { key($0.id, $0.secret, at: now) }
    }

    private func key(_ id: String, _ secret: String, at now: Timestamp) -> APIKey? {
        let key = directory.identity(clientID: id)?.key
        return secretHash.matches(secret, key, at: now) ? key : nil
    }
}

import Hummingbird
import OvationCore
import OvationWire

/// `POST /account/api-keys`: the answer is the only place that ever shows the secret.
struct CreateAPIKey: EndpointHandler {
    let directory: Directory
    let secretHash: SecretHash
    let limits: Limits

    func respond(to call: Call) async throws -> Response {
        let caller = try call.caller()
        let body = try APIKeyRequest(await call.json(within: limits), in: caller.catalogue)
        let secret = SecretHash.makeSecret()
        let key = APIKey(
            clientID: SecretHash.makeClientID(), account: caller.key.account, name: body.name, role: body.role,
            sections: body.sections, keyspaces: body.keyspaces, secretHash: secretHash.hash(secret),
            createdAt: call.receivedAt)
        let act = Act(
            .apiKeyCreated, subject: key.clientID, detail: "\(key.role.rawValue) key '\(key.name)'")
        try await directory.add(key, EditContext(call), recordedAs: act) { () throws(Problem) in
            guard directory.apiKeys(ofAccount: key.account).count(where: { $0.revokedAt == nil }) < Limits.apiKeysMax
            else { throw Problem(.limitExceeded, "An account has at most \(Limits.apiKeysMax) API keys in use.") }
        }
        return .json(key.json(secret: secret), status: .created, headers: [.cacheControl: "no-store"])
    }
}

import Hummingbird
import OvationCore
import OvationWire

/// `POST /account/api-keys`: the answer is the only place that ever shows the secret.
struct CreateAPIKey: BodyEndpoint, InputEndpoint {
    typealias Input = Bodies.APIKeyRequest

    let directory: Directory
    let secretHash: SecretHash
    let limits: Limits

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.NewAPIKey> {
        let caller = try call.caller()
        let body = try await input(of: call)
        let rights = try APIKeyRights(body, in: caller.catalogue)
        let secret = SecretHash.makeSecret()
        let key = APIKey(
            clientID: SecretHash.makeClientID(), account: caller.key.account, name: body.name, role: rights.role,
            sections: rights.sections, keyspaces: rights.keyspaces, secretHash: secretHash.hash(secret),
            createdAt: call.receivedAt)
        let act = Act(
            .apiKeyCreated, subject: key.clientID, detail: "\(key.role.rawValue) key '\(key.name)'")
        try await directory.add(key, EditContext(call), recordedAs: act) { () throws(Problem) in
            guard directory.apiKeys(ofAccount: key.account).count(where: { $0.revokedAt == nil }) < Limits.apiKeysMax
            else { throw Problem(.limitExceeded, "An account has at most \(Limits.apiKeysMax) API keys in use.") }
        }
        return BodyAnswer(
            Bodies.NewAPIKey(key, secret: secret), status: .created, headers: [.cacheControl: "no-store"])
    }
}

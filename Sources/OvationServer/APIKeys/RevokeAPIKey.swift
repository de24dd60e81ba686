import Hummingbird
import OvationCore
import OvationWire

/// `DELETE /account/api-keys/{client_id}`: refused from now on, with every token it was given.
struct RevokeAPIKey: EndpointHandler {
    let directory: Directory

    func respond(to call: Call) async throws -> Response {
        let clientID = try call.path.text("client_id")
        try await directory.change(
            apiKey: clientID, EditContext(call),
            recordedAs: { key in
                Act(.apiKeyRevoked, subject: key.clientID, detail: "\(key.role.rawValue) key '\(key.name)'")
            }
        ) { key throws(Problem) in
            // Checked while it is this change's turn, so that two cannot each leave the other as the last.
            let admins = directory.apiKeys(ofAccount: key.account).filter { $0.role == .admin && $0.revokedAt == nil }
            guard key.role != .admin || admins.contains(where: { $0.clientID != key.clientID }) else {
                throw Problem(.conflict, "This is the account's last admin key; create another before you revoke it.")
            }
            key.revokedAt = call.receivedAt
        }
        return .noContent()
    }
}

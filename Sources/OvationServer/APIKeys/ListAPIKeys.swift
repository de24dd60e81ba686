import Hummingbird
import OvationCore

/// `GET /account/api-keys`: all of them, the revoked too; never their secrets.
struct ListAPIKeys: EndpointHandler {
    let directory: Directory

    func respond(to call: Call) async throws -> Response {
        let keys = directory.apiKeys(ofAccount: try call.caller().key.account)
        return .items(keys.map { $0.json() })
    }
}

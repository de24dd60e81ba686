import Hummingbird
import OvationCore
import OvationWire

/// `GET /account/api-keys`: all of them, the revoked too; never their secrets.
struct ListAPIKeys: BodyEndpoint {
    let directory: Directory

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.APIKeys> {
        let keys = directory.apiKeys(ofAccount: try call.caller().key.account)
        var body = Bodies.APIKeys()
        body.items = keys.map { Bodies.APIKey($0) }
        return BodyAnswer(body)
    }
}

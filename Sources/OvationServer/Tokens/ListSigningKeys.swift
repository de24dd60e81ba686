import Hummingbird
import OvationCore
import OvationWire

/// `GET /.well-known/jwks.json`
struct ListSigningKeys: BodyEndpoint {
    let signer: TokenSigner

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.KeySet> {
        BodyAnswer(try signer.publicKeySet(at: call.receivedAt), headers: [.cacheControl: "max-age=300"])
    }
}

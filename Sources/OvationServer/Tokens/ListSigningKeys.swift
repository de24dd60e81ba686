import Hummingbird
import OvationCore

/// `GET /.well-known/jwks.json`
struct ListSigningKeys: EndpointHandler {
    let signer: TokenSigner

    func respond(to call: Call) async throws -> Response {
        .json(try signer.publicKeySet(at: call.receivedAt), headers: [.cacheControl: "max-age=300"])
    }
}

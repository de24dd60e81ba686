import Hummingbird
import OvationCore
import OvationWire

/// `POST /account/signing-keys`: a new key signs from now on. Tokens of the old one stay valid until they expire.
struct RotateSigningKey: BodyEndpoint {
    let directory: Directory
    let signer: TokenSigner

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.SigningKey> {
        let new = try TokenSigner.makeKey(at: call.receivedAt)
        try await directory.rotate(signer, to: new, EditContext(call))
        var body = Bodies.SigningKey()
        body.id = new.id
        return BodyAnswer(body, status: .created)
    }
}

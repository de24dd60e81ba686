import Hummingbird
import OvationCore
import OvationWire

/// `POST /account/signing-keys`: a new key signs from now on. Tokens of the old one stay valid until they expire.
struct RotateSigningKey: EndpointHandler {
    let directory: Directory
    let signer: TokenSigner

    func respond(to call: Call) async throws -> Response {
        let new = try TokenSigner.makeKey(at: call.receivedAt)
        try await directory.rotate(signer, to: new, EditContext(call))
        return .json(.object([.init("kid", .string(new.id))]), status: .created)
    }
}

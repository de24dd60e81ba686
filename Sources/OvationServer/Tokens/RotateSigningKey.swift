import Hummingbird
import OvationCore
import OvationWire

/// `POST /account/signing-keys`: a new key signs from now on. Tokens of the old one stay valid until they expire.
struct RotateSigningKey: EndpointHandler {
    let directory: Directory
    let signer: TokenSigner

    func respond(to call: Call) async throws -> Response {
        let caller = try call.caller()
        let new = try TokenSigner.makeKey(at: call.receivedAt)
        let oldestUseful = call.receivedAt.advanced(by: .zero - Limits.tokenLifetime)
        let retired = signer.keys.map { key in
            var key = key
            if key.retiredAt == nil { key.retiredAt = call.receivedAt }
            return key
        }
        let note = Note(act: .signingKeyRotated, subject: new.id, detail: "The new key signs from now on.")
        try await directory.edit(
            account: caller.key.account, by: caller.key.clientID, at: call.receivedAt, signingKeys: retired + [new]
        ) { _ in [.noted(note)] }
        try await signer.replace(keys: retired.filter { ($0.retiredAt ?? oldestUseful) >= oldestUseful } + [new])
        return .json(.object([.init("kid", .string(new.id))]), status: .created)
    }
}

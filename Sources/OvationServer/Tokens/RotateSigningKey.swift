import Hummingbird
import OvationCore
import OvationWire

/// `POST /account/signing-keys`: a new key signs from now on. Tokens of the old one stay valid until they expire.
struct RotateSigningKey: EndpointHandler {
    let directory: Directory
    let signer: TokenSigner
    let store: any Store

    func respond(to call: Call) async throws -> Response {
        let caller = try call.caller()
        let new = try TokenSigner.makeKey(at: call.receivedAt)
        let retired = signer.keys.map { key in
            var key = key
            if key.retiredAt == nil { key.retiredAt = call.receivedAt }
            return key
        }
        let note = Note(act: .signingKeyRotated, subject: new.id, detail: "The new key signs from now on.")
        try await directory.edit(
            account: caller.key.account, by: caller.key.clientID, at: call.receivedAt, signingKeys: retired + [new]
        ) { _ in [.noted(note)] }
        // From the store, where another rotation at the same moment has left its key too.
        try await signer.replace(keys: await store.load().signingKeys)
        return .json(.object([.init("kid", .string(new.id))]), status: .created)
    }
}

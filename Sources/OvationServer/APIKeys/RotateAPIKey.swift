import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// `POST /account/api-keys/{client_id}/rotate` with `{overlap_hours?}`: a new secret, shown in this answer only. The
/// old one is good for the overlap, a day if nothing is said, so that you can tell its holder in time; 0 ends it
/// at once. Tokens that were given out stay good until they expire.
struct RotateAPIKey: BodyEndpoint, InputEndpoint {
    typealias Input = Bodies.RotateAPIKeyRequest

    let directory: Directory
    let secretHash: SecretHash
    let limits: Limits

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.NewAPIKey> {
        let clientID = try call.path.text("client_id")
        let hours = try await optionalInput(of: call)?.overlapHours?.hours ?? 24
        let overlap = Duration.seconds(hours * 3600)
        let secret = SecretHash.makeSecret()
        let hash = secretHash.hash(secret)
        let validUntil = call.receivedAt.advanced(by: overlap)
        let detail = overlap == .zero ? "The old secret ended at once." : "The old secret is good until \(validUntil)."
        let key = try await directory.change(
            apiKey: clientID, EditContext(call),
            recordedAs: { Act(.apiKeyRotated, subject: $0.clientID, detail: detail) }
        ) { key in
            key.previousSecret =
                overlap == .zero ? nil : APIKey.PreviousSecret(hash: key.secretHash, validUntil: validUntil)
            key.secretHash = hash
        }
        return BodyAnswer(Bodies.NewAPIKey(key, secret: secret), headers: [.cacheControl: "no-store"])
    }
}

import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// `POST /account/api-keys/{client_id}/rotate` with `{overlap_hours?}`: a new secret, shown in this answer only. The
/// old one works for the overlap, by default a day, so that its users can be told in time; 0 ends it at once. Tokens
/// that were issued stay valid until they expire.
struct RotateAPIKey: EndpointHandler {
    let directory: Directory
    let secretHash: SecretHash
    let limits: Limits

    func respond(to call: Call) async throws -> Response {
        let caller = try call.caller()
        let clientID = try call.path.text("client_id")
        let overlap = try await overlap(call)
        let secret = SecretHash.makeSecret()
        let hash = secretHash.hash(secret)
        let validUntil = call.receivedAt.advanced(by: overlap)
        let detail = overlap == .zero ? "The old secret ended at once." : "The old secret is good until \(validUntil)."
        let key = try await directory.change(
            apiKey: clientID, account: caller.key.account, by: caller.key.clientID, at: call.receivedAt,
            recordedAs: { Note(act: .apiKeyRotated, subject: $0.clientID, detail: detail) }
        ) { key in
            key.previousSecret =
                overlap == .zero ? nil : APIKey.PreviousSecret(hash: key.secretHash, validUntil: validUntil)
            key.secretHash = hash
        }
        return .json(key.json(secret: secret), headers: [.cacheControl: "no-store"])
    }

    private func overlap(_ call: Call) async throws -> Duration {
        let body = try await call.body(within: limits)
        guard body.readableBytes > 0 else { return .seconds(86_400) }
        let reader = try ObjectReader(JSONValue(parsing: body.readableBytesView))
        guard let value = try reader.value("overlap_hours") else { return .seconds(86_400) }
        let hoursMax = Int(Limits.secretOverlapMax.components.seconds / 3600)
        guard case .number(let text) = value, let hours = Int(text), (0...hoursMax).contains(hours) else {
            throw ObjectReader.refused(
                "/overlap_hours", .invalidValue, "'overlap_hours' is a whole number from 0 to \(hoursMax).")
        }
        return .seconds(hours * 3600)
    }
}

import Crypto
import HTTPTypes
import Hummingbird
import NIOCore
import OvationCore
import OvationWire

/// `POST /audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/events`
///
/// Parse, resolve, validate, append, respond. 204 means: checked against the version, committed, synced, readable now.
struct PostEvents: EndpointHandler {
    let store: any Store
    let directory: Directory
    let parsers: TapeParsers
    let metrics: ServerMetrics
    let limits: Limits

    func respond(to call: Call) async throws -> Response {
        // Refused before the body is read, where that can be told; and resolved anew after, since a body can take its
        // time and a key can be revoked meanwhile.
        _ = try caller(of: call, try call.caller())
        let body = try await call.body(upTo: limits.bodyBytesMax)
        let (caller, section, keyspace) = try caller(of: call, directory.current(call.caller()))
        let profile = try call.profile(in: keyspace, of: caller)
        let preferences = call.preferences
        // Of two that exclude each other, the first counts (RFC 7240 §2).
        let isLenient = preferences.first { $0.hasPrefix("handling=") } == "handling=lenient"
        let target = EventTarget(
            catalogue: caller.catalogue, section: section, keyspace: keyspace, callerIsAdmin: caller.isAdmin,
            receivedAt: call.receivedAt, limits: limits)
        var idempotency = try call.idempotency(of: body, profile: profile, section: section, isLenient: isLenient)

        var report: [UInt8] = []
        var events = CheckedEvents()
        do {
            if isLenient {
                let check = EventsCheck(
                    try PostEventsRequest(parsing: body.readableBytesView, itemsMax: limits.itemsMax), for: target)
                metrics.countEvents(refused: check.itemCount - check.accepted.rows.count)
                report = JSONWriter.write(check.report)
                events = check.accepted
            } else {
                events = try checked(body, for: target)
            }
        } catch {
            // A retry of what was stored before is answered as then, even when definitions have changed since.
            guard let idempotency, !preferences.contains("validate-only"),
                let outcome = try await store.outcome(
                    account: profile.account, of: idempotency, at: call.receivedAt)
            else { throw error }
            return try respond(outcome, report: report)
        }
        if preferences.contains("validate-only") {
            var response = respond(report: report)
            response.headers[.preferenceApplied] = isLenient ? "validate-only, handling=lenient" : "validate-only"
            return response
        }

        idempotency = idempotency.map { Idempotency(key: $0.key, fingerprint: $0.fingerprint, answer: report) }
        let outcome = try await store.append(
            EventBatch(
                profile: profile, section: section.number, receivedAt: call.receivedAt, events: events.rows,
                data: events.data, idempotency: idempotency))
        switch outcome {
        case .stored: metrics.countEvents(accepted: events.rows.count)
        case .replayed: metrics.countEvents(replayed: events.rows.count)
        case .conflict: break
        }
        return try respond(outcome, report: report)
    }

    private func caller(of call: Call, _ caller: Identity) throws(Problem) -> (Identity, Section, Keyspace) {
        (caller, try caller.section(call.path.section()), try caller.keyspaceForWriting(call.path.keyspace()))
    }

    private func checked(_ body: ByteBuffer, for target: EventTarget) throws(Problem) -> CheckedEvents {
        if let events = FastEventsDecoder.decode(body, for: target, itemsMax: limits.itemsMax, with: parsers) {
            return events
        }
        let request = try PostEventsRequest(parsing: body.readableBytesView, itemsMax: limits.itemsMax)
        let check = EventsCheck(request, for: target)
        guard check.errors.isEmpty else {
            metrics.countEvents(refused: check.itemCount)
            throw check.problem
        }
        return check.accepted
    }

    private func respond(_ outcome: AppendOutcome, report: [UInt8]) throws(Problem) -> Response {
        switch outcome {
        case .stored: return respond(report: report)
        case .replayed(let answer):
            var response = respond(report: answer)
            response.headers[.idempotencyReplayed] = "true"
            return response
        case .conflict:
            throw Problem(
                .idempotencyKeyReused,
                "This Idempotency-Key came with another request before; nothing was stored. Use a new key for each "
                    + "request, and the same key only to send the same request again.")
        }
    }

    /// 204, or 207 with the report of a lenient post.
    private func respond(report: [UInt8]) -> Response {
        guard !report.isEmpty else { return .noContent() }
        return .bytes(
            report, status: HTTPResponse.Status(code: 207, reasonPhrase: "Multi-Status"),
            headers: [.preferenceApplied: "handling=lenient"])
    }
}

extension Call {
    /// nil without the header.
    fileprivate func idempotency(
        of body: ByteBuffer, profile: ProfileAddress, section: Section, isLenient: Bool
    ) throws(Problem) -> Idempotency? {
        guard let key = request.headers[.idempotencyKey] else { return nil }
        guard !key.isEmpty, key.utf8.count <= Limits.idempotencyKeyLengthMax,
            key.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F })
        else {
            throw Problem(
                .invalidIdempotencyKey,
                "An Idempotency-Key has 1 to \(Limits.idempotencyKeyLengthMax) printable ASCII characters.")
        }
        var hash = SHA256()
        hash.update(
            data: "\(profile.keyspace) \(section.number) \(isLenient) \(profile.key.text.utf8.count) ".utf8Bytes)
        hash.update(data: profile.key.text.utf8Bytes)
        body.withUnsafeReadableBytes { hash.update(bufferPointer: $0) }
        return Idempotency(key: key, fingerprint: Array(hash.finalize()), answer: [])
    }
}

extension String {
    fileprivate var utf8Bytes: [UInt8] { Array(utf8) }
}

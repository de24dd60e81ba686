public import OvationCore

/// A refused post as the wire shows it: `{id, state, received_at, section_discriminator, keyspace_discriminator,
/// profile_key, client_id, request_id, cause, code, detail, errors, event_count, body_bytes, replayed_at,
/// replayed_profile_id}`, and for admins `body_excerpt`, or `body` with `replayed_event_ids` and `stored_events`.
public enum RejectionBody {
    public enum Part: Sendable {
        case none
        case excerpt
        case whole
    }

    /// - Parameter stored: what a replay stored, where the whole body is asked for.
    public static func json(
        _ rejection: Rejection, in catalogue: Catalogue, body part: Part, stored: [StoredEvent] = []
    ) -> JSONValue {
        let post = rejection.post
        let section = catalogue.section(number: post.section)
        let keyspace = catalogue.keyspace(number: post.keyspace)
        let state = rejection.replayedAt == nil ? RejectionFilter.State.open : .replayed
        var members: [JSONValue.Member] = [
            .init("id", .string(String(rejection.id))),
            .init("state", .string(state.rawValue)),
            .init("received_at", .string(post.receivedAt.rfc3339)),
            .init("section_discriminator", .string(section?.discriminator.text ?? "")),
            .init("keyspace_discriminator", .string(keyspace?.discriminator.text ?? "")),
            .init("profile_key", .string(post.key)),
            .init("client_id", .string(post.clientID)),
            .init("request_id", .string(post.requestID)),
            .init("cause", .string(post.cause.id.rawValue)),
            .init("code", .string(post.code.rawValue)),
            .init("detail", .string(post.detail)),
            .init("errors", .array(post.errors.listed().map(ProblemBody.json))),
            .init("event_count", JSONValue(post.eventCount)),
            .init("body_bytes", JSONValue(rejection.bodyBytes)),
            .init("replayed_at", rejection.replayedAt.map { .string($0.rfc3339) } ?? .null),
            .init("replayed_profile_id", rejection.replayedTo.map { .string($0.hex) } ?? .null),
        ]
        let text = String(decoding: post.body, as: UTF8.self)
        switch part {
        case .none: break
        case .excerpt: members.append(.init("body_excerpt", .string(text)))
        case .whole:
            let isKnown = !rejection.replayedEvents.isEmpty
            let ids = rejection.replayedEvents.flatMap { $0.map { JSONValue.string(String($0)) } }
            members += [
                .init("body", .string(text)), .init("replayed_event_ids", isKnown ? .array(ids) : .null),
                .init(
                    "stored_events", isKnown ? .array(stored.compactMap { event($0, in: catalogue) }) : .null),
            ]
        }
        return .object(members)
    }

    private static func event(_ event: StoredEvent, in catalogue: Catalogue) -> JSONValue? {
        guard let data = try? JSONValue(parsing: event.data) else { return nil }
        return .object([
            .init("id", .string(String(event.id))), .init("event_time", .string(event.eventTime.rfc3339)),
            .init("received_at", .string(event.receivedAt.rfc3339)),
            .init("version_id", .string(String(event.version))),
            .init("discriminator", .string(catalogue.version(event.version)?.eventType.discriminator.text ?? "")),
            .init("data", data),
        ])
    }
}

/// `{items?, profile_key?}`: what to post instead of what was refused.
public struct ReplayRequest: Sendable {
    public let profileKey: String?
    /// Whether the body brings events of its own.
    public let hasItems: Bool

    public init(parsing bytes: some Collection<UInt8>) throws(Problem) {
        let reader = try ObjectReader(JSONValue(parsing: bytes))
        // A misspelt member would post again what was refused.
        try reader.allow(only: "items", "profile_key")
        profileKey = try reader.string("profile_key")
        hasItems = try reader.value("items") != nil
    }
}

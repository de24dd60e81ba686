public import OvationCore

/// A refused post as the wire shows it: `{id, state, received_at, section_discriminator, keyspace_discriminator,
/// profile_key, client_id, request_id, code, detail, errors, event_count, body_bytes, replayed_at}`, and for admins `body` or `body_excerpt`.
public enum RejectionBody {
    public enum Part: Sendable {
        case none
        case excerpt
        case whole
    }

    public static func json(_ rejection: Rejection, in catalogue: Catalogue, body part: Part) -> JSONValue {
        let post = rejection.post
        let section = catalogue.sections.first { $0.number == post.section }
        let keyspace = catalogue.keyspaces.first { $0.number == post.keyspace }
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
        case .whole: members.append(.init("body", .string(text)))
        }
        return .object(members)
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

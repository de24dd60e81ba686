import OvationCore
import OvationRows

/// Things that only one post of a transaction can claim: an idempotency key, or a rejection to close.
enum Claim: Hashable {
    case key(account: Int64, String)
    case rejection(account: Int64, Rejection.ID)
}

extension QueuedWrite {
    var receivedAt: Timestamp {
        switch self {
        case .append(let batch, _): batch.receivedAt
        case .appendChunk(let chunk, _): chunk.receivedAt
        case .keep(let rejection, _): rejection.post.receivedAt
        case .count(let events, _): events.receivedAt
        }
    }

    var account: Int64 {
        switch self {
        case .append(let batch, _): batch.profile.account
        case .appendChunk(let chunk, _): chunk.account
        case .keep(let rejection, _): rejection.post.account
        case .count(let events, _): events.account
        }
    }

    var idempotency: Idempotency? {
        switch self {
        case .append(let batch, _): batch.idempotency
        case .appendChunk(let chunk, _): chunk.idempotency
        case .keep, .count: nil
        }
    }

    var replayOf: Rejection.ID? {
        if case .append(let batch, _) = self { batch.replayOf } else { nil }
    }

    /// Whether it writes only a count, by which its commit could not be found.
    var isOnlyCounted: Bool {
        switch self {
        case .append, .keep: false
        case .appendChunk(let chunk, _): chunk.rows.isEmpty
        case .count: true
        }
    }

    /// Whether it may turn out that it must not be stored.
    var isConditional: Bool { idempotency != nil || replayOf != nil }

    var claims: [Claim] {
        var claims: [Claim] = []
        if let idempotency { claims.append(.key(account: account, idempotency.key)) }
        if let replayOf { claims.append(.rejection(account: account, replayOf)) }
        return claims
    }
}

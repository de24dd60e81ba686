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
        case .change(let change, _): change.at
        case .keep(let rejection, _): rejection.post.receivedAt
        case .count(let events, _): events.receivedAt
        }
    }

    var account: Int64 {
        switch self {
        case .append(let batch, _): batch.profile.account
        case .appendChunk(let chunk, _): chunk.account
        case .change(let change, _): change.profile.account
        case .keep(let rejection, _): rejection.post.account
        case .count(let events, _): events.account
        }
    }

    var idempotency: Idempotency? {
        switch self {
        case .append(let batch, _): batch.idempotency
        case .appendChunk(let chunk, _): chunk.idempotency
        case .change(let change, _): change.idempotency
        case .keep, .count: nil
        }
    }

    /// What has the same place comes to the same lane. Refused posts of an account are one lane's, so that the oldest are
    /// forgotten in their order.
    var place: WritePlace {
        switch self {
        case .append(let batch, _): .profile(batch.profile.foundingID.value)
        case .appendChunk(let chunk, _): .nodes(chunk.profiles.first?.foundingID.value ?? chunk.account)
        case .change(let change, _):
            // Who is part of a profile can be on any node.
            change.makesMembers ? .nodes(change.profile.foundingID.value) : .profile(change.profile.foundingID.value)
        case .keep, .count: .account(account)
        }
    }

    /// Whether it can change what a profile takes, which nobody may meanwhile rely on.
    var touchesState: Bool {
        if case .change(let change, _) = self { change.touchesState } else { false }
    }

    /// Whether it stores events, which closed profiles do not take. A part of an upload without events asks nothing of them.
    var asksOfProfiles: Bool {
        switch self {
        case .append(let batch, _): !batch.events.isEmpty
        case .appendChunk(let chunk, _): !chunk.rows.isEmpty
        case .change, .keep, .count: false
        }
    }

    var isChange: Bool {
        if case .change = self { true } else { false }
    }

    var replayOf: Rejection.ID? {
        if case .append(let batch, _) = self { batch.replayOf } else { nil }
    }

    /// Whether it may write nothing by which its commit could be found: only a count, a profile or an idempotency key.
    var mayLeaveNoRow: Bool {
        switch self {
        case .append, .keep: false
        case .appendChunk(let chunk, _): chunk.rows.isEmpty
        case .change(let change, _): change.precondition != .exists || change.idempotency != nil
        case .count: true
        }
    }

    /// Whether the profiles that it needs are made where they are not there.
    var makesProfiles: Bool {
        if case .change(let change, _) = self { change.makesProfile } else { true }
    }

    /// Whether it may turn out that it makes no profile.
    var isConditional: Bool { idempotency != nil || replayOf != nil || !makesProfiles }

    var claims: [Claim] {
        var claims: [Claim] = []
        if let idempotency { claims.append(.key(account: account, idempotency.key)) }
        if let replayOf { claims.append(.rejection(account: account, replayOf)) }
        return claims
    }
}

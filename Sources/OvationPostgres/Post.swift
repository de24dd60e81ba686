import OvationCore

/// One of a group: a post to store, or one that was refused to keep.
enum Post: Sendable {
    typealias Reply<Value> = UnsafeContinuation<Result<Value, StoreFailure>, Never>

    case append(EventBatch, Reply<AppendOutcome>)
    case appendChunk(EventChunk, Reply<AppendOutcome>)
    case keep(PackedRejection, Reply<Rejection.ID>)

    var bytes: Int {
        switch self {
        case .append(let batch, _): batch.data.count
        case .appendChunk(let chunk, _): chunk.bytes
        case .keep(let rejection, _): rejection.bytes
        }
    }

    var isRefused: Bool {
        if case .keep = self { true } else { false }
    }

    /// What it adds to the size of a group.
    var events: Int {
        switch self {
        case .append(let batch, _): batch.events.count
        case .appendChunk(let chunk, _): chunk.rows.count
        case .keep: 1
        }
    }

    var receivedAt: Timestamp {
        switch self {
        case .append(let batch, _): batch.receivedAt
        case .appendChunk(let chunk, _): chunk.receivedAt
        case .keep(let rejection, _): rejection.post.receivedAt
        }
    }

    var account: Int64 {
        switch self {
        case .append(let batch, _): batch.profile.account
        case .appendChunk(let chunk, _): chunk.account
        case .keep(let rejection, _): rejection.post.account
        }
    }

    var idempotency: Idempotency? {
        switch self {
        case .append(let batch, _): batch.idempotency
        case .appendChunk(let chunk, _): chunk.idempotency
        case .keep: nil
        }
    }

    var replayOf: Rejection.ID? {
        if case .append(let batch, _) = self { batch.replayOf } else { nil }
    }

    /// Whether it may turn out that it is not to be stored.
    var isConditional: Bool { idempotency != nil || replayOf != nil }

    func fail(_ failure: StoreFailure) {
        switch self {
        case .append(_, let reply), .appendChunk(_, let reply): reply.resume(returning: .failure(failure))
        case .keep(_, let reply): reply.resume(returning: .failure(failure))
        }
    }
}

/// What can be claimed by one post of a transaction only: the key of a promise, or a rejection to close.
enum Claim: Hashable {
    case key(account: Int64, String)
    case rejection(account: Int64, Rejection.ID)
}

extension Post {
    var claims: [Claim] {
        var claims: [Claim] = []
        if let idempotency { claims.append(.key(account: account, idempotency.key)) }
        if let replayOf { claims.append(.rejection(account: account, replayOf)) }
        return claims
    }
}

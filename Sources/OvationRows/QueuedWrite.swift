package import OvationCore

/// A write that waits for a group's commit: a post to store, a refused post to keep, or one that is only counted.
package enum QueuedWrite: Sendable {
    package typealias Reply<Value> = UnsafeContinuation<Result<Value, StoreFailure>, Never>

    case append(EventBatch, Reply<AppendOutcome>)
    case appendChunk(EventChunk, Reply<AppendOutcome>)
    case keep(PackedRejection, Reply<Rejection.ID>)
    case count(CountedEvents, Reply<Void>)

    /// The bytes it takes of the queue.
    package var bytes: Int {
        switch self {
        // A lenient post is remembered with its report.
        case .append(let batch, _): batch.data.count + (batch.idempotency?.answer.count ?? 0)
        case .appendChunk(let chunk, _): chunk.bytes
        case .keep(let rejection, _): rejection.bytes
        case .count: 0
        }
    }

    package var isRefused: Bool {
        if case .keep = self { true } else { false }
    }

    /// Whether it has events to store; otherwise it is only noted.
    package var isToStore: Bool {
        switch self {
        case .append, .appendChunk: true
        case .keep, .count: false
        }
    }

    /// The events it adds to the size of a group.
    package var events: Int {
        switch self {
        case .append(let batch, _): batch.events.count
        case .appendChunk(let chunk, _): chunk.rows.count
        case .keep, .count: 1
        }
    }

    package func fail(_ failure: StoreFailure) {
        switch self {
        case .append(_, let reply), .appendChunk(_, let reply): reply.resume(returning: .failure(failure))
        case .keep(_, let reply): reply.resume(returning: .failure(failure))
        case .count(_, let reply): reply.resume(returning: .failure(failure))
        }
    }
}

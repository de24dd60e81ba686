package import OvationCore

/// What waits for a group's commit: a post to store, a change of a profile, a refused post to keep, or one to count and
/// no more. Indirect, since it is handed on several times, and a copy of a batch would count a dozen references each time.
package indirect enum QueuedWrite: Sendable {
    package typealias Reply<Value> = UnsafeContinuation<Result<Value, StoreFailure>, Never>

    case append(EventBatch, Reply<AppendOutcome>)
    case appendChunk(EventChunk, Reply<AppendOutcome>)
    case change(ProfileChange, Reply<ProfileChangeOutcome>)
    case keep(PackedRejection, Reply<Rejection.ID>)
    case count(CountedEvents, Reply<Void>)

    /// What became of it, for after the commit.
    package enum Outcome: Sendable {
        case appended(AppendOutcome)
        case changed(ProfileChangeOutcome)
        case kept(Rejection.ID)
        case counted

        /// Whether events are stored that were not before.
        package var isStored: Bool {
            if case .appended(.stored) = self { true } else { false }
        }
    }

    /// What it takes of the queue.
    package var bytes: Int {
        switch self {
        // A lenient post is remembered with its report.
        case .append(let batch, _): batch.data.count + (batch.idempotency?.answer.count ?? 0)
        case .appendChunk(let chunk, _): chunk.bytes
        case .change(let change, _): change.bytes
        case .keep(let rejection, _): rejection.bytes
        case .count: 0
        }
    }

    package var isRefused: Bool {
        if case .keep = self { true } else { false }
    }

    /// Whether it is more than noted: it has all of the queue's room, where what is noted has a part.
    package var isToStore: Bool {
        switch self {
        case .append, .appendChunk, .change: true
        case .keep, .count: false
        }
    }

    /// How many numbers it takes of the sequence of event ids, at most.
    package var positions: Int {
        switch self {
        case .append(let batch, _): batch.events.count
        case .appendChunk(let chunk, _): chunk.rows.count
        case .change(let change, _): change.operations.count
        case .keep, .count: 0
        }
    }

    /// What it adds to the size of a group.
    package var size: Int {
        switch self {
        case .append, .appendChunk: positions
        // Each field may have to be read before it is known whether it changes.
        case .change(let change, _): max(change.operations.reduce(0) { $0 + 1 + $1.fieldCount }, 1)
        case .keep, .count: 1
        }
    }

    package func succeed(_ outcome: Outcome) {
        switch (self, outcome) {
        case (.append(_, let reply), .appended(let outcome)), (.appendChunk(_, let reply), .appended(let outcome)):
            reply.resume(returning: .success(outcome))
        case (.change(_, let reply), .changed(let outcome)): reply.resume(returning: .success(outcome))
        case (.keep(_, let reply), .kept(let id)): reply.resume(returning: .success(id))
        case (.count(_, let reply), .counted): reply.resume(returning: .success(()))
        default: preconditionFailure("an answer of another kind than its write")
        }
    }

    package func fail(_ failure: StoreFailure) {
        switch self {
        case .append(_, let reply), .appendChunk(_, let reply): reply.resume(returning: .failure(failure))
        case .change(_, let reply): reply.resume(returning: .failure(failure))
        case .keep(_, let reply): reply.resume(returning: .failure(failure))
        case .count(_, let reply): reply.resume(returning: .failure(failure))
        }
    }
}

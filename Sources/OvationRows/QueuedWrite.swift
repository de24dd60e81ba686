package import OvationCore

/// What waits for a group's commit: a post to store, a change of a profile, a refused post to keep, or one to count and
/// no more. Indirect, since it is handed on several times, and a copy of a batch would count a dozen references each time.
package indirect enum QueuedWrite: Sendable {
    package typealias Reply<Value> = UnsafeContinuation<Result<Value, StoreFailure>, Never>

    case append(EventBatch, any AppendReceiver)
    case appendChunk(EventChunk, Reply<AppendOutcome>)
    case change(ProfileChange, any ChangeReceiver)
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

    fileprivate var receiver: (any WriteReceiver)? {
        switch self {
        case .append(_, let receiver): receiver
        case .change(_, let receiver): receiver
        case .appendChunk, .keep, .count: nil
        }
    }

    fileprivate func answer(_ result: Result<Outcome, StoreFailure>) {
        switch (self, result) {
        case (.append(_, let receiver), .success(.appended(let outcome))): receiver.receive(.success(outcome))
        case (.append(_, let receiver), .failure(let failure)): receiver.receive(.failure(failure))
        case (.appendChunk(_, let reply), .success(.appended(let outcome))): reply.resume(returning: .success(outcome))
        case (.appendChunk(_, let reply), .failure(let failure)): reply.resume(returning: .failure(failure))
        case (.change(_, let receiver), .success(.changed(let outcome))): receiver.receive(.success(outcome))
        case (.change(_, let receiver), .failure(let failure)): receiver.receive(.failure(failure))
        case (.keep(_, let reply), .success(.kept(let id))): reply.resume(returning: .success(id))
        case (.keep(_, let reply), .failure(let failure)): reply.resume(returning: .failure(failure))
        case (.count(_, let reply), .success(.counted)): reply.resume(returning: .success(()))
        case (.count(_, let reply), .failure(let failure)): reply.resume(returning: .failure(failure))
        default: preconditionFailure("an answer of another kind than its write")
        }
    }
}

extension [QueuedWrite] {
    /// Tells all that wait for these writes, and then the receivers that all have been told.
    /// - Parameter result: what became of a write at an index; called once for each, in order.
    package func answer(with result: (Int, QueuedWrite) -> Result<QueuedWrite.Outcome, StoreFailure>) {
        for (index, write) in enumerated() { write.answer(result(index, write)) }
        for write in self { write.receiver?.allHaveReceived() }
    }

    package func fail(_ failure: StoreFailure) { answer { _, _ in .failure(failure) } }
}

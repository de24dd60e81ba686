/// Events: stored, read and removed.
public protocol EventStore: Sendable {
    /// Stores a batch, and makes its profile when there is none. Returns at once, and tells the receiver after the commit
    /// is on disk.
    func append(_ batch: EventBatch, tell receiver: any AppendReceiver)

    /// Stores a part of a bulk upload, and makes the profiles that are not there. Returns after the commit is on disk.
    /// Without events it only remembers its idempotency key, and counts its refused lines.
    func append(_ chunk: EventChunk) async throws(StoreFailure) -> AppendOutcome

    /// What became of an earlier request with this key: nil when there was none that still counts.
    func outcome(account: Int64, of idempotency: Idempotency, at now: Timestamp) async throws(StoreFailure)
        -> AppendOutcome?

    /// Reads a page, newest first. Returns at once, and tells the receiver; nil: there is no such profile.
    func events(
        _ filter: EventFilter, after position: EventPosition?, limit: Int, tell receiver: any EventPageReceiver)

    /// Events of all profiles, in the order of their arrival.
    func events(of range: ExportRange) async throws(StoreFailure) -> ExportPage

    /// Removes events, and writes the act to the audit trail in the same transaction. nil: there is no such profile.
    /// - Parameters:
    ///   - id: only this event; the filter must hold for it too.
    ///   - act: from the number of events; nil: nothing is written of it, for what a definition says beforehand.
    func deleteEvents(
        _ filter: EventFilter, id: Int64?, recordedAs act: (@Sendable (Int) -> Act)?, at now: Timestamp,
        by actor: String
    ) async throws(StoreFailure) -> Deletion?
}

/// Who learns what became of a batch, without a task that waits for it.
public protocol AppendReceiver: WriteReceiver {
    /// Called once, on any thread. The store does nothing else meanwhile, so it must not wait.
    func receive(_ result: Result<AppendOutcome, StoreFailure>)
}

/// Who learns what was read, without a task that waits for it.
public protocol EventPageReceiver: AnyObject, Sendable {
    /// Called once, on any thread. The store reads nothing else on it meanwhile, so it must not wait.
    func receive(_ result: Result<EventPage?, StoreFailure>)
}

extension EventStore {
    /// Newest first. nil: there is no such profile.
    public func events(
        _ filter: EventFilter, after position: EventPosition?, limit: Int
    ) async throws(StoreFailure) -> EventPage? {
        let result = await withUnsafeContinuation {
            events(filter, after: position, limit: limit, tell: WaitingTask($0))
        }
        return try result.get()
    }

    /// Stores a batch, and makes its profile when there is none. Returns after the commit is on disk.
    public func append(_ batch: EventBatch) async throws(StoreFailure) -> AppendOutcome {
        let result = await withUnsafeContinuation { append(batch, tell: WaitingTask($0)) }
        return try result.get()
    }
}

extension WaitingTask: AppendReceiver where Outcome == AppendOutcome {}

extension WaitingTask: EventPageReceiver where Outcome == EventPage? {}

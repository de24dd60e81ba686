public import OvationCore
import OvationRows

extension PostgresStore: EventStore {
    public func append(_ batch: EventBatch, tell receiver: any AppendReceiver) {
        writer.enqueue(.append(batch, receiver))
    }

    public func append(_ chunk: EventChunk) async throws(StoreFailure) -> AppendOutcome {
        try await writer.write { .appendChunk(chunk, $0) }.get()
    }

    public func events(of range: ExportRange) async throws(StoreFailure) -> ExportPage {
        try await reader.read(.nodes) { [isSpread] in try ExportRows.page($0, range, isSpread: isSpread) }
    }

    public func outcome(
        account: Int64, of idempotency: Idempotency, at now: Timestamp
    ) async throws(StoreFailure) -> AppendOutcome? {
        let oldest = forgetting.time(now).advanced(by: .zero - limits.idempotencyLifetime).milliseconds
        return try await reader.read(.coordinator) { connection in
            for key in [idempotency.key, idempotency.formerKey].compactMap({ $0 }) {
                let row = try connection.run(ReadSQL.findKey) {
                    $0.add(account)
                    $0.add(key)
                    $0.add(oldest)
                }
                guard row.count == 1 else { continue }
                if row.bytes(0, 0) == idempotency.fingerprint { return .duplicate(answer: row.bytes(0, 1)) }
                if key == idempotency.key { return .conflict }
            }
            return nil
        }
    }

    public func events(
        _ filter: EventFilter, after position: EventPosition?, limit: Int, tell receiver: any EventPageReceiver
    ) {
        reader.read(.profile(filter.profile.foundingID.value)) { connection in
            try EventRows.page(connection, filter, after: position, limit: limit)
        } reply: {
            receiver.receive($0)
        }
    }

    public func deleteEvents(
        _ filter: EventFilter, id: Int64?, recordedAs act: (@Sendable (Int) -> Act)?, at now: Timestamp,
        by actor: String
    ) async throws(StoreFailure) -> Deletion? {
        let attempt = EventRemoval.Attempt()
        return try await write(at: .nodes(filter.profile.foundingID.value)) { connection, slot, isRepeat in
            if isRepeat, let done = try attempt.ifCommitted(connection, account: filter.profile.account) { return done }
            // Without an act there is nothing to look for, and a try that is repeated removes what is left.
            return try EventRemoval.delete(
                connection, filter, id: id, slot: slot, attempt,
                act: act.map { act in { count in ActEntry(at: now, actor: actor, act: act(count)) } })
        }
    }
}

import GRDB
public import OvationCore
import OvationRows

extension SQLiteStore: EventStore {
    public func append(_ batch: EventBatch, tell receiver: any AppendReceiver) {
        writer.enqueue(.append(batch, receiver))
    }

    public func append(_ chunk: EventChunk) async throws(StoreFailure) -> AppendOutcome {
        try await writer.write { .appendChunk(chunk, $0) }.get()
    }

    public func events(of range: ExportRange) async throws(StoreFailure) -> ExportPage {
        try await scanner.read(after: { [recent] in recent.profiles.all }) { database, recent in
            try ExportRows.page(database, range, recent)
        }
    }

    public func outcome(
        account: Int64, of idempotency: Idempotency, at now: Timestamp
    ) async throws(StoreFailure) -> AppendOutcome? {
        try await write { _, appender in
            try appender.outcome(account: account, of: idempotency, at: now)
        }
    }

    public func events(
        _ filter: EventFilter, after position: EventPosition?, limit: Int, tell receiver: any EventPageReceiver
    ) {
        read(along: filter.profile, by: reader) { database, recent -> EventPage? in
            guard let tree = try MemberRows.find(database, filter.profile, recent) else { return nil }
            return try EventRows.page(database, tree, filter, recent, after: position, limit: limit)
        } reply: {
            receiver.receive($0)
        }
    }

    public func deleteEvents(
        _ filter: EventFilter, id: Int64?, recordedAs act: (@Sendable (Int) -> Act)?, at now: Timestamp,
        by actor: String
    ) async throws(StoreFailure) -> Deletion? {
        try await write { database, appender in
            guard let (tree, recent) = try appender.find(database, filter.profile) else { return nil }
            let removal = try EventRows.delete(database, tree, filter, recent, id: id)
            let count = removal.counts.values.reduce(0, +)
            guard count > 0 else { return Deletion(count: 0, entry: nil) }
            for (profile, events) in removal.recent { appender.noteRemoved(events, of: profile) }
            try database.execute(
                sql: "INSERT OR REPLACE INTO setting (name, value) VALUES ('last_event_id', ?)",
                arguments: [appender.lastEventID])
            let account = filter.profile.account
            try ProfileRows.subtractUsage(database, removal.counts, account: account)
            guard let act else { return Deletion(count: count, entry: nil) }
            let number = try AccountRows.lastNumber(database, account: account) + 1
            let entry = ActEntry(at: now, actor: actor, act: act(count))
            try AccountRows.insert(database, entry, number: number, account: account)
            appender.noteLogEntries(1)
            return Deletion(
                count: count, entry: AuditEntry(number: number, at: now, actor: actor, content: .act(entry.act)))
        }
    }
}

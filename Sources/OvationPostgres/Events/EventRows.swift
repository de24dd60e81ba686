import OvationCore

/// Looks up profiles, and reads their events.
enum EventRows {
    /// Asks for the profile and, in the same round trip, for its rows under the id that it most likely has. nil: there
    /// is no such profile.
    static func read<Value>(
        _ connection: PostgresConnection, of address: ProfileAddress, _ commands: (_ profile: Int64) -> [Command],
        _ read: (_ profile: Int64, [PostgresResult]) throws -> Value
    ) throws -> Value? {
        try self.read(connection, of: address, commands) { profile, _, results in try read(profile, results) }
    }

    /// The same with the row of the profile, as ``find(_:_:)`` asks for it.
    static func read<Value>(
        _ connection: PostgresConnection, of address: ProfileAddress, _ commands: (_ profile: Int64) -> [Command],
        _ read: (_ profile: Int64, _ found: PostgresResult, [PostgresResult]) throws -> Value
    ) throws -> Value? {
        var id = address.foundingID
        while true {
            let results = try connection.run([find(address, id)] + commands(id.value))
            guard results[0].count == 1 else { return nil }
            if results[0].bool(0, 0) { return try read(id.value, results[0], Array(results.dropFirst())) }
            // Another profile has that hash; the rows read for it are dropped.
            id = id.afterCollision
        }
    }

    static func find(_ address: ProfileAddress, _ id: ProfileID) -> Command {
        Command(ReadSQL.findProfile) {
            $0.add(id.value)
            $0.add(address.account)
            $0.add(address.keyspace)
            $0.add(address.key.text)
        }
    }

    static func page(
        _ connection: PostgresConnection, _ filter: EventFilter, after position: EventPosition?, limit: Int
    ) throws -> EventPage? {
        var (time, id) = (newest(filter), Int64.max)
        if let position, position.eventTime.milliseconds <= time {
            (time, id) = (position.eventTime.milliseconds, position.id)
        }
        func command(_ profile: Int64) -> Command {
            Command(ReadSQL.page) {
                $0.add(profile)
                $0.add(filter.section)
                $0.add(filter.from?.milliseconds ?? .min)
                $0.add(time)
                $0.add(id)
                $0.add(orNull: filter.versions)
                // One more event tells whether there is a next page.
                $0.add(Int64(limit) + 1)
                $0.add(Int64(Limits.pageBytesMax))
            }
        }
        return try read(connection, of: filter.profile, { [command($0)] }) { _, results in
            page(results[0], limit: limit)
        }
    }

    private static func page(_ rows: PostgresResult, limit: Int) -> EventPage {
        var events: [StoredEvent] = []
        var bytes = 0
        events.reserveCapacity(min(limit, rows.count))
        for row in 0..<rows.count {
            guard events.count < limit, bytes < Limits.pageBytesMax else {
                let next = events.last.map { EventPosition(eventTime: $0.eventTime, id: $0.id) }
                return EventPage(events: events, next: next)
            }
            events.append(
                StoredEvent(
                    id: rows.int64(row, 0), eventTime: rows.time(row, 1), receivedAt: rows.time(row, 2),
                    version: rows.int64(row, 3), data: rows.text(row, 4)))
            bytes += rows.withBytes(row, 4) { $0.count }
        }
        return EventPage(events: events, next: nil)
    }

    /// The latest time that a filter lets through.
    static func newest(_ filter: EventFilter) -> Int64 { newest(before: filter.to) }

    static func newest(before end: Timestamp?) -> Int64 {
        guard let end = end?.milliseconds else { return .max }
        return end == .min ? .min : end - 1
    }
}

/// Events removed, with the act in the audit trail.
enum EventRemoval {
    /// How long PostgreSQL may take to remove the events of a profile.
    static let patience = Duration.seconds(300)

    /// What a try was about to commit, in case its answer is lost. Used by the thread of one lane only.
    final class Attempt: Sendable {
        private let deletion = ResultBox<Deletion>()

        func note(_ about: Deletion) { deletion.set(about) }

        /// nil: it was not committed.
        func ifCommitted(_ connection: PostgresConnection, account: Int64) throws -> Deletion? {
            guard let deletion = deletion.value, let entry = deletion.entry else { return nil }
            // Waits for that try, if it is still under way.
            try connection.run([Command(.begin), Command(Locks.log) { $0.add(account) }])
            let isThere = try AuditRows.has(connection, entry, account: account)
            try connection.rollBackIfNeeded()
            return isThere ? deletion : nil
        }
    }

    /// In one transaction. nil: there is no such profile.
    static func delete(
        _ connection: PostgresConnection, _ filter: EventFilter, id: Int64?, slot: Int64, _ attempt: Attempt,
        act: ((_ count: Int) -> ActEntry)?
    ) throws -> Deletion? {
        let profile = try EventRows.read(connection, of: filter.profile, { _ in [] }) { profile, _ in profile }
        guard let profile else { return nil }
        let account = filter.profile.account
        // The log comes first: if the tables are spread over machines, rows that all of them share are written before
        // the rest.
        let results = try connection.run(
            [
                Command(.begin), Command(Locks.log) { $0.add(account) }, removal(profile, filter, id: id),
            ] + AuditRows.questions(account: account), patience: patience)
        let removed = results[2]
        let counts = (0..<removed.count).map { (version: removed.int64($0, 0), count: removed.int64($0, 1)) }
        let count = counts.reduce(0) { $0 + Int($1.count) }
        guard count > 0 else {
            try connection.rollBackIfNeeded()
            return Deletion(count: 0, entry: nil)
        }
        var (deletion, writes) = (Deletion(count: count, entry: nil), [Command]())
        if let entry = act?(count) {
            let number = try AuditRows.nextNumber(
                connection, results.suffix(AuditRows.questionCount), account: account
            ).number
            deletion = Deletion(
                count: count,
                entry: AuditEntry(number: number, at: entry.at, actor: entry.actor, content: .act(entry.act)))
            writes = [AuditRows.insert([entry], from: number, account: account)]
        }
        attempt.note(deletion)
        let usage = counts.sorted { $0.version < $1.version }
        let subtraction = Command(WriteSQL.subtractUsage) {
            $0.add(slot)
            $0.add(usage.map { _ in account })
            $0.add(usage.map(\.version))
            $0.add(usage.map(\.count))
        }
        try connection.run(writes + [subtraction, Command(.commit)])
        return deletion
    }

    private static func removal(_ profile: Int64, _ filter: EventFilter, id: Int64?) -> Command {
        Command(WriteSQL.deleteEvents) {
            $0.add(profile)
            $0.add(filter.section)
            $0.add(filter.from?.milliseconds ?? .min)
            $0.add(EventRows.newest(filter))
            $0.add(orNull: filter.versions)
            $0.add(id)
        }
    }
}

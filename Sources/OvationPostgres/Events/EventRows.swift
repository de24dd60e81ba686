import OvationCore
import OvationRows

/// Looks up profiles, and reads their events.
enum EventRows {
    /// A profile as readers find it.
    struct Found {
        let profile: Profile
        let tree: MemberTree
        /// Of each member, in the order of ``MemberTree/ids``.
        let results: [[PostgresResult]]
    }

    /// Asks for the profile and, in the same round trip, for its rows under the id that it most likely has. Of a profile of
    /// several members it asks once more, for the rows of each. nil: there is no such profile.
    /// - Parameter commands: for one member, which may be the only one.
    static func read<Value>(
        _ connection: PostgresConnection, of address: ProfileAddress,
        _ commands: (_ member: Int64, _ isAlone: Bool) -> [Command], _ read: (Found) throws -> Value
    ) throws -> Value? {
        var id = address.foundingID
        var tree: MemberTree?
        while true {
            let ids = tree?.ids ?? [id.value]
            try connection.verifyIsOfNode(ids)
            let asked = ids.flatMap { commands($0, tree == nil) }
            // Who is a member comes last: it was so all the time, if it is as it was known before.
            let rows = tree == nil ? [] : [Command(MemberSQL.profiles) { $0.add(ids.sorted()) }]
            let results = try connection.run(asked + rows + [MemberRows.find([id.value]), find(address, id)])
            let found = results[results.count - 1]
            guard found.count == 1 else { return nil }
            guard found.bool(0, 0) else {
                // Another profile has that hash; the rows read for it are dropped.
                (id, tree) = (id.afterCollision, nil)
                continue
            }
            let now = try MemberRows.trees(results[results.count - 2]).first
            guard now == tree else {
                tree = now
                continue
            }
            let profile =
                try tree?.profile(MemberRows.members(results[asked.count]))
                ?? Profile(
                    id: id, key: address.profileKey, createdAt: found.time(0, 1),
                    state: ProfileState(stored: found.int64(0, 2)))
            let each = asked.count / ids.count
            return try read(
                Found(
                    profile: profile, tree: tree ?? MemberTree(alone: id.value),
                    results: ids.indices.map { Array(results[($0 * each)..<(($0 + 1) * each)]) }))
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
        func command(_ member: Int64, isAlone: Bool) -> Command {
            Command(isAlone ? ReadSQL.page : ReadSQL.pageSizes) {
                $0.add(member)
                $0.add(filter.section)
                $0.add(filter.from?.milliseconds ?? .min)
                $0.add(time)
                $0.add(id)
                $0.add(orNull: filter.versions)
                // One more event tells whether there is a next page.
                $0.add(Int64(limit) + 1)
                if isAlone { $0.add(Int64(Limits.pageBytesMax)) }
            }
        }
        return try read(connection, of: filter.profile, { [command($0, isAlone: $1)] }) { found in
            found.tree.count == 1
                ? page(found.results[0][0], limit: limit)
                : try page(connection, filter, of: found, limit: limit)
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
            events.append(event(rows, row))
            bytes += rows.withBytes(row, 4) { $0.count }
        }
        return EventPage(events: events, next: nil)
    }

    /// The newest events of all members, found by their sizes, and then read.
    private static func page(
        _ connection: PostgresConnection, _ filter: EventFilter, of found: Found, limit: Int
    ) throws -> EventPage {
        var newest: [(time: Int64, id: Int64, bytes: Int64, member: Int64)] = []
        for (member, results) in zip(found.tree.ids, found.results) {
            let rows = results[0]
            newest += (0..<rows.count).map { (rows.int64($0, 1), rows.int64($0, 0), rows.int64($0, 2), member) }
        }
        newest.sort { ($0.time, $0.id) > ($1.time, $1.id) }
        var (count, bytes) = (0, Int64(0))
        while count < min(limit, newest.count), bytes < Limits.pageBytesMax {
            bytes += newest[count].bytes
            count += 1
        }
        let taken = newest.prefix(count)
        guard let first = taken.first, let last = taken.last else { return EventPage(events: [], next: nil) }
        let commands = Dictionary(grouping: taken, by: \.member).map { member, events in
            Command(ReadSQL.pageOfMember) {
                $0.add(member)
                $0.add(filter.section)
                $0.add(last.time)
                $0.add(first.time)
                $0.add(events.map(\.id).sorted())
            }
        }
        let events = try connection.run(commands).flatMap { rows in (0..<rows.count).map { event(rows, $0) } }
            .sorted { ($0.eventTime, $0.id) > ($1.eventTime, $1.id) }
        let isLast = count == newest.count
        return EventPage(
            events: events,
            next: isLast ? nil : EventPosition(eventTime: Timestamp(milliseconds: last.time), id: last.id))
    }

    private static func event(_ rows: PostgresResult, _ row: Int) -> StoredEvent {
        StoredEvent(
            id: rows.int64(row, 0), eventTime: rows.time(row, 1), receivedAt: rows.time(row, 2),
            version: rows.int64(row, 3), data: rows.text(row, 4))
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
        guard let members = try EventRows.read(connection, of: filter.profile, { _, _ in [] }, { $0.tree.ids }) else {
            return nil
        }
        let account = filter.profile.account
        // The log comes first: if the tables are spread over machines, rows that all of them share are written before
        // the rest.
        let results = try connection.run(
            [Command(.begin), Command(Locks.log) { $0.add(account) }]
                + members.sorted().map { removal($0, filter, id: id) } + AuditRows.questions(account: account),
            patience: patience)
        var counts: [Int64: Int64] = [:]
        for removed in results[2..<(2 + members.count)] {
            for row in 0..<removed.count { counts[removed.int64(row, 0), default: 0] += removed.int64(row, 1) }
        }
        let count = counts.values.reduce(0) { $0 + Int($1) }
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
        let usage = counts.sorted { $0.key < $1.key }
        let subtraction = Command(WriteSQL.subtractUsage) {
            $0.add(slot)
            $0.add(usage.map { _ in account })
            $0.add(usage.map(\.key))
            $0.add(usage.map(\.value))
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

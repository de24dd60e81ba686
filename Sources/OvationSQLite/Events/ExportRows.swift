import GRDB
import OvationCore
import OvationRows

/// Events in the order of their arrival, a page at a time, so that no transaction stays open for a slow reader.
enum ExportRows {
    /// Events that one page looks at, if few of them match.
    static let lookedAtMax = 100_000

    // The columns of the filters come first: a row that does not match is not read to its end.
    private static let selectEvents: StaticString = """
        SELECT event_id, profile_id, section, event_time, received_at, version_id, data FROM event
        WHERE event_id > ?1 AND event_id <= ?2 ORDER BY event_id
        """

    private static let selectProfile: StaticString =
        "SELECT account_id, keyspace, key, state FROM profile WHERE profile_id = ?1"

    /// Looks through all of them.
    private static let selectArrival: StaticString =
        "SELECT account_id, keyspace, key, 0 FROM profile_arrival WHERE profile_id = ?1"

    /// A row before its profile is known.
    private struct Found {
        let id: Int64
        let profile: Int64
        let eventTime: Int64
        let receivedAt: Int64
        let version: EventVersion.ID
        let dataEnd: Int
    }

    /// The profiles of a page, by the key that each is given under.
    private struct Profiles {
        private(set) var indexes: [Int64: Int] = [:]
        private(set) var profiles: [ExportPage.Profile] = []
        private(set) var keys: [UInt8] = []

        mutating func add(_ member: Int64, keyspace: Int64, key: (inout [UInt8]) -> Void) {
            // It may be there for another one.
            guard indexes[member] == nil else { return }
            let start = keys.count
            key(&keys)
            indexes[member] = profiles.count
            profiles.append(ExportPage.Profile(keyspace: keyspace, key: start..<keys.count))
        }

        /// - Parameter profile: the whole one of a member that has no key.
        mutating func add(_ member: Int64, firstKeyOf profile: Profile?) throws {
            guard let first = profile?.members.first(where: { $0.key != nil }), let key = first.key else {
                throw StoreFailure(.damaged, "no key leads to profile \(member)")
            }
            add(first.id.value, keyspace: key.keyspace) { $0.append(contentsOf: key.text.utf8) }
            indexes[member] = indexes[first.id.value]
        }
    }

    /// - Parameter recent: from before the snapshot of this database began.
    static func page(
        _ database: Database, _ range: ExportRange, _ recent: RecentProfiles.Rows
    ) throws -> ExportPage {
        let newest = try Int64.fetchOne(database, sql: "SELECT max(event_id) FROM event") ?? 0
        let (found, data, next) = try events(database, range, through: min(range.through ?? newest, newest))
        return try withProfiles(database, range, recent, found, data, next: next, newest: newest)
    }

    private static func events(
        _ database: Database, _ range: ExportRange, through: Int64
    ) throws -> ([Found], [UInt8], next: Int64?) {
        let oldest = range.from?.milliseconds ?? .min
        let end = range.to?.milliseconds ?? .max
        let hasEnd = range.to != nil
        var found: [Found] = []
        var data: [UInt8] = []
        var lookedAt = 0
        var last = range.after
        let events = try PreparedStatement(database, selectEvents)
        events.bind(1, range.after)
        events.bind(2, through)
        while try events.nextRow() {
            guard lookedAt < lookedAtMax, found.count < range.limit, found.isEmpty || data.count < range.bytesMax else {
                return (found, data, last)
            }
            lookedAt += 1
            last = events.int64(0)
            guard events.int64(2) == range.section else { continue }
            let eventTime = events.int64(3)
            guard eventTime >= oldest, !hasEnd || eventTime < end else { continue }
            let version = events.int64(5)
            if let versions = range.versions, !versions.contains(version) { continue }
            events.withBytes(6) { data.append(contentsOf: $0) }
            found.append(
                Found(
                    id: last, profile: events.int64(1), eventTime: eventTime, receivedAt: events.int64(4),
                    version: version, dataEnd: data.count))
        }
        return (found, data, nil)
    }

    /// Each profile of the page is looked up once, by rising id: neighbours are on one page of the file. Those of other
    /// accounts are left out: numbers of sections are unique in an account only. And a profile that is erased or locked for
    /// good is not there, though some of its events may be.
    private static func profiles(
        _ database: Database, _ ids: Set<Int64>, of account: Int64, _ recent: RecentProfiles.Rows
    ) throws -> Profiles {
        var profiles = Profiles()
        let placed = try PreparedStatement(database, selectProfile)
        // A profile that was made since memory was looked at.
        let arrived = try PreparedStatement(database, selectArrival)
        for id in ids.sorted() {
            if let row = recent[id] {
                guard row.account == account else { continue }
                profiles.add(id, keyspace: row.keyspace) { $0.append(contentsOf: row.key.utf8) }
                continue
            }
            for statement in [placed, arrived] {
                statement.bind(1, id)
                defer { statement.reset() }
                guard try statement.nextRow() else { continue }
                guard statement.int64(0) == account, statement.int64(3) != ProfileState.erased.rawValue,
                    !statement.withTextBytes(2, { LockedKeys.isMark($0) })
                else { break }
                if statement.withTextBytes(2, \.isEmpty) {
                    try profiles.add(id, firstKeyOf: MemberRows.profile(database, of: id))
                } else {
                    profiles.add(id, keyspace: statement.int64(1)) { keys in
                        statement.withBytes(2) { keys.append(contentsOf: $0) }
                    }
                }
                break
            }
        }
        return profiles
    }

    /// A key that leads to each profile; without those that are not there any more.
    static func keys(
        _ database: Database, _ ids: Set<Int64>, of account: Int64, _ recent: RecentProfiles.Rows
    ) throws -> [Int64: Profile.Key] {
        let found = try profiles(database, ids, of: account, recent)
        return found.indexes.mapValues { index in
            let profile = found.profiles[index]
            return Profile.Key(
                keyspace: profile.keyspace, text: String(decoding: found.keys[profile.key], as: UTF8.self))
        }
    }

    private static func withProfiles(
        _ database: Database, _ range: ExportRange, _ recent: RecentProfiles.Rows, _ found: [Found],
        _ data: [UInt8], next: Int64?, newest: Int64
    ) throws -> ExportPage {
        let ids = Set(found.lazy.map(\.profile))
        let profiles = try profiles(database, ids, of: range.account, recent)
        let isForeign = !ids.isSubset(of: profiles.indexes.keys)
        var rows: [ExportPage.Row] = []
        rows.reserveCapacity(found.count)
        var kept = isForeign ? [] : data
        var start = 0
        for event in found {
            defer { start = event.dataEnd }
            guard let profile = profiles.indexes[event.profile] else { continue }
            if isForeign { kept.append(contentsOf: data[start..<event.dataEnd]) }
            rows.append(
                ExportPage.Row(
                    id: event.id, eventTime: Timestamp(milliseconds: event.eventTime),
                    receivedAt: Timestamp(milliseconds: event.receivedAt), version: event.version, profile: profile,
                    dataEnd: isForeign ? kept.count : event.dataEnd))
        }
        return ExportPage(
            rows: rows, profiles: profiles.profiles, keys: profiles.keys, data: kept, next: next, newest: newest)
    }
}

import GRDB
import OvationCore
import OvationRows

/// Reads what many profiles say of being written to.
enum ConsentRows {
    // MARK: By a value

    private static let selectValues = """
        SELECT profile_id FROM profile_value WHERE account_id = ?1 AND attribute = ?2 AND value = ?3 AND profile_id > ?4
        ORDER BY profile_id LIMIT ?5
        """

    /// What was taken of memory before the snapshot.
    struct Memory: Sendable {
        /// For each key that is asked for.
        let keys: [Recent.Part]
        /// Profiles that were found by a value, as far as they are known.
        let members: [Int64: RecentProfiles.Row]
    }

    /// What a search came to.
    enum Attempt: Sendable {
        case found(ConsentMatches)
        case pathIsLonger
        /// Memory may have these profiles, and was not asked for them before the snapshot.
        case areMissing(Set<Int64>)
    }

    static func search(_ database: Database, _ search: ConsentSearch, _ memory: Memory) throws -> Attempt {
        var missing: Set<Int64> = []
        do {
            let keys = try zip(search.keys, memory.keys).map { try match(database, $0, search, $1) }
            let matches = try self.search(database, search, keys, memory.members, missing: &missing)
            return missing.isEmpty ? .found(matches) : .areMissing(missing)
        } catch is Recent.PathIsLonger {
            return .pathIsLonger
        }
    }

    private static func match(
        _ database: Database, _ key: ProfileAddress, _ search: ConsentSearch, _ recent: Recent.Part
    ) throws -> ConsentMatches.KeyMatch {
        if let profile = try ProfileRows.find(database, key, recent) {
            return .profile(
                try ProfileDataRows.data(database, of: profile, in: search.sectionsToRead) { search.takes($0, in: $1) })
        }
        return try ProfileRows.findLocked(database, key, recent) == nil ? .nothing : .locked
    }

    /// - Parameter missing: profiles that memory may have, and was not asked for before the snapshot: nothing is read then.
    private static func search(
        _ database: Database, _ search: ConsentSearch, _ keys: [ConsentMatches.KeyMatch],
        _ recent: [Int64: RecentProfiles.Row], missing: inout Set<Int64>
    ) throws -> ConsentMatches {
        let limit = max(1, min(search.limit, Limits.valueMatchesMax))
        let places = try places(database, search, limit: limit)
        let shown = places.prefix(limit)
        let profiles = try MappedValueRows.profiles(
            database, of: shown.map(\.member.value), account: search.account, recent, missing: &missing)
        let whole = Dictionary(profiles.values.map { ($0.id, $0) }) { $1 }
        let sections = search.sectionsToRead
        let data = try whole.values.sorted { $0.id.value < $1.id.value }.map { profile in
            try ProfileDataRows.data(database, of: profile, in: sections) { search.takes($0, in: $1) }
        }
        return ConsentMatches(keys: keys, profiles: data, next: places.count > limit ? shown.last : nil)
    }

    /// One more than the limit at most, if there is one.
    private static func places(
        _ database: Database, _ search: ConsentSearch, limit: Int
    ) throws -> [ConsentSearch.Place] {
        guard !search.values.isEmpty else { return [] }
        let select = try PreparedStatement(cached: database.cachedStatement(sql: selectValues))
        defer { select.reset() }
        var places: [ConsentSearch.Place] = []
        for (attribute, text, after) in search.rest where places.count <= limit {
            select.bind(1, search.account)
            select.bind(2, attribute)
            select.bind(3, text: text)
            select.bind(4, after ?? .min)
            select.bind(5, Int64(limit + 1 - places.count))
            while try select.nextRow() {
                places.append(ConsentSearch.Place(attribute: attribute, member: ProfileID(select.int64(0))))
            }
            select.reset()
        }
        return places
    }

    // MARK: Suppressions

    /// A range of an index, which is read in its order: what comes behind the last one of a channel is of another, and ends the
    /// reading. Where account and keyspace are compared alone, SQLite takes the index's own condition for the better one, and
    /// sorts all of them. A profile that is being moved is in both tables.
    static let selectSuppressions: [StaticString] = [
        """
        SELECT key, profile_id, created_at, account_id, keyspace FROM profile INDEXED BY profile_suppression
        WHERE (account_id, keyspace, key) > (?1, ?2, ?3) AND keyspace < 0 ORDER BY account_id, keyspace, key LIMIT ?4
        """,
        """
        SELECT key, profile_id, created_at, account_id, keyspace
        FROM profile_arrival INDEXED BY profile_arrival_suppression
        WHERE (account_id, keyspace, key) > (?1, ?2, ?3) AND keyspace < 0 ORDER BY account_id, keyspace, key LIMIT ?4
        """,
    ]

    static func suppressions(_ database: Database, _ filter: SuppressionFilter) throws -> SuppressionPage {
        let limit = max(1, min(filter.limit, Limits.suppressionsPageMax))
        let keyspace = Suppression.keyspace(ofChannel: filter.channel)
        var found: [String: Profile] = [:]
        for sql in selectSuppressions {
            let select = try PreparedStatement(database, sql)
            select.bind(1, filter.account)
            select.bind(2, keyspace)
            select.bind(3, text: filter.after ?? "")
            select.bind(4, Int64(limit) + 1)
            while try select.nextRow(), select.int64(3) == filter.account, select.int64(4) == keyspace {
                let key = select.text(0)
                found[key] = Profile(
                    id: ProfileID(select.int64(1)), key: Profile.Key(keyspace: keyspace, text: key),
                    createdAt: Timestamp(milliseconds: select.int64(2)))
            }
        }
        let hashes = found.keys.sorted()
        let field = Suppression.field(ofChannel: filter.channel)
        var page: [Suppression] = []
        for hash in hashes.prefix(limit) {
            guard let profile = found[hash] else { continue }
            let data = try ProfileDataRows.data(database, of: profile, in: [0]) { taken, _ in taken == field }
            guard let held = data.sections.first?[field], held.isOptOut else { continue }
            page.append(Suppression(addressHash: hash, held: held))
        }
        return SuppressionPage(suppressions: page, next: hashes.count > limit ? hashes[limit - 1] : nil)
    }
}

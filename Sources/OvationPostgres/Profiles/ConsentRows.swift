import OvationCore
import OvationRows

/// Reads what many profiles say of being written to.
enum ConsentRows {
    /// Two round trips for each key that leads to a profile, and five for the values: these, the members of their profiles, the
    /// profiles, what they hold, and its changes. The keys are read first, each at a moment of its own.
    static func search(_ connection: PostgresConnection, _ search: ConsentSearch) throws -> ConsentMatches {
        let keys = try search.keys.map { try match(connection, $0, search) }
        let limit = max(1, min(search.limit, Limits.valueMatchesMax))
        let rest = search.rest
        guard !rest.isEmpty else { return ConsentMatches(keys: keys, profiles: [], next: nil) }
        let results = try connection.run(
            rest.map { attribute, text, after in
                Command(MappedValueSQL.exactBehind) {
                    $0.add(search.account)
                    $0.add(attribute)
                    $0.add(text)
                    $0.add(after ?? .min)
                    $0.add(Int64(limit) + 1)
                }
            })
        let places = zip(rest, results).flatMap { asked, rows in
            (0..<rows.count).map {
                ConsentSearch.Place(attribute: asked.attribute, member: ProfileID(rows.int64($0, 0)))
            }
        }
        let shown = places.prefix(limit)
        let next = places.count > limit ? shown.last : nil
        let members = Set(shown.map(\.member.value))
        return try reading(members, connection) { profiles in
            let whole = Dictionary(profiles.values.map { ($0.id, $0) }) { $1 }
            let data = try ProfileDataRows.data(
                connection, of: whole.values.sorted { $0.id.value < $1.id.value }, in: search.sectionsToRead
            ) { search.takes($0, in: $1) }
            return ConsentMatches(keys: keys, profiles: data, next: next)
        }
    }

    private static func match(
        _ connection: PostgresConnection, _ key: ProfileAddress, _ search: ConsentSearch
    ) throws -> ConsentMatches.KeyMatch {
        if let data = try ProfileDataRows.data(connection, of: key, in: search.sectionsToRead) {
            return .profile(
                ProfileData(
                    profile: data.profile,
                    sections: data.sections.compactMap { section in
                        let fields = section.fields.filter { search.takes($0.field, in: section.section) }
                        return fields.isEmpty ? nil : ProfileData.Section(section: section.section, fields: fields)
                    }))
        }
        return try ProfileRows.find(connection, key)?.state == .locked ? .locked : .nothing
    }

    /// The changes of a profile that is erased go while one reads. Then the profiles are looked for anew, without it.
    private static func reading<Value>(
        _ members: Set<Int64>, _ connection: PostgresConnection, _ read: ([Int64: Profile]) throws -> Value
    ) throws -> Value {
        var before: Set<Int64>?
        while true {
            let profiles = try MappedValueRows.profiles(connection, of: members)
            do {
                return try read(profiles)
            } catch let failure as StoreFailure where failure.code == .damaged {
                guard before != Set(profiles.keys) else { throw failure }
                before = Set(profiles.keys)
            }
        }
    }

    // MARK: Suppressions

    static func suppressions(
        _ connection: PostgresConnection, _ filter: SuppressionFilter
    ) throws -> SuppressionPage {
        let limit = max(1, min(filter.limit, Limits.suppressionsPageMax))
        let keyspace = Suppression.keyspace(ofChannel: filter.channel)
        let rows = try connection.run(ReadSQL.profilesBehind) {
            $0.add(filter.account)
            $0.add(keyspace)
            $0.add(filter.after ?? "")
            $0.add(Int64(limit) + 1)
        }
        let profiles = (0..<min(rows.count, limit)).map { row in
            Profile(
                id: ProfileID(rows.int64(row, 0)), key: Profile.Key(keyspace: keyspace, text: rows.text(row, 1)),
                createdAt: Timestamp(milliseconds: 0))
        }
        let field = Suppression.field(ofChannel: filter.channel)
        let data = try ProfileDataRows.data(connection, of: profiles, in: [0]) { taken, _ in taken == field }
        let found = data.compactMap { data -> Suppression? in
            guard let key = data.profile.keys.first, let held = data.sections.first?[field], held.isOptOut else {
                return nil
            }
            return Suppression(addressHash: key.text, held: held)
        }
        return SuppressionPage(suppressions: found, next: rows.count > limit ? rows.text(limit - 1, 1) : nil)
    }
}

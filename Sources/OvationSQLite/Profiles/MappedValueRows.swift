import GRDB
import OvationCore
import OvationRows

/// Values of mapped attributes as rows: read by a search, and made from what profiles hold. See rule 36 of DESIGN.md.
enum MappedValueRows {
    // MARK: Searching

    /// What a search came to.
    enum Attempt: Sendable {
        case found(ValueMatches)
        /// Memory may have these profiles, and was not asked for them before the snapshot.
        case areMissing(Set<Int64>)
    }

    private static let selectExact: StaticString = """
        SELECT profile_id, value FROM profile_value WHERE account_id = ?1 AND attribute = ?2 AND value = ?3
        ORDER BY value, profile_id LIMIT ?5
        """

    private static let selectRange: StaticString = """
        SELECT profile_id, value FROM profile_value
        WHERE account_id = ?1 AND attribute = ?2 AND value >= ?3 AND (?4 IS NULL OR value < ?4)
        ORDER BY value, profile_id LIMIT ?5
        """

    /// - Parameter recent: profiles that memory has.
    static func search(
        _ database: Database, _ search: ValueSearch, _ recent: [Int64: RecentProfiles.Row]
    ) throws -> Attempt {
        let limit = min(search.limit, Limits.valueMatchesMax)
        let rows = try rows(database, search, limit: limit)
        var missing: Set<Int64> = []
        let profiles = try profiles(
            database, of: rows.prefix(limit).map(\.profile), account: search.account, recent, missing: &missing)
        guard missing.isEmpty else { return .areMissing(missing) }
        let matches = rows.prefix(limit).compactMap { row in
            // One that was erased leaves its values behind it for a while.
            profiles[row.profile].map {
                ValueMatch(
                    profile: $0, member: ProfileID(row.profile), attribute: row.attribute, value: row.text)
            }
        }
        return .found(ValueMatches(matches: matches, isComplete: rows.count <= limit))
    }

    /// Whole profiles, by their members that were found. Erased ones are left out.
    /// - Parameter missing: what memory may have, and was not asked for before the snapshot.
    static func profiles(
        _ database: Database, of members: [Int64], account: Int64, _ recent: [Int64: RecentProfiles.Row],
        missing: inout Set<Int64>
    ) throws -> [Int64: Profile] {
        guard !members.isEmpty else { return [:] }
        let exists = try PreparedStatement(
            cached: database.cachedStatement(sql: "SELECT 1 FROM profile WHERE profile_id = ?1"))
        defer { exists.reset() }
        var profiles: [Int64: Profile] = [:]
        for member in members where profiles[member] == nil {
            let known = recent[member]
            if known == nil {
                exists.bind(1, member)
                let isInPlace = try exists.nextRow()
                exists.reset()
                guard isInPlace else {
                    missing.insert(member)
                    continue
                }
            }
            profiles[member] = try ProfileRows.find(database, id: member, account: account, known)
        }
        return profiles
    }

    /// One more than the limit at most, if there is one.
    private static func rows(
        _ database: Database, _ search: ValueSearch, limit: Int
    ) throws -> [MappedValue] {
        let select = try PreparedStatement(database, search.isExact ? selectExact : selectRange)
        var rows: [MappedValue] = []
        for (attribute, text) in search.texts.sorted(by: { $0.key < $1.key }) {
            select.bind(1, search.account)
            select.bind(2, attribute)
            select.bind(3, text: text)
            if let end = text.firstNotBeginningSo { select.bind(4, text: end) } else { select.bindNull(4) }
            select.bind(5, Int64(limit) + 1)
            while try select.nextRow() {
                rows.append(MappedValue(profile: select.int64(0), attribute: attribute, text: select.text(1)))
            }
            select.reset()
        }
        return Array(rows.sorted { $0.isBefore($1) }.prefix(limit + 1))
    }

    // MARK: Which attributes

    /// Those whose values the writer keeps.
    static func mapped(_ database: Database) throws -> [Int64: MappedAttributes] {
        try stored(database).mapValues { account in
            MappedAttributes(custom: account.mappings.filter { $0.value.state != .leaving }.mapValues(\.format))
        }
    }

    static func stored(_ database: Database) throws -> [Int64: StoredMappings] {
        let rows = try PreparedStatement(
            database, "SELECT account_id, attribute, key_format, state FROM mapped_attribute")
        var found: [Int64: [Int64: StoredMappings.Mapping]] = [:]
        while try rows.nextRow() {
            guard let format = KeyFormat(rawValue: rows.text(2)), let state = MappingState(rawValue: rows.int64(3))
            else {
                throw StoreFailure(.damaged, "a mapped attribute cannot be read")
            }
            found[rows.int64(0), default: [:]][rows.int64(1)] = StoredMappings.Mapping(format: format, state: state)
        }
        return found.mapValues { StoredMappings($0) }
    }

    static func stored(_ database: Database, account: Int64) throws -> StoredMappings {
        try stored(database)[account] ?? StoredMappings([:])
    }

    /// From the commit of this on, the values of these attributes are kept.
    static func begin(_ new: [Int64: KeyFormat], account: Int64, _ database: Database) throws {
        for (attribute, format) in new {
            try database.execute(
                sql: """
                    INSERT INTO mapped_attribute (account_id, attribute, key_format, state) VALUES (?, ?, ?, ?)
                    ON CONFLICT DO NOTHING
                    """,
                arguments: [account, attribute, format.rawValue, MappingState.filling.rawValue])
        }
    }

    /// Keeps which attributes of an account are mapped, in the commit of the definitions. The values of those that are new are
    /// there already; those of attributes that are mapped no more are removed afterwards.
    static func set(_ mapped: MappedAttributes, account: Int64, _ database: Database) throws {
        let stored = try stored(database, account: account)
        try set(stored.gone(mapped), .leaving, account: account, database)
        try set(stored.filled(mapped), .whole, account: account, database)
        let rewritten = stored.toRewrite(mapped)
        for (attribute, format) in rewritten {
            try database.execute(
                sql: "DELETE FROM profile_value WHERE account_id = ? AND attribute = ?",
                arguments: [account, attribute])
            try database.execute(
                sql: """
                    INSERT INTO mapped_attribute (account_id, attribute, key_format) VALUES (?, ?, ?)
                    ON CONFLICT DO UPDATE SET key_format = excluded.key_format, state = 0
                    """, arguments: [account, attribute, format.rawValue])
        }
        guard !rewritten.isEmpty else { return }
        try fill(database, mapped: self.mapped(database)) { $0 == account && rewritten[$1] != nil }
    }

    static func set(
        _ attributes: [Int64], _ state: MappingState, account: Int64, _ database: Database
    ) throws {
        for attribute in attributes {
            try database.execute(
                sql: "UPDATE mapped_attribute SET state = ? WHERE account_id = ? AND attribute = ?",
                arguments: [state.rawValue, account, attribute])
        }
    }

    /// Removes some values of an attribute that leaves, and the attribute with the last of them.
    /// - Returns: false: it has left, or is mapped again.
    static func removeSome(of attribute: Int64, account: Int64, _ database: Database) throws -> Bool {
        guard try stored(database, account: account).mappings[attribute]?.state == .leaving else { return false }
        try database.execute(
            sql: """
                DELETE FROM profile_value WHERE account_id = ?1 AND attribute = ?2 AND (value, profile_id) IN (
                    SELECT value, profile_id FROM profile_value WHERE account_id = ?1 AND attribute = ?2 LIMIT ?3)
                """,
            arguments: [account, attribute, MappingState.step])
        guard database.changesCount < MappingState.step else { return true }
        try database.execute(
            sql: "DELETE FROM mapped_attribute WHERE account_id = ? AND attribute = ? AND state = ?",
            arguments: [account, attribute, MappingState.leaving.rawValue])
        return false
    }

    // MARK: Making

    /// A row of `profile_data`.
    struct Place: Sendable {
        var profile = Int64.min
        var section = Int64.min
    }

    /// Makes the values of some profiles behind a place, of attributes that are being filled. What changes meanwhile is kept by
    /// the writer, and this runs on its thread.
    /// - Returns: where to go on; nil: all are made.
    static func fillSome(
        behind place: Place, of attributes: [Int64: KeyFormat], account: Int64, _ database: Database
    ) throws -> Place? {
        let insert = try PreparedStatement(cached: database.cachedStatement(sql: MappedValueRows.insert.description))
        let wanted = [account: MappedAttributes(custom: attributes)]
        var (last, count) = (place, 0)
        try forEach(database, wanted, behind: place, limit: MappingState.step) { owner, value in
            guard owner == account, attributes[value.attribute] != nil else { return }
            insert.bind(account, value)
            try insert.run()
        } passed: {
            last = $0
            count += 1
        }
        return count < MappingState.step ? nil : last
    }

    /// Makes the rows anew from what profiles hold; those that are there stay.
    /// - Parameter isWanted: of which attributes of an account.
    static func fill(
        _ database: Database, mapped: [Int64: MappedAttributes],
        _ isWanted: (_ account: Int64, _ attribute: Int64) -> Bool = { _, _ in true }
    ) throws {
        let insert = try PreparedStatement(database, insert)
        try forEach(database, mapped) { account, value in
            guard isWanted(account, value.attribute) else { return }
            insert.bind(account, value)
            try insert.run()
        }
    }

    static let insert: StaticString = """
        INSERT INTO profile_value (account_id, attribute, value, profile_id) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT DO NOTHING
        """

    /// Every value of a mapped attribute that a member holds, from the changes.
    /// - Parameters:
    ///   - limit: rows of `profile_data` that are looked at.
    ///   - passed: called for each of them.
    static func forEach(
        _ database: Database, _ mapped: [Int64: MappedAttributes], behind place: Place = Place(), limit: Int = .max,
        _ body: (_ account: Int64, MappedValue) throws -> Void, passed: (Place) -> Void = { _ in }
    ) throws {
        let any = MappedAttributes(custom: mapped.values.reduce(into: [:]) { $0.merge($1.custom) { $1 } })
        let indexes = try PreparedStatement(database, selectIndexes)
        let select = try PreparedStatement(
            database, "SELECT account_id, edits FROM profile_change WHERE position = ?1")
        indexes.bind(1, place.profile)
        indexes.bind(2, place.section)
        indexes.bind(3, Int64(limit))
        while try indexes.nextRow() {
            let (profile, section) = (indexes.int64(0), indexes.int64(1))
            let entries = section > 0 ? try indexes.fieldIndex(2).mappedEntries(any) : []
            for (position, entries) in Dictionary(grouping: entries, by: \.position) {
                select.bind(1, position)
                guard try select.nextRow() else { throw StoreFailure.missing(change: position) }
                let account = select.int64(0)
                let edits = try select.packedEdits(1, at: position)
                select.reset()
                let values = edits.mappedValues(
                    of: entries.map(\.field), in: profile, mapped[account] ?? MappedAttributes())
                for value in values { try body(account, value) }
            }
            passed(Place(profile: profile, section: section))
        }
    }

    private static let selectIndexes: StaticString = """
        SELECT profile_id, section, fields FROM profile_data WHERE (profile_id, section) > (?1, ?2)
        ORDER BY profile_id, section LIMIT ?3
        """
}

extension PreparedStatement {
    /// To a statement that names a row of `profile_value`.
    func bind(_ account: Int64, _ value: MappedValue) {
        bind(1, account)
        bind(2, value.attribute)
        bind(3, text: value.text)
        bind(4, value.profile)
    }
}

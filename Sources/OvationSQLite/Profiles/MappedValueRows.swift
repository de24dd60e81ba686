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

    static func mapped(_ database: Database) throws -> [Int64: MappedAttributes] {
        let rows = try PreparedStatement(database, "SELECT account_id, attribute, key_format FROM mapped_attribute")
        var formats: [Int64: [Int64: KeyFormat]] = [:]
        while try rows.nextRow() {
            guard let format = KeyFormat(rawValue: rows.text(2)) else {
                throw StoreFailure(.damaged, "the format of a mapped attribute cannot be read")
            }
            formats[rows.int64(0), default: [:]][rows.int64(1)] = format
        }
        return formats.mapValues { MappedAttributes(custom: $0) }
    }

    /// Keeps which attributes of an account are mapped, with the values of those that are new.
    static func set(_ mapped: MappedAttributes, account: Int64, _ database: Database) throws {
        let before = try self.mapped(database)[account] ?? MappedAttributes()
        let gone = before.custom.filter { mapped.custom[$0.key] != $0.value }
        let new = mapped.custom.filter { before.custom[$0.key] != $0.value }
        for attribute in gone.keys {
            for table in ["mapped_attribute", "profile_value"] {
                try database.execute(
                    sql: "DELETE FROM \(table) WHERE account_id = ? AND attribute = ?",
                    arguments: [account, attribute])
            }
        }
        for (attribute, format) in new {
            try database.execute(
                sql: "INSERT INTO mapped_attribute (account_id, attribute, key_format) VALUES (?, ?, ?)",
                arguments: [account, attribute, format.rawValue])
        }
        if !new.isEmpty { try fill(database) { $0 == account && new[$1] != nil } }
    }

    // MARK: Making

    /// Makes the rows anew from what profiles hold; those that are there stay.
    /// - Parameter isWanted: of which attributes of an account.
    static func fill(
        _ database: Database, _ isWanted: (_ account: Int64, _ attribute: Int64) -> Bool = { _, _ in true }
    ) throws {
        let insert = try PreparedStatement(database, insert)
        try forEach(database) { account, value in
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
    static func forEach(_ database: Database, _ body: (_ account: Int64, MappedValue) throws -> Void) throws {
        let mapped = try mapped(database)
        let any = MappedAttributes(custom: mapped.values.reduce(into: [:]) { $0.merge($1.custom) { $1 } })
        let indexes = try PreparedStatement(
            database, "SELECT profile_id, fields FROM profile_data WHERE section > 0")
        let select = try PreparedStatement(
            database, "SELECT account_id, edits FROM profile_change WHERE position = ?1")
        while try indexes.nextRow() {
            let profile = indexes.int64(0)
            let entries = try indexes.fieldIndex(1).mappedEntries(any)
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
        }
    }
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

import GRDB
import OvationCore
import OvationRows

/// Counts of consents as rows: read, and made from what profiles hold. See rule 37 of DESIGN.md.
enum ConsentCountRows {
    static func read(_ database: Database, account: Int64, section: Int64) throws -> [ConsentCount] {
        let rows = try PreparedStatement(
            database,
            """
            SELECT place, type, profiles FROM consent_count WHERE account_id = ?1 AND section = ?2 AND profiles <> 0
            ORDER BY place, type
            """)
        rows.bind(1, account)
        rows.bind(2, section)
        var counts: [ConsentCount] = []
        while try rows.nextRow() {
            guard let type = ConsentType(rawValue: rows.int64(1)) else { continue }
            let key = ConsentCountKey(account: account, section: section, place: rows.int64(0), type: type)
            if let count = key.count(rows.int64(2)) { counts.append(count) }
        }
        return counts
    }

    static let add: StaticString = """
        INSERT INTO consent_count (account_id, section, place, type, profiles) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT DO UPDATE SET profiles = profiles + excluded.profiles
        """

    /// Makes the rows anew.
    static func fill(_ database: Database) throws {
        let counts = try recount(database)
        try database.execute(sql: "DELETE FROM consent_count")
        let add = try PreparedStatement(database, add)
        for (key, profiles) in counts.changed {
            add.bind(key, profiles)
            try add.run()
        }
    }

    /// The counts by what open profiles hold, from the changes.
    static func recount(_ database: Database) throws -> ConsentCountChanges {
        var counter = Counter(
            select: try PreparedStatement(
                database, "SELECT account_id, edits FROM profile_change WHERE position = ?1"),
            newSuppressions: Set(
                try Int64.fetchAll(database, sql: "SELECT profile_id FROM profile_arrival WHERE keyspace < 0")))
        try countAlone(database, &counter)
        try countMerged(database, &counter)
        return counter.counts
    }

    /// Profiles of one member. One that is not in its place yet is open.
    private static func countAlone(_ database: Database, _ counter: inout Counter) throws {
        let indexes = try PreparedStatement(
            database,
            """
            SELECT data.profile_id, section, fields, ifnull(keyspace, 0) FROM profile_data AS data
                LEFT JOIN profile ON profile.profile_id = data.profile_id
            WHERE ifnull(state, 0) = 0
                AND NOT EXISTS (SELECT 1 FROM profile_member AS member WHERE member.profile_id = data.profile_id)
            """)
        while try indexes.nextRow() {
            let profile = indexes.int64(0)
            let keyspace = counter.newSuppressions.contains(profile) ? -1 : indexes.int64(3)
            try counter.count([indexes.fieldIndex(2)], section: indexes.int64(1), keyspace: keyspace)
        }
    }

    /// Profiles of several members, each with what all of them have in a section.
    private static func countMerged(_ database: Database, _ counter: inout Counter) throws {
        let indexes = try PreparedStatement(
            database,
            """
            SELECT root_id, section, fields, keyspace FROM profile_member
                JOIN profile ON profile.profile_id = root_id
                JOIN profile_data AS data ON data.profile_id = profile_member.profile_id
            WHERE state = 0 ORDER BY root_id, section
            """)
        var (place, members): ((root: Int64, section: Int64, keyspace: Int64)?, [FieldIndex]) = (nil, [])
        func end() throws {
            guard let place else { return }
            try counter.count(members, section: place.section, keyspace: place.keyspace)
            members = []
        }
        while try indexes.nextRow() {
            let next = (root: indexes.int64(0), section: indexes.int64(1), keyspace: indexes.int64(3))
            if let place, place != next { try end() }
            place = next
            members.append(try indexes.fieldIndex(2))
        }
        try end()
    }

    private struct Counter {
        let select: PreparedStatement
        /// Profiles that are not in their place yet.
        let newSuppressions: Set<Int64>
        var counts = ConsentCountChanges()

        /// - Parameter members: the index of each member of a profile.
        mutating func count(_ members: [FieldIndex], section: Int64, keyspace: Int64) throws {
            for entry in FieldIndex.consents(of: members) {
                select.bind(1, entry.position)
                defer { select.reset() }
                guard try select.nextRow() else { throw StoreFailure.missing(change: entry.position) }
                let edits = try select.packedEdits(1, at: entry.position)
                counts.add(
                    1, edits[entry.field]?.value, in: entry.field,
                    section: ConsentCount.section(section, ofKeyspace: keyspace), account: select.int64(0))
            }
        }
    }
}

/// The counts of consents that the transaction changes, which are written once at its end: a hundred opt-ins to one topic
/// change one row once.
final class ConsentCountAppender {
    private let add: PreparedStatement
    private var changes = ConsentCountChanges()

    init(_ database: Database) throws { add = try PreparedStatement(database, ConsentCountRows.add) }

    func note(_ changes: ConsentCountChanges) { self.changes.add(changes) }

    func finishGroup() throws {
        guard !changes.isEmpty else { return }
        for (key, change) in changes.changed {
            add.bind(key, change)
            try add.run()
        }
        changes.removeAll()
    }

    /// What the transaction left to write.
    func forget() { changes.removeAll() }
}

extension PreparedStatement {
    /// To a statement that writes a row of `consent_count`.
    fileprivate func bind(_ key: ConsentCountKey, _ profiles: Int64) {
        bind(1, key.account)
        bind(2, key.section)
        bind(3, key.place)
        bind(4, key.type.rawValue)
        bind(5, profiles)
    }
}

import GRDB
import OvationCore
import OvationRows

/// The statements by which the writer keeps what profiles hold: changes, and for each profile and section the index over
/// them.
final class ProfileDataAppender {
    private let insertChange: PreparedStatement
    private let selectEdits: PreparedStatement
    private let selectIndex: PreparedStatement
    private let selectSections: PreparedStatement
    private let saveIndex: PreparedStatement
    private let findActor: PreparedStatement
    private let insertActor: PreparedStatement
    private let insertValue: PreparedStatement
    private let removeValue: PreparedStatement
    private let database: Database
    /// By account. nil: to be read.
    private var mapped: [Int64: MappedAttributes]?
    /// Numbers of actors that are on disk.
    private var actors: [String: Int64] = [:]
    /// Those that the transaction has added.
    private var newActors: [String: Int64] = [:]

    /// There are as many as API keys, but for those of long ago.
    private static let actorsMax = 4096

    init(_ database: Database) throws {
        self.database = database
        insertChange = try PreparedStatement(
            database,
            """
            INSERT INTO profile_change (position, account_id, profile_id, kind, state, at, actor, section, edits)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
            """)
        selectEdits = try PreparedStatement(database, "SELECT edits FROM profile_change WHERE position = ?1")
        selectIndex = try PreparedStatement(
            database, "SELECT fields FROM profile_data WHERE profile_id = ?1 AND section = ?2")
        selectSections = try PreparedStatement(database, "SELECT section FROM profile_data WHERE profile_id = ?1")
        saveIndex = try PreparedStatement(
            database,
            """
            INSERT INTO profile_data (profile_id, section, fields) VALUES (?1, ?2, ?3)
            ON CONFLICT DO UPDATE SET fields = excluded.fields
            """)
        findActor = try PreparedStatement(database, "SELECT actor_id FROM actor WHERE client_id = ?1")
        insertActor = try PreparedStatement(database, "INSERT INTO actor (client_id) VALUES (?1)")
        insertValue = try PreparedStatement(database, MappedValueRows.insert)
        removeValue = try PreparedStatement(
            database,
            """
            DELETE FROM profile_value WHERE account_id = ?1 AND attribute = ?2 AND value = ?3 AND profile_id = ?4
            """)
    }

    func index(of profile: Int64, section: Int64) throws -> FieldIndex {
        selectIndex.bind(1, profile)
        selectIndex.bind(2, section)
        defer { selectIndex.reset() }
        guard try selectIndex.nextRow() else { return FieldIndex() }
        return try selectIndex.fieldIndex(0)
    }

    /// Where a profile has or had something; 0 for the profile as a whole.
    func sections(of profile: Int64) throws -> [Int64] {
        selectSections.bind(1, profile)
        defer { selectSections.reset() }
        var sections: [Int64] = []
        while try selectSections.nextRow() { sections.append(selectSections.int64(0)) }
        return sections
    }

    func edits(at position: Int64) throws -> PackedEdits {
        selectEdits.bind(1, position)
        defer { selectEdits.reset() }
        guard try selectEdits.nextRow() else { throw StoreFailure.missing(change: position) }
        return try selectEdits.packedEdits(0, at: position)
    }

    func insert(_ row: ProfileDraft.Row, of change: ProfileChange) throws {
        insertChange.bind(1, row.position)
        insertChange.bind(2, change.profile.account)
        insertChange.bind(3, row.profile)
        insertChange.bind(4, text: row.kind.rawValue)
        insertChange.bind(5, orNull: row.state?.rawValue)
        insertChange.bind(6, change.at.milliseconds)
        insertChange.bind(7, try number(of: change.actor))
        insertChange.bind(8, orNull: row.section)
        insertChange.bind(9, blob: row.edits.bytes)
        try insertChange.run()
    }

    func save(_ index: FieldIndex, of profile: Int64, section: Int64) throws {
        saveIndex.bind(1, profile)
        saveIndex.bind(2, section)
        saveIndex.bind(3, blob: index.bytes)
        try saveIndex.run()
    }

    // MARK: Values of mapped attributes

    func mapped(account: Int64) throws -> MappedAttributes {
        let all = try mapped ?? MappedValueRows.mapped(database)
        mapped = all
        return all[account] ?? MappedAttributes()
    }

    /// They have changed, or may have.
    func forgetMapped() { mapped = nil }

    func write(_ values: MappedValueChanges, account: Int64) throws {
        for value in values.removed { try remove(value, account: account) }
        for value in values.added {
            insertValue.bind(account, value)
            try insertValue.run()
        }
    }

    func remove(_ value: MappedValue, account: Int64) throws {
        removeValue.bind(account, value)
        try removeValue.run()
    }

    private func number(of actor: String) throws -> Int64 {
        if let number = actors[actor] ?? newActors[actor] { return number }
        findActor.bind(1, text: actor)
        defer { findActor.reset() }
        guard try !findActor.nextRow() else {
            if actors.count >= ProfileDataAppender.actorsMax { actors = [:] }
            actors[actor] = findActor.int64(0)
            return findActor.int64(0)
        }
        insertActor.bind(1, text: actor)
        try insertActor.run()
        newActors[actor] = insertActor.lastInsertedRowID
        return insertActor.lastInsertedRowID
    }

    /// What was written is on disk.
    func didCommit() {
        if !newActors.isEmpty { actors.merge(newActors) { _, new in new } }
    }

    /// What the transaction left to remember.
    func forget() { newActors = [:] }
}

extension PreparedStatement {
    /// - Throws: `damaged`.
    func fieldIndex(_ column: CInt) throws -> FieldIndex {
        guard let index = withBytes(column, { FieldIndex(bytes: $0) }) else {
            throw StoreFailure(.damaged, "what a profile holds cannot be read")
        }
        return index
    }

    /// - Throws: `damaged`.
    func packedEdits(_ column: CInt, at position: Int64) throws -> PackedEdits {
        guard let edits = withBytes(column, { PackedEdits(bytes: $0) }) else {
            throw StoreFailure(.damaged, "change \(position) of a profile cannot be read")
        }
        return edits
    }
}

extension StoreFailure {
    static func missing(change position: Int64) -> StoreFailure {
        StoreFailure(.damaged, "change \(position) of a profile is missing, and the profile holds what it set")
    }
}

import GRDB
import OvationCore
import OvationRows

/// Whole profiles by rising id, a page at a time. The tables are read side by side, each once and in its order; only changes
/// are looked up, by their positions. See rule 38 of DESIGN.md.
enum ProfileExportRows {
    private static let selectProfiles: StaticString = """
        SELECT profile_id, account_id, keyspace, state, created_at, key FROM profile
        WHERE profile_id >= ?1 ORDER BY profile_id
        """

    private static let selectMembers: StaticString =
        "SELECT profile_id, root_id FROM profile_member WHERE profile_id >= ?1 ORDER BY profile_id"

    private static let selectData: StaticString = """
        SELECT profile_id, section, fields FROM profile_data WHERE profile_id >= ?1 ORDER BY profile_id, section
        """

    /// - Parameter recent: from before the snapshot of this database began.
    static func page(
        _ database: Database, _ range: ProfileExportRange, _ recent: RecentProfiles.Rows
    ) throws -> ProfileExportPage {
        let newest = try Int64.fetchOne(database, sql: "SELECT max(position) FROM profile_change") ?? 0
        guard range.after?.value != .max else {
            return ProfileExportPage(profiles: [], places: [], next: nil, newest: newest)
        }
        var reading = try Reading(database, range, from: range.after.map { $0.value + 1 } ?? .min, recent)
        let next = try reading.read()
        return ProfileExportPage(
            profiles: reading.profiles, places: reading.places, next: next.map { ProfileID($0) }, newest: newest)
    }

    /// The rows of a table by rising profile, as far as they were read.
    private struct Rows {
        let statement: PreparedStatement
        /// Of the row that can be read; nil: there are no more.
        private(set) var id: Int64?

        init(_ database: Database, _ sql: StaticString, from start: Int64) throws {
            statement = try PreparedStatement(database, sql)
            statement.bind(1, start)
            try advance()
        }

        /// To be called as long as there is an id.
        mutating func advance() throws { id = try statement.nextRow() ? statement.int64(0) : nil }

        mutating func advance(to other: Int64) throws { while let id, id < other { try advance() } }
    }

    private struct Reading {
        private let database: Database
        private let range: ProfileExportRange
        private var rows: Rows
        private var members: Rows
        private var data: Rows
        private var changes: ExportedValues
        /// Profiles that may be in memory only, by falling id, so that the next is the last.
        private var waiting: [Int64]
        private let recent: RecentProfiles.Rows
        private(set) var profiles: [ProfileData] = []
        private(set) var places: [ProfileID] = []
        private var bytes = 0
        /// Canonical members of the profiles of several that are in the page.
        private var given: Set<Int64> = []

        init(
            _ database: Database, _ range: ProfileExportRange, from start: Int64, _ recent: RecentProfiles.Rows
        ) throws {
            (self.database, self.range, self.recent) = (database, range, recent)
            rows = try Rows(database, selectProfiles, from: start)
            members = try Rows(database, selectMembers, from: start)
            data = try Rows(database, selectData, from: start)
            changes = try ExportedValues(database)
            waiting = recent.ids(from: start).sorted(by: >)
        }

        /// - Returns: the id behind which the next page begins; nil: this is the last.
        mutating func read() throws -> Int64? {
            var (lookedAt, last) = (0, Int64.min)
            while let id = nextID {
                guard lookedAt < Limits.exportPageProfileRows, profiles.count < range.limit,
                    profiles.isEmpty || bytes < range.bytesMax
                else { return last }
                (lookedAt, last) = (lookedAt + 1, id)
                if waiting.last == id { waiting.removeLast() }
                if rows.id == id {
                    try readRow(id)
                    try rows.advance()
                } else if let row = recent[id], row.account == range.account, !Suppression.isKeyspace(row.keyspace) {
                    // It was not changed since: then it would have a row.
                    try add(Profile(row))
                }
            }
            return nil
        }

        private var nextID: Int64? {
            guard let row = rows.id, let memory = waiting.last else { return rows.id ?? waiting.last }
            return min(row, memory)
        }

        private mutating func readRow(_ id: Int64) throws {
            let row = rows.statement
            guard row.int64(1) == range.account, !Suppression.isKeyspace(row.int64(2)),
                row.int64(3) != ProfileState.erased.rawValue, !row.withTextBytes(5, { LockedKeys.isMark($0) })
            else { return }
            try members.advance(to: id)
            guard members.id != id else { return try readMember(id) }
            try add(
                Profile(
                    RecentProfiles.Row(
                        id: id, account: range.account, keyspace: row.int64(2), key: row.text(5),
                        createdAt: row.int64(4)),
                    state: row.int64(3)))
        }

        private mutating func readMember(_ id: Int64) throws {
            let root = members.statement.int64(1)
            guard !given.contains(root), let profile = try MemberRows.profile(database, of: id),
                try MemberTree(of: profile).isExported(at: id, since: range.since)
            else { return }
            given.insert(root)
            append(
                profile.state == .locked
                    ? ProfileData(profile: profile, sections: [])
                    : try ProfileDataRows.data(database, of: profile, in: range.sections), at: id)
        }

        /// One that stands alone.
        private mutating func add(_ profile: Profile) throws {
            var sections: [ProfileData.Section] = []
            let id = profile.id.value
            try data.advance(to: id)
            while data.id == id {
                let section = data.statement.int64(1)
                if profile.state != .locked, range.sections?.contains(section) ?? (section > 0) {
                    let fields = try changes.fields(of: id, data.statement.fieldIndex(2))
                    if !fields.isEmpty { sections.append(ProfileData.Section(section: section, fields: fields)) }
                }
                try data.advance()
            }
            append(ProfileData(profile: profile, sections: sections), at: id)
        }

        private mutating func append(_ data: ProfileData, at id: Int64) {
            bytes += data.bytes
            profiles.append(data)
            places.append(ProfileID(id))
        }
    }
}

/// Reads the values of profiles of one member, each change once.
private struct ExportedValues {
    private struct Change {
        let position: Int64
        let at: Timestamp
        let actor: String
        let edits: PackedEdits
    }

    private let select: PreparedStatement
    private let selectActor: PreparedStatement
    private var actors: [Int64: String] = [:]

    init(_ database: Database) throws {
        select = try PreparedStatement(
            database, "SELECT profile_id, at, actor, edits FROM profile_change WHERE position = ?1")
        selectActor = try PreparedStatement(database, "SELECT client_id FROM actor WHERE actor_id = ?1")
    }

    /// In the order of ``ProfileData/Section/fields``.
    mutating func fields(of id: Int64, _ index: FieldIndex) throws -> [HeldField] {
        // Most profiles have few changes, and neighbours in the index are of one change.
        var read: [Change] = []
        var fields: [HeldField] = []
        for entry in index.entries where !entry.isCleared && entry.field != .life {
            let change: Change
            if let known = read.last(where: { $0.position == entry.position }) {
                change = known
            } else {
                change = try self.change(at: entry.position, of: id)
                read.append(change)
            }
            guard let value = change.edits[entry.field]?.value else {
                throw StoreFailure.missing(change: entry.position)
            }
            fields.append(
                HeldField(
                    field: entry.field, value: value, setAt: change.at, actor: change.actor,
                    position: entry.position))
        }
        fields.sort { ($0.field.kind.rawValue, $0.field.number) < ($1.field.kind.rawValue, $1.field.number) }
        return fields
    }

    private mutating func change(at position: Int64, of id: Int64) throws -> Change {
        select.bind(1, position)
        defer { select.reset() }
        guard try select.nextRow(), select.int64(0) == id else { throw StoreFailure.missing(change: position) }
        return Change(
            position: position, at: Timestamp(milliseconds: select.int64(1)), actor: try actor(select.int64(2)),
            edits: try select.packedEdits(3, at: position))
    }

    private mutating func actor(_ number: Int64) throws -> String {
        if let actor = actors[number] { return actor }
        selectActor.bind(1, number)
        defer { selectActor.reset() }
        guard try selectActor.nextRow() else {
            throw StoreFailure(.damaged, "who asked for a change of a profile is missing")
        }
        let actor = selectActor.text(0)
        actors[number] = actor
        return actor
    }
}

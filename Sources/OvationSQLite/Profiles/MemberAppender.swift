import GRDB
import OvationCore
import OvationRows

/// The statements by which the writer finds and keeps which profiles are one.
final class MemberAppender {
    /// A row of `profile_member`, but for the member itself.
    struct Membership {
        let root: Int64
        let member: MemberTree.Member
    }

    private let database: Database
    private let selectProfile: PreparedStatement
    private let save: PreparedStatement
    private let remove: PreparedStatement

    init(_ database: Database) throws {
        self.database = database
        selectProfile = try PreparedStatement(
            database, "SELECT keyspace, key, created_at FROM profile WHERE profile_id = ?1")
        save = try PreparedStatement(
            database,
            """
            INSERT INTO profile_member (profile_id, root_id, parent_id, joined) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT DO UPDATE SET root_id = excluded.root_id, parent_id = excluded.parent_id, joined = excluded.joined
            """)
        remove = try PreparedStatement(database, "DELETE FROM profile_member WHERE profile_id = ?1")
    }

    /// Of a profile that is in its place.
    func tree(of id: Int64) throws -> MemberTree { try MemberRows.tree(database, of: id) }

    /// Of a profile that is in its place.
    func row(of id: Int64) throws -> (key: Profile.Key?, createdAt: Timestamp) {
        selectProfile.bind(1, id)
        defer { selectProfile.reset() }
        guard try selectProfile.nextRow() else { throw StoreFailure.missing(member: id) }
        let key = selectProfile.text(1)
        return (
            key.isEmpty ? nil : Profile.Key(keyspace: selectProfile.int64(0), text: key),
            Timestamp(milliseconds: selectProfile.int64(2))
        )
    }

    /// - Parameter membership: nil: it stands alone.
    func write(_ membership: Membership?, of id: Int64) throws {
        guard let membership else {
            remove.bind(1, id)
            return try remove.run()
        }
        save.bind(1, id)
        save.bind(2, membership.root)
        save.bind(3, orNull: membership.member.parent)
        save.bind(4, membership.member.joined)
        try save.run()
    }
}

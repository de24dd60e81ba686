import GRDB
import OvationCore
import OvationRows

/// Reads which profiles are one. A profile that nothing was ever merged with has no row in `profile_member`.
enum MemberRows {
    private static let selectTree = """
        SELECT profile_id, parent_id, joined FROM profile_member
        WHERE root_id = (SELECT root_id FROM profile_member WHERE profile_id = ?1)
        """

    /// The members of the profile that a key leads to; nil: there is none.
    /// - Throws: ``Recent/PathIsLonger``.
    static func find(_ database: Database, _ address: ProfileAddress, _ recent: Recent.Part) throws -> MemberTree? {
        guard let id = try EventRows.profile(database, address, recent) else { return nil }
        // A member of several has left memory: its row was put into `profile` when it was joined.
        return recent.profiles[id] == nil ? try tree(database, of: id) : MemberTree(alone: id)
    }

    /// All members of the profile that one of them is of.
    static func tree(_ database: Database, of id: Int64) throws -> MemberTree {
        let statement = try PreparedStatement(cached: database.cachedStatement(sql: selectTree))
        statement.bind(1, id)
        defer { statement.reset() }
        var members: [Int64: MemberTree.Member] = [:]
        while try statement.nextRow() {
            members[statement.int64(0)] = MemberTree.Member(
                parent: statement.isNull(1) ? nil : statement.int64(1), joined: statement.int64(2))
        }
        guard !members.isEmpty else { return MemberTree(alone: id) }
        guard let tree = MemberTree(members) else { throw StoreFailure.broken(member: id) }
        return tree
    }

    private static let selectProfile = """
        SELECT member.profile_id, parent_id, joined, keyspace, key, created_at, state
        FROM profile_member AS member JOIN profile ON profile.profile_id = member.profile_id
        WHERE root_id = (SELECT root_id FROM profile_member WHERE profile_id = ?1)
        """

    /// The whole profile that a member is of; nil: it stands alone.
    static func profile(_ database: Database, of id: Int64) throws -> Profile? {
        let statement = try PreparedStatement(cached: database.cachedStatement(sql: selectProfile))
        statement.bind(1, id)
        defer { statement.reset() }
        var members: [Int64: ProfileMember] = [:]
        var tree: [Int64: MemberTree.Member] = [:]
        var states: [Int64: Int64] = [:]
        while try statement.nextRow() {
            let member = statement.int64(0)
            let place = MemberTree.Member(
                parent: statement.isNull(1) ? nil : statement.int64(1), joined: statement.int64(2))
            let key = statement.text(4)
            (tree[member], states[member]) = (place, statement.int64(6))
            members[member] = ProfileMember(
                id: ProfileID(member), key: key.isEmpty ? nil : Profile.Key(keyspace: statement.int64(3), text: key),
                createdAt: Timestamp(milliseconds: statement.int64(5)), joining: place.joining)
        }
        guard !tree.isEmpty else { return nil }
        guard let whole = MemberTree(tree) else { throw StoreFailure.broken(member: id) }
        return Profile(
            members: whole.ids.compactMap { members[$0] },
            state: states[whole.root].flatMap { ProfileState(rawValue: $0) } ?? .locked)
    }
}

extension MemberTree {
    /// - Throws: `damaged`.
    init(of profile: Profile) throws(StoreFailure) {
        guard let tree = MemberTree(membersOf: profile) else { throw StoreFailure.broken(member: profile.id.value) }
        self = tree
    }
}

extension MemberTree.Member {
    /// nil: it is the canonical one.
    var joining: ProfileMember.Joining? {
        parent.map { ProfileMember.Joining(parent: ProfileID($0), position: joined) }
    }
}

extension StoreFailure {
    static func missing(member id: Int64) -> StoreFailure {
        StoreFailure(.damaged, "profile \(id) is missing, and others are one with it")
    }

    static func broken(member id: Int64) -> StoreFailure {
        StoreFailure(.damaged, "the profiles that are one with \(id) do not fit together")
    }
}

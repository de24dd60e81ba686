import OvationCore
import OvationRows

/// The row of a profile: one member, of which nothing says what profile it belongs to.
struct StoredMember: Equatable {
    /// nil: it was taken from it.
    var key: Profile.Key?
    let createdAt: Timestamp
    var state: ProfileState
}

/// Reads which members a profile has.
enum MemberRows {
    /// Asks for the members of the profiles that have one of these, as ``trees(_:)`` reads them.
    static func find(_ members: [Int64]) -> Command { Command(MemberSQL.trees) { $0.add(members.sorted()) } }

    /// Those of several members.
    static func trees(_ rows: PostgresResult) throws(PostgresFailure) -> [MemberTree] {
        var members: [Int64: [Int64: MemberTree.Member]] = [:]
        for row in 0..<rows.count {
            members[rows.int64(row, 1), default: [:]][rows.int64(row, 0)] = MemberTree.Member(
                parent: rows.int64OrNil(row, 2), joined: rows.int64(row, 3))
        }
        var trees: [MemberTree] = []
        for (root, members) in members {
            guard let tree = MemberTree(members), tree.root == root else {
                throw .damaged("the members of a profile are not whole")
            }
            trees.append(tree)
        }
        return trees
    }

    /// The rows of ``MemberSQL/profiles``, by id.
    static func members(_ rows: PostgresResult) -> [Int64: StoredMember] {
        var members: [Int64: StoredMember] = [:]
        for row in 0..<rows.count {
            members[rows.int64(row, 0)] = StoredMember(
                key: key(rows.int64(row, 1), rows.text(row, 2)), createdAt: rows.time(row, 3),
                state: ProfileState(stored: rows.int64(row, 4)))
        }
        return members
    }

    /// nil: it was taken from the member.
    static func key(_ keyspace: Int64, _ text: String) -> Profile.Key? {
        text.isEmpty ? nil : Profile.Key(keyspace: keyspace, text: text)
    }

    /// Whole profiles, by each of their members. Those of one member are left out.
    static func profiles(_ connection: PostgresConnection, of members: [Int64]) throws -> [Int64: Profile] {
        let trees = try trees(try connection.run([find(members)])[0])
        guard !trees.isEmpty else { return [:] }
        let rows = try connection.run(MemberSQL.profiles) { $0.add(trees.flatMap(\.members.keys).sorted()) }
        let stored = self.members(rows)
        var profiles: [Int64: Profile] = [:]
        for tree in trees {
            let profile = try tree.profile(stored)
            for id in tree.members.keys { profiles[id] = profile }
        }
        return profiles
    }
}

extension MemberTree {
    /// - Parameter stored: the rows of all members.
    func profile(_ stored: [Int64: StoredMember]) throws(PostgresFailure) -> Profile {
        var list: [ProfileMember] = []
        for id in ids {
            guard let member = stored[id] else { throw .damaged("a member of a profile is missing") }
            let joining = members[id].flatMap { place in
                place.parent.map { ProfileMember.Joining(parent: ProfileID($0), position: place.joined) }
            }
            list.append(
                ProfileMember(id: ProfileID(id), key: member.key, createdAt: member.createdAt, joining: joining))
        }
        return Profile(members: list, state: stored[root]?.state ?? .open)
    }
}

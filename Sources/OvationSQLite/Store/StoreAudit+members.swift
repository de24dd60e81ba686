import GRDB
import OvationCore
import OvationRows

/// What must hold between the members of profiles, and of what is left of erased ones.
extension StoreAudit {
    static func memberFaults(_ database: Database) throws -> [String] {
        guard try database.tableExists("profile_member") else { return [] }
        let broken = try brokenTrees(database)
        return try found(database, rowFaults)
            + (broken > 0 ? ["\(broken) profiles of several members do not fit together"] : [])
    }

    /// An erased profile has no key, and nothing at all when its erasure is complete.
    static func erasureFaults(_ database: Database) throws -> [String] {
        // A store of an older version is checked when a server has brought it up to date.
        guard try database.tableExists("profile_member") else { return [] }
        return try found(database, erasureFaults)
    }

    private static func found(_ database: Database, _ faults: [(sql: String, fault: String)]) throws -> [String] {
        try faults.compactMap { sql, fault in
            let count = try Int.fetchOne(database, sql: sql) ?? 0
            return count > 0 ? "\(count) \(fault)" : nil
        }
    }

    /// Members of erased profiles go one by one, so only those of the others are whole.
    private static func brokenTrees(_ database: Database) throws -> Int {
        let rows = try PreparedStatement(
            cached: database.cachedStatement(
                sql: """
                    SELECT profile_id, root_id, parent_id, joined FROM profile_member JOIN profile USING (profile_id)
                    WHERE NOT \(isGone) ORDER BY root_id
                    """))
        var (broken, root) = (0, Int64(0))
        var members: [Int64: MemberTree.Member] = [:]
        func end() {
            guard !members.isEmpty else { return }
            let isWhole = members.count > 1 && MemberTree(members)?.root == root && members[root]?.joined == 0
            if !isWhole { broken += 1 }
        }
        while try rows.nextRow() {
            if rows.int64(1) != root {
                end()
                (root, members) = (rows.int64(1), [:])
            }
            members[rows.int64(0)] = MemberTree.Member(
                parent: rows.isNull(2) ? nil : rows.int64(2), joined: rows.int64(3))
        }
        end()
        return broken
    }

    /// Whether a profile was erased, or locked for good: readers find nothing of it.
    static let isGone = "(profile.state = 2 OR (profile.state = 1 AND substr(profile.key, 1, 1) = char(1)))"

    private static let rowFaults = [
        (
            """
            SELECT count(*) FROM profile_member WHERE profile_id NOT IN (SELECT profile_id FROM profile)
            """, "members of profiles are missing"
        ),
        (
            """
            SELECT count(*) FROM profile_member AS member
                JOIN profile AS own ON own.profile_id = member.profile_id
                JOIN profile AS root ON root.profile_id = member.root_id
            WHERE own.account_id <> root.account_id OR own.state <> root.state
            """, "members of profiles have another account or state than their canonical member"
        ),
        (
            """
            SELECT count(*) FROM profile_member JOIN profile USING (profile_id)
            WHERE parent_id IS NOT NULL AND NOT \(isGone) AND NOT EXISTS
                (SELECT 1 FROM profile_change AS change WHERE position = joined
                    AND change.profile_id = profile_member.profile_id AND kind IN ('merged', 'key_added'))
            """, "members of profiles were joined by no change"
        ),
        (
            """
            SELECT count(*) FROM (SELECT root_id FROM profile_member JOIN profile USING (profile_id)
                WHERE NOT \(isGone) GROUP BY root_id HAVING max(key) = '')
            """, "profiles of several members have no key"
        ),
        (
            """
            SELECT count(*) FROM profile WHERE key = '' AND state <> 2
                AND profile_id NOT IN (SELECT profile_id FROM profile_member)
            """, "profiles have no key, and are not erased"
        ),
        (
            """
            SELECT count(*) FROM profile_arrival WHERE profile_id IN
                (SELECT profile_id FROM profile_member UNION SELECT profile_id FROM profile WHERE key = '')
            """, "members of profiles have arrived once more"
        ),
    ]

    /// Profiles of which nothing is left but their rows, and the changes that erased them.
    private static let complete = """
        SELECT profile_id FROM profile WHERE \(isGone)
        EXCEPT SELECT profile_id FROM erasure WHERE completed_at IS NULL
        EXCEPT SELECT profile_id FROM profile_member
            WHERE root_id IN (SELECT profile_id FROM erasure WHERE completed_at IS NULL)
        """

    private static let erasureFaults = [
        // A member is erased with its profile, which has the erasure.
        (
            """
            SELECT count(*) FROM profile LEFT JOIN erasure USING (profile_id)
            WHERE CASE WHEN \(isGone) THEN (state = 2 AND key <> '') OR (erasure.position IS NULL AND profile_id NOT IN (
                SELECT change.profile_id FROM profile_change AS change JOIN erasure AS whole
                    ON whole.account_id = change.account_id AND whole.requested_at = change.at
                WHERE change.kind IN ('erased', 'locked')))
            ELSE erasure.position IS NOT NULL END
            """, "profiles are erased in part: state, key and erasure do not fit together"
        ),
        (
            "SELECT count(*) FROM event WHERE profile_id IN (\(complete))",
            "events are of profiles whose erasure is complete"
        ),
        (
            "SELECT count(*) FROM profile_change WHERE kind NOT IN ('erased', 'locked') AND profile_id IN (\(complete))",
            "changes are of profiles whose erasure is complete"
        ),
        (
            "SELECT count(*) FROM profile_data WHERE profile_id IN (\(complete))",
            "sections are held by profiles whose erasure is complete"
        ),
        (
            "SELECT count(*) FROM profile_member WHERE profile_id IN (\(complete))",
            "members are of profiles whose erasure is complete"
        ),
        (
            """
            SELECT count(*) FROM erased_rejection JOIN erasure USING (position) WHERE completed_at IS NOT NULL
            """, "refused posts are of profiles whose erasure is complete"
        ),
    ]
}

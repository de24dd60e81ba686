/// The statements about profiles of several members. See rule 21 of DESIGN.md.
enum MemberSQL {
    /// All members of the profiles that have one of these. None: each of them is alone.
    static let trees = Statement(
        "member_trees",
        """
        SELECT profile_id, root_id, parent_id, joined FROM profile_member
        WHERE root_id = ANY (ARRAY(SELECT root_id FROM profile_member WHERE profile_id = ANY ($1::bigint[])))
        """)

    /// The same, for who changes what the profiles hold. Two of its keys are two lanes, and each finds rows of `profile_data` that
    /// the other has made only if it waits here first: a row that was not there cannot be waited for.
    static let lockedTrees = Statement(
        "locked_member_trees",
        """
        SELECT profile_id, root_id, parent_id, joined FROM profile_member
        WHERE root_id = ANY (ARRAY(SELECT root_id FROM profile_member WHERE profile_id = ANY ($1::bigint[])))
        ORDER BY profile_id FOR UPDATE
        """)

    static let profiles = Statement(
        "member_profiles",
        "SELECT profile_id, keyspace, key, created_at, state FROM profile WHERE profile_id = ANY ($1::bigint[])")

    /// For somebody who has the order lock alone: no other group writes them.
    static let data = Statement(
        "member_data",
        """
        SELECT profile_id, section, fields FROM profile_data
        WHERE profile_id = ANY ($1::bigint[])
        """)

    /// The canonical member comes with itself as its parent.
    static let save = Statement(
        "save_members",
        """
        INSERT INTO profile_member (profile_id, root_id, parent_id, joined)
        SELECT profile_id, root_id, nullif(parent_id, profile_id), joined
        FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[])
            AS saved (profile_id, root_id, parent_id, joined)
        ON CONFLICT (profile_id) DO UPDATE SET
            root_id = excluded.root_id, parent_id = excluded.parent_id, joined = excluded.joined
        """)

    static let remove = Statement(
        "remove_members", "DELETE FROM profile_member WHERE profile_id = ANY ($1::bigint[])")

    /// Of a profile that is erased, the member to remove next. Those that were joined first have nobody below them by then,
    /// so what is left is a tree at any time.
    static let next = Statement(
        "next_member",
        """
        SELECT profile_id FROM profile_member WHERE root_id = $1::bigint AND profile_id <> $1::bigint
        ORDER BY joined, profile_id LIMIT 1
        """)
}

/// The statements about what profiles hold.
enum DataSQL {
    /// Takes the rows of whole profiles until the transaction is over, in one order, as they are by then. The table is on the
    /// coordinator and Citus does not know it, so rows can be locked there too.
    static let lock = Statement(
        "lock_profile_data",
        """
        WITH asked AS (
            SELECT profile_id FROM unnest($1::bigint[]) AS named (profile_id)
            UNION
            SELECT profile_id FROM profile_member
            WHERE root_id = ANY (ARRAY(SELECT root_id FROM profile_member WHERE profile_id = ANY ($1::bigint[])))
        )
        SELECT profile_id, section, fields FROM profile_data
        WHERE profile_id = ANY (ARRAY(TABLE asked)) AND section = ANY ($2::bigint[])
        ORDER BY profile_id, section FOR UPDATE
        """)

    /// The same rows of all sections, for somebody who has the order lock alone: no other group writes them.
    static let whole = Statement(
        "whole_profile_data",
        """
        WITH asked AS (
            SELECT profile_id FROM unnest($1::bigint[]) AS named (profile_id)
            UNION
            SELECT profile_id FROM profile_member
            WHERE root_id = ANY (ARRAY(SELECT root_id FROM profile_member WHERE profile_id = ANY ($1::bigint[])))
        )
        SELECT profile_id, section, fields FROM profile_data WHERE profile_id = ANY (ARRAY(TABLE asked))
        """)

    /// For rows that were not there to be locked. It fails where another transaction has made one of them meanwhile.
    static let insert = Statement(
        "insert_profile_data",
        """
        INSERT INTO profile_data (profile_id, section, fields)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[])
        """)

    /// For rows that this transaction has locked: they are all there. An UPDATE could be planned as a pass over the table.
    static let save = Statement(
        "save_profile_data",
        """
        INSERT INTO profile_data (profile_id, section, fields)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[])
        ON CONFLICT (profile_id, section) DO UPDATE SET fields = excluded.fields
        """)

    /// Changes are never written again, so these need no lock.
    static let edits = Statement(
        "profile_edits", "SELECT position, edits FROM profile_change WHERE position = ANY ($1::bigint[])")

    // MARK: Reading

    /// NULL means all sections, without what became of the profile as a whole.
    static let fields = Statement(
        "profile_fields",
        """
        SELECT section, fields FROM profile_data
        WHERE profile_id = $1::bigint
            AND CASE WHEN $2::bigint[] IS NULL THEN section > 0 ELSE section = ANY ($2::bigint[]) END
        """)

    /// Of many profiles, in some sections or in all.
    static let fieldsOfMany = Statement(
        "profile_fields_of_many",
        """
        SELECT profile_id, section, fields FROM profile_data
        WHERE profile_id = ANY ($1::bigint[])
            AND CASE WHEN $2::bigint[] IS NULL THEN section > 0 ELSE section = ANY ($2::bigint[]) END
        """)

    static let changes = Statement(
        "profile_changes",
        """
        SELECT position, kind, section, at, actor, edits, profile_id FROM profile_change
        WHERE position = ANY ($1::bigint[])
        """)

    // MARK: Exports

    /// Erased ones and those of other accounts are among them, so that a page looks at so many rows and no more.
    static let profilesFrom = Statement(
        "profiles_from",
        """
        SELECT profile_id, account_id, keyspace, state, created_at, key FROM profile
        WHERE profile_id >= $1::bigint ORDER BY profile_id LIMIT $2::bigint
        """)

    static let newestOfAll = Statement("newest_change_of_all", "SELECT max(position) FROM profile_change")

    static let sizes = Statement(
        "profile_change_sizes",
        """
        SELECT position, octet_length(edits)::bigint FROM profile_change WHERE position = ANY ($1::bigint[])
        """)
}

/// What changes profiles, and what tells of such changes.
enum ChangeSQL {
    /// One row at a time, which Citus sends to the one shard that has it.
    static let setState = Statement(
        "set_profile_state", "UPDATE profile SET state = $2::bigint WHERE profile_id = $1::bigint")

    static let insertChanges = Statement(
        "insert_profile_changes",
        """
        INSERT INTO profile_change (position, account_id, profile_id, kind, state, at, actor, section, edits)
        SELECT position, account_id, profile_id, kind, nullif(state, -1), at, actor, nullif(section, -1), edits
        FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::text[],
            $8::bigint[], $9::bytea[])
            AS changed (position, account_id, profile_id, kind, state, at, actor, section, edits)
        """)

    /// Returns those that were not there: a change says whether it made the profile.
    static let makeProfiles = Statement(
        "make_profiles",
        """
        INSERT INTO profile (profile_id, account_id, keyspace, key, created_at)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[])
        ON CONFLICT DO NOTHING RETURNING profile_id
        """)

    /// Whether a group is stored whose answer was lost.
    static let hasChange = Statement(
        "has_profile_change", "SELECT 1::bigint FROM profile_change WHERE position = $1::bigint")

    // MARK: States on several servers

    /// Seen by everybody at once. A number of a change that is rolled back makes others ask once for nothing.
    static let setStateNumber = Statement(
        "set_state_number", "SELECT setval('ovation.profile_state', $1::bigint)")

    /// For somebody who holds no lock: of what is committed. The sequence may be ahead of that.
    static let stateNumber = Statement(
        "state_number", "SELECT coalesce(max(position), 0) FROM profile_change WHERE state IS NOT NULL")

    static let statesSince = Statement(
        "profile_states_since",
        """
        SELECT profile_id, state FROM profile_change WHERE position > $1::bigint AND state IS NOT NULL
        ORDER BY position LIMIT $2::bigint
        """)

    /// Of these profiles, those that this transaction has made: their rows have its number. Nobody has seen them.
    static let unmakeProfiles = Statement(
        "unmake_profiles",
        """
        DELETE FROM profile
        WHERE profile_id = ANY ($1::bigint[]) AND xmin::text::bigint = txid_current() % 4294967296
        """)
}

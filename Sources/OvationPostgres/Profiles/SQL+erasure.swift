/// Profiles that are erased, and what is removed of them afterwards. See rule 20 of DESIGN.md.
enum ErasureSQL {
    /// One row at a time, which Citus sends to the one shard that has it.
    static let emptyProfile = Statement(
        "empty_profile", "UPDATE profile SET state = $2::bigint, key = '' WHERE profile_id = $1::bigint")

    static let lockProfile = Statement(
        "lock_profile",
        "UPDATE profile SET state = $2::bigint, key = $3::text WHERE profile_id = $1::bigint")

    static let insert = Statement(
        "insert_erasures",
        """
        INSERT INTO erasure (position, erasure_id, account_id, profile_id, requested_at, actor, completed_at, events,
            "values", tags, changes, rejections)
        SELECT position, erasure_id, account_id, profile_id, requested_at, actor, NULL, 0, 0, 0, 0, rejections
        FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::bigint[])
            AS asked (position, erasure_id, account_id, profile_id, requested_at, actor, rejections)
        """)

    // MARK: Refused posts

    /// Keys are kept as they were sent, so the caller compares them. There are at most `rejectionsMax` of them.
    static let rejectionKeys = Statement(
        "erasure_rejection_keys",
        """
        SELECT rejection_id, key, coalesce(replayed_to = ANY ($3::bigint[]), false), keyspace FROM rejection
        WHERE account_id = $1::bigint
            AND (keyspace = ANY ($2::bigint[]) OR replayed_to = ANY ($3::bigint[]))
        """)

    static let removeRejections = Statement(
        "erasure_remove_rejections",
        "DELETE FROM rejection WHERE account_id = $1::bigint AND rejection_id = ANY ($2::bigint[])")

    // MARK: Removing

    /// The oldest that is not complete, behind those that are left out.
    static let open = Statement(
        "erasure_open",
        """
        SELECT position, profile_id, account_id FROM erasure
        WHERE completed_at IS NULL AND NOT (position = ANY ($1::bigint[])) ORDER BY position LIMIT 1
        """)

    /// Where a step ends: the last of so many events behind a place.
    static let lastOfStep = Statement(
        "erasure_last_of_step",
        """
        SELECT section, event_time, event_id FROM (
            SELECT section, event_time, event_id FROM event
            WHERE profile_id = $1::bigint AND (section, event_time, event_id) > ($2::bigint, $3::bigint, $4::bigint)
            ORDER BY section, event_time, event_id LIMIT $5::bigint
        ) AS oldest
        ORDER BY section DESC, event_time DESC, event_id DESC LIMIT 1
        """)

    static let removeEvents = Statement(
        "erasure_remove_events",
        """
        WITH gone AS (
            DELETE FROM event
            WHERE profile_id = $1::bigint AND (section, event_time, event_id) > ($2::bigint, $3::bigint, $4::bigint)
                AND (section, event_time, event_id) <= ($5::bigint, $6::bigint, $7::bigint)
            RETURNING version_id
        )
        SELECT version_id, count(*) FROM gone GROUP BY version_id
        """)

    static let data = Statement(
        "erasure_data",
        """
        SELECT section, fields FROM profile_data WHERE profile_id = $1::bigint ORDER BY section LIMIT 1 FOR UPDATE
        """)

    static let removeData = Statement(
        "erasure_remove_data", "DELETE FROM profile_data WHERE profile_id = $1::bigint AND section = $2::bigint")

    static let changes = Statement(
        "erasure_changes",
        "SELECT position, edits FROM profile_change WHERE position = ANY ($1::bigint[]) AND profile_id = $2::bigint")

    static let removeChanges = Statement(
        "erasure_remove_changes", "DELETE FROM profile_change WHERE position = ANY ($1::bigint[])")

    static let count = Statement(
        "erasure_count",
        """
        UPDATE erasure SET events = events + $2::bigint, "values" = "values" + $3::bigint, tags = tags + $4::bigint,
            changes = changes + $5::bigint, consents = consents + $6::bigint
        WHERE position = $1::bigint
        """)

    static let complete = Statement(
        "erasure_complete",
        """
        UPDATE erasure SET completed_at = greatest(requested_at, $2::bigint)
        WHERE position = $1::bigint AND completed_at IS NULL
        """)

    // MARK: Reading

    private static let erasureColumns = """
        erasure_id, position, requested_at, actor, completed_at, events, "values", tags, changes, rejections,
        consents
        """

    static let find = Statement(
        "erasure_find",
        "SELECT \(erasureColumns) FROM erasure WHERE erasure_id = $2::text AND account_id = $1::bigint LIMIT 1")

    static let list = Statement(
        "erasure_list",
        """
        SELECT \(erasureColumns) FROM erasure WHERE account_id = $1::bigint AND position < $2::bigint
        ORDER BY position DESC LIMIT $3::bigint
        """)
}

/// The statements that read profiles, events and refused posts.
enum ReadSQL {
    static let findProfile = Statement(
        "find_profile",
        """
        SELECT account_id = $2::bigint AND keyspace = $3::bigint AND key = $4::text, created_at, state
        FROM profile WHERE profile_id = $1::bigint
        """)

    /// State 2 is that of an erased profile, which no reader is given.
    static let profileByID = Statement(
        "profile_by_id",
        """
        SELECT keyspace, key, created_at, state FROM profile
        WHERE profile_id = $1::bigint AND account_id = $2::bigint AND state <> 2
            AND NOT (state = 1 AND starts_with(key, E'\\x01'))
        """)

    static let openProfiles = Statement(
        "open_profiles",
        """
        SELECT profile_id FROM profile
        WHERE profile_id = ANY ($1::bigint[]) AND account_id = $2::bigint AND state = 0
        """)

    /// What a writer would find on the path of a key.
    static let lockedProfile = Statement(
        "locked_profile",
        """
        SELECT CASE WHEN state = 1 THEN key ELSE '' END, created_at FROM profile WHERE profile_id = $1::bigint
        """)

    /// Newest first, and one more than fits into this many bytes: it only tells that there is more.
    ///
    /// The number that fits is counted from sizes. A sum over the rows themselves would keep all of them until it is
    /// complete, and write what exceeds `work_mem` into a file: a read would need room on the disk.
    static let page = Statement(
        "events_page",
        """
        SELECT event_id, event_time, received_at, version_id, data FROM event
        WHERE profile_id = $1::bigint AND section = $2::bigint AND event_time >= $3::bigint
            AND (event_time, event_id) < ($4::bigint, $5::bigint)
            AND ($6::bigint[] IS NULL OR version_id = ANY ($6::bigint[]))
        ORDER BY event_time DESC, event_id DESC LIMIT (
            SELECT least(count(*) + 2, $7::bigint) FROM (
                SELECT sum(size) OVER (
                    ORDER BY event_time DESC, event_id DESC ROWS UNBOUNDED PRECEDING) AS through
                FROM (
                    SELECT event_time, event_id, octet_length(data) AS size FROM event
                    WHERE profile_id = $1::bigint AND section = $2::bigint AND event_time >= $3::bigint
                        AND (event_time, event_id) < ($4::bigint, $5::bigint)
                        AND ($6::bigint[] IS NULL OR version_id = ANY ($6::bigint[]))
                    ORDER BY event_time DESC, event_id DESC LIMIT $7::bigint
                ) AS newest
            ) AS summed
            WHERE through < $8::bigint
        )
        """)

    /// Of one member among several: which events are of a page, before any is read.
    static let pageSizes = Statement(
        "events_page_sizes",
        """
        SELECT event_id, event_time, octet_length(data)::bigint FROM event
        WHERE profile_id = $1::bigint AND section = $2::bigint AND event_time >= $3::bigint
            AND (event_time, event_id) < ($4::bigint, $5::bigint)
            AND ($6::bigint[] IS NULL OR version_id = ANY ($6::bigint[]))
        ORDER BY event_time DESC, event_id DESC LIMIT $7::bigint
        """)

    /// These events, which lie between two times.
    static let pageOfMember = Statement(
        "events_page_of_member",
        """
        SELECT event_id, event_time, received_at, version_id, data FROM event
        WHERE profile_id = $1::bigint AND section = $2::bigint AND event_time >= $3::bigint AND event_time <= $4::bigint
            AND event_id = ANY ($5::bigint[])
        """)

    static let counts = Statement(
        "counts",
        """
        SELECT section, version_id, count(*), max(event_time), max(event_id) FROM event
        WHERE profile_id = $1::bigint GROUP BY section, version_id ORDER BY section, version_id
        """)

    static let receivedAt = Statement(
        "received_at",
        """
        SELECT received_at FROM event WHERE account_id = $1::bigint AND event_id = $2::bigint AND profile_id = $3::bigint
        """)

    /// Rounded down before 1970 too, as `/` does not.
    static let days = Statement(
        "days",
        """
        SELECT (event_time - ((event_time % 86400000) + 86400000) % 86400000) / 86400000 AS day, count(*) FROM event
        WHERE profile_id = $1::bigint AND section = $2::bigint AND event_time >= $3::bigint AND event_time <= $4::bigint
            AND ($5::bigint[] IS NULL OR version_id = ANY ($5::bigint[]))
        GROUP BY day ORDER BY day
        """)

    static let usage = Statement(
        "usage",
        """
        SELECT version_id, sum(events)::bigint, max(last_received_at) FROM version_usage
        WHERE account_id = $1::bigint GROUP BY version_id ORDER BY version_id
        """)

    // MARK: Activity

    /// Everything read until the rollback is from one moment; otherwise a minute that ends meanwhile could be counted
    /// twice, or not at all.
    static let beginSnapshot = Statement("begin_snapshot", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    static let activitySince = Statement("activity_since", "SELECT value FROM setting WHERE name = 'activity_since'")

    static let activityByMinute = Statement(
        "activity_by_minute",
        """
        SELECT minute, sum(accepted)::bigint, sum(refused)::bigint, sum(duplicates)::bigint FROM activity
        WHERE minute >= $2::bigint AND minute <= $3::bigint AND account_id = $1::bigint GROUP BY minute
        """)

    static let activityBySubject = Statement(
        "activity_by_subject",
        """
        SELECT section, version_id, sum(accepted)::bigint, sum(refused)::bigint, sum(duplicates)::bigint FROM activity
        WHERE minute >= $2::bigint AND minute <= $3::bigint AND account_id = $1::bigint GROUP BY section, version_id
        """)

    static let runningActivity = Statement(
        "running_activity",
        """
        SELECT version_id, minute, sum(minute_events)::bigint FROM version_usage
        WHERE account_id = $1::bigint AND minute >= $2::bigint AND minute <= $3::bigint AND minute_events > 0
        GROUP BY version_id, minute
        """)

    // MARK: Profiles

    /// A range of the index over keys, of one keyspace. The key of an erased profile is empty.
    static let search = Statement(
        "search_profiles",
        """
        SELECT profile_id, key, created_at, state FROM profile
        WHERE account_id = $1::bigint AND keyspace = $2::bigint AND key > '' AND key >= $3::text AND key < $5::text
        ORDER BY key LIMIT $4::bigint
        """)

    /// The same without an end. There are two texts, because the index cannot use an end that may be missing.
    static let searchToEnd = Statement(
        "search_profiles_to_end",
        """
        SELECT profile_id, key, created_at, state FROM profile
        WHERE account_id = $1::bigint AND keyspace = $2::bigint AND key > '' AND key >= $3::text
        ORDER BY key LIMIT $4::bigint
        """)

    /// The profiles of a keyspace by their keys, behind one of them.
    static let profilesBehind = Statement(
        "profiles_behind",
        """
        SELECT profile_id, key FROM profile
        WHERE account_id = $1::bigint AND keyspace = $2::bigint AND key > $3::text ORDER BY key LIMIT $4::bigint
        """)

    static let searchTimeout = Statement(
        "search_timeout", "SELECT set_config('statement_timeout', $1::text, true)")

    // MARK: Exports

    /// The last id that was drawn; ask when no transaction holds an uncommitted one.
    static let lastDrawn = Statement(
        "last_drawn", "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM ovation.event_block")

    static let newestEvent = Statement(
        "newest_event",
        "SELECT max(event_id) FROM event WHERE account_id = $1::bigint AND event_id <= $2::bigint")

    static let nextEvent = Statement(
        "next_event",
        "SELECT min(event_id) FROM event WHERE account_id = $1::bigint AND event_id > $2::bigint")

    /// The events of one page and their sizes; the caller takes those that fit.
    static let exportSizes = Statement(
        "export_sizes",
        """
        SELECT event_id, octet_length(data)::bigint FROM event
        WHERE account_id = $1::bigint AND event_id > $2::bigint AND event_id <= $3::bigint
            AND section = $4::bigint AND event_time >= $5::bigint AND event_time <= $6::bigint
            AND ($7::bigint[] IS NULL OR version_id = ANY ($7::bigint[]))
        ORDER BY event_id LIMIT $8::bigint
        """)

    static let export = Statement(
        "export",
        """
        SELECT event_id, profile_id, event_time, received_at, version_id, data FROM event
        WHERE account_id = $1::bigint AND event_id > $2::bigint AND event_id <= $3::bigint
            AND section = $4::bigint AND event_time >= $5::bigint AND event_time <= $6::bigint
            AND ($7::bigint[] IS NULL OR version_id = ANY ($7::bigint[]))
        ORDER BY event_id
        """)

    static let newestChange = Statement(
        "newest_change",
        "SELECT max(position) FROM profile_change WHERE account_id = $1::bigint AND position <= $2::bigint")

    static let nextChange = Statement(
        "next_change",
        "SELECT min(position) FROM profile_change WHERE account_id = $1::bigint AND position > $2::bigint")

    /// The changes of one page and their sizes; the caller takes those that fit.
    static let exportChangeSizes = Statement(
        "export_change_sizes",
        """
        SELECT position, octet_length(edits)::bigint FROM profile_change
        WHERE account_id = $1::bigint AND position > $2::bigint AND position <= $3::bigint
            AND section IN ($4::bigint, 0) AND at >= $5::bigint AND at <= $6::bigint
        ORDER BY position LIMIT $7::bigint
        """)

    static let exportChanges = Statement(
        "export_changes",
        """
        SELECT position, profile_id, kind, at, actor, edits, section FROM profile_change
        WHERE account_id = $1::bigint AND position > $2::bigint AND position <= $3::bigint
            AND section IN ($4::bigint, 0) AND at >= $5::bigint AND at <= $6::bigint
        ORDER BY position
        """)

    /// Events of a profile that is erased, or locked for good, have no key.
    static let profileKeys = Statement(
        "profile_keys",
        """
        SELECT profile_id, keyspace, key FROM profile
        WHERE profile_id = ANY ($1::bigint[]) AND state <> 2 AND NOT (state = 1 AND starts_with(key, E'\\x01'))
        """)

    // MARK: Refused posts

    static let findKey = Statement(
        "find_key",
        """
        SELECT fingerprint, answer FROM idempotency
        WHERE account_id = $1::bigint AND key = $2::text AND created_at > $3::bigint
        """)

    private static let rejectionColumns = """
        rejection_id, section, keyspace, key, received_at, client_id, request_id, code, detail, errors, event_count,
        replayed_at, replayed_to, octet_length(body)::bigint, replayed_events, event_types
        """

    private static let rejectionFilter = """
        account_id = $1::bigint AND rejection_id < $2::bigint AND received_at >= $3::bigint
            AND ($4::bigint IS NULL OR section = $4::bigint)
            AND ($5::bigint[] IS NULL OR keyspace = ANY ($5::bigint[]))
            AND ($6::boolean IS NULL OR (replayed_at IS NOT NULL) = $6::boolean)
            AND ($7::text IS NULL OR code = $7::text) AND ($10::text IS NULL OR cause = $10::text)
            AND ($11::text IS NULL OR strpos(item_codes, $11::text) > 0)
            AND ($12::text IS NULL OR strpos(event_types, $12::text) > 0)
        """

    static let rejections = Statement(
        "rejections",
        """
        SELECT \(rejectionColumns), substr(body, 1, $9::bigint::integer) FROM rejection
        WHERE \(rejectionFilter)
        ORDER BY rejection_id DESC LIMIT $8::bigint
        """)

    static let rejection = Statement(
        "rejection",
        """
        SELECT \(rejectionColumns), body FROM rejection WHERE account_id = $1::bigint AND rejection_id = $2::bigint
        """)

    private static let rejectionRange = """
        account_id = $1::bigint AND cause = $2::text AND replayed_at IS NULL AND rejection_id > $3::bigint
            AND rejection_id <= $4::bigint AND received_at >= $5::bigint
        """

    static let rejectionsOfCause = Statement(
        "rejections_of_cause",
        """
        SELECT \(rejectionColumns), substr(body, 1, $7::bigint::integer) FROM rejection
        WHERE \(rejectionRange) ORDER BY rejection_id LIMIT $6::bigint
        """)

    static let countRejectionsOfCause = Statement(
        "count_rejections_of_cause", "SELECT count(*) FROM rejection WHERE \(rejectionRange)")

    /// For the listed causes, the newest rejection is read. Its errors are read whole: PostgreSQL cannot read JSON with
    /// a NUL in it.
    static let rejectionCauses = Statement(
        "rejection_causes",
        """
        WITH found AS (
            SELECT count(*) AS rejections, sum(event_count)::bigint AS events, min(received_at) AS first,
                max(received_at) AS last, max(rejection_id) AS newest
            FROM rejection
            WHERE account_id = $1::bigint AND cause IS NOT NULL AND ($2::text IS NULL OR cause = $2::text)
                AND replayed_at IS NULL AND received_at >= $3::bigint
                AND ($4::bigint[] IS NULL OR section = ANY ($4::bigint[]))
                AND ($5::text IS NULL OR code = $5::text)
            GROUP BY cause
            HAVING ($6::text IS NULL OR max(strpos(item_codes, $6::text)) > 0)
                AND ($7::text IS NULL OR max(strpos(event_types, $7::text)) > 0)
        ), listed AS (
            SELECT rejections, events, first, last, newest, count(*) OVER () AS causes,
                (sum(rejections) OVER ())::bigint AS total
            FROM found ORDER BY rejections DESC, newest DESC LIMIT $8::bigint
        )
        SELECT rejections, events, first, last, newest, causes, total, section, code, errors, event_types,
            client_id
        FROM listed JOIN rejection ON account_id = $1::bigint AND rejection_id = newest
        ORDER BY rejections DESC, newest DESC
        """)

    static let countOpenRejections = Statement(
        "count_open_rejections",
        """
        SELECT count(*) FROM rejection
        WHERE account_id = $1::bigint AND replayed_at IS NULL AND received_at >= $2::bigint
        """)

    static let rejectionsWithoutCause = Statement(
        "rejections_without_cause",
        """
        SELECT account_id, rejection_id, section, client_id, code, errors, body FROM rejection
        WHERE cause IS NULL ORDER BY rejection_id LIMIT $1::bigint
        """)

    static let size = Statement("size", "SELECT pg_database_size(current_database())")

    static let believedTime = Statement("believed_time", "SELECT value FROM setting WHERE name = 'believed_time'")

    static let checkedAt = Statement("checked_at", "SELECT value FROM setting WHERE name = 'checked_at'")
}

/// The statements that a group of posts runs. Lists are passed as arrays, which the caller sorts: two groups that take
/// locks in one order do not wait for each other.
enum WriteSQL {
    /// And the number of the newest change of a profile's state. The lock is held by now, so it stays what it is.
    static let drawEvents = Statement(
        "draw_events",
        """
        SELECT nextval('ovation.event_block'), (SELECT last_value FROM ovation.profile_state)
        FROM generate_series(1, $1::bigint)
        """)

    static let drawRejections = Statement(
        "draw_rejections", "SELECT nextval('ovation.rejection_id') FROM generate_series(1, $1::bigint)")

    // MARK: Idempotency

    /// Returns the keys that are ours now: new ones, and expired ones. It leaves out keys of requests that an older
    /// version has stored under the client's own key.
    static let claimKeys = Statement(
        "claim_keys",
        """
        INSERT INTO idempotency (account_id, key, fingerprint, answer, created_at)
        SELECT claimed.account_id, claimed.key, claimed.fingerprint, claimed.answer, claimed.created_at
        FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::bytea[], $5::bigint[], $7::text[])
            AS claimed (account_id, key, fingerprint, answer, created_at, former)
        WHERE NOT EXISTS (
            SELECT 1 FROM idempotency AS known
            WHERE known.account_id = claimed.account_id AND known.key = claimed.former
                AND known.fingerprint = claimed.fingerprint
                AND known.created_at > $6::bigint)
        ON CONFLICT (account_id, key) DO UPDATE SET
            fingerprint = excluded.fingerprint, answer = excluded.answer, created_at = excluded.created_at
            WHERE idempotency.created_at <= $6::bigint
        RETURNING account_id, key
        """)

    static let findKeys = Statement(
        "find_keys",
        """
        SELECT account_id, key, fingerprint, answer FROM idempotency
        WHERE (account_id, key) IN (SELECT * FROM unnest($1::bigint[], $2::text[]))
        """)

    static let dropKeys = Statement(
        "drop_keys",
        """
        DELETE FROM idempotency WHERE (account_id, key) IN (SELECT * FROM unnest($1::bigint[], $2::text[]))
        """)

    static let forgetKeys = Statement(
        "forget_keys",
        """
        DELETE FROM idempotency WHERE (account_id, key) IN
            (SELECT account_id, key FROM idempotency WHERE created_at <= $1::bigint
            ORDER BY created_at LIMIT $2::bigint)
        """)

    // MARK: Profiles and events

    static let insertProfiles = Statement(
        "insert_profiles",
        """
        INSERT INTO profile (profile_id, account_id, keyspace, key, created_at)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[])
        ON CONFLICT DO NOTHING
        """)

    /// For profiles that did not exist a moment ago.
    static let insertNewProfiles = Statement(
        "insert_new_profiles",
        """
        INSERT INTO profile (profile_id, account_id, keyspace, key, created_at)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[])
        """)

    /// No account has that number, so it changes nothing; but Citus runs it, and marks the shard as written to.
    static let markWritten = Statement(
        "mark_written",
        "UPDATE profile SET created_at = created_at WHERE profile_id = $1::bigint AND account_id = -1")

    static let findProfiles = Statement(
        "find_profiles",
        "SELECT profile_id, account_id, keyspace, key, state FROM profile WHERE profile_id = ANY ($1::bigint[])")

    static let insertEvents = Statement(
        "insert_events",
        """
        INSERT INTO event (event_id, profile_id, section, event_time, version_id, account_id, received_at, data)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
            $7::bigint[], $8::text[])
        """)

    /// Whether a group with a lost answer is stored: its first event is there, or nothing of the group.
    static let hasEvent = Statement(
        "has_event",
        """
        SELECT 1::bigint FROM event
        WHERE profile_id = $1::bigint AND section = $2::bigint AND event_time = $3::bigint AND event_id = $4::bigint
        """)

    static let addUsage = Statement(
        "add_usage",
        """
        INSERT INTO version_usage (slot, account_id, version_id, events, last_received_at, minute, minute_events)
        SELECT $1::bigint, account_id, version_id, events, last_received_at, minute, minute_events
        FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
            AS counted (account_id, version_id, events, last_received_at, minute, minute_events)
        ON CONFLICT (slot, account_id, version_id) DO UPDATE SET
            events = version_usage.events + excluded.events,
            last_received_at = greatest(version_usage.last_received_at, excluded.last_received_at),
            minute = excluded.minute, minute_events = excluded.minute_events
        """)

    /// Subtracts the removed events. The time of the last event stays, and so do the counts by the minute: those events
    /// did happen.
    static let subtractUsage = Statement(
        "subtract_usage",
        """
        INSERT INTO version_usage (slot, account_id, version_id, events, last_received_at)
        SELECT $1::bigint, account_id, version_id, -events, -9223372036854775808
        FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) AS removed (account_id, version_id, events)
        ON CONFLICT (slot, account_id, version_id) DO UPDATE SET events = version_usage.events + excluded.events
        """)

    // MARK: Activity

    static let addActivity = Statement(
        "add_activity",
        """
        INSERT INTO activity (minute, slot, account_id, section, version_id, accepted, refused, duplicates)
        SELECT minute, $1::bigint, account_id, section, version_id, accepted, refused, duplicates
        FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[])
            AS counted (minute, account_id, section, version_id, accepted, refused, duplicates)
        ON CONFLICT (minute, slot, account_id, section, version_id) DO UPDATE SET
            accepted = activity.accepted + excluded.accepted, refused = activity.refused + excluded.refused,
            duplicates = activity.duplicates + excluded.duplicates
        """)

    static let forgetActivity = Statement(
        "forget_activity",
        """
        DELETE FROM activity WHERE (minute, slot, account_id, section, version_id) IN
            (SELECT minute, slot, account_id, section, version_id FROM activity
            WHERE minute < $1::bigint ORDER BY minute LIMIT $2::bigint)
        RETURNING minute
        """)

    /// The time from which everything is counted; all servers use the first server's.
    static let beginActivity = Statement(
        "begin_activity",
        "INSERT INTO setting (name, value) VALUES ('activity_since', $1::bytea) ON CONFLICT DO NOTHING")

    /// The minutes of a slot when a writer last had it.
    static let runningMinutes = Statement(
        "running_minutes",
        """
        SELECT account_id, version_id, minute, minute_events FROM version_usage
        WHERE slot = $1::bigint AND minute_events > 0
        """)

    /// The number of the transaction, for asking later whether it was committed.
    static let transactionID = Statement("transaction_id", "SELECT txid_current()")

    /// After a backup was restored, the number may not have been given yet.
    static let isCommitted = Statement(
        "is_committed",
        """
        SELECT CASE WHEN $1::bigint < txid_snapshot_xmax(txid_current_snapshot())
            THEN coalesce(txid_status($1::bigint), '') = 'committed' ELSE false END
        """)

    // MARK: Refused posts

    static let insertRejections = Statement(
        "insert_rejections",
        """
        INSERT INTO rejection (account_id, rejection_id, section, keyspace, key, received_at, client_id, request_id, code,
            detail, errors, event_count, body, cause, item_codes, event_types)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bytea[], $6::bigint[],
            $7::text[], $8::bytea[], $9::text[], $10::bytea[], $11::text[], $12::bigint[], $13::bytea[], $14::text[],
            $15::text[], $16::text[])
        """)

    static let hasRejection = Statement(
        "has_rejection",
        "SELECT 1::bigint FROM rejection WHERE account_id = $1::bigint AND rejection_id = $2::bigint")

    static let closeRejections = Statement(
        "close_rejections",
        """
        UPDATE rejection SET replayed_at = closed.at
        FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS closed (account_id, rejection_id, at)
        WHERE rejection.account_id = closed.account_id AND rejection.rejection_id = closed.rejection_id
            AND rejection.replayed_at IS NULL
        RETURNING rejection.account_id, rejection.rejection_id
        """)

    static let noteReplays = Statement(
        "note_replays",
        """
        UPDATE rejection SET replayed_to = noted.profile_id, replayed_events = noted.events
        FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[])
            AS noted (account_id, rejection_id, profile_id, events)
        WHERE rejection.account_id = noted.account_id AND rejection.rejection_id = noted.rejection_id
        """)

    /// Those of the oldest few, in any account, that are past their age.
    static let forgetOldRejections = Statement(
        "forget_old_rejections",
        """
        DELETE FROM rejection WHERE (account_id, rejection_id) IN
            (SELECT account_id, rejection_id FROM
                (SELECT account_id, rejection_id, received_at FROM rejection ORDER BY rejection_id LIMIT $2::bigint) oldest
            WHERE received_at < $1::bigint)
        RETURNING rejection_id
        """)

    static let forgetManyRejections = Statement(
        "forget_many_rejections",
        """
        DELETE FROM rejection WHERE account_id = $1::bigint AND rejection_id IN
            (SELECT rejection_id FROM rejection WHERE account_id = $1::bigint
            ORDER BY rejection_id DESC LIMIT $3::bigint OFFSET $2::bigint)
        """)

    /// Runs when a store is opened: no post waits, and the limits may have changed.
    static let forgetAllOldRejections = Statement(
        "forget_all_old_rejections", "DELETE FROM rejection WHERE received_at < $1::bigint")

    static let forgetAllManyRejections = Statement(
        "forget_all_many_rejections",
        """
        DELETE FROM rejection WHERE (account_id, rejection_id) IN
            (SELECT account_id, rejection_id FROM
                (SELECT account_id, rejection_id,
                    row_number() OVER (PARTITION BY account_id ORDER BY rejection_id DESC) AS place
                FROM rejection) ranked
            WHERE place > $1::bigint)
        """)

    static let dismissRejection = Statement(
        "dismiss_rejection",
        """
        DELETE FROM rejection WHERE account_id = $1::bigint AND rejection_id = $2::bigint RETURNING rejection_id
        """)

    static let dismissRejections = Statement(
        "dismiss_rejections",
        """
        DELETE FROM rejection
        WHERE account_id = $1::bigint AND rejection_id = ANY ($2::bigint[]) AND replayed_at IS NULL
        RETURNING rejection_id
        """)

    /// For rows that an older version kept.
    static let markRejections = Statement(
        "mark_rejections",
        """
        UPDATE rejection SET cause = marked.cause, item_codes = marked.item_codes, event_types = marked.event_types
        FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[])
            AS marked (account_id, rejection_id, cause, item_codes, event_types)
        WHERE rejection.account_id = marked.account_id AND rejection.rejection_id = marked.rejection_id
            AND rejection.cause IS NULL
        """)

    // MARK: Deleting

    static let deleteEvents = Statement(
        "delete_events",
        """
        WITH gone AS (
            DELETE FROM event
            WHERE profile_id = $1::bigint AND section = $2::bigint AND event_time >= $3::bigint
                AND event_time <= $4::bigint AND ($5::bigint[] IS NULL OR version_id = ANY ($5::bigint[]))
                AND ($6::bigint IS NULL OR event_id = $6::bigint)
            RETURNING version_id
        )
        SELECT version_id, count(*) FROM gone GROUP BY version_id
        """)

    static let saveBelievedTime = Statement(
        "save_believed_time",
        """
        INSERT INTO setting (name, value) VALUES ('believed_time', $1::bytea)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value
        """)

    static let touch = Statement(
        "touch",
        """
        INSERT INTO setting (name, value) VALUES ('checked_at', $1::bytea)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value
        """)
}

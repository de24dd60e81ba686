import OvationCore
import OvationRows

/// The SQL that reads and writes rows when a store is copied. Values are in the order of ``RowKind/columns``. A
/// position has as many arguments as the key of the kind, followed by the maximum number of rows.
enum CopySQL {
    static func select(_ kind: RowKind) -> Statement {
        switch kind {
        case .account: selectAccounts
        case .setting: selectSettings
        case .logEntry: selectLog
        case .act: selectActs
        case .apiKey: selectAPIKeys
        case .signingKey: selectSigningKeys
        case .mappedAttribute: selectMapped
        case .profile: selectProfiles
        case .profileChange: selectChanges
        case .profileData: selectData
        case .profileMember: selectMembers
        case .erasure: selectErasures
        case .event: selectEvents
        case .idempotency: selectIdempotency
        case .rejection: selectRejections
        case .usage: selectUsage
        }
    }

    static func insert(_ kind: RowKind) -> Statement {
        switch kind {
        case .account: insertAccounts
        case .setting: saveSettings
        case .logEntry: insertLog
        case .act: insertActs
        case .apiKey: insertAPIKeys
        case .signingKey: insertSigningKeys
        case .mappedAttribute: insertMapped
        case .profile: insertProfiles
        case .profileChange: insertChanges
        case .profileData: insertData
        case .profileMember: insertMembers
        case .erasure: insertErasures
        case .event: WriteSQL.insertEvents
        case .idempotency: insertIdempotency
        case .rejection: insertRejections
        case .usage: insertUsage
        }
    }

    // MARK: Small tables

    private static let selectAccounts = Statement(
        "copy_accounts",
        """
        SELECT account_id, name, created_at FROM account WHERE account_id > $1::bigint
        ORDER BY account_id LIMIT $2::bigint
        """)

    private static let insertAccounts = Statement(
        "copy_insert_accounts",
        """
        INSERT INTO account (account_id, name, created_at)
        SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[])
        """)

    private static let selectSettings = Statement(
        "copy_settings",
        "SELECT name, value FROM setting WHERE name > $1::text ORDER BY name LIMIT $2::bigint")

    private static let saveSettings = Statement(
        "copy_save_settings",
        """
        INSERT INTO setting (name, value) SELECT * FROM unnest($1::text[], $2::bytea[])
        ON CONFLICT (name) DO UPDATE SET value = excluded.value
        """)

    private static let selectLog = Statement(
        "copy_log",
        """
        SELECT account_id, sequence, number, at, actor, change
        FROM catalogue_log WHERE (account_id, sequence) > ($1::bigint, $2::bigint) AND NOT is_note
        ORDER BY account_id, sequence LIMIT $3::bigint
        """)

    private static let insertLog = Statement(
        "copy_insert_log",
        """
        INSERT INTO catalogue_log (account_id, sequence, number, at, actor, is_note, change)
        SELECT account_id, sequence, number, at, actor, false, change
        FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[])
            AS entry (account_id, sequence, number, at, actor, change)
        """)

    private static let selectActs = Statement(
        "copy_acts",
        """
        SELECT account_id, number, at, actor, act, subject, detail
        FROM act WHERE (account_id, number) > ($1::bigint, $2::bigint)
        ORDER BY account_id, number LIMIT $3::bigint
        """)

    private static let insertActs = Statement(
        "copy_insert_acts",
        """
        INSERT INTO act (account_id, number, at, actor, act, subject, detail)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[])
        """)

    private static let selectAPIKeys = Statement(
        "copy_api_keys",
        """
        SELECT client_id, account_id, name, role, sections, keyspaces, secret_hash, created_at, revoked_at,
            previous_secret_hash, previous_secret_until, last_used_at, settings_hash
        FROM api_key WHERE client_id > $1::text ORDER BY client_id LIMIT $2::bigint
        """)

    private static let insertAPIKeys = Statement(
        "copy_insert_api_keys",
        """
        INSERT INTO api_key (client_id, account_id, name, role, sections, keyspaces, secret_hash, created_at, revoked_at,
            previous_secret_hash, previous_secret_until, last_used_at, settings_hash)
        SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[],
            $8::bigint[], $9::bigint[], $10::bytea[], $11::bigint[], $12::bigint[], $13::bytea[])
        """)

    private static let selectSigningKeys = Statement(
        "copy_signing_keys",
        """
        SELECT key_id, private_pem, created_at, retired_at FROM signing_key WHERE key_id > $1::text
        ORDER BY key_id LIMIT $2::bigint
        """)

    private static let insertSigningKeys = Statement(
        "copy_insert_signing_keys",
        """
        INSERT INTO signing_key (key_id, private_pem, created_at, retired_at)
        SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[])
        """)

    /// The slots say which lane counted; a copy needs only the sums. No two rows are equal, so none is lost.
    private static let selectUsage = Statement(
        "copy_usage",
        """
        SELECT account_id, version_id, sum(events)::bigint, max(last_received_at) FROM (
            SELECT slot, account_id, version_id, -1::bigint AS minute, events, last_received_at FROM version_usage
            UNION SELECT slot, account_id, version_id, minute, events, last_received_at FROM node_usage
            WHERE version_id <> 0
        ) AS counted
        WHERE (account_id, version_id) > ($1::bigint, $2::bigint)
        GROUP BY account_id, version_id ORDER BY account_id, version_id LIMIT $3::bigint
        """)

    private static let insertUsage = Statement(
        "copy_insert_usage",
        """
        INSERT INTO version_usage (slot, account_id, version_id, events, last_received_at)
        SELECT 0, account_id, version_id, events, last_received_at
        FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[])
            AS counted (account_id, version_id, events, last_received_at)
        """)

    // MARK: Large tables

    /// An id can be any number, so this one begins with the first requested id.
    private static let selectProfiles = Statement(
        "copy_profiles",
        """
        SELECT profile_id, account_id, keyspace, key, created_at, canonical_id, state FROM profile
        WHERE profile_id >= $1::bigint ORDER BY profile_id LIMIT $2::bigint
        """)

    private static let insertProfiles = Statement(
        "copy_insert_profiles",
        """
        INSERT INTO profile (profile_id, account_id, keyspace, key, created_at, canonical_id, state)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[],
            $7::bigint[])
        """)

    private static let selectChanges = Statement(
        "copy_profile_changes",
        """
        SELECT position, account_id, profile_id, kind, state, at, actor, section,
            CASE WHEN coalesce(before, 0) < $3::bigint THEN edits END
        FROM (
            SELECT position, account_id, profile_id, kind, state, at, actor, section, edits,
                sum(octet_length(edits)) OVER (
                    ORDER BY position ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
            FROM profile_change WHERE position > $1::bigint ORDER BY position LIMIT $2::bigint
        ) AS summed
        ORDER BY position
        """)

    private static let insertChanges = Statement(
        "copy_insert_profile_changes",
        """
        INSERT INTO profile_change (position, account_id, profile_id, kind, state, at, actor, section, edits)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::text[],
            $8::bigint[], $9::bytea[])
        """)

    private static let selectData = Statement(
        "copy_profile_data",
        """
        SELECT profile_id, section, fields FROM profile_data
        WHERE (profile_id, section) > ($1::bigint, $2::bigint) ORDER BY profile_id, section LIMIT $3::bigint
        """)

    private static let insertData = Statement(
        "copy_insert_profile_data",
        """
        INSERT INTO profile_data (profile_id, section, fields)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[])
        """)

    private static let selectMapped = Statement(
        "copy_mapped",
        """
        SELECT account_id, attribute, key_format FROM mapped_attribute
        WHERE (account_id, attribute) > ($1::bigint, $2::bigint) AND state = 0
        ORDER BY account_id, attribute LIMIT $3::bigint
        """)

    private static let insertMapped = Statement(
        "copy_insert_mapped",
        """
        INSERT INTO mapped_attribute (account_id, attribute, key_format)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[])
        """)

    private static let selectMembers = Statement(
        "copy_members",
        """
        SELECT profile_id, root_id, parent_id, joined FROM profile_member
        WHERE (profile_id, joined) > ($1::bigint, $2::bigint) ORDER BY profile_id, joined LIMIT $3::bigint
        """)

    private static let insertMembers = Statement(
        "copy_insert_members",
        """
        INSERT INTO profile_member (profile_id, root_id, parent_id, joined)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[])
        """)

    private static let selectErasures = Statement(
        "copy_erasures",
        """
        SELECT position, erasure_id, account_id, profile_id, requested_at, actor, completed_at, events, "values", tags,
            changes, rejections, consents
        FROM erasure WHERE position > $1::bigint ORDER BY position LIMIT $2::bigint
        """)

    private static let insertErasures = Statement(
        "copy_insert_erasures",
        """
        INSERT INTO erasure (position, erasure_id, account_id, profile_id, requested_at, actor, completed_at, events,
            "values", tags, changes, rejections, consents)
        SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[],
            $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[])
        """)

    /// Rows after this many bytes have no data: the page ends before them.
    private static let selectEvents = Statement(
        "copy_events",
        """
        SELECT event_id, profile_id, section, event_time, version_id, account_id, received_at,
            CASE WHEN coalesce(before, 0) < $4::bigint THEN data END
        FROM (
            SELECT event_id, profile_id, section, event_time, version_id, account_id, received_at, data,
                sum(octet_length(data)) OVER (
                    ORDER BY account_id, event_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
            FROM (
                SELECT event_id, profile_id, section, event_time, version_id, account_id, received_at, data FROM event
                WHERE (account_id, event_id) > ($1::bigint, $2::bigint)
                ORDER BY account_id, event_id LIMIT $3::bigint
            ) AS oldest
        ) AS summed
        ORDER BY account_id, event_id
        """)

    private static let selectIdempotency = Statement(
        "copy_idempotency",
        """
        SELECT account_id, key, fingerprint, answer, created_at FROM idempotency
        WHERE (account_id, key) > ($1::bigint, $2::text) ORDER BY account_id, key LIMIT $3::bigint
        """)

    private static let insertIdempotency = Statement(
        "copy_insert_idempotency",
        """
        INSERT INTO idempotency (account_id, key, fingerprint, answer, created_at)
        SELECT * FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::bytea[], $5::bigint[])
        """)

    private static let selectRejections = Statement(
        "copy_rejections",
        """
        SELECT account_id, rejection_id, section, keyspace, key, received_at, client_id, request_id, code, detail, errors,
            event_count, replayed_at, replayed_to, replayed_events, cause, item_codes, event_types,
            CASE WHEN coalesce(before, 0) < $4::bigint THEN body END
        FROM (
            SELECT account_id, rejection_id, section, keyspace, key, received_at, client_id, request_id, code, detail,
                errors, event_count, replayed_at, replayed_to, replayed_events, cause, item_codes, event_types, body,
                sum(octet_length(body)) OVER (
                    ORDER BY account_id, rejection_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
            FROM rejection
            WHERE (account_id, rejection_id) > ($1::bigint, $2::bigint)
            ORDER BY account_id, rejection_id LIMIT $3::bigint
        ) AS summed
        ORDER BY account_id, rejection_id
        """)

    private static let insertRejections = Statement(
        "copy_insert_rejections",
        """
        INSERT INTO rejection (account_id, rejection_id, section, keyspace, key, received_at, client_id, request_id, code,
            detail, errors, event_count, replayed_at, replayed_to, replayed_events, cause, item_codes, event_types, body)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bytea[], $6::bigint[],
            $7::text[], $8::bytea[], $9::text[], $10::bytea[], $11::text[], $12::bigint[], $13::bigint[], $14::bigint[],
            $15::text[], $16::text[], $17::text[], $18::text[], $19::bytea[])
        """)

    // MARK: The copy itself

    /// A copy may take its time, whatever the role or the database set.
    static let session = Statement(
        "copy_session", "SELECT set_config('statement_timeout', '0', false)")

    static let note = Statement("copy_note", "SELECT value FROM setting WHERE name = 'copy'")

    static let saveNote = Statement(
        "copy_save_note",
        """
        INSERT INTO setting (name, value) VALUES ('copy', $1::bytea)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value
        """)

    static let auditCount = Statement(
        "copy_audit_count",
        "SELECT (SELECT count(*) FROM catalogue_log WHERE NOT is_note) + (SELECT count(*) FROM act)")
    static let newestKey = Statement("copy_newest_key", "SELECT coalesce(max(created_at), 0) FROM idempotency")
    static let newestUse = Statement("copy_newest_use", "SELECT coalesce(max(last_used_at), 0) FROM api_key")
    static let rejectionCount = Statement("copy_rejection_count", "SELECT count(*) FROM rejection")
    static let eventCount = Statement(
        "copy_event_count",
        """
        SELECT (SELECT coalesce(sum(events), 0) FROM version_usage)::bigint
            + (SELECT coalesce(sum(events), 0) FROM node_usage)::bigint
        """)

    static let lastRejection = Statement(
        "copy_last_rejection", "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM ovation.rejection_id")

    /// The next block begins behind it.
    static let setLastEvent = Statement("copy_set_last_event", "SELECT setval('ovation.event_block', $1::bigint)")
    static let setLastRejection = Statement(
        "copy_set_last_rejection", "SELECT setval('ovation.rejection_id', $1::bigint)")

    /// Servers learn of the changes that come after it.
    static let setStateNumber = Statement(
        "copy_set_state_number",
        """
        SELECT setval('ovation.profile_state', coalesce((SELECT max(position) FROM profile_change WHERE state IS NOT NULL), 0))
        """)

    /// Plans are made from what is there, and not from an empty table.
    static let analyze = [
        "profile", "profile_change", "profile_data", "profile_member", "profile_value", "erasure", "event",
        "idempotency",
        "catalogue_log", "act",
        "rejection", "version_usage", "consent_count",
    ].map {
        Statement("copy_analyze_" + $0, "ANALYZE ovation." + $0)
    }
}

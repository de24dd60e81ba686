import OvationCore
import OvationRows

/// The SQL that reads and writes rows when a store is copied. Values are in the order of ``RowKind/columns``.
enum CopySQL {
    /// After the position ?1, ?2, ?3.
    static func select(_ kind: RowKind) -> StaticString {
        switch kind {
        case .account: "SELECT account_id, name, created_at FROM account WHERE account_id > ?2 ORDER BY account_id"
        case .setting: "SELECT name, CAST(value AS BLOB) FROM setting WHERE name > ?3 ORDER BY name"
        case .logEntry:
            """
            SELECT account_id, sequence, number, at, actor, change FROM catalogue_log
            WHERE (account_id, sequence) > (?1, ?2) ORDER BY account_id, sequence
            """
        case .act:
            """
            SELECT account_id, number, at, actor, act, subject, detail FROM act
            WHERE (account_id, number) > (?1, ?2) ORDER BY account_id, number
            """
        case .apiKey:
            """
            SELECT client_id, account_id, name, role, sections, keyspaces, secret_hash, created_at, revoked_at,
                previous_secret_hash, previous_secret_until, last_used_at, settings_hash
            FROM api_key WHERE client_id > ?3 ORDER BY client_id
            """
        case .signingKey:
            "SELECT key_id, private_pem, created_at, retired_at FROM signing_key WHERE key_id > ?3 ORDER BY key_id"
        case .mappedAttribute: selectMapped
        // An id can be any number, so this one begins with the first requested id.
        case .profile:
            """
            SELECT profile_id, account_id, keyspace, key, created_at, canonical_id, state FROM profile
            WHERE profile_id >= ?2 ORDER BY profile_id
            """
        case .profileChange: selectChanges
        case .profileData:
            """
            SELECT profile_id, section, fields FROM profile_data
            WHERE (profile_id, section) > (?1, ?2) ORDER BY profile_id, section
            """
        case .profileMember:
            """
            SELECT profile_id, root_id, parent_id, joined FROM profile_member
            WHERE (profile_id, joined) > (?1, ?2) ORDER BY profile_id, joined
            """
        case .erasure: selectErasures
        // Whose account it is, the profile says.
        case .event:
            """
            SELECT event_id, profile_id, section, event_time, version_id, NULL, received_at, data FROM event
            WHERE event_id > ?2 ORDER BY event_id
            """
        case .idempotency:
            """
            SELECT account_id, key, fingerprint, answer, created_at FROM idempotency
            WHERE (account_id, key) > (?1, ?3) ORDER BY account_id, key
            """
        case .rejection: selectRejections
        case .usage:
            """
            SELECT account_id, version_id, events, last_received_at FROM version_usage
            WHERE (account_id, version_id) > (?1, ?2) ORDER BY account_id, version_id
            """
        }
    }

    /// With the names of actors, whose numbers are of one file.
    private static let selectChanges: StaticString = """
        SELECT position, account_id, profile_id, kind, state, at, client_id, section, edits
        FROM profile_change LEFT JOIN actor ON actor_id = actor
        WHERE position > ?2 ORDER BY position
        """

    private static let selectErasures: StaticString = """
        SELECT position, erasure_id, account_id, profile_id, requested_at, actor, completed_at, events, "values", tags,
            changes, rejections, consents
        FROM erasure WHERE position > ?2 ORDER BY position
        """

    /// Those of an erased profile are gone, removed or not.
    private static let selectRejections: StaticString = """
        SELECT account_id, rejection_id, section, keyspace, key, received_at, client_id, request_id, code, detail,
            errors, event_count, replayed_at, replayed_to, replayed_events, cause, item_codes, event_types, body
        FROM rejection WHERE rejection_id > ?2
            AND NOT EXISTS (SELECT 1 FROM erased_rejection AS erased WHERE erased.rejection_id = rejection.rejection_id)
        ORDER BY rejection_id
        """

    /// Profiles that were not moved yet, after the arrival ?2.
    static let selectArrivals: StaticString = """
        SELECT profile_id, account_id, keyspace, key, created_at, NULL, 0, arrival FROM profile_arrival AS arrived
        WHERE arrival > ?2 AND NOT EXISTS (SELECT 1 FROM profile WHERE profile.profile_id = arrived.profile_id)
        ORDER BY arrival
        """

    private static let selectMapped: StaticString = """
        SELECT account_id, attribute, key_format FROM mapped_attribute
        WHERE (account_id, attribute) > (?1, ?2) AND state = 0 ORDER BY account_id, attribute
        """

    private static let insertMembers: StaticString =
        "INSERT INTO profile_member (profile_id, root_id, parent_id, joined) VALUES (?1, ?2, ?3, ?4)"

    /// Before the rows that name it: they have its number.
    static let insertActor: StaticString = "INSERT OR IGNORE INTO actor (client_id) VALUES (?1)"

    static func insert(_ kind: RowKind) -> StaticString {
        switch kind {
        case .account: "INSERT INTO account (account_id, name, created_at) VALUES (?1, ?2, ?3)"
        case .setting: "INSERT OR REPLACE INTO setting (name, value) VALUES (?1, ?2)"
        case .logEntry:
            """
            INSERT INTO catalogue_log (account_id, sequence, number, at, actor, change) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            """
        case .act:
            """
            INSERT INTO act (account_id, number, at, actor, act, subject, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            """
        case .apiKey:
            """
            INSERT INTO api_key (client_id, account_id, name, role, sections, keyspaces, secret_hash, created_at,
                revoked_at, previous_secret_hash, previous_secret_until, last_used_at, settings_hash)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
            """
        case .signingKey:
            "INSERT INTO signing_key (key_id, private_pem, created_at, retired_at) VALUES (?1, ?2, ?3, ?4)"
        case .mappedAttribute: "INSERT INTO mapped_attribute (account_id, attribute, key_format) VALUES (?1, ?2, ?3)"
        case .profile:
            """
            INSERT INTO profile (profile_id, account_id, keyspace, key, created_at, canonical_id, state)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            """
        case .profileChange:
            """
            INSERT INTO profile_change (position, account_id, profile_id, kind, state, at, actor, section, edits)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, (SELECT actor_id FROM actor WHERE client_id = ?7), ?8, ?9)
            """
        case .profileData: "INSERT INTO profile_data (profile_id, section, fields) VALUES (?1, ?2, ?3)"
        case .profileMember: insertMembers
        case .erasure:
            """
            INSERT INTO erasure (position, erasure_id, account_id, profile_id, requested_at, actor, completed_at, events,
                "values", tags, changes, rejections, consents)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
            """
        case .event:
            """
            INSERT INTO event (event_id, profile_id, section, event_time, version_id, received_at, data)
            VALUES (?1, ?2, ?3, ?4, ?5, ?7, ?8)
            """
        case .idempotency:
            """
            INSERT INTO idempotency (account_id, key, fingerprint, answer, created_at) VALUES (?1, ?2, ?3, ?4, ?5)
            """
        case .rejection:
            """
            INSERT INTO rejection (account_id, rejection_id, section, keyspace, key, received_at, client_id, request_id,
                code, detail, errors, event_count, replayed_at, replayed_to, replayed_events, cause, item_codes,
                event_types, body)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)
            """
        case .usage:
            """
            INSERT INTO version_usage (account_id, version_id, events, last_received_at) VALUES (?1, ?2, ?3, ?4)
            """
        }
    }
}

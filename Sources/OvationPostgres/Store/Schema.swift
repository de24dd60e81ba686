/// The tables, as migrations in order. A migration that was released is never edited.
///
/// They are in their own schema, `ovation`, beside anything else in the database. The same text is used when Citus
/// spreads the tables over machines: see rule 9 of DESIGN.md.
enum Schema {
    struct Migration: Sendable {
        let number: Int64
        let name: String
        /// One after the other, in one transaction.
        let statements: [String]
        /// What follows from rows that are there already, made behind the statements in the same transaction.
        var fill: (@Sendable (PostgresConnection) throws -> Void)?
    }

    static let migrations = [
        Migration(number: 1, name: "accounts, definitions, profiles, events", statements: foundation),
        Migration(number: 2, name: "counts by the minute", statements: activity),
        // Existing rows are filled when the store is opened: see RejectionRows.fill.
        Migration(number: 3, name: "causes of rejections", statements: causes),
        // What is there already is taken over when the store is opened: see AuditRows.takeOver.
        Migration(number: 4, name: "acts beside definitions", statements: acts),
        Migration(number: 5, name: "states of profiles", statements: states),
        Migration(number: 6, name: "data of profiles", statements: data),
        Migration(number: 7, name: "erasures of profiles", statements: erasures),
        Migration(number: 8, name: "members of profiles", statements: members),
        Migration(
            number: 9, name: "values of mapped attributes", statements: mappedValues,
            // No attribute is mapped by an admin yet.
            fill: { try MappedValueRows.fill($0, mapped: [:]) }),
        Migration(number: 10, name: "consents of erased profiles", statements: erasedConsents),
        Migration(
            number: 11, name: "counts of consents", statements: consentCounts, fill: { try ConsentCountRows.fill($0) }),
        Migration(number: 12, name: "jobs", statements: JobTable.statements),
        Migration(number: 13, name: "states of mapped attributes", statements: mappingStates),
        Migration(number: 14, name: "usage on nodes", statements: nodeUsage),
    ]

    /// All of them but the ledger.
    static let tables = [
        "account", "act", "activity", "api_key", "catalogue_log", "consent_count", "erasure", "event", "idempotency",
        "job",
        "mapped_attribute", "node_usage", "profile", "profile_change", "profile_data", "profile_member",
        "profile_value", "rejection",
        "setting", "signing_key", "version_usage",
    ]

    /// Ids come in blocks: a group draws as many as it needs in one round trip, and no id is ever drawn twice.
    static let eventBlock: Int64 = 64

    static let ledger = [
        "CREATE SCHEMA IF NOT EXISTS ovation",
        """
        CREATE TABLE IF NOT EXISTS ovation.migration (
            number       bigint PRIMARY KEY,
            name         text NOT NULL,
            applied_at   timestamptz NOT NULL DEFAULT now()
        )
        """,
    ]

    private static let foundation =
        [
            """
            CREATE TABLE ovation.account (
                account_id   bigint PRIMARY KEY,
                name         text NOT NULL,
                created_at   bigint NOT NULL               -- milliseconds since 1970, as every time here
            )
            """,
            // Single facts about the store: the server's secret.
            """
            CREATE TABLE ovation.setting (
                name         text PRIMARY KEY,
                value        bytea NOT NULL
            )
            """,
            // Append-only. The catalogue is folded from it, and it is the audit trail.
            """
            CREATE TABLE ovation.catalogue_log (
                account_id   bigint NOT NULL REFERENCES ovation.account,
                sequence     bigint NOT NULL CHECK (sequence > 0),
                at           bigint NOT NULL,
                actor        text NOT NULL,
                is_note      boolean NOT NULL,             -- tells of an act and changes no definition
                change       text NOT NULL,
                PRIMARY KEY (account_id, sequence)
            )
            """,
            // The entries that the catalogue is folded from: a start reads these, however many acts were noted between
            // them.
            "CREATE INDEX catalogue_log_definitions ON ovation.catalogue_log (account_id, sequence) WHERE NOT is_note",
            """
            CREATE TABLE ovation.api_key (
                client_id    text PRIMARY KEY,
                account_id   bigint NOT NULL REFERENCES ovation.account,
                name         text NOT NULL,
                role         text NOT NULL CHECK (role IN ('admin', 'integration')),
                sections     text,                         -- null: all
                keyspaces    text,                         -- null: all
                secret_hash  bytea NOT NULL,
                created_at   bigint NOT NULL,
                revoked_at   bigint,
                previous_secret_hash  bytea,
                previous_secret_until bigint,              -- both or none
                last_used_at bigint,
                settings_hash bytea,                       -- of the secret that the settings named last
                CHECK ((previous_secret_until IS NULL) = (previous_secret_hash IS NULL))
            )
            """,
            """
            CREATE TABLE ovation.signing_key (
                key_id       text PRIMARY KEY,
                private_pem  text NOT NULL,
                created_at   bigint NOT NULL,
                retired_at   bigint
            )
            """,
        ] + audience + posts

    private static let audience = [
        // A profile with the key it began with. Its id is that key's hash, so the row is found by the key, and a first
        // event writes one row for key and profile together.
        """
        CREATE TABLE ovation.profile (
            profile_id   bigint PRIMARY KEY,
            account_id   bigint NOT NULL,
            keyspace     bigint NOT NULL,              -- number of the keyspace in the account
            key          text COLLATE "C" NOT NULL,
            created_at   bigint NOT NULL,
            canonical_id bigint                        -- null: stands alone or leads its group
        )
        """,
        "CREATE INDEX profile_by_key ON ovation.profile (account_id, keyspace, key)",
        // The primary key is the timeline: a page of a profile is one range of it. It includes the version, so that
        // counts are answered from the index.
        """
        CREATE TABLE ovation.event (
            event_id     bigint NOT NULL,
            profile_id   bigint NOT NULL,
            section      bigint NOT NULL,              -- number of the section in the account
            event_time   bigint NOT NULL,
            version_id   bigint NOT NULL,
            account_id   bigint NOT NULL,
            received_at  bigint NOT NULL,
            data         text NOT NULL,
            PRIMARY KEY (profile_id, section, event_time, event_id) INCLUDE (version_id)
        )
        """,
        "CREATE INDEX event_by_arrival ON ovation.event (account_id, event_id)",
        "CREATE SEQUENCE ovation.event_block AS bigint MINVALUE 1 INCREMENT \(eventBlock)",
        // The number of stored events of each version. A writer adds to the row of its own slot, so that no two wait
        // for each other; the figure is the sum over the slots.
        """
        CREATE TABLE ovation.version_usage (
            slot         bigint NOT NULL,
            account_id   bigint NOT NULL,
            version_id   bigint NOT NULL,
            events       bigint NOT NULL,
            last_received_at bigint NOT NULL,
            PRIMARY KEY (slot, account_id, version_id)
        ) WITH (fillfactor = 50)
        """,
    ]

    private static let acts = [
        // What was done and changes no definition. Append-only; with the log of definitions it is the audit trail.
        """
        CREATE TABLE ovation.act (
            account_id   bigint NOT NULL REFERENCES ovation.account,
            number       bigint NOT NULL CHECK (number > 0),   -- in the audit trail, where definitions stand too
            at           bigint NOT NULL,
            actor        text NOT NULL,
            act          text NOT NULL,
            subject      text NOT NULL,
            detail       text NOT NULL,
            PRIMARY KEY (account_id, number)
        )
        """,
        // The number of an entry in the audit trail, where acts stand too. null: an older server wrote the row. Notes of
        // acts (is_note) stay in the log for older servers, which count them; newer ones have them as rows of act.
        "ALTER TABLE ovation.catalogue_log ADD COLUMN number bigint CHECK (number > 0)",
        "CREATE INDEX catalogue_log_number ON ovation.catalogue_log (account_id, number)",
        // Empty but during and after an update.
        """
        CREATE INDEX catalogue_log_without_number ON ovation.catalogue_log (account_id, sequence) WHERE number IS NULL
        """,
        // How often API keys and signing keys have changed.
        "ALTER TABLE ovation.account ADD COLUMN key_changes bigint NOT NULL DEFAULT 0",
    ]

    private static let causes = [
        // Runs of ids, '65-67 129'; null: open, or not known. A cause that is null is not filled yet. Codes and types are
        // words between spaces, '-' for a type that is not known.
        """
        ALTER TABLE ovation.rejection ADD COLUMN replayed_events text, ADD COLUMN cause text COLLATE "C",
            ADD COLUMN item_codes text, ADD COLUMN event_types text
        """,
        // The rejections of a cause in the order of arrival.
        "CREATE INDEX rejection_by_cause ON ovation.rejection (account_id, cause, rejection_id)",
        // Empty except after an update.
        "CREATE INDEX rejection_without_cause ON ovation.rejection (rejection_id) WHERE cause IS NULL",
    ]

    private static let states = [
        // 0: open; 1: locked. 2 and 3 are kept for profiles that are erased, and for those merged into another. Without a
        // CHECK, which Citus does not add to a table that is spread.
        "ALTER TABLE ovation.profile ADD COLUMN state bigint NOT NULL DEFAULT 0",
        // What was changed of profiles, for good. Its numbers come from the sequence of event ids, so that one cursor leads
        // through events and changes.
        """
        CREATE TABLE ovation.profile_change (
            position     bigint PRIMARY KEY,
            account_id   bigint NOT NULL,
            profile_id   bigint NOT NULL,
            kind         text NOT NULL,
            state        bigint,                       -- that the profile has since; null: as before
            at           bigint NOT NULL,
            actor        text NOT NULL                 -- client id of the API key
        )
        """,
        "CREATE INDEX profile_change_of_state ON ovation.profile_change (position) WHERE state IS NOT NULL",
        // The number of the newest change of a state, for servers that remember profiles: see rule 18 of DESIGN.md. A
        // sequence, since a group reads it each time, and reading one needs no index and no plan.
        "CREATE SEQUENCE ovation.profile_state AS bigint MINVALUE 0",
    ]

    private static let data = [
        // null: the change is about the profile as a whole.
        "ALTER TABLE ovation.profile_change ADD COLUMN section bigint",
        // PackedEdits: each field, what it has since, and the change before. Each change up to now is the lock of a profile,
        // and the first that became of it.
        "ALTER TABLE ovation.profile_change ADD COLUMN edits bytea NOT NULL DEFAULT '\\x01030000'",
        "ALTER TABLE ovation.profile_change ALTER COLUMN edits DROP DEFAULT",
        // Where the values of a profile are: for each field the position of the change that touched it last (FieldIndex). It
        // follows from profile_change, and lies beside it. A page keeps some room, so that a row that grows stays on it.
        """
        CREATE TABLE ovation.profile_data (
            profile_id   bigint NOT NULL,
            section      bigint NOT NULL,              -- 0: what became of the profile as a whole
            fields       bytea NOT NULL,
            PRIMARY KEY (profile_id, section)
        ) WITH (fillfactor = 90)
        """,
        // The trail of each profile that was locked: the position in groups of seven bits, the lowest first.
        """
        INSERT INTO ovation.profile_data (profile_id, section, fields)
        SELECT profile_id, 0, '\\x0103'::bytea || string_agg(
            set_byte('\\x00'::bytea, 0, ((position >> (7 * place)) & 127)::integer
                + CASE WHEN position >> (7 * place + 7) > 0 THEN 128 ELSE 0 END), ''::bytea ORDER BY place)
            || '\\x01'::bytea
        FROM ovation.profile_change CROSS JOIN generate_series(0, 8) AS place
        WHERE place = 0 OR position >> (7 * place) > 0 GROUP BY profile_id, position
        """,
    ]

    private static let erasures = [
        // What was removed of profiles that were erased, for good and without personal data. While completed_at is null, rows
        // of the profile are still there, and the counts rise.
        """
        CREATE TABLE ovation.erasure (
            position     bigint PRIMARY KEY,           -- of the change that erased the profile
            erasure_id   text COLLATE "C" NOT NULL,
            account_id   bigint NOT NULL,
            profile_id   bigint NOT NULL,
            requested_at bigint NOT NULL,
            actor        text NOT NULL,                -- client id of the API key
            completed_at bigint,
            events       bigint NOT NULL,
            "values"     bigint NOT NULL,
            tags         bigint NOT NULL,
            changes      bigint NOT NULL,
            rejections   bigint NOT NULL
        )
        """,
        "CREATE INDEX erasure_by_id ON ovation.erasure (erasure_id)",
        "CREATE INDEX erasure_by_account ON ovation.erasure (account_id, position)",
        // Empty but while something is removed.
        "CREATE INDEX erasure_open ON ovation.erasure (position) WHERE completed_at IS NULL",
    ]

    private static let members = [
        // The members of profiles that have several, the canonical one among them. Nobody else has a row.
        """
        CREATE TABLE ovation.profile_member (
            profile_id   bigint PRIMARY KEY,
            root_id      bigint NOT NULL,              -- the canonical one
            parent_id    bigint,                       -- the one that it was joined to; null: it is the canonical one
            joined       bigint NOT NULL               -- position of the change that joined it; 0 for the canonical one
        )
        """,
        "CREATE INDEX profile_member_by_root ON ovation.profile_member (root_id)",
    ]

    private static let mappedValues = [
        // Attributes that admins have mapped keyspaces to. The default ones that are mapped in every account are not here.
        """
        CREATE TABLE ovation.mapped_attribute (
            account_id   bigint NOT NULL,
            attribute    bigint NOT NULL,
            key_format   text NOT NULL,                -- how its values are written as keys
            PRIMARY KEY (account_id, attribute)
        )
        """,
        // The values that members hold of mapped attributes, in their normal form. It follows from profile_change, as
        // profile_data does, and is where profiles are looked for by a value.
        """
        CREATE TABLE ovation.profile_value (
            account_id   bigint NOT NULL,
            attribute    bigint NOT NULL,
            value        text COLLATE "C" NOT NULL,
            profile_id   bigint NOT NULL,              -- the member
            PRIMARY KEY (account_id, attribute, value, profile_id)
        )
        """,
    ]

    private static let mappingStates = [
        // MappingState: 0: all values are there; 1: they are being made; 2: they are being removed.
        "ALTER TABLE ovation.mapped_attribute ADD COLUMN state bigint NOT NULL DEFAULT 0"
    ]

    private static let erasedConsents = [
        // Removed so far, as the other counts; those that an older version has removed are not counted.
        "ALTER TABLE ovation.erasure ADD COLUMN consents bigint NOT NULL DEFAULT 0"
    ]

    private static let posts = [
        """
        CREATE TABLE ovation.idempotency (
            account_id   bigint NOT NULL,
            key          text COLLATE "C" NOT NULL,
            fingerprint  bytea NOT NULL,
            answer       bytea NOT NULL,
            created_at   bigint NOT NULL,
            PRIMARY KEY (account_id, key)
        )
        """,
        "CREATE INDEX idempotency_by_age ON ovation.idempotency (created_at)",
        // Refused posts, kept for a while. A client can send any byte, but texts of PostgreSQL cannot contain NUL.
        """
        CREATE TABLE ovation.rejection (
            account_id   bigint NOT NULL,
            rejection_id bigint NOT NULL,
            section      bigint NOT NULL,
            keyspace     bigint NOT NULL,
            key          bytea NOT NULL,               -- as it was sent
            received_at  bigint NOT NULL,
            client_id    text NOT NULL,
            request_id   bytea NOT NULL,
            code         text NOT NULL,
            detail       bytea NOT NULL,
            errors       text NOT NULL,
            event_count  bigint NOT NULL,
            replayed_at  bigint,                       -- null: open
            replayed_to  bigint,                       -- the profile that has the events now
            body         bytea NOT NULL,
            PRIMARY KEY (account_id, rejection_id)
        )
        """,
        "CREATE INDEX rejection_by_age ON ovation.rejection (rejection_id)",
        "CREATE SEQUENCE ovation.rejection_id AS bigint MINVALUE 1",
    ]

    private static let activity = [
        // The outcomes of events by the minute, kept for a while. As with usage, a writer adds to rows of its own slot.
        // Minutes come first in the key: the oldest are a range, and are removed together.
        """
        CREATE TABLE ovation.activity (
            minute       bigint NOT NULL,              -- minutes since 1970, by the server's clock
            slot         bigint NOT NULL,
            account_id   bigint NOT NULL,
            section      bigint NOT NULL,              -- 0: that of the version
            version_id   bigint NOT NULL,              -- 0: of no version that is known
            accepted     bigint NOT NULL,
            refused      bigint NOT NULL,
            duplicates   bigint NOT NULL,
            PRIMARY KEY (minute, slot, account_id, section, version_id)
        ) WITH (fillfactor = 50)
        """,
        // The minute of the last events, and their number in it: in a row that a group writes in any case.
        "ALTER TABLE ovation.version_usage ADD COLUMN minute bigint NOT NULL DEFAULT 0",
        "ALTER TABLE ovation.version_usage ADD COLUMN minute_events bigint NOT NULL DEFAULT 0",
    ]
}

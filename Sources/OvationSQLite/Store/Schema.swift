import GRDB
import OvationRows

/// The tables, as migrations in order. A migration that was released is never edited.
enum Schema {
    /// "OVTN": tells our files from other SQLite databases (`PRAGMA application_id`).
    static let applicationID = 0x4F56_544E

    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("001 accounts, definitions, profiles, events") { database in
            try database.execute(sql: foundation)
        }
        // Rows refer to the same rows as before, so there is nothing to check again in a store that may be large.
        migrator.registerMigration("002 rejections, usage, rotation", foreignKeyChecks: .immediate) { database in
            try database.execute(sql: looking)
            try fillUsage(database)
        }
        migrator.registerMigration("003 timelines in sorted runs", foreignKeyChecks: .immediate) { database in
            try database.execute(sql: timelines)
            try Timeline.build(database, from: Timeline.indexedEvents)
            // Its pages have hashes and times, which are in the timeline too.
            try database.execute(
                sql: "PRAGMA secure_delete = OFF; DROP INDEX event_of_profile; PRAGMA secure_delete = ON")
        }
        // The files beside the store say which store it is. Older versions do not write the checksums that this version
        // adds to the file (PageChecksums), so they must not open it any more.
        migrator.registerMigration("004 store id, checksums", foreignKeyChecks: .immediate) { database in
            try database.execute(
                sql: "INSERT INTO setting (name, value) VALUES ('store_id', lower(hex(randomblob(16))))")
        }
        migrator.registerMigration("005 counts by the minute", foreignKeyChecks: .immediate) { database in
            try database.execute(sql: activity)
        }
        // Existing rows are filled when the store is opened: see RejectionRows.fill.
        migrator.registerMigration("006 causes of rejections", foreignKeyChecks: .immediate) { database in
            try database.execute(sql: causes)
        }
        migrator.registerMigration("007 acts beside definitions", foreignKeyChecks: .immediate) { database in
            try database.execute(sql: acts)
        }
        migrator.registerMigration("008 states of profiles", foreignKeyChecks: .immediate) { database in
            try database.execute(sql: states)
        }
        migrator.registerMigration("009 data of profiles", foreignKeyChecks: .immediate) { database in
            try database.execute(sql: data)
            try fillData(database)
        }
        migrator.registerMigration("010 erasures", foreignKeyChecks: .immediate) { database in
            try database.execute(sql: erasures)
        }
        migrator.registerMigration("011 members of profiles", foreignKeyChecks: .immediate) { database in
            try database.execute(sql: members)
        }
        registerConsentsAndJobs(&migrator)
        return migrator
    }

    private static func registerConsentsAndJobs(_ migrator: inout DatabaseMigrator) {
        migrator.registerMigration("012 values of mapped attributes", foreignKeyChecks: .immediate) { database in
            try database.execute(sql: mappedValues)
            // No attribute is mapped by an admin yet.
            try MappedValueRows.fill(database, mapped: [:])
        }
        migrator.registerMigration(
            "013 suppressions in order, consents of erased profiles", foreignKeyChecks: .immediate
        ) { database in
            try database.execute(sql: suppressions)
        }
        migrator.registerMigration("014 counts of consents", foreignKeyChecks: .immediate) { database in
            try database.execute(sql: consentCounts)
            try ConsentCountRows.fill(database)
        }
        migrator.registerMigration("015 jobs", foreignKeyChecks: .immediate) { database in
            try database.execute(sql: JobTable.sql)
        }
        migrator.registerMigration("016 states of mapped attributes", foreignKeyChecks: .immediate) { database in
            try database.execute(sql: mappingStates)
        }
    }

    /// Whether the file has no data of any program. A killed start may have left the migrator's own table, which it
    /// makes in a transaction before the first of ours.
    static func isBlank(_ database: Database) throws -> Bool {
        try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_schema WHERE tbl_name <> 'grdb_migrations'") == 0
    }

    private static let foundation = """
        PRAGMA application_id = \(applicationID);

        CREATE TABLE account (
            account_id   INTEGER PRIMARY KEY,
            name         TEXT NOT NULL,
            created_at   INTEGER NOT NULL              -- milliseconds since 1970, as every time here
        ) STRICT;

        -- Single facts about the store: the server's secret, the highest event id ever given.
        CREATE TABLE setting (
            name         TEXT PRIMARY KEY,
            value        ANY NOT NULL
        ) STRICT, WITHOUT ROWID;

        -- Append-only. The catalogue is folded from it, and it is the audit trail.
        CREATE TABLE catalogue_log (
            account_id   INTEGER NOT NULL REFERENCES account,
            sequence     INTEGER NOT NULL CHECK (sequence > 0),
            at           INTEGER NOT NULL,
            actor        TEXT NOT NULL,
            is_note      INTEGER NOT NULL,             -- 1: tells of an act and changes no definition
            change       TEXT NOT NULL CHECK (json_valid(change)),
            PRIMARY KEY (account_id, sequence)
        ) STRICT, WITHOUT ROWID;

        -- What the catalogue is folded from: a start reads these, however many acts were noted between them.
        CREATE INDEX catalogue_log_definitions ON catalogue_log (account_id, sequence) WHERE is_note = 0;

        CREATE TABLE api_key (
            client_id    TEXT PRIMARY KEY,
            account_id   INTEGER NOT NULL REFERENCES account,
            name         TEXT NOT NULL,
            role         TEXT NOT NULL CHECK (role IN ('admin', 'integration')),
            sections     TEXT CHECK (sections IS NULL OR json_valid(sections)),      -- null: all
            keyspaces    TEXT CHECK (keyspaces IS NULL OR json_valid(keyspaces)),    -- null: all
            secret_hash  BLOB NOT NULL,
            created_at   INTEGER NOT NULL,
            revoked_at   INTEGER
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE signing_key (
            key_id       TEXT PRIMARY KEY,
            private_pem  TEXT NOT NULL,
            created_at   INTEGER NOT NULL,
            retired_at   INTEGER
        ) STRICT, WITHOUT ROWID;

        -- A profile with the key it began with. Its id is that key's hash, so the row is found by the key, and a first
        -- event writes one row for key and profile together.
        CREATE TABLE profile (
            profile_id   INTEGER PRIMARY KEY,
            account_id   INTEGER NOT NULL REFERENCES account,
            keyspace     INTEGER NOT NULL,             -- number of the keyspace in the account
            key          TEXT NOT NULL,
            created_at   INTEGER NOT NULL,
            canonical_id INTEGER                       -- null: stands alone or leads its group
        ) STRICT;

        CREATE TABLE event (
            event_id     INTEGER PRIMARY KEY,          -- in the order of arrival
            profile_id   INTEGER NOT NULL,
            section      INTEGER NOT NULL,             -- number of the section in the account
            event_time   INTEGER NOT NULL,
            received_at  INTEGER NOT NULL,
            version_id   INTEGER NOT NULL,
            data         TEXT NOT NULL
        ) STRICT;

        -- A page of a profile is one short range of this, newest first; event_id follows by itself.
        CREATE INDEX event_of_profile ON event (profile_id, section, event_time);

        CREATE TABLE idempotency (
            account_id   INTEGER NOT NULL,
            key          TEXT NOT NULL,
            fingerprint  BLOB NOT NULL,
            answer       BLOB NOT NULL,
            created_at   INTEGER NOT NULL,
            PRIMARY KEY (account_id, key)
        ) STRICT, WITHOUT ROWID;

        CREATE INDEX idempotency_by_age ON idempotency (created_at);
        """

    private static let looking = """
        -- Whatever is asked of a profile's events but their data is answered from here: what is counted by version or
        -- by day never touches the table, and a page of few versions touches it for what it gives back only.
        DROP INDEX event_of_profile;
        CREATE INDEX event_of_profile ON event (profile_id, section, event_time, event_id, version_id);

        -- Posts that were refused, for a while. The body comes last: whoever looks at the rest does not read it.
        CREATE TABLE rejection (
            rejection_id INTEGER PRIMARY KEY AUTOINCREMENT,     -- in the order of arrival, never given twice
            account_id   INTEGER NOT NULL REFERENCES account,
            section      INTEGER NOT NULL,
            keyspace     INTEGER NOT NULL,
            key          TEXT NOT NULL,                -- as it was sent
            received_at  INTEGER NOT NULL,
            client_id    TEXT NOT NULL,
            request_id   TEXT NOT NULL,
            code         TEXT NOT NULL,
            detail       TEXT NOT NULL,
            errors       TEXT NOT NULL CHECK (json_valid(errors)),
            event_count  INTEGER NOT NULL,
            replayed_at  INTEGER,                      -- null: open
            replayed_to  INTEGER,                      -- the profile that has the events now
            body         BLOB NOT NULL
        ) STRICT;

        -- In the order of arrival, since rejection_id follows by itself: the newest so many of an account are kept, and
        -- what a list filters by is looked for in these.
        CREATE INDEX rejection_of_account ON rejection (account_id);

        -- How much is stored of each version, so that nobody has to count all events.
        CREATE TABLE version_usage (
            account_id       INTEGER NOT NULL,
            version_id       INTEGER NOT NULL,
            events           INTEGER NOT NULL CHECK (events >= 0),
            last_received_at INTEGER NOT NULL,
            PRIMARY KEY (account_id, version_id)
        ) STRICT, WITHOUT ROWID;

        ALTER TABLE api_key ADD COLUMN previous_secret_hash BLOB;
        -- Both or none.
        ALTER TABLE api_key ADD COLUMN previous_secret_until INTEGER
            CHECK ((previous_secret_until IS NULL) = (previous_secret_hash IS NULL));
        ALTER TABLE api_key ADD COLUMN last_used_at INTEGER;
        ALTER TABLE api_key ADD COLUMN settings_hash BLOB;      -- of the secret that the settings named last
        """

    private static let timelines = """
        -- Profiles in the order in which they came, until they are moved to profile, many at once and sorted.
        CREATE TABLE profile_arrival (
            arrival      INTEGER PRIMARY KEY,
            profile_id   INTEGER NOT NULL,
            account_id   INTEGER NOT NULL REFERENCES account,
            keyspace     INTEGER NOT NULL,
            key          TEXT NOT NULL,
            created_at   INTEGER NOT NULL
        ) STRICT;

        -- The timelines of all profiles, in sorted runs: what was stored within some time. Four runs of a level are
        -- merged into one of the next. Events later than every last_event of a finished run are in memory only.
        CREATE TABLE timeline_run (
            run          INTEGER PRIMARY KEY AUTOINCREMENT,     -- never given twice
            level        INTEGER NOT NULL,
            state        INTEGER NOT NULL CHECK (state IN (0, 1, 2)),  -- being written, finished, to be removed
            entries      INTEGER NOT NULL,
            last_event   INTEGER NOT NULL,             -- every event up to it is in this run or in an older one
            sources      TEXT NOT NULL CHECK (json_valid(sources))     -- runs that it is merged from
        ) STRICT;

        -- Some hundred entries in their order, as bytes (TimelineBlock); the key is not after the first of them.
        CREATE TABLE timeline (
            run          INTEGER NOT NULL,
            profile_id   INTEGER NOT NULL,
            section      INTEGER NOT NULL,
            event_time   INTEGER NOT NULL,
            event_id     INTEGER NOT NULL,
            entries      BLOB NOT NULL
        ) STRICT;

        CREATE UNIQUE INDEX timeline_key ON timeline (run, profile_id, section, event_time, event_id);
        """

    private static let activity = """
        -- What became of events by the minute, for a while. Minutes come first: the oldest are a range, and forgotten
        -- as one. Of a version the minute in which it was posted to last is in its usage and not here.
        CREATE TABLE activity (
            minute       INTEGER NOT NULL,             -- minutes since 1970, by the server's clock
            account_id   INTEGER NOT NULL,
            section      INTEGER NOT NULL,             -- 0: that of the version
            version_id   INTEGER NOT NULL,             -- 0: of no version that is known
            accepted     INTEGER NOT NULL,
            refused      INTEGER NOT NULL,
            duplicates   INTEGER NOT NULL,
            PRIMARY KEY (minute, account_id, section, version_id)
        ) STRICT, WITHOUT ROWID;

        -- The minute in which events came last, and how many came in it.
        ALTER TABLE version_usage ADD COLUMN minute INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE version_usage ADD COLUMN minute_events INTEGER NOT NULL DEFAULT 0;
        """

    private static let causes = """
        ALTER TABLE rejection ADD COLUMN replayed_events TEXT;  -- runs of ids: '65-67 129'; null: open, or not known
        ALTER TABLE rejection ADD COLUMN cause TEXT;            -- null: not filled yet
        ALTER TABLE rejection ADD COLUMN item_codes TEXT;       -- words between spaces
        ALTER TABLE rejection ADD COLUMN event_types TEXT;      -- words between spaces, '-' for one that is not known

        -- The rejections of a cause in the order of arrival; and with what comes behind, all that is counted and filtered
        -- by, since these columns lie behind the body.
        CREATE INDEX rejection_by_cause ON rejection
            (account_id, cause, replayed_at, rejection_id, section, code, received_at, event_count, item_codes,
            event_types);

        -- Empty but after an update.
        CREATE INDEX rejection_without_cause ON rejection (rejection_id) WHERE cause IS NULL;
        """

    private static let acts = """
        -- What was done and changes no definition. Append-only; with the log of definitions it is the audit trail.
        CREATE TABLE act (
            account_id   INTEGER NOT NULL REFERENCES account,
            number       INTEGER NOT NULL CHECK (number > 0),  -- in the audit trail, where definitions stand too
            at           INTEGER NOT NULL,
            actor        TEXT NOT NULL,
            act          TEXT NOT NULL,
            subject      TEXT NOT NULL,
            detail       TEXT NOT NULL,
            PRIMARY KEY (account_id, number)
        ) STRICT, WITHOUT ROWID;

        INSERT INTO act (account_id, number, at, actor, act, subject, detail)
        SELECT account_id, sequence, at, actor, json_extract(change, '$.kind'), json_extract(change, '$.note.subject'),
            json_extract(change, '$.note.detail')
        FROM catalogue_log WHERE json_type(change, '$.note') IS NOT NULL;

        -- Append-only. The catalogue is folded from it.
        CREATE TABLE definition_log (
            account_id   INTEGER NOT NULL REFERENCES account,
            sequence     INTEGER NOT NULL CHECK (sequence > 0),
            number       INTEGER NOT NULL CHECK (number > 0),  -- in the audit trail, where acts stand too
            at           INTEGER NOT NULL,
            actor        TEXT NOT NULL,
            change       TEXT NOT NULL CHECK (json_valid(change)),
            PRIMARY KEY (account_id, sequence)
        ) STRICT, WITHOUT ROWID;

        INSERT INTO definition_log (account_id, sequence, number, at, actor, change)
        SELECT account_id, sequence, sequence, at, actor, change FROM catalogue_log WHERE json_type(change, '$.note') IS NULL;
        DROP TABLE catalogue_log;
        ALTER TABLE definition_log RENAME TO catalogue_log;
        CREATE UNIQUE INDEX catalogue_log_number ON catalogue_log (account_id, number);

        -- How often API keys and signing keys have changed.
        ALTER TABLE account ADD COLUMN key_changes INTEGER NOT NULL DEFAULT 0;
        """

    private static let states = """
        -- 0: open; 1: locked. 2 and 3 are kept for profiles that are erased, and for those merged into another. What is in
        -- profile_arrival only is open.
        ALTER TABLE profile ADD COLUMN state INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 3);

        -- What was changed of profiles, for good. Its numbers come from the sequence of event ids, so that one cursor leads
        -- through events and changes.
        CREATE TABLE profile_change (
            position     INTEGER PRIMARY KEY,
            account_id   INTEGER NOT NULL REFERENCES account,
            profile_id   INTEGER NOT NULL,
            kind         TEXT NOT NULL,
            state        INTEGER,                      -- that the profile has since; null: as before
            at           INTEGER NOT NULL,
            actor        TEXT NOT NULL                 -- client id of the API key
        ) STRICT;
        """

    private static let data = """
        -- Who asked for changes of profiles: rows have a small number in place of a long name.
        CREATE TABLE actor (
            actor_id     INTEGER PRIMARY KEY,
            client_id    TEXT NOT NULL UNIQUE          -- of an API key
        ) STRICT;

        INSERT INTO actor (client_id) SELECT DISTINCT actor FROM profile_change ORDER BY actor;

        -- What was changed of profiles, for good: the truth from which profile_data follows. Its numbers come from the
        -- sequence of event ids, so that one cursor leads through events and changes.
        CREATE TABLE change_of_profile (
            position     INTEGER PRIMARY KEY,
            account_id   INTEGER NOT NULL REFERENCES account,
            profile_id   INTEGER NOT NULL,
            kind         TEXT NOT NULL,
            state        INTEGER,                      -- that the profile has since; null: as before
            at           INTEGER NOT NULL,
            actor        INTEGER NOT NULL REFERENCES actor,
            section      INTEGER,                      -- null: it is about the profile as a whole
            edits        BLOB NOT NULL                 -- PackedEdits: each field, what it has since, and the change before
        ) STRICT;

        -- Each change up to now is the lock of a profile, and the first that became of it.
        INSERT INTO change_of_profile (position, account_id, profile_id, kind, state, at, actor, edits)
        SELECT position, account_id, profile_id, kind, state, at, actor_id, x'01030000'
        FROM profile_change JOIN actor ON client_id = actor ORDER BY position;
        DROP TABLE profile_change;
        ALTER TABLE change_of_profile RENAME TO profile_change;

        -- Where the values of a profile are: for each field the position of the change that touched it last (FieldIndex).
        CREATE TABLE profile_data (
            profile_id   INTEGER NOT NULL,
            section      INTEGER NOT NULL,             -- 0: what became of the profile as a whole
            fields       BLOB NOT NULL,
            PRIMARY KEY (profile_id, section)
        ) STRICT, WITHOUT ROWID;
        """

    private static let erasures = """
        -- Profiles that were erased, for good: who asked, and how much was removed. The row of the profile stays without a
        -- key, and this says nothing of the person.
        CREATE TABLE erasure (
            position     INTEGER PRIMARY KEY,          -- of the change that erased the profile
            erasure_id   TEXT NOT NULL UNIQUE,
            account_id   INTEGER NOT NULL REFERENCES account,
            profile_id   INTEGER NOT NULL,
            requested_at INTEGER NOT NULL,
            actor        TEXT NOT NULL,                -- client id of the API key
            completed_at INTEGER,                      -- null: rows are still being removed
            events       INTEGER NOT NULL,             -- removed so far, as the other counts
            "values"     INTEGER NOT NULL,
            tags         INTEGER NOT NULL,
            changes      INTEGER NOT NULL,
            rejections   INTEGER NOT NULL              -- all of them, from the beginning
        ) STRICT;

        CREATE INDEX erasure_of_account ON erasure (account_id);    -- position follows by itself
        CREATE INDEX erasure_open ON erasure (position) WHERE completed_at IS NULL;

        -- Refused posts of erased profiles that are still to be removed. To every reader they are gone.
        CREATE TABLE erased_rejection (
            rejection_id INTEGER PRIMARY KEY,
            position     INTEGER NOT NULL              -- of the erasure
        ) STRICT;

        CREATE INDEX erased_rejection_of_erasure ON erased_rejection (position);
        """

    private static let members = """
        -- Which profiles are one: a row for each member of a profile of two or more. A profile of one member has none.
        CREATE TABLE profile_member (
            profile_id   INTEGER PRIMARY KEY,
            root_id      INTEGER NOT NULL,             -- the canonical member, whose id the whole profile has
            parent_id    INTEGER,                      -- the member that it was joined to; null: it is the canonical one
            joined       INTEGER NOT NULL              -- position of the change that joined it; 0 for the canonical one
        ) STRICT;

        CREATE INDEX profile_member_of_root ON profile_member (root_id);
        """

    private static let suppressions = """
        -- A suppression is a profile in a keyspace with a negative number, whose key is a hash. These are listed by it; other
        -- profiles cost nothing for that. One that is new stands in either table.
        CREATE INDEX profile_suppression ON profile (account_id, keyspace, key) WHERE keyspace < 0;
        CREATE INDEX profile_arrival_suppression ON profile_arrival (account_id, keyspace, key) WHERE keyspace < 0;

        -- Removed so far, as the other counts; those that were removed by an older version are not counted.
        ALTER TABLE erasure ADD COLUMN consents INTEGER NOT NULL DEFAULT 0;
        """

    /// The trail of each profile that was locked.
    private static func fillData(_ database: Database) throws {
        let locks = try PreparedStatement(database, "SELECT profile_id, position FROM profile_change")
        let insert = try PreparedStatement(
            database, "INSERT INTO profile_data (profile_id, section, fields) VALUES (?1, 0, ?2)")
        while try locks.nextRow() {
            var index = FieldIndex()
            _ = index.noteLife(at: locks.int64(1))
            insert.bind(1, locks.int64(0))
            insert.bind(2, blob: index.bytes)
            try insert.run()
        }
    }

    /// Counts what is there along the new index, without sorting: GROUP BY would hold every event in memory.
    private static func fillUsage(_ database: Database) throws {
        struct Version: Hashable {
            let account: Int64
            let id: Int64
        }
        var usage: [Version: (events: Int64, last: Int64)] = [:]
        let events = try PreparedStatement(
            database,
            """
            SELECT profile.account_id, event.version_id, event.event_id
            FROM event CROSS JOIN profile ON profile.profile_id = event.profile_id
            """)
        while try events.nextRow() {
            let version = Version(account: events.int64(0), id: events.int64(1))
            let known = usage[version] ?? (0, 0)
            usage[version] = (known.events + 1, max(known.last, events.int64(2)))
        }
        for (version, (count, last)) in usage {
            try database.execute(
                sql: """
                    INSERT INTO version_usage (account_id, version_id, events, last_received_at)
                    SELECT ?, ?, ?, received_at FROM event WHERE event_id = ?
                    """,
                arguments: [version.account, version.id, count, last])
        }
    }
}

-- After migration 001 accounts, definitions, profiles, events

CREATE TABLE account (
    account_id   INTEGER PRIMARY KEY,
    name         TEXT NOT NULL,
    created_at   INTEGER NOT NULL              -- milliseconds since 1970, as every time here
) STRICT;

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

CREATE TABLE catalogue_log (
    account_id   INTEGER NOT NULL REFERENCES account,
    sequence     INTEGER NOT NULL CHECK (sequence > 0),
    at           INTEGER NOT NULL,
    actor        TEXT NOT NULL,
    is_note      INTEGER NOT NULL,             -- 1: tells of an act and changes no definition
    change       TEXT NOT NULL CHECK (json_valid(change)),
    PRIMARY KEY (account_id, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
    event_id     INTEGER PRIMARY KEY,          -- in the order of arrival
    profile_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,             -- number of the section in the account
    event_time   INTEGER NOT NULL,
    received_at  INTEGER NOT NULL,
    version_id   INTEGER NOT NULL,
    data         TEXT NOT NULL
) STRICT;

CREATE TABLE idempotency (
    account_id   INTEGER NOT NULL,
    key          TEXT NOT NULL,
    fingerprint  BLOB NOT NULL,
    answer       BLOB NOT NULL,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (account_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE profile (
    profile_id   INTEGER PRIMARY KEY,
    account_id   INTEGER NOT NULL REFERENCES account,
    keyspace     INTEGER NOT NULL,             -- number of the keyspace in the account
    key          TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    canonical_id INTEGER                       -- null: stands alone or leads its group
) STRICT;

CREATE TABLE setting (
    name         TEXT PRIMARY KEY,
    value        ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE signing_key (
    key_id       TEXT PRIMARY KEY,
    private_pem  TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    retired_at   INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX catalogue_log_definitions ON catalogue_log (account_id, sequence) WHERE is_note = 0;

CREATE INDEX event_of_profile ON event (profile_id, section, event_time);

CREATE INDEX idempotency_by_age ON idempotency (created_at);

-- After migration 002 rejections, usage, rotation

CREATE TABLE account (
    account_id   INTEGER PRIMARY KEY,
    name         TEXT NOT NULL,
    created_at   INTEGER NOT NULL              -- milliseconds since 1970, as every time here
) STRICT;

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
, previous_secret_hash BLOB, previous_secret_until INTEGER
    CHECK ((previous_secret_until IS NULL) = (previous_secret_hash IS NULL)), last_used_at INTEGER, settings_hash BLOB) STRICT, WITHOUT ROWID;

CREATE TABLE catalogue_log (
    account_id   INTEGER NOT NULL REFERENCES account,
    sequence     INTEGER NOT NULL CHECK (sequence > 0),
    at           INTEGER NOT NULL,
    actor        TEXT NOT NULL,
    is_note      INTEGER NOT NULL,             -- 1: tells of an act and changes no definition
    change       TEXT NOT NULL CHECK (json_valid(change)),
    PRIMARY KEY (account_id, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
    event_id     INTEGER PRIMARY KEY,          -- in the order of arrival
    profile_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,             -- number of the section in the account
    event_time   INTEGER NOT NULL,
    received_at  INTEGER NOT NULL,
    version_id   INTEGER NOT NULL,
    data         TEXT NOT NULL
) STRICT;

CREATE TABLE idempotency (
    account_id   INTEGER NOT NULL,
    key          TEXT NOT NULL,
    fingerprint  BLOB NOT NULL,
    answer       BLOB NOT NULL,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (account_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE profile (
    profile_id   INTEGER PRIMARY KEY,
    account_id   INTEGER NOT NULL REFERENCES account,
    keyspace     INTEGER NOT NULL,             -- number of the keyspace in the account
    key          TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    canonical_id INTEGER                       -- null: stands alone or leads its group
) STRICT;

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

CREATE TABLE setting (
    name         TEXT PRIMARY KEY,
    value        ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE signing_key (
    key_id       TEXT PRIMARY KEY,
    private_pem  TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    retired_at   INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE sqlite_sequence(name,seq);

CREATE TABLE version_usage (
    account_id       INTEGER NOT NULL,
    version_id       INTEGER NOT NULL,
    events           INTEGER NOT NULL CHECK (events >= 0),
    last_received_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, version_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX catalogue_log_definitions ON catalogue_log (account_id, sequence) WHERE is_note = 0;

CREATE INDEX event_of_profile ON event (profile_id, section, event_time, event_id, version_id);

CREATE INDEX idempotency_by_age ON idempotency (created_at);

CREATE INDEX rejection_of_account ON rejection (account_id);

-- After migration 003 timelines in sorted runs

CREATE TABLE account (
    account_id   INTEGER PRIMARY KEY,
    name         TEXT NOT NULL,
    created_at   INTEGER NOT NULL              -- milliseconds since 1970, as every time here
) STRICT;

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
, previous_secret_hash BLOB, previous_secret_until INTEGER
    CHECK ((previous_secret_until IS NULL) = (previous_secret_hash IS NULL)), last_used_at INTEGER, settings_hash BLOB) STRICT, WITHOUT ROWID;

CREATE TABLE catalogue_log (
    account_id   INTEGER NOT NULL REFERENCES account,
    sequence     INTEGER NOT NULL CHECK (sequence > 0),
    at           INTEGER NOT NULL,
    actor        TEXT NOT NULL,
    is_note      INTEGER NOT NULL,             -- 1: tells of an act and changes no definition
    change       TEXT NOT NULL CHECK (json_valid(change)),
    PRIMARY KEY (account_id, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
    event_id     INTEGER PRIMARY KEY,          -- in the order of arrival
    profile_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,             -- number of the section in the account
    event_time   INTEGER NOT NULL,
    received_at  INTEGER NOT NULL,
    version_id   INTEGER NOT NULL,
    data         TEXT NOT NULL
) STRICT;

CREATE TABLE idempotency (
    account_id   INTEGER NOT NULL,
    key          TEXT NOT NULL,
    fingerprint  BLOB NOT NULL,
    answer       BLOB NOT NULL,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (account_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE profile (
    profile_id   INTEGER PRIMARY KEY,
    account_id   INTEGER NOT NULL REFERENCES account,
    keyspace     INTEGER NOT NULL,             -- number of the keyspace in the account
    key          TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    canonical_id INTEGER                       -- null: stands alone or leads its group
) STRICT;

CREATE TABLE profile_arrival (
    arrival      INTEGER PRIMARY KEY,
    profile_id   INTEGER NOT NULL,
    account_id   INTEGER NOT NULL REFERENCES account,
    keyspace     INTEGER NOT NULL,
    key          TEXT NOT NULL,
    created_at   INTEGER NOT NULL
) STRICT;

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

CREATE TABLE setting (
    name         TEXT PRIMARY KEY,
    value        ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE signing_key (
    key_id       TEXT PRIMARY KEY,
    private_pem  TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    retired_at   INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE sqlite_sequence(name,seq);

CREATE TABLE timeline (
    run          INTEGER NOT NULL,
    profile_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,
    event_time   INTEGER NOT NULL,
    event_id     INTEGER NOT NULL,
    entries      BLOB NOT NULL
) STRICT;

CREATE TABLE timeline_run (
    run          INTEGER PRIMARY KEY AUTOINCREMENT,     -- never given twice
    level        INTEGER NOT NULL,
    state        INTEGER NOT NULL CHECK (state IN (0, 1, 2)),  -- being written, finished, to be removed
    entries      INTEGER NOT NULL,
    last_event   INTEGER NOT NULL,             -- every event up to it is in this run or in an older one
    sources      TEXT NOT NULL CHECK (json_valid(sources))     -- runs that it is merged from
) STRICT;

CREATE TABLE version_usage (
    account_id       INTEGER NOT NULL,
    version_id       INTEGER NOT NULL,
    events           INTEGER NOT NULL CHECK (events >= 0),
    last_received_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, version_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX catalogue_log_definitions ON catalogue_log (account_id, sequence) WHERE is_note = 0;

CREATE INDEX idempotency_by_age ON idempotency (created_at);

CREATE INDEX rejection_of_account ON rejection (account_id);

CREATE UNIQUE INDEX timeline_key ON timeline (run, profile_id, section, event_time, event_id);

-- After migration 004 store id, checksums

CREATE TABLE account (
    account_id   INTEGER PRIMARY KEY,
    name         TEXT NOT NULL,
    created_at   INTEGER NOT NULL              -- milliseconds since 1970, as every time here
) STRICT;

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
, previous_secret_hash BLOB, previous_secret_until INTEGER
    CHECK ((previous_secret_until IS NULL) = (previous_secret_hash IS NULL)), last_used_at INTEGER, settings_hash BLOB) STRICT, WITHOUT ROWID;

CREATE TABLE catalogue_log (
    account_id   INTEGER NOT NULL REFERENCES account,
    sequence     INTEGER NOT NULL CHECK (sequence > 0),
    at           INTEGER NOT NULL,
    actor        TEXT NOT NULL,
    is_note      INTEGER NOT NULL,             -- 1: tells of an act and changes no definition
    change       TEXT NOT NULL CHECK (json_valid(change)),
    PRIMARY KEY (account_id, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
    event_id     INTEGER PRIMARY KEY,          -- in the order of arrival
    profile_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,             -- number of the section in the account
    event_time   INTEGER NOT NULL,
    received_at  INTEGER NOT NULL,
    version_id   INTEGER NOT NULL,
    data         TEXT NOT NULL
) STRICT;

CREATE TABLE idempotency (
    account_id   INTEGER NOT NULL,
    key          TEXT NOT NULL,
    fingerprint  BLOB NOT NULL,
    answer       BLOB NOT NULL,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (account_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE profile (
    profile_id   INTEGER PRIMARY KEY,
    account_id   INTEGER NOT NULL REFERENCES account,
    keyspace     INTEGER NOT NULL,             -- number of the keyspace in the account
    key          TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    canonical_id INTEGER                       -- null: stands alone or leads its group
) STRICT;

CREATE TABLE profile_arrival (
    arrival      INTEGER PRIMARY KEY,
    profile_id   INTEGER NOT NULL,
    account_id   INTEGER NOT NULL REFERENCES account,
    keyspace     INTEGER NOT NULL,
    key          TEXT NOT NULL,
    created_at   INTEGER NOT NULL
) STRICT;

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

CREATE TABLE setting (
    name         TEXT PRIMARY KEY,
    value        ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE signing_key (
    key_id       TEXT PRIMARY KEY,
    private_pem  TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    retired_at   INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE sqlite_sequence(name,seq);

CREATE TABLE timeline (
    run          INTEGER NOT NULL,
    profile_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,
    event_time   INTEGER NOT NULL,
    event_id     INTEGER NOT NULL,
    entries      BLOB NOT NULL
) STRICT;

CREATE TABLE timeline_run (
    run          INTEGER PRIMARY KEY AUTOINCREMENT,     -- never given twice
    level        INTEGER NOT NULL,
    state        INTEGER NOT NULL CHECK (state IN (0, 1, 2)),  -- being written, finished, to be removed
    entries      INTEGER NOT NULL,
    last_event   INTEGER NOT NULL,             -- every event up to it is in this run or in an older one
    sources      TEXT NOT NULL CHECK (json_valid(sources))     -- runs that it is merged from
) STRICT;

CREATE TABLE version_usage (
    account_id       INTEGER NOT NULL,
    version_id       INTEGER NOT NULL,
    events           INTEGER NOT NULL CHECK (events >= 0),
    last_received_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, version_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX catalogue_log_definitions ON catalogue_log (account_id, sequence) WHERE is_note = 0;

CREATE INDEX idempotency_by_age ON idempotency (created_at);

CREATE INDEX rejection_of_account ON rejection (account_id);

CREATE UNIQUE INDEX timeline_key ON timeline (run, profile_id, section, event_time, event_id);

-- After migration 005 counts by the minute

CREATE TABLE account (
    account_id   INTEGER PRIMARY KEY,
    name         TEXT NOT NULL,
    created_at   INTEGER NOT NULL              -- milliseconds since 1970, as every time here
) STRICT;

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
, previous_secret_hash BLOB, previous_secret_until INTEGER
    CHECK ((previous_secret_until IS NULL) = (previous_secret_hash IS NULL)), last_used_at INTEGER, settings_hash BLOB) STRICT, WITHOUT ROWID;

CREATE TABLE catalogue_log (
    account_id   INTEGER NOT NULL REFERENCES account,
    sequence     INTEGER NOT NULL CHECK (sequence > 0),
    at           INTEGER NOT NULL,
    actor        TEXT NOT NULL,
    is_note      INTEGER NOT NULL,             -- 1: tells of an act and changes no definition
    change       TEXT NOT NULL CHECK (json_valid(change)),
    PRIMARY KEY (account_id, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
    event_id     INTEGER PRIMARY KEY,          -- in the order of arrival
    profile_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,             -- number of the section in the account
    event_time   INTEGER NOT NULL,
    received_at  INTEGER NOT NULL,
    version_id   INTEGER NOT NULL,
    data         TEXT NOT NULL
) STRICT;

CREATE TABLE idempotency (
    account_id   INTEGER NOT NULL,
    key          TEXT NOT NULL,
    fingerprint  BLOB NOT NULL,
    answer       BLOB NOT NULL,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (account_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE profile (
    profile_id   INTEGER PRIMARY KEY,
    account_id   INTEGER NOT NULL REFERENCES account,
    keyspace     INTEGER NOT NULL,             -- number of the keyspace in the account
    key          TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    canonical_id INTEGER                       -- null: stands alone or leads its group
) STRICT;

CREATE TABLE profile_arrival (
    arrival      INTEGER PRIMARY KEY,
    profile_id   INTEGER NOT NULL,
    account_id   INTEGER NOT NULL REFERENCES account,
    keyspace     INTEGER NOT NULL,
    key          TEXT NOT NULL,
    created_at   INTEGER NOT NULL
) STRICT;

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

CREATE TABLE setting (
    name         TEXT PRIMARY KEY,
    value        ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE signing_key (
    key_id       TEXT PRIMARY KEY,
    private_pem  TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    retired_at   INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE sqlite_sequence(name,seq);

CREATE TABLE timeline (
    run          INTEGER NOT NULL,
    profile_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,
    event_time   INTEGER NOT NULL,
    event_id     INTEGER NOT NULL,
    entries      BLOB NOT NULL
) STRICT;

CREATE TABLE timeline_run (
    run          INTEGER PRIMARY KEY AUTOINCREMENT,     -- never given twice
    level        INTEGER NOT NULL,
    state        INTEGER NOT NULL CHECK (state IN (0, 1, 2)),  -- being written, finished, to be removed
    entries      INTEGER NOT NULL,
    last_event   INTEGER NOT NULL,             -- every event up to it is in this run or in an older one
    sources      TEXT NOT NULL CHECK (json_valid(sources))     -- runs that it is merged from
) STRICT;

CREATE TABLE version_usage (
    account_id       INTEGER NOT NULL,
    version_id       INTEGER NOT NULL,
    events           INTEGER NOT NULL CHECK (events >= 0),
    last_received_at INTEGER NOT NULL, minute INTEGER NOT NULL DEFAULT 0, minute_events INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, version_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX catalogue_log_definitions ON catalogue_log (account_id, sequence) WHERE is_note = 0;

CREATE INDEX idempotency_by_age ON idempotency (created_at);

CREATE INDEX rejection_of_account ON rejection (account_id);

CREATE UNIQUE INDEX timeline_key ON timeline (run, profile_id, section, event_time, event_id);

-- After migration 006 causes of rejections

CREATE TABLE account (
    account_id   INTEGER PRIMARY KEY,
    name         TEXT NOT NULL,
    created_at   INTEGER NOT NULL              -- milliseconds since 1970, as every time here
) STRICT;

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
, previous_secret_hash BLOB, previous_secret_until INTEGER
    CHECK ((previous_secret_until IS NULL) = (previous_secret_hash IS NULL)), last_used_at INTEGER, settings_hash BLOB) STRICT, WITHOUT ROWID;

CREATE TABLE catalogue_log (
    account_id   INTEGER NOT NULL REFERENCES account,
    sequence     INTEGER NOT NULL CHECK (sequence > 0),
    at           INTEGER NOT NULL,
    actor        TEXT NOT NULL,
    is_note      INTEGER NOT NULL,             -- 1: tells of an act and changes no definition
    change       TEXT NOT NULL CHECK (json_valid(change)),
    PRIMARY KEY (account_id, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
    event_id     INTEGER PRIMARY KEY,          -- in the order of arrival
    profile_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,             -- number of the section in the account
    event_time   INTEGER NOT NULL,
    received_at  INTEGER NOT NULL,
    version_id   INTEGER NOT NULL,
    data         TEXT NOT NULL
) STRICT;

CREATE TABLE idempotency (
    account_id   INTEGER NOT NULL,
    key          TEXT NOT NULL,
    fingerprint  BLOB NOT NULL,
    answer       BLOB NOT NULL,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (account_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE profile (
    profile_id   INTEGER PRIMARY KEY,
    account_id   INTEGER NOT NULL REFERENCES account,
    keyspace     INTEGER NOT NULL,             -- number of the keyspace in the account
    key          TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    canonical_id INTEGER                       -- null: stands alone or leads its group
) STRICT;

CREATE TABLE profile_arrival (
    arrival      INTEGER PRIMARY KEY,
    profile_id   INTEGER NOT NULL,
    account_id   INTEGER NOT NULL REFERENCES account,
    keyspace     INTEGER NOT NULL,
    key          TEXT NOT NULL,
    created_at   INTEGER NOT NULL
) STRICT;

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
, replayed_events TEXT, cause TEXT, item_codes TEXT, event_types TEXT) STRICT;

CREATE TABLE setting (
    name         TEXT PRIMARY KEY,
    value        ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE signing_key (
    key_id       TEXT PRIMARY KEY,
    private_pem  TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    retired_at   INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE sqlite_sequence(name,seq);

CREATE TABLE timeline (
    run          INTEGER NOT NULL,
    profile_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,
    event_time   INTEGER NOT NULL,
    event_id     INTEGER NOT NULL,
    entries      BLOB NOT NULL
) STRICT;

CREATE TABLE timeline_run (
    run          INTEGER PRIMARY KEY AUTOINCREMENT,     -- never given twice
    level        INTEGER NOT NULL,
    state        INTEGER NOT NULL CHECK (state IN (0, 1, 2)),  -- being written, finished, to be removed
    entries      INTEGER NOT NULL,
    last_event   INTEGER NOT NULL,             -- every event up to it is in this run or in an older one
    sources      TEXT NOT NULL CHECK (json_valid(sources))     -- runs that it is merged from
) STRICT;

CREATE TABLE version_usage (
    account_id       INTEGER NOT NULL,
    version_id       INTEGER NOT NULL,
    events           INTEGER NOT NULL CHECK (events >= 0),
    last_received_at INTEGER NOT NULL, minute INTEGER NOT NULL DEFAULT 0, minute_events INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, version_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX catalogue_log_definitions ON catalogue_log (account_id, sequence) WHERE is_note = 0;

CREATE INDEX idempotency_by_age ON idempotency (created_at);

CREATE INDEX rejection_by_cause ON rejection
    (account_id, cause, replayed_at, rejection_id, section, code, received_at, event_count, item_codes,
    event_types);

CREATE INDEX rejection_of_account ON rejection (account_id);

CREATE INDEX rejection_without_cause ON rejection (rejection_id) WHERE cause IS NULL;

CREATE UNIQUE INDEX timeline_key ON timeline (run, profile_id, section, event_time, event_id);

-- After migration 007 acts beside definitions

CREATE TABLE account (
    account_id   INTEGER PRIMARY KEY,
    name         TEXT NOT NULL,
    created_at   INTEGER NOT NULL              -- milliseconds since 1970, as every time here
, key_changes INTEGER NOT NULL DEFAULT 0) STRICT;

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
, previous_secret_hash BLOB, previous_secret_until INTEGER
    CHECK ((previous_secret_until IS NULL) = (previous_secret_hash IS NULL)), last_used_at INTEGER, settings_hash BLOB) STRICT, WITHOUT ROWID;

CREATE TABLE "catalogue_log" (
    account_id   INTEGER NOT NULL REFERENCES account,
    sequence     INTEGER NOT NULL CHECK (sequence > 0),
    number       INTEGER NOT NULL CHECK (number > 0),  -- in the audit trail, where acts stand too
    at           INTEGER NOT NULL,
    actor        TEXT NOT NULL,
    change       TEXT NOT NULL CHECK (json_valid(change)),
    PRIMARY KEY (account_id, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
    event_id     INTEGER PRIMARY KEY,          -- in the order of arrival
    profile_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,             -- number of the section in the account
    event_time   INTEGER NOT NULL,
    received_at  INTEGER NOT NULL,
    version_id   INTEGER NOT NULL,
    data         TEXT NOT NULL
) STRICT;

CREATE TABLE idempotency (
    account_id   INTEGER NOT NULL,
    key          TEXT NOT NULL,
    fingerprint  BLOB NOT NULL,
    answer       BLOB NOT NULL,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (account_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE profile (
    profile_id   INTEGER PRIMARY KEY,
    account_id   INTEGER NOT NULL REFERENCES account,
    keyspace     INTEGER NOT NULL,             -- number of the keyspace in the account
    key          TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    canonical_id INTEGER                       -- null: stands alone or leads its group
) STRICT;

CREATE TABLE profile_arrival (
    arrival      INTEGER PRIMARY KEY,
    profile_id   INTEGER NOT NULL,
    account_id   INTEGER NOT NULL REFERENCES account,
    keyspace     INTEGER NOT NULL,
    key          TEXT NOT NULL,
    created_at   INTEGER NOT NULL
) STRICT;

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
, replayed_events TEXT, cause TEXT, item_codes TEXT, event_types TEXT) STRICT;

CREATE TABLE setting (
    name         TEXT PRIMARY KEY,
    value        ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE signing_key (
    key_id       TEXT PRIMARY KEY,
    private_pem  TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    retired_at   INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE sqlite_sequence(name,seq);

CREATE TABLE timeline (
    run          INTEGER NOT NULL,
    profile_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,
    event_time   INTEGER NOT NULL,
    event_id     INTEGER NOT NULL,
    entries      BLOB NOT NULL
) STRICT;

CREATE TABLE timeline_run (
    run          INTEGER PRIMARY KEY AUTOINCREMENT,     -- never given twice
    level        INTEGER NOT NULL,
    state        INTEGER NOT NULL CHECK (state IN (0, 1, 2)),  -- being written, finished, to be removed
    entries      INTEGER NOT NULL,
    last_event   INTEGER NOT NULL,             -- every event up to it is in this run or in an older one
    sources      TEXT NOT NULL CHECK (json_valid(sources))     -- runs that it is merged from
) STRICT;

CREATE TABLE version_usage (
    account_id       INTEGER NOT NULL,
    version_id       INTEGER NOT NULL,
    events           INTEGER NOT NULL CHECK (events >= 0),
    last_received_at INTEGER NOT NULL, minute INTEGER NOT NULL DEFAULT 0, minute_events INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, version_id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX catalogue_log_number ON catalogue_log (account_id, number);

CREATE INDEX idempotency_by_age ON idempotency (created_at);

CREATE INDEX rejection_by_cause ON rejection
    (account_id, cause, replayed_at, rejection_id, section, code, received_at, event_count, item_codes,
    event_types);

CREATE INDEX rejection_of_account ON rejection (account_id);

CREATE INDEX rejection_without_cause ON rejection (rejection_id) WHERE cause IS NULL;

CREATE UNIQUE INDEX timeline_key ON timeline (run, profile_id, section, event_time, event_id);

-- After migration 008 states of profiles

CREATE TABLE account (
    account_id   INTEGER PRIMARY KEY,
    name         TEXT NOT NULL,
    created_at   INTEGER NOT NULL              -- milliseconds since 1970, as every time here
, key_changes INTEGER NOT NULL DEFAULT 0) STRICT;

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
, previous_secret_hash BLOB, previous_secret_until INTEGER
    CHECK ((previous_secret_until IS NULL) = (previous_secret_hash IS NULL)), last_used_at INTEGER, settings_hash BLOB) STRICT, WITHOUT ROWID;

CREATE TABLE "catalogue_log" (
    account_id   INTEGER NOT NULL REFERENCES account,
    sequence     INTEGER NOT NULL CHECK (sequence > 0),
    number       INTEGER NOT NULL CHECK (number > 0),  -- in the audit trail, where acts stand too
    at           INTEGER NOT NULL,
    actor        TEXT NOT NULL,
    change       TEXT NOT NULL CHECK (json_valid(change)),
    PRIMARY KEY (account_id, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
    event_id     INTEGER PRIMARY KEY,          -- in the order of arrival
    profile_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,             -- number of the section in the account
    event_time   INTEGER NOT NULL,
    received_at  INTEGER NOT NULL,
    version_id   INTEGER NOT NULL,
    data         TEXT NOT NULL
) STRICT;

CREATE TABLE idempotency (
    account_id   INTEGER NOT NULL,
    key          TEXT NOT NULL,
    fingerprint  BLOB NOT NULL,
    answer       BLOB NOT NULL,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (account_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE profile (
    profile_id   INTEGER PRIMARY KEY,
    account_id   INTEGER NOT NULL REFERENCES account,
    keyspace     INTEGER NOT NULL,             -- number of the keyspace in the account
    key          TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    canonical_id INTEGER                       -- null: stands alone or leads its group
, state INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 3)) STRICT;

CREATE TABLE profile_arrival (
    arrival      INTEGER PRIMARY KEY,
    profile_id   INTEGER NOT NULL,
    account_id   INTEGER NOT NULL REFERENCES account,
    keyspace     INTEGER NOT NULL,
    key          TEXT NOT NULL,
    created_at   INTEGER NOT NULL
) STRICT;

CREATE TABLE profile_change (
    position     INTEGER PRIMARY KEY,
    account_id   INTEGER NOT NULL REFERENCES account,
    profile_id   INTEGER NOT NULL,
    kind         TEXT NOT NULL,
    state        INTEGER,                      -- that the profile has since; null: as before
    at           INTEGER NOT NULL,
    actor        TEXT NOT NULL                 -- client id of the API key
) STRICT;

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
, replayed_events TEXT, cause TEXT, item_codes TEXT, event_types TEXT) STRICT;

CREATE TABLE setting (
    name         TEXT PRIMARY KEY,
    value        ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE signing_key (
    key_id       TEXT PRIMARY KEY,
    private_pem  TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    retired_at   INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE sqlite_sequence(name,seq);

CREATE TABLE timeline (
    run          INTEGER NOT NULL,
    profile_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,
    event_time   INTEGER NOT NULL,
    event_id     INTEGER NOT NULL,
    entries      BLOB NOT NULL
) STRICT;

CREATE TABLE timeline_run (
    run          INTEGER PRIMARY KEY AUTOINCREMENT,     -- never given twice
    level        INTEGER NOT NULL,
    state        INTEGER NOT NULL CHECK (state IN (0, 1, 2)),  -- being written, finished, to be removed
    entries      INTEGER NOT NULL,
    last_event   INTEGER NOT NULL,             -- every event up to it is in this run or in an older one
    sources      TEXT NOT NULL CHECK (json_valid(sources))     -- runs that it is merged from
) STRICT;

CREATE TABLE version_usage (
    account_id       INTEGER NOT NULL,
    version_id       INTEGER NOT NULL,
    events           INTEGER NOT NULL CHECK (events >= 0),
    last_received_at INTEGER NOT NULL, minute INTEGER NOT NULL DEFAULT 0, minute_events INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, version_id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX catalogue_log_number ON catalogue_log (account_id, number);

CREATE INDEX idempotency_by_age ON idempotency (created_at);

CREATE INDEX rejection_by_cause ON rejection
    (account_id, cause, replayed_at, rejection_id, section, code, received_at, event_count, item_codes,
    event_types);

CREATE INDEX rejection_of_account ON rejection (account_id);

CREATE INDEX rejection_without_cause ON rejection (rejection_id) WHERE cause IS NULL;

CREATE UNIQUE INDEX timeline_key ON timeline (run, profile_id, section, event_time, event_id);

-- After migration 009 data of profiles

CREATE TABLE account (
    account_id   INTEGER PRIMARY KEY,
    name         TEXT NOT NULL,
    created_at   INTEGER NOT NULL              -- milliseconds since 1970, as every time here
, key_changes INTEGER NOT NULL DEFAULT 0) STRICT;

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

CREATE TABLE actor (
    actor_id     INTEGER PRIMARY KEY,
    client_id    TEXT NOT NULL UNIQUE          -- of an API key
) STRICT;

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
, previous_secret_hash BLOB, previous_secret_until INTEGER
    CHECK ((previous_secret_until IS NULL) = (previous_secret_hash IS NULL)), last_used_at INTEGER, settings_hash BLOB) STRICT, WITHOUT ROWID;

CREATE TABLE "catalogue_log" (
    account_id   INTEGER NOT NULL REFERENCES account,
    sequence     INTEGER NOT NULL CHECK (sequence > 0),
    number       INTEGER NOT NULL CHECK (number > 0),  -- in the audit trail, where acts stand too
    at           INTEGER NOT NULL,
    actor        TEXT NOT NULL,
    change       TEXT NOT NULL CHECK (json_valid(change)),
    PRIMARY KEY (account_id, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
    event_id     INTEGER PRIMARY KEY,          -- in the order of arrival
    profile_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,             -- number of the section in the account
    event_time   INTEGER NOT NULL,
    received_at  INTEGER NOT NULL,
    version_id   INTEGER NOT NULL,
    data         TEXT NOT NULL
) STRICT;

CREATE TABLE idempotency (
    account_id   INTEGER NOT NULL,
    key          TEXT NOT NULL,
    fingerprint  BLOB NOT NULL,
    answer       BLOB NOT NULL,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (account_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE profile (
    profile_id   INTEGER PRIMARY KEY,
    account_id   INTEGER NOT NULL REFERENCES account,
    keyspace     INTEGER NOT NULL,             -- number of the keyspace in the account
    key          TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    canonical_id INTEGER                       -- null: stands alone or leads its group
, state INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 3)) STRICT;

CREATE TABLE profile_arrival (
    arrival      INTEGER PRIMARY KEY,
    profile_id   INTEGER NOT NULL,
    account_id   INTEGER NOT NULL REFERENCES account,
    keyspace     INTEGER NOT NULL,
    key          TEXT NOT NULL,
    created_at   INTEGER NOT NULL
) STRICT;

CREATE TABLE "profile_change" (
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

CREATE TABLE profile_data (
    profile_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,             -- 0: what became of the profile as a whole
    fields       BLOB NOT NULL,
    PRIMARY KEY (profile_id, section)
) STRICT, WITHOUT ROWID;

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
, replayed_events TEXT, cause TEXT, item_codes TEXT, event_types TEXT) STRICT;

CREATE TABLE setting (
    name         TEXT PRIMARY KEY,
    value        ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE signing_key (
    key_id       TEXT PRIMARY KEY,
    private_pem  TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    retired_at   INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE sqlite_sequence(name,seq);

CREATE TABLE timeline (
    run          INTEGER NOT NULL,
    profile_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,
    event_time   INTEGER NOT NULL,
    event_id     INTEGER NOT NULL,
    entries      BLOB NOT NULL
) STRICT;

CREATE TABLE timeline_run (
    run          INTEGER PRIMARY KEY AUTOINCREMENT,     -- never given twice
    level        INTEGER NOT NULL,
    state        INTEGER NOT NULL CHECK (state IN (0, 1, 2)),  -- being written, finished, to be removed
    entries      INTEGER NOT NULL,
    last_event   INTEGER NOT NULL,             -- every event up to it is in this run or in an older one
    sources      TEXT NOT NULL CHECK (json_valid(sources))     -- runs that it is merged from
) STRICT;

CREATE TABLE version_usage (
    account_id       INTEGER NOT NULL,
    version_id       INTEGER NOT NULL,
    events           INTEGER NOT NULL CHECK (events >= 0),
    last_received_at INTEGER NOT NULL, minute INTEGER NOT NULL DEFAULT 0, minute_events INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, version_id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX catalogue_log_number ON catalogue_log (account_id, number);

CREATE INDEX idempotency_by_age ON idempotency (created_at);

CREATE INDEX rejection_by_cause ON rejection
    (account_id, cause, replayed_at, rejection_id, section, code, received_at, event_count, item_codes,
    event_types);

CREATE INDEX rejection_of_account ON rejection (account_id);

CREATE INDEX rejection_without_cause ON rejection (rejection_id) WHERE cause IS NULL;

CREATE UNIQUE INDEX timeline_key ON timeline (run, profile_id, section, event_time, event_id);

-- After migration 010 erasures

CREATE TABLE account (
    account_id   INTEGER PRIMARY KEY,
    name         TEXT NOT NULL,
    created_at   INTEGER NOT NULL              -- milliseconds since 1970, as every time here
, key_changes INTEGER NOT NULL DEFAULT 0) STRICT;

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

CREATE TABLE actor (
    actor_id     INTEGER PRIMARY KEY,
    client_id    TEXT NOT NULL UNIQUE          -- of an API key
) STRICT;

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
, previous_secret_hash BLOB, previous_secret_until INTEGER
    CHECK ((previous_secret_until IS NULL) = (previous_secret_hash IS NULL)), last_used_at INTEGER, settings_hash BLOB) STRICT, WITHOUT ROWID;

CREATE TABLE "catalogue_log" (
    account_id   INTEGER NOT NULL REFERENCES account,
    sequence     INTEGER NOT NULL CHECK (sequence > 0),
    number       INTEGER NOT NULL CHECK (number > 0),  -- in the audit trail, where acts stand too
    at           INTEGER NOT NULL,
    actor        TEXT NOT NULL,
    change       TEXT NOT NULL CHECK (json_valid(change)),
    PRIMARY KEY (account_id, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE erased_rejection (
    rejection_id INTEGER PRIMARY KEY,
    position     INTEGER NOT NULL              -- of the erasure
) STRICT;

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

CREATE TABLE event (
    event_id     INTEGER PRIMARY KEY,          -- in the order of arrival
    profile_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,             -- number of the section in the account
    event_time   INTEGER NOT NULL,
    received_at  INTEGER NOT NULL,
    version_id   INTEGER NOT NULL,
    data         TEXT NOT NULL
) STRICT;

CREATE TABLE idempotency (
    account_id   INTEGER NOT NULL,
    key          TEXT NOT NULL,
    fingerprint  BLOB NOT NULL,
    answer       BLOB NOT NULL,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (account_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE profile (
    profile_id   INTEGER PRIMARY KEY,
    account_id   INTEGER NOT NULL REFERENCES account,
    keyspace     INTEGER NOT NULL,             -- number of the keyspace in the account
    key          TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    canonical_id INTEGER                       -- null: stands alone or leads its group
, state INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 3)) STRICT;

CREATE TABLE profile_arrival (
    arrival      INTEGER PRIMARY KEY,
    profile_id   INTEGER NOT NULL,
    account_id   INTEGER NOT NULL REFERENCES account,
    keyspace     INTEGER NOT NULL,
    key          TEXT NOT NULL,
    created_at   INTEGER NOT NULL
) STRICT;

CREATE TABLE "profile_change" (
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

CREATE TABLE profile_data (
    profile_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,             -- 0: what became of the profile as a whole
    fields       BLOB NOT NULL,
    PRIMARY KEY (profile_id, section)
) STRICT, WITHOUT ROWID;

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
, replayed_events TEXT, cause TEXT, item_codes TEXT, event_types TEXT) STRICT;

CREATE TABLE setting (
    name         TEXT PRIMARY KEY,
    value        ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE signing_key (
    key_id       TEXT PRIMARY KEY,
    private_pem  TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    retired_at   INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE sqlite_sequence(name,seq);

CREATE TABLE timeline (
    run          INTEGER NOT NULL,
    profile_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,
    event_time   INTEGER NOT NULL,
    event_id     INTEGER NOT NULL,
    entries      BLOB NOT NULL
) STRICT;

CREATE TABLE timeline_run (
    run          INTEGER PRIMARY KEY AUTOINCREMENT,     -- never given twice
    level        INTEGER NOT NULL,
    state        INTEGER NOT NULL CHECK (state IN (0, 1, 2)),  -- being written, finished, to be removed
    entries      INTEGER NOT NULL,
    last_event   INTEGER NOT NULL,             -- every event up to it is in this run or in an older one
    sources      TEXT NOT NULL CHECK (json_valid(sources))     -- runs that it is merged from
) STRICT;

CREATE TABLE version_usage (
    account_id       INTEGER NOT NULL,
    version_id       INTEGER NOT NULL,
    events           INTEGER NOT NULL CHECK (events >= 0),
    last_received_at INTEGER NOT NULL, minute INTEGER NOT NULL DEFAULT 0, minute_events INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, version_id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX catalogue_log_number ON catalogue_log (account_id, number);

CREATE INDEX erased_rejection_of_erasure ON erased_rejection (position);

CREATE INDEX erasure_of_account ON erasure (account_id);

CREATE INDEX erasure_open ON erasure (position) WHERE completed_at IS NULL;

CREATE INDEX idempotency_by_age ON idempotency (created_at);

CREATE INDEX rejection_by_cause ON rejection
    (account_id, cause, replayed_at, rejection_id, section, code, received_at, event_count, item_codes,
    event_types);

CREATE INDEX rejection_of_account ON rejection (account_id);

CREATE INDEX rejection_without_cause ON rejection (rejection_id) WHERE cause IS NULL;

CREATE UNIQUE INDEX timeline_key ON timeline (run, profile_id, section, event_time, event_id);

-- After migration 011 members of profiles

CREATE TABLE account (
    account_id   INTEGER PRIMARY KEY,
    name         TEXT NOT NULL,
    created_at   INTEGER NOT NULL              -- milliseconds since 1970, as every time here
, key_changes INTEGER NOT NULL DEFAULT 0) STRICT;

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

CREATE TABLE actor (
    actor_id     INTEGER PRIMARY KEY,
    client_id    TEXT NOT NULL UNIQUE          -- of an API key
) STRICT;

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
, previous_secret_hash BLOB, previous_secret_until INTEGER
    CHECK ((previous_secret_until IS NULL) = (previous_secret_hash IS NULL)), last_used_at INTEGER, settings_hash BLOB) STRICT, WITHOUT ROWID;

CREATE TABLE "catalogue_log" (
    account_id   INTEGER NOT NULL REFERENCES account,
    sequence     INTEGER NOT NULL CHECK (sequence > 0),
    number       INTEGER NOT NULL CHECK (number > 0),  -- in the audit trail, where acts stand too
    at           INTEGER NOT NULL,
    actor        TEXT NOT NULL,
    change       TEXT NOT NULL CHECK (json_valid(change)),
    PRIMARY KEY (account_id, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE erased_rejection (
    rejection_id INTEGER PRIMARY KEY,
    position     INTEGER NOT NULL              -- of the erasure
) STRICT;

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

CREATE TABLE event (
    event_id     INTEGER PRIMARY KEY,          -- in the order of arrival
    profile_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,             -- number of the section in the account
    event_time   INTEGER NOT NULL,
    received_at  INTEGER NOT NULL,
    version_id   INTEGER NOT NULL,
    data         TEXT NOT NULL
) STRICT;

CREATE TABLE idempotency (
    account_id   INTEGER NOT NULL,
    key          TEXT NOT NULL,
    fingerprint  BLOB NOT NULL,
    answer       BLOB NOT NULL,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (account_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE profile (
    profile_id   INTEGER PRIMARY KEY,
    account_id   INTEGER NOT NULL REFERENCES account,
    keyspace     INTEGER NOT NULL,             -- number of the keyspace in the account
    key          TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    canonical_id INTEGER                       -- null: stands alone or leads its group
, state INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 3)) STRICT;

CREATE TABLE profile_arrival (
    arrival      INTEGER PRIMARY KEY,
    profile_id   INTEGER NOT NULL,
    account_id   INTEGER NOT NULL REFERENCES account,
    keyspace     INTEGER NOT NULL,
    key          TEXT NOT NULL,
    created_at   INTEGER NOT NULL
) STRICT;

CREATE TABLE "profile_change" (
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

CREATE TABLE profile_data (
    profile_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,             -- 0: what became of the profile as a whole
    fields       BLOB NOT NULL,
    PRIMARY KEY (profile_id, section)
) STRICT, WITHOUT ROWID;

CREATE TABLE profile_member (
    profile_id   INTEGER PRIMARY KEY,
    root_id      INTEGER NOT NULL,             -- the canonical member, whose id the whole profile has
    parent_id    INTEGER,                      -- the member that it was joined to; null: it is the canonical one
    joined       INTEGER NOT NULL              -- position of the change that joined it; 0 for the canonical one
) STRICT;

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
, replayed_events TEXT, cause TEXT, item_codes TEXT, event_types TEXT) STRICT;

CREATE TABLE setting (
    name         TEXT PRIMARY KEY,
    value        ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE signing_key (
    key_id       TEXT PRIMARY KEY,
    private_pem  TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    retired_at   INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE sqlite_sequence(name,seq);

CREATE TABLE timeline (
    run          INTEGER NOT NULL,
    profile_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,
    event_time   INTEGER NOT NULL,
    event_id     INTEGER NOT NULL,
    entries      BLOB NOT NULL
) STRICT;

CREATE TABLE timeline_run (
    run          INTEGER PRIMARY KEY AUTOINCREMENT,     -- never given twice
    level        INTEGER NOT NULL,
    state        INTEGER NOT NULL CHECK (state IN (0, 1, 2)),  -- being written, finished, to be removed
    entries      INTEGER NOT NULL,
    last_event   INTEGER NOT NULL,             -- every event up to it is in this run or in an older one
    sources      TEXT NOT NULL CHECK (json_valid(sources))     -- runs that it is merged from
) STRICT;

CREATE TABLE version_usage (
    account_id       INTEGER NOT NULL,
    version_id       INTEGER NOT NULL,
    events           INTEGER NOT NULL CHECK (events >= 0),
    last_received_at INTEGER NOT NULL, minute INTEGER NOT NULL DEFAULT 0, minute_events INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, version_id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX catalogue_log_number ON catalogue_log (account_id, number);

CREATE INDEX erased_rejection_of_erasure ON erased_rejection (position);

CREATE INDEX erasure_of_account ON erasure (account_id);

CREATE INDEX erasure_open ON erasure (position) WHERE completed_at IS NULL;

CREATE INDEX idempotency_by_age ON idempotency (created_at);

CREATE INDEX profile_member_of_root ON profile_member (root_id);

CREATE INDEX rejection_by_cause ON rejection
    (account_id, cause, replayed_at, rejection_id, section, code, received_at, event_count, item_codes,
    event_types);

CREATE INDEX rejection_of_account ON rejection (account_id);

CREATE INDEX rejection_without_cause ON rejection (rejection_id) WHERE cause IS NULL;

CREATE UNIQUE INDEX timeline_key ON timeline (run, profile_id, section, event_time, event_id);

-- After migration 012 values of mapped attributes

CREATE TABLE account (
    account_id   INTEGER PRIMARY KEY,
    name         TEXT NOT NULL,
    created_at   INTEGER NOT NULL              -- milliseconds since 1970, as every time here
, key_changes INTEGER NOT NULL DEFAULT 0) STRICT;

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

CREATE TABLE actor (
    actor_id     INTEGER PRIMARY KEY,
    client_id    TEXT NOT NULL UNIQUE          -- of an API key
) STRICT;

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
, previous_secret_hash BLOB, previous_secret_until INTEGER
    CHECK ((previous_secret_until IS NULL) = (previous_secret_hash IS NULL)), last_used_at INTEGER, settings_hash BLOB) STRICT, WITHOUT ROWID;

CREATE TABLE "catalogue_log" (
    account_id   INTEGER NOT NULL REFERENCES account,
    sequence     INTEGER NOT NULL CHECK (sequence > 0),
    number       INTEGER NOT NULL CHECK (number > 0),  -- in the audit trail, where acts stand too
    at           INTEGER NOT NULL,
    actor        TEXT NOT NULL,
    change       TEXT NOT NULL CHECK (json_valid(change)),
    PRIMARY KEY (account_id, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE erased_rejection (
    rejection_id INTEGER PRIMARY KEY,
    position     INTEGER NOT NULL              -- of the erasure
) STRICT;

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

CREATE TABLE event (
    event_id     INTEGER PRIMARY KEY,          -- in the order of arrival
    profile_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,             -- number of the section in the account
    event_time   INTEGER NOT NULL,
    received_at  INTEGER NOT NULL,
    version_id   INTEGER NOT NULL,
    data         TEXT NOT NULL
) STRICT;

CREATE TABLE idempotency (
    account_id   INTEGER NOT NULL,
    key          TEXT NOT NULL,
    fingerprint  BLOB NOT NULL,
    answer       BLOB NOT NULL,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (account_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE mapped_attribute (
    account_id   INTEGER NOT NULL,
    attribute    INTEGER NOT NULL,
    key_format   TEXT NOT NULL,                -- how its values are written as keys
    PRIMARY KEY (account_id, attribute)
) STRICT, WITHOUT ROWID;

CREATE TABLE profile (
    profile_id   INTEGER PRIMARY KEY,
    account_id   INTEGER NOT NULL REFERENCES account,
    keyspace     INTEGER NOT NULL,             -- number of the keyspace in the account
    key          TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    canonical_id INTEGER                       -- null: stands alone or leads its group
, state INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 3)) STRICT;

CREATE TABLE profile_arrival (
    arrival      INTEGER PRIMARY KEY,
    profile_id   INTEGER NOT NULL,
    account_id   INTEGER NOT NULL REFERENCES account,
    keyspace     INTEGER NOT NULL,
    key          TEXT NOT NULL,
    created_at   INTEGER NOT NULL
) STRICT;

CREATE TABLE "profile_change" (
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

CREATE TABLE profile_data (
    profile_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,             -- 0: what became of the profile as a whole
    fields       BLOB NOT NULL,
    PRIMARY KEY (profile_id, section)
) STRICT, WITHOUT ROWID;

CREATE TABLE profile_member (
    profile_id   INTEGER PRIMARY KEY,
    root_id      INTEGER NOT NULL,             -- the canonical member, whose id the whole profile has
    parent_id    INTEGER,                      -- the member that it was joined to; null: it is the canonical one
    joined       INTEGER NOT NULL              -- position of the change that joined it; 0 for the canonical one
) STRICT;

CREATE TABLE profile_value (
    account_id   INTEGER NOT NULL,
    attribute    INTEGER NOT NULL,
    value        TEXT NOT NULL,
    profile_id   INTEGER NOT NULL,             -- the member
    PRIMARY KEY (account_id, attribute, value, profile_id)
) STRICT, WITHOUT ROWID;

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
, replayed_events TEXT, cause TEXT, item_codes TEXT, event_types TEXT) STRICT;

CREATE TABLE setting (
    name         TEXT PRIMARY KEY,
    value        ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE signing_key (
    key_id       TEXT PRIMARY KEY,
    private_pem  TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    retired_at   INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE sqlite_sequence(name,seq);

CREATE TABLE timeline (
    run          INTEGER NOT NULL,
    profile_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,
    event_time   INTEGER NOT NULL,
    event_id     INTEGER NOT NULL,
    entries      BLOB NOT NULL
) STRICT;

CREATE TABLE timeline_run (
    run          INTEGER PRIMARY KEY AUTOINCREMENT,     -- never given twice
    level        INTEGER NOT NULL,
    state        INTEGER NOT NULL CHECK (state IN (0, 1, 2)),  -- being written, finished, to be removed
    entries      INTEGER NOT NULL,
    last_event   INTEGER NOT NULL,             -- every event up to it is in this run or in an older one
    sources      TEXT NOT NULL CHECK (json_valid(sources))     -- runs that it is merged from
) STRICT;

CREATE TABLE version_usage (
    account_id       INTEGER NOT NULL,
    version_id       INTEGER NOT NULL,
    events           INTEGER NOT NULL CHECK (events >= 0),
    last_received_at INTEGER NOT NULL, minute INTEGER NOT NULL DEFAULT 0, minute_events INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, version_id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX catalogue_log_number ON catalogue_log (account_id, number);

CREATE INDEX erased_rejection_of_erasure ON erased_rejection (position);

CREATE INDEX erasure_of_account ON erasure (account_id);

CREATE INDEX erasure_open ON erasure (position) WHERE completed_at IS NULL;

CREATE INDEX idempotency_by_age ON idempotency (created_at);

CREATE INDEX profile_member_of_root ON profile_member (root_id);

CREATE INDEX rejection_by_cause ON rejection
    (account_id, cause, replayed_at, rejection_id, section, code, received_at, event_count, item_codes,
    event_types);

CREATE INDEX rejection_of_account ON rejection (account_id);

CREATE INDEX rejection_without_cause ON rejection (rejection_id) WHERE cause IS NULL;

CREATE UNIQUE INDEX timeline_key ON timeline (run, profile_id, section, event_time, event_id);

-- After migration 013 suppressions in order, consents of erased profiles

CREATE TABLE account (
    account_id   INTEGER PRIMARY KEY,
    name         TEXT NOT NULL,
    created_at   INTEGER NOT NULL              -- milliseconds since 1970, as every time here
, key_changes INTEGER NOT NULL DEFAULT 0) STRICT;

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

CREATE TABLE actor (
    actor_id     INTEGER PRIMARY KEY,
    client_id    TEXT NOT NULL UNIQUE          -- of an API key
) STRICT;

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
, previous_secret_hash BLOB, previous_secret_until INTEGER
    CHECK ((previous_secret_until IS NULL) = (previous_secret_hash IS NULL)), last_used_at INTEGER, settings_hash BLOB) STRICT, WITHOUT ROWID;

CREATE TABLE "catalogue_log" (
    account_id   INTEGER NOT NULL REFERENCES account,
    sequence     INTEGER NOT NULL CHECK (sequence > 0),
    number       INTEGER NOT NULL CHECK (number > 0),  -- in the audit trail, where acts stand too
    at           INTEGER NOT NULL,
    actor        TEXT NOT NULL,
    change       TEXT NOT NULL CHECK (json_valid(change)),
    PRIMARY KEY (account_id, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE erased_rejection (
    rejection_id INTEGER PRIMARY KEY,
    position     INTEGER NOT NULL              -- of the erasure
) STRICT;

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
, consents INTEGER NOT NULL DEFAULT 0) STRICT;

CREATE TABLE event (
    event_id     INTEGER PRIMARY KEY,          -- in the order of arrival
    profile_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,             -- number of the section in the account
    event_time   INTEGER NOT NULL,
    received_at  INTEGER NOT NULL,
    version_id   INTEGER NOT NULL,
    data         TEXT NOT NULL
) STRICT;

CREATE TABLE idempotency (
    account_id   INTEGER NOT NULL,
    key          TEXT NOT NULL,
    fingerprint  BLOB NOT NULL,
    answer       BLOB NOT NULL,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (account_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE mapped_attribute (
    account_id   INTEGER NOT NULL,
    attribute    INTEGER NOT NULL,
    key_format   TEXT NOT NULL,                -- how its values are written as keys
    PRIMARY KEY (account_id, attribute)
) STRICT, WITHOUT ROWID;

CREATE TABLE profile (
    profile_id   INTEGER PRIMARY KEY,
    account_id   INTEGER NOT NULL REFERENCES account,
    keyspace     INTEGER NOT NULL,             -- number of the keyspace in the account
    key          TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    canonical_id INTEGER                       -- null: stands alone or leads its group
, state INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 3)) STRICT;

CREATE TABLE profile_arrival (
    arrival      INTEGER PRIMARY KEY,
    profile_id   INTEGER NOT NULL,
    account_id   INTEGER NOT NULL REFERENCES account,
    keyspace     INTEGER NOT NULL,
    key          TEXT NOT NULL,
    created_at   INTEGER NOT NULL
) STRICT;

CREATE TABLE "profile_change" (
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

CREATE TABLE profile_data (
    profile_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,             -- 0: what became of the profile as a whole
    fields       BLOB NOT NULL,
    PRIMARY KEY (profile_id, section)
) STRICT, WITHOUT ROWID;

CREATE TABLE profile_member (
    profile_id   INTEGER PRIMARY KEY,
    root_id      INTEGER NOT NULL,             -- the canonical member, whose id the whole profile has
    parent_id    INTEGER,                      -- the member that it was joined to; null: it is the canonical one
    joined       INTEGER NOT NULL              -- position of the change that joined it; 0 for the canonical one
) STRICT;

CREATE TABLE profile_value (
    account_id   INTEGER NOT NULL,
    attribute    INTEGER NOT NULL,
    value        TEXT NOT NULL,
    profile_id   INTEGER NOT NULL,             -- the member
    PRIMARY KEY (account_id, attribute, value, profile_id)
) STRICT, WITHOUT ROWID;

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
, replayed_events TEXT, cause TEXT, item_codes TEXT, event_types TEXT) STRICT;

CREATE TABLE setting (
    name         TEXT PRIMARY KEY,
    value        ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE signing_key (
    key_id       TEXT PRIMARY KEY,
    private_pem  TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    retired_at   INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE sqlite_sequence(name,seq);

CREATE TABLE timeline (
    run          INTEGER NOT NULL,
    profile_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,
    event_time   INTEGER NOT NULL,
    event_id     INTEGER NOT NULL,
    entries      BLOB NOT NULL
) STRICT;

CREATE TABLE timeline_run (
    run          INTEGER PRIMARY KEY AUTOINCREMENT,     -- never given twice
    level        INTEGER NOT NULL,
    state        INTEGER NOT NULL CHECK (state IN (0, 1, 2)),  -- being written, finished, to be removed
    entries      INTEGER NOT NULL,
    last_event   INTEGER NOT NULL,             -- every event up to it is in this run or in an older one
    sources      TEXT NOT NULL CHECK (json_valid(sources))     -- runs that it is merged from
) STRICT;

CREATE TABLE version_usage (
    account_id       INTEGER NOT NULL,
    version_id       INTEGER NOT NULL,
    events           INTEGER NOT NULL CHECK (events >= 0),
    last_received_at INTEGER NOT NULL, minute INTEGER NOT NULL DEFAULT 0, minute_events INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, version_id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX catalogue_log_number ON catalogue_log (account_id, number);

CREATE INDEX erased_rejection_of_erasure ON erased_rejection (position);

CREATE INDEX erasure_of_account ON erasure (account_id);

CREATE INDEX erasure_open ON erasure (position) WHERE completed_at IS NULL;

CREATE INDEX idempotency_by_age ON idempotency (created_at);

CREATE INDEX profile_arrival_suppression ON profile_arrival (account_id, keyspace, key) WHERE keyspace < 0;

CREATE INDEX profile_member_of_root ON profile_member (root_id);

CREATE INDEX profile_suppression ON profile (account_id, keyspace, key) WHERE keyspace < 0;

CREATE INDEX rejection_by_cause ON rejection
    (account_id, cause, replayed_at, rejection_id, section, code, received_at, event_count, item_codes,
    event_types);

CREATE INDEX rejection_of_account ON rejection (account_id);

CREATE INDEX rejection_without_cause ON rejection (rejection_id) WHERE cause IS NULL;

CREATE UNIQUE INDEX timeline_key ON timeline (run, profile_id, section, event_time, event_id);

-- After migration 014 counts of consents

CREATE TABLE account (
    account_id   INTEGER PRIMARY KEY,
    name         TEXT NOT NULL,
    created_at   INTEGER NOT NULL              -- milliseconds since 1970, as every time here
, key_changes INTEGER NOT NULL DEFAULT 0) STRICT;

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

CREATE TABLE actor (
    actor_id     INTEGER PRIMARY KEY,
    client_id    TEXT NOT NULL UNIQUE          -- of an API key
) STRICT;

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
, previous_secret_hash BLOB, previous_secret_until INTEGER
    CHECK ((previous_secret_until IS NULL) = (previous_secret_hash IS NULL)), last_used_at INTEGER, settings_hash BLOB) STRICT, WITHOUT ROWID;

CREATE TABLE "catalogue_log" (
    account_id   INTEGER NOT NULL REFERENCES account,
    sequence     INTEGER NOT NULL CHECK (sequence > 0),
    number       INTEGER NOT NULL CHECK (number > 0),  -- in the audit trail, where acts stand too
    at           INTEGER NOT NULL,
    actor        TEXT NOT NULL,
    change       TEXT NOT NULL CHECK (json_valid(change)),
    PRIMARY KEY (account_id, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE consent_count (
    account_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,             -- 0: of the account; -1: suppressions
    place        INTEGER NOT NULL,             -- number of the field: topic and channel
    type         INTEGER NOT NULL,
    profiles     INTEGER NOT NULL,
    PRIMARY KEY (account_id, section, place, type)
) STRICT, WITHOUT ROWID;

CREATE TABLE erased_rejection (
    rejection_id INTEGER PRIMARY KEY,
    position     INTEGER NOT NULL              -- of the erasure
) STRICT;

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
, consents INTEGER NOT NULL DEFAULT 0) STRICT;

CREATE TABLE event (
    event_id     INTEGER PRIMARY KEY,          -- in the order of arrival
    profile_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,             -- number of the section in the account
    event_time   INTEGER NOT NULL,
    received_at  INTEGER NOT NULL,
    version_id   INTEGER NOT NULL,
    data         TEXT NOT NULL
) STRICT;

CREATE TABLE idempotency (
    account_id   INTEGER NOT NULL,
    key          TEXT NOT NULL,
    fingerprint  BLOB NOT NULL,
    answer       BLOB NOT NULL,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (account_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE mapped_attribute (
    account_id   INTEGER NOT NULL,
    attribute    INTEGER NOT NULL,
    key_format   TEXT NOT NULL,                -- how its values are written as keys
    PRIMARY KEY (account_id, attribute)
) STRICT, WITHOUT ROWID;

CREATE TABLE profile (
    profile_id   INTEGER PRIMARY KEY,
    account_id   INTEGER NOT NULL REFERENCES account,
    keyspace     INTEGER NOT NULL,             -- number of the keyspace in the account
    key          TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    canonical_id INTEGER                       -- null: stands alone or leads its group
, state INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 3)) STRICT;

CREATE TABLE profile_arrival (
    arrival      INTEGER PRIMARY KEY,
    profile_id   INTEGER NOT NULL,
    account_id   INTEGER NOT NULL REFERENCES account,
    keyspace     INTEGER NOT NULL,
    key          TEXT NOT NULL,
    created_at   INTEGER NOT NULL
) STRICT;

CREATE TABLE "profile_change" (
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

CREATE TABLE profile_data (
    profile_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,             -- 0: what became of the profile as a whole
    fields       BLOB NOT NULL,
    PRIMARY KEY (profile_id, section)
) STRICT, WITHOUT ROWID;

CREATE TABLE profile_member (
    profile_id   INTEGER PRIMARY KEY,
    root_id      INTEGER NOT NULL,             -- the canonical member, whose id the whole profile has
    parent_id    INTEGER,                      -- the member that it was joined to; null: it is the canonical one
    joined       INTEGER NOT NULL              -- position of the change that joined it; 0 for the canonical one
) STRICT;

CREATE TABLE profile_value (
    account_id   INTEGER NOT NULL,
    attribute    INTEGER NOT NULL,
    value        TEXT NOT NULL,
    profile_id   INTEGER NOT NULL,             -- the member
    PRIMARY KEY (account_id, attribute, value, profile_id)
) STRICT, WITHOUT ROWID;

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
, replayed_events TEXT, cause TEXT, item_codes TEXT, event_types TEXT) STRICT;

CREATE TABLE setting (
    name         TEXT PRIMARY KEY,
    value        ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE signing_key (
    key_id       TEXT PRIMARY KEY,
    private_pem  TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    retired_at   INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE sqlite_sequence(name,seq);

CREATE TABLE timeline (
    run          INTEGER NOT NULL,
    profile_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,
    event_time   INTEGER NOT NULL,
    event_id     INTEGER NOT NULL,
    entries      BLOB NOT NULL
) STRICT;

CREATE TABLE timeline_run (
    run          INTEGER PRIMARY KEY AUTOINCREMENT,     -- never given twice
    level        INTEGER NOT NULL,
    state        INTEGER NOT NULL CHECK (state IN (0, 1, 2)),  -- being written, finished, to be removed
    entries      INTEGER NOT NULL,
    last_event   INTEGER NOT NULL,             -- every event up to it is in this run or in an older one
    sources      TEXT NOT NULL CHECK (json_valid(sources))     -- runs that it is merged from
) STRICT;

CREATE TABLE version_usage (
    account_id       INTEGER NOT NULL,
    version_id       INTEGER NOT NULL,
    events           INTEGER NOT NULL CHECK (events >= 0),
    last_received_at INTEGER NOT NULL, minute INTEGER NOT NULL DEFAULT 0, minute_events INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, version_id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX catalogue_log_number ON catalogue_log (account_id, number);

CREATE INDEX erased_rejection_of_erasure ON erased_rejection (position);

CREATE INDEX erasure_of_account ON erasure (account_id);

CREATE INDEX erasure_open ON erasure (position) WHERE completed_at IS NULL;

CREATE INDEX idempotency_by_age ON idempotency (created_at);

CREATE INDEX profile_arrival_suppression ON profile_arrival (account_id, keyspace, key) WHERE keyspace < 0;

CREATE INDEX profile_member_of_root ON profile_member (root_id);

CREATE INDEX profile_suppression ON profile (account_id, keyspace, key) WHERE keyspace < 0;

CREATE INDEX rejection_by_cause ON rejection
    (account_id, cause, replayed_at, rejection_id, section, code, received_at, event_count, item_codes,
    event_types);

CREATE INDEX rejection_of_account ON rejection (account_id);

CREATE INDEX rejection_without_cause ON rejection (rejection_id) WHERE cause IS NULL;

CREATE UNIQUE INDEX timeline_key ON timeline (run, profile_id, section, event_time, event_id);

-- After migration 015 jobs

CREATE TABLE account (
    account_id   INTEGER PRIMARY KEY,
    name         TEXT NOT NULL,
    created_at   INTEGER NOT NULL              -- milliseconds since 1970, as every time here
, key_changes INTEGER NOT NULL DEFAULT 0) STRICT;

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

CREATE TABLE actor (
    actor_id     INTEGER PRIMARY KEY,
    client_id    TEXT NOT NULL UNIQUE          -- of an API key
) STRICT;

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
, previous_secret_hash BLOB, previous_secret_until INTEGER
    CHECK ((previous_secret_until IS NULL) = (previous_secret_hash IS NULL)), last_used_at INTEGER, settings_hash BLOB) STRICT, WITHOUT ROWID;

CREATE TABLE "catalogue_log" (
    account_id   INTEGER NOT NULL REFERENCES account,
    sequence     INTEGER NOT NULL CHECK (sequence > 0),
    number       INTEGER NOT NULL CHECK (number > 0),  -- in the audit trail, where acts stand too
    at           INTEGER NOT NULL,
    actor        TEXT NOT NULL,
    change       TEXT NOT NULL CHECK (json_valid(change)),
    PRIMARY KEY (account_id, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE consent_count (
    account_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,             -- 0: of the account; -1: suppressions
    place        INTEGER NOT NULL,             -- number of the field: topic and channel
    type         INTEGER NOT NULL,
    profiles     INTEGER NOT NULL,
    PRIMARY KEY (account_id, section, place, type)
) STRICT, WITHOUT ROWID;

CREATE TABLE erased_rejection (
    rejection_id INTEGER PRIMARY KEY,
    position     INTEGER NOT NULL              -- of the erasure
) STRICT;

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
, consents INTEGER NOT NULL DEFAULT 0) STRICT;

CREATE TABLE event (
    event_id     INTEGER PRIMARY KEY,          -- in the order of arrival
    profile_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,             -- number of the section in the account
    event_time   INTEGER NOT NULL,
    received_at  INTEGER NOT NULL,
    version_id   INTEGER NOT NULL,
    data         TEXT NOT NULL
) STRICT;

CREATE TABLE idempotency (
    account_id   INTEGER NOT NULL,
    key          TEXT NOT NULL,
    fingerprint  BLOB NOT NULL,
    answer       BLOB NOT NULL,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (account_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE job (
    job_id       TEXT PRIMARY KEY,
    account_id   INTEGER NOT NULL,
    kind         TEXT NOT NULL,
    section      INTEGER NOT NULL,
    actor        TEXT NOT NULL,                -- client id of the API key that asked for it
    created_at   INTEGER NOT NULL,
    request      BLOB NOT NULL,                -- as JSON
    upload_hash  BLOB NOT NULL,
    state        TEXT NOT NULL,
    expires_at   INTEGER NOT NULL,
    ended_at     INTEGER,                      -- null: it has not ended
    lease_owner  TEXT,                         -- null: no server works on it
    lease_until  INTEGER,
    file_bytes   INTEGER NOT NULL,
    done_bytes   INTEGER NOT NULL,
    line         INTEGER NOT NULL,             -- that the next row begins in
    report_bytes INTEGER NOT NULL,
    made         INTEGER NOT NULL,             -- rows by their outcomes
    updated      INTEGER NOT NULL,
    unchanged    INTEGER NOT NULL,
    refused      INTEGER NOT NULL,
    failure_code TEXT,                         -- null: it has not failed
    failure      TEXT,
    revision     INTEGER NOT NULL              -- how often it was changed
) STRICT;

CREATE TABLE mapped_attribute (
    account_id   INTEGER NOT NULL,
    attribute    INTEGER NOT NULL,
    key_format   TEXT NOT NULL,                -- how its values are written as keys
    PRIMARY KEY (account_id, attribute)
) STRICT, WITHOUT ROWID;

CREATE TABLE profile (
    profile_id   INTEGER PRIMARY KEY,
    account_id   INTEGER NOT NULL REFERENCES account,
    keyspace     INTEGER NOT NULL,             -- number of the keyspace in the account
    key          TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    canonical_id INTEGER                       -- null: stands alone or leads its group
, state INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 3)) STRICT;

CREATE TABLE profile_arrival (
    arrival      INTEGER PRIMARY KEY,
    profile_id   INTEGER NOT NULL,
    account_id   INTEGER NOT NULL REFERENCES account,
    keyspace     INTEGER NOT NULL,
    key          TEXT NOT NULL,
    created_at   INTEGER NOT NULL
) STRICT;

CREATE TABLE "profile_change" (
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

CREATE TABLE profile_data (
    profile_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,             -- 0: what became of the profile as a whole
    fields       BLOB NOT NULL,
    PRIMARY KEY (profile_id, section)
) STRICT, WITHOUT ROWID;

CREATE TABLE profile_member (
    profile_id   INTEGER PRIMARY KEY,
    root_id      INTEGER NOT NULL,             -- the canonical member, whose id the whole profile has
    parent_id    INTEGER,                      -- the member that it was joined to; null: it is the canonical one
    joined       INTEGER NOT NULL              -- position of the change that joined it; 0 for the canonical one
) STRICT;

CREATE TABLE profile_value (
    account_id   INTEGER NOT NULL,
    attribute    INTEGER NOT NULL,
    value        TEXT NOT NULL,
    profile_id   INTEGER NOT NULL,             -- the member
    PRIMARY KEY (account_id, attribute, value, profile_id)
) STRICT, WITHOUT ROWID;

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
, replayed_events TEXT, cause TEXT, item_codes TEXT, event_types TEXT) STRICT;

CREATE TABLE setting (
    name         TEXT PRIMARY KEY,
    value        ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE signing_key (
    key_id       TEXT PRIMARY KEY,
    private_pem  TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    retired_at   INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE sqlite_sequence(name,seq);

CREATE TABLE timeline (
    run          INTEGER NOT NULL,
    profile_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,
    event_time   INTEGER NOT NULL,
    event_id     INTEGER NOT NULL,
    entries      BLOB NOT NULL
) STRICT;

CREATE TABLE timeline_run (
    run          INTEGER PRIMARY KEY AUTOINCREMENT,     -- never given twice
    level        INTEGER NOT NULL,
    state        INTEGER NOT NULL CHECK (state IN (0, 1, 2)),  -- being written, finished, to be removed
    entries      INTEGER NOT NULL,
    last_event   INTEGER NOT NULL,             -- every event up to it is in this run or in an older one
    sources      TEXT NOT NULL CHECK (json_valid(sources))     -- runs that it is merged from
) STRICT;

CREATE TABLE version_usage (
    account_id       INTEGER NOT NULL,
    version_id       INTEGER NOT NULL,
    events           INTEGER NOT NULL CHECK (events >= 0),
    last_received_at INTEGER NOT NULL, minute INTEGER NOT NULL DEFAULT 0, minute_events INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, version_id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX catalogue_log_number ON catalogue_log (account_id, number);

CREATE INDEX erased_rejection_of_erasure ON erased_rejection (position);

CREATE INDEX erasure_of_account ON erasure (account_id);

CREATE INDEX erasure_open ON erasure (position) WHERE completed_at IS NULL;

CREATE INDEX idempotency_by_age ON idempotency (created_at);

CREATE INDEX job_of_account ON job (account_id, created_at, job_id);

CREATE INDEX job_open ON job (created_at) WHERE ended_at IS NULL;

CREATE INDEX profile_arrival_suppression ON profile_arrival (account_id, keyspace, key) WHERE keyspace < 0;

CREATE INDEX profile_member_of_root ON profile_member (root_id);

CREATE INDEX profile_suppression ON profile (account_id, keyspace, key) WHERE keyspace < 0;

CREATE INDEX rejection_by_cause ON rejection
    (account_id, cause, replayed_at, rejection_id, section, code, received_at, event_count, item_codes,
    event_types);

CREATE INDEX rejection_of_account ON rejection (account_id);

CREATE INDEX rejection_without_cause ON rejection (rejection_id) WHERE cause IS NULL;

CREATE UNIQUE INDEX timeline_key ON timeline (run, profile_id, section, event_time, event_id);

-- After migration 016 states of mapped attributes

CREATE TABLE account (
    account_id   INTEGER PRIMARY KEY,
    name         TEXT NOT NULL,
    created_at   INTEGER NOT NULL              -- milliseconds since 1970, as every time here
, key_changes INTEGER NOT NULL DEFAULT 0) STRICT;

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

CREATE TABLE actor (
    actor_id     INTEGER PRIMARY KEY,
    client_id    TEXT NOT NULL UNIQUE          -- of an API key
) STRICT;

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
, previous_secret_hash BLOB, previous_secret_until INTEGER
    CHECK ((previous_secret_until IS NULL) = (previous_secret_hash IS NULL)), last_used_at INTEGER, settings_hash BLOB) STRICT, WITHOUT ROWID;

CREATE TABLE "catalogue_log" (
    account_id   INTEGER NOT NULL REFERENCES account,
    sequence     INTEGER NOT NULL CHECK (sequence > 0),
    number       INTEGER NOT NULL CHECK (number > 0),  -- in the audit trail, where acts stand too
    at           INTEGER NOT NULL,
    actor        TEXT NOT NULL,
    change       TEXT NOT NULL CHECK (json_valid(change)),
    PRIMARY KEY (account_id, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE consent_count (
    account_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,             -- 0: of the account; -1: suppressions
    place        INTEGER NOT NULL,             -- number of the field: topic and channel
    type         INTEGER NOT NULL,
    profiles     INTEGER NOT NULL,
    PRIMARY KEY (account_id, section, place, type)
) STRICT, WITHOUT ROWID;

CREATE TABLE erased_rejection (
    rejection_id INTEGER PRIMARY KEY,
    position     INTEGER NOT NULL              -- of the erasure
) STRICT;

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
, consents INTEGER NOT NULL DEFAULT 0) STRICT;

CREATE TABLE event (
    event_id     INTEGER PRIMARY KEY,          -- in the order of arrival
    profile_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,             -- number of the section in the account
    event_time   INTEGER NOT NULL,
    received_at  INTEGER NOT NULL,
    version_id   INTEGER NOT NULL,
    data         TEXT NOT NULL
) STRICT;

CREATE TABLE idempotency (
    account_id   INTEGER NOT NULL,
    key          TEXT NOT NULL,
    fingerprint  BLOB NOT NULL,
    answer       BLOB NOT NULL,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (account_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE job (
    job_id       TEXT PRIMARY KEY,
    account_id   INTEGER NOT NULL,
    kind         TEXT NOT NULL,
    section      INTEGER NOT NULL,
    actor        TEXT NOT NULL,                -- client id of the API key that asked for it
    created_at   INTEGER NOT NULL,
    request      BLOB NOT NULL,                -- as JSON
    upload_hash  BLOB NOT NULL,
    state        TEXT NOT NULL,
    expires_at   INTEGER NOT NULL,
    ended_at     INTEGER,                      -- null: it has not ended
    lease_owner  TEXT,                         -- null: no server works on it
    lease_until  INTEGER,
    file_bytes   INTEGER NOT NULL,
    done_bytes   INTEGER NOT NULL,
    line         INTEGER NOT NULL,             -- that the next row begins in
    report_bytes INTEGER NOT NULL,
    made         INTEGER NOT NULL,             -- rows by their outcomes
    updated      INTEGER NOT NULL,
    unchanged    INTEGER NOT NULL,
    refused      INTEGER NOT NULL,
    failure_code TEXT,                         -- null: it has not failed
    failure      TEXT,
    revision     INTEGER NOT NULL              -- how often it was changed
) STRICT;

CREATE TABLE mapped_attribute (
    account_id   INTEGER NOT NULL,
    attribute    INTEGER NOT NULL,
    key_format   TEXT NOT NULL, state INTEGER NOT NULL DEFAULT 0,                -- how its values are written as keys
    PRIMARY KEY (account_id, attribute)
) STRICT, WITHOUT ROWID;

CREATE TABLE profile (
    profile_id   INTEGER PRIMARY KEY,
    account_id   INTEGER NOT NULL REFERENCES account,
    keyspace     INTEGER NOT NULL,             -- number of the keyspace in the account
    key          TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    canonical_id INTEGER                       -- null: stands alone or leads its group
, state INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 3)) STRICT;

CREATE TABLE profile_arrival (
    arrival      INTEGER PRIMARY KEY,
    profile_id   INTEGER NOT NULL,
    account_id   INTEGER NOT NULL REFERENCES account,
    keyspace     INTEGER NOT NULL,
    key          TEXT NOT NULL,
    created_at   INTEGER NOT NULL
) STRICT;

CREATE TABLE "profile_change" (
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

CREATE TABLE profile_data (
    profile_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,             -- 0: what became of the profile as a whole
    fields       BLOB NOT NULL,
    PRIMARY KEY (profile_id, section)
) STRICT, WITHOUT ROWID;

CREATE TABLE profile_member (
    profile_id   INTEGER PRIMARY KEY,
    root_id      INTEGER NOT NULL,             -- the canonical member, whose id the whole profile has
    parent_id    INTEGER,                      -- the member that it was joined to; null: it is the canonical one
    joined       INTEGER NOT NULL              -- position of the change that joined it; 0 for the canonical one
) STRICT;

CREATE TABLE profile_value (
    account_id   INTEGER NOT NULL,
    attribute    INTEGER NOT NULL,
    value        TEXT NOT NULL,
    profile_id   INTEGER NOT NULL,             -- the member
    PRIMARY KEY (account_id, attribute, value, profile_id)
) STRICT, WITHOUT ROWID;

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
, replayed_events TEXT, cause TEXT, item_codes TEXT, event_types TEXT) STRICT;

CREATE TABLE setting (
    name         TEXT PRIMARY KEY,
    value        ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE signing_key (
    key_id       TEXT PRIMARY KEY,
    private_pem  TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    retired_at   INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE sqlite_sequence(name,seq);

CREATE TABLE timeline (
    run          INTEGER NOT NULL,
    profile_id   INTEGER NOT NULL,
    section      INTEGER NOT NULL,
    event_time   INTEGER NOT NULL,
    event_id     INTEGER NOT NULL,
    entries      BLOB NOT NULL
) STRICT;

CREATE TABLE timeline_run (
    run          INTEGER PRIMARY KEY AUTOINCREMENT,     -- never given twice
    level        INTEGER NOT NULL,
    state        INTEGER NOT NULL CHECK (state IN (0, 1, 2)),  -- being written, finished, to be removed
    entries      INTEGER NOT NULL,
    last_event   INTEGER NOT NULL,             -- every event up to it is in this run or in an older one
    sources      TEXT NOT NULL CHECK (json_valid(sources))     -- runs that it is merged from
) STRICT;

CREATE TABLE version_usage (
    account_id       INTEGER NOT NULL,
    version_id       INTEGER NOT NULL,
    events           INTEGER NOT NULL CHECK (events >= 0),
    last_received_at INTEGER NOT NULL, minute INTEGER NOT NULL DEFAULT 0, minute_events INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, version_id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX catalogue_log_number ON catalogue_log (account_id, number);

CREATE INDEX erased_rejection_of_erasure ON erased_rejection (position);

CREATE INDEX erasure_of_account ON erasure (account_id);

CREATE INDEX erasure_open ON erasure (position) WHERE completed_at IS NULL;

CREATE INDEX idempotency_by_age ON idempotency (created_at);

CREATE INDEX job_of_account ON job (account_id, created_at, job_id);

CREATE INDEX job_open ON job (created_at) WHERE ended_at IS NULL;

CREATE INDEX profile_arrival_suppression ON profile_arrival (account_id, keyspace, key) WHERE keyspace < 0;

CREATE INDEX profile_member_of_root ON profile_member (root_id);

CREATE INDEX profile_suppression ON profile (account_id, keyspace, key) WHERE keyspace < 0;

CREATE INDEX rejection_by_cause ON rejection
    (account_id, cause, replayed_at, rejection_id, section, code, received_at, event_count, item_codes,
    event_types);

CREATE INDEX rejection_of_account ON rejection (account_id);

CREATE INDEX rejection_without_cause ON rejection (rejection_id) WHERE cause IS NULL;

CREATE UNIQUE INDEX timeline_key ON timeline (run, profile_id, section, event_time, event_id);


-- The tables of a store that version 0.2.0 made (migrations 001 and 002), as its Schema.swift has them.

PRAGMA application_id = 1331057742;

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

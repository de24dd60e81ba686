-- The tables of a store that version 0.1.0 made (migrations 001), as its Schema.swift has them.

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
    change       TEXT NOT NULL CHECK (json_valid(change)),
    PRIMARY KEY (account_id, sequence)
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

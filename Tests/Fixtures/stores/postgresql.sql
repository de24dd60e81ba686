-- Ledger

CREATE SCHEMA IF NOT EXISTS ovation;

CREATE TABLE IF NOT EXISTS ovation.migration (
    number       bigint PRIMARY KEY,
    name         text NOT NULL,
    applied_at   timestamptz NOT NULL DEFAULT now()
);

-- Migration 1 accounts, definitions, profiles, events

CREATE TABLE ovation.account (
    account_id   bigint PRIMARY KEY,
    name         text NOT NULL,
    created_at   bigint NOT NULL               -- milliseconds since 1970, as every time here
);

CREATE TABLE ovation.setting (
    name         text PRIMARY KEY,
    value        bytea NOT NULL
);

CREATE TABLE ovation.catalogue_log (
    account_id   bigint NOT NULL REFERENCES ovation.account,
    sequence     bigint NOT NULL CHECK (sequence > 0),
    at           bigint NOT NULL,
    actor        text NOT NULL,
    is_note      boolean NOT NULL,             -- tells of an act and changes no definition
    change       text NOT NULL,
    PRIMARY KEY (account_id, sequence)
);

CREATE INDEX catalogue_log_definitions ON ovation.catalogue_log (account_id, sequence) WHERE NOT is_note;

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
);

CREATE TABLE ovation.signing_key (
    key_id       text PRIMARY KEY,
    private_pem  text NOT NULL,
    created_at   bigint NOT NULL,
    retired_at   bigint
);

CREATE TABLE ovation.profile (
    profile_id   bigint PRIMARY KEY,
    account_id   bigint NOT NULL,
    keyspace     bigint NOT NULL,              -- number of the keyspace in the account
    key          text COLLATE "C" NOT NULL,
    created_at   bigint NOT NULL,
    canonical_id bigint                        -- null: stands alone or leads its group
);

CREATE INDEX profile_by_key ON ovation.profile (account_id, keyspace, key);

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
);

CREATE INDEX event_by_arrival ON ovation.event (account_id, event_id);

CREATE SEQUENCE ovation.event_block AS bigint MINVALUE 1 INCREMENT 64;

CREATE TABLE ovation.version_usage (
    slot         bigint NOT NULL,
    account_id   bigint NOT NULL,
    version_id   bigint NOT NULL,
    events       bigint NOT NULL,
    last_received_at bigint NOT NULL,
    PRIMARY KEY (slot, account_id, version_id)
) WITH (fillfactor = 50);

CREATE TABLE ovation.idempotency (
    account_id   bigint NOT NULL,
    key          text COLLATE "C" NOT NULL,
    fingerprint  bytea NOT NULL,
    answer       bytea NOT NULL,
    created_at   bigint NOT NULL,
    PRIMARY KEY (account_id, key)
);

CREATE INDEX idempotency_by_age ON ovation.idempotency (created_at);

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
);

CREATE INDEX rejection_by_age ON ovation.rejection (rejection_id);

CREATE SEQUENCE ovation.rejection_id AS bigint MINVALUE 1;

-- Migration 2 counts by the minute

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
) WITH (fillfactor = 50);

ALTER TABLE ovation.version_usage ADD COLUMN minute bigint NOT NULL DEFAULT 0;

ALTER TABLE ovation.version_usage ADD COLUMN minute_events bigint NOT NULL DEFAULT 0;

-- Migration 3 causes of rejections

ALTER TABLE ovation.rejection ADD COLUMN replayed_events text, ADD COLUMN cause text COLLATE "C",
    ADD COLUMN item_codes text, ADD COLUMN event_types text;

CREATE INDEX rejection_by_cause ON ovation.rejection (account_id, cause, rejection_id);

CREATE INDEX rejection_without_cause ON ovation.rejection (rejection_id) WHERE cause IS NULL;

-- Migration 4 acts beside definitions

CREATE TABLE ovation.act (
    account_id   bigint NOT NULL REFERENCES ovation.account,
    number       bigint NOT NULL CHECK (number > 0),   -- in the audit trail, where definitions stand too
    at           bigint NOT NULL,
    actor        text NOT NULL,
    act          text NOT NULL,
    subject      text NOT NULL,
    detail       text NOT NULL,
    PRIMARY KEY (account_id, number)
);

ALTER TABLE ovation.catalogue_log ADD COLUMN number bigint CHECK (number > 0);

CREATE INDEX catalogue_log_number ON ovation.catalogue_log (account_id, number);

CREATE INDEX catalogue_log_without_number ON ovation.catalogue_log (account_id, sequence) WHERE number IS NULL;

ALTER TABLE ovation.account ADD COLUMN key_changes bigint NOT NULL DEFAULT 0;

-- Migration 5 states of profiles

ALTER TABLE ovation.profile ADD COLUMN state bigint NOT NULL DEFAULT 0;

CREATE TABLE ovation.profile_change (
    position     bigint PRIMARY KEY,
    account_id   bigint NOT NULL,
    profile_id   bigint NOT NULL,
    kind         text NOT NULL,
    state        bigint,                       -- that the profile has since; null: as before
    at           bigint NOT NULL,
    actor        text NOT NULL                 -- client id of the API key
);

CREATE INDEX profile_change_of_state ON ovation.profile_change (position) WHERE state IS NOT NULL;

CREATE SEQUENCE ovation.profile_state AS bigint MINVALUE 0;

-- Migration 6 data of profiles

ALTER TABLE ovation.profile_change ADD COLUMN section bigint;

ALTER TABLE ovation.profile_change ADD COLUMN edits bytea NOT NULL DEFAULT '\x01030000';

ALTER TABLE ovation.profile_change ALTER COLUMN edits DROP DEFAULT;

CREATE TABLE ovation.profile_data (
    profile_id   bigint NOT NULL,
    section      bigint NOT NULL,              -- 0: what became of the profile as a whole
    fields       bytea NOT NULL,
    PRIMARY KEY (profile_id, section)
) WITH (fillfactor = 90);

INSERT INTO ovation.profile_data (profile_id, section, fields)
SELECT profile_id, 0, '\x0103'::bytea || string_agg(
    set_byte('\x00'::bytea, 0, ((position >> (7 * place)) & 127)::integer
        + CASE WHEN position >> (7 * place + 7) > 0 THEN 128 ELSE 0 END), ''::bytea ORDER BY place)
    || '\x01'::bytea
FROM ovation.profile_change CROSS JOIN generate_series(0, 8) AS place
WHERE place = 0 OR position >> (7 * place) > 0 GROUP BY profile_id, position;

-- Migration 7 erasures of profiles

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
);

CREATE INDEX erasure_by_id ON ovation.erasure (erasure_id);

CREATE INDEX erasure_by_account ON ovation.erasure (account_id, position);

CREATE INDEX erasure_open ON ovation.erasure (position) WHERE completed_at IS NULL;

-- Migration 8 members of profiles

CREATE TABLE ovation.profile_member (
    profile_id   bigint PRIMARY KEY,
    root_id      bigint NOT NULL,              -- the canonical one
    parent_id    bigint,                       -- the one that it was joined to; null: it is the canonical one
    joined       bigint NOT NULL               -- position of the change that joined it; 0 for the canonical one
);

CREATE INDEX profile_member_by_root ON ovation.profile_member (root_id);

-- Migration 9 values of mapped attributes

CREATE TABLE ovation.mapped_attribute (
    account_id   bigint NOT NULL,
    attribute    bigint NOT NULL,
    key_format   text NOT NULL,                -- how its values are written as keys
    PRIMARY KEY (account_id, attribute)
);

CREATE TABLE ovation.profile_value (
    account_id   bigint NOT NULL,
    attribute    bigint NOT NULL,
    value        text COLLATE "C" NOT NULL,
    profile_id   bigint NOT NULL,              -- the member
    PRIMARY KEY (account_id, attribute, value, profile_id)
);

-- Migration 10 consents of erased profiles

ALTER TABLE ovation.erasure ADD COLUMN consents bigint NOT NULL DEFAULT 0;

-- Migration 11 counts of consents

CREATE TABLE ovation.consent_count (
    account_id   bigint NOT NULL,
    section      bigint NOT NULL,              -- 0: of the account; -1: suppressions
    place        bigint NOT NULL,              -- number of the field: topic and channel
    type         bigint NOT NULL,
    slot         bigint NOT NULL,
    profiles     bigint NOT NULL,
    PRIMARY KEY (account_id, section, place, type, slot)
) WITH (fillfactor = 50);

-- Migration 12 jobs

CREATE TABLE ovation.job (
    job_id       text COLLATE "C" PRIMARY KEY,
    account_id   bigint NOT NULL,
    kind         text NOT NULL,
    section      bigint NOT NULL,
    actor        text NOT NULL,                -- client id of the API key that asked for it
    created_at   bigint NOT NULL,
    request      bytea NOT NULL,               -- as JSON
    upload_hash  bytea NOT NULL,
    state        text NOT NULL,
    expires_at   bigint NOT NULL,
    ended_at     bigint,                       -- null: it has not ended
    lease_owner  text,                         -- null: no server works on it
    lease_until  bigint,
    file_bytes   bigint NOT NULL,
    done_bytes   bigint NOT NULL,
    line         bigint NOT NULL,              -- that the next row begins in
    report_bytes bigint NOT NULL,
    made         bigint NOT NULL,              -- rows by their outcomes
    updated      bigint NOT NULL,
    unchanged    bigint NOT NULL,
    refused      bigint NOT NULL,
    failure_code text,                         -- null: it has not failed
    failure      text,
    revision     bigint NOT NULL               -- how often it was changed
);

CREATE INDEX job_by_account ON ovation.job (account_id, created_at, job_id);

CREATE INDEX job_open ON ovation.job (created_at) WHERE ended_at IS NULL;

-- Migration 13 states of mapped attributes

ALTER TABLE ovation.mapped_attribute ADD COLUMN state bigint NOT NULL DEFAULT 0;

-- Migration 14 usage on nodes

CREATE TABLE ovation.node_usage (
    slot         bigint NOT NULL,
    account_id   bigint NOT NULL,
    version_id   bigint NOT NULL,
    minute       bigint NOT NULL,              -- minutes since 1970; 0: all minutes that are kept no longer
    events       bigint NOT NULL,
    last_received_at bigint NOT NULL,
    PRIMARY KEY (slot, account_id, version_id, minute)
) WITH (fillfactor = 50);

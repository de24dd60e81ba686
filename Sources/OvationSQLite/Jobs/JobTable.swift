/// The table of jobs, for a migration.
enum JobTable {
    static let sql = """
        -- Jobs, which a server works on beside its requests. What they read and write is in files beside the store, so a copy
        -- of the store has no jobs.
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

        CREATE INDEX job_of_account ON job (account_id, created_at, job_id);
        CREATE INDEX job_open ON job (created_at) WHERE ended_at IS NULL;
        """
}

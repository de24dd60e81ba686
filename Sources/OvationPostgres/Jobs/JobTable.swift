/// The table of jobs, for a migration.
enum JobTable {
    static let statements = [
        // Jobs, which a server works on beside its requests. What they read and write is in files, so a copy of the store has
        // no jobs.
        """
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
        )
        """,
        "CREATE INDEX job_by_account ON ovation.job (account_id, created_at, job_id)",
        "CREATE INDEX job_open ON ovation.job (created_at) WHERE ended_at IS NULL",
    ]
}

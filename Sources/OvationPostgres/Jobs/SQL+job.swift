/// Jobs. The table is small and stays on one machine.
enum JobSQL {
    private static let jobColumns = """
        job_id, account_id, kind, section, actor, created_at, request, upload_hash, state, expires_at, ended_at,
        lease_owner, lease_until, file_bytes, done_bytes, line, report_bytes, made, updated, unchanged, refused,
        failure_code, failure, revision
        """

    /// The same for a list, which has no requests: they can be large.
    private static let listedJobColumns = """
        job_id, account_id, kind, section, actor, created_at, ''::bytea, upload_hash, state, expires_at, ended_at,
        lease_owner, lease_until, file_bytes, done_bytes, line, report_bytes, made, updated, unchanged, refused,
        failure_code, failure, revision
        """

    /// One transaction at a time adds jobs of an account: their number has a bound.
    static let lock = Statement(
        "lock_jobs", "SELECT pg_advisory_xact_lock(1330004550, ($1::bigint % 2147483647)::integer)")

    static let countOpen = Statement(
        "jobs_count_open",
        """
        SELECT count(*) FROM job WHERE ended_at IS NULL AND account_id = $1::bigint AND kind = $2::text
            AND NOT (state = $3::text AND expires_at <= $4::bigint)
        """)

    static let insert = Statement(
        "insert_job",
        """
        INSERT INTO job (\(jobColumns)) VALUES ($1::text, $2::bigint, $3::text, $4::bigint, $5::text, $6::bigint, $7::bytea,
            $8::bytea, $9::text, $10::bigint, $11::bigint, $12::text, $13::bigint, $14::bigint, $15::bigint, $16::bigint,
            $17::bigint, $18::bigint, $19::bigint, $20::bigint, $21::bigint, $22::text, $23::text, $24::bigint)
        """)

    static let update = Statement(
        "update_job",
        """
        UPDATE job SET state = $4::text, expires_at = $5::bigint, ended_at = $6::bigint, lease_owner = $7::text,
            lease_until = $8::bigint, file_bytes = $9::bigint, done_bytes = $10::bigint, line = $11::bigint,
            report_bytes = $12::bigint, made = $13::bigint, updated = $14::bigint, unchanged = $15::bigint,
            refused = $16::bigint, failure_code = $17::text, failure = $18::text, revision = revision + 1
        WHERE job_id = $1::text AND account_id = $2::bigint AND revision = $3::bigint
        RETURNING revision
        """)

    static let remove = Statement(
        "remove_jobs", "DELETE FROM job WHERE ended_at IS NOT NULL AND expires_at <= $1::bigint")

    static let find = Statement(
        "find_job", "SELECT \(jobColumns) FROM job WHERE job_id = $1::text AND account_id = $2::bigint")

    static let list = Statement(
        "list_jobs",
        """
        SELECT \(listedJobColumns) FROM job WHERE account_id = $1::bigint AND (created_at, job_id) < ($2::bigint, $3::text)
        ORDER BY created_at DESC, job_id DESC LIMIT $4::bigint
        """)

    static let open = Statement(
        "open_jobs",
        "SELECT \(listedJobColumns) FROM job WHERE ended_at IS NULL ORDER BY created_at, job_id LIMIT $1::bigint")
}

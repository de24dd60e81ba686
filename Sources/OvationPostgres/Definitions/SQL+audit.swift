/// The audit trail: changes of definitions and acts, in the order of the numbers that they share.
enum AuditSQL {
    // MARK: Reading

    static let oldestDefinitions = Statement(
        "oldest_definitions",
        """
        SELECT number, at, actor, change FROM catalogue_log
        WHERE account_id = $1::bigint AND NOT is_note AND number > $2::bigint ORDER BY number LIMIT $3::bigint
        """)

    static let newestDefinitions = Statement(
        "newest_definitions",
        """
        SELECT number, at, actor, change FROM catalogue_log
        WHERE account_id = $1::bigint AND NOT is_note AND number < $2::bigint ORDER BY number DESC LIMIT $3::bigint
        """)

    static let oldestActs = Statement(
        "oldest_acts",
        """
        SELECT number, at, actor, act, subject, detail FROM act
        WHERE account_id = $1::bigint AND number > $2::bigint ORDER BY number LIMIT $3::bigint
        """)

    static let newestActs = Statement(
        "newest_acts",
        """
        SELECT number, at, actor, act, subject, detail FROM act
        WHERE account_id = $1::bigint AND number < $2::bigint ORDER BY number DESC LIMIT $3::bigint
        """)

    /// The number of the newest entry.
    static let lastNumber = Statement(
        "last_number",
        """
        SELECT greatest(
            (SELECT coalesce(max(number), 0) FROM catalogue_log WHERE account_id = $1::bigint),
            (SELECT coalesce(max(number), 0) FROM act WHERE account_id = $1::bigint))
        """)

    // MARK: Writing

    static let insertActs = Statement(
        "insert_acts",
        """
        INSERT INTO act (account_id, number, at, actor, act, subject, detail)
        SELECT $1::bigint, number, at, actor, act, subject, detail
        FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[])
            AS entry (number, at, actor, act, subject, detail)
        """)

    // MARK: What older servers wrote

    static let accountsOfOlder = Statement(
        "audit_accounts_of_older", "SELECT DISTINCT account_id FROM catalogue_log WHERE number IS NULL")

    static let ofOlder = Statement(
        "audit_of_older",
        """
        SELECT sequence, at, actor, CASE WHEN is_note THEN change END FROM catalogue_log
        WHERE account_id = $1::bigint AND number IS NULL ORDER BY sequence LIMIT $2::bigint
        """)

    static let number = Statement(
        "audit_number",
        """
        UPDATE catalogue_log SET number = given.number FROM unnest($2::bigint[], $3::bigint[]) AS given (sequence, number)
        WHERE account_id = $1::bigint AND catalogue_log.sequence = given.sequence
        """)
}

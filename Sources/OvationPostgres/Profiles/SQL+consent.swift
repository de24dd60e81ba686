/// The statements about counts of consents. The table is on the coordinator, and Citus does not know it.
enum ConsentSQL {
    static let add = Statement(
        "add_consent_counts",
        """
        INSERT INTO consent_count (slot, account_id, section, place, type, profiles)
        SELECT $1::bigint, account_id, section, place, type, profiles
        FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
            AS counted (account_id, section, place, type, profiles)
        ON CONFLICT (account_id, section, place, type, slot) DO UPDATE SET
            profiles = consent_count.profiles + excluded.profiles
        """)

    static let read = Statement(
        "consent_counts",
        """
        SELECT place, type, sum(profiles)::bigint FROM consent_count
        WHERE account_id = $1::bigint AND section = $2::bigint
        GROUP BY place, type HAVING sum(profiles) <> 0 ORDER BY place, type
        """)

    static let clear = Statement("clear_consent_counts", "DELETE FROM consent_count")
}

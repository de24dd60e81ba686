/// The statements about values of mapped attributes. Both tables are on the coordinator, and Citus does not know them.
enum MappedValueSQL {
    /// Of which of these attributes values are kept.
    static let formats = Statement(
        "mapped_formats",
        """
        SELECT account_id, attribute, key_format FROM mapped_attribute
        WHERE attribute = ANY ($1::bigint[]) AND state <> 2
        """)

    static let all = Statement(
        "mapped_attributes", "SELECT account_id, attribute, key_format FROM mapped_attribute WHERE state <> 2")

    static let insert = Statement(
        "insert_values",
        """
        INSERT INTO profile_value (account_id, attribute, value, profile_id)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[]) ON CONFLICT DO NOTHING
        """)

    static let remove = Statement(
        "remove_values",
        """
        DELETE FROM profile_value
        USING unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[]) AS gone (account_id, attribute, value, profile_id)
        WHERE profile_value.account_id = gone.account_id AND profile_value.attribute = gone.attribute
            AND profile_value.value = gone.value AND profile_value.profile_id = gone.profile_id
        """)

    // MARK: Searching

    static let exact = Statement(
        "find_value",
        """
        SELECT profile_id, value FROM profile_value
        WHERE account_id = $1::bigint AND attribute = $2::bigint AND value = $3::text
        ORDER BY value, profile_id LIMIT $4::bigint
        """)

    static let exactBehind = Statement(
        "find_value_behind",
        """
        SELECT profile_id FROM profile_value
        WHERE account_id = $1::bigint AND attribute = $2::bigint AND value = $3::text AND profile_id > $4::bigint
        ORDER BY profile_id LIMIT $5::bigint
        """)

    static let range = Statement(
        "find_values",
        """
        SELECT profile_id, value FROM profile_value
        WHERE account_id = $1::bigint AND attribute = $2::bigint AND value >= $3::text AND value < $5::text
        ORDER BY value, profile_id LIMIT $4::bigint
        """)

    static let rangeToEnd = Statement(
        "find_values_to_end",
        """
        SELECT profile_id, value FROM profile_value
        WHERE account_id = $1::bigint AND attribute = $2::bigint AND value >= $3::text
        ORDER BY value, profile_id LIMIT $4::bigint
        """)

    // MARK: Which attributes

    static let stored = Statement(
        "stored_mappings", "SELECT attribute, key_format, state FROM mapped_attribute WHERE account_id = $1::bigint")

    static let begin = Statement(
        "begin_mapping",
        """
        INSERT INTO mapped_attribute (account_id, attribute, key_format, state)
        SELECT $1::bigint, attribute, key_format, 1 FROM unnest($2::bigint[], $3::text[]) AS new (attribute, key_format)
        ON CONFLICT DO NOTHING
        """)

    static let setState = Statement(
        "set_mapping_state",
        "UPDATE mapped_attribute SET state = $3::bigint WHERE account_id = $1::bigint AND attribute = ANY ($2::bigint[])"
    )

    static let rewrite = Statement(
        "rewrite_mapping",
        """
        INSERT INTO mapped_attribute (account_id, attribute, key_format)
        SELECT $1::bigint, attribute, key_format FROM unnest($2::bigint[], $3::text[]) AS new (attribute, key_format)
        ON CONFLICT (account_id, attribute) DO UPDATE SET key_format = excluded.key_format, state = 0
        """)

    static let removeAll = Statement(
        "remove_all_values",
        "DELETE FROM profile_value WHERE account_id = $1::bigint AND attribute = ANY ($2::bigint[])")

    static let removeSome = Statement(
        "remove_some_values",
        """
        WITH gone AS (
            DELETE FROM profile_value WHERE (account_id, attribute, value, profile_id) IN (
                SELECT account_id, attribute, value, profile_id FROM profile_value
                WHERE account_id = $1::bigint AND attribute = $2::bigint AND EXISTS (SELECT 1 FROM mapped_attribute
                    WHERE account_id = $1::bigint AND attribute = $2::bigint AND state = 2)
                LIMIT $3::bigint)
            RETURNING 1)
        SELECT count(*) FROM gone
        """)

    static let forget = Statement(
        "forget_mapping",
        "DELETE FROM mapped_attribute WHERE account_id = $1::bigint AND attribute = $2::bigint AND state = 2")

    // MARK: Making

    static let indexes = Statement(
        "value_indexes",
        """
        SELECT profile_id, section, fields FROM profile_data
        WHERE (profile_id, section) > ($1::bigint, $2::bigint) ORDER BY profile_id, section LIMIT $3::bigint
        """)

    static let changes = Statement(
        "value_changes",
        "SELECT position, account_id, edits FROM profile_change WHERE position = ANY ($1::bigint[])")
}

/// The statements that are for Citus alone. All others have one text with and without Citus.
enum CitusSQL {
    static let isThere = Statement("citus_is_there", "SELECT to_regclass('pg_catalog.pg_dist_shard') IS NOT NULL")

    /// The lowest hash of each shard of the events, and its node with host and port. None: they are not spread.
    static let shards = Statement(
        "citus_shards",
        """
        SELECT shardminvalue::bigint, min(groupid)::bigint,
            coalesce(min(nodename || ':' || nodeport) FILTER (WHERE noderole = 'primary'), '?')
        FROM pg_dist_shard JOIN pg_dist_placement USING (shardid) LEFT JOIN pg_dist_node USING (groupid)
        WHERE logicalrelid = to_regclass('ovation.event') AND shardminvalue IS NOT NULL GROUP BY shardminvalue
        """)

    /// Whether the coordinator reaches a node. In a new session only: one that has a connection to a node that is frozen waits
    /// on it. There are no rows for a node that was removed.
    static let reaches = Statement(
        "citus_reaches",
        """
        SELECT citus_check_connection_to_node(nodename, nodeport) FROM pg_dist_node
        WHERE groupid = $1::bigint AND noderole = 'primary' AND isactive
        """)

    /// The bytes of the database on the node that a profile belongs to: the node itself evaluates it. The profile need not be
    /// there.
    static let nodeSize = Statement(
        "citus_node_size",
        """
        SELECT count(*), pg_database_size(current_database()) FROM profile WHERE profile_id = $1::bigint
        """)

    /// Finishes what a node has prepared, as this coordinator had decided, except for transactions that are still under
    /// way.
    static let settle = Statement("citus_settle", "SELECT recover_prepared_transactions()")

    static let facts = Statement(
        "citus_facts",
        """
        SELECT (SELECT extversion FROM pg_extension WHERE extname = 'citus'), citus_is_coordinator(),
            (SELECT count(*) FROM pg_dist_node WHERE noderole = 'primary' AND groupid <> 0 AND shouldhaveshards),
            (SELECT count(*) FROM pg_dist_node WHERE noderole = 'primary' AND groupid <> 0 AND NOT isactive),
            has_function_privilege('recover_prepared_transactions()', 'EXECUTE'), current_user::text,
            current_setting('citus.recover_2pc_interval'),
            (SELECT setting::bigint FROM pg_settings WHERE name = 'citus.recover_2pc_interval'),
            EXISTS (SELECT 1 FROM pg_dist_node WHERE groupid = 0)
        """)

    /// The nodes, and whether the coordinator reaches each of them. See ``reaches``.
    static let health = Statement(
        "citus_health",
        """
        SELECT nodename, nodeport::bigint, citus_check_connection_to_node(nodename, nodeport), groupid::bigint
        FROM pg_dist_node WHERE groupid <> 0 AND noderole = 'primary' AND isactive ORDER BY nodename, nodeport
        """)

    /// Our tables, and how Citus has them: `h` is spread by a hash; others that it knows are not spread.
    static let tables = Statement(
        "citus_tables",
        """
        SELECT relname::text, coalesce(partmethod::text, ''), coalesce(column_to_column_name(logicalrelid, partkey), ''),
            (SELECT count(*) FROM pg_dist_shard WHERE pg_dist_shard.logicalrelid = pg_class.oid)
        FROM pg_class LEFT JOIN pg_dist_partition ON logicalrelid = pg_class.oid
        WHERE relnamespace = to_regnamespace('ovation') AND relkind = 'r' AND relname = ANY ($1::text[])
        ORDER BY relname
        """)

    static let isEmpty = Statement(
        "citus_is_empty",
        "SELECT NOT EXISTS (SELECT 1 FROM ovation.profile) AND NOT EXISTS (SELECT 1 FROM ovation.event)")

    static let spread = Statement(
        "citus_spread", "SELECT create_distributed_table($1::text::regclass, $2::text, colocate_with => $3::text)")

    /// Rows that were here before a table was spread are still on the disk, and no query sees them.
    static let dropLocalRows = Statement(
        "citus_drop_local_rows", "SELECT truncate_local_data_after_distributing_table($1::text::regclass)")

    static let keepHere = Statement(
        "citus_keep_here", "SELECT citus_add_local_table_to_metadata($1::text::regclass)")

    /// Sessions that write: each holds the lock of its slot.
    static let writers = Statement(
        "citus_writers",
        """
        SELECT count(DISTINCT pid) FROM pg_locks
        WHERE locktype = 'advisory' AND classid = 1330004547 AND granted
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        """)
}

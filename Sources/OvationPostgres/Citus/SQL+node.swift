/// What a lane runs on the node of Citus that it is for, and what others run so that they and such lanes do not miss each
/// other. See rule 26 of DESIGN.md.
enum NodeSQL {
    /// Which node the session is on, as Citus counts groups of machines; whether that server only reads, as a standby does; and
    /// which server it is.
    static let identity = Statement(
        "node_identity",
        """
        SELECT (SELECT groupid::bigint FROM pg_dist_local_group), pg_is_in_recovery(),
            (SELECT system_identifier FROM pg_control_system())::text
        """)

    /// Every Citus numbers its nodes in the same way, so a number does not tell one store from another. The coordinator has the node
    /// of a profile try the lock that a session there has (``Locks/beAlive``). false: it is that node's own session.
    static let isFree = Statement(
        "node_is_free",
        """
        SELECT count(*), pg_try_advisory_xact_lock(1330004548, $2::bigint::integer) FROM ovation.profile
        WHERE profile_id = $1::bigint
        """)

    /// All shards of a group are written in the session itself, and so in its transaction.
    static let settings = Statement(
        "node_settings", "SELECT set_config('citus.enable_local_execution', 'on', false)")

    /// As ``WriteSQL/drawEvents``, with the address that a node has now.
    static let drawEvents = Statement(
        "node_draw_events",
        """
        SELECT nextval('ovation.event_block'), (SELECT last_value FROM ovation.profile_state),
            (SELECT min(nodename || ':' || nodeport) FROM pg_dist_node WHERE groupid = $2::bigint AND noderole = 'primary')
        FROM generate_series(1, $1::bigint)
        """)

    /// Fails with 22012 where one of these shards, by their lowest and highest hashes, is not on the node of the session, or
    /// is not there any more. Behind the writes of a transaction, it holds until the transaction ends: Citus waits for it
    /// before it moves one of them.
    static let verifyIsHere = Statement(
        "node_verify_is_here",
        """
        SELECT 1::bigint / CASE WHEN (
            SELECT count(*) = cardinality($1::bigint[])
                AND bool_and(groupid = (SELECT groupid FROM pg_dist_local_group))
            FROM pg_dist_shard JOIN pg_dist_placement USING (shardid)
            WHERE logicalrelid = to_regclass('ovation.event')
                AND (shardminvalue::bigint, shardmaxvalue::bigint) IN (SELECT * FROM unnest($1::bigint[], $2::bigint[]))
        ) THEN 1 ELSE 0 END
        """)

    // MARK: Numbers after a start of the coordinator

    // A start is known by when PostgreSQL began to run, and by when its statistics began. After a crash of one of its sessions it
    // goes on in the same process, so the first stays as it was, and only the second tells.

    /// Whether the coordinator was started after the last start that is noted.
    static let isStarted = Statement(
        "node_is_started",
        """
        SELECT NOT EXISTS (
            SELECT 1 FROM setting WHERE name = 'coordinator_start' AND value = int8send((extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint)
                || int8send(coalesce((extract(epoch FROM stats_reset) * 1000000)::bigint, 0)))
        FROM pg_stat_bgwriter
        """)

    /// Does nothing where the start is noted by now, or where no number was ever drawn.
    static let raiseNumbers = Statement(
        "node_raise_numbers",
        """
        SELECT setval('ovation.event_block', last_value + $1::bigint) FROM ovation.event_block, pg_stat_bgwriter
        WHERE is_called AND NOT EXISTS (
            SELECT 1 FROM setting WHERE name = 'coordinator_start' AND value = int8send((extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint)
                || int8send(coalesce((extract(epoch FROM stats_reset) * 1000000)::bigint, 0)))
        """)

    static let noteStart = Statement(
        "node_note_start",
        """
        INSERT INTO setting (name, value)
        SELECT 'coordinator_start', int8send((extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint)
            || int8send(coalesce((extract(epoch FROM stats_reset) * 1000000)::bigint, 0))
        FROM pg_stat_bgwriter
        ON CONFLICT (name) DO UPDATE SET value = excluded.value
        """)

    /// More than are drawn while the log of the coordinator is not on its disk, or on that of its standby.
    static let blocksAfterStart: Int64 = 1 << 16

    // MARK: Usage

    /// One row, since Citus passes one row on without a plan.
    static let addUsage = Statement(
        "node_add_usage",
        """
        INSERT INTO node_usage (slot, account_id, version_id, minute, events, last_received_at)
        VALUES ($1::bigint, $2::bigint, $3::bigint, $4::bigint, $5::bigint, $6::bigint)
        ON CONFLICT (slot, account_id, version_id, minute) DO UPDATE SET
            events = node_usage.events + excluded.events,
            last_received_at = greatest(node_usage.last_received_at, excluded.last_received_at)
        """)

    /// Of a slot, the minutes before one of them.
    static let takeOldUsage = Statement(
        "node_take_old_usage",
        """
        DELETE FROM node_usage WHERE slot = $1::bigint AND minute > 0 AND minute < $2::bigint
        RETURNING account_id, version_id, events, last_received_at
        """)

    static let usage = Statement(
        "node_usage",
        """
        SELECT version_id, sum(events)::bigint, max(last_received_at) FROM node_usage
        WHERE account_id = $1::bigint AND version_id <> 0 GROUP BY version_id
        """)

    /// One statement for both ways in which they are added up, so that they are of one moment on each node.
    static let activity = Statement(
        "node_activity",
        """
        SELECT version_id, minute, sum(events)::bigint FROM node_usage
        WHERE account_id = $1::bigint AND minute > 0 AND minute >= $2::bigint AND minute <= $3::bigint
        GROUP BY version_id, minute
        """)

    // MARK: The order lock of a node

    /// Locks.awaitOrder of the node that a profile belongs to, to the end of the transaction: the node itself evaluates it. The
    /// profile need not be there.
    static let awaitOrder = Statement(
        "node_lock_order",
        """
        SELECT set_config('lock_timeout', '1s', true), pg_advisory_xact_lock(1330004545, 1), count(*) FROM profile
        WHERE profile_id = $1::bigint
        """)

    /// The same on each node for a moment only. Returns the nodes where that failed, and why.
    static let awaitOrders = Statement(
        "node_await_orders",
        """
        SELECT nodename || ':' || nodeport, result FROM run_command_on_workers($$
            SELECT count(*) FROM (
                SELECT set_config('lock_timeout', '1s', true), pg_advisory_xact_lock(1330004545, 1)) AS locked
            $$)
        WHERE NOT success
        """)
}

import OvationCore

/// The settings of a connection, made before anything else runs on it.
enum Session {
    /// The oldest PostgreSQL that is tested and still maintained when this was written.
    static let versionMin = 130_000

    /// A transaction that its server abandoned must not hold its locks: exports and other servers wait for them. JIT is
    /// off, because its compiling costs more than any statement here.
    static let settings = Statement(
        "session_settings",
        """
        SELECT set_config('search_path', 'ovation', false), set_config('jit', 'off', false),
            set_config('lock_timeout', '5s', false), set_config('idle_in_transaction_session_timeout', '10s', false),
            set_config('tcp_keepalives_idle', '10', false), set_config('tcp_keepalives_interval', '5', false),
            set_config('tcp_keepalives_count', '3', false),
            set_config('default_transaction_isolation', 'read committed', false)
        """)

    /// An acknowledged event is on the disk, and on that of the synchronous standby if there is one. A stronger setting
    /// stays.
    static let durability = Statement(
        "session_durability",
        """
        SELECT set_config('synchronous_commit', 'on', false)
        WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write')
        """)

    /// Only has a meaning if Citus spreads the tables. One connection to each node: a group that needs several shards
    /// of a node would otherwise open one for each, and commit on each. A node that does not answer does not block for
    /// long.
    static let writingNodes = Statement(
        "session_writing_nodes",
        """
        SELECT set_config('citus.max_adaptive_executor_pool_size', '1', false),
            set_config('citus.node_connection_timeout', '2000', false)
        """)

    /// Searches and exports ask all shards, with few connections, which are kept.
    static let readingNodes = Statement(
        "session_reading_nodes",
        """
        SELECT set_config('citus.max_adaptive_executor_pool_size', '4', false),
            set_config('citus.max_cached_conns_per_worker', '4', false),
            set_config('citus.node_connection_timeout', '2000', false)
        """)

    /// A page and the sizes of its events fit into it. More would be written into files, and reads must work while the
    /// disk is full.
    static let readMemory = Statement(
        "session_read_memory",
        """
        SELECT set_config('work_mem', '16MB', false)
        WHERE pg_size_bytes(current_setting('work_mem')) < pg_size_bytes('16MB')
        """)

    static let readTimeout = Statement(
        "session_read_timeout", "SELECT set_config('statement_timeout', '15s', false)")

    static let synchronousCommit = Statement(
        "session_synchronous_commit", "SELECT current_setting('synchronous_commit')")

    enum Purpose {
        case reading
        case writing
    }

    static func open(
        _ target: ConnectionTarget, for purpose: Purpose, patience: Duration
    ) throws(PostgresFailure) -> PostgresConnection {
        let connection = try PostgresConnection(target, patience: patience)
        guard connection.serverVersion >= versionMin else {
            throw PostgresFailure(
                connection: "PostgreSQL \(connection.serverVersion / 10_000) is too old; 13 or newer is needed")
        }
        var commands = [Command(settings), Command(durability)]
        switch purpose {
        case .reading: commands += [Command(readTimeout), Command(readMemory), Command(readingNodes)]
        case .writing: commands.append(Command(writingNodes))
        }
        try connection.run(commands)
        return connection
    }
}

/// PostgreSQL locks with a meaning of ours. They are numbers that all programs in a database share, so the first of the
/// two is one that other programs are unlikely to use.
enum Locks {
    /// Held shared by every transaction that has drawn ids of events, to its end. A transaction that gets it alone knows that all
    /// ids drawn before are committed or will never be. A group that changes the states of profiles has it alone to its
    /// end: no post that relies on such a state is under way on any server.
    static let shareOrder = Statement("lock_order_shared", "SELECT pg_advisory_xact_lock_shared(1330004545, 1)")
    /// Later writers wait behind a waiting exclusive lock, so no transaction waits for long.
    static let awaitOrderBriefly = Statement("lock_order_timeout", "SELECT set_config('lock_timeout', '1s', true)")
    static let awaitOrder = Statement("lock_order", "SELECT pg_advisory_xact_lock(1330004545, 1)")

    /// One transaction at a time keeps and removes refused posts.
    static let rejections = Statement("lock_rejections", "SELECT pg_advisory_xact_lock(1330004545, 2)")
    static let tryRejections = Statement("try_lock_rejections", "SELECT pg_try_advisory_xact_lock(1330004545, 2)")

    /// One transaction at a time removes what is stored of erased profiles, or makes values of profiles that may be erased.
    static let erasures = Statement("lock_erasures", "SELECT pg_advisory_xact_lock(1330004545, 5)")
    static let tryErasures = Statement("try_lock_erasures", "SELECT pg_try_advisory_xact_lock(1330004545, 5)")

    /// One transaction at a time brings the tables up to date.
    static let migration = Statement("lock_migration", "SELECT pg_advisory_xact_lock(1330004545, 3)")

    /// Each writing connection of a server holds it shared, and a copy holds it exclusively: nothing is written to a
    /// store that is read or made row by row.
    static let serve = Statement("lock_serve", "SELECT pg_advisory_lock_shared(1330004545, 4)")
    static let tryServe = Statement("try_lock_serve", "SELECT pg_try_advisory_lock_shared(1330004545, 4)")
    static let beAlone = Statement("lock_alone", "SELECT pg_advisory_lock(1330004545, 4)")
    static let beAloneNoMore = Statement("unlock_alone", "SELECT pg_advisory_unlock(1330004545, 4)")

    /// The same, where it is not worth waiting for. false: another transaction has it.
    static let tryLog = Statement(
        "try_lock_log", "SELECT pg_try_advisory_xact_lock(1330004546, ($1::bigint % 2147483647)::integer)")

    /// One transaction at a time writes to the log of an account.
    static let log = Statement(
        "lock_log", "SELECT pg_advisory_xact_lock(1330004546, ($1::bigint % 2147483647)::integer)")

    /// Numbers of slots are lower.
    static let slotsMax: Int64 = 10_000

    /// A writer's own number for the life of its connection: the lowest that is free.
    static let takeSlot = Statement(
        "take_slot",
        """
        SELECT number::bigint FROM generate_series(0, 9999) AS number
        WHERE pg_try_advisory_lock(1330004547, number) LIMIT 1
        """)

    /// A writing connection holds it for its lifetime, under a number that it made up. If another connection gets it
    /// later, the first connection is gone and its transaction is over.
    static let beAlive = Statement("be_alive", "SELECT pg_advisory_lock(1330004548, $1::bigint::integer)")
    /// A session that waits for its standby, or for a node, does not notice that its connection was closed, and could
    /// wait for hours. Its committed work stays committed; its uncommitted work is rolled back.
    static let endSession = Statement(
        "end_session",
        """
        SELECT pg_terminate_backend(pid) FROM pg_locks
        WHERE locktype = 'advisory' AND classid = 1330004548 AND objid = $1::bigint::oid AND objsubid = 2 AND granted
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        """)
    static let awaitEnd = Statement("await_end", "SELECT pg_advisory_xact_lock(1330004548, $1::bigint::integer)")
}

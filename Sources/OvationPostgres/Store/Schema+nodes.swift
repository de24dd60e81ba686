extension Schema {
    static let nodeUsage = [
        // The number of events that lanes have stored on nodes of Citus by themselves. It is spread by the slot, and a lane has a
        // slot whose rows lie on its node, so it counts events in the commit that stores them. Elsewhere it is empty.
        """
        CREATE TABLE ovation.node_usage (
            slot         bigint NOT NULL,
            account_id   bigint NOT NULL,
            version_id   bigint NOT NULL,
            minute       bigint NOT NULL,              -- minutes since 1970; 0: all minutes that are kept no longer
            events       bigint NOT NULL,
            last_received_at bigint NOT NULL,
            PRIMARY KEY (slot, account_id, version_id, minute)
        ) WITH (fillfactor = 50)
        """
    ]
}

public import Logging
public import OvationCore

/// Spreads the tables over the nodes of Citus. See rule 9 of DESIGN.md for which, and why.
public enum PostgresDistribution {
    public struct Table: Sendable, Equatable {
        public enum Placement: Sendable, Equatable {
            /// In shards, by the hash of a column.
            case nodes(by: String, shards: Int64)
            case coordinator
        }

        public let name: String
        public let placement: Placement
        /// Whether this call has just put it there.
        public let isChanged: Bool
    }

    /// Brings the tables up to date and spreads those that are not spread. Stored rows are moved. Blocks.
    /// - Throws: `unusable` or `unavailable`, with a sentence that says what to do.
    public static func distribute(connection text: String, limits: Limits, logger: Logger) throws(StoreFailure)
        -> [Table]
    {
        let target = try ConnectionTarget(text)
        do {
            let connection = try Session.open(target, for: .writing, patience: limits.databaseAnswerMax)
            if let obstacle = try obstacle(connection) { throw StoreFailure(.unusable, obstacle) }
            try Migrator.migrate(connection, logger: logger)
            let before = try tables(connection)
            if before.contains(where: { !$0.isInPlace }) {
                if let obstacle = try servers(connection) { throw StoreFailure(.unusable, obstacle) }
                try spread(connection, onlyEmpty: false)
            }
            let after = try tables(connection)
            return after.map { table in
                let isChanged = before.contains { $0.name == table.name && $0.method != table.method }
                return Table(name: table.name, placement: table.placement, isChanged: isChanged)
            }
        } catch {
            let failure =
                (error as? PostgresFailure).map { StoreFailure($0) } ?? error as? StoreFailure
                ?? StoreFailure(.unusable, "\(error)")
            throw StoreFailure(failure.code, "\(target) cannot be spread: \(failure.message)")
        }
    }

    /// An empty store is spread at once if Citus is there and has nodes: later that would be work.
    static func spreadIfEmpty(_ connection: PostgresConnection, logger: Logger) throws(PostgresFailure) {
        guard try connection.run(CitusSQL.isThere).bool(0, 0),
            try tables(connection).contains(where: { !$0.isInPlace }),
            try connection.run(CitusSQL.isEmpty).bool(0, 0)
        else { return }
        do throws(PostgresFailure) {
            // Another server may be doing it.
            var why = try obstacle(connection)
            if why == nil { why = try servers(connection) }
            if why == nil, try spread(connection, onlyEmpty: true) {
                logger.notice("the tables are spread over the nodes of Citus")
            } else if let why {
                logger.warning("the tables are not spread over nodes of Citus", metadata: ["why": "\(why)"])
            }
        } catch {
            guard !error.isConnectionLost else { throw error }
            try connection.rollBackIfNeeded()
            logger.warning("the tables could not be spread over the nodes of Citus", metadata: ["why": "\(error)"])
        }
    }

    /// A table that a migration has added to a store which is spread is made known or spread, as the others were. It is empty.
    static func keepNew(_ connection: PostgresConnection) throws(PostgresFailure) {
        guard try connection.run(CitusSQL.isThere).bool(0, 0) else { return }
        func unknown() throws(PostgresFailure) -> [Found] {
            let found = try tables(connection)
            guard found.contains(where: { spreadBy[$0.name] != nil && $0.isInPlace }) else { return [] }
            return found.filter { (known.contains($0.name) || added.contains($0.name)) && !$0.isInPlace }
        }
        guard try !unknown().isEmpty else { return }
        try connection.run([Command(.begin), Command(Locks.migration)])
        // Another server may have been at it.
        for table in try unknown() {
            let commands = spreadBy[table.name].map { spread(table.name, by: $0, beside: "ovation.profile") }
            for command in commands ?? [Command(CitusSQL.keepHere) { $0.add("ovation." + table.name) }] {
                try connection.run([command], patience: patience)
            }
        }
        try connection.run([Command(.commit)])
    }

    // MARK: The tables

    /// The place of each table. The rest are tables of the coordinator that Citus need not know.
    ///
    /// `version_usage`, `profile_change` and `erasure` stay on the coordinator too, but Citus knows them: a transaction that
    /// writes to one of them and to a node then commits in two phases, so that the coordinator's commit decides both.
    static let spreadBy = ["event": "profile_id", "node_usage": "slot", "profile": "profile_id"]
    static let known = ["erasure", "profile_change", "version_usage"]
    /// Of those that are spread, the ones that came later.
    private static let added = ["node_usage"]

    struct Found: Equatable {
        let name: String
        /// `h`: spread. Empty: Citus does not know it.
        let method: String
        let column: String
        let shards: Int64

        var isInPlace: Bool {
            if PostgresDistribution.spreadBy[name] != nil { return method == "h" }
            return !PostgresDistribution.known.contains(name) || !method.isEmpty
        }

        var placement: Table.Placement { method == "h" ? .nodes(by: column, shards: shards) : .coordinator }
    }

    static func tables(_ connection: PostgresConnection) throws(PostgresFailure) -> [Found] {
        let rows = try connection.run(CitusSQL.tables) { $0.add(Schema.tables) }
        return (0..<rows.count).map {
            Found(
                name: rows.text($0, 0), method: rows.text($0, 1), column: rows.text($0, 2), shards: rows.int64($0, 3))
        }
    }

    /// The obstacle, with what to do about it. nil: there is none.
    static func obstacle(_ connection: PostgresConnection) throws(PostgresFailure) -> String? {
        guard try connection.run(CitusSQL.isThere).bool(0, 0) else {
            return "the database has no extension 'citus'. Where it is installed, a superuser makes it with CREATE "
                + "EXTENSION citus, on every node, and names the nodes with SELECT citus_add_node('host', 5432). Without "
                + "it the store works on one server as it is"
        }
        let facts = try connection.run(CitusSQL.facts)
        // Without nodes, Citus does not call it a coordinator.
        if facts.int64(0, 2) == 0 {
            return "the coordinator knows no nodes; name each with SELECT citus_add_node('host', 5432)"
        }
        if !facts.bool(0, 1) { return "this is a node of Citus and not its coordinator; name the coordinator" }
        if !facts.bool(0, 8) {
            return "the nodes do not know their coordinator; tell them with SELECT "
                + "citus_set_coordinator_host('host', 5432), by an address that they can reach"
        }
        if !facts.bool(0, 4) {
            return "the user '\(facts.text(0, 5))' may not end what nodes have prepared. A superuser grants it: GRANT "
                + "EXECUTE ON FUNCTION recover_prepared_transactions() TO \(facts.text(0, 5))"
        }
        return nil
    }

    /// Servers would continue as if everything were on one machine. nil: there are none.
    private static func servers(_ connection: PostgresConnection) throws(PostgresFailure) -> String? {
        let writers = try connection.run(CitusSQL.writers).int64(0, 0)
        guard writers > 0 else { return nil }
        return
            "servers of Ovation are at work in it (\(writers) connections that write). Stop them first; they find the "
            + "nodes when they start"
    }

    /// How long PostgreSQL may take to move stored rows.
    private static let patience = Duration.seconds(24 * 3600)

    private static func spread(_ name: String, by column: String, beside: String) -> [Command] {
        let table = "ovation." + name
        return [
            Command(CitusSQL.spread) {
                $0.add(table)
                $0.add(column)
                $0.add(beside)
            },
            Command(CitusSQL.dropLocalRows) { $0.add(table) },
        ]
    }

    /// All in one transaction, under the lock for bringing tables up to date. false: there was nothing to do.
    @discardableResult
    private static func spread(_ connection: PostgresConnection, onlyEmpty: Bool) throws(PostgresFailure) -> Bool {
        try connection.run(
            [Command(.begin), Command(Migrator.unbounded), Command(Locks.migration)], patience: patience)
        let found = try tables(connection)
        let isEmpty = try connection.run(CitusSQL.isEmpty).bool(0, 0)
        guard isEmpty || !onlyEmpty, found.contains(where: { !$0.isInPlace }) else {
            try connection.run([Command(.commit), Command(Session.settings)])
            return false
        }
        var commands: [Command] = []
        // Profiles come first: their rows decide where those that belong to them go.
        for (name, beside) in [
            ("profile", "none"), ("event", "ovation.profile"), ("node_usage", "ovation.profile"),
        ] {
            guard let column = spreadBy[name], found.contains(where: { $0.name == name && !$0.isInPlace }) else {
                continue
            }
            commands += spread(name, by: column, beside: beside)
        }
        for name in known where found.contains(where: { $0.name == name && !$0.isInPlace }) {
            commands.append(Command(CitusSQL.keepHere) { $0.add("ovation." + name) })
        }
        // One at a time, because later statements refer to what earlier ones made.
        for command in commands { try connection.run([command], patience: patience) }
        try connection.run([Command(.commit)], patience: patience)
        try connection.run([Command(Session.settings)])
        return true
    }
}

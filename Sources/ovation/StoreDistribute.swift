import ArgumentParser
import Foundation
import Logging
import OvationCore
import OvationPostgres

struct StoreDistribute: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "distribute", abstract: "Spread a store in PostgreSQL over the nodes of Citus.",
        discussion: """
            The database has to be that of a coordinator with the extension 'citus' and at least one node. Profiles and \
            events are spread by profile; everything else stays on the coordinator. Stored rows are moved, and \
            that takes as long as writing it anew. All of it happens, or nothing. A second run changes nothing.

            Stop the servers that use the store first. A server that starts with an empty database where Citus is ready \
            does this by itself.
            """)

    @Option(
        help: """
            The store, as a connection string of PostgreSQL such as postgres://user@coordinator/database. (default: \
            OVATION_STORE)
            """)
    var store: String?

    func run() async throws {
        guard let named = try StoreLocation.name(store) else {
            throw ValidationError("Name the store with --store postgres://user@coordinator/database.")
        }
        guard case .postgres(let text) = try StoreLocation(named) else {
            throw CommandFailure(
                "A store in SQLite is one file and cannot be spread. Name a database of PostgreSQL with --store "
                    + "postgres://user@coordinator/database.")
        }
        let tables: [PostgresDistribution.Table]
        do throws(StoreFailure) {
            tables = try PostgresDistribution.distribute(
                connection: text, limits: Limits(), logger: Logger(label: "ovation"))
        } catch {
            throw CommandFailure(error.message)
        }
        try Output.print(PostgresStore.describe(connection: text))
        let width = tables.map(\.name.count).max() ?? 0
        for table in tables {
            let name = table.name.padding(toLength: width, withPad: " ", startingAt: 0)
            try Output.print(
                "  \(name)  \(StoreDistribute.words(table.placement))\(table.isChanged ? ", done now" : "")")
        }
        try Output.print(tables.contains(where: \.isChanged) ? "The tables are spread." : "Nothing was left to do.")
    }

    private static func words(_ placement: PostgresDistribution.Table.Placement) -> String {
        switch placement {
        case .nodes(let column, let shards): "on the nodes, in \(shards) shards by \(column)"
        case .coordinator: "on the coordinator"
        }
    }
}

import ArgumentParser

/// What is done to a store itself, and not through a server.
struct StoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store", abstract: "The store itself: back it up, copy it, spread it over machines.",
        subcommands: [Backup.self, Copy.self, StoreDistribute.self])
}

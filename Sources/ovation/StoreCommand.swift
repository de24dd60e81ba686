import ArgumentParser

/// What is done to a store itself, with no server in between.
struct StoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store", abstract: "The store itself: spread it over machines.",
        subcommands: [StoreDistribute.self])
}

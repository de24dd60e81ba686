import ArgumentParser
import OvationPostgres
import OvationWire

@main
struct Ovation: AsyncParsableCommand {
    static let version = "0.2.0"

    static let configuration = CommandConfiguration(
        commandName: "ovation",
        abstract: "An audience event store of your own, wire-compatible with the APSIS One API.",
        discussion: """
            Start a server with 'ovation serve'. The other commands talk to a running server: they take --url, or \
            --region for the vendor's own hosts, and an API key from --client-id and --client-secret, from \
            OVATION_CLIENT_ID and OVATION_CLIENT_SECRET, or from ~/.config/ovation/client.yaml. 'ovation console' and \
            'ovation store' work on the server's machine and take the store instead.
            """,
        version: version,
        subcommands: [
            Serve.self, ReadyCommand.self, ConsoleCommand.self, ModelCommand.self, KeysCommand.self, TokenCommand.self,
            SectionsCommand.self, KeyspacesCommand.self, EventTypesCommand.self, ChannelsCommand.self,
            FoldersCommand.self, TopicsCommand.self, EventsCommand.self, ProfilesCommand.self, JobsCommand.self,
            ConsentsCommand.self,
            RejectionsCommand.self, StoreCommand.self, Doctor.self, Version.self,
        ])
}

struct Version: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Print the version.")

    func run() throws {
        try Output.print("ovation \(Ovation.version)")
    }
}

/// A failure with a sentence for the person at the terminal, and no stack of types around it.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String

    /// One line, whatever it quotes.
    init(_ line: String) {
        self.init(lines: [line])
    }

    init(lines: [String]) {
        description = lines.map { TerminalText.line(ConnectionSecrets.hidden(in: $0)) }.joined(separator: "\n")
    }
}

import ArgumentParser
import OvationClient
import OvationWire

struct ChannelsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "channels", abstract: "The ways to reach a person.", subcommands: [List.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the channels.",
            discussion: "KEYSPACE is the keyspace whose keys are the channel's addresses.")

        @OptionGroup var connection: ConnectionOptions
        @Flag(help: "One JSON object a line.") var json = false

        func run() async throws {
            let channels = try await connection.client().call(.listChannels).items
            if json { return try channels.forEach { try Output.print(json: JSONWriter.write($0.json)) } }
            try Columns.show(
                ["DISCRIMINATOR", "NAME", "KEYSPACE"],
                channels.map { [$0.discriminator, $0.name, $0.keyspaceDiscriminator ?? ""] })
        }
    }
}

struct FoldersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "folders", abstract: "The folders that topics are in.", subcommands: [List.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the folders of a section, or of all.")

        @OptionGroup var connection: ConnectionOptions
        @Option(help: "Only of this section, by its discriminator or name.") var section: String?
        @Flag(help: "One JSON object a line.") var json = false

        func run() async throws {
            let client = try connection.client()
            var rows: [[String]] = []
            for section in try await client.sections(section) {
                for folder in try await client.call(.listFolders, ["section": section]).items {
                    if json { try Output.print(json: JSONWriter.write(folder.json)) }
                    rows.append([section, folder.discriminator, folder.name])
                }
            }
            if !json { try Columns.show(["SECTION", "DISCRIMINATOR", "NAME"], rows) }
        }
    }
}

struct TopicsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "topics", abstract: "What people can consent to.", subcommands: [List.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the topics of a section, or of all.",
            discussion: "CHANNEL is the only channel of consents to a topic, or 'any'.")

        @OptionGroup var connection: ConnectionOptions
        @Option(help: "Only of this section, by its discriminator or name.") var section: String?
        @Flag(help: "One JSON object a line.") var json = false

        func run() async throws {
            let client = try connection.client()
            var rows: [[String]] = []
            for section in try await client.sections(section) {
                for topic in try await client.call(.listTopics, ["section": section]).items {
                    if json { try Output.print(json: JSONWriter.write(topic.json)) }
                    rows.append([
                        section, topic.discriminator, topic.name, topic.folderDiscriminator,
                        topic.channelDiscriminator ?? "any",
                    ])
                }
            }
            if !json { try Columns.show(["SECTION", "DISCRIMINATOR", "NAME", "FOLDER", "CHANNEL"], rows) }
        }
    }
}

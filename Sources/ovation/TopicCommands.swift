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
        commandName: "topics", abstract: "What people can consent to.", subcommands: [List.self, Counts.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the topics of a section, or of all.",
            discussion: """
                CHANNEL is the only channel of consents to a topic, or 'any'. OPT-INS and OPT-OUTS are the consents to it by \
                all channels; 'ovation topics counts' shows them by channel. A server of an older version does not tell them.
                """)

        @OptionGroup var connection: ConnectionOptions
        @Option(help: "Only of this section, by its discriminator or name.") var section: String?
        @Flag(help: "One JSON object a line, without the counts.") var json = false

        func run() async throws {
            let client = try connection.client()
            var rows: [[String]] = []
            for section in try await client.sections(section) {
                let topics = try await client.call(.listTopics, ["section": section]).items
                if json { try topics.forEach { try Output.print(json: JSONWriter.write($0.json)) } }
                guard !json, !topics.isEmpty else { continue }
                let counts = try await client.consentCounts(section)
                for topic in topics {
                    let own = counts?.filter {
                        $0.topicDiscriminator == topic.discriminator && $0.channelDiscriminator != nil
                    }
                    let optIns = own?.reduce(0) { $0 + $1.optIn + $1.confirmedOptIn }
                    let optOuts = own?.reduce(0) { $0 + $1.optOut }
                    rows.append([
                        section, topic.discriminator, topic.name, topic.folderDiscriminator,
                        topic.channelDiscriminator ?? "any", optIns.map { "\($0)" } ?? "?",
                        optOuts.map { "\($0)" } ?? "?",
                    ])
                }
            }
            if !json {
                try Columns.show(
                    ["SECTION", "DISCRIMINATOR", "NAME", "FOLDER", "CHANNEL", "OPT-INS", "OPT-OUTS"], rows)
            }
        }
    }

    struct Counts: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show how many profiles have opted in to each topic, and out of it.",
            discussion: """
                By channel. A profile counts once, whatever its keys. One that is locked does not count. CHANNEL is empty for \
                subscriptions of the first generation of the API.
                """)

        @OptionGroup var connection: ConnectionOptions
        @Option(help: "Only of this section, by its discriminator or name.") var section: String?
        @Flag(help: "One JSON object a line.") var json = false

        func run() async throws {
            let client = try connection.client()
            var rows: [[String]] = []
            for section in try await client.sections(section) {
                for count in try await client.call(.listConsentCounts, ["section": section]).items {
                    if json { try Output.print(json: JSONWriter.write(count.json)) }
                    let numbers = [count.optIn, count.pendingOptIn, count.confirmedOptIn, count.optOut]
                    rows.append(
                        [section, count.topicDiscriminator, count.channelDiscriminator ?? ""]
                            + numbers.map { "\($0)" })
                }
            }
            if !json {
                try Columns.show(
                    ["SECTION", "TOPIC", "CHANNEL", "OPT-IN", "PENDING", "CONFIRMED", "OPT-OUT"], rows)
            }
        }
    }
}

extension APIClient {
    /// nil: the server does not tell them.
    fileprivate func consentCounts(_ section: String) async throws(ClientFailure) -> [Bodies.ConsentCount]? {
        do throws(ClientFailure) {
            return try await call(.listConsentCounts, ["section": section]).items
        } catch {
            guard error.status == 404 else { throw error }
            return nil
        }
    }
}

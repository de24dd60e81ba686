import ArgumentParser
import OvationClient
import OvationCore
import OvationWire

struct EventsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Post events to a profile, read them back; import, export and watch them.",
        subcommands: [Post.self, List.self, Import.self, Export.self, Tail.self])

    /// Whose events.
    struct ProfileOptions: ParsableArguments {
        @Option(help: "Discriminator of the keyspace.") var keyspace = "com.apsis1.keyspaces.email"
        @Option(help: "Profile key, as it is: not percent-encoded.") var key: String
        @Option(help: "Section, by its discriminator or name.") var section = "com.apsis1.sections.default"

        /// - Parameter section: its discriminator.
        func path(in section: String) -> KeyValuePairs<String, String> {
            ["keyspace": keyspace, "key": key, "section": section]
        }
    }

    struct Post: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Post the events of a JSON file: {\"items\": [...]}, a list of items, or one item.")

        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var profile: ProfileOptions
        @Option(help: "Makes it safe to run the command again: the same key stores once.") var idempotencyKey: String?
        @Flag(help: "Check everything and store nothing.") var validateOnly = false
        @Argument(help: "JSON file, or - for standard input.") var file = "-"

        func run() async throws {
            let events = try events()
            var headers: [(String, String)] = idempotencyKey.map { [("idempotency-key", $0)] } ?? []
            if validateOnly { headers.append(("prefer", "validate-only")) }
            let client = try connection.client()
            let section = try await client.section(named: profile.section)
            try await client.call(.postEvents, profile.path(in: section), written: events.json, headers: headers)
            let count = events.items?.array?.count ?? 0
            try Output.print(
                "\(count) \(count == 1 ? "event" : "events") \(validateOnly ? "valid, nothing stored." : "stored.")")
        }

        private func events() throws -> Bodies.UnreadPost {
            let data = try InputFile.read(file)
            do throws(Problem) {
                let json = try JSONValue(parsing: data)
                var events = Bodies.UnreadPost()
                if case .array = json {
                    events.items = json
                } else {
                    events = try Bodies.UnreadPost(json: json)
                    // One event alone.
                    events.items = events.items ?? .array([json])
                }
                return events
            } catch {
                throw CommandFailure("\(file): \(error.detail)")
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print a profile's events, newest first, one JSON object a line.")

        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var profile: ProfileOptions
        @Option(
            name: [.long, .customLong("event")],
            help: "Only this event type, by its discriminator or name; repeatable.")
        var eventType: [String] = []
        @Option(help: "From this time on, as 2020-10-14T09:43:34Z.") var from: String?
        @Option(help: "Up to this time, not including it.") var to: String?
        @Option(help: "How many at most.") var limit = 100

        func run() async throws {
            let client = try connection.client()
            let section = try await client.section(named: profile.section)
            var query = try await client.eventTypes(named: eventType, in: section).map { ("event_discriminators", $0) }
            if let from { query.append(("from", from)) }
            if let to { query.append(("to", to)) }
            let pages = client.pages(
                .listEvents, profile.path(in: section), query: query, upTo: limit, by: Limits.pageSizeMax)
            for try await page in pages {
                for event in page.items { try Output.print(json: JSONWriter.write(event.json)) }
            }
        }
    }
}

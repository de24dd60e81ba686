import ArgumentParser
import OvationClient
import OvationCore
import OvationWire

struct SectionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sections", abstract: "The sections that the API key may see.", subcommands: [List.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the sections.")

        @OptionGroup var connection: ConnectionOptions
        @Flag(help: "One JSON object a line.") var json = false

        func run() async throws {
            let sections = try await connection.client().call(.listSections).items
            if json { return try sections.forEach { try Output.print(json: JSONWriter.write($0.json)) } }
            try Columns.show(["DISCRIMINATOR", "NAME"], sections.map { [$0.discriminator, $0.name] })
        }
    }
}

struct KeyspacesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keyspaces", abstract: "The keyspaces that the API key may use.", subcommands: [List.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the keyspaces.")

        @OptionGroup var connection: ConnectionOptions
        @Flag(help: "One JSON object a line.") var json = false

        func run() async throws {
            let keyspaces = try await connection.client().call(.listKeyspaces).items
            if json { return try keyspaces.forEach { try Output.print(json: JSONWriter.write($0.json)) } }
            try Columns.show(
                ["DISCRIMINATOR", "NAME", "KEY FORMAT", "SUBSCRIPTIONS"],
                keyspaces.map {
                    [$0.discriminator, $0.name, $0.keyFormat.rawValue, $0.managesSubscriptions ? "yes" : "no"]
                })
        }
    }
}

struct EventTypesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "event-types", abstract: "Event types, their versions and fields.",
        subcommands: [List.self, Show.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the event types of a section, or of all.",
            discussion: "VERSION is the id of the current version: the one to post events with.")

        @OptionGroup var connection: ConnectionOptions
        @Option(help: "Only of this section, by its discriminator or name.") var section: String?
        @Flag(help: "One JSON object a line.") var json = false

        func run() async throws {
            let client = try connection.client()
            let types = try await client.eventTypes(in: client.section(ifNamed: section))
            if json { return try types.forEach { try Output.print(json: JSONWriter.write($0.type.json)) } }
            let rows = types.map { section, type in
                let current = type.versions.first
                return [section, type.discriminator, type.name, current?.id ?? "", current.map(fieldWords) ?? ""]
            }
            try Columns.show(["SECTION", "DISCRIMINATOR", "NAME", "VERSION", "FIELDS"], rows)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show an event type: its versions, fields and permissions.",
            discussion: """
                Without --section, all sections are looked through. An event type that has only drafts is in no list: give \
                its discriminator and --section.

                Examples:
                  ovation event-types show "Coffee sold"
                  ovation event-types show "Coffee sold" --section Shop --json
                """)

        @OptionGroup var connection: ConnectionOptions
        @Option(help: "Section, by its discriminator or name. (default: all)") var section: String?
        @Flag(help: "The whole of it as one JSON object.") var json = false
        @Argument(help: "Event type, by its discriminator or name.") var eventType: String

        func run() async throws {
            let client = try connection.client()
            let (section, event) = try await place(client)
            let type = try await client.call(.getEventType, ["section": section, "event": event])
            guard !json else { return try Output.print(json: JSONWriter.write(type.json)) }
            for line in lines(type.content) { try Output.print(line) }
        }

        /// Its section and its discriminator.
        private func place(_ client: APIClient) async throws -> (section: String, event: String) {
            if let section = try await client.section(ifNamed: section) {
                return (section, try await client.eventType(named: eventType, in: section))
            }
            let all = try await client.eventTypes(in: nil)
            let event = try Named.one(
                eventType, of: all.map { Named(discriminator: $0.type.discriminator, name: $0.type.name) },
                called: "event type", list: "ovation event-types list")
            return (all.first { $0.type.discriminator == event }?.section ?? "", event)
        }

        private func lines(_ type: Bodies.FullEventType) -> [String] {
            var lines = [
                type.name, "  discriminator  \(type.discriminator)", "  section        \(type.sectionDiscriminator)",
                "  category       \(type.category.rawValue)",
            ]
            if !type.description.isEmpty { lines.append("  description    \(type.description)") }
            if let removed = type.removedAt { lines.append("  removed        \(removed)") }
            let drafts = type.drafts.map { ($0, "draft") }
            let published = type.versions.map { version in
                (version, version.deprecatedAt.map { "deprecated since \($0)" } ?? "current")
            }
            for (version, state) in published + drafts {
                lines.append("  version \(version.id), \(state), valid from \(version.validFrom)")
                for field in version.type.entries {
                    let isRequired = version.required?.contains(field.name) == true
                    lines.append("    \(field.name): \(field.value.rawValue)\(isRequired ? ", required" : "")")
                }
            }
            for permission in type.keyspacePermissions where permission.read || permission.write {
                let words = [permission.read ? "read" : nil, permission.write ? "write" : nil].compactMap { $0 }
                lines.append("  keyspace \(permission.keyspaceDiscriminator): \(words.joined(separator: " and "))")
            }
            return lines
        }
    }

    /// `cups integer, source string`
    private static func fieldWords(_ version: Bodies.Version) -> String {
        version.type.entries.map { "\($0.name) \($0.value.rawValue)" }.joined(separator: ", ")
    }
}

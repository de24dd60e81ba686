import ArgumentParser
import OvationClient
import OvationCore
import OvationWire

extension ProfilesCommand {
    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Export all profiles of a section, or everything that is stored of one person.",
            discussion: """
                Without a key: all profiles with what they hold in a section, as lines of JSON or as CSV. Each profile comes \
                once. One that is merged with another during the export can come again; then the later line counts. An \
                export that breaks off is tried again, and goes on where it was.

                With a key: one JSON file with the profile, its keys and members, and for each section its attributes, tags \
                and consents, what was changed of them, and all events, newest first. For an answer to a person who asks what \
                you store, use an admin key: it gives all sections, and also what may not be read through the keyspace. With \
                an integration's key, say --only-readable.

                It is personal data: nobody else on the machine can read the file.

                Examples:
                  ovation profiles export -o people.ndjson
                  ovation profiles export --format csv --section Newsletter -o people.csv
                  ovation profiles export | gzip > people.ndjson.gz
                  ovation profiles export steve@apsis.com -o steve.json
                """)

        @OptionGroup var connection: ConnectionOptions
        @Argument(help: "Profile key, as it is: not percent-encoded. (default: all profiles)") var key: String?
        @OptionGroup(title: "All profiles") var all: AllProfiles
        @Option(help: "With a key: discriminator of its keyspace. (default: com.apsis1.keyspaces.email)")
        var keyspace: String?
        @Flag(help: "With a key: only what may be read through the keyspace.") var onlyReadable = false
        @Flag(name: .shortAndLong, help: "Show no progress, and do not say at the end what was written.")
        var quiet = false
        @Flag(help: "For scripts that give it to every command; an export of one person is JSON in any case.")
        var json = false
        @Option(name: .shortAndLong, help: "File to write. (default: standard output)") var output: String?

        func validate() throws {
            if key != nil, let option = all.given {
                throw ValidationError("\(option) is for an export of all profiles; leave out the key.")
            }
            guard key == nil else { return }
            if keyspace != nil || onlyReadable {
                throw ValidationError("--keyspace and --only-readable are for the export of one person; name a key.")
            }
            try all.check()
            if json, all.format == .csv { throw ValidationError("--json and --format csv exclude each other.") }
        }

        func run() async throws {
            let client = try connection.client()
            guard let key else { return try await all.export(client, to: output, isQuiet: quiet) }
            var profile = KeyOptions()
            profile.key = key
            profile.keyspace = keyspace ?? "com.apsis1.keyspaces.email"
            let query = onlyReadable ? [] : [("ignore_keyspace_permissions", "true")]
            // Before the file is made: what is not there leaves no file.
            let path = profile.path
            let shown = try await profile.orSayHowToCreate {
                try await client.call(.getProfile, path, query: query)
            }
            let sections = try await client.call(.listSections).content.items
            let file = try OutputFile(output)
            defer { file.discardIfEmpty() }
            var export = PersonExport(client: client, profile: profile, query: query, file: file)
            try await export.write(shown.content, sections)
            try file.finish()
            if !quiet { StandardError.write(export.summary) }
        }
    }
}

/// Everything of one person as one JSON object, written page by page, however many events there are.
private struct PersonExport {
    let client: APIClient
    let profile: ProfilesCommand.KeyOptions
    let query: [(String, String)]
    let file: OutputFile
    private var attributes = 0
    private var tags = 0
    private var consents = 0
    private var changes = 0
    private var events = 0

    init(client: APIClient, profile: ProfilesCommand.KeyOptions, query: [(String, String)], file: OutputFile) {
        self.client = client
        self.profile = profile
        self.query = query
        self.file = file
    }

    var summary: String {
        let counts = [
            (attributes, "attribute"), (tags, "tag"), (consents, "consent"), (changes, "change"), (events, "event"),
        ]
        return counts.map { Figures.count($0.0, of: $0.1) }.joined(separator: ", ") + "."
    }

    mutating func write(_ shown: Bodies.ProfileWithCounts, _ sections: [Bodies.Section]) async throws {
        try write("{\"profile\":" + text(shown.profile.json) + ",\n\"sections\":[")
        for (index, section) in sections.enumerated() {
            let own = shown.sections.first { $0.sectionDiscriminator == section.discriminator }
            let values = (own?.attributes ?? []).map(\.json)
            let marks = (own?.tags ?? []).map(\.json)
            attributes += values.count
            let said = (own?.consents ?? []).map(\.json)
            tags += marks.count
            consents += said.count
            let path = profile.path(in: section.discriminator)
            try write(
                (index > 0 ? ",\n" : "\n") + "{\"section_discriminator\":" + text(.string(section.discriminator))
                    + ",\n\"name\":" + text(.string(section.name)) + ",\n\"attributes\":" + text(.array(values))
                    + ",\n\"tags\":" + text(.array(marks)) + ",\n\"consents\":" + text(.array(said))
                    + ",\n\"changes\":[")
            changes += try await write(
                client.pages(.listProfileChanges, path, query: query, by: Limits.changesPageMax))
            try write("],\n\"events\":[")
            events += try await write(client.pages(.listEvents, path, query: query, by: Limits.pageSizeMax))
            try write("]}")
        }
        try write("\n]}\n")
    }

    /// - Returns: how many items were written, one a line.
    private func write<Answer: PagedBody>(_ pages: Pages<Answer>) async throws -> Int {
        var count = 0
        for try await page in pages {
            var lines = ""
            for item in page.items {
                lines += (count > 0 ? ",\n" : "\n") + text(item.json)
                count += 1
            }
            if !lines.isEmpty { try write(lines) }
        }
        return count
    }

    private func text(_ json: JSONValue) -> String { String(decoding: JSONWriter.write(json), as: UTF8.self) }

    private func write(_ text: String) throws {
        var shown = file.isTerminal ? TerminalText.lines(text) : text
        try shown.withUTF8 { try file.write(UnsafeRawBufferPointer($0)) }
    }
}

import ArgumentParser
import OvationClient
import OvationCore
import OvationWire

extension ProfilesCommand {
    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write everything that is stored of one person into one JSON file.",
            discussion: """
                The file has the profile with its keys and members, and for each section its attributes, tags and consents, what was changed \
                of them, and all events, newest first. It is personal data: nobody else on the machine can read it.

                For an answer to a person who asks what you store, use an admin key: it gives all sections, and also what \
                may not be read through the keyspace. With an integration's key, say --only-readable.

                ovation profiles export steve@apsis.com -o steve.json
                """)

        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var profile: KeyOptions
        @Flag(help: "Only what may be read through the keyspace.") var onlyReadable = false
        @Flag(name: .shortAndLong, help: "Do not say at the end what was written.") var quiet = false
        @Flag(help: "For scripts that give it to every command; an export is JSON in any case.") var json = false
        @Option(name: .shortAndLong, help: "File to write. (default: standard output)") var output: String?

        func run() async throws {
            let client = try connection.client()
            let query = onlyReadable ? [] : [("ignore_keyspace_permissions", "true")]
            // Before the file is made: what is not there leaves no file.
            let shown = try await profile.orSayHowToCreate {
                try await client.call(.getProfile, profile.path, query: query)
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

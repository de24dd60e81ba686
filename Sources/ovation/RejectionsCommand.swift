import ArgumentParser
import OvationCore
import OvationWire

struct RejectionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rejections", abstract: "Refused posts: list, show, put right and replay, dismiss.",
        subcommands: [List.self, Show.self, Replay.self, Dismiss.self])

    /// Which one, as `rejections list` prints it.
    struct Place: ParsableArguments {
        @Option(help: "Discriminator of the section.") var section = "com.apsis1.sections.default"
        @Argument(help: "Id of the rejection.") var id: String

        var path: KeyValuePairs<String, String> { ["section": section, "id": id] }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List refused posts, newest first.")

        @OptionGroup var connection: ConnectionOptions
        @Option(help: "Only of this section.") var section: String?
        @Option(help: "open or replayed. (default: both)") var state: String?
        @Option(help: "Only with this problem code.") var code: String?
        @Option(help: "Only with this text in key, code, detail or body.") var search: String?
        @Option(help: "How many at most.") var limit = 50
        @Flag(help: "One JSON object a line instead.") var json = false

        func run() async throws {
            let client = try connection.client()
            var filters: [(String, String)] = []
            for (name, value) in [("section", section), ("state", state), ("code", code), ("q", search)] {
                if let value { filters.append((name, value)) }
            }
            var left = limit
            var before: String?
            while left > 0 {
                var query = filters + [("limit", String(min(left, Limits.rejectionPageMax)))]
                if let before { query.append(("before", before)) }
                let answer = try await client.call(.listAllRejections, query: query)
                for rejection in answer["items"]?.array ?? [] {
                    if json {
                        try Output.print(json: JSONWriter.write(rejection))
                    } else {
                        try Output.print(List.line(rejection))
                    }
                    left -= 1
                }
                before = answer["next_before"]?.string
                if before == nil { return }
            }
        }

        private static func line(_ rejection: JSONValue) -> String {
            let names = ["id", "received_at", "state", "section_discriminator", "code", "detail"]
            return names.map { rejection[$0]?.string ?? "" }.joined(separator: "  ")
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the body of a refused post; why it was refused goes to standard error.")

        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var place: Place

        func run() async throws {
            let rejection = try await connection.client().call(.getRejection, place.path)
            var notes = ["\(rejection["code"]?.string ?? ""): \(rejection["detail"]?.string ?? "")"]
            for error in rejection["errors"]?.array ?? [] {
                notes.append("  \(error["pointer"]?.string ?? ""): \(error["detail"]?.string ?? "")")
            }
            for note in notes { StandardError.writeLine(note) }
            let text = rejection["body"]?.string ?? ""
            if let json = try? JSONValue(parsing: text) {
                try Output.print(json: Array(JSONWriter.writeIndented(json).utf8))
            } else {
                try Output.print(lines: text)
            }
        }
    }

    struct Replay: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Post what was refused again: as it was, or as a file has it.",
            discussion: "ovation rejections show ID > body.json; edit it; ovation rejections replay ID body.json")

        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var place: Place
        @Option(help: "Post to this profile key instead.") var key: String?
        @Flag(help: "Check everything and store nothing.") var validateOnly = false
        @Argument(help: "JSON file to post instead, or - for standard input.") var file: String?

        func run() async throws {
            var members: [JSONValue.Member] = []
            if let file {
                do {
                    let items = try JSONValue(parsing: InputFile.read(file))["items"]
                    guard let items else { throw CommandFailure("\(file) has no list of events in 'items'.") }
                    members = [.init("items", items)]
                } catch let problem as Problem {
                    throw CommandFailure("\(file): \(problem.detail)")
                }
            }
            if let key { members.append(.init("profile_key", .string(key))) }
            try await connection.client().call(
                .replayRejection, place.path, body: members.isEmpty ? nil : .object(members),
                headers: validateOnly ? [("prefer", "validate-only")] : [])
            try Output.print(validateOnly ? "It would be accepted; nothing stored." : "Stored.")
        }
    }

    struct Dismiss: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Delete a refused post.")

        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var place: Place

        func run() async throws {
            try await connection.client().call(.discardRejection, place.path)
            try Output.print("Dismissed.")
        }
    }
}

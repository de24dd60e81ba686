import ArgumentParser
import OvationClient
import OvationCore
import OvationWire

struct RejectionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rejections", abstract: "Refused posts: list, show, correct and replay, dismiss.",
        discussion: """
            'causes' groups what is open by what is wrong with it: after you correct a mistake, replay its cause as a whole.

            ovation rejections causes
            ovation rejections replay --cause CAUSE --dry-run
            ovation rejections replay --cause CAUSE
            """,
        subcommands: [Causes.self, List.self, Show.self, Replay.self, Dismiss.self])

    /// Which one, as `rejections list` prints it.
    struct RejectionOptions: ParsableArguments {
        @Option(help: "Section, by its discriminator or name.") var section = RejectionsCommand.defaultSection
        @Argument(help: "Id of the rejection.") var id: String

        func path(_ client: APIClient) async throws -> KeyValuePairs<String, String> {
            ["section": try await client.section(named: section), "id": id]
        }
    }

    fileprivate static let defaultSection = "com.apsis1.sections.default"

    /// One rejection, or all of a cause as `rejections causes` prints it.
    struct Target: ParsableArguments {
        @Option(help: "Section, by its discriminator or name. (default: \(RejectionsCommand.defaultSection))")
        var section: String?
        @Option(help: "All open rejections of this cause instead of one; see 'rejections causes'.") var cause: String?
        @Argument(help: "Id of the rejection.") var id: String?

        func validate() throws {
            guard (id == nil) != (cause == nil) else {
                throw ValidationError("Give the id of a rejection, or --cause and the id of a cause.")
            }
            guard cause == nil || section == nil else {
                throw ValidationError("A cause is of one section already; leave out --section.")
            }
        }

        func path(_ client: APIClient) async throws -> KeyValuePairs<String, String> {
            let section = try await client.section(named: section ?? RejectionsCommand.defaultSection)
            return ["section": section, "id": id ?? ""]
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List refused posts, newest first.")

        @OptionGroup var connection: ConnectionOptions
        @Option(help: "Only of this section, by its discriminator or name.") var section: String?
        @Option(help: "open or replayed. (default: both)") var state: String?
        @Option(help: "Only with this problem code.") var code: String?
        @Option(help: "Only with an error of this code.") var itemCode: String?
        @Option(help: "Only with an error in an event of this type, by its discriminator or name.") var eventType:
            String?
        @Option(help: "Only of this cause; see 'rejections causes'.") var cause: String?
        @Option(help: "Only with this text in key, code, detail or body.") var search: String?
        @Option(help: "How many at most.") var limit = 50
        @Flag(help: "One JSON object a line instead.") var json = false

        func run() async throws {
            let client = try connection.client()
            let section = try await client.section(ifNamed: section)
            let eventType = try await client.eventType(ifNamed: eventType, in: section)
            var filters: [(String, String)] = []
            let given = [
                ("section", section), ("state", state), ("code", code), ("item_code", itemCode),
                ("event_discriminator", eventType), ("cause", cause), ("q", search),
            ]
            for (name, value) in given { if let value { filters.append((name, value)) } }
            let pages = client.pages(
                .listAllRejections, query: filters, upTo: limit, by: Limits.rejectionPageMax)
            for try await page in pages {
                for rejection in page.items {
                    if json {
                        try Output.print(json: JSONWriter.write(rejection.json))
                    } else {
                        try Output.print(List.line(rejection.content))
                    }
                }
            }
        }

        private static func line(_ rejection: Bodies.Rejection) -> String {
            let words = [
                rejection.id, rejection.receivedAt.rfc3339, rejection.state.rawValue, rejection.sectionDiscriminator,
                rejection.code, rejection.detail,
            ]
            return words.joined(separator: "  ")
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the body of a refused post; why it was refused goes to standard error.")

        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var rejection: RejectionOptions

        func run() async throws {
            let client = try connection.client()
            let shown = try await client.call(.getRejection, rejection.path(client))
            var notes = ["\(shown.rejection.code): \(shown.rejection.detail)"]
            notes += shown.rejection.errors.map { "  \($0.pointer): \($0.detail)" }
            for note in notes { StandardError.writeLine(note) }
            if let json = try? JSONValue(parsing: shown.body) {
                try Output.print(json: Array(JSONWriter.writeIndented(json).utf8))
            } else {
                try Output.print(lines: shown.body)
            }
        }
    }

    struct Replay: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Replay a refused post, unchanged or from a file.",
            discussion: """
                One rejection, put right:
                ovation rejections show ID > body.json; edit it; ovation rejections replay ID body.json

                All open rejections of a cause, as they were. What is refused again stays open; you may repeat the \
                command, nothing is stored twice:
                ovation rejections replay --cause CAUSE --dry-run
                ovation rejections replay --cause CAUSE
                """)

        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var target: Target
        @Option(help: "Post to this profile key instead.") var key: String?
        @Flag(name: [.long, .customLong("validate-only")], help: "Check everything and store nothing.")
        var dryRun = false
        @Argument(help: "JSON file to post instead, or - for standard input.") var file: String?

        func validate() throws {
            guard target.cause == nil || (key == nil && file == nil) else {
                throw ValidationError("A cause is replayed as it was refused; --key and a file are for one rejection.")
            }
        }

        private var headers: [(String, String)] { dryRun ? [("prefer", "validate-only")] : [] }

        func run() async throws {
            let client = try connection.client()
            if let cause = target.cause { return try await replay(cause, client) }
            var events = Bodies.UnreadEvents()
            if let file { events.items = try Replay.items(file) }
            events.profileKey = key
            let isAsItWas = file == nil && key == nil
            try await client.call(
                .replayRejection, target.path(client), written: isAsItWas ? nil : events.json, headers: headers)
            try Output.print(dryRun ? "It would be accepted; nothing stored." : "Stored.")
        }

        private static func items(_ file: String) throws -> JSONValue {
            let json: JSONValue
            do {
                json = try JSONValue(parsing: InputFile.read(file))
            } catch let problem as Problem {
                throw CommandFailure("\(file): \(problem.detail)")
            }
            guard let items = (try? Bodies.UnreadEvents(json: json))?.items else {
                throw CommandFailure("\(file) has no list of events in 'items'.")
            }
            return items
        }

        /// Step by step, up to the newest rejection there was at the beginning.
        private func replay(_ cause: String, _ client: APIClient) async throws {
            // Of a cause that is none, or no longer, it says so.
            try await client.call(.getRejectionCause, ["cause": cause])
            var report = ReplayReport()
            repeat {
                var query: [(String, String)] = []
                if let after = report.nextAfter {
                    query = [("after", String(after)), ("through", String(report.through))]
                }
                report.add(
                    ReplayReport(
                        try await client.call(
                            .replayRejectionCause, ["cause": cause], query: query, headers: headers
                        ).content))
                if report.nextAfter != nil {
                    StandardError.writeLine("\(report.looked) done, \(report.remaining) to go")
                }
            } while report.nextAfter != nil
            for line in Replay.lines(report, isDryRun: dryRun) { try Output.print(line) }
            guard report.failed == 0 else { throw ExitCode.failure }
        }

        private static func lines(_ report: ReplayReport, isDryRun: Bool) -> [String] {
            let events = "\(report.passedEvents) event\(report.passedEvents == 1 ? "" : "s")"
            var lines = [
                isDryRun
                    ? "\(report.passed) would pass with \(events), \(report.failed) would be refused again; nothing stored."
                    : "\(report.passed) replayed with \(events), \(report.failed) refused again and left open."
            ]
            if report.closedMeanwhile > 0 {
                lines.append("\(report.closedMeanwhile) were replayed or dismissed by another person meanwhile.")
            }
            for failure in report.failures {
                let words = [
                    "\(failure.count)", failure.itemCode ?? failure.code, failure.pointer, failure.eventType ?? "",
                ]
                lines.append(
                    "  " + words.filter { !$0.isEmpty }.joined(separator: "  ") + "  (such as \(failure.example))")
            }
            if report.failuresOmitted > 0 { lines.append("  \(report.failuresOmitted) for other reasons") }
            return lines
        }
    }

    struct Dismiss: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete a refused post, or the open ones of a cause.",
            discussion: "What is deleted cannot be replayed any more. --dry-run says how many it would be.")

        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var target: Target
        @Flag(help: "Say how many it would be, and delete nothing.") var dryRun = false

        func run() async throws {
            let client = try connection.client()
            guard let cause = target.cause else {
                if dryRun {
                    try await client.call(.getRejection, target.path(client))
                    return try Output.print("It would be dismissed; nothing deleted.")
                }
                try await client.call(.dismissRejection, target.path(client))
                return try Output.print("Dismissed.")
            }
            // Of a cause that is none, or no longer, it says so.
            let open = try await client.call(.getRejectionCause, ["cause": cause])
            if dryRun {
                return try Output.print("\(open.rejectionCount) would be dismissed; nothing deleted.")
            }
            var dismissed: Int64 = 0
            var remaining: Int64 = 0
            repeat {
                // What came after what was counted stays.
                let answer = try await client.call(
                    .dismissRejectionCause, ["cause": cause], query: [("through", open.exampleID)])
                dismissed += answer.dismissed
                remaining = answer.remaining
            } while remaining > 0
            try Output.print("\(dismissed) dismissed.")
        }
    }
}

extension RejectionsCommand {
    struct Causes: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List what is open by its cause: how many, since when, what is wrong and where.",
            discussion: """
                Each line has the cause's id, rejections, events, time of the last one, section, codes, event type, \
                place in the body and client id of the API key. The id is what --cause of list, replay and dismiss takes.
                """)

        @OptionGroup var connection: ConnectionOptions
        @Option(help: "Only of this section, by its discriminator or name.") var section: String?
        @Option(help: "Only with this problem code.") var code: String?
        @Option(help: "Only causes with an error of this code.") var itemCode: String?
        @Option(help: "Only causes with an error in an event of this type, by its discriminator or name.")
        var eventType: String?
        @Option(help: "How many at most, up to \(Limits.rejectionCausesMax).") var limit = 50
        @Flag(help: "One JSON object a line instead.") var json = false

        func run() async throws {
            let client = try connection.client()
            let section = try await client.section(ifNamed: section)
            let eventType = try await client.eventType(ifNamed: eventType, in: section)
            var query = [("limit", String(limit))]
            let given = [
                ("section", section), ("code", code), ("item_code", itemCode), ("event_discriminator", eventType),
            ]
            for (name, value) in given { if let value { query.append((name, value)) } }
            let answer = try await client.call(.listRejectionCauses, query: query)
            for cause in answer.items {
                if json {
                    try Output.print(json: JSONWriter.write(cause.json))
                } else {
                    try Output.print(Causes.line(cause.content))
                }
            }
            if answer.causesOmitted > 0 {
                StandardError.writeLine(
                    "\(answer.causesOmitted) more causes, each with no more rejections than these")
            }
        }

        private static func line(_ cause: Bodies.RejectionCause) -> String {
            let words = [
                cause.cause, String(cause.rejectionCount), String(cause.eventCount), cause.lastReceivedAt.rfc3339,
                cause.subject.sectionDiscriminator, cause.subject.code, cause.subject.itemCode,
                cause.subject.eventDiscriminator, cause.subject.pointer, cause.clientID,
            ]
            return words.map { ($0 ?? "").isEmpty ? "-" : $0 ?? "" }.joined(separator: "  ")
        }
    }
}

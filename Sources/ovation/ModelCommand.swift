import ArgumentParser
import OvationClient
import OvationCore
import OvationModelFile
import OvationWire
import SystemPackage

struct ModelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model", abstract: "The data model as a YAML file: see, compare, apply, export.",
        subcommands: [Plan.self, Apply.self, Export.self, Log.self])

    struct Plan: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what applying a file would change, and what it would break. Changes nothing.",
            discussion: """
                The exit code is 0, and with --exit-code 2 if there is something to change. After a failure it is another one.
                """)

        @OptionGroup var connection: ConnectionOptions
        @Flag(help: "Exit with 2 if there is something to change.") var exitCode = false
        @Argument(help: "YAML file, or - for standard input.") var file: String

        func run() async throws {
            let plan = try await connection.client().call(.planModel, written: ModelFile.json(file))
            try PlanText.print(plan.content, done: false)
            if exitCode, !plan.steps.isEmpty { throw ExitCode(2) }
        }
    }

    struct Apply: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make the server's definitions what a file says, all or nothing.",
            discussion: """
                Definitions that the file does not mention are left alone; those it mentions become what it says, so an \
                event type without keyspace_permissions has none. Applying a file twice changes nothing more.
                """)

        @OptionGroup var connection: ConnectionOptions
        @Argument(help: "YAML file, or - for standard input.") var file: String

        func run() async throws {
            let plan = try await connection.client().call(.applyModel, written: ModelFile.json(file))
            try PlanText.print(plan.content, done: true)
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write the server's definitions as a file that 'apply' takes.")

        @OptionGroup var connection: ConnectionOptions
        @Argument(help: "File to write, or - for standard output.") var file: String = "-"

        func run() async throws {
            let yaml = try YAML.write(await connection.client().call(.exportModel).json)
            guard file != "-" else { return try Output.print(file: yaml) }
            // Definitions are no secret.
            let output = try OutputFile(file, permissions: FilePermissions(rawValue: 0o666))
            try Array(yaml.utf8).withUnsafeBytes { try output.write($0) }
            try output.finish()
        }
    }

    struct Log: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Who changed what, oldest first.")

        @OptionGroup var connection: ConnectionOptions
        @Option(help: "Only entries after this number.") var after = 0
        @Flag(help: "One JSON object a line.") var json = false

        func run() async throws {
            let client = try connection.client()
            for try await page in client.pages(.listLog, query: [("after", String(after))], by: 1000) {
                for entry in page.items {
                    if json {
                        try Output.print(json: JSONWriter.write(entry.json))
                    } else {
                        try Output.print(line(entry.content))
                    }
                }
            }
        }

        private func line(_ entry: Bodies.LogEntry) -> String {
            let words = [String(entry.sequence), entry.at.rfc3339, entry.actor, entry.kind, entry.subject]
            return words.joined(separator: "  ")
        }
    }
}

enum ModelFile {
    static func json(_ path: String) throws -> JSONValue {
        let text = try InputFile.text(of: InputFile.read(path), path)
        do {
            return try YAML.parse(text)
        } catch let problem as Problem {
            throw CommandFailure("\(path): \(problem.detail)")
        } catch {
            throw CommandFailure(
                lines: ["\(path) is not valid YAML:"] + "\(error)".split(whereSeparator: \.isNewline).map(String.init))
        }
    }

    static func read(_ path: String) throws -> Model {
        let json = try json(path)
        do {
            return try Model(Bodies.Model(json: json))
        } catch {
            throw CommandFailure("\(path): \(error)")
        }
    }
}

/// A plan for people: a sign, what it is about, and under it the details; what breaks stands out.
enum PlanText {
    static func print(_ plan: Bodies.ModelPlan, done: Bool) throws {
        let steps = plan.steps
        guard !steps.isEmpty else {
            return try Output.print("Nothing to do: the server has all of it.")
        }
        for step in steps {
            try Output.print("\(step.action == .change ? "~" : "+") \(step.subject)")
            for detail in step.details { try Output.print("    \(detail)") }
            for break_ in step.breaks { try Output.print("    ! breaks: \(break_)") }
        }
        let count = steps.count == 1 ? "1 step" : "\(steps.count) steps"
        try Output.print(done ? "\(count) applied." : "\(count) to apply.")
    }
}

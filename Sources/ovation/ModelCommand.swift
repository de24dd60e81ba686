import ArgumentParser
import Foundation
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
            abstract: "Show what applying a file would change, and what it would break. Changes nothing.")

        @OptionGroup var connection: ConnectionOptions
        @Argument(help: "YAML file, or - for standard input.") var file: String

        func run() async throws {
            let plan = try await connection.client().call(.planModel, body: ModelFile.json(file))
            try PlanText.print(plan, done: false)
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
            let plan = try await connection.client().call(.applyModel, body: ModelFile.json(file))
            try PlanText.print(plan, done: true)
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write the server's definitions as a file that 'apply' takes.")

        @OptionGroup var connection: ConnectionOptions
        @Argument(help: "File to write, or - for standard output.") var file: String = "-"

        func run() async throws {
            let yaml = try YAML.write(await connection.client().call(.exportModel))
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
            var after = after
            while true {
                let answer = try await client.call(.listLog, query: [("after", "\(after)"), ("limit", "1000")])
                let entries = answer["items"]?.array ?? []
                for entry in entries {
                    if json { try Output.print(json: JSONWriter.write(entry)) } else { try Output.print(line(entry)) }
                    after = entry["sequence"]?.int ?? after
                }
                if entries.count < 1000 { return }
            }
        }

        private func line(_ entry: JSONValue) -> String {
            let sequence = entry["sequence"]?.int ?? 0
            let words = ["at", "actor", "kind"].map { entry[$0]?.string ?? "" }
            return (["\(sequence)"] + words + [subject(of: entry["change"] ?? .null)]).joined(separator: "  ")
        }

        /// What an entry is about: a note's own words, else the discriminator or id of what was changed.
        private func subject(of change: JSONValue) -> String {
            if let note = change["note"] {
                return ["subject", "detail"].compactMap { note[$0]?.string }.joined(separator: "  ")
            }
            for name in ["eventType", "version", "section", "keyspace"] {
                guard let value = change[name] else { continue }
                let id = value["discriminator"]?.string ?? value["id"]?.int.map(String.init)
                return id ?? value.string ?? value.int.map(String.init) ?? ""
            }
            return ""
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
    static func print(_ plan: JSONValue, done: Bool) throws {
        let steps = plan["steps"]?.array ?? []
        guard !steps.isEmpty else {
            return try Output.print("Nothing to do: the server has all of it.")
        }
        for step in steps {
            let sign = step["action"]?.string == "change" ? "~" : "+"
            try Output.print("\(sign) \(step["subject"]?.string ?? "")")
            for detail in step["details"]?.array ?? [] { try Output.print("    \(detail.string ?? "")") }
            for break_ in step["breaks"]?.array ?? [] {
                try Output.print("    ! breaks: \(break_.string ?? "")")
            }
        }
        let count = steps.count == 1 ? "1 step" : "\(steps.count) steps"
        try Output.print(done ? "\(count) applied." : "\(count) to apply.")
    }
}

import ArgumentParser
import Foundation
import OvationClient
import OvationCore
import OvationWire

extension ProfilesCommand {
    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete a profile with all that was stored of it, in every section.",
            discussion: """
                It cannot be undone. The command ends when nothing is left in the store, and prints the receipt, which has no \
                personal data. Backups have the profile still.
                """)

        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var profile: KeyOptions
        @Flag(help: "Do not ask first.") var yes = false
        @Flag(help: "Say whether the profile is there, and delete nothing.") var validateOnly = false
        @Flag(help: "The receipt as one JSON object instead of sentences.") var json = false

        func run() async throws {
            let client = try connection.client()
            if validateOnly {
                let headers = [(name: "prefer", value: "validate-only")]
                try await client.call(.deleteProfile, profile.path, headers: headers)
                return try Output.print("It would be deleted; nothing is changed.")
            }
            if !yes { try Self.confirm("All that was stored of this profile is deleted, in every section.", "delete") }
            let answer = try await client.call(.deleteProfile, profile.path)
            guard let id = answer.header("Erasure-Id") else {
                throw CommandFailure("The profile is deleted. The server gave no receipt.")
            }
            try await Self.printReceipt(id, "The profile is deleted", from: client, json: json)
        }

        /// - Parameter word: what a person types who means it.
        static func confirm(_ what: String, _ word: String) throws {
            guard isatty(STDIN_FILENO) == 1 else {
                throw CommandFailure("It cannot be undone. Say --yes to \(word) the profile without being asked.")
            }
            StandardError.writeLine("\(what) It cannot be undone.")
            StandardError.writeLine("Type '\(word)' to go on:")
            guard readLine()?.trimmingCharacters(in: .whitespaces) == word else {
                throw CommandFailure("Nothing is changed.")
            }
        }

        /// Waits until nothing is left in the store.
        static func printReceipt(_ id: String, _ what: String, from client: APIClient, json: Bool) async throws {
            var receipt = try await client.call(.getErasure, ["erasure_id": id])
            while receipt.content.completedAt == nil {
                try await Task.sleep(for: .milliseconds(200))
                receipt = try await client.call(.getErasure, ["erasure_id": id])
            }
            if json { return try Output.print(json: JSONWriter.write(receipt.json)) }
            for line in lines(receipt.content, what) { try Output.print(line) }
        }

        private static func lines(_ receipt: Bodies.Erasure, _ what: String) -> [String] {
            let removed = receipt.removed
            let counts = [
                (removed.events, "event"), (removed.attributes, "attribute"), (removed.tags, "tag"),
                (removed.consents, "consent"), (removed.changes, "change"), (removed.refusedPosts, "refused post"),
            ]
            return ["\(what); receipt \(receipt.erasureID)."]
                + counts.map { "  \(Figures.count(Int($0.0), of: $0.1)) removed" }
                + (receipt.completedAt.map { ["  complete since \($0.rfc3339)"] } ?? [])
        }
    }
}

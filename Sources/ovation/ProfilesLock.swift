import ArgumentParser
import OvationClient
import OvationWire

extension ProfilesCommand {
    struct Lock: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lock a profile for good: delete what was stored of it, and take nothing by its keys any more.",
            discussion: """
                It cannot be undone. Use it for a person who must not come back by an import or a shop that still has the \
                address. To only remove what is stored, use 'delete'. The command ends when nothing is left in the store, and \
                prints the receipt.
                """)

        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var profile: KeyOptions
        @Flag(help: "Do not ask first.") var yes = false
        @Flag(help: "Say whether the profile is there, and lock nothing.") var validateOnly = false
        @Flag(help: "The receipt as one JSON object instead of sentences.") var json = false

        func run() async throws {
            let client = try connection.client()
            if validateOnly {
                let headers = [(name: "prefer", value: "validate-only")]
                try await client.call(.lockProfile, profile.path, headers: headers)
                return try Output.print("It would be locked; nothing is changed.")
            }
            if !yes {
                try Delete.confirm(
                    "All that was stored of this profile is deleted, and its keys take nothing any more.", "lock")
            }
            let answer = try await client.call(.lockProfile, profile.path)
            guard let id = answer.header("Erasure-Id") else {
                return try Output.print("The profile was locked before; nothing is changed.")
            }
            try await Delete.printReceipt(id, "The profile is locked for good", from: client, json: json)
        }
    }
}

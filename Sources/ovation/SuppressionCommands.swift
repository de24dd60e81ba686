import ArgumentParser
import OvationClient
import OvationCore
import OvationWire

extension ConsentsCommand {
    /// An address and its channel.
    struct AddressOptions: ParsableArguments {
        @Argument(help: "The address, as it is: not percent-encoded.") var address: String
        @Argument(help: "The channel.") var channel = "email"

        func path(_ client: APIClient) async throws -> KeyValuePairs<String, String> {
            ["channel": try await client.channel(named: channel), "address": address]
        }
    }

    /// What is kept of who asked for something, and why.
    struct WhyOptions: ParsableArguments {
        @Option(help: "Why. It stays in the history.") var reason = ""
        @Option(help: "What asks for it.") var source = "ovation"

        /// The API takes an empty parameter for a mistake.
        var query: [(String, String)] {
            [("source", source), ("reason", reason)].filter { !$0.1.isEmpty }
        }
    }

    struct Lift: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lift the opt-out of an address from a section or from the account; for admin keys.",
            discussion: "What was said about single topics counts again.")

        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var address: AddressOptions
        @OptionGroup var place: ProfilesCommand.SectionOption
        @Flag(help: "The opt-out of the account, instead of that of a section.") var account = false
        @OptionGroup var why: WhyOptions

        func run() async throws {
            let client = try connection.client()
            let section = account ? [] : [("section", try await client.section(named: place.section))]
            try await client.call(.liftAddressOptOut, address.path(client), query: section + why.query)
            try Output.print("The opt-out is lifted.")
        }
    }

    struct Suppress: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Send nothing to an address any more, whatever anybody consents to; for admin keys.",
            discussion:
                "The store keeps a hash of the address, and not the address. It holds when the person is deleted.")

        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var address: AddressOptions
        @OptionGroup var why: WhyOptions

        func run() async throws {
            let client = try connection.client()
            var body = Bodies.SuppressionRequest()
            (body.reason, body.source) = (why.reason, why.source)
            try await client.call(.putSuppression, address.path(client), body: body)
            try Output.print("The address is suppressed.")
        }
    }

    struct Unsuppress: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lift the suppression of an address; consents count again. For admin keys.")

        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var address: AddressOptions
        @OptionGroup var why: WhyOptions

        func run() async throws {
            let client = try connection.client()
            try await client.call(.liftSuppression, address.path(client), query: why.query)
            try Output.print("The suppression is lifted.")
        }
    }

    struct Suppressions: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the suppressed addresses of a channel, or the history of one address; for admin keys.",
            discussion: """
                The store has a hash of each address, and not the address. To see whether an address is suppressed, and why, ask \
                for its history.

                ovation consents suppressions email
                ovation consents suppressions email --address steve@apsis.com
                """)

        @OptionGroup var connection: ConnectionOptions
        @Argument(help: "The channel.") var channel = "email"
        @Option(help: "The history of this address instead, newest first.") var address: String?
        @Flag(help: "One JSON object a line instead of a table.") var json = false

        func run() async throws {
            let client = try connection.client()
            let channel = try await client.channel(named: channel)
            if let address { return try await showHistory(client, ["channel": channel, "address": address]) }
            // Each page is written when it comes: there can be any number.
            let pages = client.pages(.listSuppressions, ["channel": channel], by: Limits.suppressionsPageMax)
            var isFirst = true
            for try await page in pages {
                if json {
                    try page.items.forEach { try Output.print(json: JSONWriter.write($0.json)) }
                } else if !page.content.items.isEmpty {
                    for line in Suppressions.lines(page.content.items, withHead: isFirst) { try Output.print(line) }
                    isFirst = false
                }
            }
            if isFirst, !json { StandardError.writeLine("No address is suppressed in \(channel).") }
        }

        /// Hashes are of one width, so columns need no look at all of them.
        private static func lines(_ items: [Bodies.SuppressedAddress], withHead: Bool) -> [String] {
            let head = "ADDRESS HASH" + String(repeating: " ", count: 54) + "SINCE" + String(repeating: " ", count: 21)
            return (withHead ? [head + "SOURCE AND REASON"] : [])
                + items.map { item in
                    [item.addressHash, item.modifiedAt.rfc3339, "\(item.source): \(item.reason)"].joined(
                        separator: "  ")
                }
        }

        private func showHistory(_ client: APIClient, _ path: KeyValuePairs<String, String>) async throws {
            for try await page in client.pages(.listSuppressionChanges, path, by: Limits.changesPageMax) {
                for change in page.items {
                    let state = change.content.isSuppressed ? "suppressed" : "lifted"
                    let line = [
                        change.content.changedAt.rfc3339, state, "\(change.content.source): \(change.content.reason)",
                    ].joined(separator: "  ")
                    try Output.print(json ? String(decoding: JSONWriter.write(change.json), as: UTF8.self) : line)
                }
            }
        }
    }
}

import ArgumentParser
import OvationClient
import OvationCore
import OvationWire

struct ConsentsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "consents",
        abstract:
            "What people said about being written to: list, set, history; whether an address may be; suppressions.",
        discussion: """
            A topic is named by its discriminator, or by a name that one alone has; a channel too, or by the last part of one \
            of the vendor's, such as email.

            ovation consents set steve@apsis.com "Weekly offers" email opt-in --reason "Signed up at checkout."
            ovation consents may-send steve@apsis.com "Weekly offers" email
            ovation consents set steve@apsis.com "Weekly offers" email opt-out --reason "Link in the mail."
            ovation consents history steve@apsis.com
            """,
        subcommands: [
            List.self, Set.self, History.self, MaySend.self, Lift.self, Suppress.self, Unsuppress.self,
            Suppressions.self,
        ])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the consents of a profile in a section, and whether its address is suppressed.")

        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var profile: ProfilesCommand.KeyOptions
        @OptionGroup var place: ProfilesCommand.SectionOption
        @Flag(help: "One JSON object a line instead.") var json = false

        func run() async throws {
            let client = try connection.client()
            let section = try await client.section(named: place.section)
            let found = try await profile.orSayHowToCreate {
                try await client.call(.listConsents, profile.path(in: section))
            }
            if json { return try found.items.forEach { try Output.print(json: JSONWriter.write($0.json)) } }
            if let suppression = found.content.suppression {
                StandardError.writeLine(
                    "The address is suppressed in \(suppression.channelDiscriminator): \(suppression.reason)")
            }
            if found.content.items.isEmpty { return StandardError.writeLine("The profile has no consents there.") }
            try Columns.show(
                ["TOPIC", "CHANNEL", "TYPE", "SINCE", "SOURCE"],
                found.content.items.map {
                    [
                        $0.topicDiscriminator, $0.channelDiscriminator, $0.type.rawValue, $0.modifiedAt.rfc3339,
                        $0.source,
                    ]
                })
        }
    }

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Set a consent of a profile.",
            discussion: """
                TYPE is opt-in or opt-out, and for admin keys pending-opt-in or confirmed-opt-in. What is there already stays, \
                and so does a confirmed consent where you ask for an opt-in; the command then says so and ends with 1.
                """)

        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var profile: ProfilesCommand.KeyOptions
        @Argument(help: "The topic.") var topic: String
        @Argument(help: "The channel.") var channel: String
        @Argument(help: "The type.") var type: String
        @OptionGroup var place: ProfilesCommand.SectionOption
        @Option(help: "Why.") var reason = ""
        @Option(help: "What took the consent.") var source = "ovation"
        @Flag(help: "Check everything and change nothing.") var validateOnly = false
        @Flag(help: "The consents as one JSON object a line instead of a sentence.") var json = false

        func validate() throws {
            guard Bodies.ConsentType(rawValue: type) != nil else {
                let words = Bodies.ConsentType.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("'\(type)' is no type; give one of \(words).")
            }
        }

        func run() async throws {
            let client = try connection.client()
            let section = try await client.section(named: place.section)
            var body = Bodies.ConsentRequest()
            body.topicDiscriminator = try await client.topic(named: topic, in: section)
            body.channelDiscriminator = try await client.channel(named: channel)
            body.type = Bodies.ConsentType(rawValue: type) ?? .optIn
            (body.reason, body.source) = (reason, source)
            do {
                try await profile.orSayHowToCreate {
                    _ = try await client.call(
                        .postConsent, profile.path(in: section), body: body,
                        headers: validateOnly ? [("prefer", "validate-only")] : [])
                }
            } catch let failure as ClientFailure where failure.status == 409 {
                throw CommandFailure(
                    "Nothing is changed: the profile has this consent already, or one that '\(type)' cannot follow. "
                        + "'ovation consents list' shows it.")
            }
            if validateOnly { return try Output.print("All valid; nothing is changed.") }
            guard json else { return try Output.print("The consent is set.") }
            for item in try await client.call(.listConsents, profile.path(in: section)).items {
                try Output.print(json: JSONWriter.write(item.json))
            }
        }
    }

    struct History: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what a profile's consents were, newest first, with who changed each and why.")

        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var profile: ProfilesCommand.KeyOptions
        @OptionGroup var place: ProfilesCommand.SectionOption
        @Flag(help: "One JSON object a line instead.") var json = false

        func run() async throws {
            let client = try connection.client()
            let section = try await client.section(named: place.section)
            var cursor: String?
            repeat {
                let query = [("limit", String(Limits.changesPageMax))] + (cursor.map { [("cursor", $0)] } ?? [])
                let page = try await profile.orSayHowToCreate {
                    try await client.call(.listConsentChanges, profile.path(in: section), query: query)
                }
                for change in page.items {
                    try Output.print(
                        json
                            ? String(decoding: JSONWriter.write(change.json), as: UTF8.self)
                            : ConsentWords.line(change.content))
                }
                cursor = page.content.nextCursor
            } while cursor != nil
        }
    }

    struct MaySend: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say whether an address may be written to about a topic, and why.",
            discussion: "The command ends with 0 if it may be, with 2 if not, and with 1 where it could not ask.")

        @OptionGroup var connection: ConnectionOptions
        @Argument(help: "The address, as it is: not percent-encoded.") var address: String
        @Argument(help: "The topic.") var topic: String
        @Argument(help: "The channel.") var channel = "email"
        @OptionGroup var place: ProfilesCommand.SectionOption
        @Flag(help: "One JSON object instead.") var json = false

        func run() async throws {
            let client = try connection.client()
            let section = try await client.section(named: place.section)
            let topic = try await client.topic(named: topic, in: section)
            let path: KeyValuePairs = [
                "channel": try await client.channel(named: channel), "address": address,
            ]
            let answer = try await client.call(.askSending, path, query: [("section", section), ("topic", topic)])
            if json {
                try Output.print(json: JSONWriter.write(answer.json))
            } else {
                try Output.print("\(answer.content.maySend ? "yes" : "no"): \(answer.content.detail)")
            }
            if !answer.content.maySend { throw ExitCode(2) }
        }
    }
}

/// A change of a consent as a person reads it.
enum ConsentWords {
    static func line(_ change: Bodies.ConsentChange) -> String {
        let state = change.to?.type.rawValue ?? "lifted"
        let before = change.from.map { " (was \($0.type.rawValue))" } ?? ""
        let place = [
            change.topicDiscriminator ?? (change.isOfAccount ? "the whole account" : "the whole section"),
            change.channelDiscriminator ?? "subscription",
        ].joined(separator: "  ")
        let why =
            change.to.map { "\($0.source): \($0.reason)" } ?? change.lift.map { "\($0.source): \($0.reason)" } ?? ""
        return [change.changedAt.rfc3339, place, state + before, why].filter { !$0.isEmpty }.joined(separator: "  ")
    }
}

extension APIClient {
    /// By its discriminator, or by a name that one alone has.
    func topic(named given: String, in section: String) async throws -> String {
        guard (try? Discriminator<Topic>(given)) == nil else { return given }
        let all = try await call(.listTopics, ["section": section]).content.items
        return try Named.one(
            given, of: all.map { Named(discriminator: $0.discriminator, name: $0.name) }, called: "topic",
            list: "ovation topics list")
    }

    /// By its discriminator, by the last part of one of the vendor's, or by a name that one alone has.
    func channel(named given: String) async throws -> String {
        guard (try? Discriminator<OvationCore.Channel>(given)) == nil else { return given }
        if let builtIn = BuiltIn.channels.first(where: { $0.discriminator.text.hasSuffix("." + given) }) {
            return builtIn.discriminator.text
        }
        let all = try await call(.listChannels).content.items
        return try Named.one(
            given, of: all.map { Named(discriminator: $0.discriminator, name: $0.name) }, called: "channel",
            list: "ovation channels list")
    }
}

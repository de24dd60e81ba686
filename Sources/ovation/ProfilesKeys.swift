import ArgumentParser
import OvationClient
import OvationCore
import OvationWire

extension ProfilesCommand {
    struct Keys: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the keys of a profile, add one, remove one.",
            discussion: """
                ovation profiles keys steve@apsis.com
                ovation profiles keys add steve@apsis.com web 1f8e4b
                ovation profiles keys remove steve@apsis.com web 1f8e4b
                """, subcommands: [List.self, Add.self, Remove.self], defaultSubcommand: List.self)

        struct List: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "List the keys of a profile.",
                discussion: "Each line is a keyspace, the key in it, and since when it leads to the profile.")

            @OptionGroup var connection: ConnectionOptions
            @OptionGroup var profile: KeyOptions
            @Flag(help: "One JSON object a line instead.") var json = false

            func run() async throws {
                let client = try connection.client()
                let keys = try await profile.orSayHowToCreate {
                    try await client.call(.listProfileKeys, profile.path)
                }
                for member in keys.items {
                    if json {
                        try Output.print(json: JSONWriter.write(member.json))
                    } else if let line = MemberWords.line(member.content) {
                        try Output.print(line)
                    }
                }
            }
        }

        struct Add: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Give a profile another key; for admin keys.",
                discussion: """
                    The key must lead to no other profile. To make one profile of two, use 'ovation profiles merge'. A keyspace \
                    is named by its discriminator, or by the last part of one of the vendor's, such as web.
                    """)

            @OptionGroup var connection: ConnectionOptions
            @OptionGroup var profile: KeyOptions
            @Flag(help: "Check everything and change nothing.") var validateOnly = false
            @Flag(help: "The keys as one JSON object instead of a sentence.") var json = false
            @Argument(help: ArgumentHelp("Keyspace of the new key.", valueName: "other-keyspace"))
            var otherKeyspace: KeyspaceArgument
            @Argument(help: "The new key.") var otherKey: String

            func run() async throws {
                let client = try connection.client()
                let body = Bodies.KeyReference(keyspace: otherKeyspace.discriminator, key: otherKey)
                try await profile.orSayHowToCreate {
                    _ = try await client.call(
                        .addProfileKey, profile.path, body: body,
                        headers: validateOnly ? [("prefer", "validate-only")] : [])
                }
                if validateOnly { return try Output.print("All valid; nothing is changed.") }
                guard json else { return try Output.print("The key leads to the profile.") }
                try Output.print(json: JSONWriter.write(try await client.call(.listProfileKeys, profile.path).json))
            }
        }

        struct Remove: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Take a key from a profile; for admin keys.",
                discussion: "What came by the key stays with the profile. The last key of a profile stays.")

            @OptionGroup var connection: ConnectionOptions
            @OptionGroup var profile: KeyOptions
            @Flag(help: "Check everything and change nothing.") var validateOnly = false
            @Flag(help: "What was removed as one JSON object instead of a sentence.") var json = false
            @Argument(help: ArgumentHelp("Keyspace of the key to remove.", valueName: "other-keyspace"))
            var otherKeyspace: KeyspaceArgument
            @Argument(help: "The key to remove.") var otherKey: String

            func run() async throws {
                let client = try connection.client()
                let path: KeyValuePairs = [
                    "keyspace": profile.keyspace, "key": profile.key, "other_keyspace": otherKeyspace.discriminator,
                    "other_key": otherKey,
                ]
                try await profile.orSayHowToCreate {
                    _ = try await client.call(
                        .removeProfileKey, path, headers: validateOnly ? [("prefer", "validate-only")] : [])
                }
                if validateOnly { return try Output.print("All valid; nothing is changed.") }
                guard json else { return try Output.print("The key leads to nothing any more.") }
                let removed = Bodies.KeyReference(keyspace: otherKeyspace.discriminator, key: otherKey)
                try Output.print(json: JSONWriter.write(removed.json))
            }
        }
    }
}

/// A member of a profile as a person reads it.
enum MemberWords {
    /// nil: there is no key to show.
    static func line(_ member: Bodies.ProfileMember) -> String? {
        member.key.map { "\($0.keyspaceDiscriminator)  \($0.key)  \(since(member))" }
    }

    static func since(_ member: Bodies.ProfileMember) -> String {
        if let time = member.mergedAt { return "merged \(time.rfc3339)" }
        return member.canonical ? "canonical" : "made \(member.createdAt.rfc3339)"
    }
}

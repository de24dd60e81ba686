import ArgumentParser
import OvationClient
import OvationCore
import OvationWire

/// A keyspace as a person types it: its discriminator, or the last part of one of the vendor's, such as `web`.
struct KeyspaceArgument: ExpressibleByArgument {
    let discriminator: String

    init?(argument: String) {
        // Every discriminator has a dot.
        discriminator = argument.contains(".") ? argument : "com.apsis1.keyspaces." + argument
    }
}

extension ProfilesCommand {
    struct Merge: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make one profile of two.",
            discussion: """
                Name a key of each. The order has no meaning. A keyspace is named by its discriminator, or by the last part \
                of one of the vendor's: email, mobile, crm-id, web. A profile that is not there is made.

                Where both have a value, that of the canonical profile counts: the one with an e-mail address, a mobile \
                number or a CRM ID, or else the older one. Nothing is lost: 'ovation profiles unmerge' undoes it.

                ovation profiles merge email steve@apsis.com web 1f8e4b --dry-run
                ovation profiles merge email steve@apsis.com web 1f8e4b
                """)

        @OptionGroup var connection: ConnectionOptions
        @Flag(help: "Show what it would do, and change nothing.") var dryRun = false
        @Flag(help: "One JSON object instead: the profile, or what a merge would do.") var json = false
        @Argument(help: ArgumentHelp("Keyspace of the first key.", valueName: "keyspace"))
        var keyspace: KeyspaceArgument
        @Argument(help: "A key of the first profile, as it is: not percent-encoded.") var key: String
        @Argument(help: ArgumentHelp("Keyspace of the second key.", valueName: "other-keyspace"))
        var otherKeyspace: KeyspaceArgument
        @Argument(help: "A key of the second profile.") var otherKey: String

        func run() async throws {
            let client = try connection.client()
            var body = Bodies.ProfileMerge()
            body.profiles = [
                Bodies.KeyReference(keyspace: keyspace.discriminator, key: key),
                Bodies.KeyReference(keyspace: otherKeyspace.discriminator, key: otherKey),
            ]
            if dryRun {
                let preview = try await client.call(
                    .previewMerge, body: body, headers: [("prefer", "validate-only")])
                if json { return try Output.print(json: JSONWriter.write(preview.json)) }
                for line in MergeWords.lines(preview.content) { try Output.print(line) }
                return
            }
            try await client.call(.mergeProfiles, body: body)
            guard json else {
                try Output.print("The two are one profile.")
                return try Output.print(
                    "To undo it: ovation profiles unmerge --keyspace \(otherKeyspace.discriminator) \(otherKey)")
            }
            let path: KeyValuePairs = ["keyspace": keyspace.discriminator, "key": key]
            try Output.print(json: JSONWriter.write(try await client.call(.getProfile, path).json))
        }
    }

    struct Unmerge: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Undo a merge, or take a key out of a merged profile.",
            discussion: """
                Name the key of the profile that was merged into another one, and not a key of the canonical profile.

                By default the newest merge of the key is undone: both profiles are what they were, each with what came by \
                its keys since. With --keep-data the key leads to a new profile without data, and all data stay with the \
                profile that it leaves; that is what the vendor's API does.

                ovation profiles unmerge --keyspace com.apsis1.keyspaces.web 1f8e4b
                """)

        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var profile: KeyOptions
        @Flag(help: "Undo the merge, with the data. It is the default.") var restore = false
        @Flag(help: "Leave the data where they are; the key begins anew.") var keepData = false
        @Flag(help: "Check everything and change nothing.") var validateOnly = false
        @Flag(help: "The profile of the key as one JSON object instead of a sentence.") var json = false

        func validate() throws {
            guard !restore || !keepData else {
                throw ValidationError("Say --restore or --keep-data, and not both.")
            }
        }

        func run() async throws {
            let client = try connection.client()
            let preferences = (keepData ? [] : ["handling=restore"]) + (validateOnly ? ["validate-only"] : [])
            let headers = preferences.isEmpty ? [] : [(name: "prefer", value: preferences.joined(separator: ", "))]
            try await profile.orSayHowToCreate {
                _ = try await client.call(.unmergeProfile, profile.path, headers: headers)
            }
            if validateOnly { return try Output.print("All valid; nothing is changed.") }
            if json {
                return try Output.print(json: JSONWriter.write(try await client.call(.getProfile, profile.path).json))
            }
            try Output.print(
                keepData
                    ? "The key stands alone; its data stay with the profile that it left."
                    : "The profile of the key stands alone, with its data.")
        }
    }
}

/// What a merge would do, as a person reads it.
private enum MergeWords {
    static func lines(_ preview: Bodies.MergePreview) -> [String] {
        var lines = [outcome(preview)]
        for profile in preview.profiles {
            let id = profile.profileID.map { "profile \($0)" } ?? "not there yet"
            lines.append(
                "\(profile.canonical ? "canonical" : "other    ")  \(profile.keyspaceDiscriminator)  \(profile.key)  \(id)"
            )
        }
        for key in preview.keys { lines.append("key  \(key.keyspaceDiscriminator)  \(key.key)") }
        for section in preview.sections {
            lines.append("section  \(section.sectionDiscriminator)")
            for attribute in section.attributes {
                let hidden = attribute.hidden.map { ", and hides \(text($0))" } ?? ""
                lines.append(
                    "  attribute  \(attribute.discriminator)  \(text(attribute.value))  (\(owner(attribute.from))\(hidden))"
                )
            }
            for tag in section.tags { lines.append("  tag  \(tag.discriminator)  \(tag.name)  (\(owner(tag.from)))") }
        }
        return lines
    }

    private static func outcome(_ preview: Bodies.MergePreview) -> String {
        switch preview.outcome {
        case .merged: "They would be one profile; nothing is changed."
        case .unchanged: "They are one profile already."
        case .locked: "One is locked. The other would be locked too, and they would not be one profile."
        case .refused: "It would be refused. " + (preview.detail ?? "")
        }
    }

    private static func owner(_ owner: Bodies.MergeOwner) -> String {
        switch owner {
        case .canonical: "of the canonical profile"
        case .other: "of the other profile"
        case .both: "of both"
        }
    }

    private static func text(_ value: JSONValue) -> String {
        value.string ?? String(decoding: JSONWriter.write(value), as: UTF8.self)
    }
}

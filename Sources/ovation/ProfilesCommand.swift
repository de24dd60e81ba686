import ArgumentParser
import OvationClient
import OvationCore
import OvationWire

struct ProfilesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profiles",
        abstract:
            "Profiles: find, show, create, import, merge; set attributes, add tags, keys; export everything of one person, or delete it.",
        discussion: """
            A profile is named by its key. It is an e-mail address, unless you name another keyspace with --keyspace.

            ovation profiles create steve@apsis.com
            ovation profiles set steve@apsis.com firstname=Steve birthdate=1993-03-07
            ovation profiles tag steve@apsis.com VIP
            ovation profiles show steve@apsis.com
            ovation profiles merge email steve@apsis.com web 1f8e4b --dry-run
            ovation profiles export steve@apsis.com -o steve.json
            ovation profiles delete steve@apsis.com
            """,
        subcommands: [
            Find.self, Show.self, Create.self, Import.self, Set.self, Tag.self, Merge.self, Unmerge.self, Keys.self,
            Export.self,
            Delete.self, Lock.self,
        ])

    /// Which profile.
    struct KeyOptions: ParsableArguments {
        @Option(help: "Discriminator of the keyspace.") var keyspace = "com.apsis1.keyspaces.email"
        @Argument(help: "Profile key, as it is: not percent-encoded.") var key: String

        var path: KeyValuePairs<String, String> { ["keyspace": keyspace, "key": key] }

        func path(in section: String) -> KeyValuePairs<String, String> {
            ["keyspace": keyspace, "key": key, "section": section]
        }

        /// A call of a profile that may not be there.
        func orSayHowToCreate<Value>(_ call: () async throws -> Value) async throws -> Value {
            do {
                return try await call()
            } catch let failure as ClientFailure {
                guard case .refused(404, let problem) = failure, problem.code == Problem.Code.profileNotFound.rawValue
                else { throw failure }
                throw CommandFailure(lines: [
                    CommandFailure(failure).description,
                    "Look for it with 'ovation profiles find', or make it with 'ovation profiles create'.",
                ])
            }
        }
    }

    struct SectionOption: ParsableArguments {
        @Option(help: "Discriminator of the section.") var section = "com.apsis1.sections.default"
    }

    struct Find: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Find profiles by a key or the value of a mapped attribute, or the beginning of one; for admin keys.",
            discussion:
                "Each line is the id of a profile, a keyspace, and the key in it. A profile that was found by a value "
                + "has one line more: its id, the attribute, and the value.")

        @OptionGroup var connection: ConnectionOptions
        @Option(help: "Only keys of this keyspace, and values of the attribute that it is mapped to. (default: all)")
        var keyspace: String?
        @Flag(help: "Only profiles that have exactly this key or value.") var exact = false
        @Option(help: "How many at most.") var limit = 20
        @Flag(help: "One JSON object a line instead.") var json = false
        @Argument(help: "The key or value, or its beginning.") var key: String

        func run() async throws {
            var query = [("key", key), ("limit", String(limit))]
            if let keyspace { query.append(("keyspace", keyspace)) }
            if exact { query.append(("exact", "true")) }
            let found = try await connection.client().call(.findProfiles, query: query)
            for match in found.items {
                if json {
                    try Output.print(json: JSONWriter.write(match.json))
                    continue
                }
                for key in match.profile.keys {
                    try Output.print(
                        [match.profile.profileID, key.keyspaceDiscriminator, key.key].joined(separator: "  "))
                }
                if let found = match.foundBy, let attribute = found.attributeDiscriminator {
                    try Output.print([match.profile.profileID, attribute, found.value].joined(separator: "  "))
                }
            }
            if found.content.items.isEmpty {
                StandardError.writeLine("No profile has a key or a value that begins so.")
            }
            if !found.content.complete { StandardError.writeLine("There may be more; give more of it.") }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show who a profile is, its keys, attributes and tags, and how many events it has.")

        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var profile: KeyOptions
        @Flag(help: "Also what may not be read through the keyspace; for admin keys.")
        var ignoreKeyspacePermissions = false
        @Flag(help: "One JSON object instead.") var json = false

        func run() async throws {
            let client = try connection.client()
            let query = ignoreKeyspacePermissions ? [("ignore_keyspace_permissions", "true")] : []
            let shown = try await profile.orSayHowToCreate {
                try await client.call(.getProfile, profile.path, query: query)
            }
            if json { return try Output.print(json: JSONWriter.write(shown.json)) }
            for line in ProfileWords.lines(shown.content) { try Output.print(line) }
        }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a profile; the attribute of its keyspace, such as the e-mail address, is set to the key.")

        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var profile: KeyOptions
        @OptionGroup var place: SectionOption
        @Flag(help: "Check everything and make nothing.") var validateOnly = false
        @Flag(help: "The profile as one JSON object instead of a sentence.") var json = false

        func run() async throws {
            let client = try connection.client()
            var body = Bodies.NewProfile()
            body.profileKey = Bodies.WrittenKey(profile.key)
            try await client.call(
                .createProfile, ["keyspace": profile.keyspace, "section": place.section], body: body,
                headers: validateOnly ? [("prefer", "validate-only")] : [])
            if validateOnly { return try Output.print("It would be made; nothing is stored.") }
            guard json else { return try Output.print("The profile is made.") }
            try Output.print(json: JSONWriter.write(try await client.call(.getProfile, profile.path).json))
        }
    }

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Set and clear attributes of a profile; all of them or none.",
            discussion: """
                NAME is the discriminator of an attribute, its name, or the last part of the discriminator, such as \
                firstname. VALUE is sent as the attribute's type has it; NAME:=VALUE sends JSON as it is typed: a text in \
                quotes, a number, true, false.

                Examples:
                  ovation profiles set steve@apsis.com firstname=Steve lastname=Jones --clear birthdate
                  ovation profiles set steve@apsis.com "Shoe size=42" vip=true
                """)

        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var profile: KeyOptions
        @OptionGroup var place: SectionOption
        @Option(help: "Clear this attribute; repeatable.") var clear: [String] = []
        @Flag(help: "Check everything and change nothing.") var validateOnly = false
        @Flag(help: "The section's attributes as one JSON object instead of a sentence.") var json = false
        @Argument(help: "NAME=VALUE, or NAME:=JSON.") var assignments: [String] = []

        func validate() throws {
            guard !assignments.isEmpty || !clear.isEmpty else {
                throw ValidationError("Say what to set, such as firstname=Steve, or what to clear: --clear firstname.")
            }
        }

        func run() async throws {
            let client = try connection.client()
            var body = Bodies.NamedAttributeValues()
            let given = try assignments.map { try Assignment($0) }
            let names = try await FieldNames.attributes(in: place.section, of: client)
            for assignment in given {
                let field = try names.find(assignment.name)
                let value = assignment.json ?? field.value(assignment.text)
                body.values.entries.append((field.discriminator, value))
            }
            for name in clear { body.values.entries.append((try names.find(name).discriminator, .null)) }
            let path = profile.path(in: place.section)
            try await profile.orSayHowToCreate {
                _ = try await client.call(
                    .changeAttributeValuesByName, path, body: body,
                    headers: validateOnly ? [("prefer", "validate-only")] : [])
            }
            if validateOnly { return try Output.print("All valid; nothing is changed.") }
            guard json else {
                return try Output.print("\(Figures.count(body.values.entries.count, of: "attribute")) changed.")
            }
            do {
                try Output.print(json: JSONWriter.write(try await client.call(.listAttributeValues, path).json))
            } catch ClientFailure.refused(404, _) {
                // The key itself was changed, so this one leads to nothing any more.
                try Output.print(json: JSONWriter.write(body.json))
            }
        }
    }

    struct Tag: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add tags to a profile, or remove them; all of them or none.",
            discussion: "A profile that is not there yet is made when a tag is added.")

        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var profile: KeyOptions
        @OptionGroup var place: SectionOption
        @Flag(help: "Remove the tags instead.") var remove = false
        @Flag(help: "Check everything and change nothing.") var validateOnly = false
        @Flag(help: "What was sent as one JSON object instead of a sentence.") var json = false
        @Argument(help: "Names of tags, their discriminators, or ids of their versions.") var tags: [String]

        func run() async throws {
            let client = try connection.client()
            let names = try await FieldNames.tags(in: place.section, for: tags, of: client)
            var body = Bodies.TagMarks()
            body.values.entries = try tags.map { (try names.find($0).discriminator, remove ? .null : .bool(true)) }
            try await client.call(
                .changeProfileTags, profile.path(in: place.section), body: body,
                headers: validateOnly ? [("prefer", "validate-only")] : [])
            if json { return try Output.print(json: JSONWriter.write(body.json)) }
            if validateOnly { return try Output.print("All valid; nothing is changed.") }
            try Output.print("\(Figures.count(tags.count, of: "tag")) \(remove ? "removed" : "added").")
        }
    }
}

/// `NAME=VALUE` or `NAME:=JSON`.
private struct Assignment {
    let name: String
    let text: String
    /// nil: the value was given as it is typed.
    let json: JSONValue?

    init(_ assignment: String) throws {
        guard let mark = assignment.firstIndex(of: "="), mark != assignment.startIndex else {
            throw CommandFailure("'\(assignment)' is no NAME=VALUE, such as firstname=Steve.")
        }
        text = String(assignment[assignment.index(after: mark)...])
        guard assignment[assignment.index(before: mark)] == ":" else {
            name = String(assignment[..<mark])
            json = nil
            return
        }
        name = String(assignment[..<assignment.index(before: mark)])
        do throws(Problem) {
            json = try JSONValue(parsing: text)
        } catch {
            throw CommandFailure("The value of \(name) is no JSON. With '=' instead of ':=' it is sent as it is typed.")
        }
    }
}

/// A profile as a person reads it.
private enum ProfileWords {
    static func lines(_ profile: Bodies.ProfileWithCounts) -> [String] {
        var lines: [String] = []
        if let name = name(profile) { lines.append(name) }
        lines.append("profile \(profile.profile.profileID), since \(profile.profile.createdAt.rfc3339)")
        for key in profile.profile.keys { lines.append("key  \(key.keyspaceDiscriminator)  \(key.key)") }
        lines += members(profile.profile.parts ?? [])
        for section in profile.sections {
            lines.append("section  \(section.sectionDiscriminator)")
            for attribute in section.attributes {
                let value = attribute.value.string ?? String(decoding: JSONWriter.write(attribute.value), as: UTF8.self)
                lines.append("  attribute  \(attribute.discriminator)  \(value)")
            }
            for tag in section.tags { lines.append("  tag  \(tag.discriminator)  \(tag.name)") }
            for event in section.events {
                lines.append("  \(Figures.count(Int(event.eventCount), of: "event"))  \(event.discriminator)")
            }
        }
        return lines
    }

    /// Of a profile that was merged from several; nothing of any other.
    private static func members(_ members: [Bodies.ProfileMember]) -> [String] {
        guard members.count > 1 else { return [] }
        return members.map { member in
            let key = member.key.map { "\($0.keyspaceDiscriminator)  \($0.key)" } ?? "without a key"
            return "member  \(key)  \(MemberWords.since(member))"
        }
    }

    /// First and last name, from the first section that has one.
    private static func name(_ profile: Bodies.ProfileWithCounts) -> String? {
        for section in profile.sections {
            let parts = ["firstname", "lastname"].compactMap { part in
                section.attributes.first { $0.discriminator == "com.apsis1.attributes.\(part)" }?.value.string
            }
            let name = parts.filter { !$0.isEmpty }.joined(separator: " ")
            if !name.isEmpty { return name }
        }
        return nil
    }
}

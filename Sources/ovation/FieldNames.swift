import OvationClient
import OvationCore
import OvationWire

/// The attributes or the tags of a section, as a person calls them.
struct FieldNames {
    struct Field {
        let discriminator: String
        let name: String
        /// Of the current version of an attribute.
        var type: FieldType?
    }

    /// What a sentence calls several of them.
    private let plural: String
    private let fields: [Field]

    private init(_ plural: String, _ fields: [Field]) {
        self.plural = plural
        self.fields = fields
    }

    /// With their types, by which what is typed becomes JSON.
    static func attributes(in section: String, of client: APIClient) async throws -> FieldNames {
        let listed: [Bodies.Attribute]
        do {
            listed = try await client.call(.listAttributes, ["section": section]).content.items
        } catch {
            guard error.status == 404 else { throw error }
            // A server that does not list them. The call that follows says what is wrong, if anything is.
            return FieldNames(
                "attributes",
                BuiltIn.attributes.map { Field(discriminator: $0.discriminator.text, name: $0.discriminator.text) })
        }
        return FieldNames(
            "attributes",
            listed.map { attribute in
                let current = attribute.versions.first { $0.deprecatedAt == nil }
                return Field(discriminator: attribute.discriminator, name: attribute.name, type: current?.type)
            })
    }

    /// Asks the server only where a word is neither a discriminator, which has a dot, nor the id of a version.
    static func tags(in section: String, for words: [String], of client: APIClient) async throws -> FieldNames {
        // Ids of versions have no dot either, and need no list.
        guard words.contains(where: { !$0.contains(".") && VersionID.parse($0) == nil }) else {
            return FieldNames("tags", [])
        }
        let listed = try await client.call(.listTags, ["section": section]).content.items
        return FieldNames("tags", listed.map { Field(discriminator: $0.discriminator, name: $0.name) })
    }

    /// The one that a word means: its discriminator, the last part of it, or its name. A word that means none is sent as it
    /// is, since the server says best what there is.
    /// - Throws: when it means several.
    func find(_ word: String) throws -> Field {
        if let exact = fields.first(where: { $0.discriminator == word }) { return exact }
        let wanted = word.lowercased()
        let found = fields.filter { $0.name.lowercased() == wanted || $0.discriminator.hasSuffix("." + wanted) }
        guard found.count < 2 else {
            throw CommandFailure(
                "'\(word)' can be several \(plural): \(found.map(\.discriminator).joined(separator: ", ")). Give the "
                    + "discriminator.")
        }
        return found.first ?? Field(discriminator: word, name: word)
    }
}

extension FieldNames.Field {
    /// What was typed, as the type has it. What does not fit goes as a text, and the server says why.
    func value(_ text: String) -> JSONValue {
        guard let type, type != .string, let json = try? JSONValue(parsing: text) else { return .string(text) }
        switch json {
        case .number, .bool: return json
        default: return .string(text)
        }
    }
}

import OvationCore
import OvationWire

/// An API key as the wire shows it: never with its secret.
extension APIKey {
    func json(secret: String? = nil) -> JSONValue {
        var members: [JSONValue.Member] = [.init("client_id", .string(clientID))]
        if let secret { members.append(.init("client_secret", .string(secret))) }
        members += [
            .init("name", .string(name)),
            .init("role", .string(role.rawValue)),
            .init("sections", sections.map { .array($0.sorted().map { .string($0.text) }) } ?? .null),
            .init(
                "keyspaces",
                keyspaces.map { keyspaces in
                    .object(keyspaces.sorted { $0.key < $1.key }.map { .init($0.key.text, .string($0.value.rawValue)) })
                } ?? .null),
            .init("created_at", .string(createdAt.rfc3339)),
            .init("last_used_at", lastUsedAt.map { .string($0.rfc3339) } ?? .null),
            .init(
                "previous_secret_valid_until", previousSecret.map { .string($0.validUntil.rfc3339) } ?? .null),
            .init("revoked_at", revokedAt.map { .string($0.rfc3339) } ?? .null),
        ]
        return .object(members)
    }
}

/// `{name, role?, sections?: [...], keyspaces?: {discriminator: "read" | "read_write"}}`. Left out or null means all; a list
/// of none is refused, since it can mean all or none.
struct APIKeyRequest {
    let name: String
    let role: APIKey.Role
    let sections: Set<Discriminator<Section>>?
    let keyspaces: [Discriminator<Keyspace>: APIKey.Access]?

    init(_ json: JSONValue, in catalogue: Catalogue) throws(Problem) {
        let reader = try ObjectReader(json)
        name = try reader.required("name", reader.string("name"))
        guard name.contains(where: { !$0.isWhitespace }), name.unicodeScalars.count <= Limits.nameLengthMax,
            !name.hasControlCharacters
        else {
            throw Problem(
                .invalidName, "A name has 1 to \(Limits.nameLengthMax) characters, and no line breaks or tabs.")
        }
        role = try reader.word("role", of: APIKey.Role.self) ?? .integration
        sections = try reader.array("sections").map { values throws(Problem) in
            guard !values.isEmpty else { throw APIKeyRequest.nothingChosen("sections", reader) }
            var sections: Set<Discriminator<Section>> = []
            for value in values {
                guard let discriminator = try? Discriminator<Section>(value.string ?? ""),
                    catalogue.section(discriminator) != nil
                else {
                    throw ObjectReader.refused(
                        reader.path("sections"), .sectionNotFound, "There is no section \((value.string ?? "").quoted)."
                    )
                }
                sections.insert(discriminator)
            }
            return sections
        }
        keyspaces = try reader.object("keyspaces").map { object throws(Problem) in
            guard !object.members.isEmpty else { throw APIKeyRequest.nothingChosen("keyspaces", reader) }
            var keyspaces: [Discriminator<Keyspace>: APIKey.Access] = [:]
            for member in object.members {
                guard let discriminator = try? Discriminator<Keyspace>(member.name),
                    catalogue.keyspace(discriminator) != nil
                else {
                    throw ObjectReader.refused(
                        object.path(member.name), .keyspaceNotFound, "There is no keyspace \(member.name.quoted).")
                }
                guard let access = member.value.string.flatMap(APIKey.Access.init) else {
                    throw ObjectReader.refused(
                        object.path(member.name), .invalidValue, "Access to a keyspace is 'read' or 'read_write'.")
                }
                keyspaces[discriminator] = access
            }
            return keyspaces
        }
        guard role == .integration || (sections == nil && keyspaces == nil) else {
            throw ObjectReader.refused(
                reader.path("role"), .conflict,
                "An admin key may change everything, so it cannot be limited to sections or keyspaces.")
        }
    }
    private static func nothingChosen(_ name: String, _ reader: ObjectReader) -> Problem {
        ObjectReader.refused(
            reader.path(name), .invalidValue,
            "'\(name)' names none. Name those that the key may use, or leave '\(name)' out for all, now and later.")
    }
}

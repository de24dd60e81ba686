import OvationCore
import OvationWire

extension Bodies.APIKey {
    init(_ key: APIKey) {
        self.init()
        clientID = key.clientID
        rest = Bodies.APIKeyDetails(key)
    }
}

extension Bodies.NewAPIKey {
    init(_ key: APIKey, secret: String) {
        self.init()
        clientID = key.clientID
        clientSecret = secret
        rest = Bodies.APIKeyDetails(key)
    }
}

extension Bodies.APIKeyDetails {
    fileprivate init(_ key: APIKey) {
        self.init()
        name = key.name
        role = key.role
        sections = key.sections?.sorted().map(\.text)
        keyspaces = key.keyspaces.map { keyspaces in
            BodyMap(keyspaces.sorted { $0.key < $1.key }.map { ($0.key.text, $0.value) })
        }
        createdAt = key.createdAt
        lastUsedAt = key.lastUsedAt
        previousSecretValidUntil = key.previousSecret?.validUntil
        revokedAt = key.revokedAt
    }
}

/// What a new API key may do, checked against the definitions. Sections or keyspaces that are left out are all of them; an
/// empty list is refused, since it can mean all or none.
struct APIKeyRights {
    let role: APIKey.Role
    let sections: Set<Discriminator<Section>>?
    let keyspaces: [Discriminator<Keyspace>: APIKey.Access]?

    init(_ body: Bodies.APIKeyRequest, in catalogue: Catalogue) throws(Problem) {
        guard body.name.contains(where: { !$0.isWhitespace }),
            body.name.unicodeScalars.count <= Limits.nameLengthMax, !body.name.hasControlCharacters
        else {
            throw Problem(
                .invalidName, "A name has 1 to \(Limits.nameLengthMax) characters, and no line breaks or tabs.")
        }
        role = body.role ?? .integration
        sections = try body.sections.map { names throws(Problem) in
            guard !names.isEmpty else { throw APIKeyRights.nothingChosen("sections") }
            var sections: Set<Discriminator<Section>> = []
            for name in names {
                guard let section = (try? Discriminator(name)).flatMap(catalogue.section) else {
                    throw ObjectReader.refused(
                        "/sections", .sectionNotFound, "There is no section \(name.quoted).")
                }
                sections.insert(section.discriminator)
            }
            return sections
        }
        keyspaces = try body.keyspaces.map { map throws(Problem) in
            guard !map.entries.isEmpty else { throw APIKeyRights.nothingChosen("keyspaces") }
            var keyspaces: [Discriminator<Keyspace>: APIKey.Access] = [:]
            for (name, access) in map.entries {
                guard let keyspace = (try? Discriminator(name)).flatMap(catalogue.keyspace) else {
                    throw ObjectReader.refused(
                        "/keyspaces/" + JSONPointer.escaped(name), .keyspaceNotFound,
                        "There is no keyspace \(name.quoted).")
                }
                keyspaces[keyspace.discriminator] = access
            }
            return keyspaces
        }
        guard role == .integration || (sections == nil && keyspaces == nil) else {
            throw ObjectReader.refused(
                "/role", .conflict,
                "An admin key may change everything, so it cannot be limited to sections or keyspaces.")
        }
    }

    private static func nothingChosen(_ name: String) -> Problem {
        ObjectReader.refused(
            "/" + name, .invalidValue,
            "'\(name)' names none. Name those that the key may use, or leave '\(name)' out for all, now and later.")
    }
}

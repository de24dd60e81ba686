package import OvationCore

/// The sections and keyspaces that an API key may reach, in two columns; an absent value means all.
extension RowText {
    package static func text(ofSections sections: Set<Discriminator<Section>>?) throws -> String? {
        try sections.map { try text(of: $0.map(\.text).sorted()) }
    }

    package static func text(ofKeyspaces keyspaces: [Discriminator<Keyspace>: APIKey.Access]?) throws -> String? {
        try keyspaces.map { access in
            try text(of: Dictionary(uniqueKeysWithValues: access.map { ($0.key.text, $0.value) }))
        }
    }

    package static func sections(of text: String?) throws -> Set<Discriminator<Section>>? {
        try text.map { Set(try value([Discriminator<Section>].self, of: $0)) }
    }

    package static func keyspaces(of text: String?) throws -> [Discriminator<Keyspace>: APIKey.Access]? {
        try text.map { text in
            var access: [Discriminator<Keyspace>: APIKey.Access] = [:]
            for (name, word) in try value([String: APIKey.Access].self, of: text) {
                access[try Discriminator(name)] = word
            }
            return access
        }
    }

    package static func role(of text: String) throws(StoreFailure) -> APIKey.Role {
        guard let role = APIKey.Role(rawValue: text) else {
            throw StoreFailure(.unusable, "an API key has a role this version does not know")
        }
        return role
    }
}

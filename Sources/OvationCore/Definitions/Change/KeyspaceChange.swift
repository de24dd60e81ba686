public enum KeyspaceChange: Sendable, Equatable {
    case created(Keyspace)
    case changed(
        Discriminator<Keyspace>, name: String, managesSubscriptions: Bool, mapping: Discriminator<Attribute>?)
}

extension KeyspaceChange: DefinitionChange {
    enum Kind: String, CaseIterable, Codable {
        case created = "keyspace.created"
        case changed = "keyspace.changed"
    }

    var kind: Kind {
        switch self {
        case .created: .created
        case .changed: .changed
        }
    }

    var subject: String {
        switch self {
        case .created(let keyspace): keyspace.discriminator.text
        case .changed(let discriminator, _, _, _): discriminator.text
        }
    }

    var name: String? {
        switch self {
        case .created(let keyspace): keyspace.name
        case .changed(_, let name, _, _): name
        }
    }

    func apply(to catalogue: inout Catalogue) throws(Problem) {
        switch self {
        case .created(let keyspace):
            try catalogue.keyspaceTable.add(keyspace)
            _ = try DefinitionRules.name(keyspace.name)
            try catalogue.requireMappable(keyspace.mapping, to: keyspace.discriminator)
        case .changed(let discriminator, let name, let managesSubscriptions, let mapping):
            if catalogue.keyspaceTable[discriminator]?.mapping != mapping {
                try catalogue.requireMappable(mapping, to: discriminator)
            }
            try catalogue.keyspaceTable.change(discriminator) { keyspace throws(Problem) in
                keyspace.name = try DefinitionRules.name(name)
                keyspace.managesSubscriptions = managesSubscriptions
                keyspace.mapping = mapping
            }
        }
    }
}

extension Catalogue {
    fileprivate func requireMappable(
        _ attribute: Discriminator<Attribute>?, to keyspace: Discriminator<Keyspace>
    ) throws(Problem) {
        guard let attribute else { return }
        guard !BuiltIn.keyspaces.contains(where: { $0.discriminator == keyspace }) else {
            throw Problem(
                .conflict,
                "'\(keyspace)' comes with the account, and the attribute that it is mapped to is fixed for good.")
        }
        let isThere = sections.contains { section in
            self.attribute(attribute, in: section.discriminator).map { $0.removedAt == nil } ?? false
        }
        guard isThere else {
            let detail = "No section has an attribute '\(attribute)'."
            throw Problem(
                .validationFailed, detail,
                errors: [ItemError(index: nil, pointer: "/mapped_attribute", code: .attributeNotFound, detail: detail)])
        }
    }
}

// MARK: - The stored form

extension KeyspaceChange: Codable {
    private enum Key: String, CodingKey { case kind, keyspace, name, managesSubscriptions, mapping }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(kind, forKey: .kind)
        switch self {
        case .created(let keyspace): try container.encode(keyspace, forKey: .keyspace)
        case .changed(let discriminator, let name, let managesSubscriptions, let mapping):
            try container.encode(discriminator, forKey: .keyspace)
            try container.encode(name, forKey: .name)
            try container.encode(managesSubscriptions, forKey: .managesSubscriptions)
            try container.encodeIfPresent(mapping, forKey: .mapping)
        }
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        switch try container.decode(Kind.self, forKey: .kind) {
        case .created: self = .created(try container.decode(Keyspace.self, forKey: .keyspace))
        case .changed:
            self = .changed(
                try container.decode(Discriminator<Keyspace>.self, forKey: .keyspace),
                name: try container.decode(String.self, forKey: .name),
                managesSubscriptions: try container.decode(Bool.self, forKey: .managesSubscriptions),
                mapping: try container.decodeIfPresent(Discriminator<Attribute>.self, forKey: .mapping))
        }
    }
}

public enum KeyspaceChange: Sendable, Equatable {
    case created(Keyspace)
    case changed(Discriminator<Keyspace>, name: String, managesSubscriptions: Bool)
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
        case .changed(let discriminator, _, _): discriminator.text
        }
    }

    var name: String? {
        switch self {
        case .created(let keyspace): keyspace.name
        case .changed(_, let name, _): name
        }
    }

    func apply(to catalogue: inout Catalogue) throws(Problem) {
        switch self {
        case .created(let keyspace):
            try catalogue.keyspaceTable.add(keyspace)
            _ = try DefinitionRules.name(keyspace.name)
        case .changed(let discriminator, let name, let managesSubscriptions):
            try catalogue.keyspaceTable.change(discriminator) { keyspace throws(Problem) in
                keyspace.name = try DefinitionRules.name(name)
                keyspace.managesSubscriptions = managesSubscriptions
            }
        }
    }
}

// MARK: - The stored form

extension KeyspaceChange: Codable {
    private enum Key: String, CodingKey { case kind, keyspace, name, managesSubscriptions }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(kind, forKey: .kind)
        switch self {
        case .created(let keyspace): try container.encode(keyspace, forKey: .keyspace)
        case .changed(let discriminator, let name, let managesSubscriptions):
            try container.encode(discriminator, forKey: .keyspace)
            try container.encode(name, forKey: .name)
            try container.encode(managesSubscriptions, forKey: .managesSubscriptions)
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
                managesSubscriptions: try container.decode(Bool.self, forKey: .managesSubscriptions))
        }
    }
}

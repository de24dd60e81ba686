public enum SectionChange: Sendable, Equatable {
    case created(Section)
    case renamed(Discriminator<Section>, name: String)
}

extension SectionChange: DefinitionChange {
    enum Kind: String, CaseIterable, Codable {
        case created = "section.created"
        case renamed = "section.renamed"
    }

    var kind: Kind {
        switch self {
        case .created: .created
        case .renamed: .renamed
        }
    }

    var subject: String {
        switch self {
        case .created(let section): section.discriminator.text
        case .renamed(let discriminator, _): discriminator.text
        }
    }

    var name: String? {
        switch self {
        case .created(let section): section.name
        case .renamed(_, let name): name
        }
    }

    func apply(to catalogue: inout Catalogue) throws(Problem) {
        switch self {
        case .created(let section):
            try catalogue.sectionTable.add(section)
            _ = try DefinitionRules.name(section.name)
            for attribute in BuiltIn.attributes {
                catalogue.attributeTable.addBuiltIn(attribute.attribute(in: section))
            }
        case .renamed(let discriminator, let name):
            try catalogue.sectionTable.change(discriminator) { section throws(Problem) in
                section.name = try DefinitionRules.name(name)
            }
        }
    }
}

// MARK: - The stored form

extension SectionChange: Codable {
    private enum Key: String, CodingKey { case kind, section, name }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(kind, forKey: .kind)
        switch self {
        case .created(let section): try container.encode(section, forKey: .section)
        case .renamed(let discriminator, let name):
            try container.encode(discriminator, forKey: .section)
            try container.encode(name, forKey: .name)
        }
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        switch try container.decode(Kind.self, forKey: .kind) {
        case .created: self = .created(try container.decode(Section.self, forKey: .section))
        case .renamed:
            self = .renamed(
                try container.decode(Discriminator<Section>.self, forKey: .section),
                name: try container.decode(String.self, forKey: .name))
        }
    }
}

public enum AttributeChange: Sendable, Equatable {
    /// With its first version: an attribute without one can hold nothing.
    case created(AttributeHead, number: Int64, AttributeVersionAdded)
    case changed(AttributeHead)
    case removed(Discriminator<Attribute>, in: Discriminator<Section>, at: Timestamp)

    public var attribute: SectionKey<Attribute> {
        switch self {
        case .created(let head, _, _), .changed(let head): head.key
        case .removed(let discriminator, let section, _): SectionKey(discriminator, in: section)
        }
    }
}

/// An attribute without its versions.
public struct AttributeHead: Sendable, Codable, Equatable {
    public var discriminator: Discriminator<Attribute>
    public var section: Discriminator<Section>
    public var name: String
    public var description: String
    /// Keyed by keyspace discriminator; only those that forbid something.
    public var permissions: [String: Permission]

    public var key: SectionKey<Attribute> { SectionKey(discriminator, in: section) }
}

extension Attribute {
    public var head: AttributeHead {
        AttributeHead(
            discriminator: discriminator, section: section, name: name, description: summary,
            permissions: Dictionary(uniqueKeysWithValues: permissions.map { ($0.key.text, $0.value) }))
    }
}

extension AttributeChange: DefinitionChange {
    enum Kind: String, CaseIterable, Codable {
        case created = "attribute.created"
        case changed = "attribute.changed"
        case removed = "attribute.removed"
    }

    var kind: Kind {
        switch self {
        case .created: .created
        case .changed: .changed
        case .removed: .removed
        }
    }

    var subject: String { attribute.discriminator.text }

    var name: String? {
        switch self {
        case .created(let head, _, _), .changed(let head): head.name
        case .removed: nil
        }
    }

    func apply(to catalogue: inout Catalogue) throws(Problem) {
        switch self {
        case .created(let head, let number, let version): try catalogue.add(head, number, version)
        case .changed(let head):
            _ = try catalogue.attributeTable.livePlace(of: head.key)
            try catalogue.set(head)
        case .removed(_, _, let at):
            let place = try catalogue.attributeTable.livePlace(of: attribute)
            guard !catalogue.attributeTable.all[place].isBuiltIn else {
                throw Problem(
                    .conflict,
                    "'\(subject)' comes with each section and cannot be removed. To keep clients from it, take their "
                        + "permissions away.")
            }
            try catalogue.attributeTable.change(at: place) { $0.removedAt = at }
        }
    }

    func beginning(in catalogue: Catalogue) -> VersionBeginning? {
        guard case .created(_, _, let version) = self else { return nil }
        return VersionBeginning(at: version.validFrom, current: nil)
    }
}

extension Catalogue {
    fileprivate mutating func add(
        _ head: AttributeHead, _ number: Int64, _ version: AttributeVersionAdded
    ) throws(Problem) {
        guard sectionTable.place(of: head.section) != nil else { throw Problem.noSection(head.section) }
        guard version.definition == head.key else {
            throw Problem(.conflict, "The first version of '\(head.discriminator)' is of another attribute.")
        }
        guard number >= BuiltInAttribute.customNumbers, attributeTable[number: number] == nil else {
            throw Problem(.conflict, "The number \(number) cannot be given to '\(head.discriminator)'.")
        }
        try attributeTable.requireUnused(head.discriminator)
        try attributeTable.add(
            Attribute(
                number: number, discriminator: head.discriminator, section: head.section, name: head.name,
                summary: head.description, permissions: [:]))
        try set(head)
        try add(version)
    }

    /// What of an attribute can change.
    fileprivate mutating func set(_ head: AttributeHead) throws(Problem) {
        let name = try DefinitionRules.name(head.name)
        let description = try DefinitionRules.description(head.description)
        let permissions = try checkedPermissions(head.permissions, unlisted: .all)
        try attributeTable.change(head.key) { attribute in
            attribute.name = name
            attribute.summary = description
            attribute.permissions = permissions
        }
    }
}

// MARK: - The stored form

extension AttributeChange: Codable {
    private enum Key: String, CodingKey { case kind, attribute, number, version, section, at }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(kind, forKey: .kind)
        switch self {
        case .created(let head, let number, let version):
            try container.encode(head, forKey: .attribute)
            try container.encode(number, forKey: .number)
            try container.encode(version, forKey: .version)
        case .changed(let head): try container.encode(head, forKey: .attribute)
        case .removed(let discriminator, let section, let at):
            try container.encode(discriminator, forKey: .attribute)
            try container.encode(section, forKey: .section)
            try container.encode(at, forKey: .at)
        }
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        switch try container.decode(Kind.self, forKey: .kind) {
        case .created:
            self = .created(
                try container.decode(AttributeHead.self, forKey: .attribute),
                number: try container.decode(Int64.self, forKey: .number),
                try container.decode(AttributeVersionAdded.self, forKey: .version))
        case .changed: self = .changed(try container.decode(AttributeHead.self, forKey: .attribute))
        case .removed:
            self = .removed(
                try container.decode(Discriminator<Attribute>.self, forKey: .attribute),
                in: try container.decode(Discriminator<Section>.self, forKey: .section),
                at: try container.decode(Timestamp.self, forKey: .at))
        }
    }
}

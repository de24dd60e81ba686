public enum TagChange: Sendable, Equatable {
    case created(TagHead, number: Int64, id: VersionID, validFrom: Timestamp)
    case changed(TagHead)
    case removed(Discriminator<Tag>, in: Discriminator<Section>, at: Timestamp)

    public var tag: SectionKey<Tag> {
        switch self {
        case .created(let head, _, _, _), .changed(let head): head.key
        case .removed(let discriminator, let section, _): SectionKey(discriminator, in: section)
        }
    }
}

/// What of a tag can be said.
public struct TagHead: Sendable, Codable, Equatable {
    public var discriminator: Discriminator<Tag>
    public var section: Discriminator<Section>
    public var name: String
    public var description: String
    /// Keyed by keyspace discriminator; only those that forbid something.
    public var permissions: [String: Permission]
    public var isHidden: Bool

    public var key: SectionKey<Tag> { SectionKey(discriminator, in: section) }
}

extension Tag {
    public var head: TagHead {
        TagHead(
            discriminator: discriminator, section: section, name: name, description: summary,
            permissions: Dictionary(uniqueKeysWithValues: permissions.map { ($0.key.text, $0.value) }),
            isHidden: isHidden)
    }
}

extension TagChange: DefinitionChange {
    enum Kind: String, CaseIterable, Codable {
        case created = "tag.created"
        case changed = "tag.changed"
        case removed = "tag.removed"
    }

    var kind: Kind {
        switch self {
        case .created: .created
        case .changed: .changed
        case .removed: .removed
        }
    }

    var subject: String { tag.discriminator.text }

    var name: String? {
        switch self {
        case .created(let head, _, _, _), .changed(let head): head.name
        case .removed: nil
        }
    }

    func apply(to catalogue: inout Catalogue) throws(Problem) {
        switch self {
        case .created(let head, let number, let id, let validFrom):
            try catalogue.add(head, number, id, from: validFrom)
        case .changed(let head):
            _ = try catalogue.tagTable.livePlace(of: head.key)
            try catalogue.set(head)
        case .removed(_, _, let at):
            let place = try catalogue.tagTable.livePlace(of: tag)
            try catalogue.tagTable.change(at: place) { $0.removedAt = at }
        }
    }

    func beginning(in catalogue: Catalogue) -> VersionBeginning? {
        guard case .created(_, _, _, let validFrom) = self else { return nil }
        return VersionBeginning(at: validFrom, current: nil)
    }
}

extension Catalogue {
    fileprivate mutating func add(
        _ head: TagHead, _ number: Int64, _ id: VersionID, from validFrom: Timestamp
    ) throws(Problem) {
        guard sectionTable.place(of: head.section) != nil else { throw Problem.noSection(head.section) }
        guard number > 0, tagTable[number: number] == nil else {
            throw Problem(.conflict, "The number \(number) cannot be given to '\(head.discriminator)'.")
        }
        try tagTable.requireUnused(head.discriminator)
        try requireFree(id)
        let version = TagVersion(
            id: id, state: .published, content: TagContent(), validFrom: validFrom, deprecatedAt: nil)
        try tagTable.addWithVersions(
            Tag(
                number: number, discriminator: head.discriminator, section: head.section, name: head.name,
                summary: head.description, permissions: [:], isHidden: head.isHidden, version: version))
        try set(head)
        highestVersionID = max(highestVersionID, id)
    }

    /// What of a tag can change.
    fileprivate mutating func set(_ head: TagHead) throws(Problem) {
        let name = try DefinitionRules.name(head.name)
        let description = try DefinitionRules.description(head.description)
        let permissions = try checkedPermissions(head.permissions, unlisted: .all)
        try tagTable.change(head.key) { tag in
            tag.name = name
            tag.summary = description
            tag.permissions = permissions
            tag.isHidden = head.isHidden
        }
    }
}

// MARK: - The stored form

extension TagChange: Codable {
    private enum Key: String, CodingKey { case kind, tag, number, id, validFrom, section, at }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(kind, forKey: .kind)
        switch self {
        case .created(let head, let number, let id, let validFrom):
            try container.encode(head, forKey: .tag)
            try container.encode(number, forKey: .number)
            try container.encode(id, forKey: .id)
            try container.encode(validFrom, forKey: .validFrom)
        case .changed(let head): try container.encode(head, forKey: .tag)
        case .removed(let discriminator, let section, let at):
            try container.encode(discriminator, forKey: .tag)
            try container.encode(section, forKey: .section)
            try container.encode(at, forKey: .at)
        }
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        switch try container.decode(Kind.self, forKey: .kind) {
        case .created:
            self = .created(
                try container.decode(TagHead.self, forKey: .tag),
                number: try container.decode(Int64.self, forKey: .number),
                id: try container.decode(VersionID.self, forKey: .id),
                validFrom: try container.decode(Timestamp.self, forKey: .validFrom))
        case .changed: self = .changed(try container.decode(TagHead.self, forKey: .tag))
        case .removed:
            self = .removed(
                try container.decode(Discriminator<Tag>.self, forKey: .tag),
                in: try container.decode(Discriminator<Section>.self, forKey: .section),
                at: try container.decode(Timestamp.self, forKey: .at))
        }
    }
}

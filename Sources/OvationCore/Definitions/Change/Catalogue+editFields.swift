// What an admin may ask for of attributes and tags, turned into log entries; see Catalogue+edit.swift.

/// Everything a new attribute needs, beside its first version.
public struct AttributeDefinition: Sendable, Equatable {
    public var section: Discriminator<Section>
    /// nil: made from the name.
    public var discriminator: Discriminator<Attribute>?
    public var name: String
    public var description: String
    public var permissions: [String: Permission]

    public init(
        section: Discriminator<Section>, discriminator: Discriminator<Attribute>?, name: String, description: String,
        permissions: [String: Permission]
    ) {
        self.section = section
        self.discriminator = discriminator
        self.name = name
        self.description = description
        self.permissions = permissions
    }
}

/// Everything a new version of an attribute needs.
public struct AttributeVersionDefinition: Sendable, Equatable {
    /// nil: the next free one.
    public var id: VersionID?
    public var content: AttributeContent
    public var isDraft: Bool
    /// nil: now.
    public var validFrom: Timestamp?
    public var deprecatedAt: Timestamp?

    public init(
        id: VersionID?, content: AttributeContent, isDraft: Bool = false, validFrom: Timestamp? = nil,
        deprecatedAt: Timestamp? = nil
    ) {
        self.id = id
        self.content = content
        self.isDraft = isDraft
        self.validFrom = validFrom
        self.deprecatedAt = deprecatedAt
    }
}

/// Everything a new tag needs.
public struct TagDefinition: Sendable, Equatable {
    public var section: Discriminator<Section>
    /// nil: made from the name.
    public var discriminator: Discriminator<Tag>?
    public var name: String
    public var description: String
    public var permissions: [String: Permission]
    public var isHidden: Bool
    /// nil: the next free one.
    public var id: VersionID?
    /// nil: now.
    public var validFrom: Timestamp?

    public init(
        section: Discriminator<Section>, discriminator: Discriminator<Tag>?, name: String, description: String = "",
        permissions: [String: Permission] = [:], isHidden: Bool = false, id: VersionID? = nil,
        validFrom: Timestamp? = nil
    ) {
        self.section = section
        self.discriminator = discriminator
        self.name = name
        self.description = description
        self.permissions = permissions
        self.isHidden = isHidden
        self.id = id
        self.validFrom = validFrom
    }
}

extension Catalogue {
    public func creatingAttribute(
        _ definition: AttributeDefinition, _ version: AttributeVersionDefinition, at now: Timestamp,
        using random: inout some RandomNumberGenerator
    ) -> AttributeChange {
        let head = AttributeHead(
            discriminator: definition.discriminator ?? .made(fromName: definition.name, using: &random),
            section: definition.section, name: definition.name, description: definition.description,
            permissions: definition.permissions.filter { $0.value != .all })
        return .created(
            head, number: max(attributeTable.nextNumber, BuiltInAttribute.customNumbers),
            addingVersion(version, to: head.key, at: now))
    }

    public func addingVersion(
        _ definition: AttributeVersionDefinition, to attribute: SectionKey<Attribute>, at now: Timestamp
    ) -> AttributeVersionAdded {
        AttributeVersionAdded(
            section: attribute.section, attribute: attribute.discriminator, id: definition.id ?? nextVersionID,
            type: definition.content.type, renderHint: definition.content.renderHint,
            state: definition.isDraft ? .draft : .published,
            validFrom: definition.validFrom ?? earliestBeginning(of: attribute, at: now),
            deprecatedAt: definition.deprecatedAt)
    }

    /// Makes a version of an attribute the current one: a draft for the first time, a deprecated one again.
    public func publishing(
        _ id: VersionID, of attribute: SectionKey<Attribute>, at now: Timestamp
    ) -> CatalogueChange {
        let at = earliestBeginning(of: attribute, at: now)
        return attributeVersion(id)?.version.state == .published
            ? .attributeVersion(.republished(id, at: at)) : .attributeVersion(.published(id, at: at))
    }

    /// Now; or when the current version began, where that is later.
    public func earliestBeginning(of attribute: SectionKey<Attribute>, at now: Timestamp) -> Timestamp {
        max(now, self.attribute(attribute.discriminator, in: attribute.section)?.currentVersion?.validFrom ?? now)
    }

    public func creatingTag(
        _ definition: TagDefinition, at now: Timestamp, using random: inout some RandomNumberGenerator
    ) -> TagChange {
        let head = TagHead(
            discriminator: definition.discriminator ?? .made(fromName: definition.name, using: &random),
            section: definition.section, name: definition.name, description: definition.description,
            permissions: definition.permissions.filter { $0.value != .all }, isHidden: definition.isHidden)
        return .created(
            head, number: tagTable.nextNumber, id: definition.id ?? nextVersionID,
            validFrom: definition.validFrom ?? now)
    }
}

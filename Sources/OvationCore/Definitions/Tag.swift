/// A label that a profile has in a section or has not; it has no value.
public struct Tag: Sendable, Equatable {
    /// Small number, unique in the account; used in rows and never shown.
    public let number: Int64
    /// Unique in its section.
    public let discriminator: Discriminator<Tag>
    public let section: Discriminator<Section>
    public internal(set) var name: String
    public internal(set) var summary: String
    /// Keyspaces without an entry may read and write.
    public internal(set) var permissions: [Discriminator<Keyspace>: Permission]
    /// Left out where people choose a tag; the API lists it and takes it as before.
    public internal(set) var isHidden: Bool
    /// One, which gives the tag its id.
    public internal(set) var versions = VersionHistory<TagContent>()
    public internal(set) var removedAt: Timestamp?

    init(
        number: Int64, discriminator: Discriminator<Tag>, section: Discriminator<Section>, name: String,
        summary: String, permissions: [Discriminator<Keyspace>: Permission], isHidden: Bool, version: TagVersion
    ) {
        self.number = number
        self.discriminator = discriminator
        self.section = section
        self.name = name
        self.summary = summary
        self.permissions = permissions
        self.isHidden = isHidden
        self.versions = VersionHistory(first: version)
    }

    public func permission(in keyspace: Discriminator<Keyspace>) -> Permission {
        permissions[keyspace] ?? .all
    }

    /// The id by which clients name the tag.
    public var versionID: VersionID { versions.all[0].id }
}

extension Tag: VersionedDefinition {
    typealias Key = SectionKey<Tag>

    var key: Key { SectionKey(discriminator, in: section) }
    var rowNumber: Int64? { number }
    static let plural = "tags"
    static let countMax = Limits.tagsMax
    static let versionsPlural = "versions of one tag"
    static let versionCountMax = 1

    static func notFound(_ key: Key) -> Problem { .noTag(key.discriminator, in: key.section) }
}

/// Nothing: a tag has no value.
public struct TagContent: Sendable, Equatable {
    public init() {}
}

public typealias TagVersion = DefinitionVersion<TagContent>

extension Problem {
    public static func noTag(_ discriminator: Discriminator<Tag>, in section: Discriminator<Section>) -> Problem {
        Problem(.tagNotFound, "The section '\(section)' has no tag '\(discriminator)'.")
    }
}

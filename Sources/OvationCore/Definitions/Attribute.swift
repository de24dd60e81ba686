/// A value that each profile can have once in a section, and that can be overwritten.
public struct Attribute: Sendable, Equatable {
    /// Small number, unique in the account; used in rows and never shown.
    public let number: Int64
    /// Unique in its section: the default attributes have the same one in every section.
    public let discriminator: Discriminator<Attribute>
    public let section: Discriminator<Section>
    public internal(set) var name: String
    public internal(set) var summary: String
    /// Keyspaces without an entry may read and write.
    public internal(set) var permissions: [Discriminator<Keyspace>: Permission]
    public internal(set) var versions = VersionHistory<AttributeContent>()
    public internal(set) var removedAt: Timestamp?

    init(
        number: Int64, discriminator: Discriminator<Attribute>, section: Discriminator<Section>, name: String,
        summary: String, permissions: [Discriminator<Keyspace>: Permission]
    ) {
        self.number = number
        self.discriminator = discriminator
        self.section = section
        self.name = name
        self.summary = summary
        self.permissions = permissions
    }

    public func permission(in keyspace: Discriminator<Keyspace>) -> Permission {
        permissions[keyspace] ?? .all
    }

    /// Whether it comes with each section; such an attribute cannot be removed.
    public var isBuiltIn: Bool { number < BuiltInAttribute.customNumbers }

    public var currentVersion: AttributeVersion? { versions.current }

    /// As lists show them: see ``VersionHistory/listed``.
    public var listedVersions: [AttributeVersion] { versions.listed }
}

extension Attribute: VersionedDefinition {
    typealias Key = SectionKey<Attribute>

    var key: Key { SectionKey(discriminator, in: section) }
    var rowNumber: Int64? { number }
    static let plural = "attributes"
    static let countMax = Limits.attributesMax
    static let versionsPlural = "versions of one attribute"
    static let versionCountMax = Limits.versionsPerAttributeMax

    static func notFound(_ key: Key) -> Problem { .noAttribute(key.discriminator, in: key.section) }
}

/// The type of an attribute from one moment on.
public typealias AttributeVersion = DefinitionVersion<AttributeContent>

/// What an attribute's values are.
public struct AttributeContent: Sendable, Equatable, Codable {
    public let type: FieldType
    /// What its values mean beyond their type; nil: nothing.
    public let renderHint: RenderHint?

    /// - Throws: `validation_failed` when the hint is for another type.
    public init(type: FieldType, renderHint: RenderHint? = nil) throws(Problem) {
        if let renderHint, renderHint.type != type {
            let detail = "A render hint '\(renderHint.rawValue)' is for the type \(renderHint.type.rawValue)."
            throw Problem(
                .validationFailed, detail,
                errors: [ItemError(index: nil, pointer: "/render_hint", code: .invalidValue, detail: detail)])
        }
        self.type = type
        self.renderHint = renderHint
    }

    /// For what Ovation itself ships.
    init(builtIn type: FieldType, _ renderHint: RenderHint?) {
        self.type = type
        self.renderHint = renderHint
    }
}

/// A kind of value that has no type of its own on the wire. The date's word is the vendor's, the others are made like it.
public enum RenderHint: String, Codable, Sendable, CaseIterable {
    /// A text such as `1993-03-07`.
    case date = "date_YYYY-MM-DD"
    /// Whole seconds since 1970.
    case timestamp = "timestamp_unix"
    /// A text of two capital letters: a country of ISO 3166-1.
    case location = "location_iso3166-1"

    public var type: FieldType {
        switch self {
        case .date, .location: .string
        case .timestamp: .integer
        }
    }
}

/// An attribute that every section has. Its numbers follow from the section's, so that it needs no entry in the log.
public struct BuiltInAttribute: Sendable {
    public let discriminator: Discriminator<Attribute>
    /// The keyspace whose keys it has as its value.
    public let keyspace: Discriminator<Keyspace>?
    private let place: Int64
    private let name: String
    private let content: AttributeContent

    /// Attributes that admins make have numbers from here on.
    static let customNumbers: Int64 = 10_000
    /// Numbers that each section has for its default attributes.
    private static let numbersPerSection: Int64 = 8
    /// Above every id that an admin can choose.
    private static let versionIDs = Limits.versionIDMax + 1

    /// - Parameter place: from 1, below ``numbersPerSection``; never changed.
    init(
        _ place: Int64, _ discriminator: StaticString, _ name: String, _ type: FieldType,
        renderHint: RenderHint? = nil, keyspace: StaticString? = nil
    ) {
        self.place = place
        self.discriminator = Discriminator(builtIn: discriminator)
        self.name = name
        self.content = AttributeContent(builtIn: type, renderHint)
        self.keyspace = keyspace.map { Discriminator(builtIn: $0) }
    }

    func attribute(in section: Section) -> Attribute {
        let number = section.number * BuiltInAttribute.numbersPerSection + place
        var attribute = Attribute(
            number: number, discriminator: discriminator, section: section.discriminator, name: name, summary: "",
            permissions: [:])
        attribute.versions = VersionHistory(
            first: AttributeVersion(
                id: BuiltInAttribute.firstVersion(ofAttribute: number), state: .published, content: content,
                validFrom: Timestamp(milliseconds: 0), deprecatedAt: nil))
        return attribute
    }

    /// The id of the version that a default attribute begins with, by the attribute's number.
    public static func firstVersion(ofAttribute number: Int64) -> VersionID { versionIDs + number }

    /// How the values of a default attribute are written as profile keys, by the attribute's number. It is fixed for good, so
    /// stores rely on it. nil: it is mapped to no keyspace of every account, or it is no default one.
    public static func keyFormat(ofAttribute number: Int64) -> KeyFormat? {
        guard number > 0, number < customNumbers else { return nil }
        return keyFormats[Int(number % numbersPerSection)]
    }

    /// By place.
    private static let keyFormats: [KeyFormat?] = (0..<numbersPerSection).map { place in
        BuiltIn.attributes.first { $0.place == place }?.keyspace.flatMap { discriminator in
            BuiltIn.keyspaces.first { $0.discriminator == discriminator }?.keyFormat
        }
    }
}

extension Problem {
    public static func noAttribute(
        _ discriminator: Discriminator<Attribute>, in section: Discriminator<Section>
    ) -> Problem {
        Problem(.attributeNotFound, "The section '\(section)' has no attribute '\(discriminator)'.")
    }
}

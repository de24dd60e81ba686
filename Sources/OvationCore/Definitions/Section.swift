/// A part of an account, such as a brand or a country, with a data model of its own.
public struct Section: Sendable, Codable, Equatable {
    /// Small number, unique in the account; used in rows and never shown.
    public let number: Int64
    public let discriminator: Discriminator<Section>
    public internal(set) var name: String

    public init(number: Int64, discriminator: Discriminator<Section>, name: String) {
        self.number = number
        self.discriminator = discriminator
        self.name = name
    }
}

/// A name space of profile keys; the data of a profile is read and written through one.
public struct Keyspace: Sendable, Codable, Equatable {
    /// Small number, unique in the account; used in rows and never shown.
    public let number: Int64
    public let discriminator: Discriminator<Keyspace>
    public internal(set) var name: String
    /// Whether consents may be changed through this keyspace.
    public internal(set) var managesSubscriptions: Bool
    public let keyFormat: KeyFormat
    /// The attribute that has the profile key as its value in each section where it exists; nil: there is none.
    /// Keyspaces that come with the account have theirs whatever is here: see ``mappedAttribute``.
    public internal(set) var mapping: Discriminator<Attribute>?

    public var mappedAttribute: Discriminator<Attribute>? {
        mapping ?? BuiltIn.attributes.first { $0.keyspace == discriminator }?.discriminator
    }

    public init(
        number: Int64, discriminator: Discriminator<Keyspace>, name: String, managesSubscriptions: Bool,
        keyFormat: KeyFormat, mapping: Discriminator<Attribute>? = nil
    ) {
        self.mapping = mapping
        self.number = number
        self.discriminator = discriminator
        self.name = name
        self.managesSubscriptions = managesSubscriptions
        self.keyFormat = keyFormat
    }
}

extension Section: Definition {
    var rowNumber: Int64? { number }
    static let plural = "sections"
    static let countMax = Limits.sectionsMax

    static func notFound(_ discriminator: Discriminator<Section>) -> Problem { .noSection(discriminator) }
}

extension Keyspace: Definition {
    var rowNumber: Int64? { number }
    static let plural = "keyspaces"
    static let countMax = Limits.keyspacesMax

    static func notFound(_ discriminator: Discriminator<Keyspace>) -> Problem { .noKeyspace(discriminator) }
}

extension Keyspace {
    /// Whether consents can be read through it. All can be through the one for exports.
    public var showsConsents: Bool {
        managesSubscriptions || discriminator.text == "com.apsis1.keyspaces.export"
    }
}

/// What every account, and every section, has from its first moment.
public enum BuiltIn {
    /// The default attributes of each section. They are in no log.
    public static let attributes: [BuiltInAttribute] = [
        BuiltInAttribute(
            1, "com.apsis1.attributes.email", "Email", .string, keyspace: "com.apsis1.keyspaces.email"),
        BuiltInAttribute(
            2, "com.apsis1.attributes.mobile", "Mobile", .integer, keyspace: "com.apsis1.keyspaces.mobile"),
        BuiltInAttribute(
            3, "com.apsis1.attributes.crmid", "CRM ID", .string, keyspace: "com.apsis1.keyspaces.crm-id"),
        BuiltInAttribute(4, "com.apsis1.attributes.firstname", "First name", .string),
        BuiltInAttribute(5, "com.apsis1.attributes.lastname", "Last name", .string),
        BuiltInAttribute(6, "com.apsis1.attributes.birthdate", "Birth date", .string, renderHint: .date),
    ]

    public static let sections: [Section] = [
        Section(number: 1, discriminator: .init(builtIn: "com.apsis1.sections.default"), name: "Default")
    ]

    public static let keyspaces: [Keyspace] = [
        Keyspace(
            number: 1, discriminator: .init(builtIn: "com.apsis1.keyspaces.email"), name: "Email",
            managesSubscriptions: true, keyFormat: .email),
        Keyspace(
            number: 2, discriminator: .init(builtIn: "com.apsis1.keyspaces.mobile"), name: "Mobile",
            managesSubscriptions: true, keyFormat: .mobile),
        Keyspace(
            number: 3, discriminator: .init(builtIn: "com.apsis1.keyspaces.crm-id"), name: "CRM ID",
            managesSubscriptions: true, keyFormat: .text),
        Keyspace(
            number: 4, discriminator: .init(builtIn: "com.apsis1.keyspaces.web"), name: "Web",
            managesSubscriptions: false, keyFormat: .text),
        Keyspace(
            number: 5, discriminator: .init(builtIn: "com.apsis1.keyspaces.export"), name: "Export",
            managesSubscriptions: false, keyFormat: .text),
    ]

    /// The field that every event type has, whether its author names it or not.
    public static let sourceField = Field(name: "source", type: .string, required: false)
}

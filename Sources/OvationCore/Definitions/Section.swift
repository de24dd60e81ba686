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

    public init(
        number: Int64, discriminator: Discriminator<Keyspace>, name: String, managesSubscriptions: Bool,
        keyFormat: KeyFormat
    ) {
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

/// What every account has from its first moment.
public enum BuiltIn {
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

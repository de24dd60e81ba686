/// `GET /console/sections`; created by a post to it, renamed by a post to `/console/sections/{section}`.
public struct SectionsPage: ConsolePage {
    public static let template = "sections"
    public var title: String { "Sections" }

    public struct Row: Sendable, Equatable {
        public let name: String
        public let discriminator: String
        public let eventTypes: Int

        public init(name: String, discriminator: String, eventTypes: Int) {
            self.name = name
            self.discriminator = discriminator
            self.eventTypes = eventTypes
        }
    }

    public let rows: [Row]
    /// What was typed into the form that creates one, after it failed.
    public let newName: String
    /// `name` is the form that creates; `name:{discriminator}` is the row of a section.
    public let errors: [FormError]
    let errorLines: [ErrorLine]
    let nameError: String?
    let items: [Item]

    /// A row with what is wrong in it.
    struct Item: Sendable, Equatable {
        let row: Row
        let eventTypesText: String
        let error: String?
    }

    public init(rows: [Row], newName: String = "", errors: [FormError] = []) {
        self.rows = rows
        self.newName = newName
        self.errors = errors
        errorLines = errors.lines()
        nameError = errors.message(for: "name")
        items = rows.map {
            Item(
                row: $0, eventTypesText: $0.eventTypes.counting("event type"),
                error: errors.message(for: "name:\($0.discriminator)"))
        }
    }
}

/// `GET /console/keyspaces`; created by a post to it, changed by a post to `/console/keyspaces/{keyspace}`.
public struct KeyspacesPage: ConsolePage {
    public static let template = "keyspaces"
    public var title: String { "Keyspaces" }

    public struct Row: Sendable, Equatable {
        public let name: String
        public let discriminator: String
        /// `text`, `email` or `mobile`.
        public let keyFormat: String
        public let managesSubscriptions: Bool

        public init(name: String, discriminator: String, keyFormat: String, managesSubscriptions: Bool) {
            self.name = name
            self.discriminator = discriminator
            self.keyFormat = keyFormat
            self.managesSubscriptions = managesSubscriptions
        }
    }

    public let rows: [Row]
    /// What the form that creates one shows; after it failed, what was typed.
    public let newName: String
    public let newKeyFormat: String
    public let newManagesSubscriptions: Bool
    /// `name` is the form that creates; `name:{discriminator}` is the row of a keyspace.
    public let errors: [FormError]
    let keyFormats: [Choice]
    let errorLines: [ErrorLine]
    let nameError: String?
    let keyFormatError: String?
    let items: [Item]

    /// A row with what is wrong in it.
    struct Item: Sendable, Equatable {
        let row: Row
        let error: String?
    }

    public init(
        rows: [Row], newName: String = "", newKeyFormat: String = "text", newManagesSubscriptions: Bool = false,
        errors: [FormError] = []
    ) {
        self.rows = rows
        self.newName = newName
        self.newKeyFormat = newKeyFormat
        self.newManagesSubscriptions = newManagesSubscriptions
        self.errors = errors
        keyFormats = [
            ("text", "any text"), ("email", "an email address"), ("mobile", "digits with the country code"),
        ].map { Choice(value: $0.0, label: "\($0.0): \($0.1)", selected: $0.0 == newKeyFormat) }
        errorLines = errors.lines()
        nameError = errors.message(for: "name")
        keyFormatError = errors.message(for: "key_format")
        items = rows.map { Item(row: $0, error: errors.message(for: "name:\($0.discriminator)")) }
    }
}

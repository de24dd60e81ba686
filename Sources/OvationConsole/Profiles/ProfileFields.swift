/// What a profile holds in a section, as its page shows it.
public struct ProfileHeld: Sendable, Equatable {
    public struct Attribute: Sendable, Equatable {
        public let name: String
        public let discriminator: String
        public let value: String
        public let set: Moment
        /// Name of the API key that set it.
        public let setBy: String

        public init(name: String, discriminator: String, value: String, set: Moment, setBy: String) {
            self.name = name
            self.discriminator = discriminator
            self.value = value
            self.set = set
            self.setBy = setBy
        }
    }

    /// A tag that the profile has, or could have.
    public struct Tag: Sendable, Equatable {
        public let name: String
        public let discriminator: String
        public let isSet: Bool

        public init(name: String, discriminator: String, isSet: Bool) {
            self.name = name
            self.discriminator = discriminator
            self.isSet = isSet
        }
    }

    public let attributes: [Attribute]
    /// Where they are changed.
    public let editHref: String
    public let tags: [Tag]
    /// Where a form with a tag goes.
    public let tagAction: String
    public let changesHref: String
    public let consents: [ProfileConsent]
    /// Where they are set, with their history.
    public let consentsHref: String
    let setTags: [Tag]
    let otherTags: [Tag]

    public init(
        attributes: [Attribute], editHref: String, tags: [Tag], tagAction: String, changesHref: String,
        consents: [ProfileConsent], consentsHref: String
    ) {
        self.consents = consents
        self.consentsHref = consentsHref
        self.attributes = attributes
        self.editHref = editHref
        self.tags = tags
        self.tagAction = tagAction
        self.changesHref = changesHref
        setTags = tags.filter(\.isSet)
        otherTags = tags.filter { !$0.isSet }
    }
}

/// `GET …/sections/{section}/attributes`: the editor of a profile's attributes
public struct ProfileAttributesPage: ConsolePage {
    public static let template = "profile_attributes"
    public var title: String { "Attributes of \(who)" }

    public struct Field: Sendable, Equatable {
        /// Discriminator of the attribute, and name of the control.
        public let discriminator: String
        public let name: String
        /// What the value looks like.
        public let hint: String
        /// As it was typed, or as it is.
        public let value: String
        /// As it is stored, so that the form changes only what a person changed.
        public let stored: String
        /// It is shown, and cannot be changed here.
        public let isFixed: Bool
        let control: String

        public init(discriminator: String, name: String, hint: String, value: String, stored: String, isFixed: Bool) {
            self.discriminator = discriminator
            self.name = name
            self.hint = hint
            self.value = value
            self.stored = stored
            self.isFixed = isFixed
            control = ProfileAttributesPage.control(discriminator)
        }
    }

    /// What a field and its error are called.
    struct Row: Sendable {
        let field: Field
        let error: String?
    }

    public let who: String
    public let sectionName: String
    public let fields: [Field]
    public let action: String
    /// The profile's page.
    public let back: String
    /// The check that a person asked for found nothing wrong.
    public let isValid: Bool
    /// Values are masked, and so cannot be edited.
    public let isMasked: Bool
    public let errors: [FormError]
    let rows: [Row]
    let errorLines: [ErrorLine]

    public init(
        who: String, sectionName: String, fields: [Field], action: String, back: String, isValid: Bool = false,
        isMasked: Bool = false, errors: [FormError] = []
    ) {
        self.who = who
        self.sectionName = sectionName
        self.fields = fields
        self.action = action
        self.back = back
        self.isValid = isValid
        self.isMasked = isMasked
        self.errors = errors
        rows = fields.map { Row(field: $0, error: errors.message(for: $0.control)) }
        errorLines = errors.lines(inOrderOf: fields.map(\.control))
    }

    /// What the control of an attribute is called in errors and in the page.
    public static func control(_ discriminator: String) -> String { "attribute:\(discriminator)" }
}

/// `GET …/sections/{section}/changes`: what was changed of a profile, newest first
public struct ProfileChangesPage: ConsolePage {
    public static let template = "profile_changes"
    public var title: String { "Changes of \(who)" }

    public struct Change: Sendable, Equatable {
        public let at: Moment
        /// Name of the API key.
        public let by: String
        /// What happened, in a few words.
        public let heading: String
        public let fields: [Field]

        public init(at: Moment, by: String, heading: String, fields: [Field]) {
            self.at = at
            self.by = by
            self.heading = heading
            self.fields = fields
        }
    }

    public struct Field: Sendable, Equatable {
        public let name: String
        public let from: String
        public let to: String

        public init(name: String, from: String, to: String) {
            self.name = name
            self.from = from
            self.to = to
        }
    }

    public let who: String
    public let sectionName: String
    public let changes: [Change]
    /// Nil on the last page.
    public let olderHref: String?
    public let isLaterPage: Bool
    /// The first page.
    public let newestHref: String
    public let back: String

    public init(
        who: String, sectionName: String, changes: [Change], olderHref: String?, isLaterPage: Bool, newestHref: String,
        back: String
    ) {
        self.who = who
        self.sectionName = sectionName
        self.changes = changes
        self.olderHref = olderHref
        self.isLaterPage = isLaterPage
        self.newestHref = newestHref
        self.back = back
    }
}

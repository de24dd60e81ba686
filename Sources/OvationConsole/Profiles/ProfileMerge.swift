/// A part of a profile that was merged from several.
public struct ProfileMemberRow: Sendable, Equatable {
    /// Empty where it has none any more.
    public let keyspace: String
    public let key: String
    /// Nil: it is the canonical one.
    public let merged: Moment?
    /// Where its merge is undone; nil where there is nothing to undo.
    public let undoHref: String?
    let isCanonical: Bool
    let hasKey: Bool
    /// What the row is about, for the link.
    let name: String

    public init(keyspace: String, key: String, merged: Moment?, undoHref: String?) {
        self.keyspace = keyspace
        self.key = key
        self.merged = merged
        self.undoHref = undoHref
        isCanonical = merged == nil
        hasKey = !key.isEmpty
        name = key.isEmpty ? "a key that was taken away" : key
    }
}

/// `/console/profiles/{profile_id}/merge`: names the other profile, then shows what a merge would do
public struct ProfileMergePage: ConsolePage {
    public static let template = "profile_merge"
    public var title: String { "Merge \(who)" }

    public struct Attribute: Sendable, Equatable {
        public let name: String
        public let value: String
        /// Whose value it is, in words.
        public let owner: String
        /// The value that is not read any more; nil: there is none.
        public let hidden: String?

        public init(name: String, value: String, owner: String, hidden: String?) {
            self.name = name
            self.value = value
            self.owner = owner
            self.hidden = hidden
        }
    }

    public struct Section: Sendable, Equatable {
        public let name: String
        public let attributes: [Attribute]
        /// Names of tags, each with whose it is.
        public let tags: [String]

        public init(name: String, attributes: [Attribute], tags: [String]) {
            self.name = name
            self.attributes = attributes
            self.tags = tags
        }
    }

    /// What a merge would do.
    public struct Preview: Sendable, Equatable {
        /// In a sentence or two.
        public let sentences: [String]
        /// Whether there is anything to do.
        public let isPossible: Bool
        public let keys: [ProfilePage.Key]
        public let sections: [Section]
        /// The form that does it.
        public let hidden: [ConfirmPage.HiddenField]

        public init(
            sentences: [String], isPossible: Bool, keys: [ProfilePage.Key], sections: [Section],
            hidden: [ConfirmPage.HiddenField]
        ) {
            self.sentences = sentences
            self.isPossible = isPossible
            self.keys = keys
            self.sections = sections
            self.hidden = hidden
        }
    }

    public let who: String
    public let action: String
    /// The profile's page.
    public let back: String
    public let keyspaces: [Choice]
    /// As it was typed.
    public let key: String
    /// Nil while nobody is named yet.
    public let preview: Preview?
    public let errors: [FormError]
    let errorLines: [ErrorLine]
    let keyError: String?

    public init(
        who: String, action: String, back: String, keyspaces: [Choice], key: String = "", preview: Preview? = nil,
        errors: [FormError] = []
    ) {
        self.who = who
        self.action = action
        self.back = back
        self.keyspaces = keyspaces
        self.key = key
        self.preview = preview
        self.errors = errors
        errorLines = errors.lines(inOrderOf: ["key"])
        keyError = errors.message(for: "key")
    }
}

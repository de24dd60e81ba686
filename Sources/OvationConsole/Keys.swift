/// `GET /console/keys`
public struct KeysPage: ConsolePage {
    public static let template = "keys"
    public var title: String { "API keys" }

    public struct Row: Sendable, Equatable {
        public let name: String
        public let clientID: String
        /// `admin` or `integration`.
        public let role: String
        /// Names; nil means all.
        public let sections: [String]?
        /// Nil means all, read and write.
        public let keyspaces: [KeyspaceAccess]?
        public let created: Moment
        public let lastUsed: Moment?
        /// Until when the secret before the last rotation still works.
        public let previousSecretUntil: Moment?
        public let revoked: Moment?
        /// Whether this is the key that signed in.
        public let isOwn: Bool
        let sectionsText: String
        let hasKeyspaces: Bool

        public init(
            name: String, clientID: String, role: String, sections: [String]?, keyspaces: [KeyspaceAccess]?,
            created: Moment, lastUsed: Moment?, previousSecretUntil: Moment?, revoked: Moment?, isOwn: Bool = false
        ) {
            self.name = name
            self.clientID = clientID
            self.role = role
            self.sections = sections
            self.keyspaces = keyspaces
            self.created = created
            self.lastUsed = lastUsed
            self.previousSecretUntil = previousSecretUntil
            self.revoked = revoked
            self.isOwn = isOwn
            hasKeyspaces = keyspaces != nil
            sectionsText = sections?.joined(separator: ", ") ?? "All sections"
        }
    }

    public let rows: [Row]

    public init(rows: [Row]) {
        self.rows = rows
    }
}

/// `GET /console/keys/new`, posted to `/console/keys`; after a failed post, the same page with `errors`.
public struct KeyFormPage: ConsolePage {
    public static let template = "key_form"
    public var title: String { "Create an API key" }

    public struct KeyspaceRow: Sendable, Equatable {
        public let name: String
        public let discriminator: String
        /// `none`, `read` or `read_write`.
        public let access: String
        let choices: [Choice]

        public init(name: String, discriminator: String, access: String) {
            self.name = name
            self.discriminator = discriminator
            self.access = access
            choices = [("none", "None"), ("read", "Read"), ("read_write", "Read and write")].map {
                Choice(value: $0.0, label: $0.1, selected: $0.0 == access)
            }
        }
    }

    public let name: String
    /// `admin` or `integration`.
    public let role: String
    /// Every section; none selected means all.
    public let sections: [Choice]
    /// Every keyspace; `none` everywhere means all, read and write.
    public let keyspaces: [KeyspaceRow]
    public let errors: [FormError]
    let roles: [Choice]
    let errorLines: [ErrorLine]
    let nameError: String?
    let roleError: String?
    let sectionsError: String?
    let keyspacesError: String?

    public init(
        name: String = "", role: String = "integration", sections: [Choice], keyspaces: [KeyspaceRow],
        errors: [FormError] = []
    ) {
        self.name = name
        self.role = role
        self.sections = sections
        self.keyspaces = keyspaces
        self.errors = errors
        roles = [
            ("integration", "May read and write profile data."),
            ("admin", "May also change definitions and API keys, and delete events."),
        ].map { Choice(value: $0.0, label: $0.0, hint: $0.1, selected: $0.0 == role) }
        errorLines = errors.lines(inOrderOf: ["name", "role", "sections", "keyspaces"])
        nameError = errors.message(for: "name")
        roleError = errors.message(for: "role")
        sectionsError = errors.message(for: "sections")
        keyspacesError = errors.message(for: "keyspaces")
    }
}

/// `GET /console/keys/{id}/rotate`, posted to the same address.
public struct RotateKeyPage: ConsolePage {
    public static let template = "key_rotate"
    public var title: String { "Rotate the secret of \(name)" }

    public let name: String
    public let clientID: String
    /// Until when the secret before the current one works; it ends at once with this rotation.
    public let previousSecretUntil: Moment?
    /// Which secret the form means to replace: a form that is sent twice must not rotate twice.
    public let seen: String

    public init(name: String, clientID: String, previousSecretUntil: Moment? = nil, seen: String) {
        self.seen = seen
        self.name = name
        self.clientID = clientID
        self.previousSecretUntil = previousSecretUntil
    }
}

/// The answer to creating or rotating a key: the only time that its secret is shown.
public struct SecretPage: ConsolePage {
    public static let template = "key_secret"
    public var title: String { heading }

    /// False after a rotation.
    public let isNew: Bool
    public let name: String
    public let clientID: String
    public let secret: String
    /// The curl command that fetches a token with it.
    public let command: String
    /// After a rotation: until when the previous secret works; nil if it ended at once.
    public let previousSecretUntil: Moment?
    let heading: String

    public init(
        isNew: Bool, name: String, clientID: String, secret: String, command: String,
        previousSecretUntil: Moment? = nil
    ) {
        self.isNew = isNew
        heading = isNew ? "API key created" : "Secret rotated"
        self.name = name
        self.clientID = clientID
        self.secret = secret
        self.command = command
        self.previousSecretUntil = previousSecretUntil
    }
}

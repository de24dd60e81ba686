/// `GET /console/keys`
public struct KeysPage: ConsolePage {
    public static let template = "keys"
    public var title: String { "API keys" }

    public struct Row: Sendable, Equatable {
        public let name: String
        public let clientID: String
        public let rights: KeyRights
        public let created: Moment
        public let lastUsed: Moment?
        /// Until when the secret before the last rotation still works.
        public let previousSecretUntil: Moment?
        public let revoked: Moment?
        /// Whether this is the key that signed in.
        public let isOwn: Bool

        public init(
            name: String, clientID: String, rights: KeyRights, created: Moment, lastUsed: Moment?,
            previousSecretUntil: Moment?, revoked: Moment?, isOwn: Bool = false
        ) {
            self.name = name
            self.clientID = clientID
            self.rights = rights
            self.created = created
            self.lastUsed = lastUsed
            self.previousSecretUntil = previousSecretUntil
            self.revoked = revoked
            self.isOwn = isOwn
        }
    }

    public let rows: [Row]

    public init(rows: [Row]) {
        self.rows = rows
    }
}

/// What an API key may do, in the words that every page says it with.
public struct KeyRights: Sendable, Equatable {
    /// `admin` or `integration`.
    public let role: String
    public let sentences: [String]

    /// - Parameters:
    ///   - sections: names; nil means all, now and later.
    ///   - keyspaces: nil means all, read and write, now and later.
    public init(role: String, sections: [String]?, keyspaces: [KeyspaceAccess]?) {
        self.role = role
        if role == "admin" {
            sentences = ["May do everything in the account: definitions, API keys, all profiles and their events."]
            return
        }
        let places =
            switch sections {
            case nil: "All sections, now and later."
            case []?: "No section."
            case let names?:
                "Only \(names.count == 1 ? "the section" : "the sections") \(names.joined(separator: ", "))."
            }
        let access =
            switch keyspaces {
            case nil: ["Reads and writes through all keyspaces, now and later."]
            case []?: ["Reads and writes through no keyspace."]
            case let keyspaces?:
                [
                    ("Reads and writes", keyspaces.filter { $0.read && $0.write }),
                    ("Only reads", keyspaces.filter { $0.read && !$0.write }),
                ].compactMap { verb, keyspaces in
                    keyspaces.isEmpty
                        ? nil : "\(verb) through \(keyspaces.map(\.name).joined(separator: ", "))."
                }
            }
        sentences = [places] + access
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
    /// `all`, `only` those that are selected, or empty while nothing is chosen, which makes no key.
    public let sectionScope: String
    /// Every section.
    public let sections: [Choice]
    /// The same for keyspaces.
    public let keyspaceScope: String
    public let keyspaces: [KeyspaceRow]
    public let errors: [FormError]
    let roles: [Choice]
    let sectionScopes: [Choice]
    let keyspaceScopes: [Choice]
    let errorLines: [ErrorLine]
    let nameError: String?
    let roleError: String?
    let sectionsError: String?
    let keyspacesError: String?

    public init(
        name: String = "", role: String = "integration", sectionScope: String = "", sections: [Choice],
        keyspaceScope: String = "", keyspaces: [KeyspaceRow], errors: [FormError] = []
    ) {
        self.name = name
        self.role = role
        self.sectionScope = sectionScope
        self.sections = sections
        self.keyspaceScope = keyspaceScope
        self.keyspaces = keyspaces
        sectionScopes = [("all", "All sections, now and later"), ("only", "Only these sections")].map {
            Choice(value: $0.0, label: $0.1, selected: $0.0 == sectionScope)
        }
        keyspaceScopes = [("all", "All keyspaces, read and write, now and later"), ("only", "Only these keyspaces")].map
        {
            Choice(value: $0.0, label: $0.1, selected: $0.0 == keyspaceScope)
        }
        self.errors = errors
        roles = [
            ("integration", "May read and write profile data, where you let it below."),
            ("admin", "May do everything in the account, so you cannot limit it below."),
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
    public let rights: KeyRights
    /// Until when the secret before the current one works; it ends at once with this rotation.
    public let previousSecretUntil: Moment?
    /// Which secret the form means to replace: a form that is sent twice must not rotate twice.
    public let seen: String

    public init(
        name: String, clientID: String, rights: KeyRights, previousSecretUntil: Moment? = nil, seen: String
    ) {
        self.seen = seen
        self.rights = rights
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
    public let rights: KeyRights
    public let secret: String
    /// The curl command that fetches a token with it.
    public let command: String
    /// After a rotation: until when the previous secret works; nil if it ended at once.
    public let previousSecretUntil: Moment?
    let heading: String

    public init(
        isNew: Bool, name: String, clientID: String, rights: KeyRights, secret: String, command: String,
        previousSecretUntil: Moment? = nil
    ) {
        self.rights = rights
        self.isNew = isNew
        heading = isNew ? "API key created" : "Secret rotated"
        self.name = name
        self.clientID = clientID
        self.secret = secret
        self.command = command
        self.previousSecretUntil = previousSecretUntil
    }
}

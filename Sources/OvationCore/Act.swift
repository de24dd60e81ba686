/// Something that was done, changes no definition, and still belongs into the audit trail. Never holds a secret, a profile
/// key or the content of an event.
public struct Act: Sendable, Equatable {
    /// The stable word of what was done, such as `api_key.created`. A newer version may have written words that are not
    /// known here; they are shown as they are.
    public struct Kind: RawRepresentable, Sendable, Hashable {
        public let rawValue: String

        public init(rawValue: String) { self.rawValue = rawValue }

        public static let apiKeyCreated = Kind(rawValue: "api_key.created")
        public static let apiKeyRevoked = Kind(rawValue: "api_key.revoked")
        public static let apiKeyRotated = Kind(rawValue: "api_key.rotated")
        public static let signingKeyRotated = Kind(rawValue: "signing_key.rotated")
        public static let eventsDeleted = Kind(rawValue: "events.deleted")
        public static let profileErased = Kind(rawValue: "profile.erased")

        /// All that this version writes.
        public static let all = [
            apiKeyCreated, apiKeyRevoked, apiKeyRotated, signingKeyRotated, eventsDeleted, profileErased,
        ]
    }

    public var kind: Kind
    /// What it was done to: a client id, a key id, a section. Of an erasure its own id.
    public var subject: String
    /// Further facts, in words.
    public var detail: String

    public init(_ kind: Kind, subject: String, detail: String) {
        self.kind = kind
        self.subject = subject
        self.detail = detail
    }
}

/// An act with its time and its author. The store gives it its number when it writes it.
public struct ActEntry: Sendable, Equatable {
    public var at: Timestamp
    /// Client id of the API key that asked, or `server`.
    public var actor: String
    public var act: Act

    public init(at: Timestamp, actor: String, act: Act) {
        self.at = at
        self.actor = actor
        self.act = act
    }
}

/// One entry of an account's audit trail, in which changes of definitions and acts stand in one order.
public struct AuditEntry: Sendable, Equatable {
    public enum Content: Sendable, Equatable {
        case definition(CatalogueChange)
        case act(Act)
    }

    /// 1, 2, 3, … within the account, without gaps, in the order in which the entries were committed.
    public let number: Int64
    public let at: Timestamp
    /// Client id of the API key that asked, or `server`.
    public let actor: String
    public let content: Content

    public init(number: Int64, at: Timestamp, actor: String, content: Content) {
        self.number = number
        self.at = at
        self.actor = actor
        self.content = content
    }

    /// The stable word of what was done, such as `section.created`.
    public var kind: String {
        switch content {
        case .definition(let change): change.kind
        case .act(let act): act.kind.rawValue
        }
    }

    /// The discriminator or the id of what it was done to.
    public var subject: String {
        switch content {
        case .definition(let change): change.subject
        case .act(let act): act.subject
        }
    }
}

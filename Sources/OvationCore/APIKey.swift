/// Who may ask for tokens, and what those tokens may do.
public struct APIKey: Sendable, Equatable {
    public enum Role: String, Codable, Sendable, CaseIterable {
        /// May change definitions and API keys, and delete events.
        case admin
        /// May read and write profile data.
        case integration
    }

    public enum Access: String, Codable, Sendable, CaseIterable {
        case read
        case readWrite = "read_write"
    }

    /// A UUID in lower case; the OAuth client id.
    public let clientID: String
    public let account: Int64
    public let name: String
    public let role: Role
    /// Sections it may see; nil means all, now and later.
    public let sections: Set<Discriminator<Section>>?
    /// Keyspaces it may use, and how; nil means all, read and write.
    public let keyspaces: [Discriminator<Keyspace>: Access]?
    /// HMAC-SHA256 of the client secret under the server's secret; see the server's `SecretHash`.
    public var secretHash: [UInt8]
    /// The secret before the last rotation, which is good until a moment that the rotation names.
    public var previousSecret: PreviousSecret?
    public let createdAt: Timestamp
    public var revokedAt: Timestamp?
    /// When it was last used, to the minute; what came in the last five minutes before a crash can be missing.
    public var lastUsedAt: Timestamp?
    /// For a key that the operator's settings name: the hash of the secret in the settings. Unchanged settings do not
    /// undo a rotation.
    public var settingsHash: [UInt8]?

    public struct PreviousSecret: Sendable, Equatable {
        public let hash: [UInt8]
        public let validUntil: Timestamp

        public init(hash: [UInt8], validUntil: Timestamp) {
            self.hash = hash
            self.validUntil = validUntil
        }
    }

    public init(
        clientID: String, account: Int64, name: String, role: Role, sections: Set<Discriminator<Section>>?,
        keyspaces: [Discriminator<Keyspace>: Access]?, secretHash: [UInt8], previousSecret: PreviousSecret? = nil,
        createdAt: Timestamp, revokedAt: Timestamp? = nil, lastUsedAt: Timestamp? = nil,
        settingsHash: [UInt8]? = nil
    ) {
        self.clientID = clientID
        self.account = account
        self.name = name
        self.role = role
        self.sections = sections
        self.keyspaces = keyspaces
        self.secretHash = secretHash
        self.previousSecret = previousSecret
        self.createdAt = createdAt
        self.revokedAt = revokedAt
        self.lastUsedAt = lastUsedAt
        self.settingsHash = settingsHash
    }

    public func maySee(_ section: Discriminator<Section>) -> Bool {
        sections?.contains(section) ?? true
    }

    public func mayRead(_ keyspace: Discriminator<Keyspace>) -> Bool {
        keyspaces.map { $0[keyspace] != nil } ?? true
    }

    public func mayWrite(_ keyspace: Discriminator<Keyspace>) -> Bool {
        keyspaces.map { $0[keyspace] == .readWrite } ?? true
    }
}

/// An RSA key that signs access tokens.
public struct SigningKey: Sendable, Equatable {
    /// The `kid` of tokens and of the public key set.
    public let id: String
    /// PKCS#8 or PKCS#1 PEM. Secret.
    public let privateKeyPEM: String
    public let createdAt: Timestamp
    /// When another key took over; its tokens still verify until they expire.
    public var retiredAt: Timestamp?

    public init(id: String, privateKeyPEM: String, createdAt: Timestamp, retiredAt: Timestamp? = nil) {
        self.id = id
        self.privateKeyPEM = privateKeyPEM
        self.createdAt = createdAt
        self.retiredAt = retiredAt
    }
}

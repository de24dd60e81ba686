import Logging
public import OvationCore

/// Makes an empty store usable: one account with its built-in definitions, an admin API key, a signing key.
struct Founding: Sendable {
    let store: any DefinitionStore
    let clock: WallClock
    let logger: Logger
    /// Shows a key with its secret, before it is stored.
    let announce: @Sendable (AdminCredentials) throws -> Void
    let makeSigningKey: @Sendable (Timestamp) throws -> SigningKey

    /// Loads the store, and founds it when it is empty.
    /// - Returns: also whether the store was empty, and the new admin key with its secret, which is shown once and
    ///   stored nowhere.
    func load(
        admin: AdminCredentials?
    ) async throws -> (contents: StoreContents, isNew: Bool, newAdminKey: AdminCredentials?) {
        let made = AdminCredentials(made: ())
        for _ in 1..<Founding.attempts {
            do {
                return try await loadOnce(admin: admin, otherwise: made)
            } catch let failure as StoreFailure where failure.code == .sequenceTaken {
                // Another server was first; this one then uses its definitions.
            }
        }
        return try await loadOnce(admin: admin, otherwise: made)
    }

    /// Servers that share a store may start at once.
    private static let attempts = 5

    private func loadOnce(
        admin: AdminCredentials?, otherwise made: AdminCredentials
    ) async throws -> (contents: StoreContents, isNew: Bool, newAdminKey: AdminCredentials?) {
        let contents = try await store.load()
        guard contents.accounts.isEmpty else {
            guard let admin, try await set(admin, contents) else { return (contents, false, nil) }
            return (try await store.load(), false, nil)
        }
        if admin == nil { try announce(made) }
        try await found(admin ?? made, contents, isFromSettings: admin != nil)
        return (try await store.load(), true, admin == nil ? made : nil)
    }

    private func found(
        _ admin: AdminCredentials, _ contents: StoreContents, isFromSettings: Bool
    ) async throws {
        let now = clock.now()
        let account = Account(number: 1, name: "Main account", createdAt: now)
        var key = apiKey(admin, contents, account: account.number, at: now)
        if !isFromSettings { key.settingsHash = nil }
        let act = Act(.apiKeyCreated, subject: key.clientID, detail: "admin key '\(key.name)'")
        let acts = [ActEntry(at: now, actor: "server", act: act)]
        let (_, entries) = try Catalogue(account: account).applying(Catalogue.founding, at: now, by: "server")
        try await store.commit(
            AccountChange(
                account: account, entries: entries, acts: acts, apiKeys: [key],
                signingKeys: [try makeSigningKey(now)]))
        logger.info(of: entries)
        logger.info(of: acts)
    }

    /// Adds the admin key that the operator names, or gives it the secret in the settings. A revoked key stays revoked.
    private func set(_ admin: AdminCredentials, _ contents: StoreContents) async throws -> Bool {
        let secretHash = SecretHash(serverSecret: contents.serverSecret)
        let keysBefore = contents.lastSequences[contents.accounts[0].number]?.keys
        let existing = contents.apiKeys.first { $0.clientID == admin.clientID }
        if let existing {
            // Unchanged settings do not undo a rotation.
            let given = secretHash.hash(admin.clientSecret)
            guard existing.revokedAt == nil, existing.settingsHash != given || existing.role != .admin else {
                return false
            }
            if existing.secretHash == given, existing.role == .admin {
                var key = existing
                key.settingsHash = given
                try await store.commit(
                    AccountChange(
                        account: contents.accounts[0], entries: [], apiKeys: [key], keysBefore: keysBefore))
                return true
            }
        }
        let now = clock.now()
        let account = contents.accounts[0]
        let key = apiKey(admin, contents, account: account.number, at: existing?.createdAt ?? now)
        let act = Act(.apiKeyCreated, subject: key.clientID, detail: "admin key set by the operator")
        let acts = [ActEntry(at: now, actor: "server", act: act)]
        try await store.commit(
            AccountChange(account: account, entries: [], acts: acts, apiKeys: [key], keysBefore: keysBefore))
        logger.info(of: acts)
        return true
    }

    private func apiKey(
        _ admin: AdminCredentials, _ contents: StoreContents, account: Int64, at now: Timestamp
    ) -> APIKey {
        let hash = SecretHash(serverSecret: contents.serverSecret).hash(admin.clientSecret)
        return APIKey(
            clientID: admin.clientID, account: account, name: "Administrator", role: .admin, sections: nil,
            keyspaces: nil, secretHash: hash, createdAt: now, settingsHash: hash)
    }
}

/// Client id and secret of an admin API key.
public struct AdminCredentials: Sendable {
    public let clientID: String
    public let clientSecret: String

    /// - Throws: `limit_exceeded` for values that could be guessed or not be sent.
    public init(clientID: String, clientSecret: String) throws(Problem) {
        guard (8...64).contains(clientID.utf8.count),
            clientID.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") })
        else {
            throw Problem(.limitExceeded, "The admin client id has 8 to 64 letters, digits and '-'; a UUID is best.")
        }
        guard clientSecret.utf8.count >= Limits.adminSecretLengthMin, clientSecret.utf8.count <= 256 else {
            throw Problem(
                .limitExceeded,
                "The admin client secret has at least \(Limits.adminSecretLengthMin) characters, "
                    + "so that it cannot be guessed; 64 random ones are best.")
        }
        // They get lost when people copy them, and the loss is invisible.
        let isPlain = clientSecret.unicodeScalars.allSatisfy {
            !$0.properties.isWhitespace && ![.control, .format].contains($0.properties.generalCategory)
        }
        guard isPlain else {
            throw Problem(
                .limitExceeded, "The admin client secret has a blank, a line end or an invisible character in it.")
        }
        self.clientID = clientID
        self.clientSecret = clientSecret
    }

    init(made: Void) {
        clientID = SecretHash.makeClientID()
        clientSecret = SecretHash.makeSecret()
    }
}

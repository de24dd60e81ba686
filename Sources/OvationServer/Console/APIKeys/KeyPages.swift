import Crypto
import HTTPTypes
import Hummingbird
import OvationConsole
import OvationCore
import OvationWire

/// `GET /console/keys`
enum KeyList {
    @Sendable static func show(_ visit: Visit) async throws -> Response {
        let rows = try await visit.call(ListAPIKeys.self).items.map { row($0, visit) }
        // Those that work first, the newest of them at the top.
        let page = KeysPage(
            rows: rows.reversed().filter { $0.revoked == nil } + rows.reversed().filter { $0.revoked != nil })
        return await visit.page(page, area: .keys)
    }

    private static func row(_ key: Bodies.APIKey, _ visit: Visit) -> KeysPage.Row {
        let details = key.rest
        return KeysPage.Row(
            name: details.name, clientID: key.clientID, rights: KeyRights(details, visit),
            created: Moment(details.createdAt), lastUsed: details.lastUsedAt.map { Moment($0) },
            previousSecretUntil: details.previousSecretValidUntil.flatMap { $0 > visit.now ? Moment($0) : nil },
            revoked: details.revokedAt.map { Moment($0) }, isOwn: key.clientID == visit.identity.key.clientID)
    }
}

/// `/console/keys/new`
enum KeyCreation {
    @Sendable static func show(_ visit: Visit) async throws -> Response {
        await visit.page(form(visit), area: .keys)
    }

    @Sendable static func post(_ visit: Visit) async throws -> Response {
        if let question = await Proof.question(visit) { return question }
        do {
            let key = try await visit.call(CreateAPIKey.self, body: request(visit))
            return await visit.page(SecretPage(key, isNew: true, visit), area: .keys)
        } catch let problem as Problem where problem.code.status.kind == .clientError {
            return await visit.page(form(visit, problem), area: .keys, status: problem.code.status)
        }
    }

    private static func request(_ visit: Visit) throws(Problem) -> Bodies.APIKeyRequest {
        var body = Bodies.APIKeyRequest()
        body.name = visit.form["name"]
        body.role = try visit.form.word("role")
        let sections = visit.form.values("section")
        var access: [(name: String, value: APIKey.Access)] = []
        for keyspace in visit.catalogue.keyspaces {
            let word = visit.form["keyspace:\(keyspace.discriminator)"]
            guard !word.isEmpty, word != "none" else { continue }
            let name = keyspace.discriminator.text
            access.append((name, try APIKey.Access(json: .string(word), at: "/keyspaces/" + name)))
        }
        try choose(visit, sections: sections.count, keyspaces: access.count)
        body.sections = sections.isEmpty ? nil : sections
        body.keyspaces = access.isEmpty ? nil : BodyMap(access)
        return body
    }

    /// What a form leaves out is no choice: a key never may more than somebody said.
    private static func choose(_ visit: Visit, sections: Int, keyspaces: Int) throws(Problem) {
        let isAdmin = visit.form["role"] == APIKey.Role.admin.rawValue
        var errors: [ItemError] = []
        for (control, chosen, one) in [("section", sections, "a section"), ("keyspace", keyspaces, "a keyspace")] {
            let message: String? =
                switch (visit.form[control + "_scope"], chosen) {
                case ("all", 0): nil
                case ("all", _):
                    "You chose all \(control)s and some of them. Choose ‘Only these \(control)s’, or none of them."
                case ("only", 0): "Choose at least \(one), or ‘All \(control)s’."
                case ("only", _): nil
                // The API refuses an admin key that is limited.
                case ("", 0) where isAdmin: nil
                default: "Choose all \(control)s, or only those that the key needs."
                }
            if let message {
                errors.append(
                    ItemError(index: nil, pointer: "/\(control)s", code: .missingMember, detail: message))
            }
        }
        guard errors.isEmpty else {
            throw Problem(.validationFailed, "Say what the API key may do.", errors: errors)
        }
    }

    private static func form(_ visit: Visit, _ problem: Problem? = nil) -> KeyFormPage {
        let sections = Set(visit.form.values("section"))
        let errors = problem.map { problem -> [FormError] in
            if problem.code == .invalidName { return [FormError(control: "name", message: problem.detail)] }
            guard !problem.errors.isEmpty else { return [FormError(message: problem.detail)] }
            return problem.errors.map { error in
                let control = error.pointer.split(separator: "/").first.map(String.init) ?? ""
                return FormError(control: control, message: error.detail)
            }
        }
        return KeyFormPage(
            name: visit.form["name"], role: visit.form.has("role") ? visit.form["role"] : "integration",
            sectionScope: visit.form["section_scope"],
            sections: visit.catalogue.sections.map {
                Choice(
                    value: $0.discriminator.text, label: $0.name, hint: $0.discriminator.text,
                    selected: sections.contains($0.discriminator.text))
            }, keyspaceScope: visit.form["keyspace_scope"],
            keyspaces: visit.catalogue.keyspaces.map { keyspace in
                let word = visit.form["keyspace:\(keyspace.discriminator)"]
                return KeyFormPage.KeyspaceRow(
                    name: keyspace.name, discriminator: keyspace.discriminator.text,
                    access: word.isEmpty ? "none" : word)
            }, errors: errors ?? [])
    }
}

/// `/console/keys/{client_id}/rotate`
enum KeyRotation {
    @Sendable static func show(_ visit: Visit) async throws -> Response {
        let key = try visit.key()
        let previous = key.previousSecret.flatMap { $0.validUntil > visit.now ? Moment($0.validUntil) : nil }
        return await visit.page(
            RotateKeyPage(
                name: key.name, clientID: key.clientID, rights: KeyRights(Bodies.APIKey(key).rest, visit),
                previousSecretUntil: previous, seen: seen(key)),
            area: .keys)
    }

    @Sendable static func post(_ visit: Visit) async throws -> Response {
        if let question = await Proof.question(visit) { return question }
        let old = try visit.key()
        guard visit.form["seen"] == seen(old) else {
            return visit.redirect(
                to: ConsolePath.keys,
                "The secret of ‘\(old.name)’ was rotated already. To rotate it again, begin anew.",
                .error)
        }
        var body = Bodies.RotateAPIKeyRequest()
        body.overlapHours = try Bodies.OverlapHours(Int64(visit.form["overlap"]) ?? 24)
        let key = try await visit.call(RotateAPIKey.self, ["client_id": old.clientID], body: body)
        return await visit.page(SecretPage(key, isNew: false, visit), area: .keys)
    }
}

extension KeyRotation {
    /// Changes with the secret, and tells nothing of it.
    private static func seen(_ key: APIKey) -> String {
        Hexadecimal.text(of: SHA256.hash(data: key.secretHash).prefix(8))
    }
}

/// `/console/keys/{client_id}/revoke`
enum KeyRevocation {
    @Sendable static func confirm(_ visit: Visit) async throws -> Response {
        let key = try visit.key()
        var consequences = ["Every request with it, or with a token it was given, is refused from that moment on."]
        consequences += KeyRights(Bodies.APIKey(key).rest, visit).sentences.map { "Until then: " + $0 }
        consequences.append(
            key.lastUsedAt.map { "It was last used at \(Moment($0).text)." } ?? "It was never used.")
        if key.clientID == visit.identity.key.clientID {
            consequences.append("You are signed in with this key, and will be signed out.")
        }
        let page = ConfirmPage(
            heading: "Revoke ‘\(key.name)’?",
            explanation: ["A revoked API key never works again. To change only its secret, rotate it instead."],
            consequences: consequences, action: ConsolePath.key(key.clientID) + "/revoke", button: "Revoke API key",
            cancel: ConsolePath.keys)
        return await visit.page(page, area: .keys)
    }

    @Sendable static func post(_ visit: Visit) async throws -> Response {
        if let question = await Proof.question(visit) { return question }
        let key = try visit.key()
        do {
            try await visit.act(RevokeAPIKey.self, ["client_id": key.clientID])
            return visit.redirect(to: ConsolePath.keys, "‘\(key.name)’ is revoked.")
        } catch let problem as Problem where problem.code.status.kind == .clientError {
            return visit.redirect(to: ConsolePath.keys, problem.detail, .error)
        }
    }
}

extension Visit {
    /// The API key of the address, while it works.
    fileprivate func key() throws(Problem) -> APIKey {
        let clientID = try path.text("client_id")
        guard let key = console.directory.identity(clientID: clientID)?.key, key.account == identity.key.account else {
            throw Problem(.apiKeyNotFound, "There is no such API key, or it is revoked already.")
        }
        return key
    }
}

extension KeyRights {
    init(_ key: Bodies.APIKeyDetails, _ visit: Visit) {
        self.init(
            role: key.role.rawValue,
            sections: key.sections?.map { section in
                visit.catalogue.sections.first { $0.discriminator.text == section }?.name ?? section
            },
            keyspaces: key.keyspaces?.entries.map { name, access in
                KeyspaceAccess(
                    name: visit.keyspaceName(name), discriminator: name, read: true, write: access == .readWrite)
            })
    }
}

extension SecretPage {
    fileprivate init(_ key: Bodies.NewAPIKey, isNew: Bool, _ visit: Visit) {
        self.init(
            isNew: isNew, name: key.rest.name, clientID: key.clientID, rights: KeyRights(key.rest, visit),
            secret: key.clientSecret,
            command: SampleCommands.token(
                baseURL: visit.baseURL, clientID: key.clientID, clientSecret: key.clientSecret),
            previousSecretUntil: key.rest.previousSecretValidUntil.map { Moment($0) })
    }
}

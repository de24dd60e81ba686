import Crypto
import HTTPTypes
import Hummingbird
import OvationConsole
import OvationCore
import OvationWire

/// `GET /console/keys`
enum KeyList {
    @Sendable static func show(_ visit: Visit) async throws -> Response {
        let items = try await visit.call(.listAPIKeys)["items"]?.array ?? []
        let rows = items.map { row($0, visit) }
        // Those that work first, the newest of them at the top.
        let page = KeysPage(
            rows: rows.reversed().filter { $0.revoked == nil } + rows.reversed().filter { $0.revoked != nil })
        return await visit.page(page, area: .keys)
    }

    private static func row(_ item: JSONValue, _ visit: Visit) -> KeysPage.Row {
        let previous = item["previous_secret_valid_until"]?.string.flatMap { Timestamp(rfc3339: $0) }
        return KeysPage.Row(
            name: item["name"]?.string ?? "", clientID: item["client_id"]?.string ?? "",
            rights: KeyRights(item, visit), created: Moment(item["created_at"]) ?? Moment(iso: ""),
            lastUsed: Moment(item["last_used_at"]),
            previousSecretUntil: previous.flatMap { $0 > visit.now ? Moment($0) : nil },
            revoked: Moment(item["revoked_at"]), isOwn: item["client_id"]?.string == visit.identity.key.clientID)
    }
}

/// `/console/keys/new`
enum KeyCreation {
    @Sendable static func show(_ visit: Visit) async throws -> Response {
        await visit.page(form(visit), area: .keys)
    }

    @Sendable static func post(_ visit: Visit) async throws -> Response {
        if let question = await Proof.question(visit) { return question }
        var members: [JSONValue.Member] = [
            .init("name", .string(visit.form["name"])), .init("role", .string(visit.form["role"])),
        ]
        let sections = visit.form.values("section")
        let access = visit.catalogue.keyspaces.compactMap { keyspace -> JSONValue.Member? in
            let word = visit.form["keyspace:\(keyspace.discriminator)"]
            return word.isEmpty || word == "none" ? nil : .init(keyspace.discriminator.text, .string(word))
        }
        do {
            try choose(visit, sections: sections.count, keyspaces: access.count)
            if !sections.isEmpty { members.append(.init("sections", .array(sections.map { .string($0) }))) }
            if !access.isEmpty { members.append(.init("keyspaces", .object(access))) }
            let key = try await visit.call(.createAPIKey, body: .object(members))
            return await visit.page(SecretPage(key, isNew: true, visit), area: .keys)
        } catch let problem as Problem where problem.code.status.kind == .clientError {
            return await visit.page(form(visit, problem), area: .keys, status: problem.code.status)
        }
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
                name: key.name, clientID: key.clientID, rights: KeyRights(key.json(), visit),
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
        let key = try await visit.call(
            .rotateAPIKey, ["client_id": old.clientID],
            body: .object([.init("overlap_hours", JSONValue(Int(visit.form["overlap"]) ?? 24))]))
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
        consequences += KeyRights(key.json(), visit).sentences.map { "Until then: " + $0 }
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
            try await visit.call(.revokeAPIKey, ["client_id": key.clientID])
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
    /// - Parameter item: as the API shows an API key.
    init(_ item: JSONValue, _ visit: Visit) {
        self.init(
            role: item["role"]?.string ?? "",
            sections: item["sections"]?.array?.map { section in
                visit.catalogue.sections.first { $0.discriminator.text == section.string }?.name ?? section.string ?? ""
            },
            keyspaces: item["keyspaces"]?.members?.map { member in
                KeyspaceAccess(
                    name: visit.keyspaceName(member.name), discriminator: member.name, read: true,
                    write: member.value.string == "read_write")
            })
    }
}

extension SecretPage {
    fileprivate init(_ key: JSONValue, isNew: Bool, _ visit: Visit) {
        let clientID = key["client_id"]?.string ?? ""
        let secret = key["client_secret"]?.string ?? ""
        self.init(
            isNew: isNew, name: key["name"]?.string ?? "", clientID: clientID, rights: KeyRights(key, visit),
            secret: secret,
            command: SampleCommands.token(baseURL: visit.baseURL, clientID: clientID, clientSecret: secret),
            previousSecretUntil: Moment(key["previous_secret_valid_until"]))
    }
}

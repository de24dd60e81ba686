import HTTPTypes
import Hummingbird
import OvationConsole
import OvationCore
import OvationWire

/// `/console/sections`
enum SectionList {
    @Sendable static func show(_ visit: Visit) async throws -> Response {
        await visit.page(page(visit), area: .sections)
    }

    @Sendable static func create(_ visit: Visit) async throws -> Response {
        let name = visit.form["name"]
        do {
            try await visit.call(CreateSection.self, body: request(visit))
            return visit.redirect(to: ConsolePath.sections, "The section ‘\(name)’ is created.")
        } catch let problem as Problem where problem.code.status.kind == .clientError {
            let errors = [FormError(control: "name", message: problem.detail)]
            return await visit.page(page(visit, name: name, errors), area: .sections, status: problem.code.status)
        }
    }

    private static func request(_ visit: Visit) -> Bodies.SectionRequest {
        var body = Bodies.SectionRequest()
        body.name = visit.form["name"]
        return body
    }

    /// nil: it cannot be created, and the form says why.
    @Sendable static func askToCreate(_ visit: Visit) async throws -> Response? {
        guard (try? await visit.call(CreateSection.self, body: request(visit), headers: .validateOnly)) != nil else {
            return nil
        }
        return await visit.askToCreate(
            "section", ["Sections cannot be removed, because events refer to them. You can rename it at any time."],
            cancel: ConsolePath.sections, area: .sections)
    }

    @Sendable static func rename(_ visit: Visit) async throws -> Response {
        let section = try visit.section()
        let name = visit.form["name"]
        do {
            var body = Bodies.SectionChange()
            body.name = name
            try await visit.call(ChangeSection.self, ["section": section.discriminator.text], body: body)
            return visit.redirect(to: ConsolePath.sections, "The section is called ‘\(name)’ now.")
        } catch let problem as Problem where problem.code.status.kind == .clientError {
            let errors = [FormError(control: "name:\(section.discriminator)", message: problem.detail)]
            return await visit.page(page(visit, errors), area: .sections, status: problem.code.status)
        }
    }

    private static func page(_ visit: Visit, name: String = "", _ errors: [FormError] = []) -> SectionsPage {
        SectionsPage(
            rows: visit.catalogue.sections.map {
                .init(
                    name: $0.name, discriminator: $0.discriminator.text,
                    eventTypes: visit.catalogue.listedEventTypes(in: $0.discriminator).count)
            }, newName: name, errors: errors)
    }
}

/// `/console/keyspaces`
enum KeyspaceList {
    @Sendable static func show(_ visit: Visit) async throws -> Response {
        await visit.page(page(visit), area: .keyspaces)
    }

    @Sendable static func create(_ visit: Visit) async throws -> Response {
        do {
            let made = try await visit.call(CreateKeyspace.self, body: request(visit))
            return visit.redirect(to: ConsolePath.keyspaces, "The keyspace ‘\(made.name)’ is created.")
        } catch let problem as Problem where problem.code.status.kind == .clientError {
            let control = problem.errors.first?.pointer == "/key_format" ? "key_format" : "name"
            let page = page(visit, isNew: true, [FormError(control: control, message: problem.detail)])
            return await visit.page(page, area: .keyspaces, status: problem.code.status)
        }
    }

    private static func request(_ visit: Visit) throws(Problem) -> Bodies.KeyspaceRequest {
        var body = Bodies.KeyspaceRequest()
        body.name = visit.form["name"]
        body.keyFormat = try visit.form.word("key_format")
        body.managesSubscriptions = visit.form["manage_subscriptions"] == "on"
        return body
    }

    /// nil: it cannot be created, and the form says why.
    @Sendable static func askToCreate(_ visit: Visit) async throws -> Response? {
        guard
            let made = try? await visit.call(CreateKeyspace.self, body: request(visit), headers: .validateOnly)
        else { return nil }
        return await visit.askToCreate(
            "keyspace",
            [
                "Keyspaces cannot be removed, because profile keys refer to them. You can rename it at any time.",
                "Its key format is ‘\(made.keyFormat.rawValue)’ for good.",
            ], cancel: ConsolePath.keyspaces, area: .keyspaces)
    }

    @Sendable static func change(_ visit: Visit) async throws -> Response {
        let keyspace = try visit.identity.keyspace(visit.path.keyspace())
        let name = visit.form["name"]
        do {
            var body = Bodies.KeyspaceChange()
            body.name = name
            body.managesSubscriptions = visit.form["manage_subscriptions"] == "on"
            try await visit.call(ChangeKeyspace.self, ["keyspace": keyspace.discriminator.text], body: body)
            return visit.redirect(to: ConsolePath.keyspaces, "The keyspace ‘\(name)’ is changed.")
        } catch let problem as Problem where problem.code.status.kind == .clientError {
            let errors = [FormError(control: "name:\(keyspace.discriminator)", message: problem.detail)]
            return await visit.page(page(visit, errors), area: .keyspaces, status: problem.code.status)
        }
    }

    /// - Parameter isNew: show again what was typed into the form that creates one.
    private static func page(_ visit: Visit, isNew: Bool = false, _ errors: [FormError] = []) -> KeyspacesPage {
        KeyspacesPage(
            rows: visit.catalogue.keyspaces.map {
                .init(
                    name: $0.name, discriminator: $0.discriminator.text, keyFormat: $0.keyFormat.rawValue,
                    managesSubscriptions: $0.managesSubscriptions)
            }, newName: isNew ? visit.form["name"] : "", newKeyFormat: isNew ? visit.form["key_format"] : "text",
            newManagesSubscriptions: isNew && visit.form["manage_subscriptions"] == "on", errors: errors)
    }
}

extension Visit {
    /// Asks before something is made that cannot be removed.
    fileprivate func askToCreate(
        _ what: String, _ consequences: [String], cancel: String, area: Layout.Area
    ) async -> Response {
        let page = ConfirmPage(
            heading: "Create the \(what) ‘\(form["name"])’?",
            explanation: ["You cannot undo this. Its discriminator is made from the name, and fixed for good."],
            consequences: consequences, action: request.uri.path, hidden: hiddenFields, button: "Create \(what)",
            danger: false, cancel: cancel)
        return await self.page(page, area: area)
    }
}

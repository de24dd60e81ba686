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
            try await visit.call(.createSection, body: .object([.init("name", .string(name))]))
            return visit.redirect(to: ConsolePath.sections, "The section ‘\(name)’ is created.")
        } catch let problem as Problem where problem.code.status.kind == .clientError {
            let errors = [FormError(control: "name", message: problem.detail)]
            return await visit.page(page(visit, name: name, errors), area: .sections, status: problem.code.status)
        }
    }

    @Sendable static func rename(_ visit: Visit) async throws -> Response {
        let section = try visit.section()
        let name = visit.form["name"]
        do {
            try await visit.call(
                .changeSection, ["section": section.discriminator.text], body: .object([.init("name", .string(name))]))
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
        let form = visit.form
        do {
            try await visit.call(
                .createKeyspace,
                body: .object([
                    .init("name", .string(form["name"])), .init("key_format", .string(form["key_format"])),
                    .init("manage_subscriptions", .bool(form["manage_subscriptions"] == "on")),
                ]))
            return visit.redirect(to: ConsolePath.keyspaces, "The keyspace ‘\(form["name"])’ is created.")
        } catch let problem as Problem where problem.code.status.kind == .clientError {
            let control = problem.errors.first?.pointer == "/key_format" ? "key_format" : "name"
            let page = page(visit, isNew: true, [FormError(control: control, message: problem.detail)])
            return await visit.page(page, area: .keyspaces, status: problem.code.status)
        }
    }

    @Sendable static func change(_ visit: Visit) async throws -> Response {
        let keyspace = try visit.identity.keyspace(visit.path.keyspace())
        let name = visit.form["name"]
        do {
            try await visit.call(
                .changeKeyspace, ["keyspace": keyspace.discriminator.text],
                body: .object([
                    .init("name", .string(name)),
                    .init("manage_subscriptions", .bool(visit.form["manage_subscriptions"] == "on")),
                ]))
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

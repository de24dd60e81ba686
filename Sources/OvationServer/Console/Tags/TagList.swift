import HTTPTypes
import Hummingbird
import OvationConsole
import OvationCore
import OvationWire

/// `/console/sections/{section}/tags`
enum TagList {
    @Sendable static func show(_ visit: Visit) async throws -> Response {
        await visit.page(try page(visit), area: .eventTypes)
    }

    @Sendable static func create(_ visit: Visit) async throws -> Response {
        let section = try visit.section().discriminator
        let name = visit.form["name"]
        do {
            var body = Bodies.TagRequest()
            body.name = name
            try await visit.call(CreateTag.self, ["section": section.text], body: body)
            return visit.redirect(to: ConsolePath.tags(section), "The tag ‘\(name)’ is created.")
        } catch let problem as Problem where problem.code.status.kind == .clientError {
            let errors = [FormError(control: "name", message: problem.detail)]
            return await visit.page(
                try page(visit, newName: name, errors), area: .eventTypes, status: problem.code.status)
        }
    }

    @Sendable static func change(_ visit: Visit) async throws -> Response {
        let tag = try visit.tag()
        let name = visit.form["name"]
        do {
            var body = Bodies.TagChange()
            (body.name, body.isHidden) = (name, visit.form["is_hidden"] == "on")
            try await visit.call(ChangeTag.self, tag.path, body: body)
            let list = ConsolePath.with(
                ConsolePath.tags(tag.section), [("q", try visit.query("q")), ("from", try visit.query("from"))])
            return visit.redirect(to: list, "The tag ‘\(name)’ is changed.")
        } catch let problem as Problem where problem.code.status.kind == .clientError {
            let errors = [FormError(control: "name:\(tag.discriminator)", message: problem.detail)]
            return await visit.page(
                try page(visit, changing: (tag.discriminator, name), errors), area: .eventTypes,
                status: problem.code.status)
        }
    }

    private static func page(
        _ visit: Visit, newName: String = "", changing: (Discriminator<OvationCore.Tag>, typed: String)? = nil,
        _ errors: [FormError] = []
    ) throws(Problem) -> TagsPage {
        let section = try visit.section()
        let (found, window) = try visit.window(
            visit.catalogue.listedTags(in: section.discriminator), at: ConsolePath.tags(section.discriminator)
        ) { [$0.name, $0.discriminator.text] }
        return TagsPage(
            section: Named(section),
            rows: found.map {
                .init(
                    name: $0.name, discriminator: $0.discriminator.text, id: String($0.versionID),
                    isHidden: $0.isHidden, typed: changing?.0 == $0.discriminator ? changing?.typed : nil)
            }, window: window, newName: newName, errors: errors)
    }
}

/// `/console/sections/{section}/tags/{tag}/remove`
enum TagRemoval {
    @Sendable static func confirm(_ visit: Visit) async throws -> Response {
        let tag = try visit.tag()
        let list = ConsolePath.tags(tag.section)
        let page = ConfirmPage(
            heading: "Remove ‘\(tag.name)’?",
            explanation: [
                "The tag disappears from lists, and requests that give it are refused. "
                    + "Its discriminator and its id are never used again, so this cannot be undone."
            ],
            consequences: [
                "Integrations that give it to a profile get 400 for the whole request.",
                "To keep it for integrations and out of sight, hide it instead.",
            ], action: "\(list)/\(tag.discriminator)/remove", button: "Remove tag", cancel: list)
        return await visit.page(page, area: .eventTypes)
    }

    @Sendable static func post(_ visit: Visit) async throws -> Response {
        let tag = try visit.tag()
        try await visit.act(RemoveTag.self, tag.path)
        return visit.redirect(to: ConsolePath.tags(tag.section), "‘\(tag.name)’ is removed.")
    }
}

extension OvationCore.Tag {
    /// The parameters of the endpoints that are about it.
    fileprivate var path: KeyValuePairs<String, String> { ["section": section.text, "tag": discriminator.text] }
}

extension Visit {
    /// - Throws: `tag_not_found` for a removed one too: there is no page of it.
    fileprivate func tag() throws(Problem) -> OvationCore.Tag {
        let tag = try identity.tag(path.tag(), in: path.section())
        guard tag.removedAt == nil else { throw Problem.noTag(tag.discriminator, in: tag.section) }
        return tag
    }
}

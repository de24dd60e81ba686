import HTTPTypes
import Hummingbird
import OvationConsole
import OvationCore
import OvationWire

/// `/console/sections/{section}/folders`
enum FolderList {
    @Sendable static func show(_ visit: Visit) async throws -> Response {
        await visit.page(try page(visit), area: .eventTypes)
    }

    @Sendable static func create(_ visit: Visit) async throws -> Response {
        let section = try visit.section().discriminator
        let name = visit.form["name"]
        do {
            var body = Bodies.FolderRequest()
            body.name = name
            try await visit.call(CreateFolder.self, ["section": section.text], body: body)
            return visit.redirect(to: ConsolePath.folders(section), "The folder ‘\(name)’ is created.")
        } catch let problem as Problem where problem.code.status.kind == .clientError {
            let errors = [FormError(control: "name", message: problem.detail)]
            return await visit.page(
                try page(visit, newName: name, errors), area: .eventTypes, status: problem.code.status)
        }
    }

    @Sendable static func rename(_ visit: Visit) async throws -> Response {
        let folder = try visit.folder()
        let name = visit.form["name"]
        do {
            var body = Bodies.FolderChange()
            body.name = name
            try await visit.call(ChangeFolder.self, folder.path, body: body)
            let list = ConsolePath.with(
                ConsolePath.folders(folder.section), [("q", try visit.query("q")), ("from", try visit.query("from"))])
            return visit.redirect(to: list, "The folder is called ‘\(name)’ now.")
        } catch let problem as Problem where problem.code.status.kind == .clientError {
            let errors = [FormError(control: "name:\(folder.discriminator)", message: problem.detail)]
            return await visit.page(
                try page(visit, renaming: (folder.discriminator, name), errors), area: .eventTypes,
                status: problem.code.status)
        }
    }

    private static func page(
        _ visit: Visit, newName: String = "", renaming: (Discriminator<Folder>, typed: String)? = nil,
        _ errors: [FormError] = []
    ) throws(Problem) -> FoldersPage {
        let section = try visit.section()
        let (found, window) = try visit.window(
            visit.catalogue.listedFolders(in: section.discriminator), at: ConsolePath.folders(section.discriminator)
        ) { [$0.name, $0.discriminator.text] }
        let topics = Dictionary(grouping: visit.catalogue.listedTopics(in: section.discriminator), by: \.folder)
        return FoldersPage(
            section: Named(section),
            rows: found.map {
                .init(
                    name: $0.name, discriminator: $0.discriminator.text, topics: topics[$0.discriminator]?.count ?? 0,
                    typed: renaming?.0 == $0.discriminator ? renaming?.typed : nil)
            }, window: window, newName: newName, errors: errors)
    }
}

/// `/console/sections/{section}/folders/{folder}/remove`
enum FolderRemoval {
    @Sendable static func confirm(_ visit: Visit) async throws -> Response {
        let folder = try visit.folder()
        let list = ConsolePath.folders(folder.section)
        let page = ConfirmPage(
            heading: "Remove ‘\(folder.name)’?",
            explanation: [
                "The folder disappears from lists. Its discriminator is never used again, so this cannot be undone."
            ], consequences: ["Clients of the first generation of the API do not find this consent list any more."],
            action: "\(list)/\(folder.discriminator)/remove", button: "Remove folder", cancel: list)
        return await visit.page(page, area: .eventTypes)
    }

    @Sendable static func post(_ visit: Visit) async throws -> Response {
        let folder = try visit.folder()
        try await visit.act(RemoveFolder.self, folder.path)
        return visit.redirect(to: ConsolePath.folders(folder.section), "‘\(folder.name)’ is removed.")
    }
}

extension Folder {
    /// The parameters of the endpoints that are about it.
    fileprivate var path: KeyValuePairs<String, String> { ["section": section.text, "folder": discriminator.text] }
}

extension Visit {
    fileprivate func folder() throws(Problem) -> Folder {
        try catalogue.listedFolder(path.folder(), in: section().discriminator)
    }
}

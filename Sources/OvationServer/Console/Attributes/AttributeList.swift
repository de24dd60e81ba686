import Hummingbird
import OvationConsole
import OvationCore
import OvationWire

/// `GET /console/sections/{section}/attributes`
enum AttributeList {
    @Sendable static func show(_ visit: Visit) async throws -> Response {
        let section = try visit.section()
        let showsRemoved = try visit.query("removed") == "1"
        let all = visit.catalogue.attributes.filter { $0.section == section.discriminator }
        let listed = all.filter { showsRemoved || $0.removedAt == nil }
        let (found, window) = try visit.window(
            listed, at: ConsolePath.attributes(section.discriminator), removed: showsRemoved
        ) { [$0.name, $0.discriminator.text] }
        let page = AttributesPage(
            section: Named(section), rows: found.map { row($0, visit.catalogue) }, window: window,
            removedCount: all.count { $0.removedAt != nil }, showsRemoved: showsRemoved)
        return await visit.page(page, area: .eventTypes)
    }

    private static func row(_ attribute: Attribute, _ catalogue: Catalogue) -> AttributesPage.Row {
        AttributesPage.Row(
            name: attribute.name, discriminator: attribute.discriminator.text,
            type: attribute.currentVersion?.content.label,
            currentVersion: attribute.currentVersion.map { String($0.id) },
            versions: attribute.listedVersions.count, drafts: attribute.versions.count { $0.state == .draft },
            isDefault: attribute.isBuiltIn,
            mappedKeyspaces: catalogue.keyspaces(mappedTo: attribute.discriminator).map(\.name),
            limited: catalogue.access(attribute).filter { !$0.read || !$0.write }, removed: attribute.removedAt != nil)
    }
}

/// `GET /console/sections/{section}/attributes/{attribute}`
enum AttributeDetails {
    @Sendable static func show(_ visit: Visit) async throws -> Response {
        let section = try visit.section()
        let attribute = try visit.attribute()
        let log = try await visit.attributeLog(attribute, limit: 50)
        let keyspaces = visit.catalogue.keyspaces
        let page = AttributePage(
            section: Named(section), discriminator: attribute.discriminator.text, name: attribute.name,
            summary: attribute.summary, isDefault: attribute.isBuiltIn,
            mappedKeyspaces: visit.catalogue.keyspaces(mappedTo: attribute.discriminator).map(\.name),
            removedAt: attribute.removedAt.map { Moment($0) }, versions: ordered(attribute).map(version),
            permissions: visit.catalogue.access(attribute),
            json: JSONWriter.writeIndented(Bodies.Attribute(attribute, keyspaces: keyspaces).json), history: log)
        return await visit.page(page, area: .eventTypes)
    }

    /// The current version, drafts, the deprecated from new to old, the discarded.
    private static func ordered(_ attribute: Attribute) -> [AttributeVersion] {
        let newestFirst = Array(attribute.versions.reversed())
        let current = attribute.currentVersion?.id
        return newestFirst.filter { $0.id == current } + newestFirst.filter { $0.state == .draft }
            + newestFirst.filter { $0.state == .published && $0.id != current }
            + newestFirst.filter { $0.state == .discarded }
    }

    private static func version(_ version: AttributeVersion) -> AttributePage.Version {
        let state: EventTypePage.Version.State =
            switch version.state {
            case .draft: .draft
            case .discarded: .discarded
            case .published: version.deprecatedAt == nil ? .current : .deprecated
            }
        return AttributePage.Version(
            id: String(version.id), state: state, type: version.content.label,
            validFrom: version.state == .published ? Moment(version.validFrom) : nil,
            deprecatedAt: version.deprecatedAt.map { Moment($0) })
    }
}

/// `/console/sections/{section}/attributes/{attribute}/remove`
enum AttributeRemoval {
    @Sendable static func confirm(_ visit: Visit) async throws -> Response {
        let attribute = try visit.liveAttribute()
        let path = ConsolePath.attribute(attribute)
        do {
            // What cannot be is not asked.
            try await visit.act(RemoveAttribute.self, attribute.path, headers: .validateOnly)
        } catch let problem as Problem where problem.code == .conflict {
            return visit.redirect(to: path, problem.detail, .error)
        }
        let page = ConfirmPage(
            heading: "Remove ‘\(attribute.name)’?",
            explanation: [
                "The attribute disappears from lists, and new values of it are refused. "
                    + "Its discriminator and its version ids are never used again, so this cannot be undone."
            ],
            consequences: [
                "Integrations that set it get 400 for the whole request.", "Values that are stored stay readable.",
            ], action: path + "/remove", button: "Remove attribute", cancel: path)
        return await visit.page(page, area: .eventTypes)
    }

    @Sendable static func post(_ visit: Visit) async throws -> Response {
        let attribute = try visit.liveAttribute()
        try await visit.act(RemoveAttribute.self, attribute.path)
        return visit.redirect(to: ConsolePath.attributes(attribute.section), "‘\(attribute.name)’ is removed.")
    }
}

extension Attribute {
    /// The parameters of the endpoints that are about it.
    var path: KeyValuePairs<String, String> { ["section": section.text, "attribute": discriminator.text] }
}

extension AttributeContent {
    /// For people: the hint where there is one, since it says more than the type.
    var label: String {
        renderHint?.label ?? type.rawValue
    }
}

extension RenderHint {
    /// For people, as the form of an attribute offers it.
    var label: String {
        switch self {
        case .date: "date"
        case .timestamp: "timestamp"
        case .location: "location"
        }
    }
}

extension Catalogue {
    /// What each keyspace may do with an attribute.
    func access(_ attribute: Attribute) -> [KeyspaceAccess] {
        keyspaces.map { keyspace in
            let permission = attribute.permission(in: keyspace.discriminator)
            return KeyspaceAccess(
                name: keyspace.name, discriminator: keyspace.discriminator.text, read: permission.read,
                write: permission.write)
        }
    }
}

extension Visit {
    func attribute() throws(Problem) -> Attribute {
        try identity.attribute(path.attribute(), in: path.section())
    }

    /// - Throws: `conflict` for a removed one, with which nothing can be done any more.
    func liveAttribute() throws(Problem) -> Attribute {
        let attribute = try attribute()
        guard attribute.removedAt == nil else {
            throw Problem(.conflict, "‘\(attribute.name)’ was removed and cannot be changed any more.")
        }
        return attribute
    }

    /// What happened to an attribute, newest first.
    func attributeLog(_ attribute: Attribute, limit: Int) async throws -> [HistoryEntry] {
        let log = try await call(
            ListLog.self,
            query: [
                ("attribute_discriminator", attribute.discriminator.text), ("section", attribute.section.text),
                ("limit", String(limit)),
            ])
        return try await history(log.items)
    }

    /// The rows of a long list that a page shows, by the query's `q` and `from`.
    /// - Parameter texts: in which `q` is looked for, in any case.
    func window<Row>(
        _ rows: [Row], at path: String, removed: Bool = false, _ texts: (Row) -> [String]
    ) throws(Problem) -> ([Row], ListWindow) {
        let text = try query("q")
        let wanted = text.lowercased()
        let found = wanted.isEmpty ? rows : rows.filter { texts($0).contains { $0.lowercased().contains(wanted) } }
        let start = min(max(Int(try query("from")) ?? 0, 0), found.count)
        let end = min(start + 100, found.count)
        func href(_ from: Int, of path: String = path) -> String {
            ConsolePath.with(
                path, [("q", text), ("removed", removed ? "1" : ""), ("from", from > 0 ? String(from) : "")])
        }
        let window = ListWindow(
            text: text, total: found.count, shown: start..<end, nextHref: end < found.count ? href(end) : nil,
            firstHref: start > 0 ? href(0) : nil, query: href(start, of: ""), showsRemoved: removed)
        return (Array(found[start..<end]), window)
    }
}

import Hummingbird
import OvationConsole
import OvationCore
import OvationWire

/// `GET /console/sections/{section}/event-types`
enum EventTypeList {
    @Sendable static func show(_ visit: Visit) async throws -> Response {
        let section = try visit.section()
        let showsRemoved = try visit.query("removed") == "1"
        let usage = try await visit.usage(of: section)
        let all = visit.catalogue.eventTypes.filter { $0.section == section.discriminator }
        let rows = all.filter { showsRemoved || $0.removedAt == nil }.map { type in
            let used = type.versions.compactMap { usage[$0.id] }
            return EventTypesPage.Row(
                name: type.name, discriminator: type.discriminator.text, category: type.category.rawValue,
                currentVersion: type.currentVersion.map { String($0.id) },
                versions: type.listedVersions.count, drafts: type.versions.count { $0.state == .draft },
                eventsStored: Int(used.reduce(0) { $0 + $1.eventCount }),
                lastSeen: used.map(\.lastSeenAt).max().map { Moment($0) },
                permissions: visit.access(type), removed: type.removedAt != nil)
        }
        let page = EventTypesPage(
            section: Named(section), rows: rows, removedCount: all.count { $0.removedAt != nil },
            showsRemoved: showsRemoved)
        return await visit.page(page, area: .eventTypes)
    }
}

/// `GET /console/sections/{section}/event-types/{event}`
enum EventTypeDetails {
    @Sendable static func show(_ visit: Visit) async throws -> Response {
        let section = try visit.section()
        let type = try visit.eventType()
        let usage = try await visit.usage(of: section)
        let log = try await visit.call(
            ListLog.self, query: [("event_discriminator", type.discriminator.text), ("limit", "50")])
        let page = EventTypePage(
            section: Named(section), discriminator: type.discriminator.text, name: type.name,
            category: type.category.rawValue, summary: type.summary, retention: type.retention?.words ?? "for good",
            removedAt: type.removedAt.map { Moment($0) },
            versions: ordered(type).map { version(of: type, $0, usage[$0.id]) }, permissions: visit.access(type),
            json: JSONWriter.writeIndented(Bodies.EventType(type, showsPermissions: true).json),
            command: type.removedAt == nil ? type.currentVersion.map { visit.postCommand(type, $0) } : nil,
            history: try await visit.history(log.items))
        return await visit.page(page, area: .eventTypes)
    }

    /// The current version, drafts, the deprecated from new to old, the discarded.
    private static func ordered(_ type: EventType) -> [EventVersion] {
        let newestFirst = Array(type.versions.reversed())
        return newestFirst.filter { $0.id == type.currentVersion?.id } + newestFirst.filter { $0.state == .draft }
            + newestFirst.filter { $0.state == .published && $0.id != type.currentVersion?.id }
            + newestFirst.filter { $0.state == .discarded }
    }

    private static func version(
        of type: EventType, _ version: EventVersion, _ usage: Bodies.VersionUsage?
    ) -> EventTypePage.Version {
        let state: EventTypePage.Version.State =
            switch version.state {
            case .draft: .draft
            case .discarded: .discarded
            case .published: version.deprecatedAt == nil ? .current : .deprecated
            }
        return EventTypePage.Version(
            id: String(version.id), state: state,
            validFrom: version.state == .published ? Moment(version.validFrom) : nil,
            deprecatedAt: version.deprecatedAt.map { Moment($0) },
            fields: version.schema.fields.map {
                FieldFacts(name: $0.name, type: $0.type.rawValue, required: $0.required)
            }, eventsStored: Int(usage?.eventCount ?? 0), lastSeen: usage.map { Moment($0.lastSeenAt) })
    }
}

/// `/console/sections/{section}/event-types/{event}/remove`
enum EventTypeRemoval {
    @Sendable static func confirm(_ visit: Visit) async throws -> Response {
        let type = try visit.liveEventType()
        let usage = try await visit.usage(of: try visit.section())
        let used = type.versions.compactMap { usage[$0.id] }
        var all = Bodies.VersionUsage()
        all.eventCount = used.reduce(0) { $0 + $1.eventCount }
        all.lastSeenAt = used.map(\.lastSeenAt).max() ?? all.lastSeenAt
        let page = ConfirmPage(
            heading: "Remove ‘\(type.name)’?",
            explanation: [
                "The event type disappears from lists, and new events of it are refused. "
                    + "Its discriminator and its version ids are never used again, so this cannot be undone."
            ],
            consequences: [
                "Integrations that post it get 400 for every post that has such an event.",
                Text.posted(all, "it") + (all.eventCount > 0 ? " Stored events stay readable." : ""),
            ], action: ConsolePath.eventType(type) + "/remove", button: "Remove event type",
            cancel: ConsolePath.eventType(type))
        return await visit.page(page, area: .eventTypes)
    }

    @Sendable static func post(_ visit: Visit) async throws -> Response {
        let type = try visit.liveEventType()
        try await visit.act(
            RemoveEventType.self, ["section": type.section.text, "event": type.discriminator.text])
        return visit.redirect(to: ConsolePath.eventTypes(type.section), "‘\(type.name)’ is removed.")
    }
}

extension Visit {
    func usage(of section: Section) async throws -> [EventVersion.ID: Bodies.VersionUsage] {
        let items = try await call(GetUsage.self, ["section": section.discriminator.text]).items
        let known = items.compactMap { item in VersionID.parse(item.versionID).map { ($0, item) } }
        return Dictionary(known, uniquingKeysWith: { $1 })
    }

    /// Keyspaces that may do something with events of a type.
    func access(_ eventType: EventType) -> [KeyspaceAccess] {
        catalogue.keyspaces.compactMap { keyspace in
            let permission = eventType.permission(in: keyspace.discriminator)
            guard permission != .none else { return nil }
            return KeyspaceAccess(
                name: keyspace.name, discriminator: keyspace.discriminator.text, read: permission.read,
                write: permission.write)
        }
    }
}

import HTTPTypes
import Hummingbird
import OvationConsole
import OvationCore
import OvationWire

/// `GET /console/history`
enum History {
    private static let pageSize = 50

    @Sendable static func show(_ visit: Visit) async throws -> Response {
        let before = try visit.query("before")
        let log = try await visit.call(
            ListLog.self,
            query: [("before", before.isEmpty ? String(Int64.max) : before), ("limit", String(pageSize + 1))])
        let entries = try await visit.history(log.items)
        let shown = Array(entries.prefix(pageSize))
        let page = HistoryPage(
            entries: shown,
            olderHref: entries.count > pageSize
                ? shown.last.map { ConsolePath.with("/console/history", [("before", String($0.number))]) } : nil,
            isNewest: before.isEmpty)
        return await visit.page(page, area: .history)
    }
}

/// `GET /console/model.yaml`
enum ModelFile {
    @Sendable static func download(_ visit: Visit) async throws -> Response {
        var response = try await visit.console.api.respond(
            ExportModel.self, .init(headers: [.accept: "application/yaml"]), as: visit.caller)
        response.headers[.contentDisposition] = "attachment; filename=\"model.yaml\""
        return response
    }
}

extension Visit {
    /// Entries of the log in words.
    func history(_ entries: [Bodies.LogEntry]) async throws -> [HistoryEntry] {
        let keys = try await call(ListAPIKeys.self).items
        let names = Dictionary(keys.map { ($0.clientID, $0.rest.name) }, uniquingKeysWith: { $1 })
        return entries.map { entry in
            let name = names[entry.actor]
            return HistoryEntry(
                number: Int(entry.sequence), at: Moment(entry.at), actor: name ?? entry.actor,
                clientID: name == nil ? "" : entry.actor, kind: entry.kind,
                words: HistoryWords.sentence(entry, catalogue))
        }
    }
}

/// What an entry of the log says, as a sentence.
enum HistoryWords {
    static func sentence(_ entry: Bodies.LogEntry, _ catalogue: Catalogue) -> String {
        let change = entry.change
        func text(_ names: String...) -> String {
            names.reduce(change) { $0[$1] ?? .null }.string ?? ""
        }
        func eventType(_ discriminator: String) -> String {
            let type = (try? Discriminator<EventType>(discriminator)).flatMap(catalogue.eventType)
            return type.map { "‘\($0.name)’" } ?? discriminator
        }
        func version(_ json: JSONValue?) -> String {
            let id = json?.int ?? 0
            guard let type = catalogue.version(Int64(id))?.eventType else { return "version \(id)" }
            return "version \(id) of ‘\(type.name)’"
        }
        return switch entry.kind {
        case "section.created": "Created the section ‘\(text("section", "name"))’."
        case "section.renamed": "Renamed the section \(text("section")) to ‘\(text("name"))’."
        case "keyspace.created": "Created the keyspace ‘\(text("keyspace", "name"))’."
        case "keyspace.changed": "Changed the keyspace ‘\(text("name"))’."
        case "event_type.created": "Created the event type ‘\(text("eventType", "name"))’."
        case "event_type.changed": "Changed the event type \(eventType(text("eventType", "discriminator")))."
        case "event_type.removed": "Removed the event type \(eventType(text("eventType")))."
        case "version.added":
            "Added \(text("version", "state") == "draft" ? "draft " : "")version \(change["version"]?["id"]?.int ?? 0) "
                + "of \(eventType(text("version", "eventType"))) with "
                + Text.count(change["version"]?["fields"]?.array?.count ?? 0, "field", "fields") + "."
        case "version.published": "Published \(version(change["version"]))."
        case "version.republished": "Published \(version(change["version"])) again."
        case "version.deprecated": "Deprecated \(version(change["version"]))."
        case "version.discarded": "Discarded \(version(change["version"])), a draft."
        case "api_key.created": "Created an API key: \(text("note", "detail"))."
        case "api_key.revoked": "Revoked an API key: \(text("note", "detail"))."
        case "api_key.rotated": "Rotated the secret of an API key. \(text("note", "detail"))"
        case "signing_key.rotated": "Rotated the key that signs tokens. \(text("note", "detail"))"
        case "events.deleted": "Deleted events in \(text("note", "subject")): \(text("note", "detail"))."
        case let other: other
        }
    }
}

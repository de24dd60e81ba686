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
        let name = change.name ?? ""
        var eventType: String {
            let discriminator = change.eventDiscriminator ?? ""
            let type = (try? Discriminator<EventType>(discriminator)).flatMap(catalogue.eventType)
            return type.map { "‘\($0.name)’" } ?? discriminator
        }
        var version: String {
            let id = change.versionID ?? ""
            guard let type = Int64(id).flatMap(catalogue.version)?.eventType else { return "version \(id)" }
            return "version \(id) of ‘\(type.name)’"
        }
        let (subject, detail) = (change.subject ?? "", change.detail ?? "")
        if let sentence = fieldSentence(entry, catalogue) ?? consentSentence(entry, catalogue) { return sentence }
        return switch entry.kind {
        case "section.created": "Created the section ‘\(name)’."
        case "section.renamed": "Renamed the section \(change.sectionDiscriminator ?? "") to ‘\(name)’."
        case "keyspace.created": "Created the keyspace ‘\(name)’."
        case "keyspace.changed": "Changed the keyspace ‘\(name)’."
        case "event_type.created": "Created the event type ‘\(name)’."
        case "event_type.changed": "Changed the event type \(eventType)."
        case "event_type.removed": "Removed the event type \(eventType)."
        case "version.added":
            "Added \(change.draft == true ? "draft " : "")version \(change.versionID ?? "") of \(eventType) with "
                + Text.count(change.fields?.list.count ?? 0, "field", "fields") + "."
        case "version.published": "Published \(version)."
        case "version.republished": "Published \(version) again."
        case "version.deprecated": "Deprecated \(version)."
        case "version.discarded": "Discarded \(version), a draft."
        case "api_key.created": "Created an API key: \(detail)."
        case "api_key.revoked": "Revoked an API key: \(detail)."
        case "api_key.rotated": "Rotated the secret of an API key. \(detail)"
        case "signing_key.rotated": "Rotated the key that signs tokens. \(detail)"
        case "events.deleted": "Deleted events in \(subject): \(detail)."
        case "profile.erased": "Deleted a profile with all that was stored of it. The receipt is \(subject)."
        case let other: other
        }
    }

    /// Of attributes and tags; nil: the entry is of something else.
    private static func fieldSentence(_ entry: Bodies.LogEntry, _ catalogue: Catalogue) -> String? {
        let change = entry.change
        let name = change.name ?? ""
        let section =
            (try? Discriminator<Section>(change.sectionDiscriminator ?? "")) ?? catalogue.sections.first?.discriminator
        guard let section else { return nil }
        var attribute: String {
            let discriminator = change.attributeDiscriminator ?? ""
            let found = (try? Discriminator<Attribute>(discriminator)).flatMap { catalogue.attribute($0, in: section) }
            return found.map { "‘\($0.name)’" } ?? discriminator
        }
        var tag: String {
            let discriminator = change.tagDiscriminator ?? ""
            let found = (try? Discriminator<OvationCore.Tag>(discriminator)).flatMap { catalogue.tag($0, in: section) }
            return found.map { "‘\($0.name)’" } ?? discriminator
        }
        var version: String {
            let id = change.versionID ?? ""
            guard let found = Int64(id).flatMap(catalogue.attributeVersion)?.attribute else { return "version \(id)" }
            return "version \(id) of ‘\(found.name)’"
        }
        let type = change.renderHint.flatMap(RenderHint.init(rawValue:))?.label ?? change.type ?? ""
        return switch entry.kind {
        case "attribute.created": "Created the attribute ‘\(name)’ of type \(type)."
        case "attribute.changed": "Changed the attribute \(attribute)."
        case "attribute.removed": "Removed the attribute \(attribute)."
        case "attribute_version.added":
            "Added \(change.draft == true ? "draft " : "")version \(change.versionID ?? "") of \(attribute) with the type "
                + "\(type)."
        case "attribute_version.published": "Published \(version)."
        case "attribute_version.republished": "Published \(version) again."
        case "attribute_version.deprecated": "Deprecated \(version)."
        case "attribute_version.discarded": "Discarded \(version), a draft."
        case "tag.created": "Created the tag ‘\(name)’."
        case "tag.changed":
            change.isHidden == true ? "Changed the tag \(tag); it is hidden." : "Changed the tag \(tag)."
        case "tag.removed": "Removed the tag \(tag)."
        default: nil
        }
    }

    /// Of channels, folders and topics; nil: the entry is of something else.
    private static func consentSentence(_ entry: Bodies.LogEntry, _ catalogue: Catalogue) -> String? {
        let change = entry.change
        let name = change.name ?? ""
        let section = try? Discriminator<Section>(change.sectionDiscriminator ?? "")
        var channel: String {
            let discriminator = change.channelDiscriminator ?? ""
            let found = (try? Discriminator<OvationCore.Channel>(discriminator)).flatMap(catalogue.channel)
            return found.map { "‘\($0.name)’" } ?? discriminator
        }
        var folder: String {
            let discriminator = change.folderDiscriminator ?? ""
            guard let section, let folder = try? Discriminator<Folder>(discriminator) else { return discriminator }
            return catalogue.folder(folder, in: section).map { "‘\($0.name)’" } ?? discriminator
        }
        var topic: String {
            let discriminator = change.topicDiscriminator ?? ""
            guard let section, let topic = try? Discriminator<Topic>(discriminator) else { return discriminator }
            return catalogue.topic(topic, in: section).map { "‘\($0.name)’" } ?? discriminator
        }
        return switch entry.kind {
        case "channel.created": "Created the channel ‘\(name)’."
        case "channel.changed": "Changed the channel \(channel)."
        case "channel.removed": "Removed the channel \(channel)."
        case "folder.created": "Created the folder ‘\(name)’."
        case "folder.changed": "Changed the folder \(folder)."
        case "folder.removed": "Removed the folder \(folder)."
        case "topic.created": "Created the topic ‘\(name)’ in the folder \(folder)."
        case "topic.changed": "Changed the topic \(topic) in the folder \(folder)."
        case "topic.removed": "Removed the topic \(topic)."
        default: nil
        }
    }
}

import Logging
import OvationCore

extension Logger {
    /// One line for one change, with its author: the audit log has all of it.
    func info(of entries: [LogEntry]) {
        guard let first = entries.first, let last = entries.last else { return }
        var changes = entries.prefix(5).map { $0.change.kind + " " + $0.change.subject }
        if entries.count > changes.count { changes.append("and \(entries.count - changes.count) more") }
        info(
            "changed",
            metadata: [
                "by": "\(first.actor)", "changes": "\(changes.joined(separator: ", "))",
                "entries": first.sequence == last.sequence ? "\(last.sequence)" : "\(first.sequence)-\(last.sequence)",
            ])
    }
}

extension CatalogueChange {
    /// Discriminators and ids, which are not personal data; no names.
    fileprivate var subject: String {
        switch self {
        case .sectionCreated(let section): section.discriminator.text
        case .sectionRenamed(let section, _): section.text
        case .keyspaceCreated(let keyspace): keyspace.discriminator.text
        case .keyspaceChanged(let keyspace, _, _): keyspace.text
        case .eventTypeCreated(let head), .eventTypeChanged(let head): head.discriminator.text
        case .eventTypeRemoved(let eventType, _): eventType.text
        case .versionAdded(let version): String(version.id)
        case .versionPublished(let id, _), .versionRepublished(let id, _), .versionDeprecated(let id, _),
            .versionDiscarded(let id):
            String(id)
        case .noted(let note): note.subject
        }
    }
}

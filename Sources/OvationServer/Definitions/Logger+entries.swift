import Logging
import OvationCore

extension Logger {
    /// One line for what was changed at once, and by whom. The audit log has all of it.
    func info(of entries: [LogEntry]) {
        guard let first = entries.first, let last = entries.last else { return }
        let numbers = first.sequence == last.sequence ? "\(last.sequence)" : "\(first.sequence)-\(last.sequence)"
        info(by: first.actor, entries.map { $0.change.kind + " " + $0.change.subject }, ["entries": "\(numbers)"])
    }

    func info(of acts: [ActEntry]) {
        guard let first = acts.first else { return }
        info(by: first.actor, acts.map { $0.act.kind.rawValue + " " + $0.act.subject })
    }

    func info(of entry: AuditEntry) {
        info(by: entry.actor, [entry.kind + " " + entry.subject])
    }

    private func info(by actor: String, _ all: [String], _ metadata: Logger.Metadata = [:]) {
        var changes = Array(all.prefix(5))
        if all.count > changes.count { changes.append("and \(all.count - changes.count) more") }
        let facts: Logger.Metadata = ["by": "\(actor)", "changes": "\(changes.joined(separator: ", "))"]
        info("changed", metadata: facts.merging(metadata) { $1 })
    }
}

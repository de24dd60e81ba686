import Hummingbird
import OvationCore
import OvationWire

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `GET /audience/log?after=&before=&event_discriminator=&limit=`: who changed what, oldest first; with `before`, and
/// for the history of one event type, newest first.
struct ListLog: EndpointHandler {
    let store: any DefinitionStore

    func respond(to call: Call) async throws -> Response {
        let caller = try call.caller()
        let limit = try call.int("limit", in: 1...Limits.logPageMax, default: 100)
        let before = Int64(try call.int("before", in: 1...Int.max, default: .max))
        let after = Int64(try call.int("after", in: 0...Int.max, default: 0))
        let entries: [LogEntry]
        if let text = try call.parameter("event_discriminator") {
            guard let discriminator = try? Discriminator<EventType>(text),
                let eventType = caller.catalogue.eventType(discriminator)
            else { throw Problem(.invalidParameter, "There is no event type \(text.quoted).") }
            entries = try await history(
                of: eventType, account: caller.key.account, before: before, limit: limit)
        } else {
            let isNewestFirst = try call.parameter("before") != nil
            let order = isNewestFirst ? LogRange.Order.newestFirst(before: before) : .oldestFirst(after: after)
            entries = try await store.log(LogRange(account: caller.key.account, order: order, limit: limit))
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let items = try entries.map { entry in
            LogBody.json(entry, change: try JSONValue(parsing: encoder.encode(entry.change)))
        }
        return .items(items)
    }

    /// Looks through the newest changes of definitions, up to a bound.
    private func history(
        of eventType: EventType, account: Int64, before: Int64, limit: Int
    ) async throws -> [LogEntry] {
        var found: [LogEntry] = []
        var before = before
        for _ in 0..<Limits.historyMax / Limits.logPageMax {
            let page = try await store.log(
                LogRange(
                    account: account, order: .newestFirst(before: before), limit: Limits.logPageMax,
                    isDefinitionsOnly: true))
            found += page.filter { $0.change.concerns(eventType) }
            guard found.count < limit, page.count == Limits.logPageMax, let last = page.last else { break }
            before = last.sequence
        }
        return Array(found.prefix(limit))
    }
}

extension CatalogueChange {
    fileprivate func concerns(_ eventType: EventType) -> Bool {
        switch self {
        case .eventTypeCreated(let head), .eventTypeChanged(let head): head.discriminator == eventType.discriminator
        case .eventTypeRemoved(let discriminator, _): discriminator == eventType.discriminator
        case .versionAdded(let added): added.eventType == eventType.discriminator
        case .versionPublished(let id, _), .versionRepublished(let id, _), .versionDeprecated(let id, _),
            .versionDiscarded(let id):
            eventType.versions.contains { $0.id == id }
        case .sectionCreated, .sectionRenamed, .keyspaceCreated, .keyspaceChanged, .noted: false
        }
    }
}

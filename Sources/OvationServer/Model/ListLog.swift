import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/log?after=&before=&event_discriminator=&limit=`: who changed what, oldest first; with `before`, and
/// for the history of one event type, newest first.
struct ListLog: BodyEndpoint {
    let store: any DefinitionStore

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Log> {
        let caller = try call.caller()
        let limit = try call.int("limit", in: 1...Limits.logPageMax, default: 100)
        let before = Int64(try call.int("before", in: 1...Int.max, default: .max))
        let after = Int64(try call.int("after", in: 0...Int.max, default: 0))
        let entries: [AuditEntry]
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
        var body = Bodies.Log()
        body.items = entries.map { Bodies.LogEntry($0) }
        return BodyAnswer(body)
    }

    /// Looks through the newest changes of definitions, up to a bound.
    private func history(
        of eventType: EventType, account: Int64, before: Int64, limit: Int
    ) async throws -> [AuditEntry] {
        var found: [AuditEntry] = []
        var before = before
        for _ in 0..<Limits.historyMax / Limits.logPageMax {
            let page = try await store.log(
                LogRange(
                    account: account, order: .newestFirst(before: before), limit: Limits.logPageMax,
                    isDefinitionsOnly: true))
            found += page.filter { $0.concerns(eventType) }
            guard found.count < limit, page.count == Limits.logPageMax, let last = page.last else { break }
            before = last.number
        }
        return Array(found.prefix(limit))
    }
}

extension AuditEntry {
    fileprivate func concerns(_ eventType: EventType) -> Bool {
        guard case .definition(let change) = content else { return false }
        return switch change {
        case .eventType(let change): change.eventType == eventType.discriminator
        case .version(.added(let added)): added.eventType == eventType.discriminator
        case .version(let change): eventType.versions.contains { $0.id == change.id }
        case .section, .keyspace, .attribute, .attributeVersion, .tag: false
        }
    }
}

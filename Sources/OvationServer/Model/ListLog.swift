import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/log?after=&before=&event_discriminator=&attribute_discriminator=&tag_discriminator=&limit=`: who changed
/// what, oldest first; with `before`, and for the history of one definition, newest first.
struct ListLog: BodyEndpoint {
    let store: any DefinitionStore

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Log> {
        let caller = try call.caller()
        let limit = try call.int("limit", in: 1...Limits.logPageMax, default: 100)
        let before = Int64(try call.int("before", in: 1...Int.max, default: .max))
        let after = Int64(try call.int("after", in: 0...Int.max, default: 0))
        let entries: [AuditEntry]
        if let topic = try LogTopic(call) {
            entries = try await history(of: topic, account: caller.key.account, before: before, limit: limit)
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
        of topic: LogTopic, account: Int64, before: Int64, limit: Int
    ) async throws -> [AuditEntry] {
        var found: [AuditEntry] = []
        var before = before
        for _ in 0..<Limits.historyMax / Limits.logPageMax {
            let page = try await store.log(
                LogRange(
                    account: account, order: .newestFirst(before: before), limit: Limits.logPageMax,
                    isDefinitionsOnly: true))
            found += page.filter { $0.concerns(topic) }
            guard found.count < limit, page.count == Limits.logPageMax, let last = page.last else { break }
            before = last.number
        }
        return Array(found.prefix(limit))
    }
}

/// The definition whose history is asked for. A default attribute is one in each section.
private struct LogTopic {
    private var eventType: Discriminator<EventType>?
    private var attributes: Set<SectionKey<Attribute>> = []
    private var tags: Set<SectionKey<OvationCore.Tag>> = []
    private var versions: Set<OvationCore.VersionID> = []

    /// nil: everything is asked for.
    init?(_ call: Call) throws(Problem) {
        let catalogue = try call.caller().catalogue
        let given = (
            try call.parameter("event_discriminator"), try call.parameter("attribute_discriminator"),
            try call.parameter("tag_discriminator")
        )
        let section = try call.parameter("section")
        let isThere = { (found: Discriminator<Section>) in section == nil || found.text == section }
        switch given {
        case (nil, nil, nil):
            guard section == nil else {
                throw Problem(
                    .invalidParameter, "'section' goes with 'attribute_discriminator' or 'tag_discriminator'.")
            }
            return nil
        case (let text?, nil, nil):
            guard let found = (try? Discriminator<EventType>(text)).flatMap(catalogue.eventType), isThere(found.section)
            else { throw Problem(.invalidParameter, "There is no event type \(text.quoted).") }
            eventType = found.discriminator
            versions = Set(found.versions.map(\.id))
        case (nil, let text?, nil):
            let found = catalogue.attributes.filter { $0.discriminator.text == text && isThere($0.section) }
            guard !found.isEmpty else { throw Problem(.invalidParameter, "There is no attribute \(text.quoted).") }
            attributes = Set(found.map { SectionKey($0.discriminator, in: $0.section) })
            versions = Set(found.flatMap { $0.versions.map(\.id) })
        case (nil, nil, let text?):
            let found = catalogue.tags.filter { $0.discriminator.text == text && isThere($0.section) }
            guard !found.isEmpty else { throw Problem(.invalidParameter, "There is no tag \(text.quoted).") }
            tags = Set(found.map { SectionKey($0.discriminator, in: $0.section) })
        default:
            throw Problem(.invalidParameter, "The history of one definition is asked for at a time.")
        }
    }

    func isSubject(of change: CatalogueChange) -> Bool {
        switch change {
        case .eventType(let change): change.eventType == eventType
        case .version(.added(let added)): added.eventType == eventType
        case .attribute(let change): attributes.contains(change.attribute)
        case .attributeVersion(.added(let added)):
            attributes.contains(SectionKey(added.attribute, in: added.section))
        case .version(let change): versions.contains(change.id)
        case .attributeVersion(let change): versions.contains(change.id)
        case .tag(let change): tags.contains(change.tag)
        case .section, .keyspace, .channel, .folder, .topic: false
        }
    }
}

extension AuditEntry {
    fileprivate func concerns(_ topic: LogTopic) -> Bool {
        guard case .definition(let change) = content else { return false }
        return topic.isSubject(of: change)
    }
}

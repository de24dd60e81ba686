import OvationCore
import OvationWire

/// What a caller may read of profiles, whatever keyspace it would read them through.
struct ProfileView: Sendable {
    let caller: Identity
    /// An admin asked past the permissions of keyspaces.
    let ignoresPermissions: Bool
    /// Those that the caller may see.
    let sections: [Section]
    private let keyspaces: [Int64: Keyspace]

    init(_ caller: Identity, ignoresPermissions: Bool) {
        self.caller = caller
        self.ignoresPermissions = ignoresPermissions && caller.isAdmin
        sections = caller.catalogue.sections.filter { caller.key.maySee($0.discriminator) }
        keyspaces = Dictionary(
            caller.catalogue.keyspaces.filter { caller.key.mayRead($0.discriminator) }.map { ($0.number, $0) },
            uniquingKeysWith: { $1 })
    }

    /// nil: it takes no data any more, or the caller may read none of its keys.
    func reading(_ profile: Profile) -> ProfileReading? {
        guard profile.state == .open else { return nil }
        let keys = profile.keys.compactMap { key in keyspaces[key.keyspace].map { (key: key, keyspace: $0) } }
        return keys.isEmpty ? nil : ProfileReading(keys: keys, ignoresPermissions: ignoresPermissions)
    }
}

/// The same of one profile. Through each of its keys the caller could read it, so what one of them lets it read is read.
struct ProfileReading: Sendable {
    /// Those that the caller may read; at least one.
    let keys: [(key: Profile.Key, keyspace: Keyspace)]
    fileprivate let ignoresPermissions: Bool

    func mayRead(_ attribute: Attribute) -> Bool {
        ignoresPermissions || keys.contains { attribute.permission(in: $0.keyspace.discriminator).read }
    }

    func mayRead(_ tag: Tag) -> Bool {
        ignoresPermissions || keys.contains { tag.permission(in: $0.keyspace.discriminator).read }
    }

    func mayRead(_ eventType: EventType) -> Bool {
        ignoresPermissions || keys.contains { eventType.permission(in: $0.keyspace.discriminator).read }
    }

    var showsConsents: Bool { ignoresPermissions || keys.contains { $0.keyspace.showsConsents } }

    func address(account: Int64) throws(Problem) -> ProfileAddress {
        try ProfileAddress(keys[0].key.text, in: keys[0].keyspace, account: account)
    }
}

/// The attributes, tags and event types that a request names.
struct NamedFields: Sendable {
    let attributes: [Attribute]
    let tags: [Tag]
    let eventTypes: [EventType]

    /// - Parameter section: the only one; nil: all that the caller may see.
    init(
        attributes: [Bodies.WrittenKey]?, tags: [Bodies.WrittenKey]?, events: [Bodies.WrittenKey]? = nil,
        in section: Section? = nil, _ view: ProfileView
    ) throws(Problem) {
        let sections = section.map { [$0.discriminator] } ?? view.sections.map(\.discriminator)
        let catalogue = view.caller.catalogue
        self.attributes = try NamedFields.find(attributes, "attribute", .unknownAttribute) { text in
            if let id = VersionID.parse(text) {
                return catalogue.attributeVersion(id).map { [$0.attribute] }?.filter { sections.contains($0.section) }
            }
            let name = try? Discriminator<Attribute>(text)
            return name.map { name in sections.compactMap { catalogue.attribute(name, in: $0) } }
        }
        self.tags = try NamedFields.find(tags, "tag", .unknownTag) { text in
            if let id = VersionID.parse(text) {
                return catalogue.tag(version: id).map { [$0] }?.filter { sections.contains($0.section) }
            }
            let name = try? Discriminator<Tag>(text)
            return name.map { name in sections.compactMap { catalogue.tag(name, in: $0) } }
        }
        eventTypes = try NamedFields.find(events, "event type", .eventTypeNotFound) { text in
            let found =
                VersionID.parse(text).map { catalogue.version($0)?.eventType }
                ?? (try? Discriminator<EventType>(text)).flatMap { catalogue.eventType($0) }
            return found.map { [$0] }?.filter { sections.contains($0.section) }
        }
    }

    private static func find<Found>(
        _ names: [Bodies.WrittenKey]?, _ kind: String, _ code: Problem.Code, _ look: (String) -> [Found]?
    ) throws(Problem) -> [Found] {
        let names = names ?? []
        guard names.count <= Limits.exportNamesMax else {
            throw Problem(.tooManyItems, "At most \(Limits.exportNamesMax) can be named of each kind.")
        }
        var all: [Found] = []
        for name in names {
            guard let found = look(name.text), !found.isEmpty else {
                let problem = code == .eventTypeNotFound ? Problem.Code.validationFailed : code
                throw Problem(problem, "There is no \(kind) \(name.text.quoted) that this API key may see.")
            }
            all += found
        }
        return all
    }
}

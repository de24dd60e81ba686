public enum EventTypeChange: Sendable, Equatable {
    case created(EventTypeHead)
    case changed(EventTypeHead)
    case removed(Discriminator<EventType>, at: Timestamp)

    public var eventType: Discriminator<EventType> {
        switch self {
        case .created(let head), .changed(let head): head.discriminator
        case .removed(let discriminator, _): discriminator
        }
    }
}

/// An event type without its versions.
public struct EventTypeHead: Sendable, Codable, Equatable {
    public var discriminator: Discriminator<EventType>
    public var section: Discriminator<Section>
    public var category: EventCategory
    public var name: String
    public var description: String
    /// Keyed by keyspace discriminator; only those that allow something.
    public var permissions: [String: Permission]
    /// How long its events are kept; nil: for good.
    public var retention: Retention?
}

extension EventType {
    public var head: EventTypeHead {
        EventTypeHead(
            discriminator: discriminator, section: section, category: category, name: name, description: summary,
            permissions: Dictionary(uniqueKeysWithValues: permissions.map { ($0.key.text, $0.value) }),
            retention: retention)
    }
}

extension EventTypeChange: DefinitionChange {
    enum Kind: String, CaseIterable, Codable {
        case created = "event_type.created"
        case changed = "event_type.changed"
        case removed = "event_type.removed"
    }

    var kind: Kind {
        switch self {
        case .created: .created
        case .changed: .changed
        case .removed: .removed
        }
    }

    var subject: String { eventType.text }

    var name: String? {
        switch self {
        case .created(let head), .changed(let head): head.name
        case .removed: nil
        }
    }

    func apply(to catalogue: inout Catalogue) throws(Problem) {
        switch self {
        case .created(let head): try catalogue.add(head)
        case .changed(let head): try catalogue.replace(head)
        case .removed(let discriminator, let at):
            try catalogue.eventTypeTable.change(discriminator) { $0.removedAt = at }
        }
    }
}

extension Catalogue {
    fileprivate mutating func add(_ head: EventTypeHead) throws(Problem) {
        let isNew = eventTypeTable.place(of: head.discriminator) == nil
        guard !isNew || sectionTable.place(of: head.section) != nil else { throw Problem.noSection(head.section) }
        try eventTypeTable.add(
            EventType(
                discriminator: head.discriminator, section: head.section, category: head.category,
                name: head.name, summary: head.description, permissions: [:], removedAt: nil))
        try set(head)
    }

    fileprivate mutating func replace(_ head: EventTypeHead) throws(Problem) {
        let eventType = eventTypeTable.all[try eventTypeTable.livePlace(of: head.discriminator)]
        guard eventType.category == head.category, eventType.section == head.section else {
            throw Problem(
                .conflict,
                "The category and the section of '\(head.discriminator)' are fixed for good; "
                    + "create another event type instead.")
        }
        try set(head)
    }

    /// What of an event type can change.
    private mutating func set(_ head: EventTypeHead) throws(Problem) {
        let name = try DefinitionRules.name(head.name)
        let description = try DefinitionRules.description(head.description)
        let permissions = try checkedPermissions(head.permissions, unlisted: .none)
        try eventTypeTable.change(head.discriminator) { eventType in
            eventType.name = name
            eventType.summary = description
            eventType.permissions = permissions
            eventType.retention = head.retention
        }
    }
}

// MARK: - The stored form

extension EventTypeChange: Codable {
    private enum Key: String, CodingKey { case kind, eventType, at }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(kind, forKey: .kind)
        switch self {
        case .created(let head), .changed(let head): try container.encode(head, forKey: .eventType)
        case .removed(let discriminator, let at):
            try container.encode(discriminator, forKey: .eventType)
            try container.encode(at, forKey: .at)
        }
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        switch try container.decode(Kind.self, forKey: .kind) {
        case .created: self = .created(try container.decode(EventTypeHead.self, forKey: .eventType))
        case .changed: self = .changed(try container.decode(EventTypeHead.self, forKey: .eventType))
        case .removed:
            self = .removed(
                try container.decode(Discriminator<EventType>.self, forKey: .eventType),
                at: try container.decode(Timestamp.self, forKey: .at))
        }
    }
}

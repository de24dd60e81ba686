/// A change of the versions of an event type.
public typealias VersionChange = DefinitionVersionChange<VersionAdded>

public struct VersionAdded: Sendable, Codable, Equatable {
    public var eventType: Discriminator<EventType>
    public var id: EventVersion.ID
    public var fields: [Field]
    public var state: EventVersion.State
    public var validFrom: Timestamp
    public var deprecatedAt: Timestamp?
}

extension VersionAdded: FoldedVersion {
    public static let logWord = "version"
    static var table: any WritableKeyPath<Catalogue, DefinitionTable<EventType>> & Sendable { \.eventTypeTable }

    var definition: Discriminator<EventType> { eventType }

    func checkedContent() throws(Problem) -> EventSchema { try EventSchema(fields: fields) }
}

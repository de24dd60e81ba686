/// A change of the versions of an attribute.
public typealias AttributeVersionChange = DefinitionVersionChange<AttributeVersionAdded>

public struct AttributeVersionAdded: Sendable, Codable, Equatable {
    public var section: Discriminator<Section>
    public var attribute: Discriminator<Attribute>
    public var id: VersionID
    public var type: FieldType
    public var renderHint: RenderHint?
    public var state: VersionState
    public var validFrom: Timestamp
    public var deprecatedAt: Timestamp?
}

extension AttributeVersionAdded: FoldedVersion {
    public static let logWord = "attribute_version"
    static var table: any WritableKeyPath<Catalogue, DefinitionTable<Attribute>> & Sendable { \.attributeTable }

    var definition: SectionKey<Attribute> { SectionKey(attribute, in: section) }

    func checkedContent() throws(Problem) -> AttributeContent {
        try AttributeContent(type: type, renderHint: renderHint)
    }
}

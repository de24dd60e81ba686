/// The attributes of an account that keyspaces are mapped to, by number, and how their values are written as profile keys. Profiles
/// are found by their values. See rule 24 of DESIGN.md.
public struct MappedAttributes: Sendable, Equatable {
    /// Those that admins have mapped keyspaces to. The default attributes that every account has a keyspace for are mapped
    /// without standing here.
    public let custom: [Int64: KeyFormat]

    public init(custom: [Int64: KeyFormat] = [:]) {
        // No admin maps those otherwise.
        self.custom = custom.filter { BuiltInAttribute.keyFormat(ofAttribute: $0.key) == nil }
    }

    /// nil: the attribute is not mapped.
    public subscript(attribute: Int64) -> KeyFormat? {
        BuiltInAttribute.keyFormat(ofAttribute: attribute) ?? custom[attribute]
    }
}

extension Catalogue {
    /// Where several keyspaces are mapped to one attribute, the one that was made first says how its values are written.
    public var mappedAttributes: MappedAttributes {
        var custom: [Int64: KeyFormat] = [:]
        for keyspace in keyspaces where keyspace.mapping != nil {
            for section in sections {
                guard let attribute = mappedAttribute(of: keyspace, in: section.discriminator),
                    BuiltInAttribute.keyFormat(ofAttribute: attribute.number) == nil, custom[attribute.number] == nil
                else { continue }
                custom[attribute.number] = keyspace.keyFormat
            }
        }
        return MappedAttributes(custom: custom)
    }
}

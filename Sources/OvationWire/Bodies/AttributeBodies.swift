public import OvationCore

// Attributes and tags as bodies.

extension Bodies.AttributeVersion {
    public init(_ version: OvationCore.AttributeVersion) {
        id = String(version.id)
        type = version.content.type
        renderHint = version.content.renderHint
        deprecatedAt = version.deprecatedAt
        validFrom = version.validFrom
    }
}

extension Bodies.KeyspaceOperations {
    public init(_ keyspace: String, _ permission: Permission) {
        keyspaceDiscriminator = keyspace
        permissions = (permission.read ? [.read] : []) + (permission.write ? [.write] : [])
    }

    /// Of each keyspace, in their order.
    fileprivate static func list(
        _ keyspaces: [OvationCore.Keyspace], _ permission: (Discriminator<OvationCore.Keyspace>) -> Permission
    ) -> [Self] {
        keyspaces.map { Self($0.discriminator.text, permission($0.discriminator)) }
    }

    public var permission: Permission {
        Permission(read: permissions.contains(.read), write: permissions.contains(.write))
    }
}

extension Bodies.Attribute {
    /// - Parameter keyspaces: whose permissions it tells; nil: it tells none.
    public init(_ attribute: OvationCore.Attribute, keyspaces: [OvationCore.Keyspace]?) {
        name = attribute.name
        discriminator = attribute.discriminator.text
        description = attribute.summary
        versions = attribute.listedVersions.map { Bodies.AttributeVersion($0) }
        keyspacePermissions = keyspaces.map { Bodies.KeyspaceOperations.list($0, attribute.permission) }
    }
}

extension Bodies.FullAttribute {
    /// - Parameters:
    ///   - keyspaces: that the API key may use.
    ///   - showsDrafts: drafts are for admins.
    public init(_ attribute: OvationCore.Attribute, keyspaces: [OvationCore.Keyspace], showsDrafts: Bool) {
        name = attribute.name
        discriminator = attribute.discriminator.text
        description = attribute.summary
        versions = attribute.listedVersions.map { Bodies.AttributeVersion($0) }
        keyspacePermissions = Bodies.KeyspaceOperations.list(keyspaces, attribute.permission)
        isDefault = attribute.isBuiltIn
        mappedKeyspaces = keyspaces.filter { $0.mappedAttribute == attribute.discriminator }.map(\.discriminator.text)
        sectionDiscriminator = attribute.section.text
        let hidden = attribute.versions.filter { $0.state == .draft && showsDrafts }
        drafts = hidden.map { Bodies.AttributeVersion($0) }
        removedAt = attribute.removedAt
    }
}

extension Bodies.TagVersion {
    fileprivate init(_ version: OvationCore.TagVersion) {
        id = String(version.id)
        deprecatedAt = version.deprecatedAt
        validFrom = version.validFrom
    }
}

extension Bodies.Tag {
    /// - Parameter keyspaces: whose permissions it tells; nil: it tells none.
    public init(_ tag: OvationCore.Tag, keyspaces: [OvationCore.Keyspace]?) {
        name = tag.name
        discriminator = tag.discriminator.text
        description = tag.summary
        versions = tag.versions.map { Bodies.TagVersion($0) }
        isHidden = tag.isHidden ? true : nil
        keyspacePermissions = keyspaces.map { Bodies.KeyspaceOperations.list($0, tag.permission) }
    }
}

extension Bodies.FullTag {
    /// - Parameter keyspaces: that the API key may use.
    public init(_ tag: OvationCore.Tag, keyspaces: [OvationCore.Keyspace]) {
        name = tag.name
        discriminator = tag.discriminator.text
        description = tag.summary
        versions = tag.versions.map { Bodies.TagVersion($0) }
        isHidden = tag.isHidden
        keyspacePermissions = Bodies.KeyspaceOperations.list(keyspaces, tag.permission)
        sectionDiscriminator = tag.section.text
        removedAt = tag.removedAt
    }
}

// MARK: - Values of requests

extension Bodies {
    /// What may be done through which keyspace, in the form that the API shows. The list and the map that event types have
    /// are read as well.
    public struct OperationList: BodyValue {
        public var byKeyspace: [String: Permission]

        public init(_ byKeyspace: [String: Permission]) { self.byKeyspace = byKeyspace }

        public init(json: JSONValue, at pointer: String) throws(OvationCore.Problem) {
            guard case .array(let entries) = json, entries.contains(where: { $0["permissions"] != nil }) else {
                byKeyspace = try PermissionList(json: json, at: pointer).byKeyspace
                return
            }
            byKeyspace = [:]
            for entry in try [KeyspaceOperations](json: json, at: pointer) {
                let keyspace = entry.keyspaceDiscriminator
                guard byKeyspace[keyspace] == nil else {
                    throw ObjectReader.refused(
                        pointer, .duplicateMember, "\(keyspace.quoted) is given more than once.")
                }
                byKeyspace[keyspace] = entry.permission
            }
        }

        public static var schema: Schema { .array(of: KeyspaceOperations.schema) }
        public var json: JSONValue {
            .array(byKeyspace.sorted { $0.key < $1.key }.map { KeyspaceOperations($0.key, $0.value).json })
        }
    }

    /// The attribute that a keyspace is mapped to, as a client gives it: an empty text stands for none.
    public struct GivenMapping: BodyValue {
        public var attribute: Discriminator<OvationCore.Attribute>?

        public init(_ attribute: Discriminator<OvationCore.Attribute>?) { self.attribute = attribute }

        public init(json: JSONValue, at pointer: String) throws(OvationCore.Problem) {
            attribute = json.string == "" ? nil : try Discriminator(json: json, at: pointer)
        }

        public static var schema: Schema { .string() }
        public var json: JSONValue { .string(attribute?.text ?? "") }
    }
}

// MARK: - What a request asks for

extension Bodies.AttributeRequest {
    public func definition(in section: Discriminator<OvationCore.Section>) -> AttributeDefinition {
        AttributeDefinition(
            section: section, discriminator: discriminator, name: name, description: description ?? "",
            permissions: keyspacePermissions?.byKeyspace ?? [:])
    }

    public func firstVersion() throws(Problem) -> AttributeVersionDefinition { try version.definition(type) }
}

extension Bodies.AttributeVersionRequest {
    public func definition() throws(Problem) -> AttributeVersionDefinition { try version.definition(type) }
}

extension Bodies.AttributeChange {
    /// nil where nothing is said of a version.
    /// - Throws: where something is said and the type is missing, so that nothing is dropped in silence.
    public func newVersion() throws(Problem) -> AttributeVersionDefinition? {
        if let type { return try version.definition(type) }
        guard version.renderHint == nil, version.versionID == nil, version.validFrom == nil, version.draft == nil else {
            throw ObjectReader.refused("/type", .missingMember, "'type' is missing.")
        }
        return nil
    }
}

extension Bodies.AttributeVersionParts {
    fileprivate func definition(_ type: FieldType) throws(Problem) -> AttributeVersionDefinition {
        AttributeVersionDefinition(
            id: versionID?.number, content: try AttributeContent(type: type, renderHint: renderHint),
            isDraft: draft ?? false, validFrom: validFrom)
    }
}

extension Bodies.TagRequest {
    public func definition(in section: Discriminator<OvationCore.Section>) -> TagDefinition {
        TagDefinition(
            section: section, discriminator: discriminator, name: name, description: description ?? "",
            permissions: keyspacePermissions?.byKeyspace ?? [:], isHidden: isHidden ?? false, id: versionID?.number,
            validFrom: validFrom)
    }
}

import OvationCore

// Attributes and tags of a data model, in both directions.

extension OvationCore.Model.Attribute {
    init(_ body: Bodies.ModelAttribute, at pointer: String) throws(Problem) {
        let versions: OvationCore.Model.AttributeVersions
        let place = pointer + "/type"
        switch (body.type, body.versions) {
        case (let type?, nil): versions = .current(try attributeContent(type, body.renderHint, at: pointer))
        // The file shows them as the API does, the current one first.
        case (nil, let bodies?):
            var all: [AttributeVersionDefinition] = []
            for (index, version) in bodies.enumerated().reversed() {
                all.append(try AttributeVersionDefinition(version, at: "\(pointer)/versions/\(index)"))
            }
            versions = .all(all)
        case (nil, nil):
            guard body.renderHint == nil, BuiltIn.attributes.contains(where: { $0.discriminator == body.discriminator })
            else { throw ObjectReader.refused(place, .missingMember, "'type' is missing.") }
            versions = .asTheyAre
        default: throw ObjectReader.refused(place, .conflict, "An attribute has 'type' or 'versions', not both.")
        }
        self.init(
            discriminator: body.discriminator, name: body.name, description: body.description ?? "",
            permissions: body.keyspacePermissions?.byKeyspace ?? [:], versions: versions)
    }
}

extension AttributeVersionDefinition {
    fileprivate init(_ body: Bodies.ModelAttributeVersion, at pointer: String) throws(Problem) {
        self.init(
            id: body.id?.number, content: try attributeContent(body.type, body.renderHint, at: pointer),
            isDraft: body.draft ?? false, validFrom: body.validFrom, deprecatedAt: body.deprecatedAt)
    }
}

private func attributeContent(
    _ type: FieldType, _ renderHint: RenderHint?, at pointer: String
) throws(Problem) -> AttributeContent {
    do throws(Problem) {
        return try AttributeContent(type: type, renderHint: renderHint)
    } catch {
        throw ObjectReader.refused(pointer + "/render_hint", .invalidValue, error.detail)
    }
}

extension OvationCore.Model.Tag {
    init(_ body: Bodies.ModelTag) {
        self.init(
            discriminator: body.discriminator, name: body.name, description: body.description ?? "",
            permissions: body.keyspacePermissions?.byKeyspace ?? [:], isHidden: body.isHidden ?? false,
            id: body.id?.number, validFrom: body.validFrom)
    }
}

// MARK: - Writing

extension Bodies.ModelAttribute {
    init(_ attribute: OvationCore.Model.Attribute) {
        discriminator = attribute.discriminator
        name = attribute.name
        description = attribute.description
        keyspacePermissions = attribute.permissions.isEmpty ? nil : Bodies.PermissionMap(attribute.permissions)
        switch attribute.versions {
        case .asTheyAre: break
        case .current(let content): (type, renderHint) = (content.type, content.renderHint)
        case .all(let all): versions = all.reversed().map { Bodies.ModelAttributeVersion($0) }
        }
    }
}

extension Bodies.ModelAttributeVersion {
    fileprivate init(_ version: AttributeVersionDefinition) {
        id = version.id.map { Bodies.GivenVersionID($0) }
        draft = version.isDraft ? true : nil
        validFrom = version.validFrom
        deprecatedAt = version.deprecatedAt
        (type, renderHint) = (version.content.type, version.content.renderHint)
    }
}

extension Bodies.ModelTag {
    init(_ tag: OvationCore.Model.Tag) {
        discriminator = tag.discriminator
        name = tag.name
        description = tag.description
        isHidden = tag.isHidden ? true : nil
        keyspacePermissions = tag.permissions.isEmpty ? nil : Bodies.PermissionMap(tag.permissions)
        id = tag.id.map { Bodies.GivenVersionID($0) }
        validFrom = tag.validFrom
    }
}

// Attributes, tags and the mappings of keyspaces, in models and in plans; see Catalogue+model.swift.

extension Catalogue {
    /// nil where there is none, and where it comes with the account.
    func modelMapping(of keyspace: Keyspace) -> Discriminator<Attribute>? {
        guard let mapping = keyspace.mapping,
            sections.contains(where: { mappedAttribute(of: keyspace, in: $0.discriminator) != nil })
        else { return nil }
        return mapping
    }

    /// nil where it is as each section has it.
    func modelAttribute(_ attribute: Attribute) -> Model.Attribute? {
        let made = attribute.versions.filter { $0.state != .discarded && $0.id <= Limits.versionIDMax }
        guard !made.isEmpty || attribute.head != builtInHead(of: attribute) else { return nil }
        let versions = made.map { version in
            AttributeVersionDefinition(
                id: version.id, content: version.content, isDraft: version.state == .draft,
                validFrom: version.validFrom, deprecatedAt: version.deprecatedAt)
        }
        return Model.Attribute(
            discriminator: attribute.discriminator, name: attribute.name, description: attribute.summary,
            permissions: attribute.head.permissions,
            versions: versions.isEmpty && attribute.isBuiltIn ? .asTheyAre : .all(versions))
    }

    /// As it comes with its section; nil for one that an admin made.
    private func builtInHead(of attribute: Attribute) -> AttributeHead? {
        guard attribute.isBuiltIn, let section = section(attribute.section) else { return nil }
        return BuiltIn.attributes.first { $0.discriminator == attribute.discriminator }?.attribute(in: section).head
    }

    func modelTag(_ tag: Tag) -> Model.Tag {
        Model.Tag(
            discriminator: tag.discriminator, name: tag.name, description: tag.summary,
            permissions: tag.head.permissions, isHidden: tag.isHidden, id: tag.versionID,
            validFrom: tag.versions.all[0].validFrom)
    }
}

extension AttributeHead {
    var words: DefinitionWords {
        DefinitionWords(name: name, description: description, permissions: permissions, unlisted: .all)
    }
}

extension TagHead {
    var words: DefinitionWords {
        DefinitionWords(name: name, description: description, permissions: permissions, unlisted: .all)
    }
}

extension AttributeContent {
    /// In words, such as `string, date_YYYY-MM-DD`.
    var words: String { [type.rawValue, renderHint?.rawValue].compactMap { $0 }.joined(separator: ", ") }
}

extension ModelPlanner {
    /// What a keyspace of the model is mapped to, once all attributes are there.
    mutating func planMapping(of keyspace: Model.Keyspace) throws(Problem) {
        guard let mapping = keyspace.mappedAttribute else { return }
        let existing = try find(
            keyspace.discriminator, catalogue.keyspace, orNamed: keyspace.name,
            among: catalogue.keyspaces.filter { $0.name == keyspace.name })
        guard let existing, existing.mappedAttribute != mapping else { return }
        try add(
            .keyspace(
                .changed(
                    existing.discriminator, name: existing.name,
                    managesSubscriptions: existing.managesSubscriptions, mapping: mapping)),
            .change, "keyspace \(existing.discriminator)",
            ["mapped_attribute: \(existing.mappedAttribute?.text ?? "none") → \(mapping)"])
    }

    // MARK: Attributes

    mutating func plan(
        _ attribute: Model.Attribute, in section: Discriminator<Section>,
        using random: inout some RandomNumberGenerator
    ) throws(Problem) {
        let existing = try find(
            attribute.discriminator, { catalogue.attribute($0, in: section) }, orNamed: attribute.name,
            among: catalogue.listedAttributes(in: section).filter { $0.name == attribute.name })
        guard let existing else { return try create(attribute, in: section, using: &random) }
        guard existing.removedAt == nil else { throw removed(existing.discriminator.text) }
        let permissions = attribute.permissions.filter { $0.value != .all }
        let head = AttributeHead(
            discriminator: existing.discriminator, section: section, name: attribute.name,
            description: attribute.description, permissions: permissions)
        if existing.head != head {
            let (old, new) = (existing.head.words, head.words)
            try add(
                .attribute(.changed(head)), .change, "attribute \(head.discriminator)",
                old.differences(to: new) + old.permissionDifferences(to: new), breaks: old.lostPermissions(to: new))
        }
        switch attribute.versions {
        case .asTheyAre: break
        case .current(let content):
            guard existing.currentVersion?.content != content else { break }
            try add(AttributeVersionDefinition(id: nil, content: content), to: head.key)
        case .all(let versions):
            for version in versions { try plan(version, of: head.key) }
        }
    }

    private mutating func create(
        _ attribute: Model.Attribute, in section: Discriminator<Section>,
        using random: inout some RandomNumberGenerator
    ) throws(Problem) {
        var versions: [AttributeVersionDefinition]
        switch attribute.versions {
        case .asTheyAre: versions = []
        case .current(let content): versions = [AttributeVersionDefinition(id: nil, content: content)]
        case .all(let all): versions = all
        }
        guard !versions.isEmpty else {
            throw Problem(
                .validationFailed, "The attribute \(attribute.name.quoted) is new and has no type; give it one.")
        }
        let first = versions.removeFirst()
        let change = catalogue.creatingAttribute(
            AttributeDefinition(
                section: section, discriminator: attribute.discriminator, name: attribute.name,
                description: attribute.description, permissions: attribute.permissions), first, at: now, using: &random
        )
        try add(
            .attribute(change), .create, "attribute \(change.attribute.discriminator)",
            ["name: \(attribute.name)", "type: \(first.content.words)"])
        for version in versions { try plan(version, of: change.attribute) }
    }

    private mutating func plan(
        _ version: AttributeVersionDefinition, of attribute: SectionKey<Attribute>
    ) throws(Problem) {
        let versions = catalogue.attribute(attribute.discriminator, in: attribute.section)?.versions.all ?? []
        let existing = versions.first { version.id == nil ? $0.content == version.content : $0.id == version.id }
        guard let existing else { return try add(version, to: attribute) }
        guard existing.content == version.content else {
            throw Problem(
                .conflict,
                "Version \(existing.id) of '\(attribute.discriminator)' exists with another type, which is fixed for "
                    + "good; give the other type a new id.")
        }
        guard existing.state == .draft || version.validFrom == nil || version.validFrom == existing.validFrom else {
            throw Problem(
                .conflict,
                "Version \(existing.id) of '\(attribute.discriminator)' is valid from \(existing.validFrom), which is "
                    + "fixed for good.")
        }
        guard existing.state == .draft, !version.isDraft else { return }
        let at = version.validFrom ?? catalogue.earliestBeginning(of: attribute, at: now)
        try add(
            .attributeVersion(.published(existing.id, at: at)), .publish, "version \(existing.id)",
            ["of attribute \(attribute.discriminator)"])
    }

    private mutating func add(
        _ version: AttributeVersionDefinition, to attribute: SectionKey<Attribute>
    ) throws(Problem) {
        let added = catalogue.addingVersion(version, to: attribute, at: now)
        let current = catalogue.attribute(attribute.discriminator, in: attribute.section)?.currentVersion
        let takesOver = added.state == .published && added.deprecatedAt == nil
        let old = current?.content.words ?? "none"
        try add(
            .attributeVersion(.added(added)), .addVersion, "version \(added.id)",
            [
                "of attribute \(attribute.discriminator)" + (added.state == .draft ? ", as a draft" : ""),
                "type: \(old) → \(version.content.words)",
            ],
            breaks: takesOver && current.map { $0.content != version.content } == true
                ? ["values are of another type"] : [])
    }

    func removed(_ discriminator: String) -> Problem {
        Problem(.conflict, "'\(discriminator)' has been removed; a discriminator is never used again.")
    }

    // MARK: Tags

    mutating func plan(
        _ tag: Model.Tag, in section: Discriminator<Section>, using random: inout some RandomNumberGenerator
    ) throws(Problem) {
        let existing = try find(
            tag.discriminator, { catalogue.tag($0, in: section) }, orNamed: tag.name,
            among: catalogue.listedTags(in: section).filter { $0.name == tag.name })
        guard let existing else {
            let change = catalogue.creatingTag(
                TagDefinition(
                    section: section, discriminator: tag.discriminator, name: tag.name, description: tag.description,
                    permissions: tag.permissions, isHidden: tag.isHidden, id: tag.id, validFrom: tag.validFrom),
                at: now, using: &random)
            return try add(.tag(change), .create, "tag \(change.tag.discriminator)", ["name: \(tag.name)"])
        }
        guard existing.removedAt == nil else { throw removed(existing.discriminator.text) }
        guard tag.id == nil || tag.id == existing.versionID,
            tag.validFrom == nil || tag.validFrom == existing.versions.all[0].validFrom
        else {
            throw Problem(
                .conflict,
                "The tag '\(existing.discriminator)' has the id \(existing.versionID) since "
                    + "\(existing.versions.all[0].validFrom), which is fixed for good.")
        }
        let head = TagHead(
            discriminator: existing.discriminator, section: section, name: tag.name, description: tag.description,
            permissions: tag.permissions.filter { $0.value != .all }, isHidden: tag.isHidden)
        guard existing.head != head else { return }
        let (old, new) = (existing.head.words, head.words)
        let hidden = existing.isHidden == tag.isHidden ? [] : ["is_hidden: \(tag.isHidden)"]
        try add(
            .tag(.changed(head)), .change, "tag \(head.discriminator)",
            old.differences(to: new) + hidden + old.permissionDifferences(to: new), breaks: old.lostPermissions(to: new)
        )
    }
}

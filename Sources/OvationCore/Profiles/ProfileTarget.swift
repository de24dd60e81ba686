/// Where the values and tags of one request go, and under which rules: everything that a member of it is checked against.
public struct ProfileTarget: Sendable {
    /// All definitions, so that a message can say that a version is a draft.
    public let catalogue: Catalogue
    public let section: Section
    public let keyspace: Keyspace
    /// Drafts take values from admin keys only.
    public let callerIsAdmin: Bool

    public init(catalogue: Catalogue, section: Section, keyspace: Keyspace, callerIsAdmin: Bool) {
        self.catalogue = catalogue
        self.section = section
        self.keyspace = keyspace
        self.callerIsAdmin = callerIsAdmin
    }

    public enum Acceptance<Found: Sendable>: Sendable {
        case accepted(Found)
        case refused(Problem.Code, String)
    }

    public typealias FoundAttribute = (attribute: Attribute, version: AttributeVersion)

    // MARK: Attributes

    /// The attribute that a version id names. A deprecated version still takes values: clients hold on to the id they read.
    public func attribute(version id: VersionID) -> Acceptance<FoundAttribute> {
        guard let (attribute, version) = catalogue.attributeVersion(id), attribute.section == section.discriminator
        else { return .refused(.unknownAttribute, "The section has no attribute with the version \(id).") }
        switch version.state {
        case .published: break
        case .draft where callerIsAdmin: break
        case .draft: return .refused(.draftVersion, "Version \(id) is a draft; only admin keys may write values of it.")
        case .discarded:
            return .refused(.unknownAttribute, "Version \(id) was a draft and has been discarded.")
        }
        return writable(attribute).map { .refused($0.code, $0.detail) } ?? .accepted((attribute, version))
    }

    /// The attribute of this name, with its current version.
    public func attribute(named text: String) -> Acceptance<FoundAttribute> {
        guard let attribute = attributeOfSection(text) else {
            return .refused(.unknownAttribute, "The section has no attribute \(text.quoted).")
        }
        if let refusal = writable(attribute) { return .refused(refusal.code, refusal.detail) }
        guard let version = attribute.currentVersion else {
            return .refused(
                .unknownVersion,
                "'\(attribute.discriminator)' has no current version; publish one, or send the value by the id of an "
                    + "older version.")
        }
        return .accepted((attribute, version))
    }

    /// nil for one that the caller may not know of: an attribute that has nothing but drafts.
    private func attributeOfSection(_ text: String) -> Attribute? {
        guard let discriminator = try? Discriminator<Attribute>(text),
            let attribute = catalogue.attribute(discriminator, in: section.discriminator),
            callerIsAdmin || attribute.versions.contains(where: { $0.state == .published })
        else { return nil }
        return attribute
    }

    private func writable(_ attribute: Attribute) -> (code: Problem.Code, detail: String)? {
        guard attribute.removedAt == nil else {
            return (.unknownAttribute, "The attribute '\(attribute.discriminator)' has been removed.")
        }
        return allowed(attribute)
    }

    private func allowed(_ attribute: Attribute) -> (code: Problem.Code, detail: String)? {
        guard !attribute.permission(in: keyspace.discriminator).write else { return nil }
        return (
            .attributeForbidden,
            "'\(attribute.discriminator)' may not be written through the keyspace '\(keyspace.discriminator)'."
        )
    }

    /// The attribute whose value is to be removed. Values of a removed attribute can still go.
    public func attributeToClear(version id: VersionID) throws(Problem) -> Attribute {
        guard let (attribute, version) = catalogue.attributeVersion(id), attribute.section == section.discriminator,
            version.state == .published || (version.state == .draft && callerIsAdmin)
        else { throw Problem(.versionNotFound, "The section has no attribute with the version \(id).") }
        if let refusal = allowed(attribute) { throw Problem(refusal.code, refusal.detail) }
        return attribute
    }

    /// The same by its discriminator.
    public func attributeToClear(named text: String) throws(Problem) -> Attribute {
        guard let attribute = attributeOfSection(text) else {
            throw Problem(.attributeNotFound, "The section has no attribute \(text.quoted).")
        }
        if let refusal = allowed(attribute) { throw Problem(refusal.code, refusal.detail) }
        return attribute
    }

    /// Checks a value that was sent for an attribute. A mapped attribute takes what can be a key of all its keyspaces.
    public func check(_ posted: PostedValue, for found: FoundAttribute) -> AttributeCheck {
        let formats = catalogue.keyspaces(mappedTo: found.attribute.discriminator).map(\.keyFormat)
        var check = found.version.content.check(posted, format: formats.first)
        for format in formats.dropFirst() where format != formats.first {
            let other = found.version.content.check(posted, format: format)
            if case .refused = other { check = other }
        }
        return check
    }

    // MARK: The key as a value

    /// The attribute that has the key of this keyspace as its value; nil: the section has none.
    public var keyAttribute: Attribute? { catalogue.mappedAttribute(of: keyspace, in: section.discriminator) }

    /// What sets the mapped attribute to a key; nil: there is none, or the key can be no value of it.
    public func edit(settingKey key: ProfileKey) -> ProfileEdit? {
        guard let attribute = keyAttribute, let version = attribute.currentVersion,
            case .value(let value) = check(.text(key.text), for: (attribute, version))
        else { return nil }
        return ProfileEdit(.attribute(attribute.number), ProfileValue(version: version.id, value: value))
    }

    // MARK: Tags

    /// The tag that a version id or a discriminator names.
    public func tag(named text: String) -> Acceptance<Tag> {
        guard let tag = tagOfSection(text), tag.section == section.discriminator else {
            return .refused(.unknownTag, "The section has no tag \(text.quoted).")
        }
        guard tag.removedAt == nil else {
            return .refused(.unknownTag, "The tag '\(tag.discriminator)' has been removed.")
        }
        guard tag.permission(in: keyspace.discriminator).write else {
            return .refused(
                .tagForbidden,
                "'\(tag.discriminator)' may not be written through the keyspace '\(keyspace.discriminator)'.")
        }
        return .accepted(tag)
    }

    private func tagOfSection(_ text: String) -> Tag? {
        // A discriminator has a dot, and an id has none.
        if text.utf8.first != UInt8(ascii: "0"), text.utf8.allSatisfy({ $0 &- 48 <= 9 }) {
            return VersionID(text).flatMap { catalogue.tag(version: $0) }
        }
        return (try? Discriminator<Tag>(text)).flatMap { catalogue.tag($0, in: section.discriminator) }
    }
}

/// What a caller may read of what a profile holds, through a keyspace.
public struct ReadableFields: Sendable {
    /// What the caller may know of.
    public let catalogue: Catalogue
    private let keyspace: Discriminator<Keyspace>
    /// An admin asked past the permissions of keyspaces.
    private let ignoresPermissions: Bool

    /// - Parameter catalogue: what the caller may know of.
    public init(_ catalogue: Catalogue, through keyspace: Discriminator<Keyspace>, ignoringPermissions: Bool) {
        self.catalogue = catalogue
        self.keyspace = keyspace
        ignoresPermissions = ignoringPermissions
    }

    /// The attribute of a field; nil: the field is no attribute, or one that the caller may not read. What was removed can
    /// be read.
    public func attribute(_ field: ProfileField) -> Attribute? {
        guard field.kind == .attribute, let attribute = catalogue.attribute(number: field.number),
            ignoresPermissions || attribute.permission(in: keyspace).read
        else { return nil }
        return attribute
    }

    /// The version under which a value was set; nil: the caller may not know of it.
    public func version(_ id: VersionID) -> AttributeVersion? { catalogue.attributeVersion(id)?.version }

    /// Where a consent stands; nil: the field is no consent, or the keyspace shows none.
    public func consent(_ field: ProfileField) -> ConsentPlace? {
        guard ignoresPermissions || catalogue.keyspace(keyspace)?.showsConsents == true else { return nil }
        return ConsentPlace(field)
    }

    /// What a person calls the topic and the channel of a consent: one of them, or both.
    public func names(_ place: ConsentPlace) -> [(discriminator: String, name: String)] {
        let topic = place.topic.flatMap { catalogue.topic(number: $0) }.map { ($0.discriminator.text, $0.name) }
        let channel = place.channel.flatMap { catalogue.channel(number: $0) }.map { ($0.discriminator.text, $0.name) }
        return [topic, channel].compactMap { $0 }
    }

    /// The tag of a field; nil: the field is no tag, or one that the caller may not read.
    public func tag(_ field: ProfileField) -> Tag? {
        guard field.kind == .tag, let tag = catalogue.tag(number: field.number),
            ignoresPermissions || tag.permission(in: keyspace).read
        else { return nil }
        return tag
    }
}

/// An import's mapping with the definitions that it names.
public struct ImportPlan: Sendable {
    struct AttributeColumn: Sendable {
        let column: String
        let found: ProfileTarget.FoundAttribute
    }

    struct TagColumn: Sendable {
        let column: String
        let tag: Tag
    }

    struct ConsentCell: Sendable {
        let column: String
        let addressColumn: String
        let place: ConsentPlace
        let consent: Consent
        let keepsOptOut: Bool
        /// Of the channel: its keys are addresses.
        let keyspace: Keyspace
        /// Sets the address as a value, so that the consent is found by it; nil: the row's key is the address, another column
        /// has the attribute, or the section has none.
        let addressAttribute: ProfileTarget.FoundAttribute?
    }

    public let target: ProfileTarget
    public let mapping: ImportMapping
    /// Of the keys, in their order.
    public let keyspaces: [Keyspace]
    let attributes: [AttributeColumn]
    let tags: [TagColumn]
    let consents: [ConsentCell]

    /// What took a consent, as profiles keep it.
    public static let consentSource = "import"

    /// - Parameters:
    ///   - keyspaces: of the mapping's keys. The first is that of the target.
    /// - Throws: a problem with an entry for everything that is wrong, whose pointers lead into the request of the second
    ///   generation.
    public init(_ mapping: ImportMapping, keyspaces: [Keyspace], in target: ProfileTarget) throws(Problem) {
        var check = ImportMappingCheck(target)
        self.mapping = mapping
        self.target = target
        self.keyspaces = keyspaces
        attributes = check.attributes(mapping.attributes)
        tags = check.tags(mapping.tags)
        consents = check.consents(mapping, attributes)
        try check.requireNoErrors()
        guard attributes.count + tags.count + consents.count * 2 <= Limits.profileFieldsMax else {
            throw Problem(
                .tooManyItems, "An import has at most \(Limits.profileFieldsMax) mapped attributes, tags and consents.")
        }
    }

    /// The columns that the file has to have.
    public var columns: [String] {
        var names: [String] = []
        let all =
            mapping.keys.map(\.column) + attributes.map(\.column) + tags.map(\.column)
            + consents.flatMap { [$0.column, $0.addressColumn] }
        for name in all where !names.contains(name) { names.append(name) }
        return names
    }
}

/// Finds what a mapping names, and collects everything that is wrong.
private struct ImportMappingCheck {
    private let target: ProfileTarget
    private var errors: [ItemError] = []
    private var pointerByField: [ProfileField: String] = [:]

    init(_ target: ProfileTarget) { self.target = target }

    private mutating func refuse(_ pointer: String, _ code: Problem.Code, _ detail: String) {
        errors.append(ItemError(index: nil, pointer: pointer, code: code, detail: detail))
    }

    /// A field that two columns set would have the value of which?
    private mutating func isRepeated(_ field: ProfileField, at pointer: String) -> Bool {
        guard let other = pointerByField.updateValue(pointer, forKey: field) else { return false }
        refuse(pointer, .duplicateMember, "This sets what \(other) sets too; name each attribute, tag and topic once.")
        return true
    }

    mutating func attributes(_ fields: [ImportMapping.Field]) -> [ImportPlan.AttributeColumn] {
        fields.enumerated().compactMap { index, field in
            let pointer = "/attribute_mappings/\(index)"
            let acceptance =
                // A discriminator has a dot, and an id has none.
                VersionID(field.name).map { target.attribute(version: $0) } ?? target.attribute(named: field.name)
            switch acceptance {
            case .refused(let code, let detail):
                refuse(pointer, code, detail)
                return nil
            case .accepted(let found):
                guard !isRepeated(.attribute(found.attribute.number), at: pointer) else { return nil }
                return ImportPlan.AttributeColumn(column: field.column, found: found)
            }
        }
    }

    mutating func tags(_ fields: [ImportMapping.Field]) -> [ImportPlan.TagColumn] {
        fields.enumerated().compactMap { index, field in
            let pointer = "/tag_mappings/\(index)"
            switch target.tag(named: field.name) {
            case .refused(let code, let detail):
                refuse(pointer, code, detail)
                return nil
            case .accepted(let tag):
                guard !isRepeated(.tag(tag.number), at: pointer) else { return nil }
                return ImportPlan.TagColumn(column: field.column, tag: tag)
            }
        }
    }

    mutating func consents(
        _ mapping: ImportMapping, _ attributes: [ImportPlan.AttributeColumn]
    ) -> [ImportPlan.ConsentCell] {
        guard !mapping.consents.isEmpty else { return [] }
        guard target.keyspace.managesSubscriptions else {
            refuse(
                "/consent_mappings", .keyspaceForbidden,
                "No consents can be managed through the keyspace '\(target.keyspace.discriminator)'. An admin can let it "
                    + "manage subscriptions.")
            return []
        }
        return mapping.consents.enumerated().compactMap { index, column in
            let pointer = "/consent_mappings/\(index)"
            guard let topic = topic(column, at: pointer), let channel = channel(column, at: pointer) else { return nil }
            if let only = topic.channel, only != channel.discriminator {
                refuse(
                    pointer, .invalidValue, "Consents to '\(topic.discriminator)' are for the channel '\(only)' alone.")
                return nil
            }
            guard column.type.isSetByIntegrations || target.callerIsAdmin else {
                refuse(
                    pointer, .invalidValue, "'\(column.type.word)' is for admin keys; send 'opt-in' or 'opt-out'.")
                return nil
            }
            guard let keyspace = target.catalogue.keyspace(channel.keyspace) else {
                refuse(pointer, .keyspaceNotFound, "The channel has no keyspace.")
                return nil
            }
            let place = ConsentPlace(topic: topic.number, channel: channel.number)
            guard !isRepeated(place.field, at: pointer) else { return nil }
            return ImportPlan.ConsentCell(
                column: column.column, addressColumn: column.addressColumn, place: place,
                consent: Consent(column.type, source: ImportPlan.consentSource, reason: ""),
                keepsOptOut: !column.resubscribes, keyspace: keyspace,
                addressAttribute: addressAttribute(of: keyspace, attributes))
        }
    }

    private mutating func topic(_ column: ImportMapping.ConsentColumn, at pointer: String) -> Topic? {
        let found = (try? Discriminator<Topic>(column.topic)).flatMap {
            target.catalogue.topic($0, in: target.section.discriminator)
        }
        guard let found, found.removedAt == nil else {
            refuse(pointer, .topicNotFound, "The section has no topic \(column.topic.quoted).")
            return nil
        }
        guard column.list.map({ $0 == found.folder.text }) ?? true else {
            refuse(pointer, .folderNotFound, "The topic is in the consent list '\(found.folder)'.")
            return nil
        }
        return found
    }

    private mutating func channel(_ column: ImportMapping.ConsentColumn, at pointer: String) -> Channel? {
        let found = (try? Discriminator<Channel>(column.channel)).flatMap { target.catalogue.channel($0) }
        guard let found, found.removedAt == nil else {
            refuse(pointer, .channelNotFound, "There is no channel \(column.channel.quoted).")
            return nil
        }
        return found
    }

    private func addressAttribute(
        of keyspace: Keyspace, _ attributes: [ImportPlan.AttributeColumn]
    ) -> ProfileTarget.FoundAttribute? {
        guard keyspace.number != target.keyspace.number,
            let attribute = target.catalogue.mappedAttribute(of: keyspace, in: target.section.discriminator),
            !attributes.contains(where: { $0.found.attribute.number == attribute.number }),
            case .accepted(let found) = target.attribute(named: attribute.discriminator.text)
        else { return nil }
        return found
    }

    func requireNoErrors() throws(Problem) {
        guard !errors.isEmpty else { return }
        let codes = Set(errors.map(\.code))
        let forbidden: Set<Problem.Code> = [.attributeForbidden, .tagForbidden, .keyspaceForbidden]
        throw Problem(
            codes.isSubset(of: forbidden) ? errors[0].code : .validationFailed,
            "The mapping was refused, and no import was made; 'errors' says why."
                + (errors.count == 1 ? " \(errors[0].detail)" : ""),
            errors: errors)
    }
}

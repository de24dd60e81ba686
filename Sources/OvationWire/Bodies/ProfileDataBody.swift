public import OvationCore

extension JSONValue {
    /// A stored value as JSON has it.
    public init(_ value: FieldValue) {
        switch value {
        case .string(let text): self = .string(text)
        case .integer(let number): self = JSONValue(number)
        case .double(let number):
            var writer = JSONWriter()
            writer.append(number)
            self = .number(String(decoding: writer.bytes, as: UTF8.self))
        case .boolean(let flag): self = .bool(flag)
        }
    }
}

extension Bodies.AttributeValues {
    public init(_ fields: [HeldField], _ readable: ReadableFields) {
        values = BodyMap(
            fields.compactMap { field in
                guard readable.attribute(field.field) != nil, readable.version(field.value.version) != nil else {
                    return nil
                }
                return (String(field.value.version), JSONValue(field.value.value))
            })
    }
}

extension Bodies.TagMarks {
    public init(_ fields: [HeldField], _ readable: ReadableFields) {
        values = BodyMap(
            fields.compactMap { field in
                readable.tag(field.field).map { (String($0.versionID), JSONValue.bool(true)) }
            })
    }
}

extension Bodies.HeldAttribute {
    /// nil: the caller may not read it.
    fileprivate init?(_ field: HeldField, _ readable: ReadableFields) {
        guard let attribute = readable.attribute(field.field), let version = readable.version(field.value.version)
        else {
            return nil
        }
        discriminator = attribute.discriminator.text
        name = attribute.name
        versionID = String(version.id)
        type = version.content.type
        renderHint = version.content.renderHint
        value = JSONValue(field.value.value)
        setAt = field.setAt
        setBy = field.actor
    }
}

extension Bodies.HeldTag {
    /// nil: the caller may not read it.
    fileprivate init?(_ field: HeldField, _ readable: ReadableFields) {
        guard let tag = readable.tag(field.field) else { return nil }
        discriminator = tag.discriminator.text
        name = tag.name
        versionID = String(tag.versionID)
        setAt = field.setAt
        setBy = field.actor
    }
}

extension Bodies.HeldAttributes {
    public init(_ fields: [HeldField], _ readable: ReadableFields) {
        items = fields.compactMap { Bodies.HeldAttribute($0, readable) }
    }
}

extension [Bodies.HeldTag] {
    public init(_ fields: [HeldField], _ readable: ReadableFields) {
        self = fields.compactMap { Bodies.HeldTag($0, readable) }
    }
}

// MARK: - History

extension Bodies.ProfileChanges {
    public init(_ page: ProfileChangePage, _ readable: ReadableFields) {
        items = page.changes.compactMap { Bodies.ProfileChange($0, readable) }
        nextCursor = page.next.map(ChangeCursor.write)
    }
}

extension Bodies.ProfileChange {
    /// nil: there is nothing in it that the caller may read.
    init?(_ change: StoredProfileChange, _ readable: ReadableFields) {
        data.changes = change.edits.compactMap { Bodies.FieldChange($0, of: change, readable) }
        guard !data.changes.isEmpty || change.edits.isEmpty else { return nil }
        eventTime = change.at
        eventDiscriminator = change.kind.eventDiscriminator
        data.changedBy = change.actor
    }
}

extension Bodies.FieldChange {
    fileprivate init?(
        _ edit: StoredProfileChange.Edit, of change: StoredProfileChange, _ readable: ReadableFields
    ) {
        if let attribute = readable.attribute(edit.field) {
            kind = .attribute
            discriminator = attribute.discriminator.text
            name = attribute.name
        } else if let tag = readable.tag(edit.field) {
            kind = .tag
            discriminator = tag.discriminator.text
            name = tag.name
        } else if let place = readable.consent(edit.field) {
            let names = readable.names(place)
            kind = .consent
            discriminator = names.first?.discriminator ?? ""
            name = names.map(\.name).joined(separator: ", ")
            from = edit.from.flatMap { OvationCore.Consent($0) }.map { .string($0.type.word) }
            to = edit.to.flatMap { OvationCore.Consent($0) }.map { .string($0.type.word) }
            consent = Bodies.ConsentChange(edit, of: change, in: readable.catalogue)
            return
        } else {
            return nil
        }
        from = edit.from.map { JSONValue($0.value) }
        to = edit.to.map { JSONValue($0.value) }
    }
}

extension ProfileChange.Kind {
    /// By which clients know what happened. The vendor's name where it is known, and else one of ours: a wrong one of the
    /// vendor's would be worse than none.
    public var eventDiscriminator: String {
        switch self {
        case .updated: "com.ovation.events.profile.updated"
        case .locked: "com.ovation.events.profile.locked"
        case .erased: "com.ovation.events.profile.erased"
        case .merged: "com.apsis1.events.profile.merge"
        case .unmerged: "com.apsis1.events.profile.unmerge"
        case .restored: "com.ovation.events.profile.restored"
        case .keyAdded: "com.ovation.events.profile.key-added"
        case .keyRemoved: "com.apsis1.events.profile.key-removed"
        }
    }
}

extension Bodies.StoredEvent {
    /// A change of a profile as it stands among its events. nil: there is nothing in it that the caller may read.
    public init?(_ stored: StoredProfileChange, _ readable: ReadableFields) {
        guard let change = Bodies.ProfileChange(stored, readable) else { return nil }
        self.init()
        id = String(stored.position)
        eventTime = change.eventTime
        receivedAt = change.eventTime
        discriminator = change.eventDiscriminator
        data = change.data.json
    }
}

extension Bodies.ExportedChange {
    /// - Parameter keyspace: of the key.
    /// nil: there is nothing in it that the caller may read.
    public init?(_ row: ChangeExportPage.Row, _ keyspace: Keyspace, _ readable: ReadableFields) {
        guard let change = Bodies.ProfileChange(row.change, readable) else { return nil }
        self.init()
        self.keyspace = keyspace.discriminator.text
        profileKey = row.key.text
        eventTime = change.eventTime
        discriminator = change.eventDiscriminator
        data = change.data
        eventID = String(row.change.position)
        receivedAt = change.eventTime
    }
}

/// Opaque to clients: the change after which the next page begins.
public enum ChangeCursor {
    public static func write(_ position: Int64) -> String {
        // "c" for changes: a cursor of another list can then be told apart and refused.
        "c" + String(position, radix: 36)
    }

    public static func parse(_ text: String) throws(Problem) -> Int64 {
        guard text.first == "c", let position = Int64(text.dropFirst(), radix: 36), position > 0 else {
            throw Problem(.invalidCursor, "The cursor is not one that this server gave; start again without it.")
        }
        return position
    }
}

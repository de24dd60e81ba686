public import OvationCore

extension Bodies.ProfileMerge {
    /// Content types are not trusted: a body that begins like JSON is JSON, anything else a form.
    public init(parsing bytes: [UInt8]) throws(OvationCore.Problem) {
        let first = WrittenText.withoutMark(bytes[...]).first { $0 != 0x20 && $0 != 0x09 && $0 != 0x0A && $0 != 0x0D }
        let isForm = first.map { !Array("{[\"".utf8).contains($0) } ?? false
        guard isForm, let text = String(validating: WrittenText.withoutMark(bytes[...]), as: UTF8.self),
            text.utf8.contains(UInt8(ascii: "=")), let fields = PercentEncoding.decode(form: text)
        else {
            try self.init(json: JSONValue(parsing: bytes))
            return
        }
        try self.init(json: try Self.json(form: fields))
    }

    /// `profiles[0][profile_key]=…` as the object that the same request would be in JSON. Fields of other names are ignored.
    private static func json(form fields: [(name: String, value: String)]) throws(OvationCore.Problem) -> JSONValue {
        var entries: [Int: [JSONValue.Member]] = [:]
        for field in fields {
            guard let (index, name) = place(field.name) else { continue }
            // Any more are too many, however many there are.
            guard entries[index] != nil || entries.count <= 2 else { break }
            entries[index, default: []].append(.init(name, .string(field.value)))
        }
        guard !entries.isEmpty else { return .object([]) }
        return .object([
            .init("profiles", .array(entries.sorted { $0.key < $1.key }.map { .object($0.value) }))
        ])
    }

    /// Of `profiles[0][profile_key]`: 0 and the name.
    private static func place(_ name: String) -> (Int, String)? {
        let parts = name.split(separator: "[", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "profiles", parts[1].last == "]", parts[2].last == "]",
            let index = Int(parts[1].dropLast()), index >= 0
        else { return nil }
        return (index, String(parts[2].dropLast()))
    }
}

// MARK: - What a merge would do

extension Bodies.MergePreview {
    /// - Parameters:
    ///   - asked: the two keys of the request, and the profile that each leads to; nil: it would be made.
    ///   - refusal: why it would be refused.
    ///   - readable: what the caller may read through each keyspace.
    ///   - maySee: whether the caller may know of a section.
    ///   - mayRead: whether it may know of a key.
    public init(
        _ preview: OvationCore.MergePreview, of asked: [(key: OvationCore.Profile.Key, profile: OvationCore.Profile?)],
        refusal: OvationCore.Problem?, _ readable: [ReadableFields], in catalogue: Catalogue,
        maySee: (OvationCore.Section) -> Bool, mayRead: (OvationCore.Profile.Key) -> Bool
    ) {
        self.init()
        outcome = Bodies.MergeOutcome(preview.outcome)
        code = refusal?.code.rawValue
        detail = refusal?.detail
        profiles = asked.enumerated().map { index, asked in
            var shown = Bodies.MergedProfile()
            let key = Bodies.ProfileKey(asked.key, in: catalogue)
            (shown.keyspaceDiscriminator, shown.key) = (key.keyspaceDiscriminator, key.key)
            shown.profileID = asked.profile?.id.hex
            shown.canonical = preview.outcome == .unchanged || preview.isFirstCanonical == (index == 0)
            shown.keys = (asked.profile?.keys ?? []).filter(mayRead).map { Bodies.ProfileKey($0, in: catalogue) }
            return shown
        }
        keys = preview.keys.filter(mayRead).map { Bodies.ProfileKey($0, in: catalogue) }
        sections = catalogue.sections.filter(maySee).compactMap { section in
            guard let found = preview.sections.first(where: { $0.section == section.number }) else { return nil }
            let shown = Bodies.MergedSection(section, found.fields, readable)
            return shown.attributes.isEmpty && shown.tags.isEmpty ? nil : shown
        }
    }
}

extension Bodies.MergeOutcome {
    fileprivate init(_ outcome: OvationCore.MergePreview.Outcome) {
        self =
            switch outcome {
            case .merged: .merged
            case .unchanged: .unchanged
            case .locked: .locked
            case .refused: .refused
            }
    }
}

extension Bodies.MergeOwner {
    fileprivate init(_ owner: OvationCore.MergePreview.Owner) {
        self =
            switch owner {
            case .canonical: .canonical
            case .other: .other
            case .both: .both
            }
    }
}

extension Bodies.MergedSection {
    fileprivate init(
        _ section: OvationCore.Section, _ fields: [OvationCore.MergePreview.Field], _ readable: [ReadableFields]
    ) {
        sectionDiscriminator = section.discriminator.text
        attributes = fields.compactMap { field in
            let found = readable.compactMap { $0.attribute(field.held.field) }
            guard found.count == readable.count, let attribute = found.first else { return nil }
            var shown = Bodies.MergedAttribute()
            shown.discriminator = attribute.discriminator.text
            shown.name = attribute.name
            shown.value = JSONValue(field.held.value.value)
            shown.from = Bodies.MergeOwner(field.owner)
            shown.hidden = field.hidden.map { JSONValue($0.value) }
            return shown
        }
        tags = fields.compactMap { field in
            let found = readable.compactMap { $0.tag(field.held.field) }
            guard found.count == readable.count, let tag = found.first else { return nil }
            var shown = Bodies.MergedTag()
            shown.discriminator = tag.discriminator.text
            shown.name = tag.name
            shown.from = Bodies.MergeOwner(field.owner)
            return shown
        }
    }
}

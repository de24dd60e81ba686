import HTTPTypes
import Hummingbird
import OvationConsole
import OvationCore
import OvationWire

/// What a profile holds in a section, as the API tells an admin.
struct HeldFields: Sendable {
    private static let past = [("ignore_keyspace_permissions", "true")]

    /// First and last name, as this session may see them.
    let name: String?
    let shown: ProfileHeld

    init(_ profile: ShownProfile, _ section: Section, _ visit: Visit) async throws {
        let path = profile.path(section)
        let held = try await visit.call(ListAttributeValues.self, path, query: HeldFields.past).items
        let marks = try await visit.call(GetProfileTags.self, path, query: HeldFields.past).values.entries
        let keys = try await visit.keyNames()
        let consents = try await ConsentList.held(profile, section, visit)
        let names = ConsentList.Names(visit)
        let tags = visit.catalogue.listedTags(in: section.discriminator).filter { tag in
            !tag.isHidden || marks.contains { $0.name == String(tag.versionID) }
        }
        let base = HeldFields.path(profile.id, section)
        shown = ProfileHeld(
            attributes: held.map {
                .init(
                    name: $0.name, discriminator: $0.discriminator, value: visit.shown(value: $0.value),
                    set: Moment($0.setAt), setBy: keys[$0.setBy] ?? $0.setBy)
            }, editHref: base + "/attributes",
            tags: tags.map { tag in
                .init(
                    name: tag.name, discriminator: tag.discriminator.text,
                    isSet: marks.contains { $0.name == String(tag.versionID) })
            }, tagAction: base + "/tags", changesHref: base + "/changes",
            consents: consents.optOuts(keys, names, visit).map(\.1) + consents.shown(keys, names, visit).map(\.2),
            consentsHref: base + "/consents")
        name = HeldFields.name(held, visit)
    }

    /// The name of a profile, or the key that it began with.
    static func who(_ profile: ShownProfile, _ section: Section, _ visit: Visit) async throws -> String {
        let held = try await visit.call(ListAttributeValues.self, profile.path(section), query: past).items
        return name(held, visit) ?? visit.shown(key: profile.keys[0].key)
    }

    private static func name(_ held: [Bodies.HeldAttribute], _ visit: Visit) -> String? {
        let parts = ["firstname", "lastname"].compactMap { part in
            held.first { $0.discriminator == "com.apsis1.attributes.\(part)" }?.value.string
        }
        let name = parts.filter { !$0.isEmpty }.joined(separator: " ")
        return name.isEmpty ? nil : visit.shown(key: name)
    }

    static func path(_ id: String, _ section: Section) -> String {
        ConsolePath.profile(id: id) + "/sections/\(section.discriminator.text)"
    }

    /// The profile's page, with this section.
    static func back(_ profile: ShownProfile, _ section: Section) -> String {
        ConsolePath.with(ConsolePath.profile(id: profile.id), [("section", section.discriminator.text)])
    }
}

extension Visit {
    /// Names of API keys by their client ids.
    func keyNames() async throws -> [String: String] {
        let keys = try await call(ListAPIKeys.self).items
        return Dictionary(keys.map { ($0.clientID, $0.rest.name) }, uniquingKeysWith: { $1 })
    }

    /// The value of an attribute as this session may see it: a person is known by many of them.
    func shown(value: JSONValue) -> String { shown(key: Visit.text(of: value)) }

    fileprivate static func text(of value: JSONValue) -> String {
        value.string ?? String(decoding: JSONWriter.write(value), as: UTF8.self)
    }
}

/// `/console/profiles/{profile_id}/sections/{section}/attributes`
enum AttributeEditor {
    @Sendable static func show(_ visit: Visit) async throws -> Response {
        let stage = try await Stage(visit)
        return await visit.page(stage.page(visit), area: .profiles)
    }

    @Sendable static func validate(_ visit: Visit) async throws -> Response {
        try await post(visit, headers: .validateOnly) { stage in
            await visit.page(stage.page(visit, isValid: true), area: .profiles)
        }
    }

    @Sendable static func save(_ visit: Visit) async throws -> Response {
        try await post(visit, headers: [:]) { stage in
            visit.redirect(to: stage.back, "The attributes are saved.")
        }
    }

    private static func post(
        _ visit: Visit, headers: HTTPFields, _ done: (Stage) async -> Response
    ) async throws -> Response {
        let stage = try await Stage(visit)
        guard !visit.session.isMasked else {
            throw Problem(.conflict, "Values are masked in this session. Show profile keys, and edit again.")
        }
        let conflicts = stage.conflicts(visit.form)
        guard conflicts.isEmpty else {
            return await visit.page(stage.page(visit, conflicts), area: .profiles, status: .conflict)
        }
        do {
            let body = stage.changes(visit.form)
            if !body.values.entries.isEmpty {
                try await visit.act(
                    ChangeAttributeValuesByName.self, stage.profile.path(stage.section), body: body, headers: headers)
            }
            return await done(stage)
        } catch let problem as Problem where problem.code.status.kind == .clientError {
            return await visit.page(
                stage.page(visit, stage.errors(of: problem)), area: .profiles, status: problem.code.status)
        }
    }

    /// The profile, its section, and what it holds there.
    private struct Stage {
        let profile: ShownProfile
        let section: Section
        let who: String
        private let attributes: [Attribute]
        private let stored: [String: String]
        private let keyAttribute: Attribute?

        init(_ visit: Visit) async throws {
            profile = try await ShownProfile(visit)
            section = try visit.section()
            who = try await HeldFields.who(profile, section, visit)
            attributes = visit.catalogue.listedAttributes(in: section.discriminator)
            let held = try await visit.call(
                ListAttributeValues.self, profile.path(section), query: [("ignore_keyspace_permissions", "true")])
            stored = Dictionary(
                held.items.map { ($0.discriminator, Visit.text(of: $0.value)) }, uniquingKeysWith: { $1 })
            let keyspaceName = profile.keys[0].keyspace
            let keyspace = visit.catalogue.keyspaces.first { $0.discriminator.text == keyspaceName }
            let section = section.discriminator
            keyAttribute = keyspace.flatMap { visit.catalogue.mappedAttribute(of: $0, in: section) }
        }

        var back: String { HeldFields.back(profile, section) }

        /// It cannot be changed here: it has no type to be checked against, or it is the key.
        private func isFixed(_ attribute: Attribute) -> Bool {
            attribute.currentVersion == nil || attribute.number == keyAttribute?.number
        }

        private func hint(_ attribute: Attribute) -> String {
            guard let content = attribute.currentVersion?.content else { return "It has no current version." }
            if attribute.number == keyAttribute?.number { return "It is the key of the profile." }
            switch content.renderHint {
            case .date: return "A date such as 1993-03-07."
            case .timestamp: return "Seconds since 1970."
            case .location: return "A country as two capital letters, such as SE."
            case nil: break
            }
            switch content.type {
            case .string: return "Text, up to \(Limits.attributeTextLengthMax) characters."
            case .integer: return "A whole number."
            case .double: return "A number, such as 2.5."
            case .boolean: return "true or false."
            }
        }

        func page(_ visit: Visit, _ errors: [FormError] = [], isValid: Bool = false) -> ProfileAttributesPage {
            let isMasked = visit.session.isMasked
            let fields = attributes.map { attribute in
                let name = attribute.discriminator.text
                let kept = stored[name] ?? ""
                // What the person left alone is as it is stored now, also where another person has changed it.
                let value = isTyped(attribute, visit.form) ? visit.form[name] : kept
                return ProfileAttributesPage.Field(
                    discriminator: name, name: attribute.name, hint: hint(attribute),
                    value: isMasked ? visit.shown(key: kept) : value, stored: isMasked ? "" : kept,
                    isFixed: isMasked || isFixed(attribute))
            }
            return ProfileAttributesPage(
                who: who, sectionName: section.name, fields: fields,
                action: HeldFields.path(profile.id, section) + "/attributes", back: back, isValid: isValid,
                isMasked: isMasked, errors: errors)
        }

        /// Whether the person changed it in the form.
        private func isTyped(_ attribute: Attribute, _ form: Form) -> Bool {
            let name = attribute.discriminator.text
            return form.has(name) && form[name] != form["was:" + name]
        }

        private func edited(_ form: Form) -> [Attribute] {
            attributes.filter { isTyped($0, form) && !isFixed($0) }
        }

        /// Somebody else changed what this person changes too.
        func conflicts(_ form: Form) -> [FormError] {
            edited(form).compactMap { attribute in
                let name = attribute.discriminator.text
                let kept = stored[name] ?? ""
                guard kept != form["was:" + name], kept != form[name] else { return nil }
                return FormError(
                    control: ProfileAttributesPage.control(name),
                    message: kept.isEmpty
                        ? "Somebody else has cleared it. Save again to set it all the same."
                        : "Somebody else has set it to ‘\(kept)’. Save again to set it to your value.")
            }
        }

        func changes(_ form: Form) -> Bodies.NamedAttributeValues {
            var body = Bodies.NamedAttributeValues()
            body.values.entries = edited(form).map { attribute in
                let text = form[attribute.discriminator.text]
                return (attribute.discriminator.text, Stage.json(text, attribute.currentVersion?.content.type))
            }
            return body
        }

        /// What was typed, as the type has it. What does not fit goes as a text, and the API says why.
        private static func json(_ text: String, _ type: FieldType?) -> JSONValue {
            if text.isEmpty { return .null }
            guard let type, type != .string, let json = try? JSONValue(parsing: text) else { return .string(text) }
            switch json {
            case .number, .bool: return json
            default: return .string(text)
            }
        }

        /// Each error at its field.
        func errors(of problem: Problem) -> [FormError] {
            guard !problem.errors.isEmpty else { return [FormError(message: problem.detail)] }
            return problem.errors.map { error in
                FormError(
                    control: ProfileAttributesPage.control(JSONPointer.unescaped(error.pointer.dropFirst())),
                    message: error.detail)
            }
        }
    }
}

/// `/console/profiles/{profile_id}/sections/{section}/tags`: a button for each tag
enum TagForm {
    @Sendable static func post(_ visit: Visit) async throws -> Response {
        let profile = try await ShownProfile(visit)
        let section = try visit.section()
        var body = Bodies.TagMarks()
        body.values.entries =
            visit.form.values("add").map { ($0, .bool(true)) } + visit.form.values("remove").map { ($0, .null) }
        try await visit.act(ChangeProfileTags.self, profile.path(section), body: body)
        return visit.redirect(to: HeldFields.back(profile, section), "The tags are changed.")
    }
}

/// `/console/profiles/{profile_id}/sections/{section}/changes`
enum ChangeList {
    private static let pageSize = 25

    @Sendable static func show(_ visit: Visit) async throws -> Response {
        let profile = try await ShownProfile(visit)
        let section = try visit.section()
        let cursor = try visit.query("cursor")
        let list = try await visit.call(
            ListProfileChanges.self, profile.path(section),
            query: [("limit", String(pageSize)), ("cursor", cursor), ("ignore_keyspace_permissions", "true")])
        let keys = try await visit.keyNames()
        let base = HeldFields.path(profile.id, section) + "/changes"
        let page = ProfileChangesPage(
            who: try await HeldFields.who(profile, section, visit), sectionName: section.name,
            changes: list.items.map { change($0, keys, visit) },
            olderHref: list.nextCursor.map { ConsolePath.with(base, [("cursor", $0)]) },
            isLaterPage: !cursor.isEmpty, newestHref: base, back: HeldFields.back(profile, section))
        return await visit.page(page, area: .profiles)
    }

    /// - Parameter keys: names of API keys by their client ids.
    static func change(
        _ change: Bodies.ProfileChange, _ keys: [String: String], _ visit: Visit
    ) -> ProfileChangesPage.Change {
        ProfileChangesPage.Change(
            at: Moment(change.eventTime), by: keys[change.data.changedBy] ?? change.data.changedBy,
            heading: heading(change), fields: change.data.changes.map { field($0, visit) })
    }

    private static func heading(_ change: Bodies.ProfileChange) -> String {
        let kind = ProfileChange.Kind.allCases.first { $0.eventDiscriminator == change.eventDiscriminator }
        if let words = kind.flatMap(heading) { return words }
        let names = change.data.changes.map { change in
            switch change.kind {
            case .attribute: change.name
            case .tag: "tag \(change.name)"
            case .consent: "consent to \(change.name)"
            }
        }
        return names.joined(separator: ", ") + " changed"
    }

    /// Of what becomes of a profile as a whole; nil: its fields say it.
    private static func heading(_ kind: ProfileChange.Kind) -> String? {
        switch kind {
        case .updated: nil
        case .locked: "Locked for good"
        case .erased: "Deleted"
        case .merged: "Merged with another profile"
        case .unmerged: "A key taken out of the merged profile"
        case .restored: "A merge undone"
        case .keyAdded: "A key added"
        case .keyRemoved: "A key removed"
        }
    }

    private static func field(_ change: Bodies.FieldChange, _ visit: Visit) -> ProfileChangesPage.Field {
        func text(_ value: JSONValue?) -> String {
            guard let value else { return change.kind == .tag ? "not there" : "none" }
            switch change.kind {
            case .attribute: return visit.shown(value: value)
            case .tag: return "there"
            case .consent: return value.string ?? ""
            }
        }
        return .init(name: change.name, from: text(change.from), to: text(change.to))
    }
}

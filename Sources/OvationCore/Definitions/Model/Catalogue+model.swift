extension Catalogue {
    /// Compares the catalogue with a model, and says what to change.
    /// - Throws: a problem when the model asks for what can never be: another category, other fields under a version
    ///   id that exists.
    public func plan(
        toReach model: Model, at now: Timestamp, using random: inout some RandomNumberGenerator
    ) throws(Problem) -> ModelPlan {
        var planner = ModelPlanner(catalogue: self, now: now)
        for keyspace in model.keyspaces { try planner.plan(keyspace, using: &random) }
        for channel in model.channels { try planner.plan(channel, using: &random) }
        for section in model.sections { try planner.plan(section, using: &random) }
        // A keyspace may be mapped to an attribute that a section of the model has.
        for keyspace in model.keyspaces { try planner.planMapping(of: keyspace) }
        return planner.plan
    }

    /// The model that, applied to an empty account, gives this catalogue: everything but what was removed or discarded.
    public var model: Model {
        Model(
            keyspaces: keyspaces.map {
                Model.Keyspace(
                    discriminator: $0.discriminator, name: $0.name, managesSubscriptions: $0.managesSubscriptions,
                    keyFormat: $0.keyFormat, mappedAttribute: modelMapping(of: $0))
            },
            sections: sections.map { section in
                Model.Section(
                    discriminator: section.discriminator, name: section.name,
                    eventTypes: listedEventTypes(in: section.discriminator).map(modelEventType),
                    attributes: listedAttributes(in: section.discriminator).compactMap(modelAttribute),
                    tags: listedTags(in: section.discriminator).map(modelTag),
                    folders: listedFolders(in: section.discriminator).map(modelFolder))
            }, channels: listedChannels.compactMap(modelChannel))
    }

    private func modelEventType(_ eventType: EventType) -> Model.EventType {
        let versions = eventType.versions.filter { $0.state != .discarded }.map { version in
            VersionDefinition(
                id: version.id, fields: version.schema.fields, isDraft: version.state == .draft,
                validFrom: version.validFrom, deprecatedAt: version.deprecatedAt)
        }
        return Model.EventType(
            discriminator: eventType.discriminator, name: eventType.name, description: eventType.summary,
            category: eventType.category, permissions: eventType.head.permissions,
            retention: eventType.retention.map { .value($0) } ?? .asItIs, versions: .all(versions))
    }
}

/// Walks through a model, applying each change to a copy of the catalogue, so that later steps build on earlier ones.
struct ModelPlanner {
    var catalogue: Catalogue
    let now: Timestamp
    var plan = ModelPlan()

    mutating func plan(_ keyspace: Model.Keyspace, using random: inout some RandomNumberGenerator) throws(Problem) {
        let existing = try find(
            keyspace.discriminator, catalogue.keyspace, orNamed: keyspace.name,
            among: catalogue.keyspaces.filter { $0.name == keyspace.name })
        guard let existing else {
            let made = catalogue.creatingKeyspace(
                named: keyspace.name, discriminator: keyspace.discriminator,
                managesSubscriptions: keyspace.managesSubscriptions ?? false, keyFormat: keyspace.keyFormat ?? .text,
                using: &random)
            return try add(.keyspace(.created(made)), .create, "keyspace \(made.discriminator)", ["name: \(made.name)"])
        }
        let manages = keyspace.managesSubscriptions ?? existing.managesSubscriptions
        guard keyspace.keyFormat ?? existing.keyFormat == existing.keyFormat else {
            throw Problem(.conflict, "The key format of '\(existing.discriminator)' is fixed for good.")
        }
        var details: [String] = []
        if existing.name != keyspace.name { details.append("name: \(existing.name) → \(keyspace.name)") }
        if existing.managesSubscriptions != manages { details.append("manage_subscriptions: \(manages)") }
        guard !details.isEmpty else { return }
        try add(
            .keyspace(
                .changed(
                    existing.discriminator, name: keyspace.name, managesSubscriptions: manages,
                    mapping: existing.mapping)),
            .change, "keyspace \(existing.discriminator)", details)
    }

    mutating func plan(_ section: Model.Section, using random: inout some RandomNumberGenerator) throws(Problem) {
        let existing = try find(
            section.discriminator, catalogue.section, orNamed: section.name,
            among: catalogue.sections.filter { $0.name == section.name })
        let discriminator: Discriminator<Section>
        if let existing {
            discriminator = existing.discriminator
            if existing.name != section.name {
                try add(
                    .section(.renamed(discriminator, name: section.name)), .change, "section \(discriminator)",
                    ["name: \(existing.name) → \(section.name)"])
            }
        } else {
            let made = catalogue.creatingSection(
                named: section.name, discriminator: section.discriminator, using: &random)
            discriminator = made.discriminator
            try add(.section(.created(made)), .create, "section \(discriminator)", ["name: \(made.name)"])
        }
        for eventType in section.eventTypes { try plan(eventType, in: discriminator, using: &random) }
        for attribute in section.attributes { try plan(attribute, in: discriminator, using: &random) }
        for tag in section.tags { try plan(tag, in: discriminator, using: &random) }
        for folder in section.folders { try plan(folder, in: discriminator, using: &random) }
    }

    private mutating func plan(
        _ eventType: Model.EventType, in section: Discriminator<Section>,
        using random: inout some RandomNumberGenerator
    ) throws(Problem) {
        let existing = try find(
            eventType.discriminator, catalogue.eventType, orNamed: eventType.name,
            among: catalogue.listedEventTypes(in: section).filter { $0.name == eventType.name })
        var head = catalogue.creatingEventType(
            EventTypeDefinition(
                section: section, discriminator: existing?.discriminator ?? eventType.discriminator,
                name: eventType.name, description: eventType.description, category: eventType.category,
                permissions: eventType.permissions), using: &random)
        head.permissions = head.permissions.filter { $0.value != .none }
        head.retention =
            switch eventType.retention {
            case .asItIs: existing?.retention
            case .value(let retention): retention
            }
        let subject = "event type \(head.discriminator)"
        if let existing {
            guard existing.removedAt == nil else {
                throw Problem(
                    .conflict, "'\(existing.discriminator)' has been removed; a discriminator is never used again.")
            }
            if existing.head != head {
                try add(
                    .eventType(.changed(head)), .change, subject, differences(from: existing.head, to: head),
                    breaks: existing.head.words.lostPermissions(to: head.words))
            }
        } else {
            try add(
                .eventType(.created(head)), .create, subject,
                ["name: \(head.name)", "category: \(head.category.rawValue)"])
        }
        switch eventType.versions {
        case .current(let fields):
            let added = catalogue.addingVersion(
                VersionDefinition(id: nil, fields: fields), to: head.discriminator, at: now)
            if existing?.currentVersion?.schema.hasFields(added.fields) != true { try add(added) }
        case .all(let versions):
            for version in versions { try plan(version, of: head.discriminator) }
        }
    }

    private mutating func plan(
        _ version: VersionDefinition, of eventType: Discriminator<EventType>
    ) throws(Problem) {
        let wanted = catalogue.addingVersion(version, to: eventType, at: now)
        let versions = catalogue.eventType(eventType)?.versions.all ?? []
        // Without an id, a version is known by its fields.
        let existing = versions.first { version.id == nil ? $0.schema.hasFields(wanted.fields) : $0.id == version.id }
        guard let existing else { return try add(wanted) }
        guard existing.schema.hasFields(wanted.fields) else {
            throw Problem(
                .conflict,
                "Version \(existing.id) of '\(eventType)' exists with other fields, and the fields of a "
                    + "version are fixed for good; give the changed fields a new id.")
        }
        guard existing.state == .draft || version.validFrom == nil || version.validFrom == existing.validFrom else {
            throw Problem(
                .conflict,
                "Version \(existing.id) of '\(eventType)' is valid from \(existing.validFrom), which is fixed for good."
            )
        }
        if existing.state == .draft, !version.isDraft {
            try add(
                .version(
                    .published(
                        existing.id, at: version.validFrom ?? catalogue.earliestBeginning(of: eventType, at: now))),
                .publish, "version \(existing.id)",
                ["of event type \(eventType)"])
        }
    }

    // MARK: Steps

    mutating func add(
        _ change: CatalogueChange, _ action: ModelPlan.Step.Action, _ subject: String, _ details: [String],
        breaks: [String] = []
    ) throws(Problem) {
        try catalogue.apply(change)
        plan.changes.append(change)
        plan.steps.append(ModelPlan.Step(action: action, subject: subject, details: details, breaks: breaks))
    }

    private mutating func add(_ added: VersionAdded) throws(Problem) {
        let old = catalogue.eventType(added.eventType)?.currentVersion?.schema.fields ?? []
        let comparison = FieldComparison(old: old, new: added.fields)
        try add(
            .version(.added(added)), .addVersion, "version \(added.id)",
            ["of event type \(added.eventType)" + (added.state == .draft ? ", as a draft" : "")] + comparison.details,
            // What is history or a draft takes over from nothing.
            breaks: added.state == .published && added.deprecatedAt == nil ? comparison.breaks : [])
    }

    /// By discriminator where the model has one. Else by name, which finds one definition or none: two are for the
    /// author to tell apart.
    func find<Definition, Found>(
        _ discriminator: Discriminator<Definition>?, _ lookUp: (Discriminator<Definition>) -> Found?,
        orNamed name: String, among candidates: @autoclosure () -> [Found]
    ) throws(Problem) -> Found? {
        if let discriminator { return lookUp(discriminator) }
        let candidates = candidates()
        guard candidates.count <= 1 else {
            throw Problem(
                .conflict, "\(candidates.count) definitions are called \(name.quoted); say which by its discriminator.")
        }
        return candidates.first
    }

    private func differences(from old: EventTypeHead, to new: EventTypeHead) -> [String] {
        let category =
            old.category == new.category ? [] : ["category: \(old.category.rawValue) → \(new.category.rawValue)"]
        return old.words.differences(to: new.words) + category + retentionDifferences(from: old, to: new)
            + old.words.permissionDifferences(to: new.words)
    }

    private func retentionDifferences(from old: EventTypeHead, to new: EventTypeHead) -> [String] {
        func words(_ retention: Retention?) -> String { retention?.words ?? "for good" }
        guard old.retention != new.retention else { return [] }
        return ["events are kept: \(words(old.retention)) → \(words(new.retention))"]
    }
}

/// What definitions of all kinds have beside their versions.
struct DefinitionWords {
    let name: String
    let description: String
    let permissions: [String: Permission]
    /// The permission of keyspaces that are not listed.
    let unlisted: Permission

    func differences(to new: DefinitionWords) -> [String] {
        (name == new.name ? [] : ["name: \(name) → \(new.name)"])
            + (description == new.description ? [] : ["description: \(description) → \(new.description)"])
    }

    func permissionDifferences(to new: DefinitionWords) -> [String] {
        Set(permissions.keys).union(new.permissions.keys).sorted().compactMap { keyspace in
            let (old, new) = (permission(keyspace), new.permission(keyspace))
            return old == new ? nil : "\(keyspace): \(words(old)) → \(words(new))"
        }
    }

    /// What clients can do no longer.
    func lostPermissions(to new: DefinitionWords) -> [String] {
        Set(permissions.keys).union(new.permissions.keys).sorted().compactMap { keyspace in
            let (old, new) = (permission(keyspace), new.permission(keyspace))
            guard old.read && !new.read || old.write && !new.write else { return nil }
            return "clients lose a permission in \(keyspace)"
        }
    }

    private func permission(_ keyspace: String) -> Permission { permissions[keyspace] ?? unlisted }

    private func words(_ permission: Permission) -> String {
        permission.read
            ? (permission.write ? "read and write" : "read") : (permission.write ? "write" : "none")
    }
}

extension EventTypeHead {
    var words: DefinitionWords {
        DefinitionWords(name: name, description: description, permissions: permissions, unlisted: .none)
    }
}

/// How the fields of one version differ from those of another.
public struct FieldComparison: Sendable {
    public let details: [String]
    /// What a client notices that goes on sending the old fields to the new version.
    public let breaks: [String]

    public init(old: [Field], new: [Field]) {
        var details: [String] = []
        var breaks: [String] = []
        for field in new {
            let kind = field.type.rawValue + (field.required ? ", required" : "")
            guard let before = old.first(where: { $0.name == field.name }) else {
                details.append("+ \(field.name): \(kind)")
                if field.required, !old.isEmpty { breaks.append("\(field.name) is new and required") }
                continue
            }
            guard before != field else { continue }
            details.append("~ \(field.name): \(before.type.rawValue)\(before.required ? ", required" : "") → \(kind)")
            if before.type != field.type { breaks.append("\(field.name) changes its type") }
            if field.required && !before.required { breaks.append("\(field.name) becomes required") }
        }
        for field in old where !new.contains(where: { $0.name == field.name }) {
            details.append("- \(field.name): \(field.type.rawValue)")
            breaks.append("\(field.name) is gone")
        }
        self.details = details
        self.breaks = breaks
    }
}

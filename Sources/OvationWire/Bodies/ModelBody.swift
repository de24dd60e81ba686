public import OvationCore

// A data model as a file or a request body states it.

extension OvationCore.Model {
    /// - Throws: where an event type has both `fields` and `versions`, or neither; and an attribute likewise.
    public init(_ body: Bodies.Model) throws(Problem) {
        var sections: [Section] = []
        for (index, section) in (body.sections ?? []).enumerated() {
            sections.append(try Section(section, at: "/sections/\(index)"))
        }
        self.init(
            keyspaces: (body.keyspaces ?? []).map { Keyspace($0) }, sections: sections,
            channels: (body.channels ?? []).map { Channel($0) })
    }
}

extension OvationCore.Model.Keyspace {
    fileprivate init(_ body: Bodies.ModelKeyspace) {
        self.init(
            discriminator: body.discriminator, name: body.name, managesSubscriptions: body.managesSubscriptions,
            keyFormat: body.keyFormat, mappedAttribute: body.mappedAttribute)
    }
}

extension OvationCore.Model.Section {
    fileprivate init(_ body: Bodies.ModelSection, at pointer: String) throws(Problem) {
        var eventTypes: [OvationCore.Model.EventType] = []
        for (index, eventType) in (body.eventTypes ?? []).enumerated() {
            eventTypes.append(
                try OvationCore.Model.EventType(eventType, at: "\(pointer)/event_types/\(index)"))
        }
        var attributes: [OvationCore.Model.Attribute] = []
        for (index, attribute) in (body.attributes ?? []).enumerated() {
            attributes.append(try OvationCore.Model.Attribute(attribute, at: "\(pointer)/attributes/\(index)"))
        }
        self.init(
            discriminator: body.discriminator, name: body.name, eventTypes: eventTypes, attributes: attributes,
            tags: (body.tags ?? []).map { OvationCore.Model.Tag($0) },
            folders: (body.folders ?? []).map { OvationCore.Model.Folder($0) })
    }
}

extension OvationCore.Model.EventType {
    fileprivate init(_ body: Bodies.ModelEventType, at pointer: String) throws(Problem) {
        let versions: OvationCore.Model.Versions
        switch (body.fields, body.versions) {
        case (let fields?, nil): versions = .current(fields.list)
        // The file shows them as the API does, the current one first.
        case (nil, let all?): versions = .all(all.reversed().map { VersionDefinition($0) })
        case (nil, nil): throw ObjectReader.refused(pointer + "/fields", .missingMember, "'fields' is missing.")
        default:
            throw ObjectReader.refused(
                pointer + "/fields", .conflict, "An event type has 'fields' or 'versions', not both.")
        }
        self.init(
            discriminator: body.discriminator, name: body.name, description: body.description ?? "",
            category: body.category, permissions: body.keyspacePermissions?.byKeyspace ?? [:],
            retention: body.retention.map { .value($0.value) } ?? .asItIs, versions: versions)
    }
}

extension VersionDefinition {
    fileprivate init(_ body: Bodies.ModelVersion) {
        self.init(
            id: body.id?.number, fields: body.fields.list, isDraft: body.draft ?? false, validFrom: body.validFrom,
            deprecatedAt: body.deprecatedAt)
    }
}

// MARK: - Writing

extension Bodies.Model {
    public init(_ model: OvationCore.Model) {
        keyspaces = model.keyspaces.map { Bodies.ModelKeyspace($0) }
        channels = model.channels.isEmpty ? nil : model.channels.map { Bodies.ModelChannel($0) }
        sections = model.sections.map { Bodies.ModelSection($0) }
    }
}

extension Bodies.ModelKeyspace {
    fileprivate init(_ keyspace: OvationCore.Model.Keyspace) {
        discriminator = keyspace.discriminator
        name = keyspace.name
        managesSubscriptions = keyspace.managesSubscriptions
        keyFormat = keyspace.keyFormat
        mappedAttribute = keyspace.mappedAttribute
    }
}

extension Bodies.ModelSection {
    fileprivate init(_ section: OvationCore.Model.Section) {
        discriminator = section.discriminator
        name = section.name
        eventTypes = section.eventTypes.map { Bodies.ModelEventType($0) }
        attributes =
            section.attributes.isEmpty ? nil : section.attributes.map { Bodies.ModelAttribute($0) }
        tags = section.tags.isEmpty ? nil : section.tags.map { Bodies.ModelTag($0) }
        folders = section.folders.isEmpty ? nil : section.folders.map { Bodies.ModelFolder($0) }
    }
}

extension Bodies.ModelEventType {
    fileprivate init(_ eventType: OvationCore.Model.EventType) {
        discriminator = eventType.discriminator
        name = eventType.name
        description = eventType.description
        category = eventType.category
        keyspacePermissions = Bodies.PermissionMap(eventType.permissions)
        if case .value(let value) = eventType.retention { retention = Bodies.GivenRetention(value) }
        switch eventType.versions {
        case .current(let list): fields = Bodies.Fields(list)
        case .all(let all): versions = all.reversed().map { Bodies.ModelVersion($0) }
        }
    }
}

extension Bodies.ModelVersion {
    fileprivate init(_ version: VersionDefinition) {
        id = version.id.map { Bodies.GivenVersionID($0) }
        draft = version.isDraft ? true : nil
        validFrom = version.validFrom
        deprecatedAt = version.deprecatedAt
        fields = Bodies.Fields(version.fields)
    }
}

extension Bodies.ModelPlan {
    public init(_ plan: OvationCore.ModelPlan) {
        changed = Int64(plan.steps.count)
        steps = plan.steps.map { Bodies.ModelStep($0) }
    }
}

extension Bodies.ModelStep {
    fileprivate init(_ step: OvationCore.ModelPlan.Step) {
        action = Bodies.PlanAction(step.action)
        subject = step.subject
        details = step.details
        breaks = step.breaks
    }
}

extension Bodies.PlanAction {
    fileprivate init(_ action: OvationCore.ModelPlan.Step.Action) {
        self =
            switch action {
            case .create: .create
            case .change: .change
            case .addVersion: .addVersion
            case .publish: .publish
            }
    }
}

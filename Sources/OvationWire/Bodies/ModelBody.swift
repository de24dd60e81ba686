public import OvationCore

/// A data model as a file or a request body states it.
public enum ModelBody {
    public static func parse(_ json: JSONValue) throws(Problem) -> Model {
        let reader = try ObjectReader(json)
        try reader.allow(only: "keyspaces", "sections")
        var keyspaces: [Model.Keyspace] = []
        for (index, value) in try (reader.array("keyspaces") ?? []).enumerated() {
            keyspaces.append(try keyspace(ObjectReader(value, at: "/keyspaces/\(index)")))
        }
        var sections: [Model.Section] = []
        for (index, value) in try (reader.array("sections") ?? []).enumerated() {
            sections.append(try section(ObjectReader(value, at: "/sections/\(index)")))
        }
        return Model(keyspaces: keyspaces, sections: sections)
    }

    private static func keyspace(_ reader: ObjectReader) throws(Problem) -> Model.Keyspace {
        try reader.allow(only: "discriminator", "name", "manage_subscriptions", "key_format")
        return Model.Keyspace(
            discriminator: try reader.discriminator("discriminator", of: Keyspace.self),
            name: try reader.required("name", reader.string("name")),
            managesSubscriptions: try reader.bool("manage_subscriptions"),
            keyFormat: try reader.word("key_format", of: KeyFormat.self))
    }

    private static func section(_ reader: ObjectReader) throws(Problem) -> Model.Section {
        try reader.allow(only: "discriminator", "name", "event_types")
        var eventTypes: [Model.EventType] = []
        for (index, value) in try (reader.array("event_types") ?? []).enumerated() {
            eventTypes.append(try eventType(ObjectReader(value, at: "\(reader.path("event_types"))/\(index)")))
        }
        return Model.Section(
            discriminator: try reader.discriminator("discriminator", of: Section.self),
            name: try reader.required("name", reader.string("name")), eventTypes: eventTypes)
    }

    private static func eventType(_ reader: ObjectReader) throws(Problem) -> Model.EventType {
        try reader.allow(
            only: "discriminator", "name", "description", "category", "keyspace_permissions", "fields", "versions")
        let versions: Model.Versions
        if let values = try reader.array("versions") {
            guard try reader.value("fields") == nil else {
                throw ObjectReader.refused(
                    reader.path("fields"), .conflict, "An event type has 'fields' or 'versions', not both.")
            }
            var definitions: [VersionDefinition] = []
            for (index, value) in values.enumerated() {
                definitions.append(try version(ObjectReader(value, at: "\(reader.path("versions"))/\(index)")))
            }
            // The file shows them as the API does, the current one first.
            versions = .all(definitions.reversed())
        } else {
            let fields = try reader.required("fields", reader.value("fields"))
            versions = .current(try FieldsBody.parse(fields, at: reader.path("fields")))
        }
        let permissions = try reader.value("keyspace_permissions")
        return Model.EventType(
            discriminator: try reader.discriminator("discriminator", of: EventType.self),
            name: try reader.required("name", reader.string("name")),
            description: try reader.string("description") ?? "",
            category: try reader.required("category", reader.word("category", of: EventCategory.self)),
            permissions: try permissions.map { json throws(Problem) in
                try PermissionsBody.parse(json, at: reader.path("keyspace_permissions"))
            } ?? [:],
            versions: versions)
    }

    private static func version(_ reader: ObjectReader) throws(Problem) -> VersionDefinition {
        try reader.allow(only: "id", "draft", "valid_from", "deprecated_at", "fields")
        return VersionDefinition(
            id: try reader.versionID("id"),
            fields: try FieldsBody.parse(
                reader.required("fields", reader.value("fields")), at: reader.path("fields")),
            isDraft: try reader.bool("draft") ?? false, validFrom: try reader.timestamp("valid_from"),
            deprecatedAt: try reader.timestamp("deprecated_at"))
    }

    // MARK: Writing

    public static func json(_ model: Model) -> JSONValue {
        .object([
            .init(
                "keyspaces",
                .array(
                    model.keyspaces.map { keyspace in
                        .object([
                            .init("discriminator", keyspace.discriminator.map { .string($0.text) } ?? .null),
                            .init("name", .string(keyspace.name)),
                            .init("manage_subscriptions", keyspace.managesSubscriptions.map { .bool($0) } ?? .null),
                            .init("key_format", keyspace.keyFormat.map { .string($0.rawValue) } ?? .null),
                        ])
                    })),
            .init("sections", .array(model.sections.map(json))),
        ])
    }

    private static func json(_ section: Model.Section) -> JSONValue {
        .object([
            .init("discriminator", section.discriminator.map { .string($0.text) } ?? .null),
            .init("name", .string(section.name)),
            .init("event_types", .array(section.eventTypes.map(json))),
        ])
    }

    private static func json(_ eventType: Model.EventType) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init("discriminator", eventType.discriminator.map { .string($0.text) } ?? .null),
            .init("name", .string(eventType.name)),
            .init("description", .string(eventType.description)),
            .init("category", .string(eventType.category.rawValue)),
            .init(
                "keyspace_permissions",
                .object(
                    eventType.permissions.sorted { $0.key < $1.key }.map { keyspace, permission in
                        .init(
                            keyspace,
                            .object([.init("read", .bool(permission.read)), .init("write", .bool(permission.write))]))
                    })),
        ]
        switch eventType.versions {
        case .current(let fields): members.append(.init("fields", FieldsBody.json(fields)))
        case .all(let versions): members.append(.init("versions", .array(versions.reversed().map(json))))
        }
        return .object(members)
    }

    private static func json(_ version: VersionDefinition) -> JSONValue {
        var members: [JSONValue.Member] = []
        if let id = version.id { members.append(.init("id", .string(String(id)))) }
        if version.isDraft { members.append(.init("draft", .bool(true))) }
        if let validFrom = version.validFrom { members.append(.init("valid_from", .string(validFrom.rfc3339))) }
        if let deprecatedAt = version.deprecatedAt {
            members.append(.init("deprecated_at", .string(deprecatedAt.rfc3339)))
        }
        members.append(.init("fields", FieldsBody.json(version.fields)))
        return .object(members)
    }
}

/// A plan as the wire shows it: `{changed, steps: [{action, subject, details, breaks}]}`.
public enum ModelPlanBody {
    public static func json(_ plan: ModelPlan) -> JSONValue {
        .object([
            .init("changed", JSONValue(plan.steps.count)),
            .init(
                "steps",
                .array(
                    plan.steps.map { step in
                        .object([
                            .init("action", .string(step.action.rawValue)),
                            .init("subject", .string(step.subject)),
                            .init("details", .array(step.details.map { .string($0) })),
                            .init("breaks", .array(step.breaks.map { .string($0) })),
                        ])
                    })),
        ])
    }
}

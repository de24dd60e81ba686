public import OvationCore

// Sections, keyspaces and event types as bodies.

extension Bodies.Section {
    public init(_ section: OvationCore.Section) {
        discriminator = section.discriminator.text
        name = section.name
    }
}

extension Bodies.Sections {
    public init(_ sections: [OvationCore.Section]) { items = sections.map { Bodies.Section($0) } }
}

extension Bodies.Keyspace {
    public init(_ keyspace: OvationCore.Keyspace) {
        discriminator = keyspace.discriminator.text
        name = keyspace.name
        managesSubscriptions = keyspace.managesSubscriptions
        keyFormat = keyspace.keyFormat
        mappedAttribute = keyspace.mappedAttribute?.text
    }
}

extension Bodies.Keyspaces {
    public init(_ keyspaces: [OvationCore.Keyspace]) { items = keyspaces.map { Bodies.Keyspace($0) } }
}

extension Bodies.EventType {
    /// - Parameter showsPermissions: whether it says what each keyspace may do, which the original leaves out.
    public init(_ eventType: OvationCore.EventType, showsPermissions: Bool) {
        name = eventType.name
        discriminator = eventType.discriminator.text
        description = eventType.summary
        versions = eventType.listedVersions.map { Bodies.Version($0) }
        keyspacePermissions = showsPermissions ? Bodies.KeyspacePermission.list(eventType) : nil
    }
}

extension Bodies.EventType {
    /// What a list shows of it, with what each keyspace may do.
    public init(_ eventType: Bodies.FullEventType) {
        name = eventType.name
        discriminator = eventType.discriminator
        description = eventType.description
        versions = eventType.versions.map { version in
            var version = version
            version.required = nil
            return version
        }
        keyspacePermissions = eventType.keyspacePermissions
    }
}

extension Bodies.EventTypes {
    public init(_ eventTypes: [OvationCore.EventType], showsPermissions: Bool) {
        items = eventTypes.map { Bodies.EventType($0, showsPermissions: showsPermissions) }
    }
}

extension Bodies.FullEventType {
    /// - Parameter showsDrafts: drafts are for admins.
    public init(_ eventType: OvationCore.EventType, showsDrafts: Bool) {
        name = eventType.name
        discriminator = eventType.discriminator.text
        description = eventType.summary
        versions = eventType.listedVersions.map { Bodies.Version($0, showsRequired: true) }
        keyspacePermissions = Bodies.KeyspacePermission.list(eventType)
        category = eventType.category
        sectionDiscriminator = eventType.section.text
        retention = eventType.retention
        let hidden = eventType.versions.filter { $0.state == .draft && showsDrafts }
        drafts = hidden.map { Bodies.Version($0, showsRequired: true) }
        removedAt = eventType.removedAt
    }
}

extension Bodies.Version {
    /// - Parameter showsRequired: whether it says which fields an event has to have, which the original does not know.
    public init(_ version: EventVersion, showsRequired: Bool = false) {
        id = String(version.id)
        type = BodyMap(version.schema.fields.map { ($0.name, $0.type) })
        deprecatedAt = version.deprecatedAt
        validFrom = version.validFrom
        required = showsRequired ? version.schema.fields.filter(\.required).map(\.name) : nil
    }

    public var fields: [Field] {
        type.entries.map { Field(name: $0.name, type: $0.value, required: required?.contains($0.name) == true) }
    }
}

extension Bodies.KeyspacePermission {
    /// In the order of the keyspaces' discriminators.
    fileprivate static func list(_ eventType: OvationCore.EventType) -> [Self] {
        eventType.permissions.sorted { $0.key < $1.key }.map { Self($0.key.text, $0.value) }
    }

    fileprivate init(_ keyspace: String, _ permission: Permission) {
        keyspaceDiscriminator = keyspace
        read = permission.read
        write = permission.write
    }
}

// MARK: - Values of requests

extension Bodies {
    /// What each keyspace may do, as a list. The map by keyspace of a model file is read as well.
    public struct PermissionList: BodyValue {
        public var byKeyspace: [String: Permission]

        public init(_ byKeyspace: [String: Permission]) { self.byKeyspace = byKeyspace }

        public init(json: JSONValue, at pointer: String) throws(OvationCore.Problem) {
            byKeyspace = try Permissions.parse(json, at: pointer)
        }

        public static var schema: Schema { .array(of: KeyspacePermission.schema) }
        public var json: JSONValue {
            .array(byKeyspace.sorted { $0.key < $1.key }.map { KeyspacePermission($0.key, $0.value).json })
        }
    }

    /// What each keyspace may do, as a map by keyspace. The list that the API shows is read as well.
    public struct PermissionMap: BodyValue {
        public var byKeyspace: [String: Permission]

        public init(_ byKeyspace: [String: Permission]) { self.byKeyspace = byKeyspace }

        public init(json: JSONValue, at pointer: String) throws(OvationCore.Problem) {
            byKeyspace = try Permissions.parse(json, at: pointer)
        }

        public static var schema: Schema {
            .map(
                of: ModelPermission.schema,
                example: .object([.init("com.apsis1.keyspaces.email", ModelPermission.definition.example)]))
        }
        public var json: JSONValue {
            .object(byKeyspace.sorted { $0.key < $1.key }.map { .init($0.key, ModelPermission($0.value).json) })
        }
    }

    /// The id of a version as a client gives it: a number, or a text of its digits.
    public struct GivenVersionID: BodyValue {
        public var number: EventVersion.ID

        public init(_ number: EventVersion.ID) { self.number = number }

        public init(json: JSONValue, at pointer: String) throws(OvationCore.Problem) {
            guard let number = VersionID.parse(json), number > 0 else {
                throw ObjectReader.refused(
                    pointer, .invalidVersionID, "\(JSONPointer.subject(pointer)) is a positive number.")
            }
            self.number = number
        }

        public static var schema: Schema { .versionID }
        public var json: JSONValue { .string(String(number)) }
    }

    /// Names of fields with their types, and which of them an event has to have.
    public struct Fields: BodyValue, NamedSchema {
        public var list: [Field]

        public init(_ list: [Field] = []) { self.list = list }

        public init(json: JSONValue, at pointer: String) throws(OvationCore.Problem) {
            guard case .object(let members) = json else {
                throw ObjectReader.refused(pointer, .wrongType, "The fields are an object of names and types.")
            }
            list = []
            for member in members {
                let place = pointer + "/" + JSONPointer.escaped(member.name)
                switch member.value {
                case .string: list.append(Field(name: member.name, type: try FieldType(json: member.value, at: place)))
                case .object:
                    let field = try FieldRequest(json: member.value, at: place)
                    list.append(Field(name: member.name, type: field.type, required: field.required ?? false))
                default:
                    throw ObjectReader.refused(place, .wrongType, "A field is a type or an object with a 'type'.")
                }
            }
        }

        public var json: JSONValue {
            .object(
                list.map { field in
                    guard field.required else { return .init(field.name, field.type.json) }
                    var request = FieldRequest()
                    (request.type, request.required) = (field.type, true)
                    return .init(field.name, request.json)
                })
        }

        public static var schema: Schema { .reference(Fields.self) }
        public static var definition: Schema {
            var schema = Schema(
                [
                    "type": "object",
                    "description":
                        "Names and types of fields: a type, or an object with the type and whether the field is required.",
                    "propertyNames": .object([.init("pattern", "^[a-zA-Z_][a-zA-Z0-9_.-]{0,99}$")]),
                    "additionalProperties": Schema.any(of: FieldType.schema, FieldRequest.schema).json,
                    "maxProperties": JSONValue(Limits.fieldsMax),
                ],
                example: .object([.init("cups", FieldRequest.definition.example), .init("barista", "string")]))
            schema.parts = [FieldType.self, FieldRequest.self]
            return schema
        }
    }

    public struct FieldRequest: Body {
        public var type = FieldType.string
        public var required: Bool?
        public init() {}

        public static let summary = "A field of a version."
        public static let isStrict = true
        public static let members = Members<Self> {
            $0.required("type", \.type, "The type of its values.", FieldType.schema.with(example: "integer"))
            $0.optional("required", \.required, "Whether an event has to have it; no, if nothing is said.")
        }
    }
}

extension Bodies.ModelPermission {
    fileprivate init(_ permission: Permission) {
        read = permission.read
        write = permission.write
    }
}

private enum Permissions {
    static func parse(_ json: JSONValue, at pointer: String) throws(Problem) -> [String: Permission] {
        var permissions: [String: Permission] = [:]
        func add(_ keyspace: String, _ reader: ObjectReader) throws(Problem) {
            try reader.allow(only: ["keyspace_discriminator", "read", "write"])
            guard permissions[keyspace] == nil else {
                throw ObjectReader.refused(
                    reader.pointer, .duplicateMember, "\(keyspace.quoted) is given more than once.")
            }
            permissions[keyspace] = Permission(
                read: try reader.bool("read") ?? false, write: try reader.bool("write") ?? false)
        }
        switch json {
        case .array(let entries):
            for (index, entry) in entries.enumerated() {
                let reader = try ObjectReader(entry, at: "\(pointer)/\(index)")
                let name = "keyspace_discriminator"
                try add(try reader.required(name, reader.string(name)), reader)
            }
        case .object(let members):
            for member in members {
                try add(
                    member.name,
                    ObjectReader(member.value, at: pointer + "/" + JSONPointer.escaped(member.name)))
            }
        default:
            throw ObjectReader.refused(pointer, .wrongType, "Permissions are an array, or an object by keyspace.")
        }
        return permissions
    }
}

// MARK: - What a request asks for

extension Bodies.EventTypeRequest {
    public func definition(in section: Discriminator<OvationCore.Section>) -> EventTypeDefinition {
        EventTypeDefinition(
            section: section, discriminator: discriminator, name: name, description: description ?? "",
            category: category, permissions: keyspacePermissions?.byKeyspace ?? [:], retention: retention?.value)
    }
}

extension Bodies.VersionRequest {
    public var definition: VersionDefinition { version.definition(fields) }
}

extension Bodies.VersionParts {
    /// nil where nothing is said of a version.
    /// - Throws: where something is said and the fields are missing, so that nothing is dropped in silence.
    public func definition() throws(Problem) -> VersionDefinition? {
        guard let fields else {
            guard versionID == nil, validFrom == nil, draft == nil else {
                throw ObjectReader.refused("/fields", .missingMember, "'fields' is missing.")
            }
            return nil
        }
        return definition(fields)
    }

    fileprivate func definition(_ fields: Bodies.Fields) -> VersionDefinition {
        VersionDefinition(
            id: versionID?.number, fields: fields.list, isDraft: draft ?? false, validFrom: validFrom)
    }
}

public import OvationCore

// Sections, keyspaces and event types as the wire shows them.

extension Section {
    public var json: JSONValue {
        .object([.init("discriminator", .string(discriminator.text)), .init("name", .string(name))])
    }
}

extension Keyspace {
    public var json: JSONValue {
        .object([
            .init("discriminator", .string(discriminator.text)),
            .init("name", .string(name)),
            .init("manage_subscriptions", .bool(managesSubscriptions)),
            .init("key_format", .string(keyFormat.rawValue)),
        ])
    }
}

/// How much of an event type an answer shows.
public enum EventTypeDetail: Sendable {
    /// Exactly the members of the original.
    case listed
    /// And what each keyspace may do.
    case withPermissions
    /// And all that only this server has: category, required fields.
    case full
    /// And drafts, which are for admins.
    case withDrafts
}

extension EventType {
    public func json(_ detail: EventTypeDetail) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init("name", .string(name)),
            .init("discriminator", .string(discriminator.text)),
            .init("description", .string(summary)),
            .init("versions", .array(listedVersions.map { $0.json(detail) })),
        ]
        if detail != .listed { members.append(.init("keyspace_permissions", permissionsJSON)) }
        if detail == .full || detail == .withDrafts {
            members.append(.init("category", .string(category.rawValue)))
            members.append(.init("section_discriminator", .string(section.text)))
            let drafts = versions.filter { $0.state == .draft && detail == .withDrafts }
            members.append(.init("drafts", .array(drafts.map { $0.json(detail) })))
            members.append(.init("removed_at", removedAt.map { .string($0.rfc3339) } ?? .null))
        }
        return .object(members)
    }

    private var permissionsJSON: JSONValue {
        .array(
            permissions.sorted { $0.key < $1.key }.map { keyspace, permission in
                .object([
                    .init("keyspace_discriminator", .string(keyspace.text)),
                    .init("read", .bool(permission.read)),
                    .init("write", .bool(permission.write)),
                ])
            })
    }
}

extension EventVersion {
    func json(_ detail: EventTypeDetail) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init("id", .string(String(id))),
            .init("type", .object(schema.fields.map { .init($0.name, .string($0.type.rawValue)) })),
            .init("deprecated_at", deprecatedAt.map { .string($0.rfc3339) } ?? .null),
            .init("valid_from", .string(validFrom.rfc3339)),
        ]
        if detail == .full || detail == .withDrafts {
            let required = schema.fields.filter(\.required)
            members.append(.init("required", .array(required.map { .string($0.name) })))
        }
        return .object(members)
    }
}

// MARK: - Requests

public struct SectionRequest: Sendable {
    public let name: String?
    public let discriminator: Discriminator<Section>?

    public init(_ json: JSONValue) throws(Problem) {
        let reader = try ObjectReader(json)
        name = try reader.string("name")
        discriminator = try reader.discriminator("discriminator", of: Section.self)
    }
}

public struct KeyspaceRequest: Sendable {
    public let name: String?
    public let discriminator: Discriminator<Keyspace>?
    public let managesSubscriptions: Bool?
    public let keyFormat: KeyFormat?

    public init(_ json: JSONValue) throws(Problem) {
        let reader = try ObjectReader(json)
        name = try reader.string("name")
        discriminator = try reader.discriminator("discriminator", of: Keyspace.self)
        managesSubscriptions = try reader.bool("manage_subscriptions")
        keyFormat = try reader.word("key_format", of: KeyFormat.self)
    }
}

/// The members of an event type that may be sent; which of them must be is the endpoint's business.
public struct EventTypeRequest: Sendable {
    public let name: String?
    public let discriminator: Discriminator<EventType>?
    public let description: String?
    public let category: EventCategory?
    public let permissions: [String: Permission]?
    public let version: VersionDefinition?

    public init(_ json: JSONValue) throws(Problem) {
        let reader = try ObjectReader(json)
        name = try reader.string("name")
        discriminator = try reader.discriminator("discriminator", of: EventType.self)
        description = try reader.string("description")
        category = try reader.word("category", of: EventCategory.self)
        permissions = try reader.value("keyspace_permissions").map { json throws(Problem) in
            try PermissionsBody.parse(json, at: "/keyspace_permissions")
        }
        // What belongs to a version is not dropped in silence when the fields are missing.
        var isVersion = false
        for name in ["fields", "version_id", "valid_from", "draft"] {
            if try reader.value(name) != nil { isVersion = true }
        }
        version = isVersion ? try VersionRequest(json).definition : nil
    }
}

public struct VersionRequest: Sendable {
    public let definition: VersionDefinition

    public init(_ json: JSONValue) throws(Problem) {
        let reader = try ObjectReader(json)
        let fields = try reader.required("fields", reader.value("fields"))
        definition = VersionDefinition(
            id: try reader.versionID("version_id"), fields: try FieldsBody.parse(fields, at: "/fields"),
            isDraft: try reader.bool("draft") ?? false, validFrom: try reader.timestamp("valid_from"))
    }
}

/// `{"amount": "double", "orderId": {"type": "string", "required": true}}`
enum FieldsBody {
    static func parse(_ json: JSONValue, at pointer: String) throws(Problem) -> [Field] {
        guard case .object(let members) = json else {
            throw ObjectReader.refused(pointer, .wrongType, "The fields are an object of names and types.")
        }
        var fields: [Field] = []
        for member in members {
            let place = pointer + "/" + JSONPointer.escaped(member.name)
            switch member.value {
            case .string(let word):
                fields.append(Field(name: member.name, type: try type(word, at: place)))
            case .object:
                let reader = try ObjectReader(member.value, at: place)
                try reader.allow(only: "type", "required")
                let word = try reader.required("type", reader.string("type"))
                fields.append(
                    Field(
                        name: member.name, type: try type(word, at: place + "/type"),
                        required: try reader.bool("required") ?? false))
            default:
                throw ObjectReader.refused(place, .wrongType, "A field is a type or an object with a 'type'.")
            }
        }
        return fields
    }

    private static func type(_ word: String, at pointer: String) throws(Problem) -> FieldType {
        guard let type = FieldType(rawValue: word) else {
            throw ObjectReader.refused(
                pointer, .invalidValue, "A field's type is 'string', 'integer', 'double' or 'boolean'.")
        }
        return type
    }

    static func json(_ fields: [Field]) -> JSONValue {
        .object(
            fields.map { field in
                let type = JSONValue.string(field.type.rawValue)
                return .init(
                    field.name, field.required ? .object([.init("type", type), .init("required", .bool(true))]) : type)
            })
    }
}

/// Either the list that the API shows or, in a model file, a map by keyspace.
enum PermissionsBody {
    static func parse(_ json: JSONValue, at pointer: String) throws(Problem) -> [String: Permission] {
        var permissions: [String: Permission] = [:]
        func add(_ keyspace: String, _ reader: ObjectReader) throws(Problem) {
            try reader.allow(only: "keyspace_discriminator", "read", "write")
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

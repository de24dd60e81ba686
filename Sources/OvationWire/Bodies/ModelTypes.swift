public import OvationCore

extension Bodies {
    public struct Model: Body {
        public var keyspaces: [ModelKeyspace]?
        public var channels: [ModelChannel]?
        public var sections: [ModelSection]?
        public init() {}

        public static let summary = "A data model: what should be there. What it does not list stays as it is."
        public static let isStrict = true
        public static let members = Members<Self> {
            $0.optional("keyspaces", \.keyspaces, "Keyspaces that should be there.")
            $0.optional(
                "channels", \.channels,
                "Channels that should be there; a built-in one is left out where it is as it comes.")
            $0.optional("sections", \.sections, "The sections, with what they define.")
        }
    }

    public struct ModelKeyspace: Body {
        public var discriminator: Discriminator<OvationCore.Keyspace>?
        public var name = ""
        public var managesSubscriptions: Bool?
        public var keyFormat: KeyFormat?
        public var mappedAttribute: Discriminator<OvationCore.Attribute>?
        public init() {}

        public static let summary = "A keyspace of a data model."
        public static let isStrict = true
        public static let members = Members<Self> {
            $0.optional(
                "discriminator", \.discriminator, "The stable id; without one it is found by its name, or made.",
                .newDiscriminator("usercreated.keyspaces.loyalty-card"))
            $0.required("name", \.name, "A name for people.", .name("Loyalty card"))
            $0.optional(
                "manage_subscriptions", \.managesSubscriptions, "Whether subscriptions are managed through it.")
            $0.optional(
                "key_format", \.keyFormat, "What its keys look like.", KeyFormat.schema.with(example: "text"))
            $0.optional(
                "mapped_attribute", \.mappedAttribute, "The attribute that has the profile key as its value.",
                .discriminator("com.apsis1.attributes.crmid"))
        }
    }

    public struct ModelSection: Body {
        public var discriminator: Discriminator<OvationCore.Section>?
        public var name = ""
        public var eventTypes: [ModelEventType]?
        public var attributes: [ModelAttribute]?
        public var tags: [ModelTag]?
        public var folders: [ModelFolder]?
        public init() {}

        public static let summary = "A section of a data model."
        public static let isStrict = true
        public static let members = Members<Self> {
            $0.optional(
                "discriminator", \.discriminator, "The stable id; without one it is found by its name, or made.",
                .newDiscriminator("usercreated.sections.shop"))
            $0.required("name", \.name, "A name for people.", .name("Shop"))
            $0.optional("event_types", \.eventTypes, "Its event types.")
            $0.optional(
                "attributes", \.attributes, "Its attributes; a default one is left out where it is as it comes.")
            $0.optional("tags", \.tags, "Its tags.")
            $0.optional("folders", \.folders, "Its folders, with their topics.")
        }
    }

    public struct ModelAttribute: Body {
        public var discriminator: Discriminator<OvationCore.Attribute>?
        public var name = ""
        public var description: String?
        public var keyspacePermissions: PermissionMap?
        public var type: FieldType?
        public var renderHint: RenderHint?
        public var versions: [ModelAttributeVersion]?
        public init() {}

        public static let summary =
            "An attribute of a data model, with the type of its current version or with all versions."
        public static let isStrict = true
        public static let members = Members<Self> {
            $0.optional(
                "discriminator", \.discriminator, "The stable id; without one it is found by its name, or made.",
                .newDiscriminator("usercreated.attributes.favourite_cake-98h3ud5p4v"))
            $0.required("name", \.name, "A name for people.", .name("Favourite cake"))
            $0.optional("description", \.description, "What it is, for people.", .description)
            $0.optional(
                "keyspace_permissions", \.keyspacePermissions,
                "What may be done through which keyspace; through those that are left out, everything.")
            $0.optional("type", \.type, "The type of the current version.")
            $0.optional(
                "render_hint", \.renderHint, "What values of the current version mean beyond their type.",
                isInExample: false)
            $0.optional(
                "versions", \.versions, "All versions, the current one first; instead of 'type'.", isInExample: false)
        }
    }

    public struct ModelAttributeVersion: Body {
        public var id: GivenVersionID?
        public var draft: Bool?
        public var validFrom: Timestamp?
        public var deprecatedAt: Timestamp?
        public var type = FieldType.string
        public var renderHint: RenderHint?
        public init() {}

        public static let summary = "A version of an attribute of a data model."
        public static let isStrict = true
        public static let members = Members<Self> {
            $0.optional("id", \.id, "The id of the version.")
            $0.optional("draft", \.draft, "Whether it waits to be published.", isInExample: false)
            $0.optional("valid_from", \.validFrom, "The time from which it is the one to use.")
            $0.optional("deprecated_at", \.deprecatedAt, "When another version took over.", isInExample: false)
            $0.required("type", \.type, "The type of its values.")
            $0.optional(
                "render_hint", \.renderHint, "What its values mean beyond their type.", isInExample: false)
        }
    }

    public struct ModelTag: Body {
        public var discriminator: Discriminator<OvationCore.Tag>?
        public var name = ""
        public var description: String?
        public var isHidden: Bool?
        public var keyspacePermissions: PermissionMap?
        public var id: GivenVersionID?
        public var validFrom: Timestamp?
        public init() {}

        public static let summary = "A tag of a data model."
        public static let isStrict = true
        public static let members = Members<Self> {
            $0.optional(
                "discriminator", \.discriminator, "The stable id; without one it is found by its name, or made.",
                .newDiscriminator("usercreated.tags.vip-98h3ud5p4v"))
            $0.required("name", \.name, "A name for people.", .name("VIP"))
            $0.optional("description", \.description, "What it is, for people.", .description)
            $0.optional("is_hidden", \.isHidden, "Whether it is left out where people choose a tag; by default no.")
            $0.optional(
                "keyspace_permissions", \.keyspacePermissions,
                "What may be done through which keyspace; through those that are left out, everything.")
            $0.optional("id", \.id, "The id of the tag; fixed for good.", isInExample: false)
            $0.optional("valid_from", \.validFrom, "When the tag was made; fixed for good.", isInExample: false)
        }
    }

    public struct ModelEventType: Body {
        public var discriminator: Discriminator<OvationCore.EventType>?
        public var name = ""
        public var description: String?
        public var category = EventCategory.transaction
        public var keyspacePermissions: PermissionMap?
        public var retention: GivenRetention?
        public var fields: Fields?
        public var versions: [ModelVersion]?
        public init() {}

        public static let summary =
            "An event type of a data model, with the fields of its current version or with all versions."
        public static let isStrict = true
        public static let members = Members<Self> {
            $0.optional(
                "discriminator", \.discriminator, "The stable id; without one it is found by its name, or made.",
                .newDiscriminator("com.apsis1.events.transaction.custom-coffee-sold-k3v9x2b7qa"))
            $0.required("name", \.name, "A name for people.", .name("Coffee sold"))
            $0.optional("description", \.description, "What it is, for people.", .description)
            $0.required("category", \.category, "What kind of act it is.")
            $0.optional(
                "keyspace_permissions", \.keyspacePermissions, "What may be done through which keyspace.")
            $0.optional(
                "retention", \.retention,
                "How long its events are kept, in days or years: P90D, P2Y. An empty text: for good. Left out: as it is.",
                retentionSchema, isInExample: false)
            $0.optional("fields", \.fields, "The fields of the current version.")
            $0.optional(
                "versions", \.versions, "All versions, the current one first; instead of 'fields'.",
                isInExample: false)
        }
    }

    public struct ModelPermission: Body {
        public var read: Bool?
        public var write: Bool?
        public init() {}

        public static let summary = "What may be done through a keyspace."
        public static let members = Members<Self> {
            $0.optional("read", \.read, "Whether it can be read through it; by default no.")
            $0.optional("write", \.write, "Whether it can be posted or changed through it; by default no.")
        }
    }

    public struct ModelVersion: Body {
        public var id: GivenVersionID?
        public var draft: Bool?
        public var validFrom: Timestamp?
        public var deprecatedAt: Timestamp?
        public var fields = Fields()
        public init() {}

        public static let summary = "A version of an event type of a data model."
        public static let isStrict = true
        public static let members = Members<Self> {
            $0.optional("id", \.id, "The id of the version.")
            $0.optional("draft", \.draft, "Whether it waits to be published.", isInExample: false)
            $0.optional("valid_from", \.validFrom, "The time from which it is the one to use.")
            $0.optional("deprecated_at", \.deprecatedAt, "When another version took over.", isInExample: false)
            $0.required("fields", \.fields, "All its fields.")
        }
    }

    public struct ModelPlan: Body {
        public var changed: Int64 = 0
        public var steps: [ModelStep] = []
        public init() {}

        public static let summary = "What applying a data model changes."
        public static let members = Members<Self> {
            $0.required("changed", \.changed, "How many steps there are.", .count(1))
            $0.required("steps", \.steps, "Each change, in the order in which they are made.")
        }
    }

    public struct ModelStep: Body {
        public var action = PlanAction.create
        public var subject = ""
        public var details: [String] = []
        public var breaks: [String] = []
        public init() {}

        public static let summary = "One change that a data model makes."
        public static let members = Members<Self> {
            $0.required("action", \.action, "What is done.")
            $0.required("subject", \.subject, "To which definition.", .string(example: "section Shop"))
            $0.required(
                "details", \.details, "What is different, for people.", .array(of: .string(example: "name: Shop")))
            $0.required(
                "breaks", \.breaks, "What breaks for present clients, in words.",
                .array(of: .string(example: "The field 'cups' is required now.")))
        }
    }
}

extension Schema {
    static func anyObject(_ example: KeyValuePairs<String, JSONValue>) -> Schema {
        Schema(
            ["type": "object", "additionalProperties": .bool(true)],
            example: .object(example.map { .init($0.key, $0.value) }))
    }
}

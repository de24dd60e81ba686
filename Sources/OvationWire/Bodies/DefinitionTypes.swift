public import OvationCore

extension Bodies {
    public struct Keyspace: Body {
        public var discriminator = ""
        public var name = ""
        public var managesSubscriptions = false
        public var keyFormat = KeyFormat.text
        public var mappedAttribute: String?
        public init() {}

        public static let summary = "A keyspace: a kind of key that profiles are known by."
        public static let members = Members<Self> {
            $0.required(
                "discriminator", \.discriminator, "The stable id of the keyspace.",
                .discriminator("com.apsis1.keyspaces.email"))
            $0.required("name", \.name, "A name for people.", .string(example: "Email"))
            $0.required(
                "manage_subscriptions", \.managesSubscriptions, "Whether subscriptions are managed through it.")
            $0.required("key_format", \.keyFormat, "What its keys look like.")
            $0.optional(
                "mapped_attribute", \.mappedAttribute,
                "The attribute that has the profile key as its value; left out: there is none.",
                .discriminator("com.apsis1.attributes.email"))
        }
    }

    public struct Keyspaces: ListBody {
        public var items: [Keyspace] = []
        public init() {}

        public static let summary = "The keyspaces that the API key may use."
        public static let members = Members<Self> { $0.required("items", \.items, "In the order they were made in.") }
    }

    public struct KeyspaceRequest: Body {
        public var name = ""
        public var discriminator: Discriminator<OvationCore.Keyspace>?
        public var managesSubscriptions: Bool?
        public var keyFormat: KeyFormat?
        public var mappedAttribute: GivenMapping?
        public init() {}

        public static let summary = "A keyspace to make."
        public static let members = Members<Self> {
            $0.required("name", \.name, "A name for people.", .name("Loyalty card"))
            $0.optional(
                "discriminator", \.discriminator, "The stable id; by default made from the name.",
                .newDiscriminator("usercreated.keyspaces.loyalty-card"))
            $0.optional(
                "manage_subscriptions", \.managesSubscriptions, "Whether subscriptions are managed through it.")
            $0.optional(
                "key_format", \.keyFormat, "The format of its keys; by default 'text'. It is fixed for good.",
                KeyFormat.schema.with(example: "text"))
            $0.optional(
                "mapped_attribute", \.mappedAttribute,
                "The attribute that has the profile key as its value; by default none.",
                .discriminator("com.apsis1.attributes.crmid"))
        }
    }

    public struct KeyspaceChange: Body {
        public var name: String?
        public var managesSubscriptions: Bool?
        public var mappedAttribute: GivenMapping?
        public var discriminator: Discriminator<OvationCore.Keyspace>?
        public var keyFormat: KeyFormat?
        public init() {}

        public static let summary = "What to change of a keyspace; members left out stay."
        public static let members = Members<Self> {
            $0.optional("name", \.name, "A name for people.", .name("Loyalty card"))
            $0.optional(
                "manage_subscriptions", \.managesSubscriptions, "Whether subscriptions are managed through it.")
            $0.optional(
                "mapped_attribute", \.mappedAttribute,
                "The attribute that has the profile key as its value; an empty text: none.",
                .discriminator("com.apsis1.attributes.crmid"))
            $0.optional(
                "discriminator", \.discriminator, fixed, .discriminator("usercreated.keyspaces.loyalty-card"),
                isInExample: false)
            $0.optional("key_format", \.keyFormat, fixed, isInExample: false)
        }
    }

    /// Of a member that a client may send back as it got it.
    static let fixed = "It is fixed for good: leave it out, or send what is there."

    public struct Section: Body {
        public var discriminator = ""
        public var name = ""
        public init() {}

        public static let summary = "A section: a part of the account with event types of its own."
        public static let members = Members<Self> {
            $0.required(
                "discriminator", \.discriminator, "The stable id of the section.",
                .discriminator("com.apsis1.sections.default"))
            $0.required("name", \.name, "A name for people.", .string(example: "Default section"))
        }
    }

    public struct Sections: ListBody {
        public var items: [Section] = []
        public init() {}

        public static let summary = "The sections that the API key may see."
        public static let members = Members<Self> { $0.required("items", \.items, "In the order they were made in.") }
    }

    public struct SectionRequest: Body {
        public var name = ""
        public var discriminator: Discriminator<OvationCore.Section>?
        public init() {}

        public static let summary = "A section to make."
        public static let members = Members<Self> {
            $0.required("name", \.name, "A name for people.", .name("Shop"))
            $0.optional(
                "discriminator", \.discriminator, "The stable id; by default made from the name.",
                .newDiscriminator("usercreated.sections.shop"))
        }
    }

    public struct SectionChange: Body {
        public var name: String?
        public var discriminator: Discriminator<OvationCore.Section>?
        public init() {}

        public static let summary = "What to change of a section."
        public static let members = Members<Self> {
            $0.optional("name", \.name, "A name for people.", .name("Shop"))
            $0.optional(
                "discriminator", \.discriminator, fixed, .discriminator("usercreated.sections.shop"),
                isInExample: false)
        }
    }
}

// MARK: - Event types

extension Bodies {
    public struct Version: Body {
        public var id = ""
        public var type = BodyMap<FieldType>()
        public var deprecatedAt: Timestamp?
        public var validFrom = Timestamp(milliseconds: 0)
        public var required: [String]?
        public init() {}

        public static let summary = "A version of an event type: its fields, fixed for good."
        public static let members = Members<Self> {
            $0.required("id", \.id, "The id that events are posted with.", .id("2565266"))
            $0.required(
                "type", \.type, "The names of the fields and their types.",
                .map(of: FieldType.schema, example: .object([.init("cups", "integer"), .init("source", "string")])))
            $0.nullable("deprecated_at", \.deprecatedAt, "When another version took over; null: it is the current one.")
            $0.required("valid_from", \.validFrom, "The time from which it is the one to use.")
            $0.optional(
                "required", \.required,
                "The names of fields that an event has to have; where one event type is asked for.",
                .array(of: .string(example: "cups")))
        }
    }

    public struct KeyspacePermission: Body {
        public var keyspaceDiscriminator = ""
        public var read = false
        public var write = false
        public init() {}

        public static let summary = "What may be done with events of a type through a keyspace."
        public static let members = Members<Self> {
            $0.required(
                "keyspace_discriminator", \.keyspaceDiscriminator, "The keyspace.",
                .discriminator("com.apsis1.keyspaces.email"))
            $0.required("read", \.read, "Whether such events can be read through it.")
            $0.required("write", \.write, "Whether such events can be posted through it.")
        }
    }

    public struct EventType: Body {
        public var name = ""
        public var discriminator = ""
        public var description = ""
        public var versions: [Version] = []
        public var keyspacePermissions: [KeyspacePermission]?
        public init() {}

        public static let summary = "An event type: a kind of act that a section keeps events of."
        public static let members = Members<Self> {
            $0.required("name", \.name, "A name for people.", .string(example: "Coffee sold"))
            $0.required("discriminator", \.discriminator, "The stable id of the event type.", eventTypeSchema)
            $0.required("description", \.description, "What it is, for people.", .string(example: "A cup was sold."))
            $0.required("versions", \.versions, "The published versions, the current one first.")
            $0.optional(
                "keyspace_permissions", \.keyspacePermissions,
                "What each keyspace may do; with include_keyspace_permissions=true.")
        }
    }

    public struct EventTypes: ListBody {
        public var items: [EventType] = []
        public init() {}

        public static let summary = "The event types of a section."
        public static let members = Members<Self> { $0.required("items", \.items, "In the order they were made in.") }
    }

    public struct FullEventType: Body {
        public var name = ""
        public var discriminator = ""
        public var description = ""
        public var versions: [Version] = []
        public var keyspacePermissions: [KeyspacePermission] = []
        public var category = EventCategory.transaction
        public var sectionDiscriminator = ""
        public var retention: OvationCore.Retention?
        public var drafts: [Version] = []
        public var removedAt: Timestamp?
        public init() {}

        public static let summary = "An event type in full."
        public static let members = Members<Self> {
            $0.required("name", \.name, "A name for people.", .string(example: "Coffee sold"))
            $0.required("discriminator", \.discriminator, "The stable id of the event type.", eventTypeSchema)
            $0.required("description", \.description, "What it is, for people.", .string(example: "A cup was sold."))
            $0.required("versions", \.versions, "The published versions, the current one first.")
            $0.required("keyspace_permissions", \.keyspacePermissions, "What each keyspace may do.")
            $0.required("category", \.category, "What kind of act it is.")
            $0.required(
                "section_discriminator", \.sectionDiscriminator, "The section it belongs to.",
                .discriminator("com.apsis1.sections.default"))
            $0.nullable(
                "retention", \.retention, "How long its events are kept, by their own time; null: for good.",
                retentionSchema)
            $0.required("drafts", \.drafts, "Versions that are not published yet; for admin keys.")
            $0.nullable("removed_at", \.removedAt, "When it was removed; null: it was not.")
        }
    }

    static let retentionSchema = Schema.string(example: "P2Y")

    static let eventTypeSchema = Schema.discriminator("com.apsis1.events.transaction.custom-coffee-sold-k3v9x2b7qa")

    static let attributeSchema = Schema.discriminator("usercreated.attributes.favourite_cake-98h3ud5p4v")
    static let tagSchema = Schema.discriminator("usercreated.tags.vip-98h3ud5p4v")

    public struct EventTypeRequest: Body {
        public var name = ""
        public var category = EventCategory.transaction
        public var description: String?
        public var discriminator: Discriminator<OvationCore.EventType>?
        public var keyspacePermissions: PermissionList?
        public var retention: GivenRetention?
        public var version = VersionParts()
        public init() {}

        public static let summary = "An event type to make, with its first version."
        public static let members = Members<Self> {
            $0.required("name", \.name, "A name for people.", .name("Coffee sold"))
            $0.required("category", \.category, "What kind of act it is. It is fixed for good.")
            $0.optional("description", \.description, "What it is, for people.", .description)
            $0.optional(
                "discriminator", \.discriminator, "The stable id; by default made from the name.",
                .newDiscriminator("com.apsis1.events.transaction.custom-coffee-sold-k3v9x2b7qa"))
            $0.optional(
                "keyspace_permissions", \.keyspacePermissions, "What each keyspace may do; by default nothing.")
            $0.optional(
                "retention", \.retention,
                "How long its events are kept, in days or years: P90D, P2Y; by default for good.", retentionSchema,
                isInExample: false)
            $0.optional("fields", \.version.fields, "The fields of the first version; by default none.")
            $0.all(of: \.version)
        }
    }

    public struct EventTypeChange: Body {
        public var name: String?
        public var description: String?
        public var keyspacePermissions: PermissionList?
        public var retention: GivenRetention?
        public var version = VersionParts()
        public var discriminator: Discriminator<OvationCore.EventType>?
        public var category: EventCategory?
        public init() {}

        public static let summary =
            "What to change of an event type; members left out stay. Different fields make a new version."
        public static let members = Members<Self> {
            $0.optional("name", \.name, "A name for people.", .name("Coffee sold"))
            $0.optional("description", \.description, "What it is, for people.", .description)
            $0.optional("keyspace_permissions", \.keyspacePermissions, "What each keyspace may do, all of it.")
            $0.optional(
                "retention", \.retention,
                "How long its events are kept, in days or years: P90D, P2Y. An empty text: for good.", retentionSchema,
                isInExample: false)
            $0.optional("fields", \.version.fields, "All fields of the new version.")
            $0.all(of: \.version)
            $0.optional("discriminator", \.discriminator, fixed, eventTypeSchema, isInExample: false)
            $0.optional("category", \.category, fixed, isInExample: false)
        }
    }

    public struct VersionRequest: Body {
        public var fields = Fields()
        public var version = VersionParts()
        public init() {}

        public static let summary = "A version to add."
        public static let members = Members<Self> {
            $0.required("fields", \.fields, "All fields of the version.")
            $0.all(of: \.version)
        }
    }

    /// The members of a version beside its fields.
    public struct VersionParts: Body {
        public var fields: Fields?
        public var versionID: GivenVersionID?
        public var validFrom: Timestamp?
        public var draft: Bool?
        public init() {}

        public static let summary = "The members of a version beside its fields."
        public static let members = Members<Self> {
            $0.optional(
                "version_id", \.versionID, "The id of the version; made, if nothing is said.",
                isInExample: false)
            $0.optional(
                "valid_from", \.validFrom, "The time from which it is the one to use; by default now.",
                isInExample: false)
            $0.optional("draft", \.draft, "Whether it waits to be published.", isInExample: false)
        }
    }

    public struct Usage: ListBody {
        public var items: [VersionUsage] = []
        public init() {}

        public static let summary = "How many events are stored of each version of a section."
        public static let members = Members<Self> { $0.required("items", \.items, "Versions that have had events.") }
    }

    public struct VersionUsage: Body {
        public var versionID = ""
        public var discriminator = ""
        public var eventCount: Int64 = 0
        public var lastSeenAt = Timestamp(milliseconds: 0)
        public init() {}

        public static let summary = "How many events are stored of a version."
        public static let members = Members<Self> {
            $0.required("version_id", \.versionID, "The version.", .id("2565266"))
            $0.required("discriminator", \.discriminator, "Its event type.", eventTypeSchema)
            $0.required("event_count", \.eventCount, "How many events.", .count())
            $0.required("last_seen_at", \.lastSeenAt, "When the last one arrived.")
        }
    }
}

public import OvationCore

extension Bodies {
    public struct AttributeVersion: Body {
        public var id = ""
        public var type = FieldType.string
        public var renderHint: RenderHint?
        public var deprecatedAt: Timestamp?
        public var validFrom = Timestamp(milliseconds: 0)
        public init() {}

        public static let summary = "A version of an attribute: the type of its values, fixed for good."
        public static let members = Members<Self> {
            $0.required("id", \.id, "The id that values are set with.", .id("9820534"))
            $0.required("type", \.type, "The type of its values.")
            $0.optional(
                "render_hint", \.renderHint, "What its values mean beyond their type; left out: nothing.",
                isInExample: false)
            $0.nullable("deprecated_at", \.deprecatedAt, "When another version took over; null: it is the current one.")
            $0.required("valid_from", \.validFrom, "The time from which it is the one to use.")
        }
    }

    /// What may be done through a keyspace.
    public enum Operation: String, BodyWord {
        case read = "READ"
        case write = "WRITE"
        public static let summary = "What may be done through a keyspace: to read values, or to change them."
    }

    public struct KeyspaceOperations: Body {
        public var keyspaceDiscriminator = ""
        public var permissions: [Operation] = []
        public init() {}

        public static let summary = "What may be done with an attribute or a tag through a keyspace."
        public static let members = Members<Self> {
            $0.required(
                "keyspace_discriminator", \.keyspaceDiscriminator, "The keyspace.",
                .discriminator("com.apsis1.keyspaces.email"))
            $0.required("permissions", \.permissions, "What may be done through it; empty: nothing.")
        }
    }

    public struct Attribute: Body {
        public var name = ""
        public var discriminator = ""
        public var description = ""
        public var versions: [AttributeVersion] = []
        public var keyspacePermissions: [KeyspaceOperations]?
        public init() {}

        public static let summary = "An attribute: a value that each profile can have once in a section."
        public static let members = Members<Self> {
            $0.required("name", \.name, "A name for people.", attributeName)
            $0.required("discriminator", \.discriminator, "The stable id of the attribute.", attributeSchema)
            $0.required("description", \.description, "What it is, for people.", attributeDescription)
            $0.required("versions", \.versions, "The published versions, the current one first.")
            $0.optional(
                "keyspace_permissions", \.keyspacePermissions,
                "What may be done through each keyspace that the API key may use; with include_keyspace_permissions=true."
            )
        }
    }

    public struct Attributes: ListBody {
        public var items: [Attribute] = []
        public init() {}

        public static let summary = "The attributes of a section."
        public static let members = Members<Self> {
            $0.required("items", \.items, "The default ones first, then in the order they were made in.")
        }
    }

    public struct FullAttribute: Body {
        public var name = ""
        public var discriminator = ""
        public var description = ""
        public var versions: [AttributeVersion] = []
        public var keyspacePermissions: [KeyspaceOperations] = []
        public var isDefault = false
        public var mappedKeyspaces: [String] = []
        public var sectionDiscriminator = ""
        public var drafts: [AttributeVersion] = []
        public var removedAt: Timestamp?
        public init() {}

        public static let summary = "An attribute in full."
        public static let members = Members<Self> {
            $0.required("name", \.name, "A name for people.", attributeName)
            $0.required("discriminator", \.discriminator, "The stable id of the attribute.", attributeSchema)
            $0.required("description", \.description, "What it is, for people.", attributeDescription)
            $0.required("versions", \.versions, "The published versions, the current one first.")
            $0.required(
                "keyspace_permissions", \.keyspacePermissions,
                "What may be done through each keyspace that the API key may use.")
            $0.required(
                "is_default", \.isDefault, "Whether it comes with each section; such an attribute cannot be removed.")
            $0.required(
                "mapped_keyspaces", \.mappedKeyspaces, "The keyspaces whose keys it has as its value.",
                .array(of: .discriminator("com.apsis1.keyspaces.email")))
            $0.required(
                "section_discriminator", \.sectionDiscriminator, "The section it belongs to.",
                .discriminator("com.apsis1.sections.default"))
            $0.required("drafts", \.drafts, "Versions that are not published yet; for admin keys.")
            $0.nullable("removed_at", \.removedAt, "When it was removed; null: it was not.")
        }
    }

    private static let attributeName = Schema.string(example: "Favourite cake")
    private static let attributeDescription = Schema.string(example: "As the customer chose it.")

    public struct AttributeRequest: Body {
        public var name = ""
        public var type = FieldType.string
        public var description: String?
        public var discriminator: Discriminator<OvationCore.Attribute>?
        public var keyspacePermissions: OperationList?
        public var version = AttributeVersionParts()
        public init() {}

        public static let summary = "An attribute to make, with its first version."
        public static let members = Members<Self> {
            $0.required("name", \.name, "A name for people.", .name("Favourite cake"))
            $0.required("type", \.type, "The type of its values.")
            $0.optional("description", \.description, "What it is, for people.", .description)
            $0.optional(
                "discriminator", \.discriminator, "The stable id; by default made from the name.",
                .newDiscriminator("usercreated.attributes.favourite_cake-98h3ud5p4v"))
            $0.optional(
                "keyspace_permissions", \.keyspacePermissions,
                "What may be done through which keyspace; through those that are left out, everything.")
            $0.all(of: \.version)
        }
    }

    public struct AttributeChange: Body {
        public var name: String?
        public var description: String?
        public var keyspacePermissions: OperationList?
        public var type: FieldType?
        public var version = AttributeVersionParts()
        public var discriminator: Discriminator<OvationCore.Attribute>?
        public init() {}

        public static let summary =
            "What to change of an attribute; members left out stay. Another type makes a new version."
        public static let members = Members<Self> {
            $0.optional("name", \.name, "A name for people.", .name("Favourite cake"))
            $0.optional("description", \.description, "What it is, for people.", .description)
            $0.optional(
                "keyspace_permissions", \.keyspacePermissions,
                "What may be done through which keyspace; through those that are left out, everything.")
            $0.optional("type", \.type, "The type of the new version.")
            $0.all(of: \.version)
            $0.optional("discriminator", \.discriminator, fixed, attributeSchema, isInExample: false)
        }
    }

    public struct AttributeVersionRequest: Body {
        public var type = FieldType.string
        public var version = AttributeVersionParts()
        public init() {}

        public static let summary = "A version of an attribute to add."
        public static let members = Members<Self> {
            $0.required("type", \.type, "The type of its values.")
            $0.all(of: \.version)
        }
    }

    /// The members of a version beside its type.
    public struct AttributeVersionParts: Body {
        public var renderHint: RenderHint?
        public var versionID: GivenVersionID?
        public var validFrom: Timestamp?
        public var draft: Bool?
        public init() {}

        public static let summary = "The members of a version beside its type."
        public static let members = Members<Self> {
            $0.optional(
                "render_hint", \.renderHint, "What its values mean beyond their type; each is for one type.",
                isInExample: false)
            $0.optional(
                "version_id", \.versionID, "The id of the version; made, if nothing is said.", isInExample: false)
            $0.optional(
                "valid_from", \.validFrom, "The time from which it is the one to use; by default now.",
                isInExample: false)
            $0.optional("draft", \.draft, "Whether it waits to be published.", isInExample: false)
        }
    }
}

// MARK: - Tags

extension Bodies {
    public struct TagVersion: Body {
        public var id = ""
        public var deprecatedAt: Timestamp?
        public var validFrom = Timestamp(milliseconds: 0)
        public init() {}

        public static let summary = "What gives a tag its id."
        public static let members = Members<Self> {
            $0.required("id", \.id, "The id that the tag is given to profiles with.", .id("3120534"))
            $0.nullable("deprecated_at", \.deprecatedAt, "Always null: a tag has one version.")
            $0.required("valid_from", \.validFrom, "When the tag was made.")
        }
    }

    public struct Tag: Body {
        public var name = ""
        public var discriminator = ""
        public var description = ""
        public var versions: [TagVersion] = []
        public var isHidden: Bool?
        public var keyspacePermissions: [KeyspaceOperations]?
        public init() {}

        public static let summary = "A tag: a label that a profile has in a section or has not."
        public static let members = Members<Self> {
            $0.required("name", \.name, "A name for people.", tagName)
            $0.required("discriminator", \.discriminator, "The stable id of the tag.", tagSchema)
            $0.required("description", \.description, "What it is, for people.", tagDescription)
            $0.required("versions", \.versions, "One, which gives the tag its id.")
            $0.optional(
                "is_hidden", \.isHidden, "Whether it is left out where people choose a tag; left out: it is not.")
            $0.optional(
                "keyspace_permissions", \.keyspacePermissions,
                "What may be done through each keyspace that the API key may use; with include_keyspace_permissions=true."
            )
        }
    }

    public struct Tags: ListBody {
        public var items: [Tag] = []
        public init() {}

        public static let summary = "The tags of a section."
        public static let members = Members<Self> { $0.required("items", \.items, "In the order they were made in.") }
    }

    public struct FullTag: Body {
        public var name = ""
        public var discriminator = ""
        public var description = ""
        public var versions: [TagVersion] = []
        public var isHidden = false
        public var keyspacePermissions: [KeyspaceOperations] = []
        public var sectionDiscriminator = ""
        public var removedAt: Timestamp?
        public init() {}

        public static let summary = "A tag in full."
        public static let members = Members<Self> {
            $0.required("name", \.name, "A name for people.", tagName)
            $0.required("discriminator", \.discriminator, "The stable id of the tag.", tagSchema)
            $0.required("description", \.description, "What it is, for people.", tagDescription)
            $0.required("versions", \.versions, "One, which gives the tag its id.")
            $0.required("is_hidden", \.isHidden, "Whether it is left out where people choose a tag.")
            $0.required(
                "keyspace_permissions", \.keyspacePermissions,
                "What may be done through each keyspace that the API key may use.")
            $0.required(
                "section_discriminator", \.sectionDiscriminator, "The section it belongs to.",
                .discriminator("com.apsis1.sections.default"))
            $0.nullable("removed_at", \.removedAt, "When it was removed; null: it was not.")
        }
    }

    private static let tagName = Schema.string(example: "VIP")
    private static let tagDescription = Schema.string(example: "Invited to previews.")

    public struct TagRequest: Body {
        public var name = ""
        public var description: String?
        public var discriminator: Discriminator<OvationCore.Tag>?
        public var isHidden: Bool?
        public var keyspacePermissions: OperationList?
        public var versionID: GivenVersionID?
        public var validFrom: Timestamp?
        public init() {}

        public static let summary = "A tag to make."
        public static let members = Members<Self> {
            $0.required("name", \.name, "A name for people.", .name("VIP"))
            $0.optional("description", \.description, "What it is, for people.", .description)
            $0.optional(
                "discriminator", \.discriminator, "The stable id; by default made from the name.",
                .newDiscriminator("usercreated.tags.vip-98h3ud5p4v"))
            $0.optional("is_hidden", \.isHidden, "Whether it is left out where people choose a tag; by default no.")
            $0.optional(
                "keyspace_permissions", \.keyspacePermissions,
                "What may be done through which keyspace; through those that are left out, everything.")
            $0.optional("version_id", \.versionID, "The id of the tag; made, if nothing is said.", isInExample: false)
            $0.optional(
                "valid_from", \.validFrom, "When the tag was made; by default now.", isInExample: false)
        }
    }

    public struct TagChange: Body {
        public var name: String?
        public var description: String?
        public var isHidden: Bool?
        public var keyspacePermissions: OperationList?
        public var discriminator: Discriminator<OvationCore.Tag>?
        public init() {}

        public static let summary = "What to change of a tag; members left out stay."
        public static let members = Members<Self> {
            $0.optional("name", \.name, "A name for people.", .name("VIP"))
            $0.optional("description", \.description, "What it is, for people.", .description)
            $0.optional("is_hidden", \.isHidden, "Whether it is left out where people choose a tag.")
            $0.optional(
                "keyspace_permissions", \.keyspacePermissions,
                "What may be done through which keyspace; through those that are left out, everything.")
            $0.optional("discriminator", \.discriminator, fixed, tagSchema, isInExample: false)
        }
    }
}

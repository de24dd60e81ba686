import OvationCore

// Profiles that become one, and the keys that lead to a profile, as they cross the wire.

extension Bodies {
    /// A key as it is written in a request.
    public struct KeyReference: Body {
        public var keyspaceDiscriminator = ""
        public var profileKey = WrittenKey()
        public init() {}

        public init(keyspace: String, key: String) {
            keyspaceDiscriminator = keyspace
            profileKey = WrittenKey(key)
        }

        public static let summary = "A key, which need not be one of a profile yet."
        public static let members = Members<Self> {
            $0.required(
                "keyspace_discriminator", \.keyspaceDiscriminator, "The keyspace it is a key of.",
                .discriminator("com.apsis1.keyspaces.email"))
            $0.required(
                "profile_key", \.profileKey, "The key; a whole number is taken as text.",
                WrittenKey.schema)
        }
    }

    public struct ProfileMerge: Body {
        public var profiles: [KeyReference] = []
        public init() {}

        public static let summary = "Two profiles that are to be one. The order has no meaning."
        public static let members = Members<Self> {
            $0.required(
                "profiles", \.profiles, "A key of each.",
                .array(of: KeyReference.schema, min: 2, max: 2).with(
                    example: [
                        KeyReference(keyspace: "com.apsis1.keyspaces.email", key: "steve@apsis.com").json,
                        KeyReference(keyspace: "com.apsis1.keyspaces.web", key: "1f8e4b").json,
                    ]))
        }
    }

    public struct ProfileMergeForm: Body {
        public var merge = ProfileMerge()
        public init() {}

        public static let summary =
            "The same as a form, as PHP writes it: profiles[0][profile_key]=…, with the brackets encoded or not."
        public static let members = Members<Self> { $0.all(of: \.merge) }
    }

    public struct IdentifierSwitch: Body {
        public var from = KeyReference()
        public var to = KeyReference()
        public init() {}

        public static let summary = "The key that a profile is to lose, and the one that it is to get."
        public static let members = Members<Self> {
            $0.required(
                "from", \.from, "A key of the profile.",
                KeyReference.schema.with(
                    example: KeyReference(keyspace: "com.apsis1.keyspaces.email", key: "steve@apsis.com").json))
            $0.required(
                "to", \.to, "A key that no profile has, in another keyspace.",
                KeyReference.schema.with(
                    example: KeyReference(keyspace: "com.apsis1.keyspaces.crm-id", key: "4711").json))
        }
    }

    public struct ProfileMembers: ListBody {
        public var items: [ProfileMember] = []
        public init() {}

        public static let summary = "The keys of a profile, and since when each is one."
        public static let members = Members<Self> {
            $0.required(
                "items", \.items, "That of the canonical member first.",
                .array(of: ProfileMember.schema, max: Limits.profileMembersMax))
        }
    }
}

// MARK: - What a merge would do

extension Bodies {
    public enum MergeOutcome: String, BodyWord {
        case merged, unchanged, locked, refused
        public static let summary =
            "What a merge would do: 'unchanged' where they are one already, 'locked' where one is locked and the other would "
            + "be locked too."
    }

    public enum MergeOwner: String, BodyWord {
        case canonical, other, both
        public static let summary = "Whose it is: the canonical profile's, the other's, or the same of both."
    }

    public struct MergePreview: Body {
        public var outcome = MergeOutcome.merged
        public var code: String?
        public var detail: String?
        public var profiles: [MergedProfile] = []
        public var keys: [ProfileKey] = []
        public var sections: [MergedSection] = []
        public init() {}

        public static let summary = "What a merge would do, with what you may read of both profiles."
        public static let members = Members<Self> {
            $0.required("outcome", \.outcome, "What it would do.")
            $0.nullable("code", \.code, "Why it would be refused; null: it would not be.", ProblemCode.schema)
            $0.nullable(
                "detail", \.detail, "The same for a person.",
                .string(example: "The two have different e-mail addresses, so they are two persons."))
            $0.required("profiles", \.profiles, "The two, in the order of the request.")
            $0.required("keys", \.keys, "The keys of the one profile; empty where they would not be merged.")
            $0.required("sections", \.sections, "What it would hold; empty where they would not be merged.")
        }
    }

    public struct MergedProfile: Body {
        public var keyspaceDiscriminator = ""
        public var key = ""
        public var profileID: String?
        public var canonical = false
        public var keys: [ProfileKey] = []
        public init() {}

        public static let summary = "One of two profiles that are to be one."
        public static let members = Members<Self> {
            $0.required(
                "keyspace_discriminator", \.keyspaceDiscriminator, "The keyspace of the request.",
                .discriminator("com.apsis1.keyspaces.email"))
            $0.required(
                "key", \.key, "The key of the request, in the form of its keyspace.",
                .string(example: "steve@apsis.com"))
            $0.nullable(
                "profile_id", \.profileID, "Its id; null: it is not there, and would be made.", Profile.idSchema)
            $0.required("canonical", \.canonical, "Whether its data come first, and its id stays.")
            $0.required("keys", \.keys, "The keys it is known by.")
        }
    }

    public struct MergedSection: Body {
        public var sectionDiscriminator = ""
        public var attributes: [MergedAttribute] = []
        public var tags: [MergedTag] = []
        public init() {}

        public static let summary = "What the one profile would hold in a section."
        public static let members = Members<Self> {
            $0.required(
                "section_discriminator", \.sectionDiscriminator, "The section.",
                .discriminator("com.apsis1.sections.default"))
            $0.required("attributes", \.attributes, "Attributes that may be read through both keyspaces.")
            $0.required("tags", \.tags, "Tags that may be read through both keyspaces.")
        }
    }

    public struct MergedAttribute: Body {
        public var discriminator = ""
        public var name = ""
        public var value: JSONValue = ""
        public var from = MergeOwner.canonical
        public var hidden: JSONValue?
        public init() {}

        public static let summary = "An attribute of the one profile."
        public static let members = Members<Self> {
            $0.required(
                "discriminator", \.discriminator, "The attribute.", .discriminator("com.apsis1.attributes.firstname"))
            $0.required("name", \.name, "Its name for people.", .string(example: "First name"))
            $0.required("value", \.value, "Its value.", attributeValue)
            $0.required("from", \.from, "Whose value it is.")
            $0.nullable(
                "hidden", \.hidden, "The other profile's value, which is not read any more; null: there is none.",
                attributeValue)
        }
    }

    public struct MergedTag: Body {
        public var discriminator = ""
        public var name = ""
        public var from = MergeOwner.canonical
        public init() {}

        public static let summary = "A tag of the one profile."
        public static let members = Members<Self> {
            $0.required("discriminator", \.discriminator, "The tag.", tagSchema)
            $0.required("name", \.name, "Its name for people.", .string(example: "VIP"))
            $0.required("from", \.from, "Whose tag it is.")
        }
    }
}

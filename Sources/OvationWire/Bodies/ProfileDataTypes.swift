public import OvationCore

// What a profile holds, as it crosses the wire.

extension Bodies {
    /// An object with members of any names, as a body.
    public protocol MapBody: Body {
        var values: BodyMap<JSONValue> { get set }
        static var valueSchema: Schema { get }
        static var example: JSONValue { get }
    }

    /// Values by version id.
    public struct AttributeValues: MapBody {
        public var values = BodyMap<JSONValue>()
        public init() {}

        public static let summary =
            "Values of attributes, by the ids of their versions. In a request, null or an empty text clears a value that is "
            + "no text."
        public static let valueSchema = attributeValueOrNull
        public static let example = JSONValue.object([.init("1000000000000012", "Steve")])
    }

    /// Values by discriminator.
    public struct NamedAttributeValues: MapBody {
        public var values = BodyMap<JSONValue>()
        public init() {}

        public static let summary = "Values of attributes, by their discriminators; null clears a value."
        public static let valueSchema = attributeValueOrNull
        public static let example = JSONValue.object([.init("com.apsis1.attributes.firstname", "Steve")])
    }

    /// Tags by version id; in a request also by discriminator.
    public struct TagMarks: MapBody {
        public var values = BodyMap<JSONValue>()
        public init() {}

        public static let summary = "Tags, by the ids of their versions; in a request, also by their discriminators."
        public static let valueSchema = Schema(["type": ["boolean", "null"]], example: .bool(true))
        public static let example = JSONValue.object([.init("1000017", .bool(true))])
    }

    static let attributeValue = Schema(["type": ["string", "number", "boolean"]], example: "Steve")
    static let attributeValueOrNull = Schema(["type": ["string", "number", "boolean", "null"]], example: "Steve")

    public struct NewProfile: Body {
        public var profileKey = WrittenKey()
        public init() {}

        public static let summary = "A profile to make."
        public static let members = Members<Self> {
            $0.required(
                "profile_key", \.profileKey, "Its key in the keyspace of the path; a whole number is taken as text.")
        }
    }

    /// A profile key in a body. Systems that know people by numbers send numbers.
    public struct WrittenKey: BodyValue, Equatable {
        public var text = ""

        public init(_ text: String = "") { self.text = text }

        public static let schema = Schema.any(
            of: .string(min: 1, example: "steve@apsis.com"), .integer(min: 0, example: 4711))
        public var json: JSONValue { .string(text) }

        public init(json: JSONValue, at pointer: String) throws(OvationCore.Problem) {
            switch json {
            case .string(let text): self.text = text
            case .number(let digits) where digits.utf8.allSatisfy({ $0 &- 48 <= 9 }): text = digits
            default: throw json.unexpected("a string or a whole number", at: pointer)
            }
        }
    }

    public struct HeldAttribute: Body {
        public var discriminator = ""
        public var name = ""
        public var versionID = ""
        public var type = FieldType.string
        public var renderHint: RenderHint?
        public var value: JSONValue = ""
        public var setAt = Timestamp(milliseconds: 0)
        public var setBy = ""
        public init() {}

        public static let summary = "An attribute that a profile has."
        public static let members = Members<Self> {
            $0.required(
                "discriminator", \.discriminator, "The attribute.", .discriminator("com.apsis1.attributes.firstname"))
            $0.required("name", \.name, "The attribute's name for people.", .string(example: "First name"))
            $0.required(
                "version_id", \.versionID, "The version that it was set with.", .id("1000000000000012"))
            $0.required("type", \.type, "The type of the value.")
            $0.optional(
                "render_hint", \.renderHint, "What the value means beyond its type.", RenderHint.schema,
                isInExample: false)
            $0.required("value", \.value, "The value.", attributeValue)
            $0.required("set_at", \.setAt, "When it was set to this value.")
            $0.required("set_by", \.setBy, "The API key that set it.", clientIDSchema)
        }
    }

    public struct HeldAttributes: ListBody {
        public var items: [HeldAttribute] = []
        public init() {}

        public static let summary = "The attributes that a profile has in a section."
        public static let members = Members<Self> {
            $0.required("items", \.items, "In the order in which the attributes were made.")
        }
    }

    public struct HeldTag: Body {
        public var discriminator = ""
        public var name = ""
        public var versionID = ""
        public var setAt = Timestamp(milliseconds: 0)
        public var setBy = ""
        public init() {}

        public static let summary = "A tag that a profile has."
        public static let members = Members<Self> {
            $0.required(
                "discriminator", \.discriminator, "The tag.", tagSchema)
            $0.required("name", \.name, "The tag's name for people.", .string(example: "VIP"))
            $0.required("version_id", \.versionID, "The id by which tags are read and changed.", .id("1000017"))
            $0.required("set_at", \.setAt, "When it was added.")
            $0.required("set_by", \.setBy, "The API key that added it.", clientIDSchema)
        }
    }
}

// MARK: - History

extension Bodies {
    public struct ProfileChanges: ListBody {
        public var items: [ProfileChange] = []
        public var nextCursor: String?
        public init() {}

        public static let summary = "A page of what was changed of a profile."
        public static let members = Members<Self> {
            $0.required(
                "items", \.items, "The newest first.", .array(of: ProfileChange.schema, max: Limits.changesPageMax))
            $0.nullable(
                "next_cursor", \.nextCursor, "The 'cursor' of the next page; null: this was the last one.",
                .string(example: "c7k2q"))
        }
    }

    public struct ProfileChange: Body {
        public var eventTime = Timestamp(milliseconds: 0)
        public var eventDiscriminator = ""
        public var data = ProfileChangeData()
        public init() {}

        public static let summary = "What one request changed of a profile."
        public static let members = Members<Self> {
            $0.required("event_time", \.eventTime, "When it was changed.")
            $0.required(
                "event_discriminator", \.eventDiscriminator, "What happened.",
                .string(example: "com.ovation.events.profile.updated"))
            $0.all(of: \.data)
        }
    }

    public struct ProfileChangeData: Body {
        public var changedBy = ""
        public var changes: [FieldChange] = []
        public init() {}

        public static let summary = "What a change of a profile says among its events."
        public static let members = Members<Self> {
            $0.required("changed_by", \.changedBy, "The API key that asked for it.", clientIDSchema)
            $0.required(
                "changes", \.changes,
                "What it was, and what it is since; empty for what became of the profile as a whole.")
        }
    }

    public enum HeldKind: String, BodyWord {
        case attribute, tag, consent
        public static let summary = "Whether it is an attribute, a tag or a consent."
    }

    public struct FieldChange: Body {
        public var kind = HeldKind.attribute
        public var discriminator = ""
        public var name = ""
        public var from: JSONValue?
        public var to: JSONValue?
        public var consent: ConsentChange?
        public init() {}

        public static let summary = "How an attribute, a tag or a consent was changed."
        public static let members = Members<Self> {
            $0.required("kind", \.kind, "What it is.")
            $0.required(
                "discriminator", \.discriminator,
                "The attribute or the tag; of a consent the topic, or else the channel.",
                .discriminator("com.apsis1.attributes.firstname"))
            $0.required("name", \.name, "Its name for people.", .string(example: "First name"))
            $0.nullable(
                "from", \.from, "What the profile had; null: it had none. Of a consent its type.", attributeValue)
            $0.nullable(
                "to", \.to, "What it is since; null: it was cleared. Of a consent its type.", attributeValue)
            $0.optional(
                "consent", \.consent, "Of a consent: all of it, with topic, channel, source and reason.",
                isInExample: false)
        }
    }
}

// MARK: - Bodies that are maps

extension Bodies.MapBody {
    public static var members: Members<Self> { Members { _ in } }
    public var json: JSONValue { values.json }

    public init(json: JSONValue, at pointer: String) throws(OvationCore.Problem) {
        self.init()
        values = try BodyMap(json: json, at: pointer)
    }

    public static var definition: Schema {
        var schema = Schema.map(of: valueSchema, example: example)
        schema.add("description", .string(summary))
        return schema
    }

    public static func completed(_ json: JSONValue) -> JSONValue { json }
}

public import OvationCore

// An export of profiles, as it crosses the wire.

extension Bodies {
    public enum ProfileState: String, BodyWord {
        case open, locked
        public static let summary = "Whether a profile takes data. A locked one takes none, and shows none."
    }

    /// A line of an export. The server writes it without this body; a test compares both.
    public struct ExportedProfile: Body {
        public var profileID = ""
        public var keys: [ProfileKey] = []
        public var createdAt = Timestamp(milliseconds: 0)
        public var state = ProfileState.open
        public var attributes = BodyMap<JSONValue>()
        public var tags: [String] = []
        public var consents: [Consent] = []
        public var optOuts: [OptOut] = []
        public var setAt: BodyMap<Timestamp>?
        public var cursor = ""
        public init() {}

        public static let summary = "A line of an export of profiles: a profile with what it holds in the section."
        public static let members = Members<Self> {
            $0.required("profile_id", \.profileID, "An id that does not show the keys.", Profile.idSchema)
            $0.required("keys", \.keys, "The keys that the API key may read, that of the canonical member first.")
            $0.required("created_at", \.createdAt, "When its canonical member was made.")
            $0.required("state", \.state, "Whether it takes data.")
            $0.required(
                "attributes", \.attributes, "Values, by the discriminators of the attributes.",
                .map(
                    of: attributeValue,
                    example: .object([.init("com.apsis1.attributes.firstname", "Steve")])))
            $0.required(
                "tags", \.tags, "Discriminators of the tags that it has.", .array(of: tagSchema))
            $0.required("consents", \.consents, "By topic and channel.")
            $0.required("opt_outs", \.optOuts, "Opt-outs of the whole section and of the account, above the consents.")
            $0.optional(
                "set_at", \.setAt, "With 'set_at=true': when each value and tag was set, by discriminator.",
                .map(
                    of: Timestamp.schema,
                    example: .object([.init("com.apsis1.attributes.firstname", Timestamp.schema.example)])),
                isInExample: false)
            $0.required("cursor", \.cursor, "An export with this 'after' goes on behind this line.", cursorSchema)
        }

        static let cursorSchema = Schema.string(
            pattern: "^p[0-9a-z]{1,13}-[0-9a-f]{16}$", example: "p3k-0123456789abcdef")
    }

    /// The last line of an export of profiles that was asked for a summary.
    public struct ProfileExportEnd: Body {
        public var summary: ProfileExportSummary?
        public init() {}

        public static let summary = "The end of an export of profiles."
        public static let members = Members<Self> {
            $0.optional("summary", \.summary, "What the export has.")
        }
    }

    public struct ProfileExportSummary: Body {
        public var profiles: Int64 = 0
        public var leftOut: Int64 = 0
        public init() {}

        public static let summary = "What an export of profiles has."
        public static let members = Members<Self> {
            $0.required("profiles", \.profiles, "How many lines.", .count())
            $0.required("left_out", \.leftOut, "Profiles without a key that the API key may read.", .count(0))
        }
    }
}

/// Where an export of profiles goes on. Opaque to clients: it begins with the change at which the export began, and ends with
/// the place of a line.
public struct ProfileExportCursor: Equatable, Sendable {
    public let after: ProfileID
    /// See ``ProfileExportRange/since``.
    public let since: Int64

    public init(after: ProfileID, since: Int64) {
        self.after = after
        self.since = since
    }

    /// "p" for profiles: a cursor of another list can then be told apart and refused.
    public var text: String { ProfileExportCursor.start(since: since) + after.hex }

    /// What the cursors of an export have in common; 16 hexadecimal digits follow.
    public static func start(since: Int64) -> String { "p" + String(since, radix: 36) + "-" }

    public init(parsing text: String) throws(Problem) {
        let parts = text.dropFirst().split(separator: "-", omittingEmptySubsequences: false)
        guard text.first == "p", parts.count == 2, let since = Int64(parts[0], radix: 36), since >= 0,
            parts[1].utf8.count == 16, let word = UInt64(parts[1], radix: 16)
        else {
            throw Problem(.invalidCursor, "The cursor is not one that this server gave; start again without it.")
        }
        self.init(after: ProfileID(Int64(bitPattern: word)), since: since)
    }
}

// Bodies that only clients know.

extension Bodies {
    /// Where an endpoint reads no body, or answers with none.
    public struct Empty: Body {
        public init() {}

        public static let summary = "Nothing."
        public static let members = Members<Self> { _ in }
    }

    /// Events as a person wrote them, in the body of a post or of a replay. They are sent unread: the server says what is
    /// wrong with them, and where.
    public struct UnreadEvents: Body {
        public var items: JSONValue?
        public var profileKey: String?
        public init() {}

        public static let summary = "Events that the server has to check."
        public static let members = Members<Self> {
            $0.optional("items", \.items, "The events.")
            $0.optional("profile_key", \.profileKey, "Of a replay: another key.")
        }
    }

    /// A post of events as a person wrote it: the server says what is wrong with it.
    public struct UnreadPost: Body {
        public var items: JSONValue?
        public init() {}

        public static let summary = "A post that the server has to check."
        public static let members = Members<Self> { $0.optional("items", \.items, "The events.") }
    }

    /// A list as it came.
    public struct UnreadItems: Body {
        public var items: [JSONValue] = []
        public init() {}

        public static let summary = "Items of any kind."
        public static let members = Members<Self> { $0.required("items", \.items, "As they came.") }
    }
}

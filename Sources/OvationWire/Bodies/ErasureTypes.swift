public import OvationCore

// Receipts of deleted profiles, as they cross the wire.

extension Bodies {
    public struct Removed: Body {
        public var events: Int64 = 0
        public var attributes: Int64 = 0
        public var tags: Int64 = 0
        public var consents: Int64 = 0
        public var changes: Int64 = 0
        public var refusedPosts: Int64 = 0
        public init() {}

        public static let summary = "How much was removed of a deleted profile so far, by kind."
        public static let members = Members<Self> {
            $0.required("events", \.events, "Events.", .count(17))
            $0.required(
                "attributes", \.attributes, "Attributes that the profile had, in all sections.",
                .count(3))
            $0.required(
                "tags", \.tags, "Tags that the profile had, in all sections.", .count(1))
            $0.required(
                "consents", \.consents,
                "Consents, subscriptions and opt-outs that the profile had, in all sections and of the account.",
                .count(2))
            $0.required(
                "changes", \.changes, "Entries of its history: what was set and cleared.", .count(2))
            $0.required(
                "refused_posts", \.refusedPosts, "Refused posts that were kept of it.", .count(0))
        }
    }

    public struct Erasure: Body {
        public var erasureID = ""
        public var requestedAt = Timestamp(milliseconds: 0)
        public var requestedBy = ""
        public var completedAt: Timestamp?
        public var removed = Removed()
        public init() {}

        public static let summary = "The receipt of a deleted profile."
        public static let idSchema = Schema.string(
            pattern: "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
            example: "8e03978e-40d5-43e8-bc93-6894a57f9324")
        public static let members = Members<Self> {
            $0.required("erasure_id", \.erasureID, "Its id; chance gave it.", idSchema)
            $0.required("requested_at", \.requestedAt, "When the profile was deleted. No call finds it since.")
            $0.required(
                "requested_by", \.requestedBy, "The API key that asked for it.",
                .string(example: "752cdd05-75e0-4f8a-bd08-62e3df753ff3"))
            $0.nullable(
                "completed_at", \.completedAt,
                "When nothing was left of it in the store; null: the store still removes.")
            $0.required("removed", \.removed, "How much was removed so far.")
        }
    }

    public struct Erasures: ListBody {
        public var items: [Erasure] = []
        public var nextCursor: String?
        public init() {}

        public static let summary = "A page of receipts of deleted profiles."
        public static let members = Members<Self> {
            $0.required(
                "items", \.items, "The newest first.", .array(of: Erasure.schema, max: Limits.erasuresPageMax))
            $0.nullable(
                "next_cursor", \.nextCursor, "The 'cursor' of the next page; null: this was the last one.",
                .string(example: "d7k2q"))
        }
    }
}

extension Bodies.Erasure {
    public init(_ erasure: OvationCore.Erasure) {
        self.init()
        erasureID = erasure.id.text
        requestedAt = erasure.requestedAt
        requestedBy = erasure.actor
        completedAt = erasure.completedAt
        removed.events = erasure.counts.events
        removed.attributes = erasure.counts.values
        removed.tags = erasure.counts.tags
        removed.consents = erasure.counts.consents
        removed.changes = erasure.counts.changes
        removed.refusedPosts = erasure.counts.rejections
    }
}

/// Opaque to clients: the erasure after which the next page begins.
public enum ErasureCursor {
    public static func write(_ position: Int64) -> String {
        // "d" for deleted profiles: a cursor of another list can then be told apart and refused.
        "d" + String(position, radix: 36)
    }

    public static func parse(_ text: String) throws(Problem) -> Int64 {
        guard text.first == "d", let position = Int64(text.dropFirst(), radix: 36), position > 0 else {
            throw Problem(.invalidCursor, "The cursor is not one that this server gave; start again without it.")
        }
        return position
    }
}

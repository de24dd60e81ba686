public import OvationCore

// Suppressions of addresses, as they cross the wire.

extension Bodies {
    public struct SuppressionRequest: Body {
        public var reason = ""
        public var source: String?
        public init() {}

        public static let summary = "Why an address takes nothing."
        public static let members = Members<Self> {
            $0.required("reason", \.reason, "Why; it can be empty.", consentReasonSchema)
            $0.optional("source", \.source, "What asks for it; by default 'One API'.", consentSourceSchema)
        }
    }

    public struct Suppression: Body {
        public var address = ""
        public var channelDiscriminator = ""
        public var source = ""
        public var reason = ""
        public var modifiedAt = Timestamp(milliseconds: 0)
        public var modifiedBy = ""
        public init() {}

        public static let summary = "A block on an address: nothing is sent to it by this channel."
        public static let members = Members<Self> {
            $0.required("address", \.address, "The address, as you wrote it.", .string(example: "steve@apsis.com"))
            $0.required(
                "channel_discriminator", \.channelDiscriminator, "The channel.",
                .discriminator("com.apsis1.channels.email"))
            $0.required("source", \.source, "What asked for it.", consentSourceSchema)
            $0.required("reason", \.reason, "Why.", consentReasonSchema)
            $0.required("modified_at", \.modifiedAt, "When it was set.")
            $0.required("modified_by", \.modifiedBy, "The API key that set it.", actorSchema)
        }
    }

    static let addressHashExample = "9c56cc51b374c3ba189210d5b6d4bf57790d351c96c47c02190ecf1e430635ab"
    private static let addressHashSchema = Schema.string(pattern: "^[0-9a-f]{64}$", example: addressHashExample)

    public struct SuppressedAddress: Body {
        public var addressHash = ""
        public var channelDiscriminator = ""
        public var source = ""
        public var reason = ""
        public var modifiedAt = Timestamp(milliseconds: 0)
        public var modifiedBy = ""
        public init() {}

        public static let summary =
            "A suppression as a list has it: without the address, which the store does not know."
        public static let members = Members<Self> {
            $0.required(
                "address_hash", \.addressHash, "A hash of the address, under the server's secret.", addressHashSchema)
            $0.required(
                "channel_discriminator", \.channelDiscriminator, "The channel.",
                .discriminator("com.apsis1.channels.email"))
            $0.required("source", \.source, "What asked for it.", consentSourceSchema)
            $0.required("reason", \.reason, "Why.", consentReasonSchema)
            $0.required("modified_at", \.modifiedAt, "When it was set.")
            $0.required("modified_by", \.modifiedBy, "The API key that set it.", actorSchema)
        }
    }

    public struct Suppressions: ListBody {
        public var items: [SuppressedAddress] = []
        public var nextCursor: String?
        public init() {}

        public static let summary = "A page of the suppressed addresses of a channel."
        public static let members = Members<Self> {
            $0.required(
                "items", \.items, "By the hash.",
                .array(of: SuppressedAddress.schema, max: Limits.suppressionsPageMax))
            $0.nullable(
                "next_cursor", \.nextCursor, "The 'cursor' of the next page; null: this was the last one.",
                .string(example: "s" + addressHashExample))
        }
    }

    public struct SuppressionChange: Body {
        public var isSuppressed = false
        public var source = ""
        public var reason = ""
        public var changedAt = Timestamp(milliseconds: 0)
        public var changedBy = ""
        public init() {}

        public static let summary = "That an address was suppressed, or that this was lifted."
        public static let members = Members<Self> {
            $0.required("suppressed", \.isSuppressed, "Whether the address was suppressed from then on.")
            $0.required("source", \.source, "What asked for it.", consentSourceSchema)
            $0.required("reason", \.reason, "Why; it can be empty.", consentReasonSchema)
            $0.required("changed_at", \.changedAt, "When.")
            $0.required("changed_by", \.changedBy, "The API key that asked for it.", actorSchema)
        }
    }

    public struct SuppressionChanges: ListBody {
        public var items: [SuppressionChange] = []
        public var nextCursor: String?
        public init() {}

        public static let summary = "A page of when an address was suppressed, and when that was lifted."
        public static let members = Members<Self> {
            $0.required("items", \.items, "The newest first.")
            $0.nullable(
                "next_cursor", \.nextCursor, "The 'cursor' of the next page; null: this was the last one.",
                .string(example: "c7k2q"))
        }
    }
}

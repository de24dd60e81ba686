public import OvationCore

extension Bodies {
    public struct RejectionCause: Body {
        public var cause = ""
        public var subject = CauseSubject()
        public var clientID = ""
        public var rejectionCount: Int64 = 0
        public var eventCount: Int64 = 0
        public var firstReceivedAt = Timestamp(milliseconds: 0)
        public var lastReceivedAt = Timestamp(milliseconds: 0)
        public var exampleID = ""
        public init() {}

        public static let summary = "What open rejections have in common, and how many they are."
        public static let members = Members<Self> {
            $0.required("cause", \.cause, "Its id, the same for the same cause at any time.", idSchema)
            $0.all(of: \.subject)
            $0.required(
                "client_id", \.clientID, "The API key that posted.",
                .string(example: "752cdd05-75e0-4f8a-bd08-62e3df753ff3"))
            $0.required("rejection_count", \.rejectionCount, "Open rejections.", .count())
            $0.required("event_count", \.eventCount, "Events in them, as far as their bodies could be read.", .count())
            $0.required("first_received_at", \.firstReceivedAt, "When the oldest of them arrived.")
            $0.required("last_received_at", \.lastReceivedAt, "When the newest of them arrived.")
            $0.required("example_id", \.exampleID, "The newest of them.", .id("17"))
        }

        static let idSchema = Schema.string(pattern: "^[0-9a-f]{32}$", example: "0123456789abcdef0123456789abcdef")
    }

    /// What a cause has in common with a failure of its replay.
    public struct CauseSubject: Body {
        public var sectionDiscriminator = ""
        public var code = ""
        public var itemCode: String?
        public var eventDiscriminator: String?
        public var pointer = ""
        public init() {}

        public static let summary = "Where posts were refused, and why."
        public static let members = Members<Self> {
            $0.required(
                "section_discriminator", \.sectionDiscriminator, "The section they were posted to.",
                .discriminator("com.apsis1.sections.default"))
            $0.required("code", \.code, "Why, of the answer as a whole.", ProblemCode.schema)
            $0.nullable(
                "item_code", \.itemCode, "Why, of its first error; null: it has none.",
                ProblemCode.schema.with(example: "wrong_type"))
            $0.nullable(
                "event_discriminator", \.eventDiscriminator,
                "The event type that the error is about; null where that is not known.", eventTypeSchema)
            $0.required(
                "pointer", \.pointer,
                "Where in the body, with * for the position of the item; cut where it is long.",
                .string(example: "/items/*/data/cups"))
        }
    }

    public struct RejectionCauses: ListBody {
        public var items: [RejectionCause] = []
        public var causesOmitted: Int64 = 0
        public var rejectionCount: Int64 = 0
        public init() {}

        public static let summary = "Open rejections by their cause."
        public static let members = Members<Self> {
            $0.required(
                "items", \.items, "Those with the most rejections first.",
                .array(of: RejectionCause.schema, max: Limits.rejectionCausesMax))
            $0.required(
                "causes_omitted", \.causesOmitted,
                "Causes that are not listed: those with the fewest rejections.", .count(0))
            $0.required("rejection_count", \.rejectionCount, "Open rejections of all of them.", .count())
        }
    }

    public struct ReplayReport: Body {
        public var passed: Int64 = 0
        public var passedEventCount: Int64 = 0
        public var failed: Int64 = 0
        public var alreadyReplayed: Int64 = 0
        public var failures: [ReplayFailure] = []
        public var failuresOmitted: Int64 = 0
        public var remaining: Int64 = 0
        public var through = ""
        public var nextAfter: String?
        public init() {}

        public static let summary = "The result of replaying some rejections of one cause, or of checking them."
        public static let members = Members<Self> {
            $0.required(
                "passed", \.passed, "Rejections that passed; with validate-only, those that would.", .count())
            $0.required("passed_event_count", \.passedEventCount, "The events of those.", .count())
            $0.required("failed", \.failed, "Rejections that are refused again, and stay.", .count(1))
            $0.required(
                "already_replayed", \.alreadyReplayed,
                "Rejections that another caller replayed or dismissed at the same time.", .count(0))
            $0.required(
                "failures", \.failures, "Why some are refused again, the most frequent first.",
                .array(of: ReplayFailure.schema, max: Limits.replayFailuresMax))
            $0.required(
                "failures_omitted", \.failuresOmitted, "Rejections that failed for reasons that are not listed.",
                .count(0))
            $0.required("remaining", \.remaining, "Open ones that come after these.", .count(1))
            $0.required("through", \.through, "The last one that is looked at; 0: there are none.", .id("17"))
            $0.nullable("next_after", \.nextAfter, "Goes on with 'after'; null: all are done.", .id("16"))
        }
    }

    public struct ReplayFailure: Body {
        public var subject = CauseSubject()
        public var count: Int64 = 0
        public var exampleID = ""
        public init() {}

        public static let summary = "Why rejections are refused again."
        public static let members = Members<Self> {
            $0.all(of: \.subject)
            $0.required("count", \.count, "How many rejections.", .count(1))
            $0.required("example_id", \.exampleID, "The first of them.", .id("15"))
        }
    }

    public struct Dismissed: Body {
        public var dismissed: Int64 = 0
        public var remaining: Int64 = 0
        public var through: String?
        public init() {}

        public static let summary = "How many rejections of one cause were deleted."
        public static let members = Members<Self> {
            $0.required("dismissed", \.dismissed, "How many were deleted.", .count())
            $0.required(
                "remaining", \.remaining,
                "Open ones that are left: repeat the call with this 'through' until it is 0.", .count(0))
            $0.nullable("through", \.through, "The last one that is looked at; null: there are none.", .id("17"))
        }
    }
}

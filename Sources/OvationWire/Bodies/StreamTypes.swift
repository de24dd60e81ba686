// The lines of answers that go on while the work does. They are no bodies of their own: the OpenAPI document knows such an
// answer as a file.

extension Bodies {
    /// A line of the answer to a bulk upload.
    public struct BulkProgress: Body {
        public var counts = BulkCounts()
        public var errors: [ItemError]?
        public var errorsOmitted: Int64?
        public var done: Bool?
        public var problem: Problem?
        public init() {}

        public static let summary = "How far a bulk upload is."
        public static let members = Members<Self> {
            $0.optional("done", \.done, "True in the last line of an upload that went to its end.")
            $0.all(of: \.counts)
            $0.optional("errors", \.errors, "Why lines were refused, since the line before.")
            $0.optional("errors_omitted", \.errorsOmitted, "How many more reasons there are.", .count())
            $0.optional("problem", \.problem, "Why the upload ended early; then this is the last line.")
        }
    }

    /// The last line of an export that was asked for a summary.
    public struct ExportEnd: Body {
        public var summary: ExportSummary?
        public init() {}

        public static let summary = "The end of an export."
        public static let members = Members<Self> {
            $0.optional("summary", \.summary, "What the export has.")
        }
    }

    public struct ExportSummary: Body {
        public var events: Int64 = 0
        public var changes: Int64?
        public var leftOut: Int64 = 0
        public var lastEventID = "0"
        public var account: String?
        public init() {}

        public static let summary = "What an export has."
        public static let members = Members<Self> {
            $0.required("events", \.events, "How many events.", .count())
            $0.optional(
                "changes", \.changes, "How many changes of profiles, where they were asked for.", .count(),
                isInExample: false)
            $0.required("left_out", \.leftOut, "Events and changes that the API key may not read.", .count(0))
            $0.required(
                "last_event_id", \.lastEventID, "The newest event or change that was looked at; 0: there is none.",
                .id("17"))
            $0.optional(
                "account", \.account, "Of which account it is: a text that all its API keys have in common.",
                .string(example: "8d1f0a6be2c94753"))
        }
    }
}

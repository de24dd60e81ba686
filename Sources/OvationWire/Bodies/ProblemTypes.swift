import OvationCore

extension Bodies {
    public struct Problem: Body {
        public var title = ""
        public var status: Int64 = 0
        public var detail = ""
        public var code = ""
        public var requestID = ""
        public var errors: [ItemError]?
        public var errorsOmitted: Int64?
        public var linesDone: Int64?
        public var error: String?
        public var errorDescription: String?
        public init() {}

        public static let summary = "Why a request was refused (RFC 9457)."
        public static let members = Members<Self> {
            $0.required("title", \.title, "The status in words.", .string(example: "Bad request"))
            $0.required("status", \.status, "The HTTP status.", .integer(min: 400, max: 599, example: 400))
            $0.required(
                "detail", \.detail, "A sentence for the person who reads it. It may be reworded at any time.",
                .string(example: "The event was refused, and nothing was stored; 'errors' says why."))
            $0.required("code", \.code, "The word that programs compare.", ProblemCode.schema)
            $0.required(
                "request_id", \.requestID, "Names the request, also in X-Request-Id and in the server's log.",
                .string(example: "1zevgzeysrh17-a"))
            $0.optional("errors", \.errors, "Every single thing that is wrong, up to 100 of them.")
            $0.optional(
                "errors_omitted", \.errorsOmitted, "How many more there are.", .count(), isInExample: false)
            $0.optional(
                "lines_done", \.linesDone,
                "Of a bulk upload that ended early: lines, from the first on, that are dealt with.", .count(),
                isInExample: false)
            $0.optional(
                "error", \.error, "Of POST /oauth/token: the error in the words of RFC 6749.",
                .string(example: "invalid_client"), isInExample: false)
            $0.optional(
                "error_description", \.errorDescription, "Of POST /oauth/token: the detail in ASCII.",
                .string(example: "The client id or the client secret is wrong."), isInExample: false)
        }
    }

    public struct ItemError: Body {
        public var line: Int64?
        public var index: Int64?
        public var pointer = ""
        public var code = ""
        public var detail = ""
        public init() {}

        public static let summary = "One thing that is wrong with a body."
        public static let members = Members<Self> {
            $0.optional(
                "line", \.line, "Of a bulk upload: the line, counted from 1; the pointer leads into it.",
                .integer(min: 1, example: 1), isInExample: false)
            $0.optional("index", \.index, "Position in 'items', where the body has items.", .count(0))
            $0.required(
                "pointer", \.pointer, "JSON pointer (RFC 6901) into the body.",
                .string(example: "/items/0/data/cups"))
            $0.required("code", \.code, "Why.", ProblemCode.schema.with(example: "wrong_type"))
            $0.required(
                "detail", \.detail, "Why, for a person.", .string(example: "Expected integer, found string."))
        }
    }
}

/// `GET /console/docs/{operation}`: a form that sends a request to one endpoint. Posted to the same address, which shows it
/// again with the answer.
public struct TryPage: ConsolePage {
    public static let template = "try"
    public var title: String { "Try ‘\(summary)’" }

    /// What the request has beside its body.
    public struct Field: Sendable, Equatable {
        /// Id and name of its control.
        public let id: String
        public let name: String
        /// Where it goes: `in the path`.
        public let place: String
        public let hint: String
        public let value: String
        public let isRequired: Bool
        /// Whether it may be given several times, one a line.
        public let isRepeatable: Bool
        /// Empty where any text may be given.
        public let choices: [Choice]
        let error: String?

        public init(
            id: String, name: String, place: String, hint: String, value: String, isRequired: Bool,
            isRepeatable: Bool = false, choices: [Choice] = []
        ) {
            self.init(
                id: id, name: name, place: place, hint: hint, value: value, isRequired: isRequired,
                isRepeatable: isRepeatable, choices: choices, error: nil)
        }

        private init(
            id: String, name: String, place: String, hint: String, value: String, isRequired: Bool,
            isRepeatable: Bool, choices: [Choice], error: String?
        ) {
            self.id = id
            self.name = name
            self.place = place
            self.hint = hint
            self.value = value
            self.isRequired = isRequired
            self.isRepeatable = isRepeatable
            self.choices = choices
            self.error = error
        }

        fileprivate func with(_ errors: [FormError]) -> Field {
            Field(
                id: id, name: name, place: place, hint: hint, value: value, isRequired: isRequired,
                isRepeatable: isRepeatable, choices: choices, error: errors.message(for: id))
        }
    }

    public struct Body: Sendable, Equatable {
        public let description: String
        /// Media type.
        public let type: String
        public let value: String

        public init(description: String, type: String, value: String) {
            self.description = description
            self.type = type
            self.value = value
        }
    }

    public struct Answer: Sendable, Equatable {
        /// Number and words: `204 No Content`.
        public let status: String
        public let isRefusal: Bool
        /// A line each.
        public let headers: String
        /// Empty where there is none.
        public let body: String
        /// What is left out of the body.
        let note: String?

        /// - Parameter cutAfter: how many bytes of the body are shown; nil for all.
        public init(status: String, isRefusal: Bool, headers: String, body: String, cutAfter: Int?) {
            self.status = status
            self.isRefusal = isRefusal
            self.headers = headers
            self.body = body
            note = cutAfter.map { "Only the first \($0.grouped) bytes are shown." }
        }
    }

    /// Why there is no form.
    public enum Obstacle: String, Sendable {
        case masked, endless
    }

    public let operation: String
    public let summary: String
    public let description: String
    public let method: String
    public let path: String
    public let fields: [Field]
    /// nil where the endpoint reads none.
    public let body: Body?
    public let answer: Answer?
    /// Whether a question comes first.
    public let asks: Bool
    public let errors: [FormError]
    let errorLines: [ErrorLine]
    let action: String
    let isMasked: Bool
    let isEndless: Bool
    let hasForm: Bool

    public init(
        operation: String, summary: String, description: String, method: String, path: String, fields: [Field],
        body: Body?, answer: Answer? = nil, asks: Bool, obstacle: Obstacle? = nil, errors: [FormError] = []
    ) {
        self.operation = operation
        self.summary = summary
        self.description = description
        self.method = method
        self.path = path
        self.fields = fields.map { $0.with(errors) }
        self.body = body
        self.answer = answer
        self.asks = asks
        self.errors = errors
        errorLines = errors.lines()
        action = "/console/docs/\(operation)"
        isMasked = obstacle == .masked
        isEndless = obstacle == .endless
        hasForm = obstacle == nil
    }
}

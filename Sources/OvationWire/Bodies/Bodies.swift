public import OvationCore

/// What crosses the wire, one type a body.
public enum Bodies {}

// The words that bodies use, each a class of its own in generated clients.

extension KeyFormat: BodyWord {
    public static let summary = "What a profile key looks like, and how it is brought into one form."
}

extension EventCategory: BodyWord {
    public static let schemaName = "Category"
    public static let summary = "What kind of act an event is."
}

extension FieldType: BodyWord {
    public static let summary = "The type of a field of an event's data, or of an attribute's values."

    public init(json: JSONValue, at pointer: String) throws(Problem) {
        guard let text = json.string else { throw json.unexpected("a string", at: pointer) }
        guard let type = FieldType(rawValue: text) else {
            throw ObjectReader.refused(
                pointer, .invalidValue, "A field's type is 'string', 'integer', 'double' or 'boolean'.")
        }
        self = type
    }
}

extension RenderHint: BodyWord {
    public static let summary = "What the values of an attribute mean beyond their type."
}

extension APIKey.Role: BodyWord {
    public static let summary =
        "What an API key may do: an integration reads and writes events, an admin does everything."
}

extension APIKey.Access: BodyWord {
    public static let summary = "What an API key may do in a keyspace."

    public init(json: JSONValue, at pointer: String) throws(Problem) {
        guard let access = json.string.flatMap(APIKey.Access.init) else {
            throw ObjectReader.refused(pointer, .invalidValue, "Access to a keyspace is 'read' or 'read_write'.")
        }
        self = access
    }
}

extension RejectionFilter.State: BodyWord {
    public static let schemaName = "RejectionState"
    public static let summary = "Whether a refused post was replayed."
}

extension Bodies {
    /// What became of a post.
    public enum PostOutcome: String, BodyWord {
        case accepted, refused, duplicate
        public static let summary =
            "The outcome of a post; a duplicate repeats an earlier one with its Idempotency-Key."
    }

    /// How a profile was found.
    public enum Match: String, BodyWord {
        case exact, prefix
        public static let summary = "Whether the profile has exactly this key or value, or one that begins with it."
    }

    public enum PlanAction: String, BodyWord {
        case create, change, publish
        case addVersion = "add_version"
        public static let summary = "What applying a model does to a definition."
    }

    /// A word that says why something was refused. An answer may have one that is not listed here.
    public enum ProblemCode: NamedSchema {
        public static var definition: Schema {
            Schema(
                [
                    "type": "string",
                    "description":
                        "Why a request or a part of it was refused. A code never changes its meaning; new ones may come.",
                    "enum": .array(OvationCore.Problem.Code.allCases.map { .string($0.rawValue) }),
                ], example: .string(OvationCore.Problem.Code.validationFailed.rawValue))
        }

        /// The codes of today, and room for those to come: a client that took the list for complete would break.
        static var schema: Schema { .any(of: .reference(ProblemCode.self), .string()) }
    }
}

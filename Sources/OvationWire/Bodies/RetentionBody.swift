public import OvationCore

extension Retention: BodyValue {
    public init(json: JSONValue, at pointer: String) throws(Problem) {
        guard case .string(let text) = json, let retention = Retention(text) else {
            throw ObjectReader.refused(
                pointer, .invalidValue,
                "A retention is a number of days or years, such as P90D or P2Y, of \(Limits.retentionYearsMax) years at most."
            )
        }
        self = retention
    }

    public static var schema: Schema { .string(example: "P2Y") }
    public var json: JSONValue { .string(text) }
}

extension Bodies {
    /// A retention to set; an empty text takes it away.
    public struct GivenRetention: BodyValue {
        public var value: Retention?

        public init(_ value: Retention?) { self.value = value }

        public init(json: JSONValue, at pointer: String) throws(OvationCore.Problem) {
            value = json.string == "" ? nil : try Retention(json: json, at: pointer)
        }

        public static var schema: Schema { .string(example: "P2Y") }
        public var json: JSONValue { .string(value?.text ?? "") }
    }
}

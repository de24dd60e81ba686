import OvationCore

/// A JSON schema as OpenAPI 3.1 has them, with an example of what it describes.
public struct Schema: Sendable {
    /// In the order in which a person reads them.
    public var keywords: [JSONValue.Member]
    public var example: JSONValue
    /// The schemas that this one refers to by their names.
    public var parts: [any NamedSchema.Type]

    public init(
        _ keywords: KeyValuePairs<String, JSONValue>, example: JSONValue, parts: [any NamedSchema.Type] = []
    ) {
        self.keywords = keywords.map { JSONValue.Member($0.key, $0.value) }
        self.example = example
        self.parts = parts
    }

    public var json: JSONValue { .object(keywords) }
}

/// A schema with a name of its own among the components of the document, and a class of its own in a generated client.
public protocol NamedSchema: Sendable {
    static var schemaName: String { get }
    static var definition: Schema { get }
}

extension NamedSchema {
    /// `String(describing:)` says the same. It first looks through all conformances of the program for each type, whether the type
    /// describes itself: together some 50 ms at each start of the server.
    public static var schemaName: String { _typeName(Self.self, qualified: false) }
}

// MARK: - Making

extension Schema {
    static func reference(_ part: any NamedSchema.Type) -> Schema {
        Schema(
            ["$ref": .string("#/components/schemas/\(part.schemaName)")], example: part.definition.example,
            parts: [part])
    }

    static func string(
        min: Int? = nil, max: Int? = nil, pattern: String? = nil, format: String? = nil, example: String = "text"
    ) -> Schema {
        var schema = Schema(["type": "string"], example: .string(example))
        schema.add("format", format.map { .string($0) })
        schema.add("minLength", min.map { JSONValue($0) })
        schema.add("maxLength", max.map { JSONValue($0) })
        schema.add("pattern", pattern.map { .string($0) })
        return schema
    }

    static func integer(min: Int64? = nil, max: Int64? = nil, example: Int64) -> Schema {
        var schema = Schema(["type": "integer"], example: JSONValue(example))
        schema.add("minimum", min.map { JSONValue($0) })
        schema.add("maximum", max.map { JSONValue($0) })
        return schema
    }

    /// A count of something.
    static func count(_ example: Int64 = 3) -> Schema { integer(min: 0, example: example) }

    static func words(_ words: String...) -> Schema {
        Schema(["type": "string", "enum": .array(words.map { .string($0) })], example: .string(words[0]))
    }

    static func constant(_ word: String) -> Schema {
        Schema(["type": "string", "const": .string(word)], example: .string(word))
    }

    static func array(of element: Schema, min: Int? = nil, max: Int? = nil) -> Schema {
        var schema = Schema(
            ["type": "array", "items": element.json], example: .array([element.example]), parts: element.parts)
        schema.add("minItems", min.map { JSONValue($0) })
        schema.add("maxItems", max.map { JSONValue($0) })
        return schema
    }

    /// An object with members of any names.
    static func map(of element: Schema, example: JSONValue) -> Schema {
        Schema(
            ["type": "object", "additionalProperties": element.json], example: example, parts: element.parts)
    }

    static func any(of choices: Schema...) -> Schema {
        Schema(
            ["anyOf": .array(choices.map(\.json))], example: choices[0].example, parts: choices.flatMap(\.parts))
    }

    static let boolean = Schema(["type": "boolean"], example: .bool(true))

    static let dateTime = Schema(
        ["type": "string", "format": "date-time"], example: "2020-10-14T09:43:34.471Z")

    /// The id of an event, of a version or of a refused post: digits, as a text, since numbers lose some of them in
    /// JavaScript.
    static func id(_ example: String) -> Schema { string(example: example) }

    static func discriminator(_ example: String) -> Schema { string(example: example) }

    /// A discriminator that is about to be made.
    static func newDiscriminator(_ example: String) -> Schema {
        string(
            min: 3, max: 75, pattern: "^[a-zA-Z0-9][a-zA-Z0-9_-]*(\\.[a-zA-Z0-9_-]+)+$", example: example)
    }

    static func name(_ example: String) -> Schema { string(min: 1, max: Limits.nameLengthMax, example: example) }

    static let description = string(max: Limits.descriptionLengthMax, example: "A cup of coffee was sold.")

    static let versionID = any(
        of: string(pattern: "^[1-9][0-9]{0,14}$", example: "2565266"),
        integer(min: 1, max: Limits.versionIDMax, example: 2_565_266))
}

// MARK: - Changing

extension Schema {
    mutating func add(_ keyword: String, _ value: JSONValue?) {
        guard let value else { return }
        keywords.append(.init(keyword, value))
    }

    func described(_ text: String) -> Schema {
        var schema = self
        schema.keywords.removeAll { $0.name == "description" }
        schema.add("description", .string(text))
        return schema
    }

    func with(default value: JSONValue) -> Schema {
        var schema = self
        schema.add("default", value)
        return schema
    }

    func with(example: JSONValue) -> Schema {
        var schema = self
        schema.example = example
        return schema
    }

    /// The same, or null.
    var orNull: Schema {
        var schema = self
        if let index = schema.keywords.firstIndex(where: { $0.name == "type" }) {
            let type = schema.keywords[index].value
            schema.keywords[index] = .init("type", .array((type.array ?? [type]) + ["null"]))
        } else if let index = schema.keywords.firstIndex(where: { $0.name == "anyOf" }) {
            let choices = schema.keywords[index].value.array ?? []
            schema.keywords[index] = .init("anyOf", .array(choices + [.object([.init("type", "null")])]))
        } else {
            schema.keywords = [.init("anyOf", .array([json, .object([.init("type", "null")])]))]
        }
        return schema
    }
}

// Only so that examples and keywords can be written as what they are.
extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral {
    public init(stringLiteral text: String) { self = .string(text) }
    public init(integerLiteral number: Int64) { self = .number(String(number)) }
    public init(arrayLiteral values: JSONValue...) { self = .array(values) }
}

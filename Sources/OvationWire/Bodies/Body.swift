public import OvationCore

/// Anything that stands in a body: a text, a number, a list, a body of its own.
public protocol BodyValue: Sendable {
    /// What the description of the API says of it.
    static var schema: Schema { get }
    var json: JSONValue { get }
    /// - Parameter pointer: where in the body it stands.
    init(json: JSONValue, at pointer: String) throws(Problem)
    /// What a server of another version sent, with what it leaves out: see ``Body/init(received:)``.
    static func completed(_ json: JSONValue) -> JSONValue
}

/// A body, or a part of one: an object with members of given names. Each member is said once, in `members`; from there
/// come what is written, what is read, and what the description of the API says. A member that is renamed is renamed in
/// all three, and a server, a console or a client that goes by the old name does not compile.
public protocol Body: BodyValue, NamedSchema {
    /// All empty: to be filled in.
    init()
    static var members: Members<Self> { get }
    /// What it is, in a sentence.
    static var summary: String { get }
    /// Whether a member of another name is refused. That is for bodies in which a misspelt member would do harm unseen.
    static var isStrict: Bool { get }
}

extension Body {
    public static var schema: Schema { .reference(Self.self) }
    public static var isStrict: Bool { false }

    public var json: JSONValue {
        .object(Self.members.list.compactMap { member in member.write(self).map { .init(member.name, $0) } })
    }

    /// Members of other names are passed over, so that older clients can read newer servers; a strict body refuses them.
    public init(json: JSONValue, at pointer: String) throws(Problem) {
        let reader = try ObjectReader(json, at: pointer)
        if Self.isStrict { try reader.allow(only: Self.members.list.map(\.name)) }
        self.init()
        for member in Self.members.list { try member.read(&self, reader) }
    }

    public init(json: JSONValue) throws(Problem) { try self.init(json: json, at: "") }

    public static var definition: Schema {
        let members = Self.members.list
        let required = members.filter(\.isRequired).map { JSONValue.string($0.name) }
        var schema = Schema(
            ["type": "object", "description": .string(summary)],
            // One of each member, but for those that exclude others.
            example: .object(members.filter(\.isInExample).map { .init($0.name, $0.schema.example) }),
            parts: members.flatMap(\.schema.parts))
        schema.add("required", required.isEmpty ? nil : .array(required))
        schema.add("properties", .object(members.map { .init($0.name, $0.schema.json) }))
        return schema
    }
}

/// The members of a body, in the order in which they are written.
///
/// The functions below are called once for each member of each body. The compiler would make a version of them for each,
/// which is a megabyte of the program; the attribute keeps it from that.
public struct Members<Owner: Sendable>: Sendable {
    struct Member: Sendable {
        let name: String
        let schema: Schema
        let isRequired: Bool
        var isInExample = true
        let complete: @Sendable (JSONValue) -> JSONValue
        let read: @Sendable (inout Owner, ObjectReader) throws(Problem) -> Void
        /// nil: it is left out.
        let write: @Sendable (Owner) -> JSONValue?
    }

    var list: [Member] = []

    init(_ build: (inout Members) -> Void) { build(&self) }

    /// Always there.
    @_semantics("optimize.sil.specialize.generic.never")
    mutating func required<Value: BodyValue>(
        _ name: String, _ path: any WritableKeyPath<Owner, Value> & Sendable, _ description: String,
        _ schema: Schema = Value.schema
    ) {
        list.append(
            Member(
                name: name, schema: schema.described(description), isRequired: true,
                complete: Value.completed,
                read: { owner, reader throws(Problem) in
                    let json = try reader.required(name, reader.value(name))
                    owner[keyPath: path] = try Value(json: json, at: reader.path(name))
                }, write: { $0[keyPath: path].json }))
    }

    /// Left out where there is none.
    @_semantics("optimize.sil.specialize.generic.never")
    mutating func optional<Value: BodyValue>(
        _ name: String, _ path: any WritableKeyPath<Owner, Value?> & Sendable, _ description: String,
        _ schema: Schema = Value.schema, isInExample: Bool = true
    ) {
        list.append(
            Member(
                name: name, schema: schema.described(description), isRequired: false, isInExample: isInExample,
                complete: Value.completed,
                read: { owner, reader throws(Problem) in
                    owner[keyPath: path] = try reader.value(name).map { json throws(Problem) in
                        try Value(json: json, at: reader.path(name))
                    }
                }, write: { $0[keyPath: path]?.json }))
    }

    /// Always there, and null where there is none.
    @_semantics("optimize.sil.specialize.generic.never")
    mutating func nullable<Value: BodyValue>(
        _ name: String, _ path: any WritableKeyPath<Owner, Value?> & Sendable, _ description: String,
        _ schema: Schema = Value.schema
    ) {
        list.append(
            Member(
                name: name, schema: schema.orNull.described(description), isRequired: true,
                complete: Value.completed,
                read: { owner, reader throws(Problem) in
                    owner[keyPath: path] = try reader.value(name).map { json throws(Problem) in
                        try Value(json: json, at: reader.path(name))
                    }
                }, write: { $0[keyPath: path]?.json ?? .null }))
    }

    /// The members of another body, which stand in this one as if they were its own.
    @_semantics("optimize.sil.specialize.generic.never")
    mutating func all<Part: Body>(of path: any WritableKeyPath<Owner, Part> & Sendable) {
        for member in Part.members.list {
            list.append(
                Member(
                    name: member.name, schema: member.schema, isRequired: member.isRequired,
                    isInExample: member.isInExample, complete: member.complete,
                    read: { owner, reader throws(Problem) in try member.read(&owner[keyPath: path], reader) },
                    write: { member.write($0[keyPath: path]) }))
        }
    }
}

/// A list as every client of the original expects it: an object with `items`.
public protocol ListBody: Body {
    associatedtype Item: Body
    var items: [Item] { get set }
}

// MARK: - Values

extension String: BodyValue {
    public static var schema: Schema { .string() }
    public var json: JSONValue { .string(self) }

    public init(json: JSONValue, at pointer: String) throws(Problem) {
        guard let text = json.string else { throw json.unexpected("a string", at: pointer) }
        self = text
    }
}

extension Bool: BodyValue {
    public static var schema: Schema { .boolean }
    public var json: JSONValue { .bool(self) }

    public init(json: JSONValue, at pointer: String) throws(Problem) {
        guard let value = json.bool else { throw json.unexpected("true or false", at: pointer) }
        self = value
    }
}

extension Int64: BodyValue {
    public static var schema: Schema { .integer(example: 1) }
    public var json: JSONValue { JSONValue(self) }

    public init(json: JSONValue, at pointer: String) throws(Problem) {
        guard case .number(let text) = json, let value = Int64(text) else {
            throw json.unexpected("a whole number", at: pointer)
        }
        self = value
    }
}

extension Double: BodyValue {
    public static var schema: Schema { Schema(["type": "number"], example: .number("0.005")) }
    public var json: JSONValue { .number("\(self)") }

    public init(json: JSONValue, at pointer: String) throws(Problem) {
        guard case .number(let text) = json, let value = Double(text) else {
            throw json.unexpected("a number", at: pointer)
        }
        self = value
    }
}

extension Timestamp: BodyValue {
    public static var schema: Schema { .dateTime }
    public var json: JSONValue { .string(rfc3339) }

    public init(json: JSONValue, at pointer: String) throws(Problem) {
        guard let text = json.string else { throw json.unexpected("a string", at: pointer) }
        guard let time = Timestamp(rfc3339: text) else {
            throw ObjectReader.refused(
                pointer, .invalidTime,
                "\(JSONPointer.subject(pointer)) is a date and time such as 2021-01-07T12:17:56.054Z.")
        }
        self = time
    }
}

extension Array: BodyValue where Element: BodyValue {
    public static var schema: Schema { .array(of: Element.schema) }
    public var json: JSONValue { .array(map(\.json)) }

    public init(json: JSONValue, at pointer: String) throws(Problem) {
        guard let values = json.array else { throw json.unexpected("an array", at: pointer) }
        self = []
        for (index, value) in values.enumerated() { append(try Element(json: value, at: "\(pointer)/\(index)")) }
    }
}

/// Whatever it is, as it stands.
extension JSONValue: BodyValue {
    public static var schema: Schema { Schema([:], example: .object([])) }
    public var json: JSONValue { self }
    public init(json: JSONValue, at pointer: String) throws(Problem) { self = json }
}

/// An object with members of any names, in their order.
public struct BodyMap<Value: BodyValue>: BodyValue {
    public var entries: [(name: String, value: Value)]

    public init(_ entries: [(name: String, value: Value)] = []) { self.entries = entries }

    public static var schema: Schema {
        .map(of: Value.schema, example: .object([.init("name", Value.schema.example)]))
    }

    public var json: JSONValue { .object(entries.map { .init($0.name, $0.value.json) }) }

    public init(json: JSONValue, at pointer: String) throws(Problem) {
        guard let members = json.members else { throw json.unexpected("an object", at: pointer) }
        entries = []
        for member in members {
            let place = pointer + "/" + JSONPointer.escaped(member.name)
            entries.append((member.name, try Value(json: member.value, at: place)))
        }
    }
}

/// One of a few words.
public protocol BodyWord: BodyValue, NamedSchema, RawRepresentable, CaseIterable where RawValue == String {
    static var summary: String { get }
}

extension BodyWord {
    public static var schema: Schema { .reference(Self.self) }

    public static var definition: Schema {
        let words = allCases.map { JSONValue.string($0.rawValue) }
        return Schema(
            ["type": "string", "description": .string(summary), "enum": .array(words)], example: words.first ?? .null)
    }

    public var json: JSONValue { .string(rawValue) }

    public init(json: JSONValue, at pointer: String) throws(Problem) {
        guard let text = json.string else { throw json.unexpected("a string", at: pointer) }
        guard let word = Self(rawValue: text) else {
            let words = Self.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
            throw ObjectReader.refused(pointer, .invalidValue, "\(JSONPointer.subject(pointer)) is one of \(words).")
        }
        self = word
    }
}

extension Discriminator: BodyValue {
    public static var schema: Schema { .string() }
    public var json: JSONValue { .string(text) }

    public init(json: JSONValue, at pointer: String) throws(Problem) {
        guard let text = json.string else { throw json.unexpected("a string", at: pointer) }
        do throws(Problem) {
            try self.init(text)
        } catch {
            throw ObjectReader.refused(pointer, error.code, error.detail)
        }
    }
}

extension JSONValue {
    /// - Parameter pointer: where the value stands. A member is named in the sentence, an element of a list is not.
    func unexpected(_ expected: String, at pointer: String) -> Problem {
        let detail =
            JSONPointer.member(pointer).map { "'\($0)' is \(expected), found \(typeName)." }
            ?? "Expected \(expected), found \(typeName)."
        return ObjectReader.refused(pointer, .wrongType, detail)
    }
}

extension JSONPointer {
    /// The name of the member that a pointer leads to; nil for an element of a list, and for the body as a whole.
    static func member(_ pointer: String) -> String? {
        guard let last = pointer.split(separator: "/", omittingEmptySubsequences: false).dropFirst().last,
            Int(last) == nil
        else { return nil }
        return unescaped(last)
    }

    /// What a sentence calls the value that a pointer leads to.
    static func subject(_ pointer: String) -> String { member(pointer).map { "'\($0)'" } ?? "It" }

    /// One part of a pointer, as the name that it stands for.
    public static func unescaped(_ part: some StringProtocol) -> String {
        String(part).replacing("~1", with: "/").replacing("~0", with: "~")
    }
}

public import OvationCore

/// Reads the members of a JSON object, and says where (JSON pointer) and why when one does not fit. Unknown members are
/// ignored, so that newer clients can talk to older servers.
public struct ObjectReader: Sendable {
    public let pointer: String
    public let members: [JSONValue.Member]

    public init(_ value: JSONValue, at pointer: String = "") throws(Problem) {
        guard case .object(let members) = value else {
            throw ObjectReader.refused(pointer, .wrongType, "Expected an object, found \(value.typeName).")
        }
        self.pointer = pointer
        self.members = members
    }

    /// - Throws: when there is a member of another name: for files, where a misspelt one must not go unseen.
    public func allow(only names: [String]) throws(Problem) {
        for member in members where !names.contains(member.name) {
            let known = names.map { "'\($0)'" }.joined(separator: ", ")
            throw ObjectReader.refused(
                path(member.name), .unknownField, "There is no \(member.name.quoted) here, only \(known).")
        }
    }

    /// The member; nil when absent or null.
    public func value(_ name: String) throws(Problem) -> JSONValue? {
        var found: JSONValue?
        for member in members where member.name == name {
            guard found == nil else {
                throw ObjectReader.refused(path(name), .duplicateMember, "'\(name)' is given more than once.")
            }
            found = member.value
        }
        return found == .null ? nil : found
    }

    public func string(_ name: String) throws(Problem) -> String? {
        guard let value = try value(name) else { return nil }
        guard case .string(let text) = value else { throw wrongType(name, "a string", value) }
        return text
    }

    public func bool(_ name: String) throws(Problem) -> Bool? {
        guard let value = try value(name) else { return nil }
        guard case .bool(let flag) = value else { throw wrongType(name, "true or false", value) }
        return flag
    }

    public func array(_ name: String) throws(Problem) -> [JSONValue]? {
        guard let value = try value(name) else { return nil }
        guard case .array(let values) = value else { throw wrongType(name, "an array", value) }
        return values
    }

    public func object(_ name: String) throws(Problem) -> ObjectReader? {
        guard let value = try value(name) else { return nil }
        return try ObjectReader(value, at: path(name))
    }

    /// One of an enumeration's words.
    public func word<Word: RawRepresentable & CaseIterable>(
        _ name: String, of type: Word.Type
    ) throws(Problem) -> Word? where Word.RawValue == String {
        guard let text = try string(name) else { return nil }
        guard let word = Word(rawValue: text) else {
            let words = Word.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
            throw ObjectReader.refused(path(name), .invalidValue, "'\(name)' is one of \(words).")
        }
        return word
    }

    public func timestamp(_ name: String) throws(Problem) -> Timestamp? {
        guard let text = try string(name) else { return nil }
        guard let timestamp = Timestamp(rfc3339: text) else {
            throw ObjectReader.refused(
                path(name), .invalidTime, "'\(name)' is a date and time such as 2021-01-07T12:17:56.054Z.")
        }
        return timestamp
    }

    /// A number or a string of digits.
    public func versionID(_ name: String) throws(Problem) -> EventVersion.ID? {
        guard let value = try value(name) else { return nil }
        guard let id = VersionID.parse(value), id > 0 else {
            throw ObjectReader.refused(path(name), .invalidVersionID, "'\(name)' is a positive number.")
        }
        return id
    }

    public func discriminator<Definition>(
        _ name: String, of type: Definition.Type
    ) throws(Problem) -> Discriminator<Definition>? {
        guard let text = try string(name) else { return nil }
        do {
            return try Discriminator<Definition>(text)
        } catch {
            throw ObjectReader.refused(path(name), error.code, error.detail)
        }
    }

    public func required<Value>(_ name: String, _ value: Value?) throws(Problem) -> Value {
        guard let value else { throw ObjectReader.refused(path(name), .missingMember, "'\(name)' is missing.") }
        return value
    }

    public func path(_ name: String) -> String { pointer + "/" + JSONPointer.escaped(name) }

    private func wrongType(_ name: String, _ expected: String, _ found: JSONValue) -> Problem {
        ObjectReader.refused(path(name), .wrongType, "'\(name)' is \(expected), found \(found.typeName).")
    }

    public static func refused(_ pointer: String, _ code: Problem.Code, _ detail: String) -> Problem {
        Problem(
            .validationFailed, "The request body does not fit: \(detail)",
            errors: [ItemError(index: nil, pointer: pointer, code: code, detail: detail)])
    }
}

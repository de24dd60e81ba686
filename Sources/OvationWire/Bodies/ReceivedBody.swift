public import OvationCore

// How a client reads the answer of a server that is not of its own version: an older one leaves members out that came
// later, and the vendor's has only the vendor's.

extension Body {
    /// Reads an answer. A required member that the answer leaves out has the value that an empty body has: 0, an empty
    /// text, an empty list. A number stands where a text is expected, as in the ids of the vendor. A member of another
    /// name is skipped, also in a body that is strict as a request: a newer server may have more to tell.
    /// - Throws: where a member has a value that this version cannot read.
    public init(received json: JSONValue) throws(OvationCore.Problem) {
        try self.init(json: Self.completed(json))
    }

    // One for all bodies: only clients call it, and one for each body would make the program larger.
    @_semantics("optimize.sil.specialize.generic.never")
    public static func completed(_ json: JSONValue) -> JSONValue {
        guard var found = json.members else { return json }
        let empty = Self()
        if Self.isStrict {
            let known = Set(Self.members.list.map(\.name))
            found.removeAll { !known.contains($0.name) }
        }
        for member in Self.members.list {
            if let index = found.firstIndex(where: { $0.name == member.name && $0.value != .null }) {
                found[index] = .init(member.name, member.complete(found[index].value))
            } else if member.isRequired, let value = member.write(empty) {
                found.removeAll { $0.name == member.name }
                found.append(.init(member.name, value))
            }
        }
        return .object(found)
    }
}

extension BodyValue {
    public static func completed(_ json: JSONValue) -> JSONValue { json }
}

extension String {
    public static func completed(_ json: JSONValue) -> JSONValue {
        if case .number(let digits) = json { .string(digits) } else { json }
    }
}

extension Array where Element: BodyValue {
    public static func completed(_ json: JSONValue) -> JSONValue {
        json.array.map { .array($0.map(Element.completed)) } ?? json
    }
}

extension Bodies.Fields {
    public static func completed(_ json: JSONValue) -> JSONValue {
        json.members.map { .object($0.map { .init($0.name, Bodies.FieldRequest.completed($0.value)) }) } ?? json
    }
}

extension Bodies.PermissionList {
    public static func completed(_ json: JSONValue) -> JSONValue { Bodies.completed(permissions: json) }
}

extension Bodies.PermissionMap {
    public static func completed(_ json: JSONValue) -> JSONValue { Bodies.completed(permissions: json) }
}

extension Bodies {
    /// Permissions as a list or as a map, without what this version does not know.
    fileprivate static func completed(permissions json: JSONValue) -> JSONValue {
        func known(_ entry: JSONValue) -> JSONValue {
            let names = ["keyspace_discriminator", "read", "write"]
            return entry.members.map { .object($0.filter { names.contains($0.name) }) } ?? entry
        }
        if let entries = json.array { return .array(entries.map(known)) }
        return json.members.map { .object($0.map { .init($0.name, known($0.value)) }) } ?? json
    }
}

extension BodyMap {
    public static func completed(_ json: JSONValue) -> JSONValue {
        json.members.map { .object($0.map { .init($0.name, Value.completed($0.value)) }) } ?? json
    }
}
